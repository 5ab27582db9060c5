"""Data files: .npz with ``x`` (and ``y``), or .npy with ``x`` alone; never pickle.

For a network with several inputs an .npz holds an array of the name of each; for one with several outputs
``y_<output>``, or ``y`` for the one that is scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.graph import Graph, Inputs, Samples, check_inputs
from hpq_hls.search.metric import check_targets
from hpq_hls.search.scored import scored_output
from hpq_hls.workflow.arrays import open_arrays

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples from one file.

    split: "calibration", "validation" or "test". path: the file. x: (samples, *input_shape), finite
    numbers. y: class numbers (samples,) or targets, or None. more: arrays of other names, not looked at.
    output: the network's output that y is for, "" as long as there is no network.
    """

    split: str
    path: Path
    x: Inputs
    y: Array | None
    more: Mapping[str, Array] = field(default_factory=dict)
    output: str = ""

    def __len__(self) -> int:
        return len(self.x)

    def named(self, names: Iterable[str]) -> dict[str, Array]:
        """The arrays of inputs of these names.

        Raises:
            DataError: there is none of some name.
        """
        held = {"x": self.x} | ({} if self.y is None else {"y": self.y})
        wanted = tuple(names)
        for name in wanted:
            if name not in held and name not in self.more:
                raise DataError(
                    f"{self.path} holds no array {name!r}; for a network with several inputs save "
                    f"{', '.join(wanted)} with numpy.savez"
                )
        return {name: np.asarray(held[name] if name in held else self.more[name]) for name in wanted}

    def targets(self, graph: Graph) -> dict[str, Array]:
        """Y by output, as far as the file has it; "" for that of the output that is scored."""
        found = {name: self.more[f"y_{name}"] for name in graph.outputs if f"y_{name}" in self.more}
        own = self.y is not None and not (len(graph.inputs) > 1 and "y" in graph.inputs)
        return ({"": np.asarray(self.y)} if own else {}) | found

    def fitted(self, graph: Graph, metric: str, output: str | None = None) -> Dataset:
        """The same data, checked against a network; y becomes what the metric takes.

        output: the one that is scored; None: the only one.

        Raises:
            DataError: x or y does not fit the network.
        """
        output = output or next(iter(graph.outputs))
        given = self.targets(graph)
        y = given.get(output, given.get("")) if len(graph.outputs) > 1 else given.get("", given.get(output))
        x = self.named(graph.inputs) if len(graph.inputs) > 1 else self.x
        try:
            checked = check_inputs(x, graph.inputs)
            y = None if y is None else check_targets(metric, y, len(checked), graph.output_shapes[output])
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error
        return Dataset(
            self.split,
            self.path,
            self.x if x is self.x and not isinstance(x, Samples) else checked,
            y,
            output=output,
        )


def check_range(data: Dataset) -> None:
    """Refuse calibration data that say nothing of the range of an input.

    Raises:
        DataError: all values of one are 0.
    """
    for name, values in data.x.arrays.items() if isinstance(data.x, Samples) else [("x", data.x)]:
        if not np.asarray(values).any():
            raise DataError(
                f"{data.path}: all values of {name} are 0, which says nothing of their range; calibrate with "
                "data as the network will see it"
            )


def load_dataset(path: Path, split: str, named_at: str, *, scored: bool = True) -> Dataset:
    """Read a data file.

    named_at: where the user named it, for the message when it is missing. scored: whether y is read.

    Raises:
        DataError: the file is missing, of another format, holds Python objects, or x or y is absent
            where needed, empty, not numeric, not finite, or of another length than the other.
    """
    arrays = open_arrays(path, named_at)
    kept = ("x", "y") if scored else ("x",)  # an input may be called y
    more = arrays.without(kept) if scored else arrays.without(kept, prefix="y_")
    own = (key for key in more if not key.startswith("y_") and more.is_numeric(key))
    named = [] if "x" in arrays else list(own)
    if "x" not in arrays and len(named) + (scored and "y" in arrays) < 2:
        raise DataError(f"{path} holds no array x; save it with numpy.savez(path, x=..., y=...)")
    if "x" not in arrays:  # a network with several inputs will say which of them are its own
        y = arrays.get("y") if scored else None
        return Dataset(split, path, Samples({key: more[key] for key in named}), y, more)
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
    return Dataset(split, path, x, y, more)


def scored_among(graph: Graph, given: Iterable[Dataset | None], wish: str | None) -> str:
    """The output that is scored: the one that is wished for, or that the first data with y has it for.

    Raises:
        DataError: it has them for several. SettingError: there is no such output.
    """
    held = [found for data in given if data is not None and (found := data.targets(graph))]
    first = held[0] if held and len(graph.outputs) > 1 else {}
    return scored_output(graph, wish, first if first and "" not in first else None)


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
