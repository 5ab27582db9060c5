"""Compares what came out of a port with what should have come. Knows nothing of simulators."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hw_sim.design import IntArray, Port

_MESSAGES_PER_KIND = 4
_BATCH_BEATS = 4096


class FailureLog:
    """Collects what went wrong, without drowning in repetitions: the first few of each kind, and a count."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._messages: list[str] = []

    def add(self, kind: str, message: str) -> None:
        """Note a failure; `kind` groups those that are the same."""
        self._counts[kind] += 1
        if self._counts[kind] <= _MESSAGES_PER_KIND:
            self._messages.append(message)

    def more(self, kind: str, count: int) -> None:
        """Count further failures of a kind that has been described often enough."""
        self._counts[kind] += count

    def __bool__(self) -> bool:
        return bool(self._messages)

    def summary(self) -> list[str]:
        """Return one sentence per failure, and one per kind of which only the first few are listed."""
        return self._messages + [
            f"{kind}: {count} in all" for kind, count in self._counts.items() if count > _MESSAGES_PER_KIND
        ]


class Beat(NamedTuple):
    """One beat as it was handed over: bit strings of the signals; keep and strb None without such a port."""

    data: str
    last: str | None
    keep: str | None
    strb: str | None


@dataclass(frozen=True, eq=False)
class PortReport:
    """The verdict on one output port.

    raw: elements received, (packets, beats, lanes); an incomplete packet at the end is cut off.
    words_compared: elements that were expected, 0 when nothing was known of them.
    mismatches: of those, how many differ or never came, plus those that came in excess.
    """

    raw: IntArray
    words_compared: int
    mismatches: int


class Scoreboard:
    """Receives the beats of one output port in order and judges each.

    port: the port.
    packets: how many packets are to come.
    expected: their elements, (packets, beats, lanes), or None when unknown.
    promised: (packets,) whether they are; None: all.
    log: receives the failures.
    """

    def __init__(
        self,
        port: Port,
        packets: int,
        expected: IntArray | None,
        log: FailureLog,
        promised: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self._port = port
        self._total = packets * port.beats
        self._expected = None if expected is None else expected.reshape(-1, port.lanes)
        promised = np.ones(packets, dtype=np.bool_) if promised is None else promised
        self._promised = np.repeat(promised, port.beats)
        self._log = log
        self._pending: list[Beat] = []
        self._raw: list[IntArray] = []
        self._judged = 0
        self._mismatches = 0

    @property
    def received(self) -> int:
        """Beats received so far."""
        return self._judged + len(self._pending)

    @property
    def complete(self) -> bool:
        """Whether every expected beat has come."""
        return self.received >= self._total

    def add(self, beat: Beat) -> None:
        """Take the next beat."""
        self._pending.append(beat)
        if len(self._pending) >= _BATCH_BEATS:
            self._judge()

    def report(self, *, aborted: bool = False) -> PortReport:
        """Judge what is pending and return the verdict; after an abort nothing is missing."""
        self._judge()
        port, raw = self._port, self._joined()
        missing = 0 if aborted else max(0, self._total - len(raw))
        extra = max(0, len(raw) - self._total)
        if missing:
            self._log.add("missing", f"{port.name}: {missing} of {self._total} beats never came")
        if extra:
            self._log.add("extra", f"{port.name}: {extra} beats came after the last packet")
        compared = wrong = 0
        if self._expected is not None:
            compared = int(self._promised.sum()) * port.lanes
            if aborted:
                compared = int(self._promised[: len(raw)].sum()) * port.lanes
            wrong = self._mismatches + (missing + extra) * port.lanes
        packets = min(len(raw), self._total) // port.beats
        frames = raw[: packets * port.beats].reshape(packets, port.beats, port.lanes)
        return PortReport(frames, compared, wrong)

    def _joined(self) -> IntArray:
        empty = np.empty((0, self._port.lanes), dtype=np.int64)
        return np.concatenate([empty, *self._raw])

    def _judge(self) -> None:
        beats, self._pending = self._pending, []
        if not beats:
            return
        first = self._judged
        self._judged += len(beats)
        self._check_sideband(beats, first)
        try:
            raw, padded = self._port.unpack([beat.data for beat in beats])
        except ValueError as error:
            self._log.add("x", f"{self._port.name}: {error} in {self._where(first)} or later")
            raw = np.zeros((len(beats), self._port.lanes), dtype=np.int64)
            padded = np.ones(len(beats), dtype=np.bool_)
        self._raw.append(raw)
        for index in np.flatnonzero(~padded):
            self._fail("padding", first + int(index), "TDATA bits above the last element are not 0")
        if self._expected is not None:
            self._compare(raw, first)

    def _compare(self, raw: IntArray, first: int) -> None:
        assert self._expected is not None
        expected = self._expected[first : first + len(raw)]
        raw = raw[: len(expected)]
        promised = self._promised[first : first + len(raw)]
        wrong: npt.NDArray[np.bool_] = (raw != expected) & promised[:, None]
        self._mismatches += int(wrong.sum())
        places = np.argwhere(wrong)
        for index, lane in places[:_MESSAGES_PER_KIND]:
            self._fail(
                "mismatch",
                first + int(index),
                f"element {lane} is {raw[index, lane]}, expected {expected[index, lane]}",
            )
        self._log.more("mismatch", max(0, len(places) - _MESSAGES_PER_KIND))

    def _check_sideband(self, beats: list[Beat], first: int) -> None:
        per_packet = self._port.beats
        for index, beat in enumerate(beats, first):
            last = (index + 1) % per_packet == 0
            if beat.last != ("1" if last else "0"):
                self._fail("TLAST", index, f"TLAST is {beat.last}")
            for name, value in (("TKEEP", beat.keep), ("TSTRB", beat.strb)):
                if value is not None and value.strip("1"):
                    self._fail(name, index, f"{name} is {value}, not all ones")

    def _fail(self, kind: str, index: int, message: str) -> None:
        self._log.add(kind, f"{self._port.name}: {self._where(index)}: {message}")

    def _where(self, index: int) -> str:
        packet, beat = divmod(index, self._port.beats)
        return f"packet {packet}, beat {beat} of {self._port.beats}"
