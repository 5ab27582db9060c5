"""Batch normalisation as it was trained; the graph passes fold it or turn it into a ChannelAffine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.layout import Array, Scratch
from hpq_hls.ops.linear import ChannelAffine
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch

if TYPE_CHECKING:
    import torch


@operator
@dataclass(frozen=True, eq=False)
class BatchNorm(Operator):
    """``y = gamma (x - mean) / sqrt(variance + epsilon) + beta`` per channel, arrays of (channels,)."""

    kind: ClassVar[str] = "BatchNorm"
    casts: ClassVar[bool] = True

    gamma: FloatArray
    beta: FloatArray
    mean: FloatArray
    variance: FloatArray
    epsilon: float

    def affine(self) -> ChannelAffine:
        """The same map as one multiplication and one addition per channel."""
        scale = self.gamma / np.sqrt(self.variance + self.epsilon)
        return ChannelAffine(weights=scale, biases=self.beta - self.mean * scale)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.affine().output_shape(shapes)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        affine = self.affine()
        return affine.compute(inputs, affine.weight, affine.bias, scratch)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        affine = self.affine()
        weight, bias = (inputs[0].new_tensor(array) for array in (affine.weights, affine.biases))
        return affine.differentiable(inputs, weight, bias)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("batch-norm has no integer meaning before it is folded")

    def lower(self, build: Lowering) -> None:
        raise TypeError("batch-norm becomes no kernel before it is folded")


@spelled_in_torch(
    "BatchNorm1d and BatchNorm2d with running statistics",
    "batch_norm",
    "_native_batch_norm_legit_no_training",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_functional",
    "native_batch_norm",
)
def _batch_norm(call: TorchCall) -> Value:
    given = call.arguments
    if given.get("training") or given.get("running_mean") is None or given.get("running_var") is None:
        call.refuse(
            "it normalises with the statistics of the batch; use track_running_stats=True and call "
            "model.eval() before exporting"
        )
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    gamma, beta = call.optional("weight"), call.optional("bias")
    norm = BatchNorm(
        np.ones_like(mean) if gamma is None else gamma,
        np.zeros_like(mean) if beta is None else beta,
        mean,
        variance,
        float(given["eps"]),
    )
    return call.emit(norm, call.value("input"))


@spelled_in_onnx("BatchNormalization")
def _batch_normalization(call: OnnxCall) -> Value:
    if call.attributes.get("training_mode") or not call.attributes.get("spatial", 1):
        call.refuse("only normalisation per channel with stored statistics is supported")
    gamma, beta, mean, variance = (call.constant(index) for index in range(1, 5))
    epsilon = float(call.attributes.get("epsilon", 1e-5))
    norm, turned = BatchNorm(gamma, beta, mean, variance, epsilon), call.turned()
    if turned is None:
        return call.emit(norm, call.value())
    # Some writers put a vector's features first for it: (C, N). That there are C statistics says so.
    return call.turn(call.emit(norm, turned))
