"""Tables whose cells have shades: what each width does alone, and which classes are taken for which."""

from __future__ import annotations

import math
from typing import Any

from hpq_hls.report import text

Plain = dict[str, Any]
SHADES = 7
"""From 0, next to nothing, to this, the most; style.css has a pair of colours for each."""
CLASSES = 24
"""Of a confusion matrix, at most; of more, the most frequent confusions are listed."""
LISTED = 20


def heat_map(search: Plain) -> Plain | None:
    """What each width does alone, variable by variable: ``widths``, the columns, and ``rows`` of a name and
    cells, None where a width was not measured. None where none was."""
    found = search["sensitivity"]
    if not found:
        return None
    widths = sorted({one["width"] for one in found}, reverse=True)
    errors = [one["error"] for one in found if one["error"] > 0]
    low, high = (math.log(min(errors)), math.log(max(errors))) if errors else (0.0, 0.0)
    layers = search["best"]["precision"]["layers"]
    rows: dict[tuple[str, ...], dict[int, Plain]] = {}
    for one in found:
        share = 0.0 if one["error"] <= 0 or low == high else (math.log(one["error"]) - low) / (high - low)
        layer, _, part = one["variables"][0].rpartition(".")
        rows.setdefault(tuple(one["variables"]), {})[one["width"]] = {
            "shade": round(SHADES * share),
            "lost": text.drop(one["lost"], search["metric"]).removesuffix(" points"),
            "error": _decibel(one["error"]),
            "chosen": layers.get(layer, {}).get(part) == one["width"],
        }
    return {
        "widths": widths,
        "rows": [(", ".join(names), [cells.get(width) for width in widths]) for names, cells in rows.items()],
        "ends": (_decibel(min(errors, default=0)), _decibel(max(errors, default=0))),
        "unit": "points" if text.drop(0.0, search["metric"]).endswith("points") else search["metric"],
    }


def _decibel(error: float) -> str:
    return f"{10 * math.log10(error):.1f} dB" if error > 0 else "none"


def confusion_matrix(confusion: Plain) -> Plain:
    """Counts, shaded by the root of their share of the class: ``rows`` of a class, its cells and the share
    that is right; where there are too many classes, ``rows`` is empty. ``pairs``: the most frequent
    confusions, (labelled, given, quantized, float)."""
    classes = confusion["classes"]
    counts = {(a, b): n for a, b, n in confusion["counts"]}
    floats = {(a, b): n for a, b, n in confusion["float_counts"]}
    totals = {a: sum(n for (row, _), n in counts.items() if row == a) for a in range(classes)}
    wrong = sorted({*counts, *floats}, key=lambda pair: (-counts.get(pair, 0), -floats.get(pair, 0), pair))

    def cell(a: int, b: int) -> Plain:
        n = counts.get((a, b), 0)
        shade = math.ceil(SHADES * math.sqrt(n / totals[a])) if n else 0
        return {"count": n, "float": floats.get((a, b), 0), "right": a == b, "shade": shade}

    rows = [
        (a, [cell(a, b) for b in range(classes)], text.share(counts.get((a, a), 0), totals[a]))
        for a in range(classes if classes <= CLASSES else 0)
    ]
    pairs = [(a, b, counts.get((a, b), 0), floats.get((a, b), 0)) for a, b in wrong if a != b]
    return {"rows": rows, "pairs": pairs[:LISTED], "classes": classes, "split": confusion["split"]}
