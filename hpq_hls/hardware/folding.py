"""Choosing lanes, PE and SIMD: the least hardware that meets a target interval."""

from __future__ import annotations

from collections.abc import Mapping

from hpq_hls.errors import ConfigError
from hpq_hls.hardware.config import LayerFolding
from hpq_hls.kernels.lanes import divisors

SPARE = 1.5
"""More than so many times the fewest multipliers never pay."""
IDLE = 1 / 16
"""Columns that rest in the last step of a vector, at most, as a share of all columns of all its steps."""


def choose_folding(
    layer: str, rows: int, simds: Mapping[int, int], products: int, wish: LayerFolding, target: int
) -> tuple[int, int]:
    """(pe, simd) for ``products`` matrix-vector products of so many rows.

    simds: the legal SIMD values, and in how many steps each takes a vector. Fewest multipliers that meet the
    target; among equals the larger SIMD, whose accumulators are fewer.

    Raises:
        ConfigError: pe or simd given by hand do not divide the layer.
    """
    pes = _options(layer, "pe", wish.pe, divisors(rows))
    choices = _options(layer, "simd", wish.simd, sorted(simds))
    limit = target
    if wish.reuse_factor is not None:
        limit = products * wish.reuse_factor
    best: tuple[tuple[int, int, int], int, int] | None = None
    for pe in pes:
        for simd in choices:
            cycles = products * (rows // pe) * simds[simd]
            late = 0 if cycles <= limit else cycles
            key = (late, pe * simd, -simd)
            if best is None or key < best[0]:
                best = (key, pe, simd)
    assert best is not None
    return best[1], best[2]


def foldings(rows: int, simds: Mapping[int, int], products: int, target: int) -> list[tuple[int, int]]:
    """The (pe, simd) that a choice by cost looks at: those that meet the target with little more than the
    fewest multipliers; none where nothing meets it. Arguments: as ``choose_folding``."""
    meeting = [
        (pe, simd)
        for pe in divisors(rows)
        for simd, steps in simds.items()
        if products * (rows // pe) * steps <= target
    ]
    fewest = min((pe * simd for pe, simd in meeting), default=0)
    return [(pe, simd) for pe, simd in meeting if pe * simd <= SPARE * fewest]


def regroupable(cols: int, beat: int) -> dict[int, int]:
    """SIMD values for vectors of ``cols`` elements in beats of ``beat``, and the steps of each: those that
    divide the columns and fit beats without remainder; and those that take each beat in so many steps, in the
    last of which a few columns rest."""
    simds = {d: cols // d for d in divisors(cols) if beat % d == 0 or d % beat == 0}
    if cols % beat == 0:
        for parts in range(2, beat):
            simd = -(-beat // parts)
            if cols % simd and -(-beat // simd) == parts and parts * simd <= beat * (1 + IDLE):
                simds[simd] = cols // beat * parts
    return simds


def _options(layer: str, what: str, wish: int | None, legal: list[int]) -> list[int]:
    if wish is None:
        return legal
    if wish not in legal:
        raise ConfigError(
            f"{what} of layer {layer!r} is {wish}, which does not divide the layer; "
            f"choose one of {', '.join(map(str, legal))}"
        )
    return [wish]
