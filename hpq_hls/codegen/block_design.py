"""The folder ``board/`` of a project: a design as part of a system on a board, and the driver for it.

Every port has a channel of an AXI DMA. A DMA's streams have a power of two of bytes up to ``DMA_BYTES``;
TDATA of a port has any number. In memory a beat is padded at its top to what a DMA carries (``beat_bytes``);
in the fabric a subset converter takes the padding off, or puts it on. docs/boards.md has the layout.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Design, Files
from hpq_hls.codegen.boards import Board
from hpq_hls.codegen.manifest import Port, manifest_of, port_at
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import CORE, Control, Dataflow, Memory, System, Terminal
from hpq_hls.templating import render

DMA_BYTES = 128
"""Widest stream of an AXI DMA, 1,024 bits (PG021, "Memory Map to Stream Stream Data Width")."""
CONVERTER_BYTES = 512
"""Widest stream of the AXI4-Stream infrastructure, with which padding is taken off and put on (PG085)."""
LENGTH_BITS = 26
"""Widest length of a DMA's buffer, in bytes (PG021, "Width of Buffer Length Register")."""
LEAST_LENGTH_BITS = 14
"""The DMA's own choice; narrower saves nothing worth naming."""
ERRORS = "axi_gpio_errors"
"""The cell whose register shows the flags of packets of a wrong size."""
DMAS = 15
"""A SmartConnect has 16 ports (PG247): registers of so many DMAs, and of the GPIO."""


def beat_bytes(tdata_bytes: int) -> int:
    """Bytes that a beat takes in memory: the next power of two, beyond ``DMA_BYTES`` whole beats of a DMA."""
    if tdata_bytes <= DMA_BYTES:
        return int(1 << (tdata_bytes - 1).bit_length())
    return -(-tdata_bytes // DMA_BYTES) * DMA_BYTES


@dataclass(frozen=True)
class Link:
    """A port of the design and the channel of a DMA that serves it.

    name: of the network's input or output. type: of its elements, with what a cast into it does. number: of
    the DMA.
    """

    name: str
    port: Port
    type: FixedType
    number: int

    @property
    def dma(self) -> str:
        """The DMA's cell."""
        return f"axi_dma_{self.number}"

    @property
    def beat_bytes(self) -> int:
        """A beat in memory."""
        return beat_bytes(self.port.tdata_bytes)

    @property
    def stream_bytes(self) -> int:
        """A beat of the DMA's stream."""
        return min(self.beat_bytes, DMA_BYTES)

    @property
    def frame_bytes(self) -> int:
        """A frame in memory: one transfer, one packet."""
        return self.beat_bytes * self.port.beats

    def described(self) -> dict[str, Any]:
        """What the driver must know of it."""
        port, kind = self.port, self.type
        order = None if port.order == tuple(range(len(port.order))) else list(port.order)
        return {
            "name": self.name,
            "port": port.port,
            "dma": self.dma,
            "width": kind.width,
            "integer": kind.integer,
            "signed": kind.signed,
            "rounding": kind.rounding.value,
            "overflow": kind.overflow.value,
            "lanes": port.lanes,
            "beats": port.beats,
            "beat_bytes": self.beat_bytes,
            "shape": list(port.shape),
            "order": order,
        }


@dataclass(frozen=True)
class Dma:
    """A DMA: what it sends to and receives from; None where it has no such channel. memory: its port."""

    number: int
    source: Link | None
    sink: Link | None
    memory: str

    @property
    def cell(self) -> str:
        """Its cell."""
        return f"axi_dma_{self.number}"

    @property
    def masters(self) -> list[str]:
        """Its interfaces to memory."""
        sides = (("M_AXI_MM2S", self.source), ("M_AXI_S2MM", self.sink))
        return ["M_AXI_SG", *(name for name, link in sides if link is not None)]

    @property
    def length_bits(self) -> int:
        """Width of the register of a buffer's length."""
        longest = max(link.frame_bytes for link in (self.source, self.sink) if link is not None)
        return max(LEAST_LENGTH_BITS, longest.bit_length())


@dataclass(frozen=True)
class BlockDesign:
    """A system around a design: its links, and the DMAs, each with at most one of either side."""

    board: Board
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...]
    dmas: tuple[Dma, ...]

    @classmethod
    def of(cls, flow: Dataflow, board: Board) -> BlockDesign:
        """The system of a design."""
        inputs = tuple(_links(flow, flow.inputs))
        outputs = tuple(_links(flow, flow.outputs))
        ports = board.memory_ports
        dmas = tuple(
            Dma(n, _at(inputs, n), _at(outputs, n), ports[n % len(ports)])
            for n in range(max(len(inputs), len(outputs)))
        )
        return cls(board, inputs, outputs, dmas)

    @property
    def errors(self) -> tuple[str, ...]:
        """The design's ports that tell of packets of a wrong size; bit by bit in the GPIO's register."""
        return tuple(link.port.packet_error for link in self.inputs if link.port.packet_error)

    @property
    def memories(self) -> list[str]:
        """The board's memory ports that some DMA uses."""
        used = {dma.memory for dma in self.dmas}
        return [name for name in self.board.memory_ports if name in used]

    def masters(self, memory: str) -> list[str]:
        """The interfaces that use a memory port."""
        dmas = [dma for dma in self.dmas if dma.memory == memory]
        return [f"{dma.cell}/{master}" for dma in dmas for master in dma.masters]

    @property
    def registers(self) -> list[str]:
        """The interfaces to registers."""
        dmas = [f"{dma.cell}/S_AXI_LITE" for dma in self.dmas]
        return [*dmas, f"{ERRORS}/S_AXI"] if self.errors else dmas


