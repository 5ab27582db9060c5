"""Samples of a network's inputs, one array or several by name, and how they are given and given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError
from hpq_hls.ops.base import Shape
from hpq_hls.ops.layout import Array

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a network with several inputs: by name, arrays (samples, *shape) of one length."""

    arrays: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: Any) -> Samples:
        """Some of the samples; rows: what an array takes as its first index, but no single number."""
        return Samples({name: array[rows] for name, array in self.arrays.items()})

    def __iter__(self) -> Iterator[Samples]:
        raise TypeError("samples of several inputs are taken apart by name: see arrays")


Inputs = Array | Samples
"""What a network is fed with: an array for one input, ``Samples`` for several."""


def plain(values: Mapping[str, Item]) -> Any:
    """The only one of them, or a dict of all: how one thing for each input or output is given back."""
    return next(iter(values.values())) if len(values) == 1 else dict(values)


def only(values: Mapping[str, Item], what: str) -> Item:
    """The only one of them.

    what: what there is one of each for, "input" or "output".

    Raises:
        DataError: there are several.
    """
    if len(values) != 1:
        raise DataError(
            f"the network has {len(values)} {what}s ({', '.join(map(repr, values))}), each with its own type "
            f"and shape; ask for them by name, as {what}_types or {what}_shapes"
        )
    return next(iter(values.values()))


def named(given: Any, names: Iterable[str], what: str = "input") -> dict[str, Any]:
    """One thing for each name: given as a mapping, as a tuple or list in order, or alone where there is one.

    Raises:
        DataError: a name is missing, unknown, or too many or too few are given.
    """
    known = tuple(names)
    if isinstance(given, Samples):
        given = given.arrays
    if isinstance(given, Mapping):
        wrong = [name for name in given if name not in known]
        if wrong:
            raise DataError(f"the network has no {what} {wrong[0]!r}; it has {', '.join(map(repr, known))}")
        missing = [name for name in known if name not in given]
        if missing:
            raise DataError(f"nothing is given for the {what} {missing[0]!r}; give all of {', '.join(known)}")
        return {name: given[name] for name in known}
    if len(known) == 1:
        return {known[0]: given}
    if isinstance(given, (tuple, list)) and len(given) == len(known):
        return dict(zip(known, given, strict=True))
    count = f"{len(given)} things" if isinstance(given, (tuple, list)) else f"one {type(given).__name__}"
    raise DataError(
        f"the network has {len(known)} {what}s ({', '.join(map(repr, known))}), but {count} is given; "
        "give a mapping by name, or a tuple in this order"
    )


def check_inputs(x: Any, inputs: Mapping[str, Shape]) -> Inputs:
    """``x`` as float32 or float64 arrays, (batch, *shape) each; anything but float32 becomes float64.

    x: an array for one input; a mapping by name, or a tuple in order, for several.

    Raises:
        DataError: an array is not numeric, empty, of another shape, or not finite; one too few or too many;
            different numbers of samples.
    """
    arrays = {name: check_input(given, inputs[name], name) for name, given in named(x, inputs).items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{count} for {name!r}" for name, count in lengths.items())
        raise DataError(f"the inputs have different numbers of samples: {counts}; give equally many")
    return next(iter(arrays.values())) if len(arrays) == 1 else Samples(MappingProxyType(arrays))


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Several blocks of samples of one network, one after the other."""
    arrays = [part for part in parts if not isinstance(part, Samples)]
    blocks = [part.arrays for part in parts if isinstance(part, Samples)]
    if not blocks:
        return np.concatenate(arrays)
    assert not arrays, "samples of different networks"
    return Samples({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})


def check_input(x: npt.ArrayLike, shape: Shape, name: str) -> Array:
    """``x`` as float32 or float64, (batch, *shape); anything but float32 becomes float64.

    Raises:
        DataError: not numeric, empty, of another shape, or not finite.
    """
    if hasattr(x, "detach"):
        x = x.detach().cpu().numpy()
    data = np.asarray(x)
    if data.dtype.kind not in "fiub":
        raise DataError(
            f"input {name!r} has data of type {data.dtype}; convert it to a numeric array such as float32"
        )
    if data.shape[1:] != tuple(shape) or data.ndim != len(shape) + 1:
        raise DataError(
            f"input {name!r} has shape {data.shape}, but the network takes (batch, "
            f"{', '.join(map(str, shape))}); reshape the data"
        )
    if len(data) == 0:
        raise DataError(f"input {name!r} is empty (batch of 0); give at least one sample")
    if data.dtype != np.float32:
        data = data.astype(np.float64, copy=False)
    finite = np.isfinite(data)
    if not finite.all():
        sample = int(np.argwhere(~finite)[0][0])
        raise DataError(
            f"input {name!r} has NaN or infinity (first in sample {sample}); clean the data first"
        )
    return data
