"""How kernels move beats, as far as timing is concerned: a kind of actor and its parameters.

The actors themselves are in ``hpq_hls.cost.actors`` and, compiled, in ``hw_sim/timing``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class StageKind(enum.Enum):
    """Which actor a stage is; the numbers are those of hw_sim/timing/follow.cpp.

    PIPELINE: registers, group, folds, whether there is a skid register. WIRING: none. NARROW, WIDEN: the
    ratio. WINDOW: the geometry (see ``hpq_hls.kernels``). REDUCE: registers, beats of a period, how many of
    them, the first ones, make no result.
    ratio. WINDOW: the geometry (see ``hpq_hls.kernels``). REORDER: beats of a frame in, and out. SPLICE: for
    each run the input or -1, whether its beats leave, and how many there are.
    """

    PIPELINE = 0
    WIRING = 1
    NARROW = 2
    WIDEN = 3
    WINDOW = 4
    REDUCE = 8
    REORDER = 5
    SPLICE = 6


@dataclass(frozen=True)
class Contract:
    """An actor and its parameters."""

    kind: StageKind
    parameters: tuple[int, ...] = ()


def pipeline(registers: int, group: int = 1, folds: int = 1, *, skid: bool = False) -> Contract:
    """A pipeline that gives ``folds`` beats, ``group`` cycles apart, for every ``group`` beats it takes."""
    return Contract(StageKind.PIPELINE, (registers, group, folds, int(skid)))


def wiring() -> Contract:
    """No register: every output takes the beat when it can."""
    return Contract(StageKind.WIRING)


def tree_registers(terms: int) -> int:
    """Registers on the way through an adder or comparator tree: one after every second level."""
    levels = (terms - 1).bit_length()
    return (levels + 1) // 2
