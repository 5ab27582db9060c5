"""User data in the two array forms the package computes on: int64, and Python ints in object arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.errors import DataError

IntArray = npt.NDArray[Any]
"""int64, or object holding Python ints where a value needs more than 64 bits signed."""

INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


def bounds(values: IntArray) -> tuple[int, int]:
    """Smallest and largest element as Python ints; (0, 0) for an empty array."""
    if values.size == 0:
        return 0, 0
    return int(values.min()), int(values.max())


def narrowed(values: IntArray) -> IntArray:
    """The same integers as int64 where all of them fit, otherwise as an object array of Python ints."""
    if values.dtype == np.int64:
        return values
    lo, hi = bounds(values)
    return values.astype(np.int64 if lo >= INT64_MIN and hi <= INT64_MAX else object)


def as_integers(values: npt.ArrayLike) -> IntArray:
    """
    Any scalar or array-like of integers or booleans as an array of the same shape.

    Returns int64, or object (Python ints) if some element does not fit. An int64 array is returned as it is,
    not copied. Raises DataError for anything that is not an integer, floats with integral values included.
    """
    array = _as_array(values)
    if array.dtype == np.int64:
        return array
    if array.size == 0 and array.dtype.kind in "biufO":  # numpy makes an empty list a float array
        return array.astype(np.int64)
    if array.dtype.kind == "f" and not isinstance(values, (np.ndarray, np.generic)):
        array = np.array(values, dtype=object)  # numpy turns [2**63, -1] into floats; look at the elements
    if array.dtype.kind in "bi":
        return array.astype(np.int64)
    if array.dtype.kind == "u":
        return narrowed(array)
    if array.dtype.kind != "O":
        raise DataError(f"raw values must be integers, not {array.dtype}; use from_float for real numbers.")
    try:
        exact = [operator.index(item) for item in array.ravel()]
    except TypeError as error:
        raise DataError("raw values must be integers; use from_float for real numbers.") from error
    boxed = np.empty(array.size, dtype=object)
    boxed[:] = exact
    return narrowed(boxed.reshape(array.shape))


def as_doubles(values: npt.ArrayLike) -> npt.NDArray[np.float64] | None:
    """
    Any scalar or array-like of real numbers as finite float64 of the same shape; None if it holds integers.

    Raises DataError for NaN and infinity, for long double (it does not fit a double) and for non-numbers.
    """
    array = _as_array(values)
    if array.dtype.kind == "O" and all(isinstance(item, (int, np.integer)) for item in array.flat):
        return None
    if array.dtype.kind in "biu":
        return None
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise DataError(
            f"values must be real numbers of at most 64 bits, not {array.dtype}; convert them first."
        )
    doubles = array.astype(np.float64, copy=False)
    if not np.isfinite(doubles).all():
        raise DataError(
            f"{int((~np.isfinite(doubles)).sum())} of {doubles.size} values are NaN or infinite and have no "
            "fixed-point value; remove them."
        )
    return doubles


def _as_array(values: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # ragged lists; a torch tensor that wants gradients
        raise DataError(f"values must be an array of numbers: {error}") from error
