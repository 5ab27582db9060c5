"""Numbers as people read them, the same in the terminal and on the page."""

from __future__ import annotations

from typing import Any


def score(value: float, metric: str) -> str:
    """A score with its unit: percent for top1."""
    return f"{100 * value:.2f} %" if metric == "top1" else f"{value:.6g}"


def metric_name(metric: str) -> str:
    """What a score is called."""
    return "accuracy" if metric == "top1" else f"score ({metric}, larger is better)"


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
