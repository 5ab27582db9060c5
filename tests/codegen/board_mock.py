"""A board without a board: memory, the DMAs' registers, and in place of the fabric what a function computes.

The DMA follows PG021: scatter-gather mode, descriptors of 64 bytes in memory, one packet for each here. Bytes
go through the converters of the block design that the project's script builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hw_sim.design import Design, Port
from tests.codegen.block_design_model import Built

Frames = Mapping[str, npt.NDArray[np.int64]]


class Buffer(np.ndarray):  # type: ignore[type-arg]
    """Memory that a DMA reaches."""

    device_address: int

    def flush(self) -> None:
        """Nothing is cached."""

    def invalidate(self) -> None:
        """Nothing is cached."""

    def freebuffer(self) -> None:
        """From now on no address."""
        del self.device_address


class Board:
    """fabric: frames of the network's inputs by port, (packets, beats, lanes), to those of its outputs."""

    def __init__(
        self, system: Built, design: Design, fabric: Callable[[Frames], Frames], base: int = 0x1000_0000
    ) -> None:
        self.system, self.design, self.compute = system, design, fabric
        self._next = base
        self.buffers: list[Buffer] = []
        self.packets: dict[str, list[npt.NDArray[np.uint8]]] = {port.name: [] for port in design.inputs}
        self.dmas = {name: Dma(self, name) for name, cell in system.cells.items() if cell.kind == "axi_dma"}
        self.flags = 0
        self.batches: list[int] = []

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> Buffer:
        made = np.zeros(shape, dtype).view(Buffer)
        made.device_address = self._next
        self._next += -(-made.nbytes // 4096) * 4096
        self.buffers.append(made)
        return made

    def registers(self, cell: str) -> Any:
        if cell in self.dmas:
            return self.dmas[cell]
        assert self.system.cells[cell].kind == "axi_gpio"
        return Flags(self)

    def memory(self, address: int, length: int) -> npt.NDArray[np.uint8]:
        """The bytes at an address; what is there may be written."""
        for buffer in self.buffers:
            at = address - buffer.device_address
            if at >= 0 and at + length <= buffer.nbytes:
                return np.asarray(buffer).reshape(-1).view(np.uint8)[at : at + length]
        raise AssertionError(f"no memory of {length} bytes at {address:#x}")

    def arrive(self, source: str, data: npt.NDArray[np.uint8], width: int) -> None:
        """A packet leaves a DMA."""
        assert len(data) % width == 0
        place, beats = self.system.follow(source, data.reshape(-1, width))
        self.packets[place.removeprefix("network/")].append(beats)

    def work(self) -> None:
        """Let the network do what it can."""
        count = min(map(len, self.packets.values()))
        if not count:
            return
        given = {port.name: self._frames(port, count) for port in self.design.inputs}
        self.batches.append(count)
        made = self.compute(given)
        for port in self.design.outputs:
            size = port.tdata_bytes
            words = [int(word, 2).to_bytes(size, "little") for word in port.pack(made[port.name])]
            beats = np.array([list(word) for word in words], dtype=np.uint8).reshape(count, port.beats, size)
            for packet in beats:
                place, narrow = self.system.follow(f"network/{port.name}", packet)
                cell, _, end = place.partition("/")
                assert end == "S_AXIS_S2MM"
                self.dmas[cell].receive(narrow.reshape(-1))

    def _frames(self, port: Port, count: int) -> npt.NDArray[np.int64]:
        taken, self.packets[port.name] = self.packets[port.name][:count], self.packets[port.name][count:]
        for packet in taken:
            assert packet.shape == (port.beats, port.tdata_bytes)
        words = [
            f"{int.from_bytes(beat.tobytes(), 'little'):0{port.tdata_bits}b}"
            for packet in taken
            for beat in packet
        ]
        raw, padded = port.unpack(words)
        assert padded.all()
        return raw.reshape(count, port.beats, port.lanes)


class Flags:
    """The register of the packet errors."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def read(self, offset: int) -> int:
        assert offset == 0
        return self._board.flags


class Channel:
    """State of one channel: registers, the descriptors that wait."""

    def __init__(self) -> None:
        self.control = 0
        self.errors = 0
        self.current = [0, 0]
        self.tail = [0, 0]
        self.waiting: list[int] = []

    @property
    def halted(self) -> bool:
        return not self.control & 1


class Dma:
    """Registers of an AXI DMA."""

    def __init__(self, board: Board, name: str) -> None:
        self._board, self._name = board, name
        self._cell = board.system.cells[name]
        self._wide = self._cell.number("c_addr_width") > 32
        sides = (("M_AXIS_MM2S", 0x00), ("S_AXIS_S2MM", 0x30))
        self.channels = {base: Channel() for port, base in sides if port in board.system.interfaces(name)}

    def read(self, offset: int) -> int:
        channel = self.channels[offset & 0x30]
        return {
            0x00: channel.control,
            0x04: int(channel.halted) | 2 * (not channel.waiting) | 8 | channel.errors,
        }[offset & 0xF]

    def write(self, offset: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        base, register = (0x30, offset - 0x30) if offset >= 0x30 else (0, offset)
        channel = self.channels[base]
        if register == 0x00:
            if value & 4:
                for other in self.channels:
                    self.channels[other] = Channel()
            else:
                assert channel.halted or not channel.waiting, "stopped in the middle"
                channel.control = value
        elif register in (0x08, 0x0C):
            assert channel.halted, "CURDESC is written while the channel runs"
            assert register == 0x08 or self._wide
            channel.current[register == 0x0C] = value
        elif register in (0x10, 0x14):
            assert not channel.halted, "TAILDESC is written while the channel stands"
            assert register == 0x10 or self._wide
            channel.tail[register == 0x14] = value
            if register == (0x14 if self._wide else 0x10):
                self._started(base, channel)
        else:
            raise AssertionError(f"there is no register {offset:#x}")

    def _started(self, base: int, channel: Channel) -> None:
        at, tail = (low | high << 32 for low, high in (channel.current, channel.tail))
        while True:
            assert at % 64 == 0
            words = self._board.memory(at, 64).view(np.uint32)
            assert not int(words[7]) >> 31, "a descriptor that is done already"
            assert int(words[2]) % 128 == 0
            channel.waiting.append(at)
            if at == tail:
                break
            at = int(words[0]) | int(words[1]) << 32
        if base == 0:
            self._send(channel)
        self._board.work()

    def _length(self, words: npt.NDArray[np.uint32]) -> int:
        length = int(words[6]) & (1 << 26) - 1
        assert 0 < length < 1 << self._cell.number("c_sg_length_width")
        return length

    def _send(self, channel: Channel) -> None:
        width = self._cell.number("c_m_axis_mm2s_tdata_width") // 8
        for at in channel.waiting:
            words = self._board.memory(at, 64).view(np.uint32)
            assert int(words[6]) >> 26 == 0b11, "a packet is one descriptor"
            data = self._board.memory(int(words[2]) | int(words[3]) << 32, self._length(words))
            self._board.arrive(f"{self._name}/M_AXIS_MM2S", data.copy(), width)
            words[7] = 1 << 31 | self._length(words)
        channel.waiting.clear()

    def receive(self, data: npt.NDArray[np.uint8]) -> None:
        channel = self.channels[0x30]
        assert channel.waiting, "a packet for which there is no descriptor"
        words = self._board.memory(channel.waiting.pop(0), 64).view(np.uint32)
        assert len(data) <= self._length(words)
        self._board.memory(int(words[2]) | int(words[3]) << 32, len(data))[:] = data
        words[7] = 1 << 31 | 1 << 27 | 1 << 26 | len(data)
