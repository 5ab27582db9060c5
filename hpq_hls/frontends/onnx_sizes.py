"""How large the constants become that ONNX nodes compute from constants, before they are computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Inputs = Sequence[Any]


def folded_size(kind: str, inputs: Inputs) -> int:
    """Elements of the result of an operator; 0 where it cannot be told, and where the operator will say why.

    inputs: arrays, None where left out.
    """
    try:
        return int(_SIZES.get(kind, _broadcast)(inputs))
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError):
        return 0


def _numbers(given: Any) -> list[int]:
    return [int(number) for number in np.asarray(given).reshape(-1)]


def _broadcast(inputs: Inputs) -> int:
    return math.prod(np.broadcast_shapes(*(np.shape(given) for given in inputs if given is not None)))


def _range(inputs: Inputs) -> float:
    start, limit, delta = (float(np.asarray(given).reshape(-1)[0]) for given in inputs)
    return math.inf if delta == 0 else abs((limit - start) / delta)


def _range_size(inputs: Inputs) -> int:
    count = _range(inputs)
    return 1 << 62 if not math.isfinite(count) else int(count)


def _pad(inputs: Inputs) -> int:
    pads, shape = _numbers(inputs[1]), np.shape(inputs[0])
    if len(pads) != 2 * len(shape):
        return sum(map(abs, pads))
    return math.prod(size + pads[axis] + pads[axis + len(shape)] for axis, size in enumerate(shape))


def _expand(inputs: Inputs) -> int:
    shape, wanted = list(np.shape(inputs[0])), _numbers(inputs[1])
    return int(math.prod(shape) * math.prod(max(size, 1) for size in wanted))


def _matmul(inputs: Inputs) -> int:
    left, right = list(np.shape(inputs[0])), list(np.shape(inputs[1]))
    return int(math.prod(left[:-1]) * math.prod(right[:-2]) * (right[-1] if len(right) > 1 else 1))


def _slice(given: Any) -> int:
    """Elements at one place of the shortest axis."""
    return int(np.size(given)) // max(min(np.shape(given), default=1), 1)


def _resize(inputs: Inputs) -> float:
    if len(inputs) > 3 and inputs[3] is not None:
        return math.prod(_numbers(inputs[3]))
    return math.prod(np.shape(inputs[0])) * float(np.prod(np.asarray(inputs[2], dtype=np.float64)))


_SIZES: dict[str, Callable[[Inputs], float]] = {
    "ConstantOfShape": lambda inputs: math.prod(_numbers(inputs[0])),
    "Expand": _expand,
    "Tile": lambda inputs: math.prod(np.shape(inputs[0])) * math.prod(_numbers(inputs[1])),
    "Range": _range_size,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": lambda inputs: np.size(inputs[0]) * float(np.prod(np.asarray(inputs[1], dtype=np.float64))),
    "OneHot": lambda inputs: np.size(inputs[0]) * _numbers(inputs[1])[0],
    "MatMul": _matmul,
    "Gemm": _matmul,
    "Einsum": lambda inputs: math.prod(np.size(given) for given in inputs),
    "Gather": lambda inputs: _slice(inputs[0]) * np.size(inputs[1]),
    "GatherElements": lambda inputs: np.size(inputs[1]),
    "GatherND": lambda inputs: _slice(inputs[0]) * np.size(inputs[1]),
}
"""An upper bound for each operator whose result may be larger than what it reads; others broadcast."""
