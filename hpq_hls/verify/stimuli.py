"""The frames that a design is verified with from port to port, chosen for what they reach inside of it.

A pool of candidates is simulated, what each reaches in each layer is measured (``hpq_hls.simulate.probe``),
and those are taken, one by one, that reach most of what was not reached before or only seldom. Nothing
depends on the clock or on the machine: the same network gives the same frames.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.graph import Inputs, Samples
from hpq_hls.ops.base import IntArray
from hpq_hls.simulate import Coverage, QuantizedGraph
from hpq_hls.simulate.coverage import blocks, inputs_of, measure, probes
from hpq_hls.simulate.layer import WideArray
from hpq_hls.simulate.probe import BoolArray, Goal, Hits, Probe
from hpq_hls.simulate.threads import one_thread
from hpq_hls.verify.extremes import SHARES, Backwards, Target

COVERAGE_FILE = "coverage.json"
"""Beside a project's files: where its frames are from, what they reach, and what they do not."""

FRAMES = 64
"""How many are chosen."""
AS_THEY_COME = 8
"""Of the chosen frames, so many are samples, and as many random, whatever they reach: for what nobody looks
for."""
RANDOM = 64
"""Candidates of random codes: half of them over the whole interval, half of its two ends."""
EFFORT = 1 << 34
"""Multiplications that driving sums to their ends may take in all."""
STEPS = 4
"""Times that a sum is driven on from the best so far; once where ``EFFORT`` is too little for more."""
MAX_TARGETS, MIN_TARGETS = 256, 16
"""Sums that are driven to an end; each gives two candidates."""
SWEEP = 8
"""Candidates between the two ends of a sum that is the index of a table."""
MAX_MARKS = 1 << 24
"""Candidates times what each can reach; of more weights only some are looked at when frames are chosen."""
NEAR = 0.9
"""Sums count as driven to an end that come so close to the farthest of all candidates."""
CHANNEL_WORTH, WORD_WORTH = 1 << 15, 1 << 12
"""What it is worth to reach something in a channel, and at a weight or in a table, for the first time; each
further time half of the time before."""


@dataclass(frozen=True, eq=False)
class Stimuli:
    """Frames and what they reach.

    raw: of each input by name, (frames, *shape). origins: where each frame is from, in words. coverage: of
    all of them. notes: a sentence for each bound that was put on the choice.
    """

    raw: Mapping[str, IntArray]
    origins: tuple[str, ...]
    coverage: Coverage
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.origins)

    def to_json(self) -> str:
        """Where each frame is from, and what all of them reach."""
        content = {
            "frames": list(self.origins),
            "notes": list(self.notes),
            "coverage": self.coverage.to_dict(),
        }
        return json.dumps(content, indent=1) + "\n"

    def inputs(self, q: QuantizedGraph) -> Inputs:
        """As values, for what takes the network's inputs."""
        values = {name: q.input_types[name].to_float(part) for name, part in self.raw.items()}
        return next(iter(values.values())) if len(values) == 1 else Samples(values)


_CHOSEN: WeakKeyDictionary[QuantizedGraph, Stimuli] = WeakKeyDictionary()


def choose_stimuli(q: QuantizedGraph) -> Stimuli:
    """``FRAMES`` frames for a network, from its examples, its weights and random numbers; found once."""
    if q not in _CHOSEN:
        with one_thread():
            _CHOSEN[q] = _choose(q, FRAMES, np.random.default_rng(0))
    return _CHOSEN[q]


def _choose(q: QuantizedGraph, count: int, rng: np.random.Generator) -> Stimuli:
    looking = probes(q)
    pool, notes = _pool(q, looking, rng)
    marks = _marks(q, looking, pool)
    held = len(next(iter(q.examples.values())))
    given = [*_spread(held, AS_THEY_COME), *(held + place for place in _spread(RANDOM, AS_THEY_COME))]
    chosen = _cover(marks, count, given)
    raw = {name: part[chosen] for name, part in pool.raw.items()}
    origins = tuple(pool.origins[number] for number in chosen)
    return Stimuli(raw, origins, measure(q, raw), tuple(notes))


