"""What each of the quantizer's options does to whole networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType, Overflow, Rounding
from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer, QuantizerOptions, Scaling, WeightRounding, parse_precision, quantize
from hpq_hls.quantize import moments as moments_module
from hpq_hls.quantize.activations import OutputError, least_error

PLAIN: dict[str, Any] = {
    "scaling": "error",
    "per_channel": False,
    "equalize": False,
    "bias_correction": False,
    "weight_rounding": "nearest",
}


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.abs(rng.normal(size=(300, 2, 8, 8)) + np.linspace(-1, 1, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def graph(x: np.ndarray) -> Graph:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6)),
        *(nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 2, groups=2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4)),
    )
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([0.05, 0.3, 1.0, 2.0, 0.6, 4.0]))
    return hpq.from_torch(net.eval(), torch.zeros(1, 2, 8, 8))


def error(graph: Graph, x: np.ndarray, precision: Any, **options: Any) -> float:
    """Mean squared error on data that nothing was calibrated on."""
    q = Quantizer(graph, x[:150], **options).quantize(precision)
    return float(np.square(q.predict(x[150:]) - graph.predict(x[150:])).mean())


@pytest.mark.parametrize(
    ("part", "precision"),
    [
        ({"weight_rounding": "compensated"}, {"default": {"weight": 4, "activation": 8}}),
        ({"weight_rounding": "compensated"}, {"default": {"weight": 2, "activation": 8}}),
        ({"bias_correction": True}, {"default": {"weight": 4, "activation": 8}}),
    ],
)
def test_each_part_lowers_the_error(graph: Graph, x: np.ndarray, part: Any, precision: Any) -> None:
    assert error(graph, x, precision, **{**PLAIN, **part}) < 0.95 * error(graph, x, precision, **PLAIN)


def test_uneven_channels_are_evened_out() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4)).eval()
    sizes = 2.0 ** torch.linspace(-4, 4, 16)
    with torch.no_grad():
        net[0].weight *= sizes[:, None]
        net[0].bias *= sizes
        net[2].weight /= sizes
    graph = hpq.from_torch(net, torch.zeros(1, 12))
    data = np.random.default_rng(0).normal(size=(300, 12))
    for widths in ({"weight": 4, "activation": 8}, {"weight": 8, "activation": 4}):
        for options in (PLAIN, {}):
            uneven = error(graph, data, {"default": widths}, **options)
            assert error(graph, data, {"default": widths}, **{**options, "equalize": True}) < 0.5 * uneven


def test_together_they_lower_it_most(graph: Graph, x: np.ndarray) -> None:
    for width in (3, 4):
        precision = {"default": {"weight": width, "activation": 8}}
        assert error(graph, x, precision) < 0.35 * error(graph, x, precision, **PLAIN)


def integers(q: hpq.QuantizedGraph) -> list[Any]:
    """All that the hardware stores."""
    return [
        None if part is None else part.tolist() if isinstance(part, np.ndarray) else part
        for layer in q.layers.values()
        for part in (
            *(layer.weight_raw, layer.weight_type, layer.weight_shift, layer.bias_raw, layer.bias_type),
            layer.output_type,
        )
    ]


def test_every_bit_of_the_weights_lowers_the_error(graph: Graph, x: np.ndarray) -> None:
    """No width at which the quantizer does less than at the width before."""
    quantizer = Quantizer(graph, x[:150])
    wanted = graph.predict(x[150:])
    errors = []
    for width in range(2, 15):
        q = quantizer.quantize({"default": {"weight": width, "activation": 20}})
        errors.append(float(np.square(q.predict(x[150:]) - wanted).mean()))
    assert errors == sorted(errors, reverse=True)


def test_every_bit_of_the_values_lowers_the_error(graph: Graph, x: np.ndarray) -> None:
    quantizer = Quantizer(graph, x[:150])
    wanted = graph.predict(x[150:])
    errors = []
    for width in range(3, 13):
        q = quantizer.quantize({"default": {"weight": 16, "activation": width}})
        errors.append(float(np.square(q.predict(x[150:]) - wanted).mean()))
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("width", [8, 12, 16, 24])
def test_the_options_count_at_any_width(graph: Graph, x: np.ndarray, width: int) -> None:
    """Compensation moves codes of wide weights too, by few steps. (At 32 bits float32 weights are exact.)"""
    plain, default = (Quantizer(graph, x, **options).quantize(width) for options in (PLAIN, {}))
    moved = 0
    for name, layer in default.layers.items():
        if layer.weight_raw is None or layer.weight_type != plain.layers[name].weight_type:
            continue
        steps = np.abs(layer.weight_raw - plain.layers[name].weight_raw)
        assert steps.max() < 12
        moved += int((steps > 0).sum())
    assert moved > 20


def test_the_same_every_time_and_everywhere(graph: Graph, x: np.ndarray) -> None:
    first = Quantizer(graph, x)
    sent = cloudpickle.loads(cloudpickle.dumps(first))
    wide = Quantizer(graph, x)
    for width in (16, 5, 3):
        wide.quantize(width)
    for precision in (3, {"default": {"weight": 2, "activation": 4}}):
        wanted = integers(first.quantize(precision))
        assert wanted == integers(sent.quantize(precision))
        assert wanted == integers(wide.quantize(precision))
        assert wanted == integers(quantize(graph, x, precision))


def test_a_layer_depends_on_its_own_widths_and_its_input_alone(graph: Graph, x: np.ndarray) -> None:
    quantizer = Quantizer(graph, x)
    one = quantizer.quantize({"default": {"weight": 4, "activation": 6}})
    other = quantizer.quantize({"default": {"weight": 4, "activation": 6}, "layers": {"0": {"weight": 2}}})
    assert one.layers["0"].weight_raw is not other.layers["0"].weight_raw
    for name in ("3", "6", "9", "11"):
        assert one.layers[name].weight_raw is other.layers[name].weight_raw
        assert one.layers[name].bias_raw is other.layers[name].bias_raw


def test_half_an_lsb_makes_truncation_round(graph: Graph, x: np.ndarray) -> None:
    """AP_TRN behind corrected biases gives the words of AP_RND, value for value."""
    quantizer = Quantizer(graph, x)
    for weight, activation in ((3, 4), (4, 6), (8, 3), (16, 12)):
        widths = {"weight": weight, "activation": activation}
        nearest = quantizer.quantize({"default": {**widths, "rounding": "AP_RND"}})
        truncated = quantizer.quantize(
            {
                "default": {**widths, "rounding": "AP_TRN"},
                "layers": {graph.input_name: {"rounding": "AP_RND"}},
            }
        )
        assert truncated.layers["0"].output_type.rounding is Rounding.TRN
        assert np.array_equal(truncated.predict_raw(x), nearest.predict_raw(x))


def test_truncation_without_the_correction_costs(graph: Graph, x: np.ndarray) -> None:
    precision = {"default": {"weight": 8, "activation": 5}}
    corrected = error(graph, x, precision, rounding="AP_TRN")
    assert corrected < 0.8 * error(graph, x, precision, rounding="AP_TRN", bias_correction=False)


def test_the_mean_of_a_layer_is_kept(x: np.ndarray) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1)).eval()
    graph = hpq.from_torch(net, torch.zeros(1, 2, 8, 8))
    for rounding in ("AP_RND", "AP_TRN"):
        precision = {
            "default": {"weight": 3, "activation": 16},
            "layers": {graph.input_name: {"activation": 3, "rounding": rounding}},
        }
        means = []
        for corrects in (True, False):
            q = quantize(graph, x, precision, bias_correction=corrects)
            means.append(np.abs((q.predict(x) - graph.predict(x)).mean(axis=(0, 2, 3))).max())
        assert means[0] < 0.02
        assert means[0] < 0.2 * means[1]


def test_scales_per_channel_follow_the_channels(x: np.ndarray) -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 6, 3)).eval()
    with torch.no_grad():
        net[0].weight *= torch.tensor([1.0, 0.5, 1 / 8, 1 / 64, 2**-12, 0.0])[:, None, None, None]
    graph = hpq.from_torch(net, torch.zeros(1, 2, 8, 8))
    for options in (PLAIN, {}):
        layer = Quantizer(graph, x, **{**options, "per_channel": True}).quantize(4).layers["0"]
        assert layer.weight_shift is not None
        assert layer.weight_shift.tolist()[5] == 0  # nothing to shift
        assert layer.weight_shift.min() == 0
        assert 5 <= layer.weight_shift.max() <= 7  # no scale is finer than 2**-7 of the coarsest
        assert layer.stored_weight_type.width == 4
        assert np.abs(layer.weight_codes).max() <= 8
        one_scale = Quantizer(graph, x, **options).quantize(4).layers["0"]
        assert one_scale.weight_shift is None
        wanted = net[0].weight.detach().numpy()
        for channel in (2, 3):
            errors = [
                np.abs(kind.weight_type.to_float(kind.weight_raw)[channel] - wanted[channel]).max()
                for kind in (layer, one_scale)
            ]
            assert errors[0] < errors[1]


def test_output_scaling_never_has_more_output_error(graph: Graph, x: np.ndarray) -> None:
    quantizer = Quantizer(graph, x)
    differs = 0
    for name in (graph.input_name, *quantizer.layer_names):
        seen = quantizer._seen[name]
        measured = OutputError(quantizer.graph, name, seen, quantizer._all_moments())
        for width in (2, 3, 4, 6):
            chosen = quantizer._new_type(name, width, Rounding.RND)
            by_value = least_error(seen, width, (Rounding.RND, Overflow.SAT))
            assert measured(chosen) <= measured(by_value)
            differs += chosen != by_value
    assert differs > 0


@pytest.mark.parametrize("samples", [1, 2])
def test_hardly_any_calibration_data(graph: Graph, x: np.ndarray, samples: int) -> None:
    for options in ({}, {"per_channel": True, "equalize": True}):
        q = Quantizer(graph, x[:samples], **options).quantize(4)
        assert np.isfinite(q.predict(x)).all()


def test_layers_too_large_for_all_second_moments(
    graph: Graph, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments_module, "MAX_COLUMNS", 10)
    precision = {"default": {"weight": 3, "activation": 8}}
    assert error(graph, x, precision) < 0.8 * error(graph, x, precision, **PLAIN)


def test_zero_and_biasless_layers(x: np.ndarray) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.ReLU(), nn.Conv2d(4, 3, 3)).eval()
    with torch.no_grad():
        net[2].weight.zero_()
    graph = hpq.from_torch(net, torch.zeros(1, 2, 8, 8))
    for options in ({}, {"per_channel": True, "equalize": True}, {"rounding": "AP_TRN"}):
        q = quantize(graph, x, {"default": {"weight": 3, "activation": 12}}, **options)
        assert q.layers["0"].bias_raw is None
        assert not q.layers["2"].weight_raw.any()
        assert np.abs(q.predict(x) - graph.predict(x)).max() < 2**-9


def test_whole_types_of_weights(graph: Graph, x: np.ndarray) -> None:
    """The quantizer's own modes fix the scale and leave the rounding; others are plain casts."""
    quantizer = Quantizer(graph, x)
    chosen = quantizer.quantize({"9": {"weight": 3}}).layers["9"]
    pinned = quantizer.quantize({"9": {"weight": str(chosen.weight_type)}}).layers["9"]
    assert np.array_equal(pinned.weight_raw, chosen.weight_raw)
    cast = FixedType(3, chosen.weight_type.integer, True, Rounding.TRN, Overflow.SAT)
    plain = quantizer.quantize({"9": {"weight": cast}}).layers["9"]
    assert np.array_equal(plain.weight_raw, cast.from_float(quantizer.graph.by_name["9"].op.weight))


