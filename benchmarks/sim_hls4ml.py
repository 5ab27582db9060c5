"""The peer: a QuantizedGraph as an hls4ml project with the same types, compiled and run.

hls4ml gets a copy of the torch network without batch-norms whose parameters are the quantized ones, and for
every layer the types that the QuantizedGraph has, so that both compute the same integers.
"""

from __future__ import annotations

import contextlib
import copy
import io
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sim_networks import WIDEN, FloatArray, without_batchnorm
from torch import fx, nn

import hpq_hls as hpq
from hpq_hls.fixed import FixedType
from hpq_hls.ops.pool import AvgPool2d
from hpq_hls.simulate import QuantizedLayer


@dataclass(frozen=True)
class Setting:
    """Choices of an hls4ml project that decide how fast its ``predict`` is."""

    io: str
    strategy: str = "Latency"
    backend: str = "Vitis"


VITIS = {
    "mlp": Setting("io_parallel", "Latency"),
    "lenet": Setting("io_stream", "Resource"),
    "resnet8": Setting("io_stream", "Resource"),
}
"""The backend for the tool that our HLS is for, with the Xilinx types: the io and strategy with the fastest
``predict`` of the four combinations (io_parallel is as fast within 15 % but compiles 2.3 times as long on
LeNet and 48 times on ResNet-8)."""
CATAPULT = {
    "mlp": Setting("io_parallel", "Latency", "Catapult"),
    "lenet": Setting("io_parallel", "Latency", "Catapult"),
    "resnet8": Setting("io_parallel", "Resource", "Catapult"),
}
"""The backend with the fastest ``predict`` of those that compile without a vendor's tool, with the
Algorithmic C types; its io_stream does not compile for the CNNs, and ResNet-8 with Latency not in minutes."""
SETTINGS = {"Vitis": VITIS, "Catapult": CATAPULT}


@dataclass(frozen=True)
class Peer:
    """A compiled project and how long it took to come so far."""

    model: Any
    channels_last: bool
    convert_s: float
    compile_s: float

    def predict(self, x: FloatArray) -> FloatArray:
        """Outputs (samples, classes) for ``x`` as ``prepared`` returns it."""
        return np.asarray(self.model.predict(x)).reshape(len(x), -1)

    def prepared(self, x: FloatArray) -> FloatArray:
        """Inputs in the layout and type that ``predict`` takes without a copy of its own."""
        moved = np.moveaxis(x, 1, -1) if self.channels_last else x
        return np.ascontiguousarray(moved, dtype=np.float32)


def version() -> str:
    """hls4ml's version; raises ImportError where it is not installed."""
    import hls4ml

    return str(hls4ml.__version__)


def build(module: nn.Module, q: hpq.QuantizedGraph, setting: Setting, folder: Path) -> Peer:
    """Convert and compile ``q``, the quantized ``module``, in ``folder``."""
    import hls4ml

    quantized = _quantized_module(module, q)
    folder.mkdir(parents=True, exist_ok=True)
    output = Path(tempfile.mkdtemp(dir=folder))
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        config = hls4ml.utils.config_from_pytorch_model(
            quantized,
            input_shape=q.input_shape,
            granularity="name",
            backend=setting.backend,
            channels_last_conversion="internal",  # the input is permuted by ``prepared``
        )
        config["Model"]["Strategy"] = setting.strategy
        precisions = _precisions(quantized, q)
        for name, layer in config["LayerName"].items():
            layer["Precision"] = layer.get("Precision", {}) | precisions[name]
            layer["Strategy"] = setting.strategy
        model = hls4ml.converters.convert_from_pytorch_model(
            quantized,
            hls_config=config,
            output_dir=str(output),
            backend=setting.backend,
            io_type=setting.io,
        )
        middle = time.perf_counter()
        with _quiet():
            model.compile()
        end = time.perf_counter()
    return Peer(model, len(q.input_shape) > 1, middle - start, end - middle)


def remove(peer: Peer) -> None:
    """Delete the project's folder."""
    shutil.rmtree(peer.model.config.get_output_dir(), ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Any:
    """Send the compiler's output to nowhere; it writes to the file descriptors."""
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for target in (1, 2):
            os.dup2(nowhere, target)
        yield
    finally:
        for target, original in zip((1, 2), kept, strict=True):
            os.dup2(original, target)
            os.close(original)
        os.close(nowhere)


def _quantized_module(module: nn.Module, q: hpq.QuantizedGraph) -> nn.Module:
    """A copy without batch-norms that holds the quantized parameters, with a cast in front of an average."""
    folded = copy.deepcopy(without_batchnorm(module))
    if hasattr(folded, WIDEN):
        setattr(folded, WIDEN, nn.ReLU())  # what arrives is positive already: only the type changes
    for name, layer in q.layers.items():
        if layer.weight_raw is None or layer.weight_type is None:
            continue
        part = folded.get_submodule(name)
        assert isinstance(part, (nn.Linear, nn.Conv2d))
        part.weight = nn.Parameter(_values(layer.weight_raw, layer.weight_type), requires_grad=False)
        if layer.bias_raw is not None and layer.bias_type is not None:
            part.bias = nn.Parameter(_values(layer.bias_raw, layer.bias_type), requires_grad=False)
    return folded


def _values(raw: Any, kind: FixedType) -> torch.Tensor:
    return torch.from_numpy(kind.to_float(raw))  # float64, so that no parameter is rounded again


def _precisions(module: nn.Module, q: hpq.QuantizedGraph) -> dict[str, dict[str, str]]:
    """Types by hls4ml's layer name. A ReLU is a layer of its own there: the layer before it hands on the
    exact sum, and the ReLU casts."""
    fused = {name for name, layer in q.layers.items() if layer.activation is not None}
    sizes = [layer.op.window.taps for layer in q.layers.values() if isinstance(layer.op, AvgPool2d)]
    found: dict[str, dict[str, str]] = {}
    ours: dict[str, str] = {}  # names of their nodes -> edges of ours
    for node in fx.symbolic_trace(module).graph.nodes:
        if node.op == "output":
            continue
        if node.op == "placeholder":
            ours[node.name] = q.graph.input_name
            found[node.name] = {"result": str(q.input_type)}
        elif node.name in q.layers:
            ours[node.name] = node.name
            found[node.name] = _of_layer(q.layers[node.name], node.name in fused)
        else:  # a ReLU that is fused in ours, or what stands in a batch-norm's place
            ours[node.name] = ours[node.args[0].name]
            kind = q.edges[ours[node.name]].type
            if node.name == WIDEN:
                kind = _with_room(kind, sizes[0])
            found[node.name] = {"result": str(kind)}
    return found


def _of_layer(layer: QuantizedLayer, fused: bool) -> dict[str, str]:
    types: dict[str, FixedType | None] = {
        "weight": layer.weight_type,
        "bias": layer.bias_type,
        "accum": layer.accumulator_type or layer.output_type,
        "result": layer.accumulator_type if fused else layer.output_type,
    }
    if isinstance(layer.op, AvgPool2d) and layer.accumulator_type is not None:
        types["accum"] = _with_room(layer.accumulator_type, layer.op.window.taps)
    return {key: str(value) for key, value in types.items() if value is not None}


def _with_room(kind: FixedType, summands: int) -> FixedType:
    """``kind`` with room above for a sum of so many and below for the mean: hls4ml adds first, then divides,
    and in some backends does both in its input's type."""
    more = summands.bit_length()
    return FixedType(kind.width + 2 * more, kind.integer + more, kind.signed)
