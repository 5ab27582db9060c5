"""Float graph + calibration data + widths -> QuantizedGraph."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph, Node, check_input, prepare
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.ops.layout import Array
from hpq_hls.quantize.precision import Precision, Width, check_layers, parse_precision
from hpq_hls.quantize.scaling import COARSEST, FINEST, Scaling, choose_type, range_integer_bits, thinning
from hpq_hls.simulate import LayerSpec, QuantizedGraph, QuantizedLayer, assemble
from hpq_hls.simulate.layer import Edge
from hpq_hls.simulate.quantized_graph import make_layer

MAX_BIAS_WIDTH = 32
REMEMBERED_LAYERS = 1024
"""Layers of earlier networks that a Quantizer remembers."""
EXAMPLES = 4
"""Calibration samples that travel with the network for generated testbenches."""


class Quantizer:
    """Calibrated once, then quantizes at any precision; used by ``quantize`` and by the search.

    Types and rounded weights of a (layer, width) are computed once and kept, and networks share the layers
    that have the same types, weights and inputs, so that a ``Simulator`` need not run them again.

    Parameters
    ----------
    graph : the float network.
    calibration_x : (batch, *input_shape), representative inputs.
    rounding, overflow : modes of the input's and every layer's output type.
    scaling : how integer bits are chosen.

    Raises DataError where the calibration data does not fit the network.
    """

    def __init__(
        self,
        graph: Graph,
        calibration_x: npt.ArrayLike,
        *,
        rounding: Rounding = Rounding.RND,
        overflow: Overflow = Overflow.SAT,
        scaling: Scaling = Scaling.ERROR,
    ) -> None:
        self.graph = prepare(graph)
        self._rounding, self._overflow, self._scaling = rounding, overflow, scaling
        data = check_input(calibration_x, self.graph.input_shape, self.graph.input_name)
        self._seen = _observed(self.graph, data)
        self._examples = data[:EXAMPLES].copy()
        self._types: dict[tuple[str, Width], FixedType] = {}
        self._weights: dict[tuple[str, Width], tuple[IntArray, FixedType]] = {}
        self._specs: dict[object, LayerSpec] = {}
        self._layers: OrderedDict[object, QuantizedLayer] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Without the layers that are remembered: whoever receives this makes those it needs."""
        return {**self.__dict__, "_specs": {}, "_layers": OrderedDict()}

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers whose precision can be chosen, in order."""
        return tuple(node.name for node in self.graph.nodes if node.op.casts)

    def quantize(self, precision: Any = 8) -> QuantizedGraph:
        """The network at a precision (see ``parse_precision``).

        Raises:
            PrecisionError: an unknown layer or a width out of 1..32.
        """
        chosen = parse_precision(precision)
        check_layers(chosen, self.graph)
        input_type = self._value_type(self.graph.input_name, chosen)
        types = {self.graph.input_name: input_type}
        specs: dict[str, LayerSpec] = {}
        for node in self.graph.nodes:
            spec = self._spec(node, types[node.inputs[0]], chosen)  # the same object for the same widths
            specs[node.name] = spec
            types[node.name] = spec.output_type or node.op.exact_type([types[n] for n in node.inputs])
        return assemble(self.graph, input_type, specs, self._example_inputs(input_type), self._layer)

    def _layer(self, node: Node, edges: Sequence[Edge], spec: LayerSpec) -> QuantizedLayer:
        """The layer, made once while it is remembered."""
        key = (node.name, spec, tuple((edge.type, edge.interval) for edge in edges))
        layer = self._layers.pop(key, None) or make_layer(node, edges, spec)
        self._layers[key] = layer
        if len(self._layers) > REMEMBERED_LAYERS:
            self._layers.popitem(last=False)
        return layer

    def _spec(self, node: Node, input_type: FixedType, chosen: Precision) -> LayerSpec:
        key = (node.name, input_type, chosen.of(node.name)) if node.op.casts else node.name
        if key not in self._specs:
            self._specs[key] = self._new_spec(node, input_type, chosen)
        return self._specs[key]

    def _new_spec(self, node: Node, input_type: FixedType, chosen: Precision) -> LayerSpec:
        if not node.op.casts:
            return LayerSpec()
        output_type = self._value_type(node.name, chosen)
        if node.op.weight is None:
            return LayerSpec(output_type=output_type)
        widths = chosen.of(node.name)
        assert widths.weight is not None
        raw, weight_type = self._weight(node, widths.weight)
        bias_raw: IntArray | None = None
        bias_type: FixedType | None = None
        if node.op.bias is not None:
            products = input_type.fraction + weight_type.fraction
            finest = min(max(products, output_type.fraction), products + MAX_BIAS_WIDTH)
            bias_type = _bias_type(node.op.bias, finest, widths.bias)
            bias_raw = bias_type.from_float(node.op.bias)
        return LayerSpec(raw, weight_type, bias_raw, bias_type, output_type)

    def _value_type(self, name: str, chosen: Precision) -> FixedType:
        """Type of the input or of a layer's output."""
        width = chosen.of(name).activation
        assert width is not None
        if isinstance(width, FixedType):
            return width
        key = (name, width)
        if key not in self._types:
            values, signed = self._seen[name]
            chosen_type = choose_type(values, width, signed, self._rounding, self._overflow, self._scaling)
            if chosen_type.fraction == FINEST and 0 < abs(values).max() < 0.5 * chosen_type.scale:
                raise PrecisionError(
                    f"the values of {name!r} are all below 2**-{FINEST + 1} and would become zero; "
                    "scale the network's input or weights up"
                )
            self._types[key] = chosen_type
        return self._types[key]

    def _weight(self, node: Node, width: Width) -> tuple[IntArray, FixedType]:
        key = (node.name, width)
        if key not in self._weights:
            values = node.op.weight
            assert values is not None
            if isinstance(width, FixedType):
                chosen = width
            else:
                chosen = choose_type(values, width, True, Rounding.RND, Overflow.SAT, self._scaling)
            self._weights[key] = (chosen.from_float(values), chosen)
        return self._weights[key]

    def _example_inputs(self, input_type: FixedType) -> IntArray:
        """Calibration samples and the two extremes of the input type, raw."""
        shape = (1, *self.graph.input_shape)
        lowest = np.full(shape, input_type.min_raw, dtype=np.int64)
        highest = np.full(shape, input_type.max_raw, dtype=np.int64)
        return np.concatenate([input_type.from_float(self._examples), lowest, highest])


