"""A Simulator gives the words that each network gives by itself, and runs no layer that it need not run."""

from __future__ import annotations

import functools
import gc
import itertools
import math
import random
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import DataError
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph, Node, named
from hpq_hls.ops import Flatten, Linear
from hpq_hls.quantize import LayerPrecision, Quantizer
from hpq_hls.simulate import QuantizedGraph, Simulator, load, simulator
from hpq_hls.simulate.engine import Schedule
from hpq_hls.simulate.plan import plan_layer
from tests.networks import Residual, random_network

Array = np.ndarray[Any, Any]
MIB = 2**20
SEEDS = [0, 1, 2, 3, 4, 9, 10, 19, 20]
"""Networks of three layers and more; 0, 1, 4, 10, 19 and 20 have branches."""
WIDTHS = (2, 3, 5, 8, 12, 18)


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@functools.cache
def network(seed: int) -> Graph:
    module, shape = random_network(seed)
    return from_torch(module, torch.zeros(2, *shape))


def data(graph: Graph, samples: int, seed: int = 0, dtype: type = np.float64) -> Array:
    return np.random.default_rng(seed).normal(size=(samples, *graph.input_shape)).astype(dtype)


def quantizer(graph: Graph) -> Quantizer:
    return Quantizer(graph, data(graph, 30, seed=1))


def random_widths(q: Quantizer, draw: random.Random) -> dict[str, LayerPrecision]:
    """A random precision: of the input and of every layer that has one."""
    chosen = {name: LayerPrecision(*draw.choices(WIDTHS, k=2)) for name in q.layer_names}
    return {name: one(q, name, widths) for name, widths in chosen.items()} | {
        q.graph.input_name: LayerPrecision(activation=draw.choice(WIDTHS))
    }


def one(q: Quantizer, name: str, given: LayerPrecision) -> LayerPrecision:
    """The widths that a layer has a use for."""
    node = q.graph.by_name.get(name)
    weighted = node is not None and node.op.weight is not None
    return given if weighted else LayerPrecision(activation=given.activation)


def behind(graph: Graph, changed: str) -> set[str]:
    """A layer, or what reads the input, and everything that is computed from it."""
    found = {changed}
    for node in graph.nodes:
        if not found.isdisjoint(node.inputs):
            found.add(node.name)
    return found - {graph.input_name}


class Checked:
    """A Simulator of which every call is checked: the words, the counts and the memory."""

    def __init__(self, x: Any, **settings: float) -> None:
        self.x, self.limit = x, settings.get("memory_mib", 256.0) * MIB
        self.simulator = Simulator(x, **settings)

    def run(self, q: QuantizedGraph) -> int:
        """The number of layers that ran."""
        simulator = self.simulator
        before, reused = simulator.layers_run, simulator.layers_reused
        found = named(simulator.predict_raw(q), q.output_types)
        for name, expected in named(q.predict_raw(self.x), q.output_types).items():
            assert found[name].dtype == expected.dtype == np.int64
            np.testing.assert_array_equal(found[name], expected)
        kept = list(simulator._kept.values())
        assert simulator.kept_bytes == sum(array.nbytes for array in kept) <= self.limit
        for array in kept:  # none is a window of a larger piece of memory
            memory = array
            while isinstance(memory.base, np.ndarray):
                memory = memory.base
            assert memory.nbytes <= array.nbytes + 64
        ran = simulator.layers_run - before
        assert ran + simulator.layers_reused - reused == len(q.layers)
        return ran


# Equal words


@pytest.mark.parametrize("memory_mib", [0, 0.002, 256])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_precisions_have_the_words_of_each_network_alone(seed: int, memory_mib: float) -> None:
    """Steps of one layer, jumps and returns, at widths that run in bytes, floats and integers."""
    q, draw = quantizer(network(seed)), random.Random(seed)
    simulator = Checked(data(network(seed), 37), memory_mib=memory_mib)
    seen = [random_widths(q, draw)]
    for _ in range(12):
        kind = draw.random()
        if kind < 0.6:
            other = random_widths(q, draw)
            name = draw.choice(list(other))
            seen.append(seen[-1] | {name: other[name]})
        else:
            seen.append(random_widths(q, draw) if kind < 0.8 else draw.choice(seen))
    ran = sum(simulator.run(q.quantize(precision)) for precision in seen)
    full = len(q.graph.nodes) * len(seen)
    assert ran == full if memory_mib == 0 else ran <= full
    if memory_mib == 256:
        assert ran < 0.8 * full


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
@pytest.mark.parametrize("seed", [0, 4, 9])
def test_any_number_type(seed: int, dtype: type) -> None:
    x = (2 * data(network(seed), 21)).astype(dtype)
    q = quantizer(network(seed))
    simulator = Checked(x)
    for width in (8, 4, 8, 32):
        simulator.run(q.quantize(width))
    with_tensor = Simulator(torch.from_numpy(x))
    for width in (8, 4):
        assert np.array_equal(
            with_tensor.predict(q.quantize(width)), q.quantize(width).predict(x), equal_nan=False
        )