def test_rounding_of_single_edges(graph: Graph, x: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "default: {weight: 4, activation: 6, rounding: AP_TRN}\n"
        "layers:\n  '3': {rounding: AP_RND_CONV}\n  '9': {activation: 'ap_fixed<9,4,AP_RND_INF,AP_SAT>'}\n"
    )
    q = quantize(graph, x, path, rounding="AP_RND_ZERO")
    modes = {name: layer.output_type.rounding for name, layer in q.layers.items() if layer.op.casts}
    assert q.input_type.rounding is Rounding.TRN
    assert modes == {
        "0": Rounding.TRN,
        "3": Rounding.RND_CONV,
        "6": Rounding.TRN,
        "9": Rounding.RND_INF,
        "11": Rounding.TRN,
    }
    plain = parse_precision(path).to_dict()
    assert plain["default"]["rounding"] == "AP_TRN"
    assert plain["layers"]["3"] == {"rounding": "AP_RND_CONV"}
    assert parse_precision(plain) == parse_precision(path)
    assert quantize(graph, x, 4, rounding="AP_RND_ZERO").input_type.rounding is Rounding.RND_ZERO


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ({"0": {"rounding": "AP_ROUND"}}, "rounding of layer '0' is 'AP_ROUND'; choose one of AP_TRN, "),
        ({"0": {"activation": "ap_fixed<4,1>", "rounding": "AP_RND"}}, "write it into the type"),
        ({"5": {"rounding": "AP_TRN"}}, "layer '5' is a MaxPool2d, which is exact"),
    ],
)
def test_rounding_errors(graph: Graph, x: np.ndarray, precision: Any, message: str) -> None:
    with pytest.raises(PrecisionError, match=message):
        quantize(graph, x, precision)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scaling": "least"}, "scaling is 'least'; choose one of range, error, output"),
        ({"weight_rounding": "gptq"}, "weight_rounding is 'gptq'; choose one of nearest, compensated"),
        ({"per_channel": 1}, "per_channel is 1; write true or false"),
        ({"equalise": True}, "no setting 'equalise'; did you mean 'equalize'"),
    ],
)
def test_option_errors(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PrecisionError, match=message):
        QuantizerOptions().changed(**settings)


def test_options_are_plain_data_too() -> None:
    options = QuantizerOptions().changed(rounding="AP_TRN", scaling="range", weight_rounding="nearest")
    assert options.rounding is Rounding.TRN
    assert options.scaling is Scaling.RANGE
    assert options.weight_rounding is WeightRounding.NEAREST
    assert QuantizerOptions(**options.to_dict()) == options
    assert set(options.to_dict()) == {field.name for field in dataclasses.fields(QuantizerOptions)}
