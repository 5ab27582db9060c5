"""What is tried with a kernel, and the numbers for its casts alone."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.kernels import IntArray

EXHAUSTIVE = 1 << 20
"""Codes of which each is tried."""
RANDOM_CODES = 1 << 16
MOST_STEPS = 1 << 16
"""Results of a cast whose every step is tried."""


class Proof(enum.Enum):
    """How far what was tried reaches."""

    ALL_INPUTS = "all inputs"
    EXHAUSTIVE = "exhaustive"
    SAMPLED = "sampled"


@dataclass(frozen=True, eq=False)
class Trial:
    """Frames for one kernel, and what it has to make of them.

    inputs: for each input, (frames, beats, lanes) raw integers. expected: for each output, (frames, beats,
    lanes): raw integers, or, where ``bits`` is not 0, what would be cast, of which that many bits count.
    what: for people.
    """

    what: str
    inputs: tuple[IntArray, ...]
    expected: tuple[npt.NDArray[np.generic], ...]
    bits: int = 0


@dataclass(frozen=True, eq=False)
class CastTrial:
    """Numbers for the casts of a kernel alone.

    ranged: the range that they are brought into. codes: raw integers of the type ``given``. everything:
    whether they are all that can occur; else they are those around each step of the result, and whether
    ``steps`` are all of them.
    """

    given: FixedType
    ranged: Epilogue
    made: FixedType
    codes: IntArray
    everything: bool
    steps: bool

    @property
    def expected(self) -> IntArray:
        """Raw results."""
        return cast_to(self.codes, self.given, self.ranged, self.made)


def cast_to(codes: IntArray, given: FixedType, ranged: Epilogue, made: FixedType) -> IntArray:
    """Raw integers of one type brought into a range and cast to another."""
    return np.asarray(made.from_raw(ranged.apply(codes), given.fraction))


@dataclass(frozen=True, eq=False)
class Examination:
    """All that is tried with a kernel.

    trials: made when they are asked for, because they are many. why: what makes it a proof, or what is
    missing for one.
    """

    proof: Proof
    why: str
    trials: Callable[[], Iterator[Trial]]
    casts: tuple[CastTrial, ...] = field(default=())


def cast_trial(
    given: FixedType, ranged: Epilogue, made: FixedType, codes: Interval, rng: np.random.Generator
) -> CastTrial:
    """All numbers that can be cast; of too many, those around every step of the result and the bounds, each
    bit that is rounded away and each above the result alone, and random ones."""
    if codes.hi - codes.lo < EXHAUSTIVE:
        return CastTrial(given, ranged, made, np.arange(codes.lo, codes.hi + 1), True, True)
    dropped = given.fraction - made.fraction
    results = made.code_interval
    steps = results.hi - results.lo < MOST_STEPS
    count = results.hi - results.lo + 5 if steps else MOST_STEPS
    places = np.linspace(results.lo - 2, results.hi + 2, count).round().astype(np.int64)
    middles = places << dropped if dropped >= 0 else places >> -dropped
    bits = 1 << np.arange(min(given.width, 62) - 1)
    wanted = [bound for bound in (ranged.low, ranged.high, codes.lo, codes.hi, 0) if bound is not None]
    around = np.concatenate([middles, bits, -bits, np.array(wanted, dtype=np.int64)])
    half = 1 << max(dropped - 1, 0)
    near = [around + offset for offset in (-half - 1, -half, -half + 1, -1, 0, 1, half - 1, half, half + 1)]
    single = [middles[:: max(len(middles) // 64, 1)] + bit for bit in bits[: max(dropped, 0)]]
    spread = rng.integers(codes.lo, codes.hi, RANDOM_CODES, endpoint=True)
    chosen = np.unique(np.concatenate([*near, *single, spread]))
    return CastTrial(given, ranged, made, chosen[(chosen >= codes.lo) & (chosen <= codes.hi)], False, steps)


def with_casts(casts: Sequence[CastTrial]) -> tuple[Proof, str]:
    """How far a proof of what is cast reaches with these trials of the casts, and words for it."""
    if all(cast.everything for cast in casts):
        return Proof.ALL_INPUTS, "; every number that is cast"
    if all(cast.steps for cast in casts):
        return Proof.ALL_INPUTS, "; every step of the cast, and each bit of its rest"
    return Proof.SAMPLED, "; of the numbers that are cast some"
