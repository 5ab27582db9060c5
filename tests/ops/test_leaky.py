"""LeakyReLU and PReLU on every path: behind layers that cast they are the epilogue, elsewhere a layer."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import TensorProto, helper
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import PrecisionError, UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding
from hpq_hls.ops import LeakyRelu, Linear, PRelu
from hpq_hls.ops.layout import Scratch
from hpq_hls.simulate import reference
from hpq_hls.simulate.layer import Edge, LayerSpec, QuantizedLayer, quantized_layer
from hpq_hls.simulate.plan import BytePlan, LayerPlan, integer_plan, number_plan, plan_layer


def prelu(*slopes: float) -> nn.PReLU:
    layer = nn.PReLU(len(slopes))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(slopes))
    return layer


class Net(nn.Module):
    """Every kernel that casts: folded, depthwise, sums, means, and a vector's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.a = nn.Conv2d(1, 4, 3), prelu(-0.5, 0.0, 1.75, 0.3)
        self.depthwise, self.b = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.LeakyReLU(0.125)
        self.pool, self.c = nn.AvgPool2d(2), prelu(1.0, -1.0, 0.1, 0.6)
        self.fc, self.d = nn.Linear(4, 6), prelu(0.25, 0.5, -0.3, 0.0, 1.0, 2.5)
        self.last = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.a(self.conv(x))
        x = F.leaky_relu(x + self.b(self.depthwise(x)), 0.01)
        x = F.leaky_relu(self.c(self.pool(x)).mean((2, 3)), 0.2)
        return F.leaky_relu(self.last(self.d(self.fc(x))), -0.5)


KINDS = [
    ("Conv2d", "PReLU"), ("Conv2d", "LeakyReLU"), ("Add", "LeakyReLU"), ("AvgPool2d", "PReLU"),
    ("Mean", "LeakyReLU"), ("Linear", "PReLU"), ("Linear", "LeakyReLU"),
]  # fmt: skip


def network(width: int) -> tuple[hpq.QuantizedGraph, torch.Tensor, np.ndarray]:
    torch.manual_seed(0)
    module, x = Net().eval(), torch.randn(100, 1, 6, 6)
    graph = hpq.from_torch(module, x[:2])
    wanted = module.double()(x.double()).detach().numpy()
    np.testing.assert_allclose(graph.predict(x.double()), wanted, rtol=1e-7, atol=1e-9)
    return hpq.quantize(graph, x, width), x, wanted


def fused(graph: hpq.Graph) -> list[tuple[str, str | None]]:
    return [(node.op.kind, node.activation and node.activation.kind) for node in graph.nodes]


def by_hand(layer: QuantizedLayer, sums: np.ndarray) -> np.ndarray:
    """Of exact sums (samples, channels, ...): number by number."""
    assert layer.activation is not None and layer.activation.leaks is not None
    epilogue = layer.epilogue  # slopes that are all 0 or all 1 are none
    slopes = epilogue.slopes or (((0,),) if epilogue.is_relu else ((1,),))
    found = np.empty(sums.shape, dtype=np.int64)
    for place, total in np.ndenumerate(sums):
        slope = slopes[place[1] % len(slopes)][0]
        value = int(total) * (slope if total < 0 else 2**epilogue.fraction)
        found[place] = layer.output_type.from_raw(value, layer.sum_fraction + epilogue.fraction)
    return found


def test_one_layer_each_and_close_to_torch(tmp_path: Path) -> None:
    q, x, wanted = network(20)
    assert fused(q.graph) == KINDS
    assert np.abs(q.predict(x) - wanted).max() < 1e-3 * np.ptp(wanted)
    np.testing.assert_array_equal(reference(q, q.quantize_input(x)), q.predict_raw(x))
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").predict_raw(x), q.predict_raw(x))


@pytest.mark.parametrize("width", [2, 8, 12, 27])
def test_every_width(width: int) -> None:
    q, x, _ = network(width)
    np.testing.assert_array_equal(reference(q, q.quantize_input(x)), q.predict_raw(x))
    for layer in q.layers.values():
        assert layer.epilogue.slopes
        plan = plan_layer(layer)
        assert width > 16 or (isinstance(plan, BytePlan | LayerPlan) and plan.cast is not None), layer.name


