"""What a search found, and precision combinations side by side, for the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from hpq_hls.report import text as t
from hpq_hls.report.tables import (
    UNITS,
    drop_text,
    make_pairs,
    make_table,
    misfit_lines,
    precision_lines,
    quality_rows,
    unseen_rows,
)

Plain = dict[str, Any]
FRONT_ROWS = 24
"""Of a longer front, the terminal shows this many points around the chosen one; the files have them all."""


def search_tables(result: Plain) -> RenderableType:
    """What ``hpq search`` shows."""
    return Group(
        front_table(result),
        widths_table(result["network"], result["best"]["precision"]),
        make_pairs("Search", [*_quality(result), *_hardware(result), *_course(result), *_files(result)]),
        *precision_lines(result),
    )


def pick_tables(result: Plain) -> RenderableType:
    """What ``hpq search --pick`` shows."""
    best, metric = result["best"], result["metric"]
    lost = t.drop(result["float_accuracy"] - best["accuracy"], metric)
    rows = [
        (f"{t.metric_name(metric)} (validation)", f"{t.score(best['accuracy'], metric)}, drop {lost}"),
        ("cost", t.count(best["cost"])),
        *quality_rows(result["scores"], result["network"]),
        ("written to", result["file"]),
    ]
    title = "Picked" if result["row"] is not None else "Picked: the search's own choice"
    widths = widths_table(result["network"], best["precision"])
    return Group(widths, make_pairs(title, rows), *precision_lines(result), *misfit_lines(result))


def front_table(result: Plain) -> RenderableType:
    """The Pareto front around the chosen point, which may have narrower widths than the front's at no other
    cost."""
    front, metric, best = list(result["pareto"]), result["metric"], result["best"]["precision"]
    numbers = {json.dumps(point["precision"]): str(row) for row, point in enumerate(front, start=1)}
    if all(point["precision"] != best for point in front):
        front = sorted([*front, result["best"]], key=lambda point: (point["cost"], point["accuracy"]))
    chosen = next(index for index, point in enumerate(front) if point["precision"] == best)
    start = max(0, min(chosen - FRONT_ROWS // 2, len(front) - FRONT_ROWS))
    shown = front[start : start + FRONT_ROWS]
    rows = [
        (
            numbers.get(json.dumps(point["precision"]), "-"),
            t.score(point["accuracy"], metric),
            t.drop(result["float_accuracy"] - point["accuracy"], metric),
            t.count(point["cost"]),
            t.count(point["weight_bits"]),
            "<- chosen" if point["precision"] == best else "",
        )
        for point in shown
    ]
    columns = ("row", t.metric_name(metric), "drop", result["cost_of"], "weight bits", "")
    some = "" if len(shown) == len(front) else f", {len(shown)} of {len(front)} points"
    return make_table(f"Pareto front{some}", columns, rows, left=0)


def widths_table(network: Plain, precision: Plain) -> RenderableType:
    """What was chosen for each layer."""
    own = precision["layers"]
    rounding = any("rounding" in chosen for chosen in own.values())
    rows = [
        (
            layer["name"],
            layer["kind"],
            t.width(layer["weight_width"]),
            str(layer["activation_width"]),
            *([own.get(layer["name"], {}).get("rounding", "-")] if rounding else []),
            t.weight_type(layer),
            layer["activation_type"],
        )
        for layer in network["layers"]
    ]
    columns = ("layer", "operator", "weight bits", "output bits", *(["rounding"] if rounding else []))
    return make_table("Best combination", (*columns, "weights", "output"), rows, left=2)


def _quality(result: Plain) -> list[tuple[str, str]]:
    metric, best = result["metric"], result["best"]
    name, before = t.metric_name(metric), result["float_accuracy"]
    lost = t.drop(before - best["accuracy"], metric)
    allowed = t.drop(result["max_drop"], metric)
    rows = [
        (f"float {name} (validation, {result['samples']:,} samples)", t.score(before, metric)),
        (f"best {name} (validation)", f"{t.score(best['accuracy'], metric)}, drop {lost} of {allowed}"),
    ]
    tuned = result["tuned"]
    rows += unseen_rows(result, " before fine-tuning" if tuned is not None and tuned["used"] else "")
    rows += test_rows(result["test"], metric, "best")
    if tuned is not None:
        after = (
            f"{t.score(tuned['accuracy_after'], metric)} (epoch {tuned['best_epoch']} of {tuned['epochs']})"
        )
        rows.append((f"fine-tuned {name} (validation)", after if tuned["best_epoch"] else "no better"))
        rows += test_rows(tuned["test"], metric, "fine-tuned")
    return rows + [("warning", sentence) for sentence in result["warnings"]]


def test_rows(test: Plain | None, metric: str, which: str) -> list[tuple[str, str]]:
    """A test score with its intervals and its significance."""
    if test is None:
        return []
    name, sure = t.metric_name(metric), f"{test['confidence']:.0%}"

    def scored(value: str, interval: str) -> str:
        return f"{t.score(test[value], metric)} ({sure}: {t.bounds(test[interval], metric)})"

    return [
        (f"float {name} (test, {test['samples']:,} samples)", scored("float_accuracy", "float_interval")),
        (f"{which} {name} (test)", scored("accuracy", "interval")),
        ("  drop (paired)", drop_text(test, metric)),
    ]


def _hardware(result: Plain) -> list[tuple[str, str]]:
    network, best = result["network"], result["best"]
    held, uniform, floats = network["weight_bits"], network["uniform8_bits"], network["float32_bits"]
    width = network["mean_weight_width"]
    rows = [
        (f"best {result['cost_of']}", t.count(best["cost"])),
        ("mean weight width", "-" if width is None else f"{width:.2f} bits"),
        (
            "weight memory",
            f"{t.bits(held)}; {t.ratio(held, uniform)} below uniform 8 bit, {t.ratio(held, floats)} below "
            "float32",
        ),
    ]
    return rows + [("limit", sentence) for sentence in result["limits"]] + tuned_rows(result)


def tuned_rows(result: Plain) -> list[tuple[str, str]]:
    """What the fine-tuned integers cost, and whether they are used."""
    tuned = result["tuned"]
    if tuned is None or not tuned["best_epoch"]:
        return []
    change = t.change(tuned["cost"], result["best"]["cost"])
    rows = [(f"fine-tuned {result['cost_of']}", f"{t.count(tuned['cost'])} {change}".strip())]
    if tuned["exceeded"]:
        said = f"not used: exceeds {tuned['exceeded']}; the network before fine-tuning stays"
        return [*rows, ("fine-tuned network", said)]
    return rows + [("  limit", sentence) for sentence in tuned["limits"]]


def _course(result: Plain) -> list[tuple[str, str]]:
    count = f"{result['evaluations']:,} combinations in {result['seconds']:.1f} s"
    if result["resumed"]:
        count += f" ({result['resumed']:,} of them by an earlier run)"
    end = "; interrupted" if result["interrupted"] else ""
    return [("strategy", f"{result['strategy']}, {count}{end}"), ("certificate", certificate(result))]


def certificate(result: Plain) -> str:
    """What is known of the combinations one step narrower than the best."""
    proof = result["certificate"]
    if proof["minimal"]:
        return f"no width can be one step narrower: {proof['evaluated']} steps evaluated, none feasible"
    if not result["feasible"]:
        return "none: no combination is feasible"
    return f"none: {proof['evaluated']} of {proof['steps']} steps narrower were evaluated"


def _files(result: Plain) -> list[tuple[str, str]]:
    rows = []
    if result["file"]:
        rows.append(
            ("written to", f"{result['file']}; `hpq search --pick ROW` takes another row of the front")
        )
    rows.append(("Pareto front in", " and ".join(result["exported"])))
    if result["tuned"] and result["tuned"]["file"]:
        rows.append(("fine-tuned network", f"{result['tuned']['file']}; used with this very precision"))
    return rows


def compare_table(result: Plain) -> RenderableType:
    """What ``hpq compare`` shows."""
    columns, table = compare_rows(result)
    return Group(make_table("Side by side", columns, table), *map(Text, remarks(result)))


def compare_rows(result: Plain) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Columns and rows: one column for each precision combination, and by how much figures differ from the
    first one's."""
    rows = result["rows"]
    metric = next((row["scores"]["metric"] for row in rows if row["scores"]), "top1")

    def line(label: str, figure: Callable[[Plain], float]) -> tuple[str, ...]:
        first = figure(rows[0])
        cells = [f"{t.count(figure(row))} {t.change(figure(row), first)}".strip() for row in rows]
        return (label, *cells)

    def scored(label: str, show: Callable[[Plain], str]) -> tuple[str, ...]:
        return (label, *(show(row["scores"]) if row["scores"] else "-" for row in rows))

    def mean(row: Plain) -> str:
        width = row["network"]["mean_weight_width"]
        return "-" if width is None else f"{width:.2f}"

    name, sure = t.metric_name(metric), "95%"
    table: list[Sequence[str]] = [
        scored(f"float {name}", lambda scores: t.score(scores["float_score"], metric)),
        scored(f"quantized {name}", lambda scores: t.score(scores["quantized_score"], metric)),
        scored(f"  {sure} interval", lambda scores: t.bounds(scores["comparison"]["interval"], metric)),
        scored("drop", lambda scores: t.drop(scores["comparison"]["drop"], metric)),
        scored(f"  {sure} interval", lambda s: t.drop_bounds(s["comparison"]["drop_interval"], metric)),
        scored("  p", lambda scores: t.probability(scores["comparison"]["p_value"])),
        *_unseen(rows),
        line("weight memory (bits)", lambda row: row["network"]["weight_bits"]),
        ("mean weight width (bits)", *map(mean, rows)),
        *(line(label, lambda row, key=key: row["estimate"][key]) for key, label in UNITS),  # type: ignore[misc]
        line("latency (cycles)", lambda row: row["estimate"]["latency_cycles"]),
        line("interval (cycles)", lambda row: row["estimate"]["interval_cycles"]),
        ("parameters", *(row["network"]["origin"].partition(";")[0] for row in rows)),
    ]
    names = dict.fromkeys(layer["name"] for row in rows for layer in row["network"]["layers"])
    table += [
        (f"{layer} (weight/activation)", *(_widths(row["network"], layer) for row in rows)) for layer in names
    ]
    return ("", *(row["label"] for row in rows)), table


