"""What convolution and pooling over one axis have in common: (C, L) is an image of height 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.base import Operator, Shape
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value

if TYPE_CHECKING:
    import torch


class Rows(Operator):
    """In front of an operator over images: the same over (C, L)."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes[0]) != 2:
            raise UnsupportedOperatorError(
                f"{self.kind} is applied to a tensor of shape {shapes[0]}; only (C, L) is supported"
            )
        channels, _, length = super().output_shape([(shapes[0][0], 1, shapes[0][1])])  # type: ignore[safe-super]
        return channels, length

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        made = super().compute([inputs[0][None]], weight, bias, scratch)  # type: ignore[safe-super]
        row: Array = made[0]
        return row

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        image, kernels = inputs[0].unsqueeze(2), weight
        if self.weight is not None and weight is not None:
            kernels = weight.unsqueeze(2)
        return super().differentiable([image], kernels, bias).squeeze(2)  # type: ignore[safe-super]

    def work_elements(self, shapes: Sequence[Shape]) -> int:
        return 2 * super().work_elements(shapes)


def length_of(call: TorchCall | OnnxCall, x: Value) -> int:
    """Length of a value that has to be (N, C, L)."""
    if len(x.shape) != 2:
        call.refuse(f"its input has shape (N, {', '.join(map(str, x.shape))}), not (N, C, L)")
    return x.shape[1]


def single(given: object, default: int = 1) -> int:
    """A number that torch may have written as a list of one; empty for the default."""
    if isinstance(given, (list, tuple)):
        return int(given[0]) if given else default
    return default if given is None else int(given)  # type: ignore[call-overload]
