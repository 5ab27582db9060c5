"""A network in hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.kernels import IntArray, Kernel, Streams


@dataclass(frozen=True, eq=False)
class Dataflow:
    """A network in hardware: kernels in topological order, connected by streams.

    name: a legal identifier, the name of the top-level function and module.
    input, output: names of the streams at the AXI4-Stream ports.
    input_order, output_order: for each element of the port's frame, in transmission order, its flat
    index in the tensor in torch layout.
    """

    name: str
    kernels: tuple[Kernel, ...]
    streams: Streams
    input: str
    output: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_order: IntArray
    output_order: IntArray

    def of_layer(self, layer: str) -> Sequence[Kernel]:
        """The kernels that a layer became."""
        return [kernel for kernel in self.kernels if kernel.layer == layer]
