"""What calibration data says about the inputs of each layer's weights: means, second moments, samples.

What matrices and patches are stands in ``hpq_hls.ops.matrices``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import Graph, Inputs, Node, finite
from hpq_hls.ops import Shape
from hpq_hls.ops.base import FloatArray
from hpq_hls.ops.layout import Array
from hpq_hls.ops.matrices import Matrices
from hpq_hls.quantize.scaling import thinning

MAX_PATCHES = 1 << 14
"""Patches per layer that the moments are taken over, spread evenly over the calibration data."""
MAX_COLUMNS = 2048
"""Most columns for which all second moments are kept (32 MiB); beyond it those of each column alone are."""
MAX_SAMPLED = 1 << 20
"""Most values per layer that are kept of the patches themselves."""
MAX_SAMPLES = 4096
"""Most patches that are kept as they are."""
DAMPING = 1e-3
"""Share of the mean second moment that is added to each column's own (GPTQ adds 1e-2), so that the matrix is
definite also with columns that never vary: weights that calibration says nothing about are rounded to
nearest."""
SHRINKAGE = 1e-2
"""The same, times columns per patch: the fewer patches a matrix was estimated from, the less the products of
its different columns are relied on."""


@dataclass(frozen=True, eq=False)
class InputMoments:
    """Statistics of the patches of one layer.

    mean: (groups, columns). covariance: (groups, columns, columns), or (groups, columns), the variances
    alone, for more than MAX_COLUMNS columns. sample: (some patches, groups, columns), float32.
    patches: how many the moments were taken over.
    """

    mean: FloatArray
    covariance: FloatArray
    sample: npt.NDArray[np.float32]
    patches: int

    def matrix(self, centred: bool) -> FloatArray:
        """Second moments about the mean (centred) or about 0, damped; shaped like ``covariance``.

        About the mean is right where the mean's error goes into a bias.
        """
        diagonal = self.covariance.ndim == 2
        moments = self.covariance
        if not centred:
            mean = self.mean
            moments = moments + (np.square(mean) if diagonal else mean[:, :, None] * mean[:, None, :])
        own = moments if diagonal else np.diagonal(moments, axis1=1, axis2=2)
        columns = self.mean.shape[1]
        damping = (DAMPING + SHRINKAGE * columns / self.patches) * own.mean(axis=1, keepdims=True)
        damping[damping <= 0] = 1.0  # a group whose inputs are all constant: every weight counts alike
        return np.asarray(moments + (damping if diagonal else damping[:, :, None] * np.eye(columns)))


def as_matrices(node: Node) -> FloatArray:
    """The weights of a node as (groups, rows, columns); a view."""
    weight = node.op.weight
    assert weight is not None
    return Matrices.of(node.op).split(weight)


class _Collector:
    """Gathers the moments of one layer, block of samples by block of samples."""

    def __init__(self, node: Node, input_shape: Shape, output_shape: Shape, samples: int) -> None:
        self._matrices = Matrices.of(node.op, input_shape)
        self._groups, _, self._columns = as_matrices(node).shape
        self._positions = self._matrices.positions(output_shape)
        total = samples * self._positions
        self._step = thinning(total // MAX_PATCHES, self._positions)
        kept = min(MAX_SAMPLES, max(1, MAX_SAMPLED // (self._groups * self._columns)))
        self._thinning = thinning(math.ceil(math.ceil(total / self._step) / kept), self._positions)
        self._seen = self._count = 0
        self._shift: FloatArray | None = None
        self._sum = np.zeros((self._groups, self._columns))
        shape = (self._groups, self._columns)
        self._products = np.zeros(shape if self._columns > MAX_COLUMNS else (*shape, self._columns))
        self._sample: list[npt.NDArray[np.float32]] = []

    def add(self, value: Array) -> None:
        """value: (batch, *input_shape), the layer's float input."""
        patches = finite(self._patches(value))
        if not len(patches):
            return
        if self._shift is None:  # sums about a first guess of the mean keep their digits
            self._shift = patches.mean(axis=0)
        self._sample.append(patches[-self._count % self._thinning :: self._thinning].astype(np.float32))
        self._count += len(patches)
        patches -= self._shift
        self._sum += patches.sum(axis=0)
        if self._products.ndim == 2:
            self._products += np.square(patches).sum(axis=0)
        else:
            split = np.ascontiguousarray(patches.transpose(1, 2, 0))
            self._products += np.matmul(split, split.transpose(0, 2, 1))

    def _patches(self, value: Array) -> FloatArray:
        """Every ``step``-th patch of a block, (patches, groups, columns)."""
        total = len(value) * self._positions
        taken = np.arange(-self._seen % self._step, total, self._step)
        self._seen += total
        return self._matrices.patches(value, self._positions, taken).astype(np.float64)

    def finish(self) -> InputMoments:
        assert self._shift is not None
        rest = self._sum / self._count
        outer = np.square(rest) if self._products.ndim == 2 else rest[:, :, None] * rest[:, None, :]
        covariance = self._products / self._count - outer
        return InputMoments(self._shift + rest, covariance, np.concatenate(self._sample), self._count)


def collect_moments(graph: Graph, data: Inputs) -> dict[str, InputMoments]:
    """The moments of every layer with weights, in one pass over the calibration data."""
    weighted = [node for node in graph.nodes if node.op.weight is not None]
    collectors = {
        node.name: _Collector(node, graph.shapes[node.inputs[0]], graph.shapes[node.name], len(data))
        for node in weighted
    }
    readers: dict[str, list[str]] = {}
    for node in weighted:
        readers.setdefault(node.inputs[0], []).append(node.name)
    for _, name, part in graph.each_value(data):
        for reader in readers.get(name, ()):
            collectors[reader].add(part)
    return {name: collector.finish() for name, collector in collectors.items()}
