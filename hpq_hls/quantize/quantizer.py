"""Float graph + calibration data + widths -> QuantizedGraph."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph, Inputs, Node, check_inputs, named, prepare
from hpq_hls.graph.equalize import channel_sizes
from hpq_hls.graph.equalize import equalize as equalized
from hpq_hls.graph.fusing import indices
from hpq_hls.ops.base import FloatArray, IntArray
from hpq_hls.ops.pointwise import MAX_INDEX
from hpq_hls.quantize.activations import OutputError, least_error, observe
from hpq_hls.quantize.bias import bias_type, corrected_bias, half_lsb, mean_input
from hpq_hls.quantize.moments import InputMoments, as_matrices, collect_moments
from hpq_hls.quantize.options import QuantizerOptions, Scaling, WeightRounding
from hpq_hls.quantize.precision import LayerPrecision, Precision, Width, check_layers, parse_precision
from hpq_hls.quantize.pruning import pruned
from hpq_hls.quantize.scaling import FINEST, candidate_types
from hpq_hls.quantize.weights import WeightCodes, WeightMoments, chosen_modes, round_weights
from hpq_hls.simulate import LayerSpec, QuantizedGraph, QuantizedLayer, assemble
from hpq_hls.simulate.layer import Edge
from hpq_hls.simulate.quantized_graph import make_layer

MAX_BIAS_FINENESS = 32
"""How many fraction bits a bias may have more than the layer's products."""
REMEMBERED_LAYERS, REMEMBERED_EACH = 1024, 32
"""Layers of earlier networks that a Quantizer remembers: so many, or so many for each of a deep network."""
MAX_EXAMPLES, MIN_EXAMPLES = 64, 4
EXAMPLE_ELEMENTS = 1 << 17
"""How many calibration samples travel with the network, for the frames that designs are verified with: as
many as have so many elements in all."""


