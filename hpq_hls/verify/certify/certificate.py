"""What was shown of the kernels of a project."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from hpq_hls.errors import VerificationError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray, Kernel, Streams
from hpq_hls.shown import Shown
from hpq_hls.verify.certify.bench import Bench, BoolArray
from hpq_hls.verify.certify.plan import CastTrial, Examination, Proof, Trial
from hpq_hls.verify.certify.trials import examine

Progress = Callable[[str], None]
STALL_SEED = 1
RESTARTS = range(2, 10)
"""Seeds of more starts, each from other random bits: half of them are wrong where one bit is not reset."""
RESTART_FRAMES = 2


@dataclass(frozen=True)
class KernelCertificate:
    """What was shown of one kernel.

    name: of the kernel; layer: of the network's layer it belongs to; kind: of the kernel.
    proof: "all inputs", "exhaustive" or "sampled". why: the argument, or how much.
    checked, different: words that were compared, and those that differ. first: where the first one is, "".
    """

    name: str
    layer: str
    kind: str
    proof: str
    why: str
    checked: int
    different: int
    first: str = ""

    @property
    def passed(self) -> bool:
        """Whether words were compared, and all are equal."""
        return self.checked > 0 and self.different == 0 and not self.first

    @property
    def sentence(self) -> str:
        """What is wrong with it."""
        of = f" of layer {self.layer!r}" if self.layer else ""
        words = f"{self.different:,} of {self.checked:,} words differ"
        return f"{self.kind} {self.name}{of} is wrong: {words}; {self.first or 'none were compared'}"


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    """What was shown of a project.

    backend: of the project. kernels: one after the other, as data flows, and behind them what connects them.
    tools: their names and versions.
    digest: of the project's files that were examined.
    """

    derived: ClassVar[tuple[str, ...]] = ("passed",)

    backend: str
    kernels: tuple[KernelCertificate, ...]
    tools: tuple[str, ...]
    digest: str

    def facts(self) -> Mapping[str, str]:
        return {
            "backend": self.backend,
            "passed": "yes" if self.passed else "no",
            "kernels": str(len(self.kernels)),
            "words compared": f"{self.checked:,}",
            "words different": f"{self.different:,}",
        }

    @property
    def passed(self) -> bool:
        """Whether every kernel computes what it has to."""
        return bool(self.kernels) and all(kernel.passed for kernel in self.kernels)

    @property
    def checked(self) -> int:
        """Words that were compared."""
        return sum(kernel.checked for kernel in self.kernels)

    @property
    def different(self) -> int:
        """Words that differ."""
        return sum(kernel.different for kernel in self.kernels)

    @property
    def first_failure(self) -> KernelCertificate | None:
        """The first kernel, as data flows, that is wrong."""
        return next((kernel for kernel in self.kernels if not kernel.passed), None)

    def check(self) -> None:
        """Raise if anything was wrong.

        Raises
        ------
        VerificationError
            Names the first kernel that is.
        """
        wrong = self.first_failure
        if wrong is not None:
            raise VerificationError(wrong.sentence)

    def to_json(self) -> str:
        """One object: the fields, and whether it ``passed``."""
        return json.dumps({**asdict(self), "passed": self.passed}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """The way back.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is none.
        """
        read: Mapping[str, Any] = json.loads(text)
        kernels = tuple(KernelCertificate(**kernel) for kernel in read["kernels"])
        return cls(str(read["backend"]), kernels, tuple(read["tools"]), str(read["digest"]))


def certify(
    bench: Bench,
    flow: Dataflow,
    intervals: Mapping[str, Interval],
    *,
    backend: str,
    digest: str,
    progress: Progress | None = None,
) -> Certificate:
    """Examine every kernel of a design on ``bench``, several at a time.

    intervals: of the raw values of every stream.

    Raises
    ------
    ToolError
        A tool fails.
    """
    done: list[str] = []

    def examined(kernel: Kernel) -> KernelCertificate:
        found = examine_on(bench, kernel, flow.streams, intervals)
        done.append(kernel.name)
        if progress is not None:
            progress(f"{len(done)} of {len(flow.kernels)} kernels of {backend} examined")
        return found

    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        streams = pool.submit(bench.streams)
        kernels = tuple(pool.map(examined, flow.kernels))
        return Certificate(backend, (*kernels, *streams.result()), tuple(bench.tools), digest)
    finally:
        pool.shutdown(cancel_futures=True)


def examine_on(
    bench: Bench, kernel: Kernel, streams: Streams, intervals: Mapping[str, Interval]
) -> KernelCertificate:
    """Try one kernel."""
    plan = examine(kernel, streams, intervals)
    checked = different = 0
    first = ""
    try:
        for compared, wrong, where in _compared(bench, kernel, streams, plan):
            checked, different = checked + compared, different + wrong
            first = first or where
    except VerificationError as error:
        first = first or str(error)
    proof = plan.proof.value if different == 0 and not first else Proof.SAMPLED.value
    return KernelCertificate(
        kernel.name, kernel.layer, kernel.kind, proof, plan.why, checked, different, first
    )


def _compared(
    bench: Bench, kernel: Kernel, streams: Streams, plan: Examination
) -> Iterator[tuple[int, int, str]]:
    """Words compared, words that differ, where the first does."""
    restarted = False
    for trial in plan.trials():
        for stalls in (0, STALL_SEED) if bench.pauses and not trial.bits else (0,):
            found = _found(bench, kernel, streams, trial, stalls)
            for name, made, wanted in zip(kernel.outputs, found, trial.expected, strict=True):
                told = trial.what + (", with pauses" if stalls else "")
                yield _difference(made, wanted, trial.bits, f"stream {name}, {told}")
        if bench.pauses and not trial.bits and not restarted:
            restarted = True
            yield from _restarts(bench, kernel, streams, trial)
    if plan.casts:
        yield from _casts_compared(bench, kernel, plan.casts)


def _restarts(bench: Bench, kernel: Kernel, streams: Streams, trial: Trial) -> Iterator[tuple[int, int, str]]:
    """The first frames of a trial after other starts."""
    few = Trial(
        trial.what,
        tuple(part[:RESTART_FRAMES] for part in trial.inputs),
        tuple(part[:RESTART_FRAMES] for part in trial.expected),
    )
    for seed in RESTARTS:
        found = _found(bench, kernel, streams, few, seed)
        for name, made, wanted in zip(kernel.outputs, found, few.expected, strict=True):
            yield _difference(made, wanted, 0, f"stream {name}, {few.what}, started with seed {seed}")


def _casts_compared(
    bench: Bench, kernel: Kernel, casts: Sequence[CastTrial]
) -> Iterator[tuple[int, int, str]]:
    """Every cast of the kernel, and that there is one from each type."""
    results = bench.casts(kernel, [cast.given for cast in casts], [cast.codes for cast in casts])
    for cast in casts:
        own = [(codes, made) for number, codes, made in results if casts[number] is cast]
        if not own:
            yield 0, 0, f"nothing is cast from {cast.given}"
        for codes, made in own:
            yield _cast_difference(made, cast, codes)


def _found(bench: Bench, kernel: Kernel, streams: Streams, trial: Trial, stalls: int) -> Sequence[IntArray]:
    if not trial.bits:
        made = bench.run(kernel, trial.inputs, stalls=stalls)
        kinds = [streams[name].type for name in kernel.outputs]
        return [_signed(bits, kind) for bits, kind in zip(made, kinds, strict=True)]
    width = min(streams[name].type.width for name in kernel.outputs)
    whole: list[Any] = [0] * len(kernel.outputs)
    for low in range(0, trial.bits, width):
        parts = bench.run(kernel, trial.inputs, window=low)
        small = trial.bits <= 62
        for index, part in enumerate(parts):
            bits = part & (1 << width) - 1
            whole[index] = whole[index] + ((bits if small else bits.astype(object)) << low)
    return [value & (1 << trial.bits) - 1 for value in whole]


def _signed(bits: IntArray, kind: FixedType) -> IntArray:
    return bits - ((bits >> kind.width - 1 << kind.width) if kind.signed else 0)


def _difference(made: Any, wanted: Any, bits: int, where: str) -> tuple[int, int, str]:
    if made.shape != wanted.shape:
        return 0, 0, f"{where}: {made.shape} words came out, not {wanted.shape}"
    wrong = made != (wanted & (1 << bits) - 1 if bits else wanted)
    count = int(np.count_nonzero(wrong))
    if not count:
        return wrong.size, 0, ""
    frame, beat, lane = (int(index) for index in np.argwhere(wrong)[0])
    place = f"{where}: frame {frame}, beat {beat}, lane {lane}"
    seen, right = made[frame, beat, lane], wanted[frame, beat, lane]
    if bits:
        ends = f"{seen:#x}, not in {right & (1 << bits) - 1:#x}"
        return wrong.size, count, f"{place}: what is cast ends in {ends}"
    return wrong.size, count, f"{place}: {seen}, not {right}"


def _cast_difference(made: IntArray, cast: CastTrial, given: BoolArray) -> tuple[int, int, str]:
    """given: which of the trial's codes it was."""
    wanted = cast.expected[given]
    wrong = _signed(made, cast.made) != wanted
    count = int(np.count_nonzero(wrong))
    if not count:
        return wrong.size, 0, ""
    (index,) = np.argwhere(wrong)[0]
    found = _signed(made, cast.made)[index]
    return (
        wrong.size,
        count,
        f"cast from {cast.given}: {cast.codes[given][index]} becomes {found}, not {wanted[index]}",
    )
