"""Functions of one variable: torch's meaning, tables that are exact, chains that become one table."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import PrecisionError, UnsupportedOperatorError
from hpq_hls.finetune.network import TrainableNetwork
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.graph import Graph, Node, prepare
from hpq_hls.ops import Add, ChannelAffine, Clamp, Linear, Pointwise, Relu, Where
from hpq_hls.ops.expression import Expression, evaluate, evaluate_torch, never_negative, primitive
from hpq_hls.ops.leaky import Leaky
from hpq_hls.ops.pointwise import tabulated
from hpq_hls.simulate import reference
from hpq_hls.simulate.plan import plan_layer

Function = Callable[[torch.Tensor], torch.Tensor]


class Apply(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Total(nn.Module):
    """The sum of functions: all of them in one export."""

    def __init__(self, functions: dict[str, Function]) -> None:
        super().__init__()
        self.functions = list(functions.values())
        self.modules_ = nn.ModuleList(f for f in self.functions if isinstance(f, nn.Module))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = self.functions[0](x)
        for function in self.functions[1:]:
            total = total + function(x)
        return total


MODULES: dict[str, Function] = {
    name: getattr(nn, name)().eval()
    for name in (
        *("Sigmoid", "Tanh", "SiLU", "GELU", "ELU", "SELU", "CELU", "Softplus", "Mish", "LogSigmoid"),
        *("Hardsigmoid", "Hardswish", "RReLU", "PReLU"),
    )
}
WIDE: dict[str, Function] = {
    **MODULES,
    "GELU tanh": nn.GELU("tanh"),
    "ELU 0.3": nn.ELU(0.3),
    "CELU 2": nn.CELU(2.0),
    "Softplus 2, 3": nn.Softplus(2.0, 3.0),
    "Threshold": nn.Threshold(0.5, -1.5),
    **{
        name: getattr(torch, name)
        for name in (
            *(
                "exp",
                "exp2",
                "expm1",
                "sin",
                "cos",
                "sinh",
                "cosh",
                "atan",
                "asinh",
                "erf",
                "erfc",
                "abs",
                "neg",
            ),
            *("sign", "sgn", "round", "floor", "ceil", "trunc", "square", "sigmoid", "tanh"),
        )
    },
    "pow 3": lambda x: x**3,
    "2 pow": lambda x: 2.5**x,
    "round 1": lambda x: torch.round(x, decimals=1),
    "F.silu": F.silu,
    "F.gelu": lambda x: F.gelu(x, approximate="tanh"),
    "method": lambda x: x.sigmoid(),
}
INNER: dict[str, Function] = {name: getattr(torch, name) for name in ["asin", "acos", "atanh", "tan"]}
ABOVE: dict[str, Function] = {
    **{name: getattr(torch, name) for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt")},
    "reciprocal": torch.reciprocal,
    "acosh": torch.acosh,
    "pow 0.5": lambda x: x.pow(0.5),
    "pow -1.5": lambda x: torch.pow(x, -1.5),
}
GROUPS = {"wide": (WIDE, (-4.0, 4.0)), "inner": (INNER, (-0.9, 0.9)), "above": (ABOVE, (1.05, 5.0))}
JUMPS = {"sign", "sgn", "round", "floor", "ceil", "trunc", "round 1", "Threshold"}
"""Where rounding the input may lead to the other side of a step."""


def data(limits: tuple[float, float], count: int = 300, seed: int = 0) -> torch.Tensor:
    """Values within limits, the limits among them."""
    x = torch.empty(count, 5).uniform_(*limits, generator=torch.Generator().manual_seed(seed))
    x[0, 0], x[0, 1] = limits
    return x


@functools.cache
def imported(group: str) -> Graph:
    functions, limits = GROUPS[group]
    return hpq.from_torch(Total(functions), data(limits, 2))


@functools.cache
def operators(group: str) -> dict[str, Pointwise | Leaky]:
    """What each function of a group was imported as."""
    found = [node.op for node in imported(group).nodes if isinstance(node.op, Pointwise | Leaky)]
    return dict(zip(GROUPS[group][0], found, strict=True))


@pytest.mark.parametrize("group", GROUPS)
def test_spellings(group: str) -> None:
    functions, limits = GROUPS[group]
    x = data(limits, seed=2).double()
    with torch.no_grad():
        wanted = Total(functions).double()(x).numpy()
        np.testing.assert_allclose(imported(group).predict(x), wanted, rtol=1e-11)
        Total(functions).float()


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in GROUPS for name in GROUPS[group][0]])
def test_what_torch_computes(group: str, name: str) -> None:
    functions, limits = GROUPS[group]
    graph = Graph.single("x", (5,), (Node("f", operators(group)[name], ("x",)),), "f")
    fresh = data(limits, seed=1)
    with torch.no_grad():
        wanted = functions[name](fresh).numpy()
    np.testing.assert_allclose(graph.predict(fresh), wanted, rtol=1e-4, atol=1e-5)  # float32
    q = hpq.quantize(graph, data(limits), 20)
    error = np.abs(q.predict(fresh) - wanted)
    if name in JUMPS:
        error = error[error <= np.quantile(error, 0.995)]  # steps in float32 and in 16 bits lie elsewhere
    assert error.max() < 1e-3 * np.ptp(wanted)
    np.testing.assert_array_equal(reference(q, q.quantize_input(fresh)), q.predict_raw(fresh))


@pytest.mark.parametrize(
    "mode", ["AP_RND,AP_SAT", "AP_TRN,AP_SAT", "AP_RND_CONV,AP_WRAP", "AP_TRN_ZERO,AP_SAT_SYM"]
)
def test_a_table_is_the_rounded_value_at_every_code(mode: str) -> None:
    given, made = FixedType(9, 4, True), FixedType.parse(f"ap_fixed<8,2,{mode}>")
    codes = Interval(-200, 255)
    cases: list[tuple[Expression, Callable[[float], float]]] = [
        (("tanh", "x"), math.tanh),
        (("sigmoid", "x"), lambda x: 1 / (1 + math.exp(-x))),
        (("mul", "x", ("erf", "x")), lambda x: x * math.erf(x)),
        (("softplus", "x"), lambda x: math.log1p(math.exp(x))),
        (("exp", "x"), math.exp),
    ]
    for function, true in cases:
        table = tabulated(function, given, codes, made)
        assert table.shape == (456,)
        for code, word in zip(range(codes.lo, codes.hi + 1), table.tolist(), strict=True):
            value = Fraction(true(code / 32))
            assert word == made.from_raw([math.floor(value * 2**60)], 60)[0], (function, code)


def test_poles_and_what_is_no_number() -> None:
    given, made = FixedType(6, 3, True), FixedType.parse("ap_fixed<8,4,AP_RND,AP_SAT>")
    table = tabulated(("log", "x"), given, Interval(-32, 31), made)
    assert table[32] == made.min_raw  # minus infinity
    assert set(table[:32].tolist()) == {made.min_raw}  # the nearest code that has a logarithm is 0
    root = tabulated(("sqrt", "x"), given, Interval(-32, 31), made)
    assert set(root[:33].tolist()) == {0}
    inverse = tabulated(("reciprocal", "x"), given, Interval(-32, 31), made)
    assert inverse[32] == made.max_raw
    with pytest.raises(PrecisionError, match="is no number at any value"):
        tabulated(("log", "x"), given, Interval(-32, -1), made)
    with pytest.raises(PrecisionError, match="131072 words"):
        tabulated(("log", "x"), FixedType(17, 3, True), FixedType(17, 3, True).code_interval, made)


def test_calibration_at_a_pole() -> None:
    graph = hpq.from_torch(nn.Sequential(Apply(torch.log), nn.Linear(5, 2)), data((0.2, 4.0), 2))
    q = hpq.quantize(graph, data((-1.0, 3.0)), 8)
    assert np.isfinite(q.predict(data((-1.0, 3.0)))).all()


def test_gradients_are_torchs() -> None:
    x = torch.linspace(-2.9, 2.9, 61, dtype=torch.float64)
    for name in ("SiLU", "GELU", "ELU", "Softplus", "Mish", "Hardswish", "LogSigmoid", "CELU 2"):
        ours, theirs = (x.clone().requires_grad_() for _ in range(2))
        operators("wide")[name].differentiable([ours], None, None).sum().backward()
        WIDE[name](theirs).sum().backward()
        assert ours.grad is not None and theirs.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize(
    ("function", "known", "expected"),
    [
        (("sigmoid", "x"), False, True),
        (("mul", "x", ("sigmoid", "x")), False, False),
        (("mul", "x", ("sigmoid", "x")), True, True),
        (("mul", "x", "x"), False, True),
        (("pow", "x", 2.0), False, True),
        (("pow", "x", 3.0), False, False),
        (("tanh", "x"), True, True),
        (("select", "x", "x", ("mul", "x", 0.1)), False, False),
        (("minimum", ("maximum", "x", 0.0), 6.0), False, True),
    ],
)
def test_signs(function: Expression, known: bool, expected: bool) -> None:
    assert never_negative(function, known) is expected
    values = evaluate(function, np.linspace(0 if known else -9, 9, 301))
    assert not expected or values.min() >= 0


# ---------------------------------------------------------------------------------------------
# Clamps


@pytest.mark.parametrize(
    "module",
    [
        nn.ReLU6(),
        nn.Hardtanh(-0.7, 0.4),
        Apply(lambda x: x.clamp(-1.3, 2.1)),
        Apply(lambda x: torch.clamp_min(x, -0.6)),
        Apply(lambda x: x.clamp(max=0.9)),
        Apply(lambda x: torch.clip(x, 0.5, 0.6)),
        Apply(F.relu6),
    ],
)
@pytest.mark.parametrize("width", [3, 8, 20])
def test_clamps(module: nn.Module, width: int) -> None:
    fresh = data((-8, 8), seed=3)
    wanted = module(fresh.double()).numpy()
    graph = hpq.from_torch(module, fresh[:2])
    np.testing.assert_array_equal(graph.predict(fresh.double()), wanted)
    q = hpq.quantize(graph, data((-8, 8)), width)
    (layer,) = q.layers.values()
    given = q.input_type.to_float(q.quantize_input(fresh))
    step = q.input_type.scale
    # Bounds are the nearest multiples of a step.
    assert np.abs(q.predict(fresh) - module(torch.from_numpy(given)).numpy()).max() <= step / 2
    raw = q.predict_raw(fresh)
    assert raw.min() >= layer.output_interval.lo and raw.max() <= layer.output_interval.hi
    assert layer.output_interval in layer.output_type.interval
    np.testing.assert_array_equal(reference(q, q.quantize_input(fresh)), raw)


def test_bounds_beyond_all_codes(tmp_path: Path) -> None:
    """Two bits from -4 to 2: some of the bounds are no numbers of that type."""

    class Clamps(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            bounds = [(0, 6), (-8, 0), (-8, 8), (6, 8), (-8, -6)]
            return tuple(x.clamp(*ends) for ends in bounds)

    x = np.array([[-4.0, -2.0, 0.0, 2.0]])
    q = hpq.quantize(hpq.from_torch(Clamps(), torch.zeros(1, 4)), x, {"x": "ap_fixed<2,3>"})
    assert q.input_type.code_interval == Interval(-2, 1)
    made, raw = q.predict(x), q.predict_raw(x)
    built = hpq.generate(q, tmp_path / "hls", "vitis").csim(x)
    simulated = hpq.generate(q, tmp_path / "rtl", "rtl").cosim(x).raw
    for name, wanted in zip(made, Clamps()(torch.from_numpy(x)), strict=True):
        np.testing.assert_array_equal(made[name], wanted)
        np.testing.assert_array_equal(built[name], raw[name])
        np.testing.assert_array_equal(simulated[name], raw[name])


def test_what_cannot_be_negative_wraps_without_a_sign(tmp_path: Path) -> None:
    """AP_WRAP_SM is for signed types: it is AP_WRAP of all others, also behind a ReLU or clamp of its own."""
    x = data((-8, 8))
    module = nn.Sequential(nn.ReLU(), nn.Linear(x.shape[1], 4), nn.ReLU6(), nn.Hardtanh(-1, 1)).eval()
    q = hpq.quantize(hpq.from_torch(module, x[:1]), x, 5, overflow="AP_WRAP_SM")
    modes = {(str(layer.output_type.overflow), layer.output_type.signed) for layer in q.layers.values()}
    assert modes == {("AP_WRAP", False)}
    assert str(q.input_type.overflow) == "AP_WRAP_SM"
    given = 3 * x.numpy()  # some are out of range
    raw = q.predict_raw(given)
    np.testing.assert_array_equal(reference(q, q.quantize_input(given)), raw)
    np.testing.assert_array_equal(hpq.generate(q, tmp_path / "hls", "vitis").csim(given), raw)


def test_a_clamp_needs_no_more_bits_than_its_range() -> None:
    made = Clamp(0.0, 6.0).exact_type([FixedType(8, 4, True)])
    assert (made.width, made.integer, made.signed) == (7, 3, False)
    assert Clamp(None, math.inf).exact_type([FixedType(8, 4, True)]) == FixedType(8, 4, True)
    assert Clamp(-0.5, 0.5).range([Interval(-9, 99)], None, None)[0] == Interval(0, 0)
    assert Clamp(-0.5, 0.5).scaled(3).clips == (-4, 4)
    assert Clamp(0.3, None).scaled(1).clips == (1, None)


# ---------------------------------------------------------------------------------------------
# Chains


@dataclass(frozen=True, eq=False)
class Product(Add):
    """A product of two values: only its expression matters."""

    kind: ClassVar[str] = "Product"

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return ("mul", *inputs)

    def compute(self, inputs, weight, bias, scratch):  # type: ignore[no-untyped-def]
        return inputs[0] * inputs[1]


def affine(factor: float, offset: float) -> ChannelAffine:
    return ChannelAffine(np.full(4, factor), np.full(4, offset))


def linear() -> Linear:
    return Linear(np.random.default_rng(0).normal(size=(4, 4)))


def prepared(*nodes: Node, output: str = "") -> Graph:
    graph = Graph.single("x", (4,), nodes, output or nodes[-1].name)
    ready = prepare(graph)
    x = np.random.default_rng(1).normal(size=(9, 4)) * 3
    np.testing.assert_allclose(ready.predict(x), graph.predict(x), rtol=1e-12, atol=1e-12)
    return ready


def names(graph: Graph) -> list[str]:
    return [f"{node.name}:{type(node.op).__name__}" for node in graph.nodes]


def function(text: str, name: str, *inputs: str) -> Node:
    return Node(name, Pointwise((text, "x"), text), inputs)


def test_a_chain_is_one_table() -> None:
    ready = prepared(
        Node("fc", linear(), ("x",)),
        function("tanh", "t", "fc"),
        Node("a", affine(2.0, -1.0), ("t",)),
        Node("r", Relu(), ("a",)),
        function("exp", "e", "r"),
        Node("out", linear(), ("e",)),
    )
    assert names(ready) == ["fc:Linear", "e:Pointwise", "out:Linear"]


def test_what_is_computed_from_one_value_is_one_table() -> None:
    """SiLU and Hardswish by hand, and a residual branch of functions."""
    silu = prepared(
        Node("fc", linear(), ("x",)), function("sigmoid", "s", "fc"), Node("m", Product(), ("fc", "s"))
    )
    assert names(silu) == ["fc:Linear", "m:Pointwise"]
    hard = prepared(
        Node("fc", linear(), ("x",)),
        Node("plus", affine(1.0, 3.0), ("fc",)),
        Node("six", Clamp(0.0, 6.0), ("plus",)),
        Node("m", Product(), ("six", "fc")),
        Node("d", affine(1 / 6, 0.0), ("m",)),
    )
    assert names(hard) == ["fc:Linear", "d:Pointwise"]


def test_where_is_a_part_of_a_function() -> None:
    steps = [Node("fc", linear(), ("x",)), function("abs", "a", "fc")]
    over = Node("c", Pointwise(("greater", "x", 0.5), "gt"), ("a",))
    assert names(prepared(*steps, over, Node("w", Where(None, 0.0), ("c", "fc")))) == [
        "fc:Linear",
        "w:Pointwise",
    ]
    other = Node("other", linear(), ("x",))
    with pytest.raises(UnsupportedOperatorError, match="layer 'w' is a where of values that are not all"):
        prepared(*steps, over, other, Node("w", Where(None, None), ("c", "fc", "other")))


def test_what_others_read_stays() -> None:
    ready = prepared(
        Node("fc", linear(), ("x",)),
        function("tanh", "t", "fc"),
        function("exp", "e", "t"),
        Node("add", Add(), ("e", "t")),
        Node("other", linear(), ("t",)),
        Node("sum", Add(), ("add", "other")),
    )
    assert names(ready) == [
        "fc:Linear",
        "t:Pointwise",
        "add.index:Recast",
        "add:Pointwise",
        "other:Linear",
        "sum:Add",
    ]


def test_exact_operators_alone_stay() -> None:
    ready = prepared(
        Node("fc", linear(), ("x",)),
        Node("r", Relu(), ("fc",)),
        function("exp", "e", "r"),
        Node("two", linear(), ("e",)),
        Node("c", Clamp(-1.0, 1.0), ("two",)),
    )
    assert ready.by_name["fc"].activation is not None  # in the layer, not in the table
    assert names(ready)[1:] == ["e:Pointwise", "two:Linear"]
    assert ready.by_name["two"].activation is not None


def test_the_index() -> None:
    """A cast in front of a table where its input is not a layer's that it alone reads."""
    assert names(prepared(function("exp", "e", "x"))) == ["e.index:Recast", "e:Pointwise"]
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    x = torch.randn(20, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    q = hpq.quantize(hpq.from_torch(module, x[:1]), x, 20)
    assert list(q.layers) == ["0", "1", "2", "3", "4"]
    assert q.layers["0"].output_type.width == 16 and q.layers["2"].output_type.width == 20
    with pytest.raises(PrecisionError, match="index of a table"):
        hpq.quantize(hpq.from_torch(module, x[:1]), x, {"0": {"activation": "ap_fixed<17,3>", "weight": 8}})


# ---------------------------------------------------------------------------------------------
# Tables in the network


@functools.cache
def network() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.SiLU(), nn.Hardtanh(-0.1, 0.3), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 5), nn.PReLU(5), nn.Linear(5, 3), nn.Sigmoid(),
    )  # fmt: skip
    with torch.no_grad():
        module[6].weight.copy_(torch.tensor([0.1, -0.3, 0.2, 0.5, 0.0]))
    return module.eval(), torch.randn(100, 2, 4, 4)


