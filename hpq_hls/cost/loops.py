"""The loops of a project of C++ as a network of timed actors: what each process reads and writes in which
iteration of its pipeline.

A kernel's contract says it for the RTL module; the emitted C++ does the same beats in a loop that an HLS tool
pipelines. ``hpq_hls.verify.schedule`` takes the same down from the C++ itself, and tests hold the two equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from hpq_hls.cost.stages import End, Network, Stage
from hpq_hls.kernels import StageKind
from hpq_hls.kernels.contract import EVERY, NONE

PORT_DEPTH = 2
"""Beats that the registers of a port hold (register_mode=both)."""
MEMORIES = 2
"""Frames in the memory between the two loops of a reordering."""

Iterations = tuple[int, int, int]
"""Input, ``EVERY`` or ``NONE``; whether it writes; how many of them."""


def loops_of(network: Network, depths: Sequence[int], stages: int) -> tuple[Network, list[int]]:
    """A design's loops, each a pipeline of ``stages`` stages, those of the ports too; and the depths of its
    FIFOs, in front of which stand the given ones.

    An actor that a kernel brings is followed as it is, with such a pipeline behind it.
    """
    depths, made = list(depths), list[Stage]()

    def channel(depth: int) -> int:
        depths.append(depth)
        return len(depths) - 1

    def loop(
        inputs: Iterable[int],
        outputs: Iterable[int],
        runs: Iterable[Iterations],
        *,
        empties: bool = False,
        fills: bool = False,
    ) -> None:
        parameters = (stages, int(empties), int(fills), *itertools.chain.from_iterable(_joined(runs)))
        made.append(Stage(StageKind.LOOP, tuple(inputs), tuple(outputs), parameters))

    def port(end: End) -> End:
        return End(channel(PORT_DEPTH), end.beats)

    sources = tuple(map(port, network.sources))
    for outer, inner in zip(sources, network.sources, strict=True):
        loop([outer.fifo], [inner.fifo], [(EVERY, 1, 1)])
    for stage in network.stages:
        if stage.kind is StageKind.OWN:
            between = [channel(PORT_DEPTH) for _ in stage.outputs]
            made.append(Stage(stage.kind, stage.inputs, tuple(between), stage.parameters, stage.actor))
            for inside, out in zip(between, stage.outputs, strict=True):
                loop([inside], [out], [(EVERY, 1, 1)])
        elif stage.kind is StageKind.REORDER:
            words, beats = stage.parameters
            memory = channel(MEMORIES)
            loop(stage.inputs, [memory], [(EVERY, 0, words)], fills=True)
            loop([memory], stage.outputs, [(NONE, 1, beats)], empties=True)
        else:
            loop(stage.inputs, stage.outputs, _iterations(stage))
    sinks = tuple(map(port, network.sinks))
    for inner, outer in zip(network.sinks, sinks, strict=True):
        loop([inner.fifo], [outer.fifo], [(EVERY, 1, 1)])
    return Network(tuple(made), sources, sinks, (0,) * len(depths)), depths


def _iterations(stage: Stage) -> Iterator[Iterations]:
    """Of a frame, or of a part of one that repeats."""
    given = stage.parameters
    match stage.kind:
        case StageKind.PIPELINE:
            _, group, folds = given
            for fold in range(folds):
                source = EVERY if fold == 0 else NONE
                yield source, 0, group - 1
                yield source, 1, 1
        case StageKind.REDUCE:
            _, period, quiet = given
            yield EVERY, 0, quiet
            yield EVERY, 1, period - quiet
        case StageKind.WIRING:
            yield EVERY, 1, 1
        case StageKind.NARROW:
            yield EVERY, 1, 1
            yield NONE, 1, given[0] - 1
        case StageKind.WIDEN:
            yield EVERY, 0, given[0] - 1
            yield EVERY, 1, 1
        case StageKind.SPLICE:
            for at in range(0, len(given), 3):
                source, leaves, count = given[at : at + 3]
                yield (source if source >= 0 else NONE), leaves, count
        case StageKind.WINDOW:
            yield from _scan(*given)
        case _:
            raise TypeError(f"no loop is known of a stage of kind {stage.kind.name}")


def _scan(
    height: int,
    width: int,
    first_row: int,
    first_column: int,
    stride_h: int,
    advance: int,
    pad_top: int,
    pad_left: int,
    out_height: int,
    out_width: int,
    rows: int,
    columns: int,
    chunks: int,
    pixels: int,
) -> Iterator[Iterations]:
    """Of a window's frame. Late windows of a row leave with the first beats of the next one, those of the
    last row in iterations of their own."""
    crowded = advance < pixels and out_width > 1
    leaving = {
        first_column // pixels + x if crowded else (first_column + x * advance) // pixels
        for x in range(out_width)
    }
    emitting = {first_row + y * stride_h for y in range(out_height)}

    def row(inside: bool, emits: bool, late: bool, length: int) -> list[Iterations]:
        return _joined(
            (
                EVERY if inside and pad_left <= column < pad_left + width else NONE,
                int((emits and column in leaving) or (late and column + columns in leaving)),
                chunks,
            )
            for column in range(length)
        )

    kinds = dict[tuple[bool, bool, bool], list[Iterations]]()
    for y in range(rows):
        kind = (pad_top <= y < pad_top + height, y in emitting, y - 1 in emitting)
        if kind not in kinds:
            kinds[kind] = row(*kind, columns)
        yield from kinds[kind]
    if rows - 1 in emitting:
        yield from row(False, False, True, max(leaving) + 1 - columns)


def _joined(runs: Iterable[Iterations]) -> list[Iterations]:
    """The same with equal neighbours as one, and nothing that does not happen."""
    return [
        (source, writes, total)
        for (source, writes), same in itertools.groupby(runs, key=lambda run: run[:2])
        if (total := sum(count for _, _, count in same))
    ]
