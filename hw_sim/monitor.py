"""Watches an output port: takes every beat that is handed over, and checks the handshake itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.task import Task

from hw_sim.drivers import Signals
from hw_sim.scoreboard import Beat, FailureLog


class Monitor:
    """Passive observer of one output port.

    A beat is handed over at a rising clock edge before which TVALID and TREADY are both high. Until
    then a master that has raised TVALID must hold it and everything with it (AMBA AXI4-Stream,
    IHI 0051, 2.2.1).

    on_beat: called with each beat, at the clock edge that hands it over.
    """

    def __init__(
        self, signals: Signals, clock: Any, log: FailureLog, on_beat: Callable[[Beat], None]
    ) -> None:
        self._signals = signals
        self._edge = clock.rising_edge
        self._log = log
        self._on_beat = on_beat
        self._shadows = [_Shadow(signal) for signal in (signals.last, signals.keep, signals.strb)]
        self._tasks: list[Task[None]] = []

    def start(self) -> None:
        """Begin to watch."""
        self._tasks = [cocotb.start_soon(self._run()), *(shadow.start() for shadow in self._shadows)]

    def stop(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()

    async def _run(self) -> None:
        valid, ready, edge = self._signals.valid, self._signals.ready, self._edge
        valid_rises = valid.rising_edge
        waiting: Beat | None = None
        while True:
            await edge
            if not valid.value:
                if waiting is not None:
                    self._unstable("TVALID fell before TREADY came")
                    waiting = None
                await valid_rises  # no work while nothing comes; the clock edge after it is the next
                continue
            beat = self._sample()
            if waiting is not None and beat != waiting:
                self._unstable("a beat changed while it waited for TREADY")
            if ready.value:
                self._on_beat(beat)
                waiting = None
            else:
                waiting = beat

    def _sample(self) -> Beat:
        last, keep, strb = self._shadows
        return Beat(str(self._signals.data.value), last.text, keep.text, strb.text)

    def _unstable(self, what: str) -> None:
        time = get_sim_time("ns")
        self._log.add("stable", f"{self._signals.port.name}: {what}, at {time:.0f} ns of simulated time")


class _Shadow:
    """The value of a signal that changes rarely, kept up to date without a look at every beat."""

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self.text: str | None = None

    def start(self) -> Task[None]:
        """Begin to follow the signal."""
        if self._signal is not None:
            self.text = str(self._signal.value)
        return cocotb.start_soon(self._follow())

    async def _follow(self) -> None:
        while self._signal is not None:
            await self._signal.value_change
            self.text = str(self._signal.value)
