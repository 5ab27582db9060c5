"""cocotbext-axi behind the face of `hw_sim.drivers`: an independent opinion on the protocol, for short runs.

It moves about a tenth of the beats per second of the lean drivers, and less the wider TDATA is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import cocotb
from cocotb.task import Task
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from hw_sim.design import IntArray, Port
from hw_sim.drivers import Signals, set_ones
from hw_sim.scoreboard import FailureLog

_Model = TypeVar("_Model", AxiStreamSource, AxiStreamSink)


class AxiSource:
    """A cocotbext-axi source; arguments as for `hw_sim.drivers.LeanSource`."""

    def __init__(
        self,
        dut: Any,
        signals: Signals,
        clock: Any,
        frames: IntArray,
        on_accept: Callable[[], None],
        pauses: Iterator[bool] | None = None,
    ) -> None:
        self._signals = signals
        self._edge = clock.rising_edge
        self._on_accept = on_accept
        self._frames = frames
        self._pauses = pauses
        self._model = _quiet_model(AxiStreamSource, dut, signals.port, clock)
        self._watcher: Task[None] | None = None

    def start(self) -> None:
        """Queue all packets."""
        set_ones(self._signals)
        for packet in _packets(self._signals.port, self._frames):
            self._model.send_nowait(AxiStreamFrame(packet))
        if self._pauses is not None:
            self._model.set_pause_generator(self._pauses)
        self._watcher = cocotb.start_soon(self._watch())

    def stop(self) -> None:
        """Stop sending."""
        if self._watcher is not None:
            self._watcher.cancel()
        _retire(self._model)
        self._signals.valid.value = 0

    async def _watch(self) -> None:
        valid, ready, edge = self._signals.valid, self._signals.ready, self._edge
        while True:
            await edge
            if valid.value and ready.value:
                self._on_accept()


class AxiSink:
    """A cocotbext-axi sink; arguments as for `hw_sim.drivers.LeanSink`."""

    def __init__(self, dut: Any, signals: Signals, clock: Any, pauses: Iterator[bool] | None = None) -> None:
        self._signals = signals
        self._pauses = pauses
        self._model = _quiet_model(AxiStreamSink, dut, signals.port, clock)

    def start(self) -> None:
        """Begin to receive."""
        if self._pauses is not None:
            self._model.set_pause_generator(self._pauses)

    def stop(self) -> None:
        """Leave TREADY low."""
        _retire(self._model)
        self._signals.ready.value = 0

    def check(self, received: IntArray, log: FailureLog) -> None:
        """Compare the packets that the model collected with those that our own monitor saw."""
        port = self._signals.port
        packets: list[bytes] = []
        while not self._model.empty():
            packets.append(bytes(self._model.recv_nowait(compact=False).tdata))
        if packets != list(_packets(port, received)):
            log.add("axi", f"{port.name}: cocotbext-axi collected other packets than the monitor")


def _packets(port: Port, frames: IntArray) -> Iterator[bytes]:
    packet = bytearray()
    for index, word in enumerate(port.pack(frames), 1):
        packet += int(word, 2).to_bytes(port.tdata_bytes, "little")
        if index % port.beats == 0:
            yield bytes(packet)
            packet.clear()


def _quiet_model(kind: type[_Model], dut: Any, port: Port, clock: Any) -> _Model:
    # It logs its configuration and every frame, byte by byte, at INFO.
    logging.getLogger(f"cocotb.{dut._name}.{port.name}").setLevel(logging.ERROR)
    return kind(AxiStreamBus.from_prefix(dut, port.name), clock)


def _retire(model: AxiStreamSource | AxiStreamSink) -> None:
    model.clear_pause_generator()
    model.assert_reset(True)  # ends its task
