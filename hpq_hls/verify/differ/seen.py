"""What was seen of a simulation: every beat that was handed over, at both ends of every stream."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hpq_hls.codegen.manifest import Manifest, port_type
from hpq_hls.errors import ToolError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray

LOG = "streams.log"
IN, OUT, PORT = "in", "out", "port"
"""The ends of a stream: where its FIFO takes beats, where it gives them; and the ports of the design."""
End = tuple[str, str]
"""Name of a stream, and IN or OUT; or name of a port, and PORT."""

_KEY, _TIME = 4, 16
_DIGITS = np.full(256, 255, dtype=np.uint8)
_DIGITS[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16)


@dataclass(frozen=True)
class Tap:
    """Where beats can be seen: the names of three signals of the top module, and how elements are packed.

    bits: of ``data``. latency: cycles after its handshake at which a beat's data is there.
    """

    end: End
    type: FixedType
    lanes: int
    bits: int
    data: str
    valid: str
    ready: str
    latency: int = 0


def port_taps(manifest: Manifest) -> list[Tap]:
    """The ports of any design."""
    return [
        Tap(
            (port.port, PORT),
            port_type(port),
            port.lanes,
            8 * port.tdata_bytes,
            f"{port.port}_TDATA",
            f"{port.port}_TVALID",
            f"{port.port}_TREADY",
        )
        for port in (*manifest.inputs, *manifest.outputs)
    ]


def stream_taps(flow: Dataflow) -> list[Tap]:
    """Both ends of the streams of RTL that was generated."""
    return [
        Tap(
            (name, end),
            stream.type,
            stream.lanes,
            stream.bits,
            f"{name}_{end}_data",
            f"{name}_{end}_valid",
            f"{name}_{end}_ready",
            flow.links[name].latency if end == IN or flow.links[name].wire else 0,
        )
        for name, stream in flow.streams.items()
        for end in (IN, OUT)
    ]


@dataclass(frozen=True, eq=False)
class Seen(abc.ABC):
    """The beats at one end.

    valid, ready: at the end; None where there is no handshake.
    """

    count: int
    valid: bool | None = None
    ready: bool | None = None

    @abc.abstractmethod
    def part(self, begin: int, end: int) -> IntArray:
        """Raw integers of some beats, (beats, lanes)."""

    def time(self, beat: int) -> int | None:
        """When a beat was there, in ps; None where there is no clock."""
        return None


@dataclass(frozen=True, eq=False)
class Written(Seen):
    """Beats as numbers, (beats, lanes)."""

    beats: IntArray = field(default_factory=lambda: np.zeros((0, 1), dtype=np.int64))

    def part(self, begin: int, end: int) -> IntArray:
        return self.beats[begin:end]


@dataclass(frozen=True, eq=False)
class Noted(Seen):
    """Beats as lines of a log: time and data, hexadecimal."""

    tap: Tap | None = None
    lines: Sequence[bytes] = ()

    def part(self, begin: int, end: int) -> IntArray:
        assert self.tap is not None
        lines = self.lines[begin:end]
        kind, lanes = self.tap.type, self.tap.lanes
        if not lines:
            return np.zeros((0, lanes), dtype=np.int64)
        digits = _DIGITS[np.frombuffer(b"".join(lines), dtype=np.uint8).reshape(len(lines), -1)]
        word = digits[:, _TIME + 1 :, None]
        bits = (word >> np.arange(3, -1, -1, dtype=np.uint8)) & 1
        low = bits.reshape(len(lines), -1)[:, ::-1][:, : lanes * kind.width]
        raw = low.reshape(len(lines), lanes, kind.width) @ (1 << np.arange(kind.width, dtype=np.int64))
        if not kind.signed or kind.width == raw.dtype.itemsize * 8:
            return np.asarray(raw)
        return np.asarray(raw - (raw >> kind.width - 1 << kind.width))

    def time(self, beat: int) -> int | None:
        return int(self.lines[beat][:_TIME], 16) if 0 <= beat < len(self.lines) else None


@dataclass(frozen=True, eq=False)
class Run:
    """What was seen from one reset to the next.

    idle: cycles at its end in which nothing moved. last: whether nothing came after it. order: the
    ends in the order in which they moved last. time: of its end, in ps.
    """

    ends: Mapping[End, Seen]
    idle: int
    last: bool
    order: tuple[End, ...] = ()
    time: int = 0

    def __getitem__(self, end: End) -> Seen:
        return self.ends[end]

    @property
    def has_states(self) -> bool:
        """Whether there are handshakes."""
        return any(seen.valid is not None for seen in self.ends.values())

    @property
    def moved_last(self) -> End | None:
        """The end at which the last beat was handed over."""
        return self.order[-1] if self.order else None


def read_log(path: Path, taps: Sequence[Tap]) -> list[Run]:
    """The runs of a log that ``templates/verify/watch.sv.j2`` wrote.

    Raises:
        ToolError: it cannot be read.
    """
    keys = {f"{number:04x}".encode(): number for number in range(len(taps))}
    lines: list[list[bytes]] = [[] for _ in taps]
    latest: dict[int, None] = {}
    runs: list[Run] = []
    try:
        with path.open("rb") as stream:
            for line in stream:
                number = keys.get(line[:_KEY])
                if number is not None:
                    lines[number].append(line[_KEY + 1 : -1])
                    latest.pop(number, None)
                    latest[number] = None
                    continue
                what, *numbers = line.split()
                time, idle, valid, ready = (int(word, 16) for word in numbers)
                ends: dict[End, Seen] = {
                    tap.end: Noted(len(own), bool(valid >> i & 1), bool(ready >> i & 1), tap, own)
                    for i, (tap, own) in enumerate(zip(taps, lines, strict=True))
                }
                order = tuple(taps[number].end for number in latest)
                runs.append(Run(ends, idle, what == b"ENDS", order, time))
                lines, latest = [[] for _ in taps], {}
    except (OSError, ValueError) as error:
        raise ToolError(f"the simulation left no record of its streams that can be read ({error})") from error
    return runs
