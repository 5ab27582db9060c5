"""Where the registers of a pipeline stand: as few stages as a period allows, and as few flip-flops as those.

A circuit is a directed acyclic graph of values, each made from earlier ones in some time. A stage is what
happens between two registers. Every boundary between two stages is a minimum cut: a value that is read
behind it is registered once, however many read it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_UNCUT = 1 << 28
"""Capacity of what no cut may go through."""


@dataclass(frozen=True)
class Circuit:
    """Values in an order in which each is made from earlier ones.

    delays: time that making each takes, 0 for what is there from the first stage on. widths: flip-flops that
    each takes in a register. reads: the values each is made from, none for what is there. ends: those that
    leave, through a register behind the last stage. last: those that have to be made in the last stage.
    """

    delays: Sequence[int]
    widths: Sequence[int]
    reads: Sequence[Sequence[int]]
    ends: Collection[int]
    last: Collection[int] = ()


@dataclass(frozen=True)
class Placed:
    """stages: in which each value is made. count: of stages, at least 1. critical: the longest time in one.
    flip_flops: of all registers, those behind the last stage included."""

    stages: tuple[int, ...]
    count: int
    critical: int
    flip_flops: int


def place(circuit: Circuit, budget: int) -> Placed:
    """The stages of a circuit, each of at most ``budget``, but for a value that alone takes more."""
    delays = [min(delay, budget) for delay in circuit.delays]
    users = _users(circuit)
    latest, count = _latest(delays, users, budget)
    stages = [0] * len(delays)
    for stage in range(count - 1):
        _cut(circuit, delays, users, budget, latest, stages, stage)
    return Placed(tuple(stages), count, _critical(circuit, stages), flip_flops(circuit, stages, count))


def flip_flops(circuit: Circuit, stages: Sequence[int], count: int) -> int:
    """Of all registers when values are made in these of ``count`` stages."""
    last = list(stages)
    for value, reads in enumerate(circuit.reads):
        for read in reads:
            last[read] = max(last[read], stages[value])
    for value in circuit.ends:
        last[value] = count
    return sum(width * (end - start) for width, start, end in zip(circuit.widths, stages, last, strict=True))


def _users(circuit: Circuit) -> list[list[int]]:
    users: list[list[int]] = [[] for _ in circuit.reads]
    for value, reads in enumerate(circuit.reads):
        for read in reads:
            users[read].append(value)
    return users


def _critical(circuit: Circuit, stages: Sequence[int]) -> int:
    """The longest time within a stage."""
    times = [0] * len(stages)
    for value, reads in enumerate(circuit.reads):
        before = max((times[read] for read in reads if stages[read] == stages[value]), default=0)
        times[value] = before + circuit.delays[value]
    return max(times, default=0)


def _latest(delays: Sequence[int], users: Sequence[Sequence[int]], budget: int) -> tuple[list[int], int]:
    """The last stage in which each value can be made, and how many stages there are at least."""
    behind, times = [0] * len(delays), [0] * len(delays)  # stages behind its own, and time to its stage's end
    for value in reversed(range(len(delays))):
        stage = max((behind[user] for user in users[value]), default=0)
        time = max((times[user] for user in users[value] if behind[user] == stage), default=0) + delays[value]
        if time > budget:
            stage, time = stage + 1, delays[value]
        behind[value], times[value] = stage, time
    count = max(behind, default=0) + 1
    return [count - 1 - stage for stage in behind], count


def _cut(
    circuit: Circuit,
    delays: Sequence[int],
    users: Sequence[Sequence[int]],
    budget: int,
    latest: Sequence[int],
    stages: list[int],
    stage: int,
) -> None:
    """Move to the stage behind ``stage`` what is made there at least cost of the registers between both."""
    total = len(stages)
    source, sink = 2 * total, 2 * total + 1
    edges: list[tuple[int, int, int]] = []
    times = [0] * total
    for value in range(total):
        here = stages[value] == stage
        if here:
            reads = circuit.reads[value]
            before = max((times[read] for read in reads if stages[read] == stage), default=0)
            times[value] = before + delays[value]
            if times[value] > budget or value in circuit.last:
                edges.append((value, sink, _UNCUT))
            elif latest[value] <= stage or not reads:
                edges.append((source, value, _UNCUT))
        elif any(stages[user] == stage for user in users[value]) or value in circuit.ends:
            edges.append((source, value, _UNCUT))
        else:
            continue
        # What is cut crosses the boundary in one register; nothing in front of it reads what is made behind.
        edges.append((value, total + value, circuit.widths[value]))
        for user in users[value]:
            if stages[user] == stage:
                edges += [(total + value, user, _UNCUT), (user, value, _UNCUT)]
        if value in circuit.ends:
            edges.append((total + value, sink, _UNCUT))
    for value in _beyond(edges, source, sink, total):
        if stages[value] == stage:
            stages[value] = stage + 1


def _beyond(edges: Sequence[tuple[int, int, int]], source: int, sink: int, total: int) -> list[int]:
    """The values on the sink's side of a minimum cut."""
    tails, heads, capacities = (np.array(part, dtype=np.int32) for part in zip(*edges, strict=True))
    shape = (sink + 1, sink + 1)
    from scipy.sparse import csr_matrix  # loading it takes a tenth of a second
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    graph = csr_matrix((capacities, (tails, heads)), shape=shape, dtype=np.int32)
    left = csr_matrix(graph - maximum_flow(graph, source, sink).flow)
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    near: npt.NDArray[np.bool_] = np.zeros(sink + 1, dtype=bool)
    near[breadth_first_order(left, source, return_predecessors=False)] = True
    return np.flatnonzero(~near[:total]).tolist()
