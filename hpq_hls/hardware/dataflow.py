"""A network in hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.kernels import IntArray, Kernel, Streams


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
    """

    name: str
    kernels: tuple[Kernel, ...]
    streams: Streams
    inputs: tuple[Terminal, ...]
    outputs: tuple[Terminal, ...]

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
