"""What a user can choose about the hardware."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


class Io(enum.Enum):
    """How tensors travel.

    STREAM: a pixel, a part of one, or a few of them per beat, layers folded over time.
    PARALLEL: the whole tensor in one beat, every multiplication in hardware, initiation interval 1.
    """

    STREAM = "stream"
    PARALLEL = "parallel"


class Strategy(enum.Enum):
    """How a layer's matrix-vector products are built.

    FOLDED: PE x SIMD multipliers, used over and over (io stream only; in io parallel as UNROLLED).
    UNROLLED: every multiplication in hardware.
    DA: no multiplication; a graph of adders that share partial sums (see ``adder_graph``).
    """

    FOLDED = "folded"
    UNROLLED = "unrolled"
    DA = "da"


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer, by hand.

    pe: rows worked on in parallel; simd: columns worked on in parallel; or reuse_factor: how many
    cycles one matrix-vector product may take.
    """

    pe: int | None = None
    simd: int | None = None
    reuse_factor: int | None = None
    strategy: Strategy = Strategy.FOLDED


@dataclass(frozen=True)
class HardwareConfig:
    """Folding of a network.

    target_interval: cycles per inference that every layer should meet at least cost; None takes the
        fastest that needs no more than ``multiplier_budget`` multipliers.
    reuse_factor, strategy: for every layer that ``layers`` does not mention.
    """

    io: Io = Io.STREAM
    target_interval: int | None = None
    multiplier_budget: int = 220
    reuse_factor: int | None = None
    strategy: Strategy = Strategy.FOLDED
    layers: Mapping[str, LayerFolding] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, layer: str) -> LayerFolding:
        """The folding of a layer."""
        return self.layers.get(layer, LayerFolding(reuse_factor=self.reuse_factor, strategy=self.strategy))
