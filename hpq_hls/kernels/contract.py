"""How kernels move beats, as far as timing is concerned: a kind of actor and its parameters.

The actors themselves are in ``hpq_hls.cost.actors`` and, compiled, in ``hw_sim/timing``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

REORDER_STAGES = 2
"""Registers behind the memory of a reordering."""

Actor = Callable[[Sequence[Any], Sequence[Any], tuple[int, ...]], Iterator[None]]
"""An actor in Python: from the channels it reads, those it writes, and its parameters, a generator like those
of ``hpq_hls.cost.actors``."""


class StageKind(enum.Enum):
    """Which actor a stage is; the numbers are those of hw_sim/timing/follow.cpp.

    PIPELINE: registers, group, folds. WIRING: none. NARROW, WIDEN: the
    ratio. WINDOW: the geometry (see ``hpq_hls.kernels.window``). REDUCE: registers, beats of a period, how
    many of them, the first ones, make no result. REORDER: beats of a frame in, and out. SPLICE: for each run
    the input or -1, whether its beats leave, and how many there are. LOOP: of a project of C++
    (``hpq_hls.cost.loops``): stages of its pipeline, whether the last input, and whether the output, is a
    memory that is handed over at the end of a frame, and for each run of iterations the input, ``EVERY`` or
    ``NONE``, whether they write, and how many there are. OWN: an actor that the contract carries.
    """

    OWN = -1

    PIPELINE = 0
    WIRING = 1
    NARROW = 2
    WIDEN = 3
    WINDOW = 4
    REORDER = 5
    SPLICE = 6
    LOOP = 7
    REDUCE = 8


EVERY = -2
"""An iteration of a loop that reads a beat of each stream."""
NONE = -1
"""One that reads nothing."""


@dataclass(frozen=True)
class Contract:
    """An actor and its parameters.

    actor: of the kind OWN, a function of a module, always the same one. A design with such an actor is
    followed in Python, about a hundred times slower. own_latency: of such an actor, as ``latency``.
    """

    kind: StageKind
    parameters: tuple[int, ...] = ()
    actor: Actor | None = None
    own_latency: int = 0

    @property
    def latency(self) -> int:
        """Cycles after the handshake of a result at which its data is there (``LATENCY`` of hpq_fifo)."""
        if self.kind is StageKind.REORDER:
            return REORDER_STAGES
        if self.kind is StageKind.OWN:
            return self.own_latency
        return self.parameters[0] if self.kind in (StageKind.PIPELINE, StageKind.REDUCE) else 0

    @property
    def under_way(self) -> int:
        """Results at full rate that are on their way, or in the FIFO for a cycle only, but for the two that
        any FIFO holds."""
        apart = 1
        if self.kind is StageKind.PIPELINE:
            apart = self.parameters[1]
        elif self.kind is StageKind.REDUCE:
            _, beats, quiet = self.parameters
            apart = beats if beats - quiet == 1 else 1
        return max(-(-(self.latency + 2) // apart) - 2, 0)


def own(actor: Actor, *parameters: int, latency: int = 0) -> Contract:
    """An actor that none of those here can stand for.

    latency: cycles after the handshake of a result at which its data is there.
    """
    return Contract(StageKind.OWN, parameters, actor, latency)


def pipeline(registers: int, group: int = 1, folds: int = 1) -> Contract:
    """A pipeline that gives ``folds`` beats, ``group`` cycles apart, for every ``group`` beats it takes.

    It never stands still: it takes what makes a result where there is a place for that in the FIFO behind it.
    """
    return Contract(StageKind.PIPELINE, (registers, group, folds))


def wiring() -> Contract:
    """No register: every output takes the beat when it can."""
    return Contract(StageKind.WIRING)
