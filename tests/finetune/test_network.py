"""What training sees is what the hardware computes, word for word."""

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.finetune.network import BELOW_HALF, INNER, TrainableNetwork, float_outputs
from hpq_hls.finetune.result import tuned_graph
from hpq_hls.fixed import Overflow, Rounding
from hpq_hls.simulate import QuantizedGraph
from tests.networks import random_network
from tests.scales import with_shifts, with_signs

MODES = [(rounding, Overflow.SAT) for rounding in Rounding] + [(Rounding.TRN, mode) for mode in Overflow]


def quantized(seed: int, **modes: object) -> tuple[QuantizedGraph, np.ndarray]:
    module, shape = random_network(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, *shape))
    graph = hpq.from_torch(module, torch.zeros(2, *shape))
    widths = {"default": {"weight": int(rng.integers(2, 9)), "activation": int(rng.integers(2, 9))}}
    return hpq.quantize(graph, x, widths, **modes), 3 * x  # some values lie outside the calibrated range


def outputs(network: TrainableNetwork, q: QuantizedGraph, x: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    seen = q.input_type.to_float(q.quantize_input(x))
    return network.forward(torch.from_numpy(seen).to(dtype)).detach().double().numpy()


def same_integers(first: QuantizedGraph, second: QuantizedGraph) -> bool:
    return all(
        np.array_equal(getattr(layer, key), getattr(second.layers[name], key))
        for name, layer in first.layers.items()
        for key in ("weight_raw", "bias_raw", "weight_shift")
    )


@pytest.mark.parametrize("seed", range(2 * len(MODES)))
def test_forward_is_the_simulation(seed: int) -> None:
    """At the start, and after every parameter has moved, in float64 and, where exact, in float32."""
    rounding, overflow = MODES[seed % len(MODES)]
    q, x = quantized(seed, rounding=rounding.value, overflow=overflow.value)
    q = with_shifts(q, seed) if seed >= len(MODES) else q
    network = TrainableNetwork(q, torch.float64)
    start = network.quantized()
    assert same_integers(start, q)
    assert np.array_equal(outputs(network, q, x, torch.float64), q.predict(x))
    generator = torch.Generator().manual_seed(seed)
    for own in network.parameters.values():
        for codes in own:
            noise = torch.randn(codes.latent.shape, generator=generator, dtype=torch.float64)
            codes.latent.detach().add_(3 * noise)
            codes.settle(0.0)
    moved = network.quantized()
    expected = moved.predict(x)
    assert network.parameters == {} or not same_integers(moved, q)
    assert np.array_equal(outputs(network, q, x, torch.float64), expected)
    for name, layer in moved.layers.items():
        assert layer.output_type == q.layers[name].output_type
        assert layer.weight_type == q.layers[name].weight_type
        for raw, kind in ((layer.weight_codes, layer.stored_weight_type), (layer.bias_raw, layer.bias_type)):
            assert raw is None or (kind.min_raw <= raw.min() and raw.max() <= kind.max_raw)
    if all(layer.partial_bound < 2**22 for layer in moved.layers.values()):
        single = TrainableNetwork(moved, torch.float32)
        assert np.array_equal(outputs(single, moved, x, torch.float32), expected)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_signs_stay_signs(seed: int, shifted: bool) -> None:
    """The forward pass is the simulation, at the start and when some weights have changed their signs."""
    q, x = quantized(seed)
    q = with_signs(q, seed, shifted=shifted)
    network = TrainableNetwork(q, torch.float64)
    assert same_integers(network.quantized(), q)
    assert np.array_equal(outputs(network, q, x, torch.float64), q.predict(x))
    generator = torch.Generator().manual_seed(seed)
    changed = weights = 0
    for name, own in network.parameters.items():
        noise = torch.randn(own.weight.latent.shape, generator=generator, dtype=torch.float64)
        own.weight.latent.detach().add_(3 * noise)
        own.weight.settle(0.1)
        codes = network.quantized().layers[name].weight_codes
        assert (np.abs(codes) == 1).all()
        changed += int((codes != q.layers[name].weight_codes).sum())
        weights += codes.size
    assert 0.1 * weights < changed < 0.9 * weights
    moved = network.quantized()
    assert [layer.weight_bits for layer in moved.layers.values()] == [
        layer.weight_bits for layer in q.layers.values()
    ]
    assert np.array_equal(outputs(network, q, x, torch.float64), moved.predict(x))


@pytest.mark.parametrize("seed", range(8))
def test_float_network_and_tuned_parameters(seed: int) -> None:
    q, x = quantized(seed)
    found = float_outputs(q.graph, {q.graph.input_name: torch.from_numpy(x)})[q.graph.output].numpy()
    expected = q.graph.predict(x)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()  # torch adds in another order
    graph = tuned_graph(q)
    for node in graph.nodes:
        layer = q.layers[node.name]
        if layer.weight_raw is not None:
            assert np.array_equal(node.op.weight, layer.weight_raw * layer.weight_type.scale)
            assert (node.op.bias is None) == (layer.bias_raw is None)
            if layer.bias_raw is not None:
                assert np.array_equal(node.op.bias, layer.bias_raw * layer.bias_type.scale)
        else:
            assert node.op is layer.op


def test_latent_parameters_start_at_the_float_ones() -> None:
    """Where these round to the integers; elsewhere beside the integers, so that a small step changes none."""
    q, _ = quantized(1, weight_rounding="compensated")
    network = TrainableNetwork(q)
    chosen_otherwise = 0
    for name, own in network.parameters.items():
        layer = q.layers[name]
        given = layer.op.weight / layer.weight_type.scale
        latent = own.weight.latent.detach().numpy()
        nearest = layer.weight_type.from_float(layer.op.weight) == layer.weight_raw
        lo, hi = layer.weight_type.min_raw - 0.5, layer.weight_type.max_raw + BELOW_HALF
        assert np.array_equal(latent[nearest], np.clip(given, lo, hi)[nearest])
        assert (np.abs(latent - layer.weight_raw)[~nearest] == INNER).all()
        assert (np.sign(latent - layer.weight_raw) == np.sign(given - layer.weight_raw))[~nearest].all()
        chosen_otherwise += int((~nearest).sum())
    assert chosen_otherwise > 0


def test_gradients_reach_all_parameters() -> None:
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3),
        torch.nn.ReLU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(27, 2),
    )
    x = np.random.default_rng(0).normal(size=(20, 1, 8, 8))
    q = hpq.quantize(hpq.from_torch(module, torch.zeros(1, 1, 8, 8)), x, 4)
    network = TrainableNetwork(q)
    seen = torch.from_numpy(q.input_type.to_float(q.quantize_input(x)).astype(np.float32))
    network.forward(seen).square().sum().backward()
    for own in network.parameters.values():
        for codes in own:
            assert codes.latent.grad.abs().max() > 0