def drawn_layer(draw: random.Random) -> tuple[QuantizedLayer, np.ndarray]:
    """A layer with slopes, widths and modes drawn, and all that it may be given: (samples, columns)."""
    rng = np.random.default_rng(draw.getrandbits(32))
    rows, columns = draw.randint(1, 5), draw.randint(1, 4)
    given = FixedType(draw.randint(1, 12), draw.randint(-2, 6), draw.random() < 0.5)
    kind = FixedType(draw.randint(2, 12), draw.randint(-2, 4))
    offset = FixedType(draw.randint(2, 20), draw.randint(0, 8))
    overflow = draw.choice([mode for mode in Overflow if mode is not Overflow.WRAP_SM])
    target = FixedType(
        draw.randint(1, 16), draw.randint(-1, 8), draw.random() < 0.7, draw.choice([*Rounding]), overflow
    )
    spec = LayerSpec(
        rng.integers(kind.min_raw, kind.max_raw + 1, (rows, columns)), kind,
        rng.integers(offset.min_raw, offset.max_raw + 1, rows), offset, target,
    )  # fmt: skip
    special = [0.0, 1.0, 0.125, -0.5, 1e-3, 3.0, -1.0, 2.0**-20, 100.0]
    slopes = [draw.choice([*special, draw.gauss(0, 1)]) for _ in range(draw.choice([1, rows]))]
    op = Linear(np.ones((rows, columns)))
    layer = quantized_layer(
        "fc", op, ("x",), PRelu(np.array(slopes)), [Edge(given, given.code_interval)], spec
    )
    return layer, rng.integers(given.code_interval.lo, given.code_interval.hi + 1, (200, columns))


@pytest.mark.parametrize("seed", range(150))
def test_plans_of_drawn_layers(seed: int) -> None:
    """Bytes, floats and integers against the formula."""
    layer, given = drawn_layer(random.Random(seed))
    weight, bias, kinds = layer.weight_raw, layer.bias_raw, (layer.weight_type, layer.bias_type)
    assert weight is not None and bias is not None and kinds[0] is not None and kinds[1] is not None
    product = layer.input_edges[0].type.fraction + kinds[0].fraction
    sums = given.astype(object) @ weight.T.astype(object) * 2 ** (layer.sum_fraction - product)
    sums = sums + bias.astype(object) * 2 ** (layer.sum_fraction - kinds[1].fraction)
    wanted = by_hand(layer, sums)
    assert Interval.of(wanted) in layer.output_interval
    assert layer.accumulator_type is not None
    assert Interval.of(sums) in layer.accumulator_type.interval
    given = np.ascontiguousarray(given.T)
    for plan in (plan_layer(layer), number_plan(layer), integer_plan(layer)):
        np.testing.assert_array_equal(plan.run([given], Scratch()).T, wanted, err_msg=str(plan))


def test_bytes_multiply_bytes() -> None:
    """At 8 bits slopes do not keep a layer from the kernels for bytes."""
    q, _, _ = network(8)
    assert isinstance(plan_layer(q.layers["fc"]), BytePlan) or byte_kernels_missing(q)


def byte_kernels_missing(q: hpq.QuantizedGraph) -> bool:
    """Whether this machine has none for the same layer without slopes."""
    layer = q.layers["fc"]
    spec = LayerSpec(layer.weight_raw, layer.weight_type, layer.bias_raw, layer.bias_type, layer.output_type)
    plain = quantized_layer("fc", layer.op, layer.inputs, None, layer.input_edges, spec)
    return not isinstance(plan_layer(plain), BytePlan)


def test_sign_of_the_output() -> None:
    """Slopes make no output unsigned, unless none is above zero."""
    torch.manual_seed(1)
    x = torch.randn(50, 3)
    for slopes, signed in (((0.1, 0.0), True), ((-0.5, 0.0), False), ((0.0, 0.0), False)):
        module = nn.Sequential(nn.Linear(3, 2), prelu(*slopes)).eval()
        (layer,) = hpq.quantize(hpq.from_torch(module, x), x, 6).layers.values()
        assert layer.output_type.signed == signed
        assert (layer.output_interval.lo < 0) == signed


