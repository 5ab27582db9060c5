"""Types chosen by calibration, precision settings and their errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import DataError, PrecisionError
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import quantize
from hpq_hls.quantize.activations import Observed, least_error
from hpq_hls.quantize.headroom import Tail
from hpq_hls.quantize.scaling import candidate_types, range_integer_bits, squared_error

MODES = (Rounding.RND, Overflow.SAT)


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    return from_torch(net, torch.zeros(2, 6))


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(50, 6))


def test_precision_forms(graph: Graph, x: np.ndarray, tmp_path: Path) -> None:
    one = quantize(graph, x, 6)
    assert [one.layers[n].weight_type.width for n in ("0", "2")] == [6, 6]
    assert one.input_type.width == 6
    assert one.layers["0"].output_type.width == 6
    assert not one.layers["0"].output_type.signed
    assert one.layers["2"].output_type.signed
    mixed = quantize(graph, x, {"0": {"weight": 3, "activation": 5}, "2": 4})
    assert mixed.layers["0"].weight_type.width == 3
    assert mixed.layers["0"].output_type.width == 5
    assert mixed.layers["2"].weight_type.width == 4
    assert mixed.input_type.width == 8
    path = tmp_path / "p.yaml"
    path.write_text(
        "precision:\n  default: {weight: 7}\n  layers:\n    '2': {bias: 5, weight: 'ap_fixed<4,1>'}\n"
    )
    read = quantize(graph, x, path)
    assert read.layers["0"].weight_type.width == 7
    assert read.layers["0"].output_type.width == 8
    assert read.layers["2"].bias_type.width == 5
    assert read.layers["2"].weight_type == FixedType(4, 1)
    assert quantize(graph, x, {graph.input_name: 4}).input_type.width == 4


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        (0, "asks for 0 bits; widths go from 1 to 32"),
        (33, "asks for 33 bits"),
        (True, "give a whole number of bits"),
        (2.5, "give a whole number of bits"),
        ({"fc": 4}, "no layer 'fc'.*known are"),
        ({"22": 4}, "did you mean '2'"),
        ({"0": {"wieght": 4}}, "did you mean 'weight'"),
        ({"0": {"weight": 64}}, "weight of layer '0' asks for 64 bits"),
        ({"1": 4}, "no layer '1'"),
        ("missing.yaml", "does not exist"),
        ({"0": {"weight": "ap_fixed<x>"}}, "neither a width nor a type"),
    ],
)
def test_precision_errors(graph: Graph, x: np.ndarray, precision: object, message: str) -> None:
    with pytest.raises(PrecisionError, match=message):
        quantize(graph, x, precision)


def test_exact_layers_have_no_precision(x: np.ndarray) -> None:
    net = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2))
    graph = from_torch(net, torch.zeros(2, 1, 4, 4))
    with pytest.raises(PrecisionError, match="MaxPool2d, which is exact"):
        quantize(graph, np.ones((2, 1, 4, 4)), {"0": 4})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((4, 5)), r"shape \(4, 5\), but the network takes \(batch, 6\)"),
        (np.zeros((0, 6)), "empty"),
        (np.full((3, 6), np.nan), "NaN or infinity .first in sample 0"),
        (np.array([["a"] * 6]), "type <U1"),
        (np.zeros(6), "shape"),
    ],
)
def test_bad_data(graph: Graph, x: np.ndarray, data: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        quantize(graph, data, 8)
    with pytest.raises(DataError, match=message):
        quantize(graph, x, 8).predict_raw(data)


def test_unknown_mode(graph: Graph, x: np.ndarray) -> None:
    with pytest.raises(PrecisionError, match="rounding is 'AP_ROUND'; choose one of AP_TRN"):
        quantize(graph, x, 8, rounding="AP_ROUND")


@pytest.mark.parametrize("width", [1, 2, 3, 8, 16, 32])
@pytest.mark.parametrize("signed", [True, False])
def test_range_is_the_fewest_bits_that_hold_everything(width: int, signed: bool) -> None:
    rng = np.random.default_rng(width)
    for scale in (1e-6, 0.3, 1.0, 255.0, 1e9):
        values = rng.normal(size=200) * scale
        values = values if signed else np.abs(values)
        integer = range_integer_bits(values, width, signed)

        def clipped(bits: int, values: np.ndarray = values) -> bool:
            wide = FixedType(width + 8, bits + 8, True, Rounding.RND, Overflow.SAT).from_float(values)
            narrow = FixedType(width, bits, signed, Rounding.RND, Overflow.SAT).from_float(values)
            return bool((wide != narrow).any())

        if (width, signed) != (1, True):  # a signed bit holds no positive value at any scale
            assert not clipped(integer)
            assert clipped(integer - 1)


def test_error_scaling_is_never_worse_than_range() -> None:
    rng = np.random.default_rng(3)
    better = 0
    for width in (2, 3, 4, 6, 8):
        values = rng.standard_t(3, size=2000)
        ranged = candidate_types(values, width, True, *MODES)[0]
        seen = Observed(values, True, Tail(np.abs(values[:1]), 1 << 40, 6.0))
        chosen = least_error(seen, width, MODES)
        assert squared_error(chosen, values) <= squared_error(ranged, values)
        better += squared_error(chosen, values) < squared_error(ranged, values)
    assert better >= 3


def test_float_network_is_approached(graph: Graph, x: np.ndarray) -> None:
    errors = [np.abs(quantize(graph, x, w).predict(x) - graph.predict(x)).max() for w in (4, 8, 12, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3


def test_zeros_and_constants() -> None:
    net = nn.Sequential(nn.Linear(3, 2))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    q = quantize(from_torch(net, torch.zeros(2, 3)), np.zeros((2, 3)), 4)
    assert (q.predict_raw(np.ones((1, 3))) == 0).all()


@pytest.mark.parametrize("scale", [1e-25, 1e-9, 1e6, 1e25, 1e30])
@pytest.mark.parametrize("bias", [True, False])
def test_values_of_any_size(x: np.ndarray, scale: float, bias: bool) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 2, bias=bias)).double().eval()
    with torch.no_grad():
        net[0].weight *= scale
    graph = from_torch(net, torch.zeros(2, 6, dtype=torch.float64))
    if scale == 1e-25 and not bias:
        with pytest.raises(PrecisionError, match=r"below 2\*\*-61 and would become zero"):
            quantize(graph, x, 16)
        return
    expected = graph.predict(x)
    error = np.abs(quantize(graph, x, 16).predict(x) - expected).max() / np.abs(expected).max()
    assert error < 2**-10  # 16 bits, less the room above what was seen, and a few roundings


def test_a_bias_is_as_fine_as_the_output_it_decides(x: np.ndarray) -> None:
    net = nn.Sequential(nn.Linear(6, 2)).double().eval()
    with torch.no_grad():
        net[0].weight.fill_(1000.0)
        net[0].bias.copy_(torch.tensor([0.3587, 0.55]))
    graph = from_torch(net, torch.zeros(2, 6, dtype=torch.float64))
    small = np.full((4, 6), 1e-6)
    q = quantize(
        graph, np.concatenate([small, np.full((1, 6), -1e-6)]), {"0": {"weight": 4, "activation": 16}}
    )
    assert np.abs(q.predict(small) - graph.predict(small)).max() < 2**-12  # an LSB of the output is 2^-15