class Quantizer:
    """Calibrated once, then quantizes at any precision; used by ``quantize`` and by the search.

    Types and rounded weights of a (layer, width) are computed once and kept, and networks share the layers
    that have the same types, weights and inputs, so that a ``Simulator`` need not run them again. A layer's
    integers depend on its own widths and on the type of its input, on nothing else.

    Parameters
    ----------
    graph : the float network.
    calibration_x : (batch, *input_shape), representative inputs; of several by name or in order.
    options : how to quantize; settings : fields of QuantizerOptions that replace those of ``options``.

    Raises DataError where the calibration data does not fit the network, PrecisionError for an unknown
    setting.
    """

    def __init__(
        self,
        graph: Graph,
        calibration_x: Any,
        options: QuantizerOptions | None = None,
        **settings: Any,
    ) -> None:
        self.options = (options or QuantizerOptions()).changed(**settings)
        self.graph = prepare(graph)
        data = check_inputs(calibration_x, self.graph.inputs)
        if self.options.equalize:
            self.graph = equalized(self.graph, channel_sizes(self.graph, data))
        self._indices = indices(self.graph)
        self._data: Inputs | None = data
        self._examples = _examples(self.graph, data)
        self._raw_examples: dict[tuple[str, FixedType], IntArray] = {}
        self._seen = observe(self.graph, data)
        self._moments: dict[str, InputMoments] | None = None
        self._weight_moments: dict[str, WeightMoments] = {}
        self._types: dict[object, FixedType] = {}
        self._weights: dict[tuple[str, Width], WeightCodes] = {}
        self._biases: dict[object, FloatArray] = {}
        self._mean_inputs: dict[tuple[str, FixedType], FloatArray] = {}
        self._specs: dict[object, LayerSpec] = {}
        self._layers: OrderedDict[object, QuantizedLayer] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """With the moments instead of the calibration data; without the layers and raw examples that are
        remembered: whoever receives this makes those it needs."""
        self._all_moments()
        forgotten: dict[str, Any] = {"_specs": {}, "_layers": OrderedDict(), "_raw_examples": {}}
        return {**self.__dict__, "_data": None, **forgotten}

    def least_weight_width(self, layer: str) -> int:
        """The fewest bits that a layer's weights may have: 2 where pruned zeros are kept, else 1."""
        node = self.graph.by_name[layer]
        keeps = self.options.keep_zeros and node.op.weight is not None
        return 2 if keeps and pruned(as_matrices(node)) is not None else 1

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers whose precision can be chosen, in order."""
        return tuple(node.name for node in self.graph.nodes if node.chooses)

    def type_of(self, layer: str, part: str, width: int) -> FixedType:
        """The type that a layer's "weight" or "activation" (or the input's) gets at a width, if the layer has
        one scale for all its channels.

        layer: one that ``check_layers`` takes, with such a part.
        """
        if part == "activation":
            return self._value_type(layer, Precision(LayerPrecision(activation=width)))
        return self._weight(self.graph.by_name[layer], width).type.replace(width=width)

    def quantize(self, precision: Any = 8) -> QuantizedGraph:
        """The network at a precision (see ``parse_precision``).

        Raises:
            PrecisionError: an unknown layer or a width out of 1..32.
        """
        chosen = parse_precision(precision)
        check_layers(chosen, self.graph)
        input_types = {name: self._value_type(name, chosen) for name in self.graph.inputs}
        types = dict(input_types)
        specs: dict[str, LayerSpec] = {}
        for node in self.graph.nodes:
            spec = self._spec(node, types[node.inputs[0]], chosen)  # the same object for the same widths
            specs[node.name] = spec
            types[node.name] = spec.output_type or node.op.exact_type([types[n] for n in node.inputs])
        examples = {name: self._example_inputs(name, kind) for name, kind in input_types.items()}
        return assemble(self.graph, input_types, specs, examples, self._layer)

    def _layer(self, node: Node, edges: Sequence[Edge], spec: LayerSpec) -> QuantizedLayer:
        """The layer, made once while it is remembered."""
        key = (node.name, spec, tuple((edge.type, edge.interval) for edge in edges))
        layer = self._layers.pop(key, None) or make_layer(node, edges, spec)
        self._layers[key] = layer
        if len(self._layers) > max(REMEMBERED_LAYERS, REMEMBERED_EACH * len(self.graph.nodes)):
            self._layers.popitem(last=False)
        return layer

    def _spec(self, node: Node, input_type: FixedType, chosen: Precision) -> LayerSpec:
        asked = node.name if node.inner is None else node.inner.of
        key = (node.name, input_type, chosen.of(asked)) if node.op.casts else node.name
        if key not in self._specs:
            self._specs[key] = self._new_spec(node, input_type, chosen)
        return self._specs[key]

    def _new_spec(self, node: Node, input_type: FixedType, chosen: Precision) -> LayerSpec:
        if not node.op.casts:
            return LayerSpec()
        if node.inner is not None:
            followed = chosen.of(node.inner.of).activation
            assert followed is not None
            width = followed.width if isinstance(followed, FixedType) else followed
            return LayerSpec(output_type=node.inner.type(width, input_type))
        output_type = self._value_type(node.name, chosen)
        if node.op.weight is None:
            return LayerSpec(output_type=output_type)
        widths = chosen.of(node.name)
        assert widths.weight is not None
        weights = self._weight(node, widths.weight)
        if node.op.bias is None:
            return LayerSpec(weights.raw, weights.type, None, None, output_type, weights.shift, weights.signs)
        products = input_type.fraction + weights.type.fraction
        bias = self._bias(node, input_type, widths)
        half = half_lsb(products, output_type) if self.options.bias_correction else 0.0
        finest = min(max(products, output_type.fraction), products + MAX_BIAS_FINENESS)
        kind = bias_type(bias + half, finest, widths.bias)
        raw = kind.from_float(bias + half)
        return LayerSpec(weights.raw, weights.type, raw, kind, output_type, weights.shift, weights.signs)

    def _value_type(self, name: str, chosen: Precision) -> FixedType:
        """Type of the input or of a layer's output."""
        widths = chosen.of(name)
        width, rounding = widths.activation, widths.rounding or self.options.rounding
        assert width is not None
        if name in self._indices:
            width = _index_width(name, width)
        if isinstance(width, FixedType):
            return width
        key = (name, width, rounding)
        if key not in self._types:
            self._types[key] = self._new_type(name, width, rounding)
        return self._types[key]

    def _new_type(self, name: str, width: int, rounding: Rounding) -> FixedType:
        seen = self._seen[name]
        modes = (self._effective(name, rounding), self.options.overflow)
        if self.options.scaling is Scaling.OUTPUT:
            error = OutputError(self.graph, name, seen, self._all_moments())
            chosen = least_error(seen, width, modes, error)
        elif self.options.scaling is Scaling.ERROR:
            chosen = least_error(seen, width, modes)
        else:
            chosen = candidate_types(seen.sample, width, seen.signed, *modes)[0]
        if chosen.fraction == FINEST and 0 < abs(seen.sample).max() < 0.5 * chosen.scale:
            raise PrecisionError(
                f"the values of {name!r} are all below 2**-{FINEST + 1} and would become zero; "
                "scale the network's input or weights up"
            )
        return chosen.replace(rounding=rounding)

    def _effective(self, name: str, rounding: Rounding) -> Rounding:
        """What a mode amounts to: AP_TRN rounds to nearest behind a bias that holds half an LSB."""
        node = self.graph.by_name.get(name)
        if rounding is Rounding.TRN and node is not None and node.op.bias is not None:
            return Rounding.RND if self.options.bias_correction else Rounding.TRN
        return rounding

    def _weight(self, node: Node, width: Width) -> WeightCodes:
        key = (node.name, width)
        if key not in self._weights:
            values = node.op.weight
            assert values is not None
            if isinstance(width, FixedType) and not chosen_modes(width):
                self._weights[key] = WeightCodes(width.from_float(values), width)
            else:
                self._weights[key] = self._rounded(node, width)
        return self._weights[key]

    def _rounded(self, node: Node, width: Width) -> WeightCodes:
        weights = as_matrices(node)
        zeros = pruned(weights) if self.options.keep_zeros else None
        if width == 1 and zeros is not None:
            raise PrecisionError(
                f"the weights of layer {node.name!r} are to have one bit, which holds no zero, but "
                f"{zeros.mean():.0%} of them are exactly zero: pruned, or, in what a transposed convolution "
                "becomes, where its kernel has no tap; choose 2 bits or more, or make signs of the zeros too "
                "with keep_zeros: false"
            )
        found = round_weights(weights, width, self.options, lambda: self._moments_for_weights(node), zeros)
        assert node.op.weight is not None
        return replace(found, raw=found.raw.reshape(node.op.weight.shape))

    def _bias(self, node: Node, input_type: FixedType, widths: LayerPrecision) -> FloatArray:
        """The bias of a layer before it is rounded, without half an LSB of the output."""
        bias, width = node.op.bias, widths.weight
        assert bias is not None
        assert width is not None
        if not self.options.bias_correction:
            return bias
        key = (node.name, width, input_type)
        if key not in self._biases:
            moments = self._all_moments()[node.name]
            weights = as_matrices(node)
            rounded = self._weight(node, width).values().reshape(weights.shape)
            self._biases[key] = corrected_bias(
                bias, weights, rounded, moments, self._mean_input(node, input_type)
            )
        return self._biases[key]

    def _mean_input(self, node: Node, input_type: FixedType) -> FloatArray:
        source = node.inputs[0]
        while source in self.graph.by_name and not self.graph.by_name[source].op.casts:
            source = self.graph.by_name[source].inputs[0]
        seen = input_type.replace(rounding=self._effective(source, input_type.rounding))
        key = (node.name, seen)
        if key not in self._mean_inputs:
            self._mean_inputs[key] = mean_input(self._all_moments()[node.name], seen)
        return self._mean_inputs[key]

    def _moments_for_weights(self, node: Node) -> WeightMoments:
        if node.name not in self._weight_moments:
            centred = self.options.bias_correction and node.op.bias is not None
            matrix = self._all_moments()[node.name].matrix(centred)
            self._weight_moments[node.name] = WeightMoments.of(matrix)
        return self._weight_moments[node.name]

    def _all_moments(self) -> dict[str, InputMoments]:
        """What the layers' inputs look like; found when it is first asked for."""
        if self._moments is None:
            assert self._data is not None
            self._moments = collect_moments(self.graph, self._data)
            self._data = None
        return self._moments

    def _example_inputs(self, name: str, input_type: FixedType) -> IntArray:
        """Calibration samples of an input and the two extremes of its type, raw; found once, read-only."""
        key = (name, input_type)
        if key not in self._raw_examples:
            shape = (1, *self.graph.inputs[name])
            lowest = np.full(shape, input_type.min_raw, dtype=np.int64)
            highest = np.full(shape, input_type.max_raw, dtype=np.int64)
            made = np.concatenate([input_type.from_float(self._examples[name]), lowest, highest])
            made.flags.writeable = False
            self._raw_examples[key] = made
        return self._raw_examples[key]


