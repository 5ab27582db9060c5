"""Numbers as people read them, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpq_hls.search.metric import shown, shown_drop, title


def score(value: float, metric: str) -> str:
    """A score with its unit: percent for shares of right answers."""
    return shown(metric, value)


def metric_name(metric: str) -> str:
    """What a score is called."""
    return title(metric)


def drop(value: float, metric: str) -> str:
    """How much of a score is lost: percentage points for shares of right answers."""
    return shown_drop(metric, value)


def bounds(interval: Sequence[float], metric: str) -> str:
    """A confidence interval of a score."""
    first, last = sorted(interval, key=lambda value: float(shown(metric, value).split()[0]))
    return f"{shown(metric, first).removesuffix(' %')} .. {shown(metric, last)}"


def drop_bounds(interval: Sequence[float], metric: str) -> str:
    """A confidence interval of a drop."""
    low, high = interval
    return f"{drop(low, metric).removesuffix(' points')} .. {drop(high, metric)}"


def unseen(known: Mapping[str, Any]) -> str:
    """The most that is lost on unseen data and how sure that is, of a search's result or a guarantee."""
    if known["confidence"] is None:
        return "unknown: confidence is null, so that max_drop holds on the validation data alone"
    if known["drop_bound"] is None:
        return "unknown"
    sure = f"{100 * known['confidence']:g} %"
    return f"at most {drop(known['drop_bound'], known['metric'])} ({sure})"


def verdict(known: Mapping[str, Any]) -> str:
    """Whether that was shown to be within what may be lost, and how, or why not."""
    if known["confirmation"] is not None:
        return str(known["confirmation"]["sentence"])
    return "certified" if known["certified"] else "not certified"


def probability(value: float) -> str:
    """A p-value."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def change(value: float, reference: float) -> str:
    """By how much a figure differs from a reference, in percent."""
    if value == reference or not reference:
        return ""
    return f"{100 * (value / reference - 1):+.1f} %"


def count(value: float) -> str:
    """A whole number with thousands separated."""
    return f"{value:,.0f}"


def bits(value: int) -> str:
    """Memory in bits, and in kilobytes where that is easier to grasp."""
    return f"{value:,} bits" if value < 8192 else f"{value:,} bits ({value / 8192:.1f} KiB)"


def ratio(part: float, whole: float) -> str:
    """How many times smaller ``part`` is than ``whole``."""
    return f"{whole / part:.2f} x" if part else "-"


def share(used: float, available: float) -> str:
    """Use of what is available, in percent."""
    return f"{100 * used / available:.1f} %" if available else "-"


def saturated(counted: Mapping[str, int]) -> str:
    """Which share of the values did not fit, in percent; "0" where all did."""
    count, total = counted["count"], counted["total"]
    if not count:
        return "0"
    percent = 100 * count / total
    return f"{percent:.2g} %" if percent < 1 else f"{percent:.1f} %"


def duration(cycles: int | None, clock_ns: float) -> str:
    """Clock cycles and the time they take."""
    if cycles is None:
        return "-"
    nano = cycles * clock_ns
    time = f"{nano:,.1f} ns" if nano < 100 else f"{nano / 1000:,.2f} us"
    return f"{cycles:,} {'cycle' if cycles == 1 else 'cycles'} ({time})"


def width(value: int | None) -> str:
    """A width, "-" where there is none."""
    return "-" if value is None else str(value)


def layer_bits(layers: list[dict[str, Any]]) -> str:
    """``conv1 4/5`` for weight/activation bits, for all layers."""
    parts = [
        f"{layer['name']} {width(layer['weight_width'])}/{layer['activation_width']}" for layer in layers
    ]
    return ", ".join(parts)


def weight_type(layer: dict[str, Any]) -> str:
    """The type that weights are stored in, and up to how far sums are shifted by their channel's scale."""
    if layer["weight_type"] is None:
        return "-"
    shift = layer["channel_shift"]
    return f"{layer['weight_type']} << 0..{shift}" if shift else str(layer["weight_type"])
