"""LeakyReLU on every path."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import TensorProto, helper
from torch import nn

import hpq_hls as hpq
from hpq_hls.simulate import reference


class Net(nn.Module):
    """As a module and as a function, behind a layer and at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.act, self.last = nn.Linear(3, 6), nn.LeakyReLU(0.2), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.last(self.act(self.fc(x))), -0.5)


def network(width: int) -> tuple[hpq.QuantizedGraph, torch.Tensor, np.ndarray]:
    torch.manual_seed(0)
    module, x = Net().eval(), torch.randn(200, 3)
    graph = hpq.from_torch(module, x[:2])
    wanted = module.double()(x.double()).detach().numpy()
    np.testing.assert_allclose(graph.predict(x.double()), wanted, rtol=1e-9)
    return hpq.quantize(graph, x, width), x, wanted


def test_close_to_torch_and_the_same_integers(tmp_path: Path) -> None:
    q, x, wanted = network(20)
    assert [layer.kind for layer in q.layers.values()] == ["Linear", "LeakyReLU", "Linear", "LeakyReLU"]
    assert np.abs(q.predict(x) - wanted).max() < 1e-3 * np.ptp(wanted)
    np.testing.assert_array_equal(reference(q, q.quantize_input(x)), q.predict_raw(x))
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").predict_raw(x), q.predict_raw(x))


def test_onnx(tmp_path: Path) -> None:
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in "xy"]
    nodes = [helper.make_node("LeakyRelu", ["x"], ["y"], alpha=0.3)]
    model = onnx.helper.make_model(helper.make_graph(nodes, "net", tensor[:1], tensor[1:]))
    onnx.save(model, tmp_path / "net.onnx")
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    np.testing.assert_allclose(
        hpq.from_onnx(tmp_path / "net.onnx").predict(x), np.where(x > 0, x, 0.3 * x), rtol=1e-6
    )


@pytest.mark.parametrize("io", ["stream", "parallel"])
def test_hardware(io: str, tmp_path: Path) -> None:
    q, x, _ = network(5)
    given, estimate = x[:20].numpy(), hpq.estimate(q, io=io)
    np.testing.assert_array_equal(
        hpq.generate(q, tmp_path / "c", backend="vitis", io=io).csim(given), q.predict_raw(given)
    )
    result = hpq.generate(q, tmp_path / "r", backend="rtl", io=io).cosim(given)
    np.testing.assert_array_equal(result.raw, q.predict_raw(given))
    assert (result.latency_cycles, result.interval_cycles) == (
        estimate.latency_cycles,
        estimate.interval_cycles,
    )
