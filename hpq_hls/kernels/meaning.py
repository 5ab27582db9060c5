"""What kernels have in common that say literally what they compute: the end of every sum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Clip, FixedType
from hpq_hls.kernels.base import IntArray

Objects = npt.NDArray[np.object_]
"""Python integers, which have no width."""


def finish(
    total: Objects, fraction: int, made: FixedType, *, clip: Clip, accumulator: FixedType | None = None
) -> IntArray:
    """Exact sums brought into the range that ``clip`` says, then cast to the type ``made``.

    accumulator: what hardware holds these sums in: it has their fraction, and room for what is cast.
    """
    if clip.low is not None:
        total = np.maximum(total, clip.low)
    if clip.high is not None:
        total = np.minimum(total, clip.high)
    if accumulator is not None and total.size:
        assert accumulator.fraction == fraction
        assert accumulator.min_raw <= min(total.reshape(-1))
        assert max(total.reshape(-1)) <= accumulator.max_raw
    return made.from_raw(total, fraction)