def _observed(graph: Graph, data: Array) -> dict[str, tuple[FloatArray, bool]]:
    """Of the input and of each casting layer: a sample of the values, with the extremes, and whether any is
    negative (a ReLU's never is)."""
    wanted = {graph.input_name, *(node.name for node in graph.nodes if node.op.casts)}
    samples: dict[str, list[FloatArray]] = {name: [] for name in wanted}
    for rows, name, part in graph.each_value(data):
        if name in wanted:
            flat = part.reshape(-1)
            step = thinning(len(data) * part[0].size)
            first = -(rows.start * part[0].size) % step
            samples[name] += [flat[first::step].copy(), np.array([flat.min(), flat.max()])]
    seen: dict[str, tuple[FloatArray, bool]] = {}
    for name, parts in samples.items():
        sample = np.concatenate(parts)
        node = graph.by_name.get(name)
        signed = bool(sample.min() < 0) if node is None else node.activation is None
        seen[name] = (sample, signed)
    return seen


def _bias_type(bias: FloatArray, finest: int, width: Width | None) -> FixedType:
    """Type of the biases: ``finest`` fraction bits, and as many bits as the largest bias needs, at most
    32; with a width given, as many integer bits as the largest needs and the rest fraction."""
    if isinstance(width, FixedType):
        return width
    if width is None:
        width = 1
        while width < MAX_BIAS_WIDTH and width - range_integer_bits(bias, width, True) < finest:
            width += 1
    integer = range_integer_bits(bias, width, True)
    fraction = min(width - integer, finest) if bias.any() else finest
    fraction = max(min(fraction, 2 * FINEST), 2 * COARSEST)
    return FixedType(width, width - fraction, True, Rounding.RND, Overflow.SAT)


def quantize(
    graph: Graph,
    calibration_x: npt.ArrayLike,
    precision: Any = 8,
    *,
    rounding: str | Rounding = Rounding.RND,
    overflow: str | Overflow = Overflow.SAT,
    scaling: str | Scaling = Scaling.ERROR,
) -> QuantizedGraph:
    """Turn a float network into integers.

    graph: from ``from_torch`` or ``from_onnx``.
    calibration_x: (batch, *input_shape), representative inputs; they decide the integer bits.
    precision: a width for all, ``{"layer": {"weight": 4, "activation": 6}}``, or the path of a YAML
        file; see ``parse_precision``.
    rounding, overflow: Vitis's modes ("AP_RND", "AP_SAT", ...) of the input's and the outputs' types.
    scaling: "error" chooses integer bits by least squared error, "range" by the largest value.

    Raises:
        DataError: the calibration data does not fit the network.
        PrecisionError: an unknown layer, width or mode.
    """
    quantizer = Quantizer(
        graph,
        calibration_x,
        rounding=_mode(Rounding, rounding, "rounding"),
        overflow=_mode(Overflow, overflow, "overflow"),
        scaling=_mode(Scaling, scaling, "scaling"),
    )
    return quantizer.quantize(precision)


def _mode(kind: Any, given: Any, what: str) -> Any:
    try:
        return kind(given)
    except ValueError as error:
        names = ", ".join(str(item.value) for item in kind)
        raise PrecisionError(f"{what} is {given!r}; choose one of {names}") from error
