"""design.json: what a testbench or a host program must know of a generated design."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.memory import MemoryArgument, MemoryKernel, kernel_of
from hpq_hls.errors import DataError
from hpq_hls.fixed import FixedType
from hpq_hls.graph import named
from hpq_hls.hardware import NAMELESS, Dataflow, Ip, Memory, Terminal
from hpq_hls.kernels import Stream
from hpq_hls.reading import read_text

FORMAT = 1
FILE_NAME = "design.json"


@dataclass(frozen=True)
class Port:
    """One AXI4-Stream port.

    width, integer, signed: the element type; lanes elements per beat, element 0 lowest in TDATA;
    beats per packet; shape: the tensor in torch layout without the batch axis; order: for each
    element in transmission order its flat index in that tensor; packet_error: the output that rises, until
    reset, with a packet of another number of beats; "" at outputs, and where TLAST is ignored.
    """

    port: str
    width: int
    integer: int
    signed: bool
    lanes: int
    beats: int
    tdata_bytes: int
    shape: tuple[int, ...]
    order: tuple[int, ...]
    packet_error: str = ""

    def to_frames(self, raw: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(batch, *shape) integers in torch layout -> (batch, beats, lanes) in transmission order."""
        flat = raw.reshape(raw.shape[0], len(self.order))[:, np.asarray(self.order, dtype=np.int64)]
        return flat.reshape(raw.shape[0], self.beats, self.lanes)

    def from_frames(self, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(batch, beats, lanes) in transmission order -> (batch, *shape) in torch layout."""
        flat = frames.reshape(frames.shape[0], len(self.order))
        result = np.empty_like(flat)
        result[:, np.asarray(self.order, dtype=np.int64)] = flat
        return result.reshape(frames.shape[0], *self.shape)


@dataclass(frozen=True)
class Manifest:
    """The content of design.json.

    control: "none" or "s_axilite". memory: "axis" or "m_axi", for which kernel is there, and the ports
    are those of the core inside of it. clock_uncertainty: what the HLS tool was told. ip: names of the
    IP block. board: that ``board/`` is for; "" without that folder.
    """

    name: str
    format: int
    io: str
    part: str
    clock_ns: float
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    control: str = "none"
    memory: str = "axis"
    clock_uncertainty: str | None = None
    ip: Ip = NAMELESS
    kernel: MemoryKernel | None = None
    board: str = ""

    def to_json(self) -> str:
        """Text of design.json, one key a line but for the arrays of numbers."""
        head = {key: value for key, value in asdict(self).items() if key not in ("inputs", "outputs")}
        ports = {
            side: [{**asdict(port), "shape": list(port.shape), "order": list(port.order)} for port in group]
            for side, group in (("inputs", self.inputs), ("outputs", self.outputs))
        }
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
        for side, group in ports.items():
            body = ",\n".join(
                "    {\n"
                + ",\n".join(f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in port.items())
                + "\n    }"
                for port in group
            )
            lines.append(f"  {json.dumps(side)}: [\n{body}\n  ]")
        return "{\n" + ",\n".join(lines) + "\n}\n"


def port_of(
    name: str,
    stream: Stream,
    shape: Sequence[int],
    order: npt.NDArray[np.int64],
    packet_error: str = "",
) -> Port:
    """Describe the port that carries ``stream``."""
    return Port(
        port=name,
        width=stream.type.width,
        integer=stream.type.integer,
        signed=stream.type.signed,
        lanes=stream.lanes,
        beats=stream.beats,
        tdata_bytes=(stream.bits + 7) // 8,
        shape=tuple(int(size) for size in shape),
        order=tuple(int(index) for index in order),
        packet_error=packet_error,
    )


def port_type(port: Port) -> FixedType:
    """The element type of a port."""
    return FixedType(port.width, port.integer, port.signed)


def manifest_of(design: Design) -> Manifest:
    """The manifest of a design."""
    flow, system = design.dataflow, design.system
    return Manifest(
        name=flow.name,
        format=FORMAT,
        io=design.io,
        part=design.part,
        clock_ns=design.clock_ns,
        inputs=tuple(port_at(flow, terminal) for terminal in flow.inputs),
        outputs=tuple(port_at(flow, terminal) for terminal in flow.outputs),
        control=system.control.value,
        memory=system.memory.value,
        clock_uncertainty=system.clock_uncertainty,
        ip=system.ip,
        kernel=_kernel_at(flow) if system.memory is Memory.M_AXI else None,
        board="" if design.board is None else design.board.name,
    )


def id_of(port: str) -> str:
    """What names that belong to a port begin with: input, output, or these and the port's own name."""
    prefix = "s_axis" if port.startswith("s_axis") else "m_axis"
    return {"s_axis": "input", "m_axis": "output"}[prefix] + port.removeprefix(prefix)


def _kernel_at(flow: Dataflow) -> MemoryKernel:
    """The kernel with memory around a Dataflow."""
    ends = [(terminal.port, flow.streams[terminal.stream]) for terminal in (*flow.inputs, *flow.outputs)]
    return kernel_of(flow.name, [(id_of(port), port, s.type.width, s.lanes, s.beats) for port, s in ends])


def port_at(flow: Dataflow, terminal: Terminal) -> Port:
    """Describe a port of a Dataflow."""
    return port_of(
        terminal.port,
        flow.streams[terminal.stream],
        terminal.shape,
        terminal.order,
        terminal.packet_error,
    )


def frames_at(flow: Dataflow, terminals: Sequence[Terminal], raw: Any) -> dict[str, npt.NDArray[np.int64]]:
    """Raw tensors as frames of ports, (batch, beats, lanes) by port; raw: by name of the input or output, or
    alone where there is one."""
    given = named(raw, [terminal.name for terminal in terminals])
    return {item.port: port_at(flow, item).to_frames(given[item.name]) for item in terminals}


def _kernel(data: dict[str, Any] | None) -> MemoryKernel | None:
    if data is None:
        return None
    return MemoryKernel(**{**data, "arguments": tuple(MemoryArgument(**one) for one in data["arguments"])})


def read_manifest(folder: Path) -> Manifest:
    """Read design.json from a project folder.

    Raises:
        DataError: the file is missing or is not a manifest of this format.
    """
    path = folder / FILE_NAME
    try:
        data: dict[str, Any] = json.loads(read_text(path))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        sides = {
            side: tuple(
                Port(**{**port, "shape": tuple(port["shape"]), "order": tuple(port["order"])})
                for port in data[side]
            )
            for side in ("inputs", "outputs")
        }
        return Manifest(
            **{**data, **sides, "ip": Ip(**data.get("ip", {})), "kernel": _kernel(data.get("kernel"))}
        )
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); name the folder of a generated project"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise DataError(f"{path} is not a design manifest ({error}); generate the project again") from error
