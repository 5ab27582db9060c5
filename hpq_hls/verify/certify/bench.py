"""What runs the kernels of a generated project alone, each at its own ports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType
from hpq_hls.kernels import Kernel

if TYPE_CHECKING:
    from hpq_hls.verify.certify.certificate import KernelCertificate

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Progress = Callable[[str], None]


class Bench(Protocol):
    """The kernels of one project, as its files have them.

    Bits are those of a number of the port's width without a sign, int64.
    """

    tools: tuple[str, ...]
    """Names and versions of what runs them."""
    pauses: bool
    """Whether pauses mean anything."""

    def run(
        self, kernel: Kernel, inputs: Sequence[IntArray], *, window: int | None = None, stalls: int = 0
    ) -> list[IntArray]:
        """The bits that a kernel makes of frames: for each of its outputs (frames, beats, lanes).

        inputs: for each of its inputs raw integers, (frames, beats, lanes). The frames come one after the
        other without a pause. window: instead of every cast, its result has the bits of what would be cast,
        from this one (0: the lowest) on. stalls: seed of random pauses in front of and behind the kernel; 0:
        none.

        Raises:
            VerificationError: it makes more or less than it has to, withdraws what it has offered, or stands
                still.
            ToolError: a tool fails.
        """
        ...

    def casts(
        self, kernel: Kernel, kinds: Sequence[FixedType], codes: Sequence[IntArray]
    ) -> list[tuple[int, BoolArray, IntArray]]:
        """What each cast of a kernel makes of numbers alone: which of ``kinds`` it casts from, which of the
        codes it can be given, (codes,), and the bits that it makes of these. Casts that do the same count
        once.

        kinds: types of what is cast. codes: raw integers of each.

        Raises:
            VerificationError: a cast takes numbers that none of ``kinds`` has.
        """
        ...

    def streams(self) -> Sequence[KernelCertificate]:
        """What connects the kernels."""
        ...
