"""A project.yaml for a model and one file of data, so that nothing has to be written by hand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpq_hls.compiling import divide
from hpq_hls.errors import ConfigError, DataError, OutputError
from hpq_hls.settings.config import new_project
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.arrays import open_arrays
from hpq_hls.workflow.data import Array

MODELS = (".pt2", ".onnx")
"""How the names of files with a model end."""
PROJECT = "project.yaml"
DATA = "data"
HEAD = "# Written by hpq for {model}; `hpq init` writes one with every setting explained.\n"


def is_model(path: Path) -> bool:
    """Whether a file is a model, by its name."""
    return path.suffix.lower() in MODELS


def start_project(model: Path, data: Path | None, given: Mapping[str, Any], folder: Path) -> Path:
    """Write ``project.yaml`` into a folder, for a model and data, and return its path.

    data: an .npz with x and y (or the inputs by name and y), which is divided at random, always in the same
    way, into calibration (a fifth), validation and test data (half of the rest
    each), in the folder ``data``; None where ``given`` has ``data.calibration`` and its like. given:
    settings, by dotted key. Where all of that is there already, nothing is written.

    Raises:
        ConfigError: a setting is wrong, or there is no data. DataError: the data cannot be divided.
        OutputError: another project.yaml or other data are there.
    """
    if not model.is_file():
        raise ConfigError(f"the model {model} does not exist; name a .pt2 or .onnx file")
    target = folder / PROJECT
    named = {split: f"{DATA}/{split}.npz" for split in ("calibration", "validation", "test")}
    if data is None and "data.calibration" not in given:
        raise ConfigError(f"{model} needs data to go with it; give --data FILE.npz, with arrays x and y")
    if data is not None and any(key.startswith("data.") for key in given):
        raise ConfigError("--data and --set data.* contradict each other; keep one of them")
    content = {"model": {"source": str(model)}, "data": named if data is not None else {}}
    text = HEAD.format(model=model.name) + new_project(target, content, given).settings.to_yaml()
    files = {target: text.encode()}
    if data is not None:
        files |= {folder / named[split]: part for split, part in _divided(data).items()}
    for path, made in files.items():
        if path.exists() and path.read_bytes() != made:
            raise OutputError(
                f"{path} is there already and says something else than what would be written for {model}; go "
                "on with it by `hpq search`, or move it away"
            )
    for path, made in files.items():
        if not path.exists():
            write_file(path, made)
    return target


def _divided(data: Path) -> dict[str, bytes]:
    """Each split as the content of an .npz."""
    held = open_arrays(data, "--data")
    arrays: dict[str, Array] = {name: held[name] for name in held}
    sizes = {name: len(values) for name, values in arrays.items() if values.ndim}
    if len(arrays) < 2 or len(sizes) < len(arrays) or len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise DataError(
            f"{data} holds {told}; save x and y, one y for each sample, with numpy.savez(path, x=..., y=...)"
        )
    count = next(iter(sizes.values()))
    try:
        parts = divide(count)
    except DataError as error:
        raise DataError(f"{data}: {error}") from error
    return {
        split: _npz({name: values[chosen] for name, values in arrays.items()})
        for split, chosen in parts.items()
    }


def _npz(arrays: Mapping[str, Array]) -> bytes:
    """The same bytes for the same arrays: zip files of numpy have no date."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
