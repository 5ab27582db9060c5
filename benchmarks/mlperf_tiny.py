"""The networks of MLPerf Tiny on one part: accuracy, resources, and the interval that co-simulation measures.

Float weights and data come from a folder of the user's, as torch state dicts and NumPy archives:

    models/mlperf_tiny_torch.py  load(name) gives a network in evaluation mode: ic_resnet8 (input 0..255),
                                 kws_dscnn, ad_autoencoder, with the weights of mlcommons/tiny
    cifar10_subset.npz           x_train (N, 32, 32, 3) and x_test, y_test, uint8
    kws_1000.npz                 x_int8 (N, 49, 10), scale, zero_point, y

Networks are quantized after training, at one width for weights and one for activations, and folded for a
target interval. Calibration takes 1,000 training images; for keywords, where there are none, the first 300
samples, and accuracy is that of the others too. Of the autoencoder, without its data, only the hardware
is measured: random inputs of the size of its spectrograms. The interval is that of the Verilated RTL, whose
words must equal the reference's. --default folds without a target, for the fastest that fits the part.

    python benchmarks/mlperf_tiny.py DATA                       # all three, resources by the estimate
    python benchmarks/mlperf_tiny.py DATA --cosim --only ic_resnet8
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch

import hpq_hls as hpq

FloatArray = npt.NDArray[np.float32]
TRAINING, CALIBRATION = 1000, 300
"""Training images that calibrate; samples of a set without any, of which they are the first."""


@dataclass(frozen=True, eq=False)
class Samples:
    """calibration, test: (samples, *shape); classes: of the test samples, None where there are none; seen:
    how many of the test samples, the first ones, calibrated."""

    calibration: FloatArray
    test: FloatArray
    classes: npt.NDArray[np.int64] | None
    seen: int = 0


def images(data: Path) -> Samples:
    with np.load(data / "cifar10_subset.npz") as given:
        train, test = (given[name].transpose(0, 3, 1, 2).astype(np.float32) for name in ("x_train", "x_test"))
        return Samples(train[:TRAINING], test, given["y_test"].astype(np.int64))


def keywords(data: Path) -> Samples:
    with np.load(data / "kws_1000.npz") as given:
        x = (given["x_int8"].astype(np.float32) - given["zero_point"]) * given["scale"]
        x = x.astype(np.float32)[:, None]
        return Samples(x[:CALIBRATION], x, given["y"].astype(np.int64), seen=CALIBRATION)


def spectrograms(_: Path) -> Samples:
    x = np.random.default_rng(0).normal(-20, 10, (2 * CALIBRATION, 640)).astype(np.float32)
    return Samples(x[:CALIBRATION], x[CALIBRATION:], None)


@dataclass(frozen=True)
class Task:
    """weight, activation: bits. target: cycles per inference. least: of all test samples, in percent."""

    samples: Callable[[Path], Samples]
    weight: int
    activation: int
    target: int
    least: float | None


TASKS = {
    "ic_resnet8": Task(images, 6, 8, 20_000, 87.0),
    "kws_dscnn": Task(keywords, 6, 8, 10_000, 90.0),
    "ad_autoencoder": Task(spectrograms, 6, 8, 1_800, None),
}


@dataclass(frozen=True)
class Row:
    """What was measured. accuracy, unseen: percent of all test samples, and of those that did not calibrate.
    efficiency: multiply-accumulates over multipliers times interval. shares: of the part, in percent.
    measured: cycles of the RTL, None without co-simulation."""

    network: str
    part: str
    target: int | None
    weight: int
    activation: int
    accuracy: float | None
    unseen: float | None
    interval: int
    measured: int | None
    latency: int
    efficiency: float
    lut: int
    ff: int
    dsp: int
    bram: int
    shares: dict[str, float]
    limited_by: str

    @property
    def within(self) -> bool:
        """Whether target, accuracy and 80 % of the part are all kept."""
        least = TASKS[self.network].least
        right = least is None or (self.accuracy is not None and self.accuracy >= least)
        fast = self.target is None or max(self.interval, self.measured or 0) <= self.target
        return right and fast and max(self.shares.values()) <= 80


def products(q: hpq.QuantizedGraph) -> int:
    """Multiply-accumulates of an inference, those by padding included."""
    total = 0
    for name, layer in q.layers.items():
        if layer.weight_raw is not None:
            shape = q.graph.shapes[name]
            total += layer.weight_raw.size * (math.prod(shape[1:]) if len(shape) > 1 else 1)
    return total


def measure(name: str, module: ModuleType, data: Path, given: argparse.Namespace) -> Row:
    task = TASKS[name]
    samples = task.samples(data)
    net = module.load(name)
    precision = {
        "default": {
            "weight": given.weight or task.weight,
            "activation": given.activation or task.activation,
        }
    }
    graph = hpq.from_torch(net, torch.from_numpy(samples.calibration[:1]))
    q = hpq.quantize(graph, samples.calibration, precision)
    target = None if given.default else given.target or task.target
    wish = {"part": given.part, "target_interval": target}
    report = hpq.estimate(q, **wish)
    accuracy = unseen = measured = None
    if samples.classes is not None:
        right = q.predict(samples.test).reshape(len(samples.test), -1).argmax(1) == samples.classes
        accuracy, unseen = 100 * float(right.mean()), 100 * float(right[samples.seen :].mean())
    with tempfile.TemporaryDirectory() as scratch:
        project = hpq.generate(q, Path(scratch) / name, "rtl", **wish)
        multipliers = sum(kernel.multipliers for kernel in project.dataflow.kernels)
        if given.cosim:
            x = samples.test[: given.frames]
            result = project.cosim(x)
            np.testing.assert_array_equal(result.raw, q.predict_raw(x))
            measured = result.interval_cycles
    interval = measured or report.interval_cycles
    shares = {what: round(100 * share, 1) for what, share in report.to_dict()["utilization"].items()}
    return Row(
        network=name,
        part=given.part,
        target=target,
        weight=precision["default"]["weight"],
        activation=precision["default"]["activation"],
        accuracy=accuracy,
        unseen=unseen,
        interval=report.interval_cycles,
        measured=measured,
        latency=report.latency_cycles,
        efficiency=products(q) / (multipliers * interval),
        lut=report.lut,
        ff=report.ff,
        dsp=report.dsp,
        bram=report.bram,
        shares=shares,
        limited_by=report.limited_by,
    )


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(row: Row) -> str:
    """A row as a sentence."""
    accuracy = "-" if row.accuracy is None else f"{row.accuracy:.1f} % ({row.unseen:.1f} % unseen)"
    measured = "" if row.measured is None else f", measured {row.measured:,}"
    target = "" if row.target is None else f" of {row.target:,}"
    taken = [f"{what.upper()} {getattr(row, what):,} ({share} %)" for what, share in row.shares.items()]
    return (
        f"{row.network}: {row.weight}/{row.activation} bits, accuracy {accuracy}; "
        f"interval {row.interval:,}{measured}{target}, latency {row.latency:,}; "
        f"efficiency {row.efficiency:.3f}; {', '.join(taken)}; limited by {row.limited_by}; "
        f"{'kept' if row.within else 'missed'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with the networks and their data")
    parser.add_argument("--only", choices=TASKS, nargs="*", default=list(TASKS))
    parser.add_argument("--part", default="xc7z020clg400-1")
    parser.add_argument("--weight", type=int, help="bits of all weights")
    parser.add_argument("--activation", type=int, help="bits of all activations")
    parser.add_argument("--target", type=int, help="cycles per inference, instead of each network's own")
    parser.add_argument("--default", action="store_true", help="no target: the fastest that fits")
    parser.add_argument("--cosim", action="store_true", help="measure the interval on the Verilated RTL")
    parser.add_argument("--frames", type=int, default=3, help="frames of a co-simulation")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    module = load(given.data / "models" / "mlperf_tiny_torch.py")
    rows = []
    for name in given.only:
        row = measure(name, module, given.data, given)
        rows.append(row)
        print(said(row), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
