"""A network in hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hpq_hls.billing.memory import SRL_DEPTH
from hpq_hls.kernels import MIN_DEPTH, Frame, IntArray, Kernel, Stream, Streams
from hpq_hls.kernels.contract import StageKind
from hpq_hls.simulate import QuantizedGraph

SHORTEST = 3
"""Places of a FIFO of the RTL, at least: from three stages on a shift register is one LUT."""


@dataclass(frozen=True)
class Link:
    """What a stream is in the RTL.

    latency: cycles from the handshake of a beat until its data is there. wire: whether there is no FIFO, so
    that the kernel behind it works in step with the one in front. places: of its FIFO, with those for beats
    that are under way; 0 for a wire.
    """

    latency: int
    wire: bool
    places: int


@dataclass(frozen=True, eq=False)
class Terminal:
    """Where a value of the network enters or leaves the design, through one AXI4-Stream port.

    name: of the network's input or output. port: prefix of its signals, "s_axis" for s_axis_TDATA.
    stream: name of the stream behind it. shape: of the tensor in torch layout, without the batch axis.
    order: for each element of the port's frame, in transmission order, its flat index in that tensor.
    checked: whether it is an input that looks at TLAST, and has a ``packet_error``.
    """

    name: str
    port: str
    stream: str
    shape: tuple[int, ...]
    order: IntArray
    checked: bool = False

    @property
    def packet_error(self) -> str:
        """Name of the port that tells of a packet that is too short or too long; "" where there is none."""
        return f"{self.port}_packet_error" if self.checked else ""


@dataclass(frozen=True, eq=False)
class Dataflow:
    """A network in hardware: kernels in topological order, connected by streams.

    name: a legal identifier, the name of the top-level function and module.
    inputs, outputs: its AXI4-Stream ports, in the order of the network's.
    network: whose layers the kernels' are, what is left of the network that was asked for (``without_dead``);
        None for a design that no network was lowered to.
    """

    name: str
    kernels: tuple[Kernel, ...]
    streams: Streams
    inputs: tuple[Terminal, ...]
    outputs: tuple[Terminal, ...]
    network: QuantizedGraph | None = None

    @classmethod
    def single(
        cls,
        name: str,
        kernels: tuple[Kernel, ...],
        streams: Streams,
        *,
        input: str,  # noqa: A002  (as the property)
        output: str,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        input_order: IntArray,
        output_order: IntArray,
    ) -> Dataflow:
        """A design with one input and one output, which are names of streams."""
        given = Terminal(input, "s_axis", input, input_shape, input_order)
        made = Terminal(output, "m_axis", output, output_shape, output_order)
        return cls(name, kernels, streams, (given,), (made,))

    @cached_property
    def links(self) -> Mapping[str, Link]:
        """What each stream is in the RTL, by name.

        A kernel whose results come a fixed number of cycles after it has taken a beat never stands still: it
        takes a beat where the FIFO behind it has a place for the result. So a FIFO has places for what is
        under way, beside its ``depth``. Kernels that are ``in_step`` need no FIFO in front of them, unless
        one was asked for: the FIFO behind the last of them has places for what is in all of them, as many as
        a shift register has.
        """
        steady = {name: kernel for kernel in self.kernels if kernel.in_step for name in kernel.inputs}
        ports = {terminal.stream for terminal in (*self.inputs, *self.outputs)}
        made = {name for kernel in self.kernels for name in kernel.outputs}
        found = {
            name: _link(stream, 0, 0, wire=False) for name, stream in self.streams.items() if name not in made
        }
        for kernel in self.kernels:
            contract, before = kernel.contract(self.streams), found[kernel.inputs[0]]
            latency, under_way = contract.latency, contract.under_way
            if before.wire:
                latency, under_way = before.latency + latency, before.latency + latency
            one_by_one = contract.kind is StageKind.PIPELINE and contract.parameters[1:] == (1, 1)
            for name in kernel.outputs:
                stream = self.streams[name]
                wire = (
                    (one_by_one or kernel.in_step)
                    and name in steady
                    and name not in ports
                    and stream.depth == MIN_DEPTH
                    and MIN_DEPTH + latency + steady[name].contract(self.streams).latency <= SRL_DEPTH
                )
                found[name] = _link(stream, latency, under_way, wire=wire)
        return found

    @property
    def input(self) -> str:
        """Name of the stream at the only input port."""
        (terminal,) = self.inputs
        return terminal.stream

    @property
    def output(self) -> str:
        """Name of the stream at the only output port."""
        (terminal,) = self.outputs
        return terminal.stream

    def of_layer(self, layer: str) -> Sequence[Kernel]:
        """The kernels that a layer became."""
        return [kernel for kernel in self.kernels if kernel.layer == layer]

    def every_stream(self, given: Mapping[str, Frame]) -> dict[str, Frame]:
        """What each stream carries, (beats, lanes) raw integers by name, when one frame enters.

        given: the frame of each stream behind an input port. Every kernel does literally what its module says
        (``Kernel.run``): slow, and independent of simulator and backends.
        """
        frames = {terminal.stream: given[terminal.stream] for terminal in self.inputs}
        for kernel in self.kernels:
            made = kernel.run([frames[name] for name in kernel.inputs], self.streams)
            frames.update(zip(kernel.outputs, made, strict=True))
        return frames


def _link(stream: Stream, latency: int, under_way: int, *, wire: bool) -> Link:
    return Link(latency, wire, 0 if wire else stream.depth + max(under_way, SHORTEST - MIN_DEPTH))
