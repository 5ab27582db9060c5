"""How many pixels of a row travel in one beat of io stream: the fewest that meet a target interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.errors import ConfigError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware.config import HardwareConfig, LayerFolding, Strategy
from hpq_hls.hardware.order import same, transmission_orders
from hpq_hls.kernels import Kernel, Reduction
from hpq_hls.kernels.geometry import WindowGeometry
from hpq_hls.kernels.lanes import choose_lanes, divisors
from hpq_hls.ops.base import IntArray, Shape, Told
from hpq_hls.ops.folding import Folding
from hpq_hls.ops.layout import channels_last, torch_order
from hpq_hls.ops.window import WindowSpec
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer

MAX_PORT_BITS = 1024
"""Beats at the input port are no wider, unless a single element is."""
MAX_PRODUCTS = 1 << 16
MAX_ELEMENTS = 1 << 12
"""Of a layer, and of a beat, with several pixels at once: what synthesis tools can still take."""


@dataclass(frozen=True)
class Taken:
    """How a layer takes pixels. pixels: of a beat that it reads; with 1 and ``folded``, one or a part of one.
    folded: its unit is folded, behind a window that gives several positions at once too, and takes one of
    them after the other; else every multiplication is in hardware."""

    pixels: int
    folded: bool


FOLDED = Taken(1, folded=True)


class PixelPlan:
    """Pixels per beat, layer by layer.

    A folded layer is at its fastest where one position goes through it per cycle, and one pixel is scanned.
    Where that misses the target, it takes the fewest pixels per beat that meet it. Where they are scanned
    fast enough that the unit behind the window can work on one position after the other, it stays folded;
    else every multiplication is in hardware. Where no number of pixels is enough for some layer, the others
    take no more than they need to keep up with it.

    It implements ``hpq_hls.ops.base.Lowering`` to hear what each layer does.

    Parameters
    ----------
    target : cycles per frame that each layer should meet.
    single : no beat has more than one pixel, and no folded layer is anything else.

    Layers that are folded by hand take one pixel, unless ``pixels`` is given by hand too.

    Raises:
        ConfigError: pixels by hand that the layer cannot take.
    """

    def __init__(
        self, q: QuantizedGraph, config: HardwareConfig, target: int, *, single: bool = False
    ) -> None:
        self._q, self._config, self._single = q, config, single
        self._layer: QuantizedLayer
        self._cycles: dict[str, dict[Taken, int]] = {}
        self._reducible: dict[str, list[int]] = {}
        least = [target]
        for layer in q.layers.values():
            self._layer = layer
            self._cycles[layer.name] = {}
            layer.op.lower(self)
            self._check(layer.name)
            if self._cycles[layer.name] and not self._by_hand and self._wish.pixels is None:
                least.append(min(self._cycles[layer.name].values()))
        self.pace = max(least)

    def of(self, layer: str) -> Taken:
        """How a layer takes pixels."""
        cycles = self._cycles[layer]
        return next((way for way in cycles if cycles[way] <= self.pace), min(cycles, key=lambda w: cycles[w]))

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
        self._options(window, folded, turns, weights.size)

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

    def constant(self) -> None:
        """See Lowering; it keeps up with what it reads, and has as many lanes as the target asks for."""

    @property
    def _wish(self) -> LayerFolding:
        return self._config.of(self._layer.name)

    @property
    def _by_hand(self) -> bool:
        return (self._wish.pe, self._wish.simd, self._wish.reuse_factor) != (None, None, None)

    def _options(
        self, window: WindowSpec | None, folded: bool = True, turns: int = 1, products: int = 0
    ) -> None:
        """Note how many cycles the current layer takes with each number of pixels per beat, best first.

        folded: it is folded with one. turns: how often it works on each pixel then. products: per window.
        """
        shape, made = self.input_shapes[0], self._layer.op.image(self._q.graph.shapes[self._layer.name])
        found = self._cycles[self._layer.name]
        if len(shape) != 3:
            found[Taken(1, folded)] = turns
            return
        slides = window is not None and not window.is_pointwise
        for pixels in self._legal(shape[2]):
            cycles, taps, windows = math.prod(shape[1:]) // pixels, 1, pixels
            if window is not None and slides:
                geometry = WindowGeometry.of(window, shape, made, pixels)
                cycles, taps, windows = math.prod(geometry.scan), window.taps, geometry.windows
            if pixels == 1:
                found[Taken(1, folded)] = cycles * turns
                if self._single or self._by_hand:
                    return
            if shape[0] * max(pixels, windows * taps) > MAX_ELEMENTS:
                continue
            if pixels > 1 and products and slides and folded and turns == 1:
                # What has every multiplication for one position per cycle is not folded, unless by hand.
                steps = 1 if windows > 1 or self._by_hand else 2
                found[Taken(pixels, folded=True)] = max(cycles, math.prod(made[1:]) * steps)
            if windows * products <= MAX_PRODUCTS and not self._by_hand:
                found.setdefault(Taken(pixels, folded=False), cycles)

    def _legal(self, width: int) -> list[int]:
        """Pixels of a beat of the current layer, whose rows are so wide, that are to be looked at."""
        wish, legal = self._wish.pixels, divisors(width)
        if wish is None:
            return legal
        if wish not in legal:
            raise ConfigError(
                f"pixels of layer {self._layer.name!r} is {wish}, which does not divide its rows of {width}; "
                f"choose one of {', '.join(map(str, legal))}"
            )
        return [wish]

    def _check(self, layer: str) -> None:
        """That pixels by hand are of a layer that can take several, and as many."""
        wish = self._wish.pixels
        if wish is not None and all(way.pixels != wish for way in self._cycles[layer]):
            hand = " with pe, simd or reuse_factor by hand" if self._by_hand else ""
            raise ConfigError(
                f"pixels of layer {layer!r} is {wish}, and this layer cannot take so many at once{hand}; "
                "leave pixels out"
            )
