"""Folding by the cost model: targets that are met or spoken about, parts that are filled, not overfilled."""

import itertools
import random

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cost import build_design, find_part, fold, time_dataflow
from hpq_hls.cost.choosing import choose_layers, price_of
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.cost.folding import busiest, fastest, interval_of, reached
from hpq_hls.cost.relief import Exchange, cheapest
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import HardwareConfig, LayerFolding, Multiplier, build_dataflow
from hpq_hls.hardware.build import single_pixel
from hpq_hls.hardware.folding import choose_folding
from hpq_hls.kernels.lanes import divisors
from hpq_hls.project import hardware_config

PART = find_part("xc7z020")


def quantized(module: nn.Module, shape: tuple[int, ...], width: int = 8, seed: int = 0) -> hpq.QuantizedGraph:
    """A network at one width."""
    x = np.random.default_rng(seed).normal(size=(4, *shape)).astype(np.float32)
    return hpq.quantize(hpq.from_torch(module.eval(), torch.from_numpy(x[:1])), x, width)


def network(seed: int) -> hpq.QuantizedGraph:
    """A random network of two or three layers at a random width."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.choice([4, 6, 8, 12, 16, 20], 4)]
    width = int(rng.integers(3, 13))
    if seed % 2:
        layers = [nn.Linear(sizes[0], sizes[1]), nn.ReLU(), nn.Linear(sizes[1], sizes[2])]
        return quantized(nn.Sequential(*layers), (sizes[0],), width, seed)
    conv = nn.Conv2d(2, sizes[0], 3, padding=int(rng.integers(0, 2)))
    layers = [conv, nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(sizes[0], sizes[1], 1), nn.ReLU(), nn.Flatten()]
    body = nn.Sequential(*layers)
    side = 2 * int(rng.integers(3, 6))
    features = body(torch.zeros(1, 2, side, side)).shape[1]
    return quantized(nn.Sequential(*body, nn.Linear(features, 5)), (2, side, side), width, seed)


@pytest.mark.parametrize("seed", range(12))
def test_a_target_is_met_or_spoken_about(seed: int) -> None:
    q = network(seed)
    floor, slowest = (reached(q, HardwareConfig(), target) for target in (1, 1 << 40))
    for target in {1, floor, floor + 1, (floor + slowest) // 3, slowest + 7}:
        report = hpq.estimate(q, target_interval=target)
        if target >= floor:
            assert report.interval_cycles <= target
            assert not [note for note in report.notes if "target_interval" in note]
        else:
            assert report.interval_cycles == floor
            (said,) = (note for note in report.notes if "target_interval" in note)
            assert f"target_interval is {target:,}, but one inference takes {floor:,} cycles" in said
            assert report.limited_by in said
        # the interval of the design is that of its slowest kernel, and not a cycle more
        assert report.interval_cycles == max(layer.cycles for layer in report.layers)


def ways(q: hpq.QuantizedGraph, target: int) -> list[float]:
    """Prices of all foldings of two fully connected layers that meet a target."""
    names = [name for name, layer in q.layers.items() if layer.weight_raw is not None]
    shapes = [q.layers[name].weight_raw.shape for name in names]
    options = [
        [
            (name, LayerFolding(pe=pe, simd=simd))
            for pe in divisors(rows)
            for simd in divisors(cols)
            if (rows // pe) * (cols // simd) <= target
        ]
        for name, (rows, cols) in zip(names, shapes, strict=True)
    ]
    flows = (
        build_dataflow(q, HardwareConfig(target_interval=target, layers=dict(choice)))
        for choice in itertools.product(*options)
    )
    return [price_of(bill_dataflow(flow, PART.family)) for flow in flows if interval_of(flow) <= target]


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_no_folding_is_much_cheaper(seed: int) -> None:
    q = network(seed)
    for target in (12, 40):
        chosen = build_dataflow(q, choose_layers(q, HardwareConfig(), target))
        assert interval_of(chosen) <= target
        cheapest_of_all = min(ways(q, target))
        # Chosen at 8 bits; at these widths more products share a DSP block, or are accumulated in one.
        assert price_of(bill_dataflow(chosen, PART.family)) <= 1.1 * cheapest_of_all


def test_flip_flops_count_and_not_multipliers_alone() -> None:
    """PE 1 x SIMD 144 has as many multipliers as PE 8 x SIMD 18, more flip-flops, no rows to share blocks."""
    q = quantized(nn.Conv2d(16, 16, 3, padding=1), (16, 20, 20))
    (layer,) = q.layers
    target = 16 * 400
    legal = {simd: 144 // simd for simd in divisors(144) if 9 % simd == 0 or simd % 9 == 0}
    fewest = choose_folding(layer, 16, legal, 400, LayerFolding(), target)
    chosen = choose_layers(q, HardwareConfig(), target).layers[layer]
    assert (chosen.pe or 0) * (chosen.simd or 0) == fewest[0] * fewest[1]
    one, other = (
        hpq.estimate(q, target_interval=target, layers={layer: {"pe": pe, "simd": simd}})
        for pe, simd in ((chosen.pe, chosen.simd), fewest)
    )
    assert one.interval_cycles == other.interval_cycles
    assert one.ff < 0.85 * other.ff
    assert 2 * one.dsp == other.dsp


@pytest.mark.parametrize(("seed", "part"), [(0, "xc7s6"), (2, "xc7z010"), (4, "xc7s6")])
def test_a_part_alone_gives_the_fastest_that_fits(seed: int, part: str) -> None:
    q = network(seed)
    report = hpq.estimate(q, part)
    shares = report.to_dict()["utilization"]
    assert max(shares.values()) <= 0.8
    config = hardware_config(part=part)
    found = fastest(q, config)
    assert found == report.interval_cycles
    if found > busiest(q, config):
        faster = hpq.estimate(q, part, target_interval=found - 1)
        assert max(faster.to_dict()["utilization"].values()) > 0.8
    share = 0.9 * max(shares.values())
    less = hpq.estimate(q, part, utilisation=share)
    assert less.interval_cycles > report.interval_cycles
    assert max(less.to_dict()["utilization"].values()) <= share


@pytest.mark.parametrize(
    ("layers", "shape", "pixels", "found"),
    [
        ((nn.Conv2d(1, 4, 3),), (1, 10, 10), 100, 64),  # 64 positions: two pixels a beat
        ((nn.Conv2d(2, 4, 3, padding=1),), (2, 12, 12), 196, 144),  # padding is scanned beside pixels
        ((nn.Conv2d(1, 4, 3, stride=2),), (1, 12, 12), 144, 75),  # 25 positions, 36 products: 3 cycles each
        ((nn.Conv2d(1, 4, 2, stride=2),), (1, 12, 12), 144, 144),  # 36: four, and nothing is left
        ((nn.Conv2d(2, 4, 1),), (2, 8, 8), 64, 64),
        ((nn.Linear(6, 4),), (6,), 1, 1),
    ],
)
def test_multipliers_do_not_rest_where_nobody_asks(
    layers: tuple[nn.Module, ...], shape: tuple[int, ...], pixels: int, found: int
) -> None:
    """What is built without a target is as fast as a pixel per cycle or faster, and no multiplier rests."""
    q = quantized(nn.Sequential(*layers), shape)
    config = HardwareConfig(part="xczu7ev-ffvc1156-2-e")
    assert interval_of(single_pixel(q, config)) == pixels
    assert busiest(q, config) == fastest(q, config) == found
    at_found, at_pixels = (
        sum(kernel.multipliers for kernel in build_dataflow(q, choose_layers(q, config, target)).kernels)
        for target in (found, pixels)
    )
    assert at_found * found <= at_pixels * pixels
    assert time_dataflow(build_design(q, config)).interval == found


def test_narrow_widths_buy_speed() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), nn.Flatten()
    )
    intervals = [
        hpq.estimate(quantized(module, (3, 8, 8), width), "xc7s15").interval_cycles for width in (12, 8, 3)
    ]
    assert intervals[0] > intervals[1] > 2 * intervals[2]


def test_products_leave_dsp_blocks_where_the_part_runs_short() -> None:
    q = quantized(nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 12)), (16,))
    roomy = hpq.estimate(q, "xc7z045", target_interval=1)
    tight = hpq.estimate(q, "xc7s6", target_interval=1)
    assert roomy.dsp == (16 * 16 + 16 * 12) // 2  # two products of 8 x 8 bits share a block
    assert tight.dsp <= 0.8 * tight.device.dsp
    assert tight.lut > roomy.lut
    assert tight.interval_cycles == roomy.interval_cycles


@pytest.mark.parametrize("words", [{"multiplier": "lut"}, {"multipliers": "lut"}, {"multipliers": "fabric"}])
def test_products_settled_by_hand_stay(words: dict[str, str]) -> None:
    q = quantized(nn.Linear(16, 16), (16,))
    report = hpq.estimate(q, "xc7z045", target_interval=1, **words)
    assert report.dsp == 0
    folded = fold(q, hardware_config(part="xc7z045", target_interval=1, **words))
    assert folded.config.multiplier is Multiplier.LUT


def test_products_asked_for_in_dsp_blocks_stay_there() -> None:
    """However few the part has; auto moves them."""
    q = quantized(nn.Linear(16, 16), (16,))
    (layer,) = q.layers
    by_hand = hpq.estimate(q, "xc7s6", target_interval=1, layers={layer: {"multiplier": "dsp"}})
    assert by_hand.dsp == 16 * 16 // 2 > by_hand.device.dsp
    assert not by_hand.fits
    assert hpq.estimate(q, "xc7s6", target_interval=1).dsp <= by_hand.device.dsp


def test_narrow_products_share_blocks_where_that_is_asked_for() -> None:
    """Of 3 x 3 bits none is worth a block by itself."""
    q = quantized(nn.Linear(16, 16), (16,), 3)
    assert hpq.estimate(q, "xc7z045", target_interval=1).dsp == 0
    assert hpq.estimate(q, "xc7z045", target_interval=1, multiplier="dsp").dsp == 16 * 16 // 4


def test_the_cheapest_layers_leave_dsp_blocks() -> None:
    offers = {"a": Exchange(100, 5000), "b": Exchange(60, 600), "c": Exchange(50, 1000), "d": Exchange(0, 0)}
    assert cheapest(offers, 40) == ["b"]
    assert sorted(cheapest(offers, 100)) == ["b", "c"]
    assert sorted(cheapest(offers, 150)) == ["a", "b"] or sorted(cheapest(offers, 150)) == ["a", "c"]
    assert sorted(cheapest(offers, 1000)) == ["a", "b", "c"]


def test_no_other_layers_leave_for_fewer_luts() -> None:
    """Against all choices of random layers, and the same whatever the order they come in."""
    draw = random.Random(8)
    for _ in range(60):
        count = draw.randrange(1, 9)
        drawn = [Exchange(draw.choice([0, 1, 4, 27, 36, 72]), draw.randrange(50) * 8.5) for _ in range(count)]
        offers = {f"layer{number}": offer for number, offer in enumerate(drawn)}
        excess = draw.randrange(1, 200)
        ways = (way for size in range(count + 1) for way in itertools.combinations(offers, size))
        enough = [way for way in ways if sum(offers[name].dsp for name in way) >= excess]
        found = cheapest(offers, excess)
        assert cheapest(dict(reversed(offers.items())), excess) == found
        if not enough:
            assert sorted(found) == [name for name in offers if offers[name].dsp]
            continue
        assert sum(offers[name].dsp for name in found) >= excess
        luts = min(sum(offers[name].lut for name in way) for way in enough)
        assert sum(offers[name].lut for name in found) == luts


def test_nothing_leaves_where_nothing_has_to() -> None:
    assert cheapest({"a": Exchange(9, 90.0)}, 0) == []
    assert cheapest({"a": Exchange(9, 90.0)}, -3) == []


def test_a_folding_depends_on_the_clock_and_not_on_what_was_asked_for_before() -> None:
    layers = (nn.Conv2d(2, 4, 1), nn.Conv2d(4, 12, 3, stride=2, padding=1), nn.Conv2d(12, 12, 3, padding=1))

    def chosen(q: hpq.QuantizedGraph, clock_ns: float) -> object:
        return choose_layers(q, hardware_config(part="xc7z020", clock_ns=clock_ns), 256).layers

    first, second = (quantized(nn.Sequential(*layers), (2, 10, 10), 8) for _ in range(2))
    found = chosen(first, 5.0), chosen(first, 10.0)
    assert found == (chosen(second, 10.0), chosen(second, 5.0))[::-1]
    assert found[0] != found[1]


def test_inferences_per_second_are_cycles() -> None:
    q = network(2)
    by_fps = hpq.estimate(q, clock_ns=10.0, target_fps=1e8 / 4000)
    assert by_fps == hpq.estimate(q, clock_ns=10.0, target_interval=4000)
    assert by_fps.interval_cycles <= 4000


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target_interval": 10, "target_fps": 10.0}, "both given"),
        ({"target_fps": 0}, "target_fps is 0; give inferences per second"),
        ({"target_fps": 3e8}, "more than a clock of 5 ns has cycles"),
        ({"target_fps": float("nan")}, "target_fps is nan"),
        ({"utilisation": 0}, "utilisation is 0; it is a share of the part"),
        ({"utilisation": 1.5}, "utilisation is 1.5"),
        ({"utilisation": True}, "utilisation is True"),
    ],
)
def test_impossible_wishes_get_a_sentence(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        hpq.estimate(network(1), **settings)


def test_the_floor_is_exact_in_time() -> None:
    q = network(0)
    flow = build_design(q, HardwareConfig(target_interval=1))
    assert time_dataflow(flow).interval == interval_of(flow) == reached(q, HardwareConfig(), 1)
