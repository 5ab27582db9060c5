"""hpq.explore: several objectives, parts, clocks and drops, each accuracy measured once."""

from __future__ import annotations

import csv
import html
import io
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.cost import ResourceEstimate
from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.graph import Graph
from hpq_hls.hardware import DEFAULT_PART
from hpq_hls.project import DEFAULT_CLOCK_NS, estimate
from hpq_hls.search import SearchResult, search
from hpq_hls.search.export import rows_of, write_text
from hpq_hls.search.problem import Samples
from hpq_hls.search.result import Progress
from hpq_hls.search.telling import progress_of
from hpq_hls.shown import Shown

SINGLE = {
    "objective": "objectives",
    "part": "parts",
    "clock_ns": "clocks_ns",
    "max_drop": "max_drops",
}
"""Arguments of ``search``, and what gives several of each here."""
NOT_TAKEN = {
    "resume": "with a journal it always goes on from that",
    "drops": "give them as max_drops",
    "hardware": "give target_interval, target_fps or utilisation",
}
"""Arguments of ``search`` that are not the caller's here, and what to do."""
OF_A_POINT = ("error", "excess")
"""Figures of a point that say nothing here."""


@dataclass(frozen=True, eq=False, repr=False)
class Variant(Shown):
    """What one objective, part, clock and drop ask for.

    search: what was found; report: the estimate of it, on this part and at this clock.
    """

    objective: str | Mapping[str, float]
    part: str
    clock_ns: float
    max_drop: float
    search: SearchResult
    report: ResourceEstimate

    def facts(self) -> Mapping[str, str]:
        return {"part": self.part, "clock": f"{self.clock_ns:g} ns", **self.search.facts()}

    def figures(self) -> dict[str, Any]:
        """A row of the table: see ``figures_of``."""
        return figures_of(self.search, self.report)


