"""A user's package with three operators and one kernel of its own goes everywhere that ours go."""

import json
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import hpq_hls as hpq
from hpq_hls.hardware import HardwareConfig, build_dataflow
from tests.cli.conftest import run_command
from tests.extension.conftest import FOLDER
from tests.hardware.dataflow_model import run_dataflow

FEATURES, SAMPLES = 4, 64
RNG = np.random.default_rng(3)
X = RNG.normal(size=(SAMPLES, 6)).astype(np.float32)


def network(squares):
    class Nearest(nn.Module):
        """Two projections, their blend, and how far it is from one of them."""

        def __init__(self):
            super().__init__()
            torch.manual_seed(5)
            self.left, self.right = nn.Linear(6, FEATURES), nn.Linear(6, FEATURES)
            self.blend, self.distance = squares.Blend(), squares.SquaredDistance()

        def forward(self, x):
            right = torch.relu(self.right(x))
            return self.distance(self.blend(self.left(x), right), right)

    return Nearest().eval()


def onnx_of(module, path):
    """The same network as an ONNX file whose domain ``squares`` no standard knows."""
    arrays = {name.replace(".", "_"): value.numpy() for name, value in module.state_dict().items()}
    nodes = [
        helper.make_node("Gemm", ["x", "left_weight", "left_bias"], ["a"], "left", transB=1),
        helper.make_node("Gemm", ["x", "right_weight", "right_bias"], ["b"], "right", transB=1),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("Blend", ["a", "c"], ["d"], "blend", domain="squares"),
        helper.make_node("Distance", ["d", "c"], ["y"], "distance", domain="squares"),
    ]
    graph = helper.make_graph(
        nodes,
        "nearest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("squares", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def module(squares):
    return network(squares)


@pytest.fixture(scope="module")
def graph(module):
    return hpq.from_torch(module, torch.zeros(1, 6))


@pytest.fixture(scope="module")
def q(graph):
    return hpq.quantize(graph, X, precision=6)


def test_both_front_ends_read_it(module, graph, tmp_path):
    wanted = module(torch.from_numpy(X)).detach().numpy()
    for read in (graph, hpq.from_onnx(onnx_of(module, tmp_path / "nearest.onnx"))):
        found = hpq.quantize(read, X, precision=20).predict(X)
        assert np.abs(found - wanted).max() < 1e-3 * np.ptp(wanted)  # 20 bits hold 1e-5 of the range


def test_integers_are_what_the_kernel_says(q):
    for io_kind in ("stream", "parallel"):
        flow = build_dataflow(q, HardwareConfig(io=io_kind))
        assert "squareddifference" in {kernel.kind for kernel in flow.kernels}
        port = flow.streams[flow.input]
        raw = q.input_type.from_float(X[:8])[:, flow.inputs[0].order].reshape(8, port.beats, port.lanes)
        found = np.stack([run_dataflow(flow, frame).reshape(-1) for frame in raw])
        np.testing.assert_array_equal(found, q.predict_raw(X[:8])[:, flow.outputs[0].order])


@pytest.mark.parametrize("io_kind", ["stream", "parallel"])
def test_hardware_gives_the_same_words(q, tmp_path, io_kind):
    estimate = hpq.estimate(q, io=io_kind)
    vitis = hpq.generate(q, tmp_path / "vitis", backend="vitis", io=io_kind)
    np.testing.assert_array_equal(vitis.csim(X[:12]), q.predict_raw(X[:12]))
    rtl = hpq.generate(q, tmp_path / "rtl", backend="rtl", io=io_kind)
    result = rtl.cosim(X[:12])
    np.testing.assert_array_equal(result.raw, q.predict_raw(X[:12]))
    assert (result.latency_cycles, result.interval_cycles) == (
        estimate.latency_cycles,
        estimate.interval_cycles,
    )
    assert rtl.certify().passed and vitis.certify().passed
    assert "hpq_squareddifference.sv" in (tmp_path / "rtl" / "rtl" / "files.f").read_text()
    assert 'squares.h"' in "".join(path.read_text() for path in (tmp_path / "vitis" / "src").glob("*.cpp"))


def test_estimates_and_search_know_its_widths(graph, q):
    narrow, wide = (hpq.estimate(hpq.quantize(graph, X, precision=bits)) for bits in (2, 10))
    assert narrow.ff < wide.ff
    assert narrow.dsp < wide.dsp  # the narrow squares are in LUTs
    y = q.predict(X)
    result = hpq.search(
        graph, X, (X, y), objective="lut", metric="mse", max_drop=1.0, confidence=None,
        weight_bits=[4, 6], activation_bits=[4, 6], evaluations=8,
    )  # fmt: skip
    assert any("squares" in name for name in result.best.layers)


def graph_values(graph):
    return graph.predict(X)


def test_it_is_saved_and_loaded(q, tmp_path):
    q.save(tmp_path / "q.hpq")
    np.testing.assert_array_equal(hpq.load(tmp_path / "q.hpq").predict_raw(X), q.predict_raw(X))


def test_it_is_fine_tuned(graph, q):
    y = graph_values(graph)
    tuned = hpq.finetune(q, (X, y), (X, y), loss="mse", metric="mse", epochs=1)
    assert tuned.best.predict_raw(X).shape == (SAMPLES, 1)


def test_what_it_refuses_it_refuses_in_one_sentence(squares):
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(6, 3), nn.Linear(6, 1)

        def forward(self, x):
            return squares.distance(self.left(x), self.right(x))

    with pytest.raises(hpq.HpqError, match="two vectors of one length"):
        hpq.from_torch(Wrong(), torch.zeros(1, 6))


PROJECT = """\
name: nearest
extensions: [squares]
model: {{source: {model}}}
data: {{calibration: calibration.npz, validation: validation.npz}}
precision: {{default: {{weight: 6, activation: 6}}}}
search:
  {{objective: weight_bits, max_drop: 1.0, metric: mse, confidence: null, weight_bits: [4, 6],
    activation_bits: [4, 6]}}
hardware: {{backends: [vitis, rtl]}}
"""


@pytest.mark.parametrize(
    ("model", "commands"),
    [
        ("nearest.pt2", ("quantize", "search", "estimate", "generate", "verify", "report")),
        ("nearest.onnx", ("quantize", "estimate", "generate")),
    ],
)
def test_every_command_takes_it(module, tmp_path, model, commands, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    y = module(torch.from_numpy(X)).detach().numpy()
    np.savez(tmp_path / "calibration.npz", x=X)
    np.savez(tmp_path / "validation.npz", x=X, y=y)
    if model.endswith("onnx"):
        onnx_of(module, tmp_path / model)
    else:
        batch = torch.export.Dim("batch")
        program = torch.export.export(module, (torch.zeros(2, 6),), dynamic_shapes=({0: batch},))
        torch.export.save(program, tmp_path / model)
    project = tmp_path / "project.yaml"
    project.write_text(PROJECT.format(model=model))
    for command in commands:
        done = run_command(command, project)
        assert done.status == 0, done.err
    assert "distance.squares" in json.dumps(run_command("estimate", project, "--json").json)


def test_a_file_says_which_package_it_needs(q, tmp_path):
    q.save(tmp_path / "q.hpq")
    strange = tmp_path / "strange.hpq"
    with zipfile.ZipFile(tmp_path / "q.hpq") as given, zipfile.ZipFile(strange, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(b"SquaredDifference", b"CubedDifference"))
    with pytest.raises(hpq.HpqError, match="CubedDifference"):
        hpq.load(strange)
