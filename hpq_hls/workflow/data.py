"""Data files: .npz with ``x`` (and ``y``), or .npy with ``x`` alone; never pickle."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.graph import Graph, check_input
from hpq_hls.search.metric import check_targets

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples from one file.

    split: "calibration", "validation" or "test". path: the file. x: (samples, *input_shape), finite
    numbers. y: class numbers (samples,) or targets, or None.
    """

    split: str
    path: Path
    x: Array
    y: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def fitted(self, graph: Graph, metric: str) -> Dataset:
        """The same data, checked against a network; y becomes what the metric takes.

        Raises:
            DataError: x or y does not fit the network.
        """
        try:
            check_input(self.x, graph.input_shape, graph.input_name)
            y = None if self.y is None else check_targets(metric, self.y, len(self.x), graph.output_shape)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error
        return Dataset(self.split, self.path, self.x, y)


def load_dataset(path: Path, split: str, named_at: str, *, scored: bool = True) -> Dataset:
    """Read a data file.

    named_at: where the user named it, for the message when it is missing. scored: whether y is read.

    Raises:
        DataError: the file is missing, of another format, holds Python objects, or x or y is absent
            where needed, empty, not numeric, not finite, or of another length than the other.
    """
    arrays = _read(path, named_at)
    if "x" not in arrays:
        raise DataError(f"{path} holds no array x; save it with numpy.savez(path, x=..., y=...)")
    x, y = arrays["x"], arrays.get("y") if scored else None
    _check_numeric(path, "x", x)
    if x.ndim < 2 or x.size == 0:
        raise DataError(f"{path}: x has shape {x.shape}; give at least one sample as (samples, ...)")
    _check_finite(path, "x", x)
    if y is not None:
        _check_numeric(path, "y", y)
        if y.shape[:1] != (len(x),):
            raise DataError(
                f"{path}: y has shape {y.shape} but x has {len(x)} samples; give one y for each sample"
            )
        _check_finite(path, "y", y)
    return Dataset(split, path, x, y)


def _read(path: Path, named_at: str) -> dict[str, Array]:
    if path.suffix.lower() not in (".npz", ".npy"):
        raise DataError(
            f"{named_at} names {path}, which is no .npz or .npy file; save arrays x and y with numpy.savez"
        )
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            return {key: loaded[key] for key in ("x", "y") if key in loaded}
    except FileNotFoundError:
        raise DataError(f"{named_at} names {path}, which does not exist; correct the path") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are never unpickled; save plain numeric arrays"
            ) from error
        raise DataError(
            f"{path} is no valid .npz or .npy file ({error}); save it again with numpy.savez"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the file") from error


def _check_numeric(path: Path, key: str, array: Array) -> None:
    if array.dtype.kind not in "fiub":
        advice = "encode the labels as class numbers" if key == "y" else "convert it to float32"
        raise DataError(f"{path}: {key} has data of type {array.dtype}; {advice}")


def _check_finite(path: Path, key: str, array: Array) -> None:
    if array.dtype.kind != "f":
        return
    finite = np.isfinite(array)
    if not finite.all():
        sample = int(np.argwhere(~finite)[0][0])
        raise DataError(f"{path}: {key} has NaN or infinity, first in sample {sample}; clean the data first")