def _links(flow: Dataflow, terminals: Sequence[Terminal]) -> Iterator[Link]:
    for number, terminal in enumerate(terminals):
        yield Link(terminal.name, port_at(flow, terminal), flow.streams[terminal.stream].type, number)


def _at(links: Sequence[Link], number: int) -> Link | None:
    return links[number] if number < len(links) else None


def board_refusal(flow: Dataflow, board: Board, around: System = CORE) -> str | None:
    """Why there can be no system of a design, in one sentence that says what would work; else None."""
    if around.memory is not Memory.AXIS:
        return (
            f"its DMAs bring frames as streams, and memory is {around.memory.value}; choose memory axis, or "
            "leave out the board"
        )
    if around.control is not Control.NONE:
        return (
            "a frame begins when its DMA brings it, with nobody to start the design, and control is "
            f"{around.control.value}; choose control none, or leave out the board"
        )
    system = BlockDesign.of(flow, board)
    if len(system.dmas) > DMAS:
        return (
            f"the network has {len(system.inputs)} inputs and {len(system.outputs)} outputs, and a system "
            f"has DMAs for {DMAS} of each; join some of them, or leave out the board"
        )
    for link in (*system.inputs, *system.outputs):
        if link.port.tdata_bytes > CONVERTER_BYTES:
            return (
                f"port {link.port.port} has beats of {link.port.tdata_bytes} bytes, and those of a system "
                f"have at most {CONVERTER_BYTES}; choose io stream or more steps, or leave out the board"
            )
        if link.frame_bytes.bit_length() > LENGTH_BITS:
            return (
                f"a frame of port {link.port.port} takes {link.frame_bytes:,} bytes, and a DMA transfers at "
                f"most {(1 << LENGTH_BITS) - 1:,}; leave out the board"
            )
    return None


# ---------------------------------------------------------------------------------------------
# Files


def board_files(design: Design, backend: str) -> Files:
    """The files of ``board/``; none where the design has no board."""
    if design.board is None:
        return {}
    flow, board = design.dataflow, design.board
    system, top = BlockDesign.of(flow, board), flow.name
    context = {
        "top": top,
        "backend": backend,
        "board": board,
        "ps": board.processor,
        "part": board.part,
        "system": system,
        "ip": design.system.ip,
        "clock_mhz": f"{1e3 / design.clock_ns:.6f}",
        "clock_hz": round(1e9 / design.clock_ns),
        "clock_ns": f"{design.clock_ns:g}",
        "dma_bytes": DMA_BYTES,
        "frames": _count(design),
    }
    files = {
        "README.md": _text("README.md", context),
        "block_design.tcl": _text("block_design.tcl", context),
        f"driver/{top}_overlay.py": _text("overlay.py", context),
        f"driver/{top}.ipynb": _text("notebook.ipynb", context),
        f"driver/{top}.json": _description(design, system),
    }
    if backend == "rtl":
        files["package_ip.tcl"] = _text("package_ip.tcl", context)
    return {f"board/{name}": text for name, text in files.items()} | {
        f"board/driver/{top}_golden.npz": _golden(design)
    }


def _text(name: str, context: dict[str, Any]) -> str:
    filters: dict[str, Callable[..., str]] = {"quoted": tcl_quoted, "comment": _comment, "json": json.dumps}
    return render(f"boards/{name}.j2", context, filters)


def tcl_quoted(text: str) -> str:
    """A word of Tcl that stands for ``text`` whatever is in it."""
    return '"' + "".join(_tcl_char(char) for char in text) + '"'


def _tcl_char(char: str) -> str:
    if char in '\\"$[]{}':
        return f"\\{char}"
    return char if " " <= char <= "~" else "".join(f"\\u{unit:04x}" for unit in _units(char))


def _units(char: str) -> list[int]:
    encoded = char.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


def _comment(text: str) -> str:
    """A name given by the user, safe in a one-line comment and in a table of Markdown."""
    kept = "".join(char if " " <= char <= "~" else "?" for char in text)
    return kept.replace("\\", "/").replace("|", "/").replace("`", "'")


def _description(design: Design, system: BlockDesign) -> str:
    """What the driver reads: the ports, and where they are in memory and in the system."""
    made = manifest_of(design)
    content = {
        "name": made.name,
        "board": system.board.name,
        "clock_ns": made.clock_ns,
        "address_bits": system.board.processor.address_bits,
        "inputs": [link.described() for link in system.inputs],
        "outputs": [link.described() for link in system.outputs],
        "packet_errors": list(system.errors),
        "packet_errors_cell": ERRORS if system.errors else None,
    }
    return json.dumps(content) + "\n"


def _count(design: Design) -> int:
    return len(next(iter(design.golden.values()), ()))


def _golden(design: Design) -> bytes:
    """A .npz of the test vectors, raw integers in torch layout by port; equal designs give equal bytes."""
    made = manifest_of(design)
    arrays: dict[str, npt.NDArray[np.int64]] = {}
    for ports, frames in ((made.inputs, design.vectors), (made.outputs, design.golden)):
        arrays |= {port.port: port.from_frames(np.asarray(frames[port.port])) for port in ports}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    return file.getvalue()
