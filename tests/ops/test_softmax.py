"""Softmax and LogSoftmax: float meaning, order of the integers, inner types, hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls import ops
from hpq_hls.errors import PrecisionError, UnsupportedOperatorError
from hpq_hls.graph import Graph, Node
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.ops.base import Inner
from hpq_hls.quantize import Quantizer
from hpq_hls.search.space import space_of
from hpq_hls.simulate.engine import reference

SHAPES = [((10,), 0), ((5, 3, 4), 0), ((4, 6), 1), ((3, 2, 5), 2)]


def graph_of(op: ops.Operator, shape: tuple[int, ...]) -> Graph:
    return Graph.single("x", shape, (Node("sm", op, ("x",)),), "sm")


def along(raw: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(raw, axis + 1, -1).reshape(-1, raw.shape[axis + 1])


@pytest.mark.parametrize("kind", [ops.Softmax, ops.LogSoftmax])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_meaning_and_order(kind: type[ops.Softmax], shape: tuple[int, ...], axis: int) -> None:
    graph, x = graph_of(kind(axis), shape), np.random.default_rng(1).normal(size=(100, *shape)) * 3
    given = torch.from_numpy(x)
    expected = given.softmax(axis + 1) if kind is ops.Softmax else given.log_softmax(axis + 1)
    np.testing.assert_allclose(graph.predict(x), expected, atol=1e-12)
    np.testing.assert_allclose(kind(axis).differentiable([given], None, None), expected, atol=1e-12)
    for width in (2, 5, 8, 16, 20):
        q = hpq.quantize(graph, x, width)
        raw = q.quantize_input(x)
        made = q.predict_raw(x)
        np.testing.assert_array_equal(made, reference(q, raw))
        logits, shares = along(raw, axis), along(made, axis)
        order = np.argsort(logits, axis=1, kind="stable")
        assert (np.diff(np.take_along_axis(shares, order, 1), axis=1) >= 0).all()  # never another order
        largest = shares == shares.max(axis=1, keepdims=True)
        alone = largest.sum(axis=1) == 1
        np.testing.assert_array_equal(shares[alone].argmax(axis=1), logits[alone].argmax(axis=1))
    assert alone.all()
    assert np.abs(q.predict(x) - expected.numpy()).max() < 1e-3 * np.ptp(expected.numpy())


def test_only_the_largest_has_an_exponential_of_one() -> None:
    x = np.random.default_rng(2).normal(size=(200, 6))
    q = hpq.quantize(graph_of(ops.Softmax(0), (6,)), x, 9)
    table, one = q.layers["sm.exp"].tables["values"], 1 << q.layers["sm.exp"].output_type.fraction
    assert table[0] == one and (table[1:] < one).all()


def test_inner_types_follow_the_width_of_the_whole() -> None:
    x = np.random.default_rng(3).normal(size=(50, 6))
    quantizer = Quantizer(graph_of(ops.Softmax(0), (6,)), x)
    assert quantizer.layer_names == ("sm",)
    narrow, wide = (quantizer.quantize({"sm": width}) for width in (6, 10))
    widths = [[layer.output_type.width for layer in q.layers.values()] for q in (narrow, wide)]
    assert all(after - before in (0, 4) for before, after in zip(*widths, strict=True))
    assert len(space_of(quantizer.graph).variables) == len({"x", "sm"})
    with pytest.raises(PrecisionError, match=r"'sm\.exp' is a part of 'sm' and follows its precision"):
        quantizer.quantize({"sm.exp": 5})


def test_types_of_inner_parts() -> None:
    logits = hpq.FixedType.parse("ap_fixed<8,5>")
    assert str(Inner(None, 0, 16, most_integer=5).type(8, logits)) == "ap_ufixed<8,5,AP_RND,AP_SAT>"
    finer = hpq.FixedType.parse("ap_fixed<24,9>")
    assert str(Inner(None, 0, 16, most_integer=5).type(8, finer)) == "ap_ufixed<16,5,AP_RND,AP_SAT>"
    assert str(Inner(1, 3, 10, signed=True).type(8, finer)) == "ap_fixed<10,1,AP_RND,AP_SAT>"


def test_saved_and_loaded(tmp_path: Path) -> None:
    x = np.random.default_rng(4).normal(size=(50, 6))
    q = hpq.quantize(graph_of(ops.LogSoftmax(0), (6,)), x, 7)
    q.save(tmp_path / "q.hpq")
    loaded = hpq.load(tmp_path / "q.hpq")
    np.testing.assert_array_equal(loaded.predict_raw(x), q.predict_raw(x))
    assert loaded.graph.by_name["sm.exp"].inner == q.graph.by_name["sm.exp"].inner


def test_a_last_layer_that_only_ranks_is_left_out() -> None:
    relu, head = Node("relu", ops.Relu(), ("x",)), Node("sm", ops.Softmax(0), ("relu",))
    graph = Graph.single("x", (4,), (relu, head), "sm")
    assert [node.name for node in without_final_ranking(graph).nodes] == ["relu"]
    assert without_final_ranking(without_final_ranking(graph)).output == "relu"


def test_an_axis_that_is_none_is_refused() -> None:
    with pytest.raises(UnsupportedOperatorError, match="axes go from 0 to 0"):
        graph_of(ops.Softmax(1), (6,))


@pytest.mark.slow
@pytest.mark.parametrize("where", [{"io": "parallel"}, {"target_interval": 40}])
def test_in_hardware(where: dict[str, object], tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    linear = Node("fc", ops.Linear(rng.normal(size=(5, 4))), ("x",))
    graph = Graph.single("x", (4,), (linear, Node("sm", ops.Softmax(0), ("fc",))), "sm")
    x = rng.normal(size=(6, 4)) * 2
    q = hpq.quantize(graph, x, 6)
    project = hpq.generate(q, tmp_path / "rtl", backend="rtl", oversize=True, **where)
    result = project.cosim(x, scenarios=("back_to_back", "random_gaps"))
    np.testing.assert_array_equal(result.raw, q.predict_raw(x))
    found = hpq.estimate(q, **where)
    assert (found.latency_cycles, found.interval_cycles) == (result.latency_cycles, result.interval_cycles)
    cpp = hpq.generate(q, tmp_path / "hls", backend="vitis", oversize=True, **where)
    np.testing.assert_array_equal(cpp.csim(x), q.predict_raw(x))
