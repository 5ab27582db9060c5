"""A generated design at a glance: kernels, and the streams between them."""

from __future__ import annotations

from dataclasses import dataclass

from hpq_hls.billing.parts import find_part
from hpq_hls.codegen.registry import find_backend
from hpq_hls.hardware import Dataflow
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.workflow.kernels import estimated_kernel
from hpq_hls.workflow.steps import expected_design
from hpq_hls.workflow.workspace import Workspace

PORT = ""
"""What stands for the world outside of the design at the end of a stream."""


@dataclass(frozen=True)
class KernelRow:
    """One kernel. pe, simd: rows and columns that it works on at once. cycles: that a frame keeps it busy.
    lut, ff, dsp, bram: estimated, without the FIFOs around it."""

    name: str
    kind: str
    layer: str
    pe: int
    simd: int
    cycles: int
    lut: int
    ff: int
    dsp: int
    bram: int


@dataclass(frozen=True)
class StreamRow:
    """One stream, from a kernel to a kernel, or from or to a port ("").

    port: the AXI4-Stream port at that end, "" between kernels. lanes: elements of a beat; bits: of a beat;
    beats: of a frame. depth: of its FIFO, in beats; None for mere wires."""

    name: str
    source: str
    target: str
    port: str
    type: str
    lanes: int
    bits: int
    beats: int
    depth: int | None


@dataclass(frozen=True)
class Flow:
    """A design of a backend. slowest: the names of the kernels with the most cycles per frame."""

    backend: str
    kernels: tuple[KernelRow, ...]
    streams: tuple[StreamRow, ...]
    slowest: tuple[str, ...]


def flow_of(work: Workspace, q: QuantizedGraph) -> Flow:
    """Of the project that ``hpq generate`` writes: the RTL where that is among the backends, else the
    first."""
    backends = work.project.settings.hardware.backends
    backend = "rtl" if "rtl" in backends else backends[0]
    flow = expected_design(work, q, backend).dataflow
    family = find_part(work.project.settings.hardware.part).family
    rows = []
    for kernel in flow.kernels:
        pe, simd = kernel.folding
        used = estimated_kernel(kernel, flow, family, work.factors)
        cycles = kernel.cycles(flow.streams)
        rows.append(KernelRow(kernel.name, kernel.kind, kernel.layer, pe, simd, cycles, **used))
    most = max(row.cycles for row in rows)
    slowest = tuple(row.name for row in rows if row.cycles == most)
    return Flow(backend, tuple(rows), _streams(flow, backend), slowest)


def _streams(flow: Dataflow, backend: str) -> tuple[StreamRow, ...]:
    made = {name: kernel.name for kernel in flow.kernels for name in kernel.outputs}
    read = {name: kernel.name for kernel in flow.kernels for name in kernel.inputs}
    ports = {terminal.stream: terminal.port for terminal in (*flow.inputs, *flow.outputs)}
    wires = (
        set() if find_backend(backend).stages else {name for name, link in flow.links.items() if link.wire}
    )
    return tuple(
        StreamRow(
            name=name,
            source=made.get(name, PORT),
            target=read.get(name, PORT),
            port=ports.get(name, ""),
            type=str(stream.type),
            lanes=stream.lanes,
            bits=stream.bits,
            beats=stream.beats,
            depth=None if name in wires else stream.depth,
        )
        for name, stream in flow.streams.items()
    )
