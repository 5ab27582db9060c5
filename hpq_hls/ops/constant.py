"""A value that is the same whatever comes in.

No network is built with it: hardware has it in place of what was found to be constant
(``hpq_hls.hardware.without_dead``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Order, Shape, Travel
from hpq_hls.ops.channels import taken
from hpq_hls.ops.layout import IMAGE, Array, Scratch, batch_last, channels_last, torch_order

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class ConstantValue(Operator):
    """``values``, raw integers of ``type`` in torch layout, for each sample. What it reads it drops.

    values, type: None in a graph, whose networks have other ones each: those of their layers.
    """

    kind: ClassVar[str] = "Constant"

    shape: Shape
    values: IntArray | None = None
    type: FixedType | None = None

    @property
    def always(self) -> IntArray | None:
        return self.values

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> ConstantValue:
        return replace(self, shape=(len(output), *self.shape[1:]), values=taken(self.values, output))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        return np.repeat(batch_last(self._known()[None]), inputs[0].shape[-1], axis=-1)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        made = inputs[0].new_tensor(self._known().tolist())
        return made.expand(len(inputs[0]), *self.shape)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        if self.type is None:
            raise TypeError("a constant of a graph has no type; its layers have")
        return self.type

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        seen = Interval.of(self._known())
        return seen, max(abs(seen.lo), abs(seen.hi))

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        natural = channels_last(self.shape) if len(self.shape) == IMAGE - 1 else torch_order(self._size)
        return Travel(tuple(made), natural if wish is None else wish)

    def any_order(self, shapes: Sequence[Shape]) -> bool:
        return True

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        return None

    def lower(self, build: Lowering) -> None:
        build.constant()

    @property
    def _size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def _known(self) -> IntArray:
        if self.values is None:
            raise TypeError("a constant of a graph has no values; its layers have")
        return self.values
