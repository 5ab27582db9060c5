"""Weights and activations beside what their types hold, as small pictures."""

from __future__ import annotations

import math
from typing import Any

Plain = dict[str, Any]


def histograms(trace: Plain, network: Plain) -> list[Plain]:
    """Of each traced layer with weights, then of each that casts, in order: ``layer``, ``what``, ``type`` and
    a picture."""
    types = {layer["name"]: layer["weight_type"] for layer in network["layers"]}
    found = []
    for layer in trace["layers"]:
        for key, what, kind in (
            ("weights", "weights", types.get(layer["name"])),
            ("values", "output", layer["type"]),
        ):
            if layer[key] is not None:
                share = layer["saturated"] if key == "values" else layer[key]["outside"]
                found.append(
                    {"layer": layer["name"], "what": what, "type": kind, **_picture(layer[key], share)}
                )
    return found


def _picture(held: Plain, share: float) -> Plain:
    """Bars within the range of the type and beyond it, one wide each and up to 100 high, by the logarithms of
    counts. ``band``: what is rounded into that range, from and to, in bars. share: of values that
    saturate."""
    count, top = len(held["counts"]), math.log1p(max(held["counts"]))
    wide = (held["high"] - held["low"]) / count
    band = [
        (end - held["low"]) / wide
        for end in (held["least"] - held["step"] / 2, held["most"] + held["step"] / 2)
    ]
    heights = [round(100 * math.log1p(number) / top) for number in held["counts"]]
    fits = [band[0] <= number + 0.5 <= band[1] for number in range(count)]
    zero = -held["low"] / wide
    return {
        "bars": count,
        "inside": _bars([height if fit else 0 for height, fit in zip(heights, fits, strict=True)]),
        "beyond": _bars([0 if fit else height for height, fit in zip(heights, fits, strict=True)]),
        "band": [round(end, 2) for end in band],
        "ends": (f"{held['low']:.3g}", f"{held['high']:.3g}"),
        "zero": round(zero, 2) if 0 <= zero <= count else None,
        "holds": f"{held['least']:.4g} to {held['most']:.4g} in steps of {held['step']:.3g}",
        "saturated": "none saturates" if not share else f"{100 * share:.2g} % saturate",
        "clips": share > 0,
    }


def _bars(heights: list[int]) -> str:
    """An outline of bars side by side; "" where none is higher than nothing."""
    steps = "".join(f"V{100 - height}h1" for height in heights)
    return f"M0 100{steps}V100z" if any(heights) else ""