def _examples(graph: Graph, data: Inputs) -> dict[str, FloatArray]:
    """The calibration samples that travel with the network, spread evenly over all."""
    elements = max(sum(math.prod(shape) for shape in graph.inputs.values()), 1)
    count = min(max(min(EXAMPLE_ELEMENTS // elements, MAX_EXAMPLES), MIN_EXAMPLES), len(data))
    rows = np.arange(count) * len(data) // count
    return {name: given[rows] for name, given in named(data, graph.inputs).items()}


def _index_width(name: str, width: Width) -> Width:
    """The width of a layer's output that is the index of a table.

    Raises:
        PrecisionError: a whole type of more bits than an index may have.
    """
    if not isinstance(width, FixedType):
        return min(width, MAX_INDEX)
    if width.width > MAX_INDEX:
        raise PrecisionError(
            f"the output of layer {name!r} is the index of a table, which may have {MAX_INDEX} bits, and its "
            f"type is {width}; choose a narrower one"
        )
    return width


def quantize(
    graph: Graph,
    calibration_x: Any,
    precision: Any = 8,
    *,
    rounding: str | Rounding = QuantizerOptions.rounding,
    overflow: str | Overflow = QuantizerOptions.overflow,
    scaling: str | Scaling = QuantizerOptions.scaling,
    per_channel: bool = QuantizerOptions.per_channel,
    equalize: bool = QuantizerOptions.equalize,
    bias_correction: bool = QuantizerOptions.bias_correction,
    weight_rounding: str | WeightRounding = QuantizerOptions.weight_rounding,
    keep_zeros: bool = QuantizerOptions.keep_zeros,
) -> QuantizedGraph:
    """Turn a float network into integers.

    graph: from ``from_torch`` or ``from_onnx``.
    calibration_x: (batch, *input_shape), representative inputs; everything below goes by them. Of several
        inputs a mapping by name, or a tuple in order.
    precision: a width for all, ``{"layer": {"weight": 4, "activation": 6}}``, or the path of a YAML
        file; see ``parse_precision``.
    rounding, overflow: Vitis's modes ("AP_RND", "AP_SAT", ...) of the input's and the outputs' types.
    scaling: "output" chooses integer bits by least squared error of layers' outputs, "error" of the values
        themselves, "range" by the largest value.
    per_channel: a power-of-two scale for each output channel's weights.
    equalize: even out the ranges of channels between consecutive layers first.
    bias_correction: put the mean error that rounding makes into the biases.
    weight_rounding: "compensated" rounds a layer's weights together, for the least error of its output,
        "nearest" each by itself.
    keep_zeros: weights that are exactly zero in a visibly pruned layer stay zero. One bit is a sign and holds
        no zero.

    Raises:
        DataError: the calibration data does not fit the network.
        PrecisionError: an unknown layer, width or mode; one bit for a layer whose zeros are to be kept.
    """
    options = QuantizerOptions().changed(
        rounding=rounding,
        overflow=overflow,
        scaling=scaling,
        per_channel=per_channel,
        equalize=equalize,
        bias_correction=bias_correction,
        weight_rounding=weight_rounding,
        keep_zeros=keep_zeros,
    )
    return Quantizer(graph, calibration_x, options).quantize(precision)