def wide() -> Graph:
    """Enough multiplications for several threads; two branches."""
    torch.manual_seed(3)
    body = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), Residual(body, True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 5)
    )
    return from_torch(module.eval(), torch.zeros(2, 3, 12, 12))


@pytest.mark.parametrize("memory_mib", [0.4, 256])
@pytest.mark.parametrize("samples", [1, 7, 300])
def test_several_blocks_and_threads(samples: int, memory_mib: float) -> None:
    """Blocks of one image and of many, in bytes with channels last and in floats."""
    graph = wide()
    q, last = quantizer(graph), graph.nodes[-1].name
    simulator = Checked(data(graph, samples, dtype=np.float32), memory_mib=memory_mib)
    for default, own in [(8, 8), (8, 4), (16, 4), (16, 8), (8, 8), (3, 2)]:
        simulator.run(
            q.quantize({"default": {"weight": default, "activation": default}, "layers": {last: own}})
        )


def test_values_kept_in_one_layout_are_read_in_the_other() -> None:
    """Networks with a layer in bytes have channels last; networks in floats only have not."""
    q = quantizer(wide())
    first, *others = q.layer_names
    floats, some_bytes = (
        q.quantize({"input": {"activation": 12}, first: 12} | dict.fromkeys(others, width))
        for width in (16, 8)
    )
    layouts = [Schedule.of(network).channels_last for network in (floats, some_bytes)]
    for order in ((floats, some_bytes), (some_bytes, floats)):
        simulator = Checked(data(q.graph, 20))
        ran = [simulator.run(each) for each in order]
        assert ran == [len(q.graph.nodes), len(q.graph.nodes) - 1]
    assert layouts == [False, True]


def test_thousands_of_samples() -> None:
    q = quantizer(network(3))
    simulator = Checked(data(network(3), 5003))
    assert [simulator.run(q.quantize(p)) for p in (6, {"0": 6}, 6)] == [3, 3, 1]


# What runs


@pytest.mark.parametrize("seed", SEEDS)
def test_only_what_is_behind_the_change_runs(seed: int) -> None:
    q = quantizer(network(seed))
    layers = list(q.graph.by_name)
    simulator = Checked(data(network(seed), 11))
    assert simulator.run(q.quantize(8)) == len(layers)
    for width, name in itertools.product((3, 5), (q.graph.input_name, *q.layer_names)):
        if name == q.graph.input_name:
            precision: dict[str, Any] = {name: {"activation": width}}
            expected = set(layers)
        else:
            precision, expected = {name: width}, behind(q.graph, name)
        assert simulator.run(q.quantize(precision)) == len(expected), name
        assert simulator.run(q.quantize(precision)) == 1  # what gives the output is not kept
        assert simulator.run(q.quantize(8)) == 1


@pytest.mark.parametrize("field", ["weight", "activation", "bias"])
def test_every_width_of_a_layer_counts(field: str) -> None:
    q = quantizer(network(3))
    simulator = Checked(data(network(3), 50))
    simulator.run(q.quantize(8))
    for k, name in enumerate(q.layer_names):
        assert simulator.run(q.quantize({name: {field: 5}})) == len(q.layer_names) - k


