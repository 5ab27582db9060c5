"""Cross-layer equalization: the same network with the ranges of its channels evened out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hpq_hls.graph.graph import Graph, Node, finite
from hpq_hls.graph.samples import Inputs
from hpq_hls.ops.base import FloatArray

PASSES = 40
"""Most passes over the network; each pair of layers changes its neighbours."""
SETTLED = 1e-3
"""Relative change of scales in a pass below which they count as settled."""


def equalize(graph: Graph, sizes: Mapping[str, FloatArray] | None = None) -> Graph:
    """Even out the channels between layers; the network computes what it computed before.

    For s > 0, relu(s x) = s relu(x), and the same holds for max and average pooling and for moving elements:
    a layer's output channel may be divided by s if what reads it multiplies by s. One power-of-two scale
    for all channels then loses less. Only between linear and convolution layers where nothing else reads
    what lies between them.

    graph: prepared, see ``hpq_hls.graph.prepare``.
    sizes: of each layer's output, how large the channels are, such as their root mean square on calibration
        data, (channels,). Without, the weights that write a channel and those that read it get the same
        largest magnitude (Nagel et al., arXiv 1906.04721, section 4.1). With, the writer's side is the
        geometric mean of its weights' magnitude and the channel's size, because the channel's values are
        rounded too (as SmoothQuant, arXiv 2211.10438, balances activations and weights).
    """
    pairs = _pairs(graph)
    left = {first: None if sizes is None else sizes[first] for first, _ in pairs}
    for _ in range(PASSES):
        change = 0.0
        for first, second in pairs:
            size = left[first]
            scale = _scales(graph, first, second, size)
            change = max(change, float(np.abs(np.log2(scale)).max(initial=0.0)))
            graph = _scaled(graph, first, second, scale)
            left[first] = None if size is None else size / scale
        if change < SETTLED:
            break
    return graph


def channel_sizes(graph: Graph, data: Inputs) -> dict[str, FloatArray]:
    """Root mean square of each channel of every node's output, (channels,)."""
    totals: dict[str, FloatArray] = {}
    for _, name, part in graph.each_value(data):
        squares = np.square(finite(part)).sum(axis=(0, *range(2, part.ndim)))
        totals[name] = totals.get(name, 0.0) + squares
    count = {name: len(data) * np.prod(shape[1:]) for name, shape in graph.shapes.items()}
    return {name: np.sqrt(total / count[name]) for name, total in totals.items()}


def _pairs(graph: Graph) -> list[tuple[str, str]]:
    """Names of the layers between which scale can move."""
    pairs = []
    for node in graph.nodes:
        if node.op.product is None:
            continue
        reader = _reader(graph, node)
        if reader is not None and _by_channel(graph, node) and _by_channel(graph, reader):
            pairs.append((node.name, reader.name))
    return pairs


def _by_channel(graph: Graph, node: Node) -> bool:
    """Whether a layer has its weights along the first axis of what it reads and writes."""
    shapes = (graph.shapes[node.inputs[0]], graph.shapes[node.name])
    return all(node.op.channel_axis(shape) == 0 for shape in shapes)


def _reader(graph: Graph, node: Node) -> Node | None:
    """The one layer that reads a node's output through operators that commute with positive scales."""
    if not _homogeneous(node):
        return None
    while node.name not in graph.results:
        consumers = graph.consumers(node.name)
        if len(consumers) != 1:
            return None
        (node,) = consumers
        if node.op.product is not None:
            return node
        if not node.op.homogeneous or not _homogeneous(node):
            return None
    return None


def _homogeneous(node: Node) -> bool:
    return node.activation is None or node.activation.homogeneous


def _columns(graph: Graph, first: str, second: str) -> npt.NDArray[np.intp]:
    """For each input channel (or element) of the second layer, which output channel of the first it is."""
    channels = len(_weights(graph, first))
    inputs = graph.shapes[graph.by_name[second].inputs[0]][0]
    return np.repeat(np.arange(channels), inputs // channels)


def _weights(graph: Graph, name: str) -> FloatArray:
    weight = graph.by_name[name].op.weight
    assert weight is not None
    return weight


def _by_input(node: Node) -> FloatArray:
    """Largest magnitude of the weights that read each input channel."""
    weight = node.op.weight
    assert weight is not None
    groups = _groups(node)
    grouped = np.abs(weight).reshape(groups, len(weight) // groups, weight.shape[1], -1)
    return np.asarray(grouped.max(axis=(1, 3)).reshape(-1))


def _groups(node: Node) -> int:
    assert node.op.product is not None
    return node.op.product.groups


def _scales(graph: Graph, first: str, second: str, size: FloatArray | None) -> FloatArray:
    """By how much the first layer's output channels are divided, (channels,)."""
    weight = _weights(graph, first)
    written = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    read = np.zeros(len(weight))
    np.maximum.at(read, _columns(graph, first, second), _by_input(graph.by_name[second]))
    if size is not None:
        written = np.sqrt(written * size)
    used = (written > 0) & (read > 0)
    scale = np.ones(len(weight))
    scale[used] = np.sqrt(written[used] / read[used])
    return scale


def _scaled(graph: Graph, first: str, second: str, scale: FloatArray) -> Graph:
    writer, reader = graph.by_name[first], graph.by_name[second]
    weight, factors = _weights(graph, first), scale[_columns(graph, first, second)]
    bias = writer.op.bias
    divided = writer.op.with_parameters(
        weight / _rows(scale, weight.ndim), None if bias is None else bias / scale
    )
    read = _weights(graph, second)
    groups = _groups(reader)
    spread = read.reshape(groups, len(read) // groups, read.shape[1], -1) * factors.reshape(groups, 1, -1, 1)
    multiplied = reader.op.with_parameters(spread.reshape(read.shape), reader.op.bias)
    changed = {first: replace(writer, op=divided), second: replace(reader, op=multiplied)}
    return replace(graph, nodes=tuple(changed.get(node.name, node) for node in graph.nodes))


def _rows(scale: FloatArray, ndim: int) -> FloatArray:
    return scale.reshape((-1,) + (1,) * (ndim - 1))
