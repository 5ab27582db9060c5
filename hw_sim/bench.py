"""The bench around a design: clock, reset, watchdog, and a session of packets through its ports."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import Event, Timer, select

from hw_sim.axi import AxiSink, AxiSource
from hw_sim.design import IntArray, Port, read_design, read_frames
from hw_sim.drivers import LeanSink, LeanSource, Signals, Sink, Source, gaps, paced
from hw_sim.monitor import Monitor
from hw_sim.scoreboard import Beat, FailureLog, PortReport, Scoreboard
from hw_sim.settings import Driver, Settings

CLOCK_NS = 10
RESET_CYCLES = 16
_AXI_MAX_BEATS = 1000
_AXI_MAX_BYTES = 1 << 16
_PROGRESS_S = 0.5


Sizes = Mapping[str, Sequence[int]]
"""Beats of each packet, by input port."""


class DeadlockError(Exception):
    """Nothing moved for as long as the watchdog allows."""


@dataclass(frozen=True)
class Traffic:
    """How packets are sent and taken.

    source_gaps, sink_gaps: whether TVALID, TREADY pause at random; both are steady otherwise.
    closed: TREADY never comes.
    noise: random bits on all input signals that a design must ignore.
    pace: clock cycles from the start of one packet to the next, its beats evenly spread; 0 for no gaps.
    """

    source_gaps: bool = False
    sink_gaps: bool = False
    closed: bool = False
    noise: bool = False
    pace: int = 0


class Bench:
    """A design in its test environment.

    Raises
    ------
    ValueError
        The ports, or the frames to send, are not those of design.json.
    """

    def __init__(self, dut: Any, settings: Settings) -> None:
        self.dut = dut
        self.settings = settings
        self.design = read_design(settings.design)
        self.clock = self._pin("ap_clk")
        self.reset_n = self._pin("ap_rst_n")
        self.signals = {port.name: Signals(dut, port) for port in (*self.design.inputs, *self.design.outputs)}
        self.frames = read_frames(settings.inputs, self.design.inputs)
        self.expected: dict[str, IntArray] | None = None
        if settings.expected is not None:
            self.expected = read_frames(settings.expected, self.design.outputs)
        counts = {len(array) for group in (self.frames, self.expected or {}) for array in group.values()}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(
                f"input and expected files hold {sorted(counts)} packets; give equally many, at least 1"
            )
        self.packets = counts.pop()
        self.log = FailureLog()
        self.last_move = 0
        self._period = 0

    def _pin(self, name: str) -> Any:
        pin = getattr(self.dut, name, None)
        if pin is None:
            raise ValueError(f"the design has no port {name}")
        return pin

    def rng(self, purpose: str) -> random.Random:
        """Return a random generator of its own for each purpose."""
        return random.Random(f"{self.settings.seed} {purpose}")

    async def start(self) -> None:
        """Start the clock and reset the design."""
        clock = Clock(self.clock, CLOCK_NS, unit="ns")
        clock.start()
        # A vendor's block with a start bit instead of ap_ctrl_none runs freely with the bit held.
        start = getattr(self.dut, "ap_start", None)
        if start is not None:
            start.value = 1
        await self.clock.rising_edge
        first = get_sim_time()
        await self.clock.rising_edge
        self._period = int(get_sim_time() - first)  # in steps of whatever precision the design asked for
        await self.reset()

    async def reset(self) -> None:
        """Hold the design in reset; by its end no output may still offer a beat."""
        for port in self.design.inputs:
            self.signals[port.name].valid.value = 0
        for port in self.design.outputs:
            self.signals[port.name].ready.value = 0
        self.reset_n.value = 0
        for _ in range(RESET_CYCLES):
            await self.clock.rising_edge
        for port in self.design.outputs:
            if self.signals[port.name].valid.value:
                self.log.add("reset", f"{port.name}: TVALID is high after {RESET_CYCLES} cycles of reset")
        self.reset_n.value = 1
        self.last_move = self.cycle()

    def check_flags(self, raised: Collection[str], when: str) -> None:
        """Note flags of wrong packets that are not up at just these inputs."""
        for port in self.design.inputs:
            if port.packet_error:
                seen = self.signals[port.name].packet_error.value
                if seen != (port.name in raised):
                    self.log.add("flag", f"{port.packet_error} is {seen} {when}")

    def cycle(self) -> int:
        """Return the number of the current clock cycle."""
        return int(get_sim_time()) // self._period

    def move(self) -> int:
        """Note that a beat moved; return the cycle."""
        self.last_move = self.cycle()
        return self.last_move

    async def wait(self, done: Event, describe: Callable[[], str]) -> None:
        """Wait for `done` while beats move.

        Raises
        ------
        DeadlockError
            No beat moved for the watchdog's number of cycles.
        """
        limit = self.settings.watchdog
        while not done.is_set():
            idle = self.cycle() - self.last_move
            if idle >= limit:
                raise DeadlockError(f"no handshake for {idle} cycles: {describe()}")
            await select(done.wait(), Timer((limit - idle) * CLOCK_NS, unit="ns"))

    async def cycles(self, count: int) -> None:
        """Let `count` clock cycles pass."""
        await Timer(count * CLOCK_NS, unit="ns")
        await self.clock.rising_edge

    def session(
        self,
        packets: Sequence[int],
        traffic: Traffic,
        purpose: str,
        driver: Driver,
        sizes: Sizes | None = None,
    ) -> Session:
        """Prepare a run of the packets with these numbers; sizes: as `Session` has them."""
        return Session(self, packets, traffic, purpose, self.choose(driver, len(packets)), sizes)

    def choose(self, driver: Driver, packets: int) -> Driver:
        """Decide who drives."""
        if driver is not Driver.AUTO:
            return driver
        ports = (*self.design.inputs, *self.design.outputs)
        beats = packets * sum(port.beats for port in ports)
        size = packets * sum(port.beats * port.tdata_bytes for port in ports)
        return Driver.AXI if beats <= _AXI_MAX_BEATS and size <= _AXI_MAX_BYTES else Driver.LEAN


class Session:
    """Sends packets and judges what comes out, starting where a packet starts. Started once, stopped once.

    sizes: beats that packets really get, at the input ports where they are not those of a frame; nothing is
    promised of what comes of a packet of another size (our own drivers only).
    accepted: beats taken per input port. first_in, last_out: for each packet the cycle of the
    handshake of its first input beat and of its last output beat, over all ports.
    """

    def __init__(
        self,
        bench: Bench,
        packets: Sequence[int],
        traffic: Traffic,
        purpose: str,
        driver: Driver,
        sizes: Sizes | None = None,
    ) -> None:
        self._bench = bench
        self.driver = driver
        self._count = len(packets)
        self._done = Event()
        self._told = 0.0
        self._purpose = purpose
        self.accepted = dict.fromkeys((port.name for port in bench.design.inputs), 0)
        self.first_in: list[int] = []
        self.last_out: list[int] = []
        self._ports_done = [0] * self._count
        numbers = list(packets)
        self._sizes = dict(sizes or {})
        self._totals = {
            port.name: sum(self._sizes.get(port.name, [port.beats] * self._count))
            for port in bench.design.inputs
        }
        self._totals |= {port.name: self._count * port.beats for port in bench.design.outputs}
        self._begins = {name: np.cumsum([0, *given[:-1]]).tolist() for name, given in self._sizes.items()}
        promised = np.ones(self._count, dtype=np.bool_)
        for port in bench.design.inputs:
            promised &= np.asarray(self._sizes.get(port.name, [port.beats] * self._count)) == port.beats
        self._sources = [
            self._source(port, bench.frames[port.name][numbers], traffic) for port in bench.design.inputs
        ]
        self._sinks = [self._sink(port, traffic) for port in bench.design.outputs]
        self.boards = {
            port.name: Scoreboard(
                port,
                self._count,
                None if bench.expected is None else bench.expected[port.name][numbers],
                bench.log,
                promised,
            )
            for port in bench.design.outputs
        }
        self._monitors = [
            Monitor(bench.signals[port.name], bench.clock, bench.log, partial(self._on_beat, port))
            for port in bench.design.outputs
        ]

    def start(self) -> None:
        """Start to send, to receive and to watch."""
        for part in (*self._monitors, *self._sinks, *self._sources):
            part.start()

    def stop(self) -> None:
        """Stop everything at once."""
        for part in (*self._sources, *self._sinks, *self._monitors):
            part.stop()

    async def finish(self) -> None:
        """Wait for the last beat, and a while longer for beats that should not come.

        Raises
        ------
        DeadlockError
            The watchdog saw nothing move.
        """
        await self._bench.wait(self._done, self.describe)
        drain = max(100, *(out - begin for out, begin in zip(self.last_out, self.first_in, strict=True)))
        await self._bench.cycles(2 * drain)
        self.stop()

    def judge(self, *, aborted: bool = False) -> dict[str, PortReport]:
        """Judge what has come, once; `aborted` excuses what is missing."""
        reports = {name: board.report(aborted=aborted) for name, board in self.boards.items()}
        for port, sink in zip(self._bench.design.outputs, self._sinks, strict=True):
            if isinstance(sink, AxiSink):
                sink.check(reports[port.name].raw, self._bench.log)
        return reports

    def describe(self) -> str:
        """Say where every port stands."""
        design = self._bench.design
        parts = [self._describe(port, "took", self.accepted[port.name]) for port in design.inputs]
        parts += [self._describe(port, "gave", self.boards[port.name].received) for port in design.outputs]
        return "; ".join(parts)

    def _describe(self, port: Port, verb: str, beats: int) -> str:
        signals = self._bench.signals[port.name]
        return (
            f"{port.name} {verb} {beats} of {self._totals[port.name]} beats "
            f"(TVALID={signals.valid.value}, TREADY={signals.ready.value})"
        )

    def _source(self, port: Port, frames: IntArray, traffic: Traffic) -> Source:
        bench, signals = self._bench, self._bench.signals[port.name]
        rng = bench.rng(f"{self._purpose} {port.name}")
        pauses = gaps(rng) if traffic.source_gaps else None
        if traffic.pace:
            pauses = paced(bench.cycle, traffic.pace, port.beats)
        accept = partial(self._on_accept, port)
        if self.driver is Driver.AXI and not traffic.noise:
            return AxiSource(bench.dut, signals, bench.clock, frames, accept, pauses)
        noise = bench.rng(f"{self._purpose} {port.name} noise") if traffic.noise else None
        sizes = self._sizes.get(port.name)
        return LeanSource(signals, bench.clock, frames, accept, pauses, noise, sizes)

    def _sink(self, port: Port, traffic: Traffic) -> Sink:
        bench, signals = self._bench, self._bench.signals[port.name]
        pauses = gaps(bench.rng(f"{self._purpose} {port.name}")) if traffic.sink_gaps else None
        if traffic.closed:
            pauses = repeat(True)
        if self.driver is Driver.AXI:
            return AxiSink(bench.dut, signals, bench.clock, pauses)
        return LeanSink(signals, bench.clock, pauses)

    def _on_accept(self, port: Port) -> None:
        cycle = self._bench.move()
        number, packet = self.accepted[port.name], len(self.first_in)
        self.accepted[port.name] += 1
        begins = self._begins.get(port.name)
        if packet < self._count and number == (packet * port.beats if begins is None else begins[packet]):
            self.first_in.append(cycle)

    def _on_beat(self, port: Port, beat: Beat) -> None:
        cycle = self._bench.move()
        board = self.boards[port.name]
        board.add(beat)
        packet, index = divmod(board.received - 1, port.beats)
        if index == port.beats - 1 and packet < self._count:
            self._ports_done[packet] += 1
            if self._ports_done[packet] == len(self.boards):
                self.last_out.append(cycle)
                if len(self.last_out) == self._count:
                    self._done.set()
        self._tell(packet)

    def _tell(self, packet: int) -> None:
        now = time.monotonic()
        if now - self._told >= _PROGRESS_S:
            self._told = now
            text = f"{self._purpose}: packet {min(packet + 1, self._count)} of {self._count}\n"
            (self._bench.settings.results / "progress").write_text(text, encoding="utf-8")
