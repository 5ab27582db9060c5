"""What the hardware of many networks has in common: those that differ in types and parameters alone."""

from __future__ import annotations

from collections.abc import Mapping

from hpq_hls.fixed import FixedType
from hpq_hls.hardware.build import builder_of
from hpq_hls.hardware.config import HardwareConfig
from hpq_hls.hardware.recipes import Block
from hpq_hls.simulate import QuantizedGraph


class Skeleton:
    """The hardware of a network, taken apart by its layers.

    Networks of one graph that are folded alike have the same kernels and streams. Only their types, and
    what is in their memories, are their own, and a layer alone decides those of its kernels.

    Attributes
    ----------
    flow : the hardware of the network that it was made from.
    blocks : what each layer, and each input, becomes; streams are as in ``flow`` but for their types.

    Raises ConfigError as ``build_dataflow``.
    """

    def __init__(self, q: QuantizedGraph, config: HardwareConfig) -> None:
        self._builder = builder_of(q, config)
        self._suited: dict[tuple[FixedType, ...], bool] = {}
        self._lanes = self._input_lanes(q)
        self.flow = self._builder.build(q.name)
        self.blocks: Mapping[str, Block] = self._builder.blocks

    def suits(self, q: QuantizedGraph) -> bool:
        """Whether it is the one of this network too, at the same folding."""
        if q.graph is not self._builder.q.graph:
            return False
        types = tuple(q.input_types.values())
        if types not in self._suited:
            self._suited[types] = self._input_lanes(q) == self._lanes
        return self._suited[types]

    def _input_lanes(self, q: QuantizedGraph) -> list[int]:
        return [self._builder.input_lanes(name, kind) for name, kind in q.input_types.items()]