@pytest.mark.parametrize("width", [4, 6, 8, 12])
def test_save_load_and_number_types(width: int, tmp_path: Path) -> None:
    module, x = network()
    q = hpq.quantize(hpq.from_torch(module, x[:2]), x, width)
    raw = q.predict_raw(x)
    np.testing.assert_array_equal(reference(q, q.quantize_input(x)), raw)
    q.save(tmp_path / "q.hpq")
    loaded = hpq.load(tmp_path / "q.hpq")
    np.testing.assert_array_equal(loaded.predict_raw(x), raw)
    for name, layer in q.layers.items():
        for table, words in layer.tables.items():
            np.testing.assert_array_equal(loaded.layers[name].tables[table], words)
    assert set(q.saturation(x)) == {"0", "2", "5", "7", "8", "input"}


def test_what_is_saved_is_the_truth(tmp_path: Path) -> None:
    """A table that another float library rounded otherwise is kept."""
    module, x = network()
    q = hpq.quantize(hpq.from_torch(module, x[:2]), x, 6)
    words = q.layers["8"].tables["values"].copy()
    words[len(words) // 2] ^= 1
    q.layers["8"].tables["values"] = words  # type: ignore[index]
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").layers["8"].tables["values"], words)


def test_training_sees_the_tables() -> None:
    module, x = network()
    q = hpq.quantize(hpq.from_torch(module, x[:2]), x, 6)
    trainable = TrainableNetwork(q)
    given = torch.from_numpy(q.input_type.to_float(q.quantize_input(x))).float().requires_grad_()
    out = trainable.forward(given)
    np.testing.assert_array_equal(out.detach().numpy(), q.predict(x))
    out.sum().backward()
    assert given.grad is not None and given.grad.abs().sum() > 0


def test_a_function_of_ones_own() -> None:
    primitive("my_bump", lambda x: np.exp(-x * x), lambda x: (-x * x).exp(), lambda _: True)
    op = Pointwise(("mul", 2, ("my_bump", "x")), "Bump")
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    np.testing.assert_allclose(op.evaluate([x], None, None), 2 * np.exp(-x * x))
    np.testing.assert_allclose(evaluate_torch(op.function, torch.from_numpy(x)).numpy(), 2 * np.exp(-x * x))
    with pytest.raises(UnsupportedOperatorError, match="'nobody' is not known"):
        Pointwise(("nobody", "x"))


def test_a_table_runs_in_floats_and_in_integers() -> None:
    module, x = network()
    q = hpq.quantize(hpq.from_torch(module, x[:2]), x, 8)
    plan = plan_layer(q.layers["2"])
    assert plan.words.dtype == np.float32  # type: ignore[union-attr]


def test_refusals() -> None:
    x = torch.randn(2, 5)
    for made, message in (
        (lambda x: x**x, "powers by a constant"),
        (lambda x: F.rrelu(x, training=True), "at random"),
        (lambda x: x.clamp(torch.zeros(5), torch.ones(5)), "its min has 5 elements"),
    ):
        with pytest.raises(UnsupportedOperatorError, match=message):
            hpq.from_torch(Apply(made), x)
