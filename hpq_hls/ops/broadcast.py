"""Bringing together what torch and ONNX broadcast: two values, or a value and constants."""

from __future__ import annotations

import numpy as np

from hpq_hls.ops.base import FloatArray
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.reshape import Reshape
from hpq_hls.ops.select import Expand
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value


def together(call: TorchCall | OnnxCall, first: Value, second: Value) -> tuple[Value, Value]:
    """Two values, brought to one shape."""
    if len(first.shape) != len(second.shape):
        call.refuse(
            f"its values have shapes {first.shape} and {second.shape} per sample, which would be broadcast "
            "across samples; give both the same number of axes with unsqueeze"
        )
    try:
        shape = np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        call.refuse(f"its values of shapes {first.shape} and {second.shape} per sample cannot be broadcast")
    made = [
        value if tuple(value.shape) == shape else call.emit(Expand(shape), value, suffix="expanded")
        for value in (first, second)
    ]
    return made[0], made[1]


def with_constants(
    call: TorchCall | OnnxCall,
    x: Value,
    scale: FloatArray | None = None,
    offset: FloatArray | None = None,
) -> Value:
    """``scale x + offset``: for each channel, or for each element of the tensor as a vector.

    scale, offset: any shapes that broadcast to (1, *x.shape).
    """
    shape = (1, *x.shape)
    full = []
    for constant, default in ((scale, 1.0), (offset, 0.0)):
        given = np.full((), default) if constant is None else constant
        padded = (1,) * (len(shape) - given.ndim) + given.shape
        if len(padded) != len(shape) or any(
            one not in (1, size) for one, size in zip(padded, shape, strict=True)
        ):
            call.refuse(
                f"broadcasting a value of shape {x.shape} per sample to the constant's shape {given.shape} "
                "is not supported"
            )
        if not np.isfinite(given).all():
            call.refuse("its constant holds NaN or infinity, or its reciprocal does")
        rows = np.array(np.broadcast_to(given, shape), dtype=np.float64)
        full.append(rows.reshape(x.shape[0] if x.shape else 1, -1))
    if x.shape and all((rows == rows[:, :1]).all() for rows in full):
        return call.emit(ChannelAffine(full[0][:, 0].copy(), full[1][:, 0].copy()), x)
    vector = call.emit(Reshape((full[0].size,)), x, suffix="flat")
    mapped = call.emit(ChannelAffine(full[0].reshape(-1), full[1].reshape(-1)), vector, suffix="each")
    return call.emit(Reshape(tuple(x.shape)), mapped)