@dataclass(frozen=True, eq=False, repr=False)
class Exploration(Shown):
    """Outcome of ``explore``: one variant for each combination, objectives outermost."""

    variants: tuple[Variant, ...]

    @property
    def evaluations(self) -> int:
        """Combinations that the searches looked at, all together."""
        return sum(variant.search.evaluations for variant in self.variants)

    @property
    def measured(self) -> int:
        """How many of them had to be simulated; of the others the accuracy was known."""
        return sum(measured(variant.search) for variant in self.variants)

    def facts(self) -> Mapping[str, str]:
        return {
            "variants": f"{len(self.variants):,}",
            "feasible": f"{sum(variant.search.feasible for variant in self.variants):,}",
            "evaluated": f"{self.evaluations:,} combinations",
            "measured": f"{self.measured:,}",
        }

    def rows(self) -> list[dict[str, Any]]:
        """The figures of every variant, numbered from 1."""
        return [{"row": row, **variant.figures()} for row, variant in enumerate(self.variants, start=1)]

    def to_csv(self, path: str | Path) -> Path:
        """Write ``rows`` as CSV.

        Raises:
            OutputError: the file cannot be written.
        """
        return write_text(path, table_text(self.rows()))

    def to_dataframe(self) -> Any:
        """``rows`` as a pandas DataFrame.

        Raises:
            ToolError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ToolError("pandas is not installed; install it, or use to_csv") from None
        return pd.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        """For notebooks: a line for each variant."""
        rows = self.rows()
        names = [name for name in rows[0] if "." not in name]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        cells = [[f"<td>{html.escape(_cell(row[name]))}</td>" for name in names] for row in rows]
        body = "".join(f"<tr>{''.join(line)}</tr>" for line in cells)
        return f"<table><caption><b>Exploration</b></caption><tr>{head}</tr>{body}</table>"


def explore(
    graph: Graph,
    calibration_x: Any,
    validation: Samples,
    *,
    test: Samples | None = None,
    objectives: str | Mapping[str, float] | Sequence[str | Mapping[str, float]] = "lut",
    parts: str | Sequence[str] = DEFAULT_PART,
    clocks_ns: float | Sequence[float] = DEFAULT_CLOCK_NS,
    max_drops: float | Sequence[float] = 0.01,
    journal: str | Path | None = None,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Exploration:
    """Search for every combination of the objectives, parts, clocks and drops; each result is the one that a
    search of its own finds.

    What a precision's accuracy is does not depend on any of these. So it is measured once, whatever search
    asks for it first, and the searches after that only price it.

    graph, calibration_x, validation, test: as of ``search``. objectives, parts, clocks_ns, max_drops: one or
    several of what ``search`` takes one of. journal: a file as of ``search``, in which evaluations stay: what
    it holds already is not measured again. progress: as of ``search``. options: of ``search``, the same for
    all, such as ``target_fps=1000`` and ``effort="fast"``.

    Raises:
        ConfigError: an empty list, or an option that there are several of. Otherwise as ``search``.
    """
    for name, several in SINGLE.items():
        if name in options:
            raise ConfigError(f"explore takes {several}, one or more, instead of {name}")
    drops = listed("max_drops", max_drops)
    chosen = list(
        itertools.product(
            listed("objectives", objectives), listed("parts", parts), listed("clocks_ns", clocks_ns), drops
        )
    )
    for name, instead in NOT_TAKEN.items():
        if name in options:
            raise ConfigError(f"explore takes no {name}; {instead}")
    found: list[Variant] = []
    with tempfile.TemporaryDirectory(prefix="hpq_explore_") as folder:
        kept = Path(folder) / "journal.sqlite" if journal is None else journal
        for number, (objective, part, clock_ns, max_drop) in enumerate(chosen, start=1):
            with progress_of(progress, kept, f"Row {number} of {len(chosen)}") as telling:
                result = search(
                    graph,
                    calibration_x,
                    validation,
                    test=test,
                    objective=objective,
                    part=part,
                    clock_ns=clock_ns,
                    max_drop=max_drop,
                    drops=drops,
                    journal=kept,
                    resume=True,
                    progress=telling or False,
                    **options,
                )
            if result.interrupted:
                raise KeyboardInterrupt
            target = result.target_interval
            report = estimate(result.best, part=part, clock_ns=clock_ns, target_interval=target)
            found.append(Variant(objective, part, clock_ns, max_drop, result, report))
    return Exploration(tuple(found))


def listed(name: str, given: Any) -> tuple[Any, ...]:
    """One or several values as a tuple without repetitions.

    Raises:
        ConfigError: there is none.
    """
    several = isinstance(given, Sequence) and not isinstance(given, str)
    values = list(given) if several else [given]
    if not values:
        raise ConfigError(f"{name} is empty; give one or more")
    return tuple(value for index, value in enumerate(values) if value not in values[:index])


def measured(found: SearchResult) -> int:
    """Combinations that a search had to simulate."""
    return found.evaluations - found.resumed - found.shared


def figures_of(found: SearchResult, report: ResourceEstimate) -> dict[str, Any]:
    """What was asked for and what came out, as one flat row: accuracies on the validation data, the estimate,
    evaluations and how many were measured, then the widths of every layer as ``SearchResult.to_csv`` has
    them. test_accuracy, drop_bound: None where they are not known."""
    (point,) = rows_of([found.best_point], found.float_accuracy)
    own = {name: point.pop(name) for name in ("accuracy", "drop", "cost", "weight_bits")}
    for name in OF_A_POINT:
        del point[name]
    resources = ("lut", "ff", "dsp", "bram", "latency_cycles", "interval_cycles", "fmax_mhz", "fits")
    return {
        "objective": found.objective,
        "part": report.part,
        "clock_ns": report.clock_ns,
        "max_drop": found.max_drop,
        "feasible": found.feasible,
        "certified": found.certified,
        "drop_bound": found.drop_bound,
        "float_accuracy": found.float_accuracy,
        **own,
        "test_accuracy": None if found.test is None else found.test.accuracy,
        **{name: getattr(report, name) for name in resources},
        "target_interval": found.target_interval,
        "evaluations": found.evaluations,
        "measured": measured(found),
        **point,
    }


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header; nothing where a row has no such figure."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
