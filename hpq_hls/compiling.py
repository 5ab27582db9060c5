"""hpq.compile: from a trained network and data to a project, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpq_hls.cost import ResourceEstimate
from hpq_hls.errors import ConfigError, DataError
from hpq_hls.frontends import from_exported, from_onnx, from_torch, load_exported
from hpq_hls.graph import Graph
from hpq_hls.hardware import DEFAULT_PART
from hpq_hls.project import DEFAULT_CLOCK_NS, Project, estimate, generate
from hpq_hls.search import SearchResult, search
from hpq_hls.shown import Shown
from hpq_hls.simulate import QuantizedGraph

if TYPE_CHECKING:
    from torch import nn

MAX_CALIBRATION = 1000
LEAST = 10

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Compiled(Shown):
    """What ``compile`` made.

    network: the cheapest that keeps the accuracy; search: how it was found; project: its hardware, on disk;
    report: the estimate of it; test: samples that nothing was chosen by, (x, y).
    """

    network: QuantizedGraph
    search: SearchResult
    project: Project
    report: ResourceEstimate
    test: tuple[Any, Any]

    def facts(self) -> Mapping[str, str]:
        return {**self.project.facts(), **self.search.facts(), **self.report.facts()}


def compile(  # noqa: A001
    model: nn.Module | Graph | str | Path,
    x: Any,
    y: Any,
    *,
    part: str = DEFAULT_PART,
    out: str | Path = "build",
    backend: str = "rtl",
    clock_ns: float = DEFAULT_CLOCK_NS,
    target_interval: int | None = None,
    target_fps: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Compiled:
    """Find the cheapest precisions of a trained network that keep its accuracy, and write its hardware.

    model: a torch module, a ``Graph``, or the path of a .pt2 or .onnx file. x: samples (n, *input_shape), y:
    their class numbers or targets. They are divided at random by ``seed``: a fifth calibrates, half of the
    rest is searched on, and the other half, which nothing is chosen by, scores the result once
    (``Compiled.search.test``). out: a folder; the project is in ``out/backend``. options: of
    ``hpq_hls.search``, such as ``max_drop``, ``objective`` and ``progress``.

    Raises:
        ConfigError: an impossible setting, or no combination keeps the accuracy. DataError: data that does
            not fit the network. CapacityError: the hardware does not fit the part.
        OutputError: the folder cannot be written.
    """
    inputs, targets = np.asarray(x), np.asarray(y)
    if len(inputs) != len(targets):
        raise DataError(f"x has {len(inputs)} samples and y {len(targets)}; give one y for each sample")
    parts = divide(len(inputs), seed)
    graph = _graph(model, inputs)
    calibration, validation, test = ((inputs[chosen], targets[chosen]) for chosen in parts.values())
    speed: dict[str, Any] = {"target_interval": target_interval, "target_fps": target_fps}
    found = search(
        graph,
        calibration[0],
        validation,
        test=test,
        part=part,
        clock_ns=clock_ns,
        seed=seed,
        **speed,
        **options,
    )
    if not found.feasible:
        raise ConfigError(
            f"no combination of widths keeps the accuracy within max_drop {found.max_drop:g} and all limits; "
            "allow wider weight_bits and activation_bits, or a larger max_drop"
        )
    if target_interval is None and target_fps is None:
        speed["target_interval"] = found.target_interval
    hardware: dict[str, Any] = {"part": part, "clock_ns": clock_ns, **speed}
    project = generate(found.best, Path(out) / backend, backend, **hardware)
    return Compiled(found.best, found, project, estimate(found.best, **hardware), test)


def divide(count: int, seed: int = 0) -> dict[str, IntArray]:
    """Which of so many samples calibrate, are searched on, and only test, each in ascending order.

    A fifth, at most ``MAX_CALIBRATION``, calibrates; the rest is divided in halves.

    Raises:
        DataError: there are fewer than ``LEAST``.
    """
    if count < LEAST:
        raise DataError(f"there are {count} samples; give at least {LEAST} to divide")
    order = np.random.default_rng(seed).permutation(count)
    first = min(count // 5, MAX_CALIBRATION)
    middle = first + (count - first) // 2
    parts = {"calibration": order[:first], "validation": order[first:middle], "test": order[middle:]}
    return {split: np.sort(chosen) for split, chosen in parts.items()}


def _graph(model: nn.Module | Graph | str | Path, x: npt.NDArray[Any]) -> Graph:
    if isinstance(model, Graph):
        return model
    if isinstance(model, (str, Path)):
        if Path(model).suffix.lower() == ".onnx":
            return from_onnx(model)
        return from_exported(load_exported(model))
    import torch

    return from_torch(model, torch.as_tensor(x[:2], dtype=torch.float32))
