"""What the testbench knows of a design: the ports of its ``design.json``, and how beats are packed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_CHUNK_BITS = 1 << 24
_ZERO = ord("0")


@dataclass(frozen=True)
class Port:
    """One AXI4-Stream port.

    name: prefix of its signals, "s_axis" for s_axis_TDATA and so on.
    width, signed: the element type, in bits.
    lanes: elements per beat; beats: beats per packet; tdata_bytes: width of TDATA.
    packet_error: the output that tells of packets of another number of beats; "" where there is none, and
    TLAST of the input is ignored.
    """

    name: str
    width: int
    signed: bool
    lanes: int
    beats: int
    tdata_bytes: int
    packet_error: str = ""

    @property
    def tdata_bits(self) -> int:
        """Width of TDATA in bits."""
        return 8 * self.tdata_bytes

    def pack(self, frames: IntArray) -> Iterator[str]:
        """Yield TDATA of every beat as a bit string, most significant bit first.

        frames: (packets, beats, lanes) integers in transmission order. Element 0 of a beat comes
        lowest, each in exactly `width` bits; the bits above the last element are 0.
        """
        flat = frames.reshape(-1, self.lanes)
        step = max(1, _CHUNK_BITS // self.tdata_bits)
        shifts = np.arange(self.width, dtype=np.int64)
        for start in range(0, len(flat), step):
            part = flat[start : start + step]
            text = np.full((len(part), self.tdata_bits), _ZERO, dtype=np.uint8)
            bits = ((part[:, :, None] >> shifts) & 1).astype(np.uint8).reshape(len(part), -1)
            text[:, : bits.shape[1]] += bits
            for row in text[:, ::-1]:
                yield row.tobytes().decode("ascii")

    def unpack(self, words: Sequence[str]) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Undo `pack`.

        Returns the elements, shape (beats, lanes), and for each beat whether its padding bits are
        all 0.

        Raises
        ------
        ValueError
            A bit is neither 0 nor 1.
        """
        text = np.frombuffer("".join(words).encode("ascii"), dtype=np.uint8)
        bits = text.reshape(len(words), self.tdata_bits)[:, ::-1] - np.uint8(_ZERO)
        if bits.max(initial=0) > 1:
            raise ValueError("TDATA holds X or Z")
        used = self.lanes * self.width
        weights = np.int64(1) << np.arange(self.width, dtype=np.int64)
        raw = bits[:, :used].reshape(len(words), self.lanes, self.width).astype(np.int64) @ weights
        if self.signed:
            raw -= (raw >> (self.width - 1)) << self.width
        padded: npt.NDArray[np.bool_] = np.logical_not(bits[:, used:].any(axis=1))
        return raw, padded


@dataclass(frozen=True)
class Design:
    """The ports of one design."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def read_design(path: Path) -> Design:
    """Read ``design.json``.

    Raises
    ------
    ValueError
        It is not a manifest of format 1.
    """
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if data.get("format") != 1:
        raise ValueError(f"{path}: format {data.get('format')!r}, this testbench reads format 1")
    return Design(
        name=data["name"],
        inputs=tuple(_port(entry) for entry in data["inputs"]),
        outputs=tuple(_port(entry) for entry in data["outputs"]),
    )


def _port(entry: dict[str, Any]) -> Port:
    return Port(
        name=entry["port"],
        width=entry["width"],
        signed=entry["signed"],
        lanes=entry["lanes"],
        beats=entry["beats"],
        tdata_bytes=entry["tdata_bytes"],
        packet_error=entry.get("packet_error", ""),
    )


def read_frames(path: Path, ports: Sequence[Port]) -> dict[str, IntArray]:
    """Read the raw frames of every port, shape (packets, beats, lanes) each.

    A ``.npz`` holds one array per port, named like the port; a ``.npy`` serves a design with one port.

    Raises
    ------
    ValueError
        An array is missing, has the wrong shape, or holds a value outside its port's type.
    """
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    else:
        arrays = {ports[0].name: np.load(path, allow_pickle=False)}
    frames: dict[str, IntArray] = {}
    for port in ports:
        if port.name not in arrays:
            raise ValueError(f"{path} holds no array {port.name!r}; it holds {sorted(arrays)}")
        frames[port.name] = check_frames(port, arrays[port.name])
    return frames


def check_frames(port: Port, array: npt.NDArray[Any]) -> IntArray:
    """Return `array` as int64 when it is a legal set of frames for `port`.

    Raises
    ------
    ValueError
        It is not an array of integers, has the wrong shape, or a value does not fit the port.
    """
    shape = (port.beats, port.lanes)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"frames of {port.name} are {array.dtype}; give raw integers")
    if array.ndim != 3 or array.shape[1:] != shape:
        raise ValueError(
            f"frames of {port.name} have shape {array.shape}, not (packets, {shape[0]}, {shape[1]})"
        )
    low, high = (-(1 << (port.width - 1)), 1 << (port.width - 1)) if port.signed else (0, 1 << port.width)
    if array.size and not low <= int(array.min()) <= int(array.max()) < high:
        raise ValueError(f"frames of {port.name} hold values outside {low}..{high - 1}")
    return array.astype(np.int64)
