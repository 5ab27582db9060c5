"""Drives the streams, with little work per beat and none while nothing moves.

A driver moves beats and knows when the design took them; it judges nothing. What comes out is
watched by `hw_sim.monitor`, whoever drives TREADY.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Protocol

import cocotb
import numpy as np
from cocotb.task import Task

from hw_sim.design import IntArray, Port

# A sink that plays with TREADY leaves it alone after so many cycles without a beat, and sleeps.
_IDLE_CYCLES = 64


class Signals:
    """The signals of one AXI4-Stream port. TKEEP and TSTRB may be absent; `keep` and `strb` are then None.

    Raises
    ------
    ValueError
        The design lacks the port, or TDATA has another width than design.json says.
    """

    def __init__(self, dut: Any, port: Port) -> None:
        self.port = port
        self.data = self._find(dut, "TDATA")
        self.valid = self._find(dut, "TVALID")
        self.ready = self._find(dut, "TREADY")
        self.last = self._find(dut, "TLAST")
        self.keep = getattr(dut, f"{port.name}_TKEEP", None)
        self.strb = getattr(dut, f"{port.name}_TSTRB", None)
        self.packet_error = getattr(dut, port.packet_error, None) if port.packet_error else None
        if port.packet_error and self.packet_error is None:
            raise ValueError(f"the design has no port {port.packet_error}")
        if len(self.data) != port.tdata_bits:
            raise ValueError(
                f"{port.name}_TDATA has {len(self.data)} bits, design.json says {port.tdata_bits}"
            )

    def _find(self, dut: Any, suffix: str) -> Any:
        name = f"{self.port.name}_{suffix}"
        signal = getattr(dut, name, None)
        if signal is None:
            raise ValueError(f"the design has no port {name}")
        return signal


def gaps(rng: random.Random) -> Iterator[bool]:
    """Yield for each cycle whether to pause: stretches with all kinds of duty, some long pauses."""
    while True:
        duty = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for _ in range(rng.randint(1, 24)):
            yield rng.random() < duty


def paced(cycle: Callable[[], int], pace: int, beats: int) -> Iterator[bool]:
    """Yield for each cycle whether to pause, so that packets of so many beats start ``pace`` cycles apart.

    The first one starts at once. cycle: the present one; a beat is sent whenever there is no pause. Cycles
    count from the beat that is taken first: a design just out of reset may keep it waiting.
    """
    yield False
    start = cycle() - 1
    for number in count(1):
        packet, beat = divmod(number, beats)
        while cycle() < start + packet * pace + beat * pace // beats:
            yield True
        yield False


class Source(Protocol):
    """Sends packets into one input port."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End at once and leave the handshake signal low."""
        ...


class Sink(Protocol):
    """Plays the receiver at one output port: drives TREADY."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End at once and leave the handshake signal low."""
        ...


def set_ones(signals: Signals) -> None:
    """Drive TKEEP and TSTRB of an input port to all ones, where they exist."""
    for strobe in (signals.keep, signals.strb):
        if strobe is not None:
            strobe.value = (1 << len(strobe)) - 1


class LeanSource:
    """Sends frames beat by beat, and sleeps while the design is not ready.

    frames: (packets, beats, lanes). pauses: for each cycle, whether TVALID stays low; None for no gaps.
    noise: puts random bits on TKEEP, TSTRB and the padding of TDATA, which a design must ignore, and on TLAST
    where it is not checked.
    sizes: beats that each packet really gets, where they are others than a frame has; beyond its end a frame
    begins again.
    on_accept: called as each beat is handed over, at the clock edge that does it.
    """

    def __init__(
        self,
        signals: Signals,
        clock: Any,
        frames: IntArray,
        on_accept: Callable[[], None],
        pauses: Iterator[bool] | None = None,
        noise: random.Random | None = None,
        sizes: Sequence[int] | None = None,
    ) -> None:
        self._signals = signals
        self._edge = clock.rising_edge
        beats = signals.port.beats
        sizes = [beats] * len(frames) if sizes is None else sizes
        self._beats = np.concatenate(
            [frame[np.arange(size) % beats] for frame, size in zip(frames, sizes, strict=True)]
        )
        self._ends = set((np.cumsum(sizes) - 1).tolist())
        self._on_accept = on_accept
        self._pauses = pauses
        self._noise = noise
        self._task: Task[None] | None = None

    def start(self) -> None:
        """Begin to send at the next clock edge."""
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Stop in the middle of whatever it is; TVALID falls."""
        if self._task is not None:
            self._task.cancel()
        self._signals.valid.value = 0

    async def _run(self) -> None:
        signals, edge = self._signals, self._edge
        valid, ready, data, last = signals.valid, signals.ready, signals.data, signals.last
        ready_rises, ends = ready.rising_edge, self._ends
        active, ending = False, None
        set_ones(signals)
        await edge
        for index, word in enumerate(signals.port.pack(self._beats)):
            if self._pauses is not None and next(self._pauses):
                valid.value = active = False
                await edge
                while next(self._pauses):
                    await edge
            data.value = word
            if (index in ends) is not ending:  # TLAST is written only where it changes
                last.value = ending = index in ends
            if self._noise is not None:
                self._scramble(word)
            if not active:
                valid.value = active = True
            await edge
            while not ready.value:
                await ready_rises
                await edge
            self._on_accept()
        valid.value = 0

    def _scramble(self, word: str) -> None:
        signals, port, noise = self._signals, self._signals.port, self._noise
        assert noise is not None
        padding = port.tdata_bits - port.lanes * port.width
        if padding:
            signals.data.value = format(noise.getrandbits(padding), f"0{padding}b") + word[padding:]
        if signals.packet_error is None:
            signals.last.value = noise.getrandbits(1)
        for strobe in (signals.keep, signals.strb):
            if strobe is not None:
                strobe.value = noise.getrandbits(len(strobe))


class LeanSink:
    """Holds TREADY high, or plays with it.

    pauses: for each cycle, whether TREADY is low; None for always ready.
    """

    def __init__(self, signals: Signals, clock: Any, pauses: Iterator[bool] | None = None) -> None:
        self._signals = signals
        self._edge = clock.rising_edge
        self._pauses = pauses
        self._task: Task[None] | None = None

    def start(self) -> None:
        """Begin to receive."""
        if self._pauses is None:
            self._signals.ready.value = 1
        else:
            self._task = cocotb.start_soon(self._run(self._pauses))

    def stop(self) -> None:
        """Leave TREADY low."""
        if self._task is not None:
            self._task.cancel()
        self._signals.ready.value = 0

    async def _run(self, pauses: Iterator[bool]) -> None:
        valid, ready = self._signals.valid, self._signals.ready
        edge, valid_rises = self._edge, valid.rising_edge
        idle = 0
        while True:
            await edge
            ready.value = not next(pauses)
            idle = 0 if valid.value else idle + 1
            if idle >= _IDLE_CYCLES:
                await valid_rises
                idle = 0
