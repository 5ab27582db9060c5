"""Points of a search as CSV and as JSON, every figure exact."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import OutputError

if TYPE_CHECKING:
    from hpq_hls.search.point import Point
    from hpq_hls.search.result import SearchResult

FIGURES = ("accuracy", "drop", "cost", "weight_bits", "error", "excess")


def rows_of(points: Sequence[Point], float_accuracy: float) -> list[dict[str, Any]]:
    """One row for each point: ``FIGURES``, then ``layer.weight``, ``layer.activation`` and
    ``layer.rounding`` of every layer that has one of its own. drop: of accuracy, against the float
    network."""
    rows = []
    for point in points:
        drop = float_accuracy - point.accuracy
        figures = (point.accuracy, drop, point.cost, point.weight_bits, point.error, point.excess)
        layers = point.precision.to_dict()["layers"]
        chosen = {f"{layer}.{part}": own for layer, parts in layers.items() for part, own in parts.items()}
        rows.append(dict(zip(FIGURES, figures, strict=True)) | chosen)
    return rows


def csv_text(points: Sequence[Point], float_accuracy: float) -> str:
    """The rows as CSV with a header; Python and most other programs read the numbers back exactly."""
    rows = rows_of(points, float_accuracy)
    columns = list(dict.fromkeys([*FIGURES, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def json_text(result: SearchResult, points: Sequence[Point]) -> str:
    """What was searched for, and each point with its precision as ``hpq_hls.quantize`` takes it."""
    found = [
        dict(zip(FIGURES, (row[name] for name in FIGURES), strict=True))
        | {"precision": point.precision.to_dict()}
        for row, point in zip(rows_of(points, result.float_accuracy), points, strict=True)
    ]
    content = {
        "objective": result.objective,
        "metric": result.metric,
        "float_accuracy": result.float_accuracy,
        "max_drop": result.max_drop,
        "target_interval": result.target_interval,
        "best": {
            "precision": result.best_point.precision.to_dict(),
            "confidence": result.confidence,
            "certified": result.certified,
            "drop_bound": result.drop_bound,
        },
        "points": found,
    }
    return json.dumps(content, indent=1, default=str) + "\n"


def write_text(path: str | Path, text: str) -> Path:
    """Write a file.

    Raises:
        OutputError: it cannot be written.
    """
    target = Path(path)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror or error}); choose another place"
        ) from error
    return target
