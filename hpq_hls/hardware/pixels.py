"""How many pixels of a row travel in one beat of io stream: the fewest that meet a target interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpq_hls.fixed import FixedType
from hpq_hls.hardware.config import HardwareConfig, Strategy
from hpq_hls.hardware.order import same, transmission_orders
from hpq_hls.kernels import Kernel, Reduction
from hpq_hls.kernels.geometry import WindowGeometry
from hpq_hls.kernels.lanes import choose_lanes, divisors
from hpq_hls.ops.base import IntArray, Shape, Told
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.layout import channels_last, torch_order
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer

FOLDED = 0
"""Pixels per beat of a layer that takes one at most, or a part of one, through folded kernels."""

MAX_PORT_BITS = 1024
"""Beats at the input port are no wider, unless a single element is."""
MAX_PRODUCTS = 1 << 16
MAX_ELEMENTS = 1 << 12
"""Of a layer, and of a beat, with several pixels at once: what synthesis tools can still take."""


class PixelPlan:
    """Pixels per beat, layer by layer.

    A folded layer is at its fastest where one pixel goes through it per cycle. Where that misses the target,
    it takes the fewest pixels per beat that meet it, with every multiplication in hardware. Where no number
    of them is enough for some layer, the others take no more than they need to keep up with it.

    It implements ``hpq_hls.ops.base.Lowering`` to hear what each layer does.

    Parameters
    ----------
    target : cycles per frame that each layer should meet.
    single : no beat has more than one pixel, and no folded layer is anything else.

    Layers that are folded by hand take one pixel.
    """

    def __init__(
        self, q: QuantizedGraph, config: HardwareConfig, target: int, *, single: bool = False
    ) -> None:
        self._q, self._config, self._single = q, config, single
        self._layer: QuantizedLayer
        self._cycles: dict[str, dict[int, int]] = {}
        self._reducible: dict[str, list[int]] = {}
        least = [target]
        for layer in q.layers.values():
            self._layer = layer
            self._cycles[layer.name] = {}
            layer.op.lower(self)
            if self._cycles[layer.name] and not self._by_hand:
                least.append(min(self._cycles[layer.name].values()))
        self.pace = max(least)

    def of(self, layer: str) -> int:
        """Pixels per beat of a layer's input, or FOLDED."""
        cycles = self._cycles[layer]
        return next((p for p in cycles if cycles[p] <= self.pace), min(cycles, key=lambda p: cycles[p]))

    def port(self, name: str) -> Shape | None:
        """An input as an image (C, H, W) that travels channels-last; None where it is none."""
        shape = self._q.graph.inputs[name]
        order = transmission_orders(self._q.graph).made[name]
        if len(shape) == 1:
            return None
        if same(order, torch_order(order.size)) and len(shape) != 3:
            return shape[-1], 1, math.prod(shape[:-1])
        if same(order, channels_last(shape)):
            return shape[0], math.prod(shape[1:-1]), shape[-1]
        return None

    def port_lanes(self, name: str, kind: FixedType, target: int) -> int:
        """Lanes at the port of an input for elements of a type: of a vector as many as meet the target; of an
        image whole pixels, or part of one where one is too wide for a beat."""
        size, image = math.prod(self._q.graph.inputs[name]), self.port(name)
        if image is None:
            return choose_lanes(size, size, target)
        channels, height, width = image
        most = max(MAX_PORT_BITS // kind.width, 1)
        if channels > most:
            return next(d for d in reversed(divisors(channels)) if d <= most)
        legal = [p for p in divisors(width) if p * channels <= most and not (self._single and p > 1)]
        return channels * next((p for p in legal if height * width // p <= self.pace), legal[-1])

    @property
    def shapes(self) -> Sequence[Shape]:
        """See Lowering."""
        return [self._q.graph.shapes[name] for name in self._layer.inputs]

    @property
    def input_shapes(self) -> Sequence[Shape]:
        """Shapes of the current layer's inputs as hardware looks at them."""
        return [self._layer.op.image(shape) for shape in self.shapes]

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        """See Lowering."""
        weights = self._layer.weight_raw
        assert weights is not None
        per_channel = weights.shape[0] == groups == self.input_shapes[0][0]
        folded = per_channel or self._config.of(self._layer.name).strategy is Strategy.FOLDED
        # A folded matrix-vector unit has one group after the other.
        turns = 1 if per_channel or not folded else groups
        self._options(window, FOLDED if folded else 1, turns, weights.size)

    def pool(self, window: WindowSpec, average: bool) -> None:
        """See Lowering."""
        self._options(window)

    def elementwise(self, part: str, kernel: type[Kernel], told: Told = lambda _: {}) -> None:
        """See Lowering; what reads one stream takes whatever beats there are."""
        if len(self._layer.inputs) > 1:
            self._options(None)
        else:
            self._cycles[self._layer.name] = {FOLDED: 1}

    def reduction(self, mode: Reduction, groups: IntArray) -> None:
        """See Lowering; the sizes of beats that it can take are asked for by ``reducible``."""
        name, shape = self._layer.name, self.shapes[0]
        found = Folding.of(groups[transmission_orders(self._q.graph).taken[name][0]])
        assert found is not None, "an operator takes its elements so that they can be reduced"
        most = shape[0] if self._single and len(shape) > 1 else MAX_ELEMENTS
        sizes = [size for size in found.beats if size <= most] or found.beats[:1]
        self._reducible[name] = sizes
        self._cycles[name] = {FOLDED: groups.size // sizes[-1]}

    def reducible(self, layer: str) -> list[int]:
        """Elements of a beat that a reducing layer can take, ascending."""
        return self._reducible[layer]

    def rearrange(self, index: IntArray) -> None:
        """See Lowering; it keeps up with what it reads."""

    def join(self, index: IntArray) -> None:
        """See Lowering; it keeps up with what it reads."""

    @property
    def _by_hand(self) -> bool:
        wish = self._config.of(self._layer.name)
        return (wish.pe, wish.simd, wish.reuse_factor) != (None, None, None)

    def _options(
        self, window: WindowSpec | None, start: int = FOLDED, turns: int = 1, products: int = 0
    ) -> None:
        """Note how many cycles the current layer takes with each number of pixels per beat.

        start: what it is without several. turns: how often that works on each pixel. products: per window.
        """
        shape, made = self.input_shapes[0], self._layer.op.image(self._q.graph.shapes[self._layer.name])
        found = self._cycles[self._layer.name]
        if len(shape) != 3:
            found[start] = turns
            return
        for pixels in divisors(shape[2]):
            if window is None or window.is_pointwise:
                cycles, taps, windows = math.prod(shape[1:]) // pixels, 1, pixels
            else:
                geometry = WindowGeometry.of(window, shape, made, pixels)
                cycles, taps, windows = math.prod(geometry.scan), window.taps, geometry.windows
            if pixels == 1:
                found[start] = cycles * turns
                if self._single or self._by_hand:
                    return
            elements = shape[0] * max(pixels, windows * taps)
            if windows * products <= MAX_PRODUCTS and elements <= MAX_ELEMENTS:
                found.setdefault(pixels, cycles)
