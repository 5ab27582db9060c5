"""Moments of layers' inputs: against the operators themselves, for every kind of layer."""

from __future__ import annotations

import numpy as np
import pytest

from hpq_hls.graph import Graph, Node
from hpq_hls.ops import ChannelAffine, Conv2d, Linear, Operator, WindowSpec
from hpq_hls.quantize import moments as subject
from hpq_hls.quantize.moments import InputMoments, as_matrices, collect_moments

RNG = np.random.default_rng(0)


def conv(out: int, of_group: int, groups: int, window: WindowSpec) -> Conv2d:
    weights = RNG.normal(size=(out, of_group, *window.kernel))
    return Conv2d(weights, window, (7, 6), groups, RNG.normal(size=out))


LAYERS: dict[str, tuple[Operator, tuple[int, ...]]] = {
    "linear": (Linear(RNG.normal(size=(5, 9)), RNG.normal(size=5)), (9,)),
    "conv": (conv(5, 3, 1, WindowSpec((3, 2), padding=(1, 1, 0, 1))), (3, 7, 6)),
    "strided, dilated": (conv(4, 3, 1, WindowSpec((3, 2), (2, 1), dilation=(2, 3))), (3, 7, 6)),
    "grouped": (conv(6, 2, 2, WindowSpec((2, 3), padding=(0, 1, 1, 1))), (4, 7, 6)),
    "depthwise": (conv(8, 1, 4, WindowSpec((3, 3), padding=(1, 1, 1, 1))), (4, 7, 6)),
    "pointwise": (conv(6, 4, 1, WindowSpec((1, 1))), (4, 7, 6)),
    "affine, image": (ChannelAffine(RNG.normal(size=4), RNG.normal(size=4)), (4, 7, 6)),
    "affine, vector": (ChannelAffine(RNG.normal(size=4), RNG.normal(size=4)), (4,)),
}


def moments_of(op: Operator, shape: tuple[int, ...], x: np.ndarray) -> tuple[Node, InputMoments]:
    node = Node("layer", op, ("x",))
    return node, collect_moments(Graph.single("x", shape, (node,), "layer"), x)["layer"]


def outputs(op: Operator, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(positions, out_channels), without bias."""
    found = op.evaluate([x], weight, None)
    return np.moveaxis(found, 1, -1).reshape(-1, found.shape[1])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("samples", [3, 300])  # 300 come in two blocks
def test_moments_predict_what_the_operator_does(name: str, samples: int) -> None:
    op, shape = LAYERS[name]
    x = RNG.normal(size=(samples, *shape)) + 0.7
    node, moments = moments_of(op, shape, x)
    weights = as_matrices(node)
    found = outputs(op, x, op.weight)
    mean = np.matmul(weights, moments.mean[:, :, None]).reshape(-1)
    variance = (np.matmul(weights, moments.covariance) * weights).sum(axis=2).reshape(-1)
    assert moments.patches == len(found)
    assert np.allclose(mean, found.mean(axis=0))  # float64 sums in another order
    assert np.allclose(variance, found.var(axis=0))
    seen = np.einsum("ngk,grk->ngr", moments.sample, weights).reshape(len(moments.sample), -1)
    step = found.shape[0] // len(seen)
    assert np.allclose(seen, found[::step][: len(seen)], atol=1e-4)  # the sample is in float32
    assert moments.matrix(centred=False).shape == moments.covariance.shape


def test_many_patches_are_thinned_over_all_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_PATCHES", 2000)
    monkeypatch.setattr(subject, "MAX_SAMPLED", 9 * 100)
    op, shape = LAYERS["depthwise"]
    x = RNG.normal(size=(400, *shape)) + 0.7
    node, moments = moments_of(op, shape, x)
    assert 1000 <= moments.patches <= 2000
    assert len(moments.sample) <= 100
    found = outputs(op, x, op.weight)
    mean = np.matmul(as_matrices(node), moments.mean[:, :, None]).reshape(-1)
    assert np.abs(mean - found.mean(axis=0)).max() < 0.1 * found.std()  # borders are as frequent as they are


def test_too_many_columns_keep_their_variances(monkeypatch: pytest.MonkeyPatch) -> None:
    op, shape = LAYERS["grouped"]
    x = RNG.normal(size=(20, *shape))
    _, full = moments_of(op, shape, x)
    monkeypatch.setattr(subject, "MAX_COLUMNS", 11)
    _, thin = moments_of(op, shape, x)
    assert np.allclose(thin.covariance, np.diagonal(full.covariance, axis1=1, axis2=2))
    for centred in (True, False):
        wanted = np.diagonal(full.matrix(centred), axis1=1, axis2=2)
        assert np.allclose(thin.matrix(centred), wanted)


def test_dead_and_constant_inputs_leave_a_definite_matrix() -> None:
    x = RNG.normal(size=(10, 9))
    x[:, 2], x[:, 5] = 0.0, 3.0
    op, shape = LAYERS["linear"]
    for data in (x, np.zeros((4, 9)), x[:1]):
        _, moments = moments_of(op, shape, data)
        for centred in (True, False):
            assert np.linalg.eigvalsh(moments.matrix(centred)[0]).min() > 0