def _unseen(rows: Sequence[Plain]) -> list[Sequence[str]]:
    """The drop on unseen data, of those that a search found."""
    known = [row["guarantee"] for row in rows]
    if not any(known):
        return []
    return [
        ("drop on unseen data", *("-" if each is None else t.unseen(each) for each in known)),
        ("  certified", *("-" if each is None else _certified(each) for each in known)),
    ]


def _certified(known: Plain) -> str:
    return "-" if known["confidence"] is None else "yes" if known["certified"] else "no"


def remarks(result: Plain) -> list[str]:
    """What does not fit into columns: guarantees, and drops that are larger than may be lost."""
    said = []
    for row in result["rows"]:
        said.append(f"{row['label']}: {row['precision']['sentence']}")
        said += [f"{row['label']}: note: {note}" for note in row["precision"]["notes"]]
        if row["misfit"] is not None:
            said.append(f"{row['label']}: warning: {row['misfit']['sentence']}")
        known, scores = row["guarantee"], row["scores"]
        if known and known["confidence"] is not None:
            said.append(f"{row['label']}: {t.verdict(known)}")
        if scores and scores["warning"]:
            said.append(f"{row['label']}: warning: {scores['warning']}")
    return said


def _widths(network: Plain, name: str) -> str:
    for layer in network["layers"]:
        if layer["name"] == name:
            return f"{t.width(layer['weight_width'])}/{layer['activation_width']}"
    return "-"
