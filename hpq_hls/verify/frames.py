"""Raw frames of a port, checked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.manifest import Port, port_type
from hpq_hls.errors import DataError

IntArray = npt.NDArray[np.int64]


def checked_frames(frames: IntArray, port: Port, what: str = "input") -> IntArray:
    """Frames as int64, (frames, beats, lanes), if the port can carry them.

    Raises:
        DataError: they are no integers, have another shape, or a value is outside of the port's type.
    """
    array = np.asarray(frames)
    name = f"{what} frames of {port.port}"
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{name} are {array.dtype}; give raw integers, which from_float of the type makes")
    if array.ndim != 3 or array.shape[1:] != (port.beats, port.lanes) or not len(array):
        raise DataError(
            f"{name} have shape {array.shape}; give at least one packet of {port.beats} beats with "
            f"{port.lanes} elements, shape (packets, {port.beats}, {port.lanes})"
        )
    kind = port_type(port)
    low, high = kind.code_interval.lo, kind.code_interval.hi
    outside = np.argwhere((array < low) | (array > high))
    if len(outside):
        frame, beat, lane = (int(number) for number in outside[0])
        raise DataError(
            f"{name} hold {array[frame, beat, lane]} in frame {frame}, beat {beat}, lane {lane}, outside "
            f"{low}..{high}, which is what the port carries ({kind}); cast them to that type first"
        )
    return array.astype(np.int64)