# ---------------------------------------------------------------------------------------- candidates


@dataclass
class _Pool:
    """Candidates. parts: by input, arrays that follow each other; origins: where each is from."""

    parts: dict[str, list[IntArray]]
    origins: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def raw(self) -> dict[str, IntArray]:
        return {name: np.concatenate(held) for name, held in self.parts.items()}

    def add(self, raw: Mapping[str, IntArray], origins: Sequence[str]) -> None:
        for name, part in raw.items():
            self.parts[name].append(part)
        self.origins += origins


def _pool(
    q: QuantizedGraph, looking: Mapping[str, Probe], rng: np.random.Generator
) -> tuple[_Pool, list[str]]:
    pool = _Pool({name: [] for name in q.input_types})
    held = len(next(iter(q.examples.values())))
    pool.add(q.examples, [f"example {number}" for number in range(held)])
    pool.add(random_frames(q, RANDOM, rng), ["random"] * RANDOM)
    targets, steps, notes = _targets(q, looking)
    backwards = Backwards(q, looking)
    starts, count = pool.raw, held or RANDOM
    for layer, own in targets.items():
        base = {name: part[np.arange(len(own)) % count] for name, part in starts.items()}
        first, second = backwards.drive(layer, own, base, steps)
        for found in (first, second):
            pool.add(found, [str(target) for target in own])
        if any(item.op.looks_up and layer in item.inputs for item in q.layers.values()):
            _sweep(pool, second, own)
    return pool, notes