class Shared(nn.Module):
    """What is read twice cannot take slopes in; nor can the input, nor what does not cast."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.fc = prelu(0.5, -0.25, 2.0), nn.Linear(3, 4)
        self.act, self.other = prelu(*[0.3] * 4), prelu(0.1, 0.2, 0.3, -0.4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.fc(self.first(x))
        return self.act(x) + self.other(x) + F.leaky_relu(F.relu(x).flip(1), 0.5)


def test_alone() -> None:
    """One slope for all is a table then, slopes by channel are a cast: each one layer."""
    torch.manual_seed(2)
    module, x = Shared().eval(), torch.randn(100, 3)
    q = hpq.quantize(hpq.from_torch(module, x), x, 20)
    found = [(layer.kind, layer.activation and layer.activation.kind) for layer in q.layers.values()]
    assert found[0] == ("Cast", "PReLU")
    assert found.count(("Cast", "PReLU")) == 2 and ("PReLU", None) in found
    wanted = module(x).detach().numpy()
    assert np.abs(q.predict(x) - wanted).max() < 1e-3 * np.ptp(wanted)
    narrow = hpq.quantize(q.graph, x, 6)
    np.testing.assert_array_equal(reference(narrow, narrow.quantize_input(x)), narrow.predict_raw(x))


def test_chains_of_functions_stay_one_table() -> None:
    torch.manual_seed(3)
    functions = nn.LeakyReLU(0.5), nn.Tanh()
    body = nn.Sequential(nn.Linear(3, 4), *functions, nn.Linear(4, 2), prelu(0.5, 0.2), nn.Tanh())
    x = torch.randn(50, 3)
    q = hpq.quantize(hpq.from_torch(body.eval(), x), x, 8)
    assert fused(q.graph) == [
        ("Linear", None), ("Function", None), ("Linear", "PReLU"), ("Tanh", None)
    ]  # fmt: skip


def test_onnx(tmp_path: Path) -> None:
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in "xy"]
    nodes = [helper.make_node("LeakyRelu", ["x"], ["y"], alpha=0.3)]
    model = onnx.helper.make_model(helper.make_graph(nodes, "net", tensor[:1], tensor[1:]))
    onnx.save(model, tmp_path / "net.onnx")
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    np.testing.assert_allclose(
        hpq.from_onnx(tmp_path / "net.onnx").predict(x), np.where(x > 0, x, 0.3 * x), rtol=1e-6
    )


def test_refusals() -> None:
    with pytest.raises(UnsupportedOperatorError, match="its 3 slopes do not suit an input of shape"):
        PRelu(np.ones(3)).output_shape([(4, 2)])
    spec = LayerSpec(np.ones((1, 1), np.int64), FixedType(32, 0), None, None, FixedType(8, -40))
    op, kind = Linear(np.ones((1, 1))), FixedType(32, 0)
    with pytest.raises(PrecisionError, match="which the slopes of its activation, with"):
        quantized_layer("fc", op, ("x",), LeakyRelu(1e-32), [Edge(kind, kind.code_interval)], spec)


@pytest.mark.slow
@pytest.mark.parametrize(("io", "width"), [("stream", 5), ("parallel", 3)])
def test_hardware(io: str, width: int, tmp_path: Path) -> None:
    q, x, _ = network(width)
    given, estimate = x[:12].numpy(), hpq.estimate(q, io=io)
    c = hpq.generate(q, tmp_path / "c", backend="vitis", io=io, oversize=True)
    np.testing.assert_array_equal(c.csim(given), q.predict_raw(given))
    result = hpq.generate(q, tmp_path / "r", backend="rtl", io=io, oversize=True).cosim(given)
    np.testing.assert_array_equal(result.raw, q.predict_raw(given))
    assert (result.latency_cycles, result.interval_cycles) == (
        estimate.latency_cycles,
        estimate.interval_cycles,
    )
