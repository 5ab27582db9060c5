"""What kernels have in common that say literally what they compute: the end of every sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels.base import IntArray, Table

Objects = npt.NDArray[np.object_]
"""Python integers, which have no width."""


def finish(
    total: Objects,
    fraction: int,
    made: FixedType,
    *,
    epilogue: Epilogue,
    accumulator: FixedType | None = None,
    first: int = 0,
) -> IntArray:
    """The epilogue of exact sums, cast to the type ``made``.

    accumulator: what hardware holds these sums in: it has their fraction, and room for them.
    first: which element of the frame the first of them is, in the order in which they leave.
    """
    if accumulator is not None and total.size:
        assert accumulator.fraction == fraction
        assert accumulator.min_raw <= min(total.reshape(-1))
        assert max(total.reshape(-1)) <= accumulator.max_raw
    slopes = None
    if epilogue.slopes:
        flat = epilogue.words.reshape(-1)
        slopes = flat[(first + np.arange(total.size)) % len(flat)].reshape(total.shape)
    return made.from_raw(epilogue.apply(total, slopes), fraction + epilogue.fraction)


def slope_table(epilogue: Epilogue) -> Mapping[str, Table]:
    """The slopes of a kernel's epilogue as one of its tables, if there are any."""
    if not epilogue.slopes:
        return {}
    kind, words = epilogue.slope_type, epilogue.words
    plain = FixedType(kind.width, kind.integer)
    return {"slope": Table(words, kind, f"raw integers of {plain}", in_memory=len(words) > 1)}
