"""One layer at a time in hardware, at nominal types: what the choice of a folding looks at."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.billing.packing import Sharing
from hpq_hls.billing.parts import Family
from hpq_hls.fixed import FixedType
from hpq_hls.hardware.config import HardwareConfig, LayerFolding
from hpq_hls.hardware.folding import foldings
from hpq_hls.hardware.naming import Namer
from hpq_hls.hardware.recipes import Arrange, Block
from hpq_hls.hardware.stream_builder import StreamBuilder
from hpq_hls.kernels import IntArray, Kernel, Stream, Weighted
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.layer import epilogue_of

VALUE, WEIGHT = FixedType(8, 4, signed=True), FixedType(8, 1, signed=True)
"""Nominal types, at which foldings are chosen: all networks of a graph are folded alike at a target."""
SUM = FixedType(24, 12, signed=True)
"""Nominal accumulators and biases."""
FAMILY = Family.SERIES_7
"""What is compared is compared on this one, whatever the part."""


@dataclass(frozen=True, eq=False)
class Piece:
    """What a layer becomes behind streams of some lanes.

    kernels: in order. streams: all that the kernels read and write. output: the name of what the next layer
    reads, or of the first of several copies of it.
    """

    kernels: tuple[Kernel, ...]
    streams: dict[str, Stream]
    outputs: tuple[str, ...]


class Probe(StreamBuilder):
    """Lowers single layers, with types and weights that depend on nothing but shapes."""

    def __init__(self, q: QuantizedGraph, config: HardwareConfig, target: int) -> None:
        super().__init__(q, config, target)
        self._wish: LayerFolding | None = None
        self._options: tuple[LayerFolding, ...] = ()

    def options(self, layer: str, lanes: Sequence[int | None]) -> tuple[LayerFolding, ...]:
        """Foldings of a layer that meet the target and are worth a look; none where there is no choice.

        lanes: of the streams that it reads; None: of the network's input, which takes what is wanted.
        """
        self._options = ()
        self.piece(layer, lanes, None)
        return self._options

    def piece(self, layer: str, lanes: Sequence[int | None], wish: LayerFolding | None) -> Piece:
        """A layer folded as wished for; None: with the fewest multipliers."""
        self.streams, self.kernels, self._namer, self._ready = {}, [], Namer(), defaultdict(list)
        self._layer, self._wish, self._floating = self.q.layers[layer], wish, frozenset()
        self._inputs = [
            self._given(f"{name}_{number}", math.prod(self.q.graph.shapes[name]), lanes[number])
            for number, name in enumerate(self._layer.inputs)
        ]
        self._block = Block(tuple(self._inputs))
        self.lower()
        streams = {name: replace(stream, type=VALUE) for name, stream in self.streams.items()}
        return Piece(
            tuple(kernel.nominal(SUM) for kernel in self.kernels), streams, tuple(self._ready[layer])
        )

    def _given(self, wish: str, elements: int, lanes: int | None) -> str:
        name = self._namer.unique(wish)
        self.streams[name] = Stream(name, VALUE, lanes or 1, elements // (lanes or 1))
        if lanes is None:
            self._floating |= {name}
        return name

    def choose(
        self, rows: int, simds: Mapping[int, int], products: int, wish: LayerFolding
    ) -> tuple[int, int]:
        if self._wish is not None and self._wish.pe is not None and self._wish.simd is not None:
            return self._wish.pe, self._wish.simd
        found = super().choose(rows, simds, products, wish)
        if (wish.pe, wish.simd, wish.reuse_factor) == (None, None, None):
            legal = foldings(rows, simds, products, self.target)
            pixels = self._plan.of(self._layer.name).pixels
            several = wish.pixels if pixels == 1 else pixels
            self._options = tuple(replace(wish, pe=pe, simd=simd, pixels=several) for pe, simd in legal)
        return found

    def emit_weighted(
        self, make: Callable[..., Weighted], arrange: Arrange, lanes: int, **settings: bool
    ) -> None:
        epilogue = epilogue_of(self._layer.activation, SUM.fraction, VALUE)
        weight = _weights(arrange(self._layer).shape)
        told = {"adders": None} if settings.get("adders") else {}
        self.kernels.append(
            make(
                **told,
                weight=weight,
                bias=np.ones(weight.shape[:-1], np.int64),
                weight_type=WEIGHT,
                bias_type=SUM,
                accumulator_type=SUM,
                sharing=Sharing(FAMILY.operands, VALUE),
                epilogue=self.in_order(epilogue, self._layer.name, lanes),
            )
        )


@functools.lru_cache(maxsize=256)
def _weights(shape: tuple[int, ...]) -> IntArray:
    """Weights like any other."""
    return np.random.default_rng(0).integers(-128, 128, shape)
