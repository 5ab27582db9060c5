"""What each part of the quantizer brings: accuracy with every one alone, all together, and all but one.

    python benchmarks/quantizer_ablation.py --data FOLDER [--networks lenet resnet8 dscnn] [--images 500]

FOLDER holds mnist.npz, cifar10_subset.npz, kws_1000.npz and models/ with the MLPerf Tiny networks
(mlperf_tiny_torch.py and its weights). LeNet is trained here, one pass over MNIST, unless its state dict is
given. Each cell is the top-1 accuracy in percent and, behind it, the mean squared error of the outputs
relative to their variance.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.graph import prepare
from hpq_hls.quantize import Quantizer, QuantizerOptions

WIDTHS = ((4, 8), (3, 8), (2, 8), (8, 4), (4, 4))
"""Weight and activation bits of all layers; the network's input and output have 8."""
CALIBRATION = 200
PLAIN = QuantizerOptions(
    scaling="error",  # type: ignore[arg-type]  # texts are converted
    per_channel=False,
    equalize=False,
    bias_correction=False,
    weight_rounding="nearest",  # type: ignore[arg-type]
)
PARTS: dict[str, dict[str, Any]] = {
    "scaling by output error": {"scaling": "output"},
    "compensated rounding": {"weight_rounding": "compensated"},
    "bias correction": {"bias_correction": True},
    "scales per channel": {"per_channel": True},
    "equalization": {"equalize": True},
}


@dataclass(frozen=True, eq=False)
class Sample:
    """A trained network with data: calibration inputs, and inputs and classes to score on."""

    graph: hpq.Graph
    calibration: npt.NDArray[np.float32]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]


def rows() -> Iterator[tuple[str, QuantizerOptions]]:
    """What is compared."""
    everything = {name: value for part in PARTS.values() for name, value in part.items()}
    yield "integer bits by range", PLAIN.changed(scaling="range")
    yield "plain: by value error, nearest", PLAIN
    for name, part in PARTS.items():
        yield f"plain + {name}", PLAIN.changed(**part)
    yield "default", QuantizerOptions()
    yield "all", QuantizerOptions().changed(**everything)
    for name, part in PARTS.items():
        yield (
            f"all - {name}",
            QuantizerOptions().changed(**{**everything, **{key: getattr(PLAIN, key) for key in part}}),
        )
    yield "default, every edge AP_TRN", QuantizerOptions().changed(rounding="AP_TRN")
    yield (
        "default - bias correction, AP_TRN",
        QuantizerOptions().changed(rounding="AP_TRN", bias_correction=False),
    )


def lenet(folder: Path, images: int, weights: Path | None) -> Sample:
    """LeNet-5 with ReLU and max pooling, trained on 58,000 images; scored on up to 2,000 others."""
    data = np.load(folder / "mnist.npz")
    order = np.random.default_rng(0).permutation(60000)
    x = (data["x_train"][order] / 255).astype(np.float32)[:, None]
    y = data["y_train"][order].astype(np.int64)
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    if weights is not None:
        net.load_state_dict(torch.load(weights, weights_only=True))
    for start in range(0, 58000 if weights is None else 0, 64):
        optimizer.zero_grad()
        given = torch.from_numpy(x[start : start + 64]), torch.from_numpy(y[start : start + 64])
        nn.functional.cross_entropy(net(given[0]), given[1]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    graph = hpq.from_torch(net.eval(), torch.zeros(1, 1, 28, 28))
    held_out = slice(58000, 58000 + images * 4)
    return Sample(graph, x[:CALIBRATION], x[held_out], y[held_out])


def resnet8(folder: Path, images: int, weights: Path | None) -> Sample:  # noqa: ARG001
    """The image classifier of MLPerf Tiny, on CIFAR-10."""
    data = np.load(folder / "cifar10_subset.npz")
    train, test = (np.ascontiguousarray(data[key].transpose(0, 3, 1, 2), np.float32) for key in
                   ("x_train", "x_test"))  # fmt: skip
    graph = hpq.from_torch(_tiny(folder, "ic_resnet8"), torch.zeros(1, 3, 32, 32))
    return Sample(graph, train[:CALIBRATION], test[:images], data["y_test"][:images].astype(np.int64))


def dscnn(folder: Path, images: int, weights: Path | None) -> Sample:  # noqa: ARG001
    """The keyword spotter of MLPerf Tiny: depthwise convolutions behind folded batch-norm."""
    data = np.load(folder / "kws_1000.npz")
    x = ((data["x_int8"].astype(np.float32) - data["zero_point"]) * data["scale"]).reshape(-1, 1, 49, 10)
    x = x.astype(np.float32)
    graph = hpq.from_torch(_tiny(folder, "kws_dscnn"), torch.zeros(1, 1, 49, 10))
    scored = slice(CALIBRATION, CALIBRATION + images)
    return Sample(graph, x[:CALIBRATION], x[scored], data["y"][scored].astype(np.int64))


def _tiny(folder: Path, name: str) -> nn.Module:
    found = importlib.util.spec_from_file_location("tiny", folder / "models" / "mlperf_tiny_torch.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    loaded: nn.Module = module.load(name)
    return loaded


NETWORKS: dict[str, Callable[[Path, int, Path | None], Sample]] = {
    "lenet": lenet,
    "resnet8": resnet8,
    "dscnn": dscnn,
}


def measure(sample: Sample, options: QuantizerOptions) -> list[tuple[float, float]]:
    """Accuracy and relative squared error of the outputs at each of WIDTHS."""
    quantizer = Quantizer(sample.graph, sample.calibration, options)
    wanted = sample.graph.predict(sample.x)
    spread = float(np.square(wanted - wanted.mean(axis=0)).sum())
    last = quantizer.layer_names[-1]
    found = []
    for weight, activation in WIDTHS:
        ends = {name: {"activation": 8} for name in (quantizer.graph.input_name, last)}
        q = quantizer.quantize({"default": {"weight": weight, "activation": activation}, "layers": ends})
        outputs = q.predict(sample.x)
        error = float(np.square(outputs - wanted).sum()) / spread
        found.append((100 * float((outputs.argmax(axis=1) == sample.y).mean()), error))
    return found


def main() -> None:
    """Print one table per network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--images", type=int, default=500, help="scored; four times as many on MNIST")
    parser.add_argument(
        "--lenet", type=Path, help="trained weights, as torch.save(net.state_dict()) wrote them"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    given = parser.parse_args()
    figures: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for name in given.networks:
        sample = NETWORKS[name](given.data, given.images, given.lenet)
        accuracy = 100 * float((sample.graph.predict(sample.x).argmax(axis=1) == sample.y).mean())
        layers = sum(node.op.weight is not None for node in prepare(sample.graph).nodes)
        print(f"\n{name}: {layers} layers with weights, float {accuracy:.2f} % of {len(sample.y)} images\n")
        print("| quantizer | " + " | ".join(f"W{w} A{a}" for w, a in WIDTHS) + " | s |")
        print("|---|" + "---|" * (len(WIDTHS) + 1))
        for label, options in rows():
            start = time.perf_counter()
            found = measure(sample, options)
            figures.setdefault(name, {})[label] = found
            cells = " | ".join(f"{top1:.1f} / {error:.3f}" for top1, error in found)
            print(f"| {label} | {cells} | {time.perf_counter() - start:.0f} |", flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
