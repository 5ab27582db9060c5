"""A quantized network in torch: the same integers forwards, straight-through gradients backwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hpq_hls.finetune.casting import cast
from hpq_hls.finetune.tables import TrainableTable
from hpq_hls.fixed import FixedType
from hpq_hls.graph import Graph, Node, named, only
from hpq_hls.ops.base import FloatArray, IntArray, Operator
from hpq_hls.quantize.moments import as_matrices
from hpq_hls.quantize.pruning import pruned
from hpq_hls.simulate import LayerSpec, QuantizedGraph, QuantizedLayer, assemble

Tensors = Mapping[str, torch.Tensor]

BELOW_HALF = 0.499
"""How far above its code a latent parameter may lie, in codes; one half would be the next code."""
INNER = 0.25
"""How far from its code a latent parameter starts whose float value is nearer to another code: so far from
that one that a first small step does not undo what the quantizer chose."""


class Codes:
    """The parameters of a layer: real numbers that are trained, and the integers that they stand for.

    latent: float64, in units of a code; the code is the nearest integer (AP_RND). It stays within half a
        code of the type's range, so that every parameter can come back. It starts at the float parameter
        where that rounds to the quantizer's integer, else beside that integer.
    step: what a code is worth, a power of two, one for all or one per output channel.
    signs: the integers are +1 and -1, which codes 1 and 0 stand for; a step is the distance of the two.
    kept: codes that training does not touch, shaped like the integers; None where it may touch all.
    typical: root mean square of the float parameters in codes, or ``least`` (a value) where that is more.
    """

    def __init__(
        self,
        values: FloatArray,
        raw: IntArray,
        kind: FixedType,
        shift: IntArray | None,
        *,
        least: float = 0.0,
        signs: bool = False,
        kept: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        ones = (1,) * (raw.ndim - 1)
        self._shift = np.zeros((1, *ones), np.int64) if shift is None else shift.reshape(-1, *ones)
        self._unit = 2 if signs else 1  # of the integers
        step = self._unit * kind.scale * 2.0**self._shift
        self._zero = 0.5 if signs else 0.0  # the code that is worth nothing
        codes = (raw >> self._shift) / self._unit + self._zero
        self.typical = max(_typical(values / step), least / kind.scale)
        self._lo, self._hi = (0, 1) if signs else (kind.min_raw, kind.max_raw)
        self.latent = torch.from_numpy(_start(values / step + self._zero, codes, self._lo, self._hi))
        self._kept = None if kept is None else (torch.from_numpy(kept), self.latent.clone())
        self.latent.requires_grad_()
        self._step = torch.from_numpy(step)

    def value(self, dtype: torch.dtype) -> torch.Tensor:
        """What the codes are worth, with gradients straight through to ``latent``."""
        return _Nearest.apply(self.latent, self._step, self._lo, self._hi, self._zero, dtype)  # type: ignore[no-any-return, no-untyped-call]

    def raw(self) -> IntArray:
        """The integers, aligned to one fraction for all channels."""
        nearest = _nearest(self.latent.detach(), self._lo, self._hi)
        return np.asarray((self._unit * (nearest - self._zero)).to(torch.int64).numpy() << self._shift)

    def settle(self, pull: float) -> None:
        """After a step: bring back what left the range or is kept; move all a share ``pull`` towards their
        codes."""
        with torch.no_grad():
            self.latent.clamp_(self._lo - 0.5, self._hi + BELOW_HALF)
            self.latent.lerp_(_nearest(self.latent, self._lo, self._hi), min(pull, 1.0))
            if self._kept is not None:
                self.latent.copy_(torch.where(*self._kept, self.latent))


class _Nearest(torch.autograd.Function):
    @staticmethod
    def forward(
        _ctx: Any,
        latent: torch.Tensor,
        step: torch.Tensor,
        lo: int,
        hi: int,
        zero: float,
        dtype: torch.dtype,
    ) -> torch.Tensor:
        return ((_nearest(latent, lo, hi) - zero) * step).to(dtype)

    @staticmethod
    def backward(_ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None, None, None]:
        return gradients[0].double(), None, None, None, None, None


def _start(values: FloatArray, codes: FloatArray, lo: int, hi: int) -> FloatArray:
    """Latent parameters next to ``values`` that round to ``codes``; all in codes."""
    within = np.clip(values, lo - 0.5, hi + BELOW_HALF)
    kept = np.clip(np.floor(within + 0.5), lo, hi) == codes
    return np.where(kept, within, np.clip(values, codes - INNER, codes + INNER))


def _nearest(latent: torch.Tensor, lo: int, hi: int) -> torch.Tensor:
    return (latent + 0.5).floor_().clamp_(lo, hi)


@dataclass(frozen=True, eq=False)
class Parameters:
    """Trainable parameters of a layer."""

    weight: Codes
    bias: Codes | None

    def __iter__(self) -> Iterator[Codes]:
        return iter([self.weight] if self.bias is None else [self.weight, self.bias])


class TrainableNetwork:
    """A ``QuantizedGraph`` whose integer parameters can be trained; types and shifts stay.

    Parameters
    ----------
    q : where training starts: its integers, and within their reach the float parameters of its graph.
    dtype : numbers of the forward pass; float32 is exact while sums stay below 2**24.
    """

    def __init__(self, q: QuantizedGraph, dtype: torch.dtype = torch.float32) -> None:
        self._q, self._dtype = q, dtype
        self.parameters = {
            name: _parameters(layer, _pruned_zeros(q.graph.by_name[name], layer))
            for name, layer in q.layers.items()
            if layer.weight_raw is not None
        }
        self._nodes = {node.name: _rounded(node, q.layers[node.name].output_type) for node in q.graph.nodes}
        self._tables = {
            name: TrainableTable.of(layer, dtype) for name, layer in q.layers.items() if layer.op.looks_up
        }

    def forward(self, x: torch.Tensor | Tensors) -> torch.Tensor:
        """Outputs (batch, *output_shape) for values of the input's type, in torch layout.

        x: by name where there are several inputs; there is one output.
        """
        return only(self.outputs(named(x, self._q.graph.inputs)), "output")

    def outputs(self, x: Tensors) -> Tensors:
        """Every output by name, for values of every input."""
        values, like = dict(x), next(iter(x.values()))
        for node in self._q.graph.nodes:
            own = self.parameters.get(node.name)
            weight = constant_of(node.op, like) if own is None else own.weight.value(self._dtype)
            bias = None if own is None or own.bias is None else own.bias.value(self._dtype)
            result = _evaluate(self._nodes[node.name], values, weight, bias)
            if node.op.casts:
                result = cast(result, self._q.layers[node.name].output_type)
            if node.op.looks_up:
                result = self._tables[node.name].look_up(values[node.inputs[0]], result)
            values[node.name] = result
        return {name: values[value] for name, value in self._q.graph.outputs.items()}

    def quantized(self) -> QuantizedGraph:
        """The network that was simulated, in integers."""
        graph = self._q.graph
        specs = {name: self._spec(layer) for name, layer in self._q.layers.items()}
        return assemble(graph, self._q.input_types, specs, self._q.examples)

    def _spec(self, layer: QuantizedLayer) -> LayerSpec:
        own = self.parameters.get(layer.name)
        bias_raw = layer.bias_raw if own is None or own.bias is None else own.bias.raw()
        return LayerSpec(
            weight_raw=layer.weight_raw if own is None else own.weight.raw(),
            weight_type=layer.weight_type,
            bias_raw=bias_raw,
            bias_type=layer.bias_type,
            output_type=layer.output_type if layer.op.casts else None,
            weight_shift=layer.weight_shift,
            weight_signs=layer.weight_signs,
        )


def _pruned_zeros(node: Node, layer: QuantizedLayer) -> npt.NDArray[np.bool_] | None:
    """The weights that were pruned and that the quantizer kept at zero; None where there are none, or where
    some are not."""
    zeros = pruned(as_matrices(node))
    if zeros is None or layer.weight_raw is None:
        return None
    zeros = zeros.reshape(layer.weight_raw.shape)
    return None if layer.weight_raw[zeros].any() else zeros


def _parameters(layer: QuantizedLayer, kept: npt.NDArray[np.bool_] | None) -> Parameters:
    assert layer.weight_raw is not None and layer.stored_weight_type is not None
    assert layer.op.weight is not None
    kind, shift = layer.stored_weight_type, layer.weight_shift
    weight = Codes(layer.op.weight, layer.weight_raw, kind, shift, signs=layer.weight_signs, kept=kept)
    if layer.bias_raw is None or layer.bias_type is None or layer.op.bias is None:
        return Parameters(weight, None)
    least = _typical(layer.op.weight)  # biases may all be zero
    return Parameters(weight, Codes(layer.op.bias, layer.bias_raw, layer.bias_type, None, least=least))


def _typical(values: FloatArray) -> float:
    return float(np.sqrt(np.square(values).mean())) if values.size else 0.0


def constant_of(op: Operator, like: torch.Tensor) -> torch.Tensor | None:
    """The value of an operator's constant as a tensor of shape (), in the number type of ``like``."""
    constant = op.constant
    return None if constant is None else like.new_tensor(constant.raw * constant.type.scale)


def _rounded(node: Node, output_type: FixedType) -> Node:
    """A node whose activation has the constants of hardware."""
    return node if node.activation is None else replace(node, activation=node.activation.rounded(output_type))


def _evaluate(
    node: Node,
    values: Mapping[str, torch.Tensor],
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    result = node.op.differentiable([values[name] for name in node.inputs], weight, bias)
    return result if node.activation is None else node.activation.differentiable([result], None, None)


def float_outputs(graph: Graph, x: Tensors) -> Tensors:
    """The float network's outputs (batch, *output_shape) in the number type of ``x``, both by name."""
    values, like = dict(x), next(iter(x.values()))
    for node in graph.nodes:
        weight, bias = (
            None if array is None else like.new_tensor(array) for array in (node.op.weight, node.op.bias)
        )
        values[node.name] = _evaluate(node, values, weight, bias)
    return {name: values[value] for name, value in graph.outputs.items()}
