"""What a network may take at most: a part's capacity, a latency, a throughput."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from hpq_hls.cost import Part, find_part
from hpq_hls.hardware import whole_cycles
from hpq_hls.quantize.precision import nearest
from hpq_hls.search.errors import SettingError


class Figure(str, enum.Enum):
    """A number that an estimate, or counting, gives for a network."""

    LUT = "lut"
    FF = "ff"
    DSP = "dsp"
    BRAM = "bram"
    LATENCY = "latency"
    INTERVAL = "interval"
    WEIGHT_BITS = "weight_bits"
    BOPS = "bops"

    def __str__(self) -> str:
        return self.value

    @property
    def estimated(self) -> bool:
        """Whether it takes an estimate to know it."""
        return self not in (Figure.WEIGHT_BITS, Figure.BOPS)


TIMES = frozenset({Figure.LATENCY, Figure.INTERVAL})
RESOURCES = (Figure.LUT, Figure.FF, Figure.DSP, Figure.BRAM)
_UNITS = {
    Figure.LUT: "LUTs",
    Figure.FF: "flip-flops",
    Figure.DSP: "DSPs",
    Figure.BRAM: "block RAMs of 18 kbit",
    Figure.LATENCY: "cycles of latency",
    Figure.INTERVAL: "cycles from inference to inference",
    Figure.WEIGHT_BITS: "bits of weights and biases",
    Figure.BOPS: "bit operations",
}


@dataclass(frozen=True)
class Bound:
    """The most that a figure may be. key: the setting that says so; meaning: what that is in words, if more
    than the number."""

    key: str
    figure: Figure
    most: float
    meaning: str = ""


@dataclass(frozen=True)
class Checked:
    """A bound, and what a network takes."""

    bound: Bound
    value: float

    @property
    def slack(self) -> float:
        """By which share of the bound the figure lies above it; at most 0 where it is met."""
        return (self.value - self.bound.most) / max(self.bound.most, 1.0)

    @property
    def excess(self) -> float:
        """By which share the bound is exceeded; 0 where it is met."""
        return max(self.slack, 0.0)

    def __str__(self) -> str:
        """Such as "61,204 LUTs of at most 42,560 (80 % of xc7z020), 44 % too many"."""
        most = self.bound.most
        limit = f"{math.floor(most):,}" + (f" ({self.bound.meaning})" if self.bound.meaning else "")
        said = f"{self.value:,.0f} {_UNITS[self.bound.figure]} of at most {limit}"
        percent = 100 * self.excess
        shown = f"{percent:,.0f}" if percent >= 100 else f"{percent:.3g}"
        return said if percent == 0 else f"{said}, {shown} % too many"


@dataclass(frozen=True)
class Limits:
    """What a network may take at most; None: as much as it needs. All that are given hold at once.

    utilisation: share of the part's LUTs, flip-flops, DSPs and block RAMs, such as 0.8. lut, ff, dsp, bram:
    of these (block RAMs of 18 kbit). weight_bits: memory of weights and biases. latency_cycles,
    latency_us: from the first beat of an input to the last of its output. interval_cycles: from inference
    to inference; throughput: inferences per second. Times are by the clock that the search is given. A limit
    on time can be met with more hardware than the part has, so that with one, utilisation None is 1.

    Raises:
        SettingError: one of them is no number, or out of range.
    """

    utilisation: float | None = None
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    weight_bits: int | None = None
    latency_cycles: int | None = None
    latency_us: float | None = None
    interval_cycles: int | None = None
    throughput: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            try:
                check_limit(field.name, getattr(self, field.name))
            except ValueError as error:  # noqa: PERF203  (ten fields)
                raise SettingError(("limits", field.name), str(error)) from None

    def bounds(self, part: str, clock_ns: float) -> tuple[Bound, ...]:
        """The limits in terms of figures.

        Raises:
            ConfigError: the part is unknown.
        """
        return tuple(self._bounds(find_part(part), clock_ns))

    def _bounds(self, part: Part, clock_ns: float) -> Iterator[Bound]:
        times = (self.latency_cycles, self.latency_us, self.interval_cycles, self.throughput)
        utilisation = self.utilisation
        if utilisation is None and any(limit is not None for limit in times):
            utilisation = 1.0
        if utilisation is not None:
            for figure in RESOURCES:
                share = f"{100 * utilisation:g} % of {part.name}"
                yield Bound("utilisation", figure, utilisation * part.resources[figure.value], share)
        for key, figure in (
            *((figure.value, figure) for figure in (*RESOURCES, Figure.WEIGHT_BITS)),
            ("latency_cycles", Figure.LATENCY),
            ("interval_cycles", Figure.INTERVAL),
        ):
            most = getattr(self, key)
            if most is not None:
                yield Bound(key, figure, most)
        if self.latency_us is not None:
            meaning = f"{self.latency_us:g} us at {clock_ns:g} ns"
            yield Bound("latency_us", Figure.LATENCY, whole_cycles(1e3 * self.latency_us, clock_ns), meaning)
        if self.throughput is not None:
            meaning = f"{self.throughput:,g} inferences per second at {clock_ns:g} ns"
            yield Bound("throughput", Figure.INTERVAL, whole_cycles(1e9 / self.throughput, clock_ns), meaning)


def check_limit(name: str, given: Any) -> Any:
    """The limit called ``name``, if it can be one.

    Raises:
        ValueError: it cannot; the text is the rest of a sentence that starts with the setting's name.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise ValueError(f"is {given!r}; give a number")
    if name == "utilisation" and not 0 < given <= 1:
        raise ValueError(f"is {given:g}; it is a share of the part, more than 0 and up to 1, such as 0.8")
    if name in ("latency_us", "throughput"):
        if given <= 0:
            raise ValueError(f"is {given:g}; it must be more than 0")
    elif name != "utilisation":
        if given != int(given):
            raise ValueError(f"is {given!r}; it must be a whole number")
        least = 1 if name.endswith("_cycles") else 0
        if given < least:
            raise ValueError(f"is {given}; it must be at least {least}")
    return given


def check_bounds(bounds: Iterable[Bound], figures: Mapping[Figure, float]) -> tuple[Checked, ...]:
    """What a network takes beside what it may take."""
    return tuple(Checked(bound, figures[bound.figure]) for bound in bounds)


def exceeded(checks: Iterable[Checked]) -> str:
    """Which limits are exceeded by how much, the worst first, as the end of a sentence; "" if none is."""
    over = sorted((check for check in checks if check.excess > 0), key=lambda check: -check.excess)
    return " and ".join(f"limits.{check.bound.key}: {check}" for check in over)


def find_limits(given: Limits | Mapping[str, Any] | None) -> Limits:
    """The limits that are meant: an object, or a mapping of its fields.

    Raises:
        SettingError: an unknown name, or a limit that cannot be one.
    """
    if given is None:
        return Limits()
    if isinstance(given, Limits):
        return given
    if not isinstance(given, Mapping):
        raise SettingError(("limits",), f"is {given!r}; give a mapping such as {{utilisation: 0.8}}")
    known = [field.name for field in fields(Limits)]
    for name in given:
        if name not in known:
            raise SettingError(("limits", str(name)), f"is no limit{nearest(str(name), known)}")
    return Limits(**given)
