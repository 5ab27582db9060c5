"""One node of an ONNX graph, as handlers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hpq_hls.frontends.builder import Value
from hpq_hls.frontends.call import Call
from hpq_hls.ops.base import FloatArray
from hpq_hls.ops.layout import Array

BATCH = 2**31 - 1
"""Stands for the batch size in shapes that the model computes; a prime, so that no product of other
sizes is taken for it."""
_FLOAT, _INT32, _INT64, _DOUBLE, _UINT32, _UINT64 = 1, 6, 7, 11, 12, 13  # onnx.TensorProto.DataType
_MORE_THAN_FLOAT = (_DOUBLE, _INT32, _UINT32, _INT64, _UINT64)


@dataclass(frozen=True)
class OnnxCall(Call):
    """See ``hpq_hls.ops.spelling.OnnxCall``.

    input_type: element type of the network's input.
    """

    any_batch: ClassVar[int] = BATCH

    name: str
    opset: int
    results: int
    inputs: Sequence[Value | Array | None]
    attributes: Mapping[str, Any]
    batch: int | None
    input_type: int

    @property
    def widening(self) -> bool:
        """Whether the type that it converts to holds every value."""
        wanted = int(self.attributes["to"])
        if wanted == _DOUBLE:
            return self.input_type not in (_INT64, _UINT64)
        return wanted == self.input_type or (wanted == _FLOAT and self.input_type not in _MORE_THAN_FLOAT)

    def value(self, index: int = 0) -> Value:
        """An input that is computed from the network's input."""
        given = self._input(index)
        if not isinstance(given, Value):
            self.refuse(f"its input {index} does not depend on the network's input")
        if given.turned:
            self.refuse(f"the batch axis of its input {index} is the last one; keep it first")
        return given

    def turned(self, index: int = 0) -> Value | None:
        """An input whose batch axis is the last one, as if it were the first; None where it is the first."""
        given = self._input(index)
        return replace(given, turned=False) if isinstance(given, Value) and given.turned else None

    def turn(self, x: Value) -> Value:
        """A vector with its batch axis last."""
        if len(x.shape) != 1:
            self.refuse("it moves the batch axis; keep it first")
        return replace(x, turned=True)

    def is_value(self, index: int) -> bool:
        """Whether an input is computed from the network's input."""
        return isinstance(self._input(index), Value)

    def optional(self, index: int) -> FloatArray | None:
        """A constant input in float64, or None where it is left out."""
        given = self._input(index)
        if isinstance(given, Value):
            self.refuse(f"its input {index} is computed from the network's input")
        if given is not None and given.dtype.kind not in "fiub" and given.dtype.name != "bfloat16":
            self.refuse(f"its input {index} is of type {given.dtype}, and holds no real numbers")
        return None if given is None else np.array(given, dtype=np.float64, order="C")

    def constant(self, index: int) -> FloatArray:
        """A constant input in float64."""
        given = self.optional(index)
        if given is None:
            self.refuse(f"its input {index} is missing")
        return given

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """A setting that older opsets keep in an attribute and newer ones in a constant input, as
        numbers or lists of numbers."""
        given = self.optional(index)
        return self.attributes.get(name, default) if given is None else given.tolist()

    def pair(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        """An attribute of two integers."""
        given = self.attributes.get(name, default)
        if len(given) != 2:
            self.refuse(f"its {name} {list(given)} are not for two dimensions")
        return int(given[0]), int(given[1])

    def _input(self, index: int) -> Value | Array | None:
        return self.inputs[index] if index < len(self.inputs) else None
