"""One call of a torch operator, as handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpq_hls.frontends.builder import Value
from hpq_hls.frontends.call import Call
from hpq_hls.ops.base import FloatArray, Shape


@dataclass(frozen=True)
class BatchConstant:
    """A tensor that is the same for every sample, (1, ...): a constant in element-wise operators."""

    tensor: Any


@dataclass(frozen=True)
class TorchCall(Call):
    """See ``hpq_hls.ops.spelling.TorchCall``.

    name: of the operator without the overload ("aten.add").
    shape: of the result, without the batch axis.
    """

    name: str
    arguments: Mapping[str, Any]
    shape: tuple[Any, ...]
    widening: bool

    def value(self, name: str) -> Value:
        """An argument that is computed from the network's input."""
        given = self.arguments[name]
        if not isinstance(given, Value):
            self.refuse(f"its {name} does not depend on the network's input")
        return given

    def is_value(self, name: str) -> bool:
        """Whether an argument is computed from the network's input."""
        return isinstance(self.arguments.get(name), Value)

    def constant(self, name: str) -> FloatArray:
        """An argument that is a parameter, buffer, constant or number, in float64."""
        import torch

        given = self.arguments[name]
        if isinstance(given, BatchConstant):
            given = given.tensor
        if isinstance(given, (int, float)):
            return np.array(given, dtype=np.float64)
        if isinstance(given, Value) or not hasattr(given, "detach"):
            self.refuse(f"its {name} is computed from the network's input or batch size")
        if given.is_complex():
            self.refuse(f"its {name} is complex")
        if given.layout is not torch.strided:
            given = given.to_dense()
        return np.array(given.detach().cpu().double().numpy(), dtype=np.float64, order="C")

    def optional(self, name: str) -> FloatArray | None:
        """The same, or None."""
        return None if self.arguments.get(name) is None else self.constant(name)

    def pair(self, name: str) -> tuple[int, int]:
        """An argument of two integers, of which torch may have written only one."""
        given = self.arguments[name]
        both = [given] if isinstance(given, int) else list(given)
        return int(both[0]), int(both[-1])

    def static_shape(self) -> Shape:
        """Shape of the result, which must not depend on the batch."""
        if not all(isinstance(length, int) for length in self.shape):
            self.refuse(
                f"its result has shape {tuple(map(str, self.shape))} per sample, which depends on the batch "
                "size; keep the batch axis first, for instance with x.flatten(1)"
            )
        return tuple(self.shape)
