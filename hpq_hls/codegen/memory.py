"""How frames lie in the memory of a kernel that ``v++`` links (memory: m_axi).

A frame is so many words, one after the other, and a batch so many frames. Each beat of a frame has a slot
of whole bytes: the smallest power of two that holds it, or whole words where it is wider than a word. In its
slot an element lies as in TDATA: element i of the beat from bit i * width on, zeros above the last one. Slots
fill words from bit 0 on, which is in the first byte; what is left of a frame's last word is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MAX_WORD_BYTES = 64
"""Of a word, 512 bits: what memories behind the interconnect take per cycle (UG1393)."""
MIN_WORD_BYTES = 4
"""The narrowest data bus of AXI4."""
_BURST_BYTES = 4096
"""A burst must not cross a border of as many (AXI4)."""
_MAX_BURST = 256
_COUNTS = (1 << 32) - 1


@dataclass(frozen=True)
class MemoryArgument:
    """A pointer of the kernel, and how frames of its port lie there.

    name: of the argument. port: of the core. bundle: of its AXI4 master. element_bits, lanes, beats: of the
    port. word_bytes: of what is read or written in a cycle. slot_bytes: from beat to beat. frame_bytes: from
    frame to frame; a batch begins at a multiple of word_bytes.
    """

    name: str
    port: str
    bundle: str
    element_bits: int
    lanes: int
    beats: int
    word_bytes: int
    slot_bytes: int
    frame_bytes: int

    @classmethod
    def of(cls, name: str, port: str, bundle: str, width: int, lanes: int, beats: int) -> MemoryArgument:
        """The layout of a port's frames."""
        beat = -(-width * lanes // 8)
        slot = _power(beat) if beat <= MAX_WORD_BYTES else -(-beat // MAX_WORD_BYTES) * MAX_WORD_BYTES
        word = max(MIN_WORD_BYTES, min(MAX_WORD_BYTES, _power(slot * beats)))
        frame = -(-slot * beats // word) * word
        return cls(name, port, bundle, width, lanes, beats, word, slot, frame)

    @property
    def word_bits(self) -> int:
        """Of the pointer's type."""
        return 8 * self.word_bytes

    @property
    def slot_bits(self) -> int:
        """From beat to beat."""
        return 8 * self.slot_bytes

    @property
    def frame_words(self) -> int:
        """Cycles that reading or writing a frame takes at least."""
        return self.frame_bytes // self.word_bytes

    @property
    def beats_per_word(self) -> int:
        """1 where a beat takes several words."""
        return max(self.word_bytes // self.slot_bytes, 1)

    @property
    def words_per_beat(self) -> int:
        """1 where a word holds several beats."""
        return max(self.slot_bytes // self.word_bytes, 1)

    @property
    def burst(self) -> int:
        """Words of the longest burst."""
        return min(_MAX_BURST, _BURST_BYTES // self.word_bytes)

    @property
    def steps(self) -> int:
        """Cycles that a frame takes between memory and the core, at least."""
        return max(self.frame_words, self.beats * self.words_per_beat)

    def to_memory(self, frames: IntArray) -> Bytes:
        """(frames, beats, lanes) raw integers -> (frames, frame_bytes) as the kernel reads them."""
        bits = (frames[..., None] >> np.minimum(np.arange(self.element_bits), 63)) & 1
        slots = bits.astype(np.uint8).reshape(len(frames), self.beats, -1)
        slots = np.pad(slots, ((0, 0), (0, 0), (0, self.slot_bits - slots.shape[2])))
        packed = np.packbits(slots, axis=2, bitorder="little").reshape(len(frames), -1)
        return np.pad(packed, ((0, 0), (0, self.frame_bytes - packed.shape[1])))

    def from_memory(self, memory: Bytes, signed: bool) -> IntArray:
        """(frames, frame_bytes) as the kernel writes them -> (frames, beats, lanes) raw integers.
        signed: whether the elements are."""
        used = self.beats * self.slot_bytes
        slots = memory[:, :used].reshape(len(memory), self.beats, self.slot_bytes)
        bits = np.unpackbits(slots, axis=2, bitorder="little")[..., : self.lanes * self.element_bits]
        bits = bits.reshape(len(memory), self.beats, self.lanes, self.element_bits).astype(np.int64)
        values = (bits << np.arange(self.element_bits)).sum(axis=-1)
        if signed and self.element_bits < 64:
            values -= bits[..., -1] << self.element_bits
        return np.asarray(values)


@dataclass(frozen=True)
class MemoryKernel:
    """The kernel of a design in memory. name: of its function. arguments: its pointers, inputs first, in
    order; ``frames`` follows them. max_frames: of a call."""

    name: str
    arguments: tuple[MemoryArgument, ...]
    max_frames: int


def kernel_of(top: str, ports: Sequence[tuple[str, str, int, int, int]]) -> MemoryKernel:
    """The kernel around a core. ports: what names begin with, port, and width, lanes and beats of its
    frames."""
    arguments = tuple(
        MemoryArgument.of(f"{begin}_memory", port, f"gmem_{begin}", *sizes) for begin, port, *sizes in ports
    )
    return MemoryKernel(f"{top}_kernel", arguments, _COUNTS // max(one.frame_words for one in arguments))


def _power(number: int) -> int:
    """The smallest power of two that is not less."""
    return 1 << (number - 1).bit_length()
