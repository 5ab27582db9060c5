"""The table and the page of an exploration."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from hpq_hls.report import text as t
from hpq_hls.report.comparison import render_comparison
from hpq_hls.report.tables import make_pairs, make_table
from hpq_hls.tools.files import write_file
from hpq_hls.tools.progress import Quiet, Reporter

Plain = dict[str, Any]
PAGE = "explore.html"
RESOURCES = (("lut", "LUT"), ("dsp", "DSP"), ("bram", "BRAM"))


def explore_tables(result: Plain) -> RenderableType:
    """What ``hpq explore`` shows."""
    columns, rows = explored(result)
    asked, fresh = result["evaluations"], result["measured"]
    pairs = [
        ("combinations", f"{asked:,} in all, {fresh:,} of them measured now"),
        ("table", result["file"]),
        ("page", result["page"]),
    ]
    return Group(
        make_table("Explored", columns, rows, left=2), make_pairs("Exploration", pairs), *notes(result)
    )


def explored(result: Plain) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows: what was asked for, accuracy on the validation data, and the design."""
    metric = result["metric"]
    columns = ("row", "asked for", t.metric_name(metric), "drop", "cost", *(name for _, name in RESOURCES))
    return (*columns, "cycles", "fits"), [_line(row, metric) for row in result["rows"]]


def _line(row: Plain, metric: str) -> tuple[str, ...]:
    figures = row["figures"]
    number = (str(row["row"]), row["label"])
    if not figures["feasible"]:
        return (*number, "none", *["-"] * (len(RESOURCES) + 4))
    return (
        *number,
        t.score(figures["accuracy"], metric),
        t.drop(figures["drop"], metric),
        t.count(figures["cost"]),
        *(t.count(figures[name]) for name, _ in RESOURCES),
        t.count(figures["interval_cycles"]),
        "yes" if figures["fits"] else "no",
    )


def notes(result: Plain) -> list[Text]:
    """What does not fit into columns."""
    said = [
        f"Row {row['row']}: no combination of the widths keeps the accuracy and all limits."
        for row in result["rows"]
        if not row["figures"]["feasible"]
    ]
    said.append("Cost is by each row's own objective; cycles are per inference.")
    return [Text(sentence) for sentence in said]


def write_exploration(result: Plain, path: Path, reporter: Reporter | None = None) -> Path:
    """Write the page of an exploration in its plain form, and return its file. path: the file, or a folder.

    Raises:
        OutputError: it cannot be written.
    """
    with (reporter or Quiet()).step("Writing the page") as step:
        file = path / PAGE if path.is_dir() else path
        write_file(file, render_exploration(result))
        step.conclude(str(file))
    return file


def render_exploration(result: Plain) -> str:
    """The page of an exploration, as text: its table, and the designs side by side."""
    columns, rows = explored(result)
    words = [(row["row"], _command(row)) for row in result["rows"] if row["file"]]
    above = {"columns": columns, "rows": rows, "commands": words, "notes": list(map(str, notes(result)))}
    return render_comparison({"rows": [row["design"] for row in result["rows"]]}, above)


def _command(row: Plain) -> str:
    """What builds a row."""
    options = [word for key, value in row["settings"].items() for word in ("--set", f"{key}={_value(value)}")]
    return shlex.join(["hpq", "generate", "--precision", row["file"], *options])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {weight}" for name, weight in value.items()) + "}"
    return str(value)
