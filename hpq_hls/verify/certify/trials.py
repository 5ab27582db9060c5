"""The frames that show what a kernel computes for all inputs.

Each kernel says of what nature it is (``hpq_hls.kernels.nature``). What has to be put into it follows from
that; docs/verification.md has the argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Epilogue, FixedType, Interval, bits_for
from hpq_hls.kernels import IntArray, Kernel, Nature, Stream, Streams, Sums
from hpq_hls.verify.certify.plan import EXHAUSTIVE, Examination, Proof, Trial, cast_to, cast_trial, with_casts

ALL_PAIRS = 1 << 16
"""Pairs of which each is tried."""
MOST_ELEMENTS = 1 << 27
"""Elements of the inputs of all basis vectors of a kernel; beyond that a part of them is tried."""
PORTION = 1 << 21
"""Elements of the inputs of one trial."""
RANDOM_BLOCKS = 64
PLACE_TYPE = FixedType(48, 48)
"""A type that holds the number of every element of a frame."""


def examine(
    kernel: Kernel, streams: Streams, intervals: Mapping[str, Interval], seed: int = 0
) -> Examination:
    """What to try with a kernel whose inputs have these intervals of raw values, by stream."""
    given = [intervals[name] for name in kernel.inputs]
    return _BY_NATURE[kernel.nature](_Subject(kernel, streams, given, np.random.default_rng(seed)))


@dataclass(frozen=True, eq=False)
class _Subject:
    """A kernel, and what is known of its inputs."""

    kernel: Kernel
    streams: Streams
    given: Sequence[Interval]
    rng: np.random.Generator

    @property
    def inputs(self) -> list[Stream]:
        return [self.streams[name] for name in self.kernel.inputs]

    @property
    def output(self) -> Stream:
        return self.streams[self.kernel.outputs[0]]

    @property
    def outputs(self) -> list[Stream]:
        return [self.streams[name] for name in self.kernel.outputs]

    @property
    def cast_from(self) -> tuple[FixedType, Epilogue]:
        """The type of what is cast, behind slopes, and the range that it is brought into."""
        kind, epilogue = self.kernel.finishes
        return epilogue.made(kind), Epilogue() if epilogue.slopes else epilogue

    def sloped(self, sums: IntArray) -> IntArray:
        """What is cast of the sums of whole frames."""
        epilogue = self.kernel.finishes[1]
        if not epilogue.slopes:
            return sums
        return epilogue.apply(
            sums, np.resize(epilogue.words, self.output.elements * len(sums)).reshape(sums.shape)
        )

    def ran(self, what: str, frames: Sequence[IntArray]) -> Trial:
        """A trial with what the kernel says that it computes."""
        results = [self.kernel.run([part[i] for part in frames], self.streams) for i in range(len(frames[0]))]
        expected = tuple(np.stack([made[i] for made in results]) for i in range(len(self.kernel.outputs)))
        return Trial(what, tuple(frames), expected)

    def random(self, count: int) -> list[IntArray]:
        """Frames of every input, of all magnitudes, within the intervals."""
        return [
            _random(self.rng, (count, stream.beats, stream.lanes), codes)
            for stream, codes in zip(self.inputs, self.given, strict=True)
        ]


def _random(rng: np.random.Generator, shape: tuple[int, ...], codes: Interval) -> IntArray:
    """Along the first axis by turns: everything, small numbers, the ends."""
    values = rng.integers(codes.lo, codes.hi, shape, endpoint=True)
    values[1::3] = np.clip(values[1::3] >> 2, codes.lo, codes.hi)
    values[2::3] = rng.choice([codes.lo, codes.hi], values[2::3].shape)
    return values


# ---------------------------------------------------------------------------------------------
# Elements that move


def _routes(subject: _Subject) -> Examination:
    """Each element bears its place, in digits: frame after frame one digit, and its complement."""
    kernel, inputs = subject.kernel, subject.inputs
    routing = _Routing.of(kernel, subject.streams)
    total = sum(stream.elements for stream in inputs)
    width = min(stream.type.width for stream in inputs)
    digits = max(math.ceil(total.bit_length() / width), 1)
    places = np.arange(1, total + 1)

    def trials() -> Iterator[Trial]:
        frames = []
        for digit in range(digits):
            each = places >> digit * width & (1 << width) - 1
            frames += [each, (1 << width) - 1 - each]
        coded = routing.split(np.stack([*frames, *frames[:2]]))
        yield Trial("positions", coded, routing.of_frames(coded, raw=True), width if routing.casts else 0)
        free = subject.random(3)
        yield Trial("random", tuple(free), routing.of_frames(free))

    kinds = dict.fromkeys(stream.type for stream in inputs) if routing.casts else {}
    casts = tuple(
        cast_trial(kind, Epilogue(), subject.output.type, kind.code_interval, subject.rng) for kind in kinds
    )
    proof, more = Proof.ALL_INPUTS, ""
    if casts:
        proof, more = with_casts(casts)
    return Examination(proof, "elements move alike whatever they are" + more, trials, casts)


@dataclass(frozen=True, eq=False)
class _Routing:
    """Where the elements of each output come from: their places in all inputs one after another, counted from
    1, or, where it is a constant, minus that less 1."""

    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    places: tuple[IntArray, ...]
    constants: tuple[IntArray, ...]
    casts: bool

    @classmethod
    def of(cls, kernel: Kernel, streams: Streams) -> _Routing:
        """Found out by two frames of numbers that no constant equals in both."""
        inputs, outputs = ([streams[name] for name in names] for names in (kernel.inputs, kernel.outputs))
        wide = {name: replace(stream, type=PLACE_TYPE) for name, stream in streams.items()}
        total = sum(stream.elements for stream in inputs)
        found = []
        for start in (1 << 40, 1 << 41):
            frames, at = [], start
            for stream in inputs:
                frames.append(np.arange(at, at + stream.elements).reshape(stream.beats, stream.lanes))
                at += stream.elements
            found.append([frame - start for frame in kernel.run(frames, wide)])
        moved: list[npt.NDArray[np.bool_]] = [
            np.asarray(first == second) for first, second in zip(*found, strict=True)
        ]
        for first, same in zip(found[0], moved, strict=True):
            assert ((first >= 0) & (first < total))[same].all()
        return cls(
            tuple(inputs),
            tuple(outputs),
            tuple(np.where(same, first, -1) for first, same in zip(found[0], moved, strict=True)),
            tuple(np.where(same, 0, first + (1 << 40)) for first, same in zip(found[0], moved, strict=True)),
            any(same.any() for same in moved) and any(a.type != b.type for a in inputs for b in outputs),
        )

    def split(self, frames: IntArray) -> tuple[IntArray, ...]:
        """(frames, elements of all inputs), bits, as raw values of each input."""
        parts, at = [], 0
        for stream in self.inputs:
            part = frames[:, at : at + stream.elements] & (1 << stream.type.width) - 1
            part = part - ((part >> stream.type.width - 1 << stream.type.width) if stream.type.signed else 0)
            parts.append(part.reshape(len(frames), stream.beats, stream.lanes))
            at += stream.elements
        return tuple(parts)

    def of_frames(self, inputs: Sequence[IntArray], raw: bool = False) -> tuple[IntArray, ...]:
        """What comes out. raw: before it is cast."""
        count = len(inputs[0])
        values = [part.reshape(count, -1) for part in inputs]
        if self.casts and not raw:
            made = self.outputs[0].type
            values = [
                np.asarray(made.from_raw(part, stream.type.fraction))
                for part, stream in zip(values, self.inputs, strict=True)
            ]
        together = np.concatenate(values, axis=1)
        return tuple(
            np.where(places >= 0, together[:, places], constants)
            for places, constants in zip(self.places, self.constants, strict=True)
        )


# ---------------------------------------------------------------------------------------------
# One element at a time


def _elementwise(subject: _Subject) -> Examination:
    """Each lane gets each code, or, where they are too many, the ends and random ones; each place of a frame
    does, where it matters."""
    (stream,), (codes,) = subject.inputs, subject.given
    count = codes.hi - codes.lo + 1
    places = stream.elements if subject.kernel.nature is Nature.PLACEWISE else 1
    everything = count * places <= EXHAUSTIVE

    def trials() -> Iterator[Trial]:
        if everything:
            values = np.arange(codes.lo, codes.hi + 1)
        else:
            values = _random(subject.rng, (3 * EXHAUSTIVE // 4 // places,), codes)
        if subject.kernel.nature is Nature.PLACEWISE:
            order = np.arange(len(values))[:, None] + np.arange(stream.elements)
        else:
            beats = -(-len(values) // stream.beats) * stream.beats
            order = np.arange(beats)[:, None] + 7 * np.arange(stream.lanes)
        frames = values[order % len(values)].reshape(-1, stream.beats, stream.lanes)
        step = max(PORTION // stream.elements, 1)
        for start in range(0, len(frames), step):
            yield subject.ran("codes", [frames[start : start + step]])

    proof = Proof.EXHAUSTIVE if everything else Proof.SAMPLED
    return Examination(proof, f"{min(count, EXHAUSTIVE):,} of {count:,} codes in every lane", trials)


# ---------------------------------------------------------------------------------------------
# Sums


def _sums(subject: _Subject) -> Examination:
    """A basis shows every coefficient; extremes drive each sum, and every part of it, to its ends."""
    sums = subject.kernel.exact_sums(subject.streams)
    block = _Block(subject, sums)
    vectors = 1 + sum(_bit_counts(block.lows, block.highs, sums.columns)) + 2 * sums.weight.shape[1]
    part = min(1.0, MOST_ELEMENTS / (vectors * block.size))

    def trials() -> Iterator[Trial]:
        for what, found in (("basis", block.basis(part)), ("ends", block.ends())):
            for vectors in found:
                yield block.trial(what, vectors)
        yield block.trial("random", block.random())
        yield block.trial("as generated", block.random(), exact=False)
        for vectors in block.ends():
            yield block.trial("ends as generated", vectors, exact=False)
            break

    kind, ranged = subject.cast_from
    reached = subject.kernel.finishes[1].interval(block.interval())
    cast = cast_trial(kind, ranged, subject.output.type, reached, subject.rng)
    proof, more = with_casts((cast,))
    why = "every coefficient by a basis, every sum at both ends"
    if part < 1:
        proof, why = Proof.SAMPLED, f"{part:.0%} of the {vectors:,} basis vectors"
    elif subject.kernel.finishes[1].slopes:
        proof, why = Proof.SAMPLED, why + ", behind their slopes"
    return Examination(proof, why + more, trials, (cast,))


@dataclass(frozen=True, eq=False)
class _Block:
    """Vectors for a kernel that sums: one block of all inputs each."""

    subject: _Subject
    sums: Sums

    @property
    def sizes(self) -> list[int]:
        """Elements of a block by input."""
        return [stream.elements // self.sums.blocks for stream in self.subject.inputs]

    @property
    def size(self) -> int:
        return sum(self.sizes)

    @property
    def lows(self) -> IntArray:
        return np.repeat([codes.lo for codes in self.subject.given], self.sizes)

    @property
    def highs(self) -> IntArray:
        return np.repeat([codes.hi for codes in self.subject.given], self.sizes)

    def basis(self, part: float) -> Iterator[IntArray]:
        """Zero, and every column at each of its bits, those of all groups at once. part: of them, evenly."""
        sums = self.sums
        counts = _bit_counts(self.lows, self.highs, sums.columns)
        steps = [(k, bit) for k, count in enumerate(counts) for bit in range(count)]
        if part < 1:
            steps = [steps[int(i / part)] for i in range(int(len(steps) * part))]
        rows = max(PORTION // self.size, 1)
        yield np.zeros((1, self.size), dtype=np.int64)
        for start in range(0, len(steps), rows):
            chosen = steps[start : start + rows]
            vectors = np.zeros((len(chosen), self.size), dtype=np.int64)
            for vector, (k, bit) in zip(vectors, chosen, strict=True):
                places = sums.columns[:, k]
                # The uppermost bit of a negative number counts less than nothing.
                vector[places] = np.where(1 << bit <= self.highs[places], 1 << bit, -(1 << bit))
            yield np.clip(vectors, self.lows.clip(max=0), self.highs.clip(min=0))

    def ends(self) -> Iterator[IntArray]:
        """For row m of every group: what makes its sum largest, and smallest. The signs of the weights say
        so."""
        sums = self.sums
        rows = max(PORTION // self.size, 1) // 2 or 1
        for start in range(0, sums.weight.shape[1], rows):
            chosen = sums.weight[:, start : start + rows].transpose(1, 0, 2)  # (rows, G, K)
            up = np.zeros((len(chosen), self.size), dtype=bool)
            up[:, sums.columns.reshape(-1)] = (chosen > 0).reshape(len(chosen), -1)
            largest = np.where(up, self.highs, self.lows)
            smallest = np.where(up, self.lows, self.highs)
            yield np.stack([largest, smallest], axis=1).reshape(-1, self.size)

    def random(self) -> IntArray:
        rng = self.subject.rng
        parts = [
            _random(rng, (max(RANDOM_BLOCKS, 3 * self.sums.blocks), size), codes)
            for size, codes in zip(self.sizes, self.subject.given, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def interval(self) -> Interval:
        """Of all sums over the intervals of the inputs."""
        weight, columns = self.sums.weight.astype(object), self.sums.columns[:, None, :]
        low, high = (array.astype(object)[columns] for array in (self.lows, self.highs))
        offset = self.sums.offset.astype(object)
        least = offset + np.where(weight > 0, weight * low, weight * high).sum(axis=2)
        most = offset + np.where(weight > 0, weight * high, weight * low).sum(axis=2)
        return Interval(int(least.min()), int(most.max()))

    def trial(self, what: str, vectors: IntArray, exact: bool = True) -> Trial:
        """Blocks as frames, the first ones again where the last frame is not full."""
        subject, sums = self.subject, self.sums
        count = -(-len(vectors) // sums.blocks)
        vectors = vectors[np.arange(count * sums.blocks) % len(vectors)]
        out, (kind, ranged) = subject.output, subject.cast_from
        made = subject.sloped(sums.of(vectors).reshape(count, -1))
        made = made if exact else cast_to(made, kind, ranged, out.type)
        inputs, at = [], 0
        for stream, size in zip(subject.inputs, self.sizes, strict=True):
            inputs.append(vectors[:, at : at + size].reshape(count, stream.beats, stream.lanes))
            at += size
        expected = made.reshape(count, out.beats, out.lanes)
        return Trial(what, tuple(inputs), (expected,), kind.width if exact else 0)


def _bit_counts(lows: IntArray, highs: IntArray, columns: IntArray) -> list[int]:
    """Bits that tell the values of column k of any group apart."""
    counts = []
    for k in range(columns.shape[1]):
        low, high = int(lows[columns[:, k]].min()), int(highs[columns[:, k]].max())
        counts.append(bits_for(Interval(min(low, 0), max(high, 0)))[0])
    return counts


# ---------------------------------------------------------------------------------------------
# Products


def _products(subject: _Subject) -> Examination:
    """A product is linear in either factor: each bit of one with each bit of the other shows it."""
    kind, ranged = subject.cast_from

    def trials() -> Iterator[Trial]:
        first, second = (_bit_values(codes) for codes in subject.given)
        yield from _pairs(subject, first, second, kind)
        yield subject.ran("random", subject.random(3))

    ends = [x * y for x in _ends(subject.given[0]) for y in _ends(subject.given[1])]
    codes = Interval(min(ends), max(ends))
    reached = subject.kernel.finishes[1].interval(codes)
    cast = cast_trial(kind, ranged, subject.output.type, reached, subject.rng)
    proof, more = with_casts((cast,))
    return Examination(proof, "each bit of one factor with each of the other" + more, trials, (cast,))


def _ends(codes: Interval) -> tuple[int, int]:
    return codes.lo, codes.hi


def _bit_values(codes: Interval) -> IntArray:
    values = {codes.lo, codes.hi, 0, 1, -1}
    values |= {sign << bit for bit in range(64) for sign in (1, -1) if abs(sign << bit) < 1 << 62}
    return np.array(sorted(value for value in values if value in codes), dtype=np.int64)


def _pairs(subject: _Subject, first: IntArray, second: IntArray, kind: FixedType | None) -> Iterator[Trial]:
    """Every pair in every lane; with ``kind`` what would be cast is looked at."""
    one, two = (part.reshape(-1) for part in np.meshgrid(first, second))
    stream = subject.inputs[0]
    lanes = 7 * np.arange(stream.lanes)
    rows = -(-len(one) // stream.beats) * stream.beats
    for start in range(0, rows, max(PORTION // stream.lanes // stream.beats, 1) * stream.beats):
        stop = min(start + max(PORTION // stream.lanes // stream.beats, 1) * stream.beats, rows)
        order = (np.arange(start, stop)[:, None] + lanes) % len(one)
        frames = [part[order].reshape(-1, stream.beats, stream.lanes) for part in (one, two)]
        if kind is None:
            yield subject.ran("pairs", frames)
        else:
            products = subject.sloped((frames[0] * frames[1]).reshape(len(frames[0]), -1))
            expected = products.reshape(frames[0].shape)
            yield Trial("pairs", tuple(frames), (expected,), kind.width)


# ---------------------------------------------------------------------------------------------
# Comparisons, and whatever else there is


def _compares(subject: _Subject) -> Examination:
    """Two values at a time are all pairs where those are few; of more values, each the largest and the
    smallest in turn, by as little as can be."""
    sizes = [codes.hi - codes.lo + 1 for codes in subject.given]
    if len(sizes) == 2 and math.prod(sizes) <= ALL_PAIRS:
        values = [np.arange(codes.lo, codes.hi + 1) for codes in subject.given]
        return Examination(
            Proof.EXHAUSTIVE,
            f"all {math.prod(sizes):,} pairs in every lane",
            lambda: _pairs(subject, values[0], values[1], None),
        )

    def trials() -> Iterator[Trial]:
        yield subject.ran("near values", _near(subject, 32))
        yield subject.ran("random", subject.random(6))

    return Examination(Proof.SAMPLED, "values that differ by one, and random ones", trials)


def _near(subject: _Subject, count: int) -> list[IntArray]:
    """Frames whose elements are one number or its neighbours, rarely the upper or the lower one by turns."""
    frames = []
    for stream, codes in zip(subject.inputs, subject.given, strict=True):
        rng, shape = subject.rng, (count, stream.beats, stream.lanes)
        middle = np.linspace(codes.lo, codes.hi, count).astype(np.int64)
        middle[: count // 4] = rng.integers(-1, 2, count // 4)  # where the sign changes
        rare = rng.random(shape) < rng.choice([0.02, 0.1, 0.3], (count, 1, 1))
        step = np.where(np.arange(count)[:, None, None] % 2 == 0, 1, -1)
        frames.append(np.clip(middle[:, None, None] + rare * step, codes.lo, codes.hi))
    return frames


def _any(subject: _Subject) -> Examination:
    def trials() -> Iterator[Trial]:
        yield subject.ran("random", subject.random(12))

    return Examination(Proof.SAMPLED, "random frames", trials)


_BY_NATURE: Mapping[Nature, Callable[[_Subject], Examination]] = {
    Nature.ROUTES: _routes,
    Nature.ELEMENTWISE: _elementwise,
    Nature.PLACEWISE: _elementwise,
    Nature.SUMS: _sums,
    Nature.PRODUCTS: _products,
    Nature.COMPARES: _compares,
    Nature.ANY: _any,
}
