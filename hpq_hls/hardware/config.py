"""What a user can choose about the hardware."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hpq_hls.billing.delays import Pace, delays_of
from hpq_hls.billing.inference import Figures
from hpq_hls.billing.parts import find_part
from hpq_hls.errors import ConfigError

DEFAULT_PART = "xc7z020clg400-1"
DEFAULT_CLOCK_NS = 5.0
DEFAULT_UTILISATION = 0.8
"""Share of each resource that is taken at most: placers get into trouble beyond."""


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


class Multiplier(enum.Enum):
    """What the products of a layer are built from.

    AUTO: in DSP blocks where the widths are worth one of their own or shared with other rows, as long as the
    part has them; else in LUTs.
    DSP: in DSP blocks, where rows share them at any width; a product alone that is too narrow for Yosys to
    build it there (``hpq_hls.billing.blocks.in_dsp``) stays in LUTs. They never move into LUTs for want of
    blocks.
    LUT: in LUTs at any width (``hpq_hls.billing.products``), so that no DSP block is taken.
    """

    AUTO = "auto"
    DSP = "dsp"
    LUT = "lut"


class Tlast(enum.Enum):
    """What the input ports make of TLAST.

    CHECKED: it has to come with the last beat of a frame and with no other; a packet that is too short or too
    long raises the port's ``packet_error`` until reset, and the next one is right again.
    IGNORED: nothing, for masters that do not drive it; beats are counted.
    """

    CHECKED = "checked"
    IGNORED = "ignored"


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer, by hand.

    pe: rows worked on in parallel; simd: columns worked on in parallel; or reuse_factor: how many
    cycles one matrix-vector product may take. pixels: neighbours of a row that it reads in one beat (io
    stream). multiplier: what its products are built from.
    """

    pe: int | None = None
    simd: int | None = None
    reuse_factor: int | None = None
    strategy: Strategy = Strategy.FOLDED
    multiplier: Multiplier = Multiplier.AUTO
    pixels: int | None = None


@dataclass(frozen=True)
class HardwareConfig:
    """Folding of a network.

    target_interval: cycles per inference that every layer should meet at least cost; None: the fastest that
        fits ``part`` (see ``hpq_hls.cost.folding``).
    reuse_factor, strategy, multiplier: for every layer that ``layers`` does not mention. part: as the vendor
    tool names it. utilisation: share of each of its resources that may be taken. tlast: what the input ports
    make of it. clock_ns: the clock's period, which registers are placed for. calibration:
    whose figures are estimated, instead of those of the RTL twin after Yosys; what is built does not depend
    on it. stages: of the pipelines that FIFOs are estimated to have room for; 0: those of the RTL.
    """

    io: Io = Io.STREAM
    target_interval: int | None = None
    reuse_factor: int | None = None
    strategy: Strategy = Strategy.FOLDED
    multiplier: Multiplier = Multiplier.AUTO
    layers: Mapping[str, LayerFolding] = field(default_factory=lambda: MappingProxyType({}))
    part: str = DEFAULT_PART
    utilisation: float = DEFAULT_UTILISATION
    tlast: Tlast = Tlast.CHECKED
    clock_ns: float = DEFAULT_CLOCK_NS
    calibration: Figures | None = None
    stages: int = 0

    def of(self, layer: str) -> LayerFolding:
        """The folding of a layer."""
        return self.layers.get(layer, self._others)

    @functools.cached_property
    def _others(self) -> LayerFolding:
        """Of the layers that have none of their own."""
        return LayerFolding(
            reuse_factor=self.reuse_factor, strategy=self.strategy, multiplier=self.multiplier
        )

    @property
    def pace(self) -> Pace:
        """What registers are placed for.

        Raises:
            ConfigError: an unknown part.
        """
        delays = delays_of(find_part(self.part).family, self.part)
        return Pace(delays, delays.left(self.clock_ns))


def whole_cycles(time_ns: float, clock_ns: float) -> int:
    """Whole clock cycles in a time; times such as 0.3 us are not exact, and 300 ns are 60 cycles of 5."""
    return math.floor(time_ns / clock_ns * (1 + 1e-12))


def target_of(target_interval: int | None, target_fps: float | None, clock_ns: float) -> int | None:
    """The target interval in cycles that is meant by cycles, or by inferences per second.

    Raises:
        ConfigError: both are given, or one is no number above 0, or no whole cycle is left.
    """
    if target_interval is not None:
        if isinstance(target_interval, bool) or not isinstance(target_interval, int) or target_interval < 1:
            raise ConfigError(f"target_interval is {target_interval!r}; give a whole number of at least 1")
        if target_fps is not None:
            raise ConfigError("target_interval and target_fps are both given; keep one of them")
    if target_fps is None:
        return target_interval
    number = isinstance(target_fps, (int, float)) and not isinstance(target_fps, bool)
    if not number or not 0 < target_fps < math.inf:
        raise ConfigError(f"target_fps is {target_fps!r}; give inferences per second, more than 0")
    cycles = whole_cycles(1e9 / target_fps, clock_ns)
    if cycles < 1:
        raise ConfigError(
            f"target_fps is {target_fps:,g}, more than a clock of {clock_ns:g} ns has cycles "
            f"({1e9 / clock_ns:,.0f} per second); ask for fewer or use a faster clock"
        )
    return cycles


CLOCKS_NS = 0.1, 1_000_000
"""From ten times what any part reaches to a kilohertz: what is beyond is in another unit."""


def check_clock(clock_ns: float) -> float:
    """A clock period in nanoseconds.

    Raises:
        ConfigError: it is none.
    """
    number = isinstance(clock_ns, (int, float)) and not isinstance(clock_ns, bool)
    least, most = CLOCKS_NS
    if not number or not least <= clock_ns <= most:
        raise ConfigError(
            f"clock_ns is {clock_ns!r}; give the clock's period in nanoseconds, {least} to {most:,}"
        )
    return float(clock_ns)


def check_utilisation(share: float) -> float:
    """A share of a part's resources.

    Raises:
        ConfigError: it is none.
    """
    number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not number or not 0 < share <= 1:
        raise ConfigError(
            f"utilisation is {share!r}; it is a share of the part, above 0 and up to 1, such as 0.8"
        )
    return share
