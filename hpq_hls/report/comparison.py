"""The page of several designs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpq_hls.report import text
from hpq_hls.report.axes import Axis, padded
from hpq_hls.report.dataflow import dataflow_chart
from hpq_hls.report.page import FILTERS
from hpq_hls.report.search_tables import compare_rows, remarks
from hpq_hls.report.tables import UNITS
from hpq_hls.search.limits import Figure
from hpq_hls.search.metric import Kind, kind_of
from hpq_hls.search.objective import find_objective
from hpq_hls.templating import render
from hpq_hls.tools.files import write_file
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.version import __version__
from hpq_hls.workflow.compare import CompareResult
from hpq_hls.workflow.results import plain

Plain = dict[str, Any]
_COST = find_objective("lut")


def write_comparison(result: CompareResult, path: Path, reporter: Reporter | None = None) -> None:
    """Write the page of a thorough comparison.

    Raises:
        OutputError: it cannot be written.
    """
    with (reporter or Quiet()).step("Writing the page") as step:
        write_file(path, render_comparison(plain(result)))
        step.conclude(str(path))


def render_comparison(result: Plain, explored: Plain | None = None) -> str:
    """The page of a comparison in its plain form, as text. explored: what stands above it where the designs
    come from an exploration."""
    columns, table = compare_rows(result)
    rows = result["rows"]
    given = {
        "version": __version__,
        "explored": explored,
        "rows": rows,
        "columns": columns,
        "figure_rows": table,
        "remarks": remarks(result),
        "chart": comparison_chart(rows),
        "figures": _figures(rows),
        "layers": _layers(rows),
        "flows": [dataflow_chart(row["flow"]) if row["flow"] else None for row in rows],
    }
    return render("report/compare.html.j2", given, FILTERS)


def comparison_chart(rows: list[Plain]) -> Plain | None:
    """Quality against cost of each design, in percent of a frame, as ``pareto_chart`` has it; None where
    nothing is scored."""
    scored = [row for row in rows if row["scores"]]
    if not scored:
        return None
    metric = scored[0]["scores"]["metric"]
    scale = 100 if kind_of(metric) is Kind.SHARE else 1
    costs = [_cost(row["estimate"]) for row in scored]
    scores = [scale * row["scores"]["quantized_score"] for row in scored]
    floats = [scale * row["scores"]["float_score"] for row in scored]
    x, y = Axis(*padded(costs, 0.1)), Axis(*padded([*scores, *floats], 0.12), flipped=True)
    return {
        "x": x.ticks(),
        "y": [(place, f"{label} %" if scale == 100 else label) for place, label in y.ticks()],
        "titles": (
            f"Cost: {_COST.title}",
            f"{text.metric_name(metric)} on the {scored[0]['scores']['split']} split",
        ),
        "rules": [(y.place(value), "float") for value in dict.fromkeys(floats)],
        "points": [
            {"x": x.place(cost), "y": y.place(score), "label": row["label"], "cost": text.count(cost)}
            for row, cost, score in zip(scored, costs, scores, strict=True)
        ],
    }


def _cost(estimate: Plain) -> float:
    return _COST.cost({Figure.LUT: estimate["lut"], Figure.DSP: estimate["dsp"]})


def _figures(rows: list[Plain]) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """Bars: of each figure its name, and of each design its label, the figure, and the largest of all."""
    named = [("Weight memory in bits", [row["network"]["weight_bits"] for row in rows])]
    named += [(label, [row["estimate"][key] for row in rows]) for key, label in UNITS]
    named += [
        (f"{label} in cycles", [row["estimate"][key] for row in rows])
        for key, label in (("latency_cycles", "Latency"), ("interval_cycles", "Interval"))
    ]
    return [
        (name, [(row["label"], value, max(values)) for row, value in zip(rows, values, strict=True)])
        for name, values in named
        if any(values)
    ]


def _layers(rows: list[Plain]) -> list[tuple[str, list[Plain]]]:
    """Of each layer its name, and what each design has of it: parts of the network, the estimate and the
    trace."""
    parts = [
        {
            "network": _named(row["network"]["layers"]),
            "estimate": _named(row["estimate"]["layers"]),
            "trace": _named(row["trace"]["layers"] if row["trace"] else []),
        }
        for row in rows
    ]
    names = dict.fromkeys(name for own in parts for name in own["network"])
    return [
        (name, [{part: layers.get(name) for part, layers in own.items()} for own in parts]) for name in names
    ]


def _named(layers: list[Plain]) -> dict[str, Plain]:
    return {layer["name"]: layer for layer in layers}
