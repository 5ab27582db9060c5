"""numpy's files, read so that nothing is allocated that they do not hold, and nothing is unpickled.

What the header of an array says is compared with what there is before the array is read.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from hpq_hls.reading import regular

MAX_HEADER = 10_000
"""Bytes of the header of an array."""
MAX_UNPACKED, MAX_RATIO = 1 << 28, 200
"""Bytes that a member of an archive may always have, and so many times what it takes in the file."""
BROKEN = (
    *(ValueError, TypeError, LookupError, EOFError, ArithmeticError, SyntaxError, MemoryError, OSError),
    *(RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError),
)
"""What numpy and zipfile raise on files that were damaged or made up."""


@dataclass(frozen=True)
class Header:
    """What an array says of itself. offset: where its numbers begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int


def read_header(stream: IO[bytes], size: int) -> Header:
    """The header of an array at the beginning of a stream of so many bytes.

    Raises:
        ValueError, and others of ``BROKEN``: there is none, or it says more than there is.
    """
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format is for arrays of records")
    length = stream.read(2 if version == (1, 0) else 4)
    (count,) = struct.unpack("<H" if version == (1, 0) else "<I", length)
    if count > MAX_HEADER:
        raise ValueError(f"its header says that it has {count:,} bytes")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(io.BytesIO(length + stream.read(count)))
    if not all(isinstance(length, int) and not isinstance(length, bool) for length in shape):
        raise ValueError(f"its shape is {shape!r:.60}")
    header = Header(shape, dtype, 8 + len(length) + count)
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or (needed > size - header.offset and not dtype.hasobject):
        raise ValueError(f"it says that it has shape {shape!s:.80} of {dtype}, in {size:,} bytes")
    return header


@contextlib.contextmanager
def opened_member(archive: zipfile.ZipFile, name: str, total: int) -> Iterator[tuple[IO[bytes], int]]:
    """A member of an archive of ``total`` bytes, and how many it has.

    Raises:
        KeyError: there is none. ValueError: it unpacks to more than data do.
    """
    info = archive.getinfo(name)
    packed = min(info.compress_size, total)
    stored = info.compress_type == zipfile.ZIP_STORED
    if info.file_size > (total if stored else max(MAX_UNPACKED, MAX_RATIO * packed)):
        raise ValueError(f"{name} unpacks to {info.file_size:,} bytes from {packed:,}, as no data do")
    with archive.open(info) as stream:
        yield stream, info.file_size


@contextlib.contextmanager
def opened_array(path: Path, name: str) -> Iterator[tuple[IO[bytes], int]]:
    """The bytes of an array in a .npy file, or of that of a name in a .npz file, and how many there are."""
    total = regular(path).stat().st_size
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield stream, total
        return
    with zipfile.ZipFile(path) as archive:
        member = f"{name}.npy" if f"{name}.npy" in archive.NameToInfo else name
        with opened_member(archive, member, total) as found:
            yield found


def read_member(archive: zipfile.ZipFile, name: str, total: int) -> npt.NDArray[Any]:
    """An array of numbers in an archive.

    Raises:
        ValueError, and others of ``BROKEN``: it is none, or damaged.
    """
    with opened_member(archive, name, total) as (stream, size):
        header = read_header(stream, size)
    if header.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {header.dtype}, no numbers")
    with opened_member(archive, name, total) as (stream, _):
        array: npt.NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return array