def test_a_branch_that_does_not_change_stays() -> None:
    """relu(body(x) + x): neither branch is computed again because of the other."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6))
    graph = from_torch(nn.Sequential(nn.Linear(4, 6), Residual(body, True)).eval(), torch.zeros(2, 4))
    q = quantizer(graph)
    assert q.layer_names == ("0", "1.body.0", "1.body.2", "1.add")
    simulator = Checked(data(graph, 20))
    ran = [
        simulator.run(q.quantize(p)) for p in (8, {"1.body.2": 4}, {"1.add": 4}, {"1.body.0": 4}, {"0": 4})
    ]
    assert ran == [4, 2, 1, 3, 4]


def test_no_layer_runs_for_a_change_that_nothing_needs() -> None:
    """A layer that the output does not depend on is not even there."""
    graph = Graph.single(
        "x", (4,), (linear("a", "x", 4, 4), linear("dead", "a", 4, 2), linear("b", "a", 4, 3)), "b"
    )
    q = quantizer(graph)
    simulator = Checked(data(graph, 9))
    assert list(q.quantize(8).layers) == ["a", "b"]
    assert [simulator.run(q.quantize(p)) for p in (8, {"b": 3}, {"a": 3})] == [2, 1, 2]


def linear(name: str, reads: str, inputs: int, outputs: int) -> Node:
    weights = np.random.default_rng(len(name)).normal(size=(outputs, inputs))
    return Node(name, Linear(weights, np.ones(outputs)), (reads,))


@pytest.mark.parametrize("output", ["x", "a"])
def test_an_output_that_others_read_is_kept_once(output: str) -> None:
    nodes = (linear("a", "x", 4, 4), linear("b", "a", 4, 2))
    graph = Graph({"x": (4,)}, nodes, {output: output, "b": "b"})
    q = quantizer(graph)
    simulator = Checked(data(graph, 10))
    kept = []
    for _ in range(3):
        simulator.run(q.quantize(8))
        kept.append(simulator.simulator.kept_bytes)
    assert kept[0] == kept[1] == kept[2] > 0


# Networks that share nothing, or little


def test_networks_of_other_quantizers_and_from_files(tmp_path: Path) -> None:
    """Same names, same types, other weights; and equal networks that are other objects."""
    torch.manual_seed(8)
    modules = [nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)).eval() for _ in range(3)]
    graphs = [from_torch(module, torch.zeros(2, 5)) for module in modules]
    types = {name: {"weight": "ap_fixed<6,2>", "activation": "ap_fixed<7,3>"} for name in ("0", "2")}
    types["input"] = {"activation": "ap_fixed<7,3>"}
    several = [quantizer(graph) for graph in (*graphs, graphs[0])]
    simulator = Checked(data(graphs[0], 40))
    for _ in range(2):
        for index, q in enumerate(several):
            alone = q.quantize(types)
            simulator.run(alone)
            alone.save(tmp_path / f"{index}.hpq")
            assert simulator.run(load(tmp_path / f"{index}.hpq")) == 2  # its layers are new objects
    outputs = [simulator.simulator.predict_raw(q.quantize(types)) for q in several]
    assert not np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[3])


def test_networks_that_are_gone_leave_no_wrong_values() -> None:
    """New layers may lie where old ones lay in memory."""
    rng = np.random.default_rng(9)
    simulator = Checked(rng.normal(size=(10, 5)))
    for _ in range(20):
        nodes = (Node("a", Linear(rng.normal(size=(6, 5)), None), ("x",)),)
        q = quantizer(Graph.single("x", (5,), nodes, "a"))
        assert simulator.run(q.quantize({"x": {"activation": "ap_fixed<8,4>"}})) == 1


def test_a_quantizer_shares_the_layers_of_equal_widths() -> None:
    q = quantizer(network(3))
    a, b, c = (q.quantize({"2": width}) for width in (4, 5, 4))
    assert [a.layers[name] is b.layers[name] for name in q.layer_names] == [True, False, False]
    assert [a.layers[name] is c.layers[name] for name in q.layer_names] == [True, True, True]


# Memory


def chain(*sizes: int) -> Graph:
    nodes, reads = [], "x"
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        nodes.append(linear("fc" * (index + 1), reads, inputs, outputs))
        reads = nodes[-1].name
    return Graph.single("x", (sizes[0],), tuple(nodes), reads)


CHAIN = (16, 16, 16, 3)
"""Every value of the chain but its output takes 16 bytes a sample at up to 8 bits."""
SAMPLES = 100
VALUE = 16 * SAMPLES / MIB


def enumeration(q: Quantizer, choices: Iterable[int] = (3, 4, 6)) -> list[QuantizedGraph]:
    """All widths of all layers, the last layer changing fastest."""
    return [
        q.quantize(dict(zip(q.layer_names, combination, strict=True)))
        for combination in itertools.product(choices, repeat=len(q.layer_names))
    ]


@pytest.mark.parametrize("values", [3, 3.5, 40])
def test_enumeration_needs_the_memory_of_one_network(values: float) -> None:
    """Each layer runs once for each combination of the widths up to it."""
    graph = chain(*CHAIN)
    q = quantizer(graph)
    simulator = Checked(data(graph, SAMPLES), memory_mib=values * VALUE)
    networks = enumeration(q)
    assert sum(simulator.run(each) for each in networks) == 3 + 3**2 + 3**3
    assert simulator.simulator.layers_reused == 3 * 3**3 - (3 + 9 + 27)


def test_no_order_reuses_more_than_enumeration() -> None:
    graph = chain(*CHAIN)
    q = quantizer(graph)
    networks = enumeration(q, (3, 6))
    counts = []
    for seed in range(4):
        ordered = list(networks)
        if seed:
            random.Random(seed).shuffle(ordered)
        simulator = Checked(data(graph, SAMPLES), memory_mib=3 * VALUE)
        counts.append(sum(simulator.run(each) for each in ordered))
    assert counts[0] == 2 + 4 + 8
    assert min(counts[1:]) > counts[0]


@pytest.mark.parametrize("room", range(4))
def test_where_not_all_fits_the_first_values_stay(room: int) -> None:
    """Room for the input and the first ``room - 1`` layers."""
    graph = chain(*CHAIN)
    q = quantizer(graph)
    simulator = Checked(data(graph, SAMPLES), memory_mib=(room + 0.9) * VALUE)
    simulator.run(q.quantize(8))
    assert simulator.simulator.kept_bytes == min(room, 3) * 16 * SAMPLES
    first_to_run = max(room - 1, 0)
    for k in reversed(range(3)):
        for width in (5, 6):
            ran = simulator.run(q.quantize({q.layer_names[k]: width}))
            assert ran == 3 - min(k, first_to_run)


def test_values_of_other_networks_make_way_oldest_first() -> None:
    graph = chain(*CHAIN)
    q = quantizer(graph)
    first = q.layer_names[0]
    simulator = Checked(data(graph, SAMPLES), memory_mib=5 * VALUE)
    base = q.quantize(8)
    ran = [simulator.run(base), simulator.run(q.quantize({first: 3}))]  # input, 2 values, 2 more: full
    assert ran == [3, 3]
    assert simulator.run(base) == 1  # the values of the other network are the older ones now
    assert simulator.run(q.quantize({first: 4})) == 3
    assert simulator.run(base) == 1
    assert simulator.run(q.quantize({first: 3})) == 3


def test_the_input_is_kept() -> None:
    """Casting the data to the input type is done once; a kept input is read even where x changes."""
    graph = chain(16, 16, 3)
    q = quantizer(graph)
    x = data(graph, 8)
    simulator = Simulator(x, memory_mib=8 * 16 / MIB)  # room for nothing else
    expected = q.quantize({"fc": 5}).predict_raw(x)
    simulator.predict_raw(q.quantize(8))
    assert simulator.kept_bytes == 8 * 16
    x[:] = np.nan
    np.testing.assert_array_equal(simulator.predict_raw(q.quantize({"fc": 5})), expected)


@pytest.mark.parametrize(("width", "size"), [(8, 1), (9, 2), (16, 2), (17, 4), (32, 4)])
def test_values_are_kept_in_as_few_bytes_as_hold_them(width: int, size: int) -> None:
    graph = chain(16, 3)
    simulator = Checked(data(graph, 10))
    simulator.run(quantizer(graph).quantize({"x": {"activation": width}}))
    assert simulator.simulator.kept_bytes == 16 * 10 * size


@pytest.mark.parametrize("memory_mib", [0, 1e-6, 0.003])
def test_too_little_memory_is_no_mistake(memory_mib: float) -> None:
    graph = wide()
    q = quantizer(graph)
    simulator = Checked(data(graph, 12), memory_mib=memory_mib)
    ran = [simulator.run(q.quantize(width)) for width in (8, 8, 16, 8)]
    assert ran == [len(q.graph.nodes)] * 4
    assert simulator.simulator.kept_bytes == 0


# Unusual networks


@pytest.mark.parametrize(
    ("shape", "nodes"),
    [((3,), ()), ((2, 3, 3), (Node("flat", Flatten(), ("x",)),))],
    ids=["the output is the input", "reshaped only"],
)
def test_networks_without_a_layer_to_choose(shape: tuple[int, ...], nodes: tuple[Node, ...]) -> None:
    graph = Graph.single("x", shape, nodes, nodes[-1].name if nodes else "x")
    q = quantizer(graph)
    simulator = Checked(data(graph, 13))
    for width in (8, 4, 8, 20):
        assert simulator.run(q.quantize(width)) == len(nodes)
    assert simulator.simulator.kept_bytes == 0


def test_exact_operators_only() -> None:
    graph = from_torch(nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()), torch.zeros(2, 2, 4, 4))
    q = quantizer(graph)
    simulator = Checked(data(graph, 13))
    for width in (8, 4, 8):
        assert simulator.run(q.quantize(width)) == 3


# Data


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 5)), r"input 'x' has shape \(3, 5\), but the network takes \(batch, 4\)"),
        (np.zeros(4), r"has shape \(4,\), but the network takes \(batch, 4\)"),
        (np.zeros((0, 4)), r"input 'x' is empty \(batch of 0\)"),
        (np.array([[0, 0, 0, 0], [0, np.inf, 0, 0]]), r"has NaN or infinity \(first in sample 1\)"),
        (np.array([["a"] * 4]), "convert it to a numeric array"),
        (np.zeros((2, 4), complex), "data of type complex128"),
    ],
)
def test_data_that_does_not_fit_is_refused_as_ever(x: Any, message: str) -> None:
    graph = chain(4, 3, 2)
    q = quantizer(graph).quantize(8)
    simulator = Simulator(x)
    for _ in range(2):
        for predict in (simulator.predict_raw, simulator.predict):
            with pytest.raises(DataError, match=message) as caught:
                predict(q)
            with pytest.raises(DataError) as alone:
                q.predict_raw(x)
            assert str(caught.value) == str(alone.value)
    assert simulator.layers_run == simulator.layers_reused == simulator.kept_bytes == 0


def test_a_network_with_another_input_is_refused() -> None:
    fits, other = chain(4, 3), chain(1, 3)
    simulator = Checked(data(fits, 10))
    simulator.run(quantizer(fits).quantize(8))
    with pytest.raises(DataError, match=r"has shape \(10, 4\), but the network takes \(batch, 1\)"):
        simulator.simulator.predict_raw(quantizer(other).quantize(8))
    assert simulator.run(quantizer(fits).quantize(6)) == 1


def test_predict_scales_the_words() -> None:
    q = quantizer(network(4)).quantize(7)
    x = data(network(4), 9)
    simulator = Simulator(x)
    step = math.ldexp(1.0, -q.output_type.fraction)
    np.testing.assert_array_equal(simulator.predict(q), simulator.predict_raw(q) * step)
    np.testing.assert_array_equal(simulator.predict(q), q.predict(x))


def test_a_network_that_is_gone_leaves_nothing_behind() -> None:
    """Neither its layers nor what was prepared to run them."""
    q = quantizer(network(3)).quantize(6)
    q.predict_raw(data(network(3), 4))
    layers = [weakref.ref(layer) for layer in q.layers.values()]
    plans = [weakref.ref(plan_layer(layer)) for layer in q.layers.values()]
    assert all(plan() is not None for plan in plans)
    del q
    gc.collect()
    assert [kept() for kept in layers + plans] == [None] * 2 * len(layers)


def test_numbers_of_values_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "MAX_NUMBERS", 12)
    graph = network(1)
    made, x = quantizer(graph), data(graph, 6)
    runs = Simulator(x)
    draw = random.Random(1)
    for _ in range(12):
        q = made.quantize({made.layer_names[-1]: draw.choice(WIDTHS)})
        assert (runs.predict_raw(q) == q.predict_raw(x)).all()
        assert len(runs._values) <= 12 + len(q.edges)
    assert runs.layers_reused > 0


def test_an_interrupted_run_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network(1)
    made, x = quantizer(graph), data(graph, 6)
    runs, q = Simulator(x), made.quantize(5)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Schedule, "share", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runs.predict_raw(q)
    assert runs.kept_bytes == 0
    assert (runs.predict_raw(q) == q.predict_raw(x)).all()
    assert runs.kept_bytes > 0
