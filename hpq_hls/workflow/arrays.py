"""Arrays in .npz and .npy files, read one at a time and only as far as they are wanted.

Nothing is allocated that the file does not hold: what the header of an array says is compared with the size
of the file before the array is read. Nothing is unpickled.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from numpy.lib import format as npy

from hpq_hls.errors import DataError
from hpq_hls.npyfile import BROKEN, Header, opened_array, read_header
from hpq_hls.reading import regular

Array = npt.NDArray[Any]
ALONE = "x"
"""What the one array of a .npy file is called."""


@dataclass(frozen=True, eq=False)
class Arrays(Mapping[str, Array]):
    """The arrays of a file by name; one is read each time that it is asked for.

    names: which; of a .npz file the members are called so, with .npy behind.
    """

    path: Path
    names: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Array:
        """An array.

        Raises:
            KeyError: there is none of this name. DataError: it cannot be read.
        """
        if name not in self.names:
            raise KeyError(name)
        return _read(self.path, name)

    def is_numeric(self, name: str) -> bool:
        """Whether an array that may not be meant for us can be used at all, by its header."""
        try:
            return _header_of(self.path, name).dtype.kind in "fiub"
        except DataError:
            return False

    def without(self, names: Collection[str], prefix: str | None = None) -> Arrays:
        """All but those of some names, or that begin so."""
        left = [name for name in self.names if name not in names]
        kept = (name for name in left if prefix is None or not name.startswith(prefix))
        return replace(self, names=tuple(kept))


def open_arrays(path: Path, named_at: str) -> Arrays:
    """The arrays of a data file, not yet read.

    named_at: where the user named it, for the message when it is missing.

    Raises:
        DataError: it is missing or of another format.
    """
    if path.suffix.lower() not in (".npz", ".npy"):
        raise DataError(
            f"{named_at} names {path}, which is no .npz or .npy file; save arrays x and y with numpy.savez"
        )
    try:
        if regular(path).stat().st_size == 0:  # some of the kernel's files say so, and never end
            raise _invalid(path, "it is empty")
        if _begins_as_zip(path) and not zipfile.is_zipfile(path):
            raise _invalid(path, "it is cut off")
        if not zipfile.is_zipfile(path):  # numpy goes by the content too
            return Arrays(path, (ALONE,))
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
        return Arrays(path, tuple(dict.fromkeys(names)))
    except FileNotFoundError:
        raise DataError(f"{named_at} names {path}, which does not exist; correct the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the file") from error
    except (ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _invalid(path, str(error)) from error


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\3\4"


def _read(path: Path, name: str) -> Array:
    header = _header_of(path, name)
    if header.dtype.hasobject:
        raise DataError(f"{path} holds Python objects, which are never unpickled; save plain numeric arrays")
    try:
        with opened_array(path, name) as (stream, _):
            array: Array = npy.read_array(stream, allow_pickle=False)
            return array
    except BROKEN as error:
        raise _invalid(path, f"{name}: {error}") from error


def _header_of(path: Path, name: str) -> Header:
    """The header of an array, checked against what the file holds of it."""
    try:
        with opened_array(path, name) as (stream, size):
            return read_header(stream, size)
    except BROKEN as error:
        raise _invalid(path, f"{name}: {error}") from error


def _invalid(path: Path, reason: str) -> DataError:
    return DataError(f"{path} is no valid .npz or .npy file ({reason:.200}); save it again with numpy.savez")