def random_frames(q: QuantizedGraph, count: int, rng: np.random.Generator) -> dict[str, IntArray]:
    """Codes of the whole interval in the first half, and its ends in the second."""
    found = {}
    for name, kind in q.input_types.items():
        codes, shape = kind.code_interval, (count, *q.graph.inputs[name])
        drawn = rng.integers(codes.lo, codes.hi, shape, np.int64, endpoint=True)
        ends = np.where(rng.random(shape) < 0.5, codes.lo, codes.hi)
        drawn[count // 2 :] = ends[count // 2 :]
        found[name] = drawn
    return found


def _sweep(pool: _Pool, found: Mapping[str, IntArray], targets: Sequence[Target]) -> None:
    """Steps from the lowest to the highest of each channel, whose sums are what a table is read at."""
    for low, high in zip(range(0, len(targets), 2), range(1, len(targets), 2), strict=True):
        step = np.arange(1, SWEEP + 1)
        between = {}
        for name, part in found.items():
            way = step.reshape(-1, *(1,) * (part.ndim - 1))
            between[name] = (part[low] * (SWEEP + 1 - way) + part[high] * way) // (SWEEP + 1)
        pool.add(between, [f"{targets[low].layer}, channel {targets[low].channel} between"] * SWEEP)


def _passes(steps: int) -> int:
    """How often the network is gone through, forwards and backwards, to drive a sum."""
    return 4 + steps * (3 + len(SHARES))


def _targets(
    q: QuantizedGraph, looking: Mapping[str, Probe]
) -> tuple[dict[str, list[Target]], int, list[str]]:
    """The sums to drive to both ends, by layer, fewer channels of each layer where they are too many; in how
    many steps; and a sentence for what is left out."""
    channels = {
        name: probe.ends.shape[1]
        for name, probe in looking.items()
        if probe.ends is not None and probe.layer.op.casts
    }
    passes = EFFORT // max(multiplications(q), 1)
    wanted = min(2 * sum(channels.values()), MAX_TARGETS)
    steps = STEPS if wanted * _passes(STEPS) <= passes else 1
    most = max(min(passes // _passes(steps), MAX_TARGETS), MIN_TARGETS) // 2
    names = [list(channels)[place] for place in _spread(len(channels), most)]
    share = _share([channels[name] for name in names], most)
    targets, tried = {}, 0
    for name in names:
        own = _spread(channels[name], share)
        targets[name] = [Target(name, channel, up) for channel in own for up in (False, True)]
        tried += len(own)
    total, notes = sum(channels.values()), []
    if tried < total:
        notes.append(f"{tried:,} of the {total:,} channels were driven to their extremes")
    return targets, steps, notes


def _spread(count: int, most: int) -> list[int]:
    """All of so many, or some, evenly."""
    return [int(place) for place in np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))]


def _share(counts: list[int], most: int) -> int:
    """So many of each, or all where there are fewer, are ``most`` at most; at least 1 of each."""
    share = max(counts, default=1)
    while share > 1 and sum(min(count, share) for count in counts) > most:
        share -= 1
    return share


def multiplications(q: QuantizedGraph) -> int:
    """By weights, per frame."""
    return sum(
        layer.weight_raw.size * math.prod(q.graph.shapes[name]) // len(layer.weight_raw)
        for name, layer in q.layers.items()
        if layer.weight_raw is not None
    )


# -------------------------------------------------------------------------------------------- choice


@dataclass(frozen=True, eq=False)
class _Marks:
    """reached: (candidates, goals). worth: of reaching each goal the first time."""

    reached: BoolArray
    worth: IntArray


def _marks(q: QuantizedGraph, looking: Mapping[str, Probe], pool: _Pool) -> _Marks:
    """What each candidate reaches."""
    words = sum(
        held.size for probe in looking.values() for goal, held in probe.possible.items() if goal in _WORDS
    )
    stride = max(-(-len(pool) * words // MAX_MARKS), 1)
    parts: dict[tuple[str, Goal], list[BoolArray]] = {}
    sums: dict[str, list[Hits]] = {}
    for _, values in blocks(q, pool.raw):
        for name, probe in looking.items():
            hits = probe.look(inputs_of(probe.layer, values))
            for goal, possible in probe.possible.items():
                seen = hits.goals[goal]
                held = seen[:, ::stride] if goal in _WORDS else seen[:, possible]
                parts.setdefault((name, goal), []).append(held)
            if hits.lowest is not None:
                sums.setdefault(name, []).append(Hits({}, hits.lowest, hits.highest))
    found = [(np.concatenate(held), goal in _WORDS) for (_, goal), held in parts.items()]
    found += [(ends, False) for held in sums.values() for ends in _ends(held)]
    reached = [np.zeros((len(pool), 1), np.bool_), *(held for held, _ in found)]
    worth = [[0], *([WORD_WORTH if word else CHANNEL_WORTH] * held.shape[1] for held, word in found)]
    return _Marks(np.concatenate(reached, axis=1), np.concatenate(worth).astype(np.int64))


_WORDS = (Goal.WEIGHT, Goal.ENTRY)


def _ends(held: Sequence[Hits]) -> tuple[BoolArray, BoolArray]:
    """Which candidates come near the lowest and the highest sum of each channel."""
    low: WideArray = np.concatenate([hits.lowest for hits in held if hits.lowest is not None])
    high: WideArray = np.concatenate([hits.highest for hits in held if hits.highest is not None])
    least, most = low.min(axis=0), high.max(axis=0)
    room: Any = ((most - least) * int(1024 * (1 - NEAR))) // 1024
    return np.asarray(low <= least + room, np.bool_), np.asarray(high >= most - room, np.bool_)


def _cover(marks: _Marks, count: int, given: Sequence[int]) -> list[int]:
    """The candidates to take, best first, and then those that are given: what one adds never grows, so that
    most need not be asked again."""
    left = marks.worth.copy()
    for number in given:
        left[marks.reached[number]] >>= 1
    rest = set(range(len(marks.reached))) - set(given)
    queue = [(-int(left[marks.reached[number]].sum()), number, 0) for number in sorted(rest)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while len(chosen) < count - len(given):
        _, number, asked = heapq.heappop(queue)
        row = marks.reached[number]
        if asked < len(chosen):
            heapq.heappush(queue, (-int(left[row].sum()), number, len(chosen)))
            continue
        chosen.append(number)
        left[row] >>= 1
    return [*chosen, *given]
