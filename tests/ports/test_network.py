"""Several inputs and outputs up to the simulator: import, quantization, prediction, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hpq_hls as hpq
from hpq_hls.errors import DataError, PrecisionError
from hpq_hls.frontends import from_exported
from hpq_hls.simulate import Simulator
from hpq_hls.simulate.engine import reference, simulate, simulate_all
from tests.ports.networks import SHAPES, heads, random_graph, samples

ZEROS = {name: torch.zeros(1, *shape) for name, shape in SHAPES.items()}


def by_torch(module: nn.Module, x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with torch.no_grad():
        made = module.double()(*(torch.from_numpy(given) for given in x.values()))
    return {name: value.numpy() for name, value in made.items()}


@pytest.mark.parametrize("example", [tuple(ZEROS.values()), ZEROS, dict(reversed(ZEROS.items()))])
def test_torch_in_order_or_by_name(example: Any) -> None:
    graph = hpq.from_torch(heads(), example)
    assert graph.inputs == SHAPES
    assert graph.output_shapes == {"class": (3,), "map": (2, 2, 2), "trunk": (3, 4, 4)}
    x = samples(5)
    right = by_torch(heads(), x)
    for given in (x, tuple(x.values()), list(x.values())):
        for name, value in graph.predict(given, batch_size=2).items():
            assert np.abs(value - right[name]).max() < 1e-12


def test_exported_program(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(heads(), tuple(ZEROS.values())), tmp_path / "net.pt2")
    graph = from_exported(torch.export.load(tmp_path / "net.pt2"))
    assert list(graph.inputs) == ["image", "mask"] and list(graph.outputs) == ["class", "map", "trunk"]


def test_names_of_outputs() -> None:
    class Returns(nn.Module):
        def __init__(self, how: Any) -> None:
            super().__init__()
            self.how = how

        def forward(self, *xs: Tensor) -> Any:
            return self.how(xs[0].relu(), xs[1])

    two = (torch.zeros(1, 3), torch.zeros(1, 3))
    for how, names in (
        (lambda a, b: (a, b), ["output_0", "output_1"]),
        (lambda a, b: {"a": a, "rest": (b, a + b)}, ["a", "rest_0", "rest_1"]),
        (lambda a, b: [a, None, {"b": b}], ["output_0", "output_2_b"]),
        (lambda a, b: (a, a, b), ["output_0", "output_1", "output_2"]),
        (lambda a, b: (a + b,), ["add"]),
    ):
        assert list(hpq.from_torch(Returns(how), two).outputs) == names


def test_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    names = ["class", "map", "trunk"]
    torch.onnx.export(
        heads(), tuple(ZEROS.values()), tmp_path / "net.onnx", dynamo=False,
        input_names=list(ZEROS), output_names=names,
    )  # fmt: skip
    graph = hpq.from_onnx(tmp_path / "net.onnx")
    assert graph.inputs == SHAPES and list(graph.outputs) == names
    x = samples(5)
    right = by_torch(heads(), x)
    for name, value in graph.predict(x).items():
        assert np.abs(value - right[name]).max() < 1e-5


@pytest.fixture(scope="module")
def q() -> hpq.QuantizedGraph:
    return hpq.quantize(hpq.from_torch(heads(), ZEROS), samples(30), {"default": 6, "layers": {"mask": 4}})


def test_types_and_values(q: hpq.QuantizedGraph) -> None:
    x = samples(9, seed=1)
    assert [kind.width for kind in q.input_types.values()] == [6, 4]
    raw, value = q.predict_raw(x), q.predict(tuple(x.values()))
    assert list(raw) == ["class", "map", "trunk"]
    for name, kind in q.output_types.items():
        assert raw[name].shape == (9, *q.output_shapes[name])
        assert np.array_equal(value[name], kind.to_float(raw[name]))
    given = q.quantize_input(x)
    everything = simulate_all(q, given)
    for name, made in simulate(q, given).items():
        assert np.array_equal(made, raw[name])
        assert np.array_equal(made, reference(q, given)[name])
        assert np.array_equal(made, everything[q.graph.outputs[name]])
    assert set(q.saturation(x)) >= set(SHAPES)


def test_files(q: hpq.QuantizedGraph, tmp_path: Path) -> None:
    q.save(tmp_path / "net.hpq")
    again = hpq.load(tmp_path / "net.hpq")
    again.save(tmp_path / "again.hpq")
    assert (tmp_path / "net.hpq").read_bytes() == (tmp_path / "again.hpq").read_bytes()
    x = samples(4, seed=2)
    for name, raw in again.predict_raw(x).items():
        assert np.array_equal(raw, q.predict_raw(x)[name])
    assert {name: raw.shape for name, raw in again.examples.items()} == {
        name: (32, *shape) for name, shape in SHAPES.items()
    }


def test_networks_that_share_layers() -> None:
    """The head changes and nothing else runs; values that are outputs too are right all the same."""
    from hpq_hls.quantize import Quantizer

    x = samples(40)
    quantizer = Quantizer(hpq.from_torch(heads(), ZEROS), x)
    simulator = Simulator(x)
    for precision in (8, {"head": 4}, {"image": 5}, {"mask": 3}, {"map": 2}, 8):
        q = quantizer.quantize(precision)
        right = q.predict_raw(x)
        for name, raw in simulator.predict_raw(q).items():
            assert np.array_equal(raw, right[name]), (precision, name)
    assert simulator.layers_reused > 10


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    x = samples(20, seed, dict(graph.inputs))
    rng = np.random.default_rng(seed)
    q = hpq.quantize(graph, x if len(x) > 1 else next(iter(x.values())), int(rng.integers(2, 12)))
    given = x if len(x) > 1 else next(iter(x.values()))
    raw, right = q.predict_raw(given), reference(q, q.quantize_input(given))
    q.save(tmp_path / "q.hpq")
    again = hpq.load(tmp_path / "q.hpq").predict_raw(given)
    if len(graph.outputs) == 1:
        raw, right, again = ({"": item} for item in (raw, right, again))
    for name in raw:
        assert np.array_equal(raw[name], right[name]) and np.array_equal(raw[name], again[name])


def test_refusals(q: hpq.QuantizedGraph) -> None:
    x = samples(3)
    image, mask = x.values()
    for given, reason in (
        (
            image,
            "the network has 2 inputs ('image', 'mask'), but one ndarray is given; give a mapping by name",
        ),
        ((image,), "has 2 inputs ('image', 'mask'), but 1 things is given"),
        ({"image": image}, "nothing is given for the input 'mask'; give all of image, mask"),
        ({**x, "other": mask}, "has no input 'other'; it has 'image', 'mask'"),
        ({"image": image, "mask": mask[:2]}, "different numbers of samples: 3 for 'image', 2 for 'mask'"),
        ((mask, image), "input 'image' has shape (3, 1, 4, 4)"),
    ):
        with pytest.raises(DataError) as caught:
            q.predict_raw(given)
        assert reason in str(caught.value)
    with pytest.raises(DataError, match=r"has 2 inputs .'image', 'mask'., each with its own"):
        _ = q.input_type
    with pytest.raises(DataError, match=r"3 outputs .'class', 'map', 'trunk'., .* as output_types"):
        _ = q.output_type
    with pytest.raises(PrecisionError, match=r"no layer 'masks'.*did you mean 'mask'"):
        hpq.quantize(q.graph, x, {"masks": 3})
