"""What the default search has to reach on LeNet within half a point, and what it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from search_runs import DEFAULT, Bench, Found, accuracy, mean_width
from search_tables import table, uniform_of, widths_of

import hpq_hls as hpq

DROP = 0.005
TUNED_FROM = (0.03, 0.015, DROP)
"""Drops that searches may make before fine-tuning."""
TUNED_EPOCHS = 5


@dataclass(frozen=True)
class Bar:
    """A figure and the largest that it may be."""

    title: str
    limit: float | None
    measured: float
    unit: str = ""

    def row(self) -> list[str]:
        """For a table."""
        if self.limit is None:
            return [self.title, "", f"{self.measured:.2f}{self.unit}", ""]
        verdict = "yes" if self.measured <= self.limit else "no"
        return [self.title, f"{self.limit:g}{self.unit}", f"{self.measured:.2f}{self.unit}", verdict]


def measured_bars(bench: Bench) -> str:
    """All bars as a table, and what they were measured on."""
    found = [
        item
        for objective in ("weight_bits", "lut")
        for item in bench.compare(objective, [DROP], [])
        if isinstance(item, Found)
    ]
    chosen = [item for item in found if item.strategy == DEFAULT]
    lines = [_told(item) for pair in ((uniform_of(item, found), item) for item in chosen) for item in pair]
    rows = [bar.row() for bar in _bars(chosen, found, bench)]
    return "\n".join([*lines, "", table(["figure", "at most", "measured", "reached"], rows)])


def _bars(chosen: list[Found], found: list[Found], bench: Bench) -> Iterator[Bar]:
    memory, lut = chosen
    uniform = uniform_of(lut, found)
    yield Bar(
        "weight memory / best uniform", 0.70, memory.weight_bits / uniform_of(memory, found).weight_bits
    )
    yield Bar("LUT + 55 per DSP / best uniform", 0.80, lut.cost / uniform.cost)
    yield Bar("LUT alone / best uniform", 0.80, lut.lut / uniform.lut)
    yield Bar("bits per weight", 3.0, memory.mean_width)
    yield from _tuned(bench)
    for item in chosen:
        yield Bar(
            f"time of the search, {item.objective}, {bench.settings.jobs} processes", 120, item.seconds, " s"
        )


def _tuned(bench: Bench) -> Iterator[Bar]:
    """The narrowest weights that are within the drop again after fine-tuning.

    Searches that may lose more give narrower and narrower networks; the first that fine-tuning brings back
    counts, and its accuracy on the test images is told as well.
    """
    own = bench.problem
    for drop in TUNED_FROM:
        result, _ = bench.search(DEFAULT, "weight_bits", drop)
        tuned = hpq.finetune(
            result.best, (own.train.x, own.train.y), (own.validation.x, own.validation.y), epochs=TUNED_EPOCHS
        )
        if tuned.accuracy_after >= result.float_accuracy - DROP - 1e-9:
            yield Bar("bits per weight, fine-tuned", 2.3, mean_width(tuned.best))
            lost = bench.float_test - accuracy(tuned.best, own.test)
            yield Bar("drop on the test images, fine-tuned, points", None, 100 * lost)
            return


def _told(item: Found) -> str:
    widths = ", ".join(
        f"{name} " + "/".join(str(width) for width in own.values()) for name, own in item.widths.items()
    )
    drops = f"drop {100 * item.validation_drop:.2f} (test {100 * item.test_drop:.2f})"
    return (
        f"{item.objective}, {item.strategy}: cost {item.cost:,.0f}, {item.lut:,} LUT, {item.dsp} DSP, "
        f"{item.weight_bits:,} weight bits, {item.mean_width:.2f} per weight, {drops}, "
        f"{item.evaluations:,} evaluations: {widths_of(item) if item.strategy == 'uniform' else widths}"
    )
