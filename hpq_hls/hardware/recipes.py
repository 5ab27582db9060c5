"""How the kernels of a layer are made, kept apart from the layer: others in its place are made likewise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from hpq_hls.kernels import IntArray, Kernel
from hpq_hls.simulate import QuantizedLayer

Make = Callable[[QuantizedLayer], Kernel]
"""A kernel from the layer that it is for."""
Decided = Callable[[QuantizedLayer], tuple[object, ...]]
"""What of a layer has a part in a kernel, see ``Recipe``."""
Arrange = Callable[[QuantizedLayer], IntArray]
"""A layer's weights in the order in which a kernel takes them."""
OUTPUT = -1
"""Of a stream: its elements are those of the layer's output."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a kernel is made.

    decided: of the layer, what has a part in that beside the types of its inputs and its output and the
    integers of its biases; arrays by identity. None: whatever there is.
    """

    make: Make
    decided: Decided | None = None


def sums_of(layer: QuantizedLayer) -> tuple[object, ...]:
    """What decides exact sums and what becomes of them."""
    weights = layer.weight_raw, layer.weight_shift, layer.weight_signs, layer.weight_type
    return *weights, layer.bias_type, layer.accumulator_type


@dataclass(eq=False)
class Block:
    """What a layer becomes, whatever its types and parameters: any layer in its place becomes the same.

    inputs: the streams that it reads. kernels: how each of its kernels is made, in order, the fork behind it
    included. streams: those that its kernels write, each with the number of the layer's input whose elements
    it carries, or OUTPUT. An input of the network is a block too; it has no layer.
    """

    inputs: tuple[str, ...]
    kernels: list[Recipe] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)


class Arranged:
    """Weights as ``arrange`` puts them in order; the last few are remembered: networks share them."""

    REMEMBERED = 32

    def __init__(self, arrange: Arrange) -> None:
        self._arrange = arrange
        self._known: OrderedDict[tuple[int, int], tuple[object, object, IntArray]] = OrderedDict()

    def __call__(self, layer: QuantizedLayer) -> IntArray:
        """The weights of a layer, the same array for the same weights."""
        key = id(layer.weight_raw), id(layer.weight_shift)
        if key not in self._known:  # what they identify is kept too: nothing else can come to be there
            self._known[key] = layer.weight_raw, layer.weight_shift, self._arrange(layer)
            if len(self._known) > self.REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key][2]
