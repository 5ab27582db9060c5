"""Weights and activations beside what their types hold, as small pictures."""

from __future__ import annotations

import math
from typing import Any

from hpq_hls.report.axes import Axis

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
    """Bars in a frame of 100 x 100 whose heights are the logarithms of counts, within the range of the type
    and beyond; ``band``: what is rounded into that range, from and to. share: of values that saturate."""
    axis, top = Axis(held["low"], held["high"]), math.log1p(max(held["counts"]))
    wide = (held["high"] - held["low"]) / len(held["counts"])
    inside: list[str] = []
    beyond: list[str] = []
    band = (held["least"] - held["step"] / 2, held["most"] + held["step"] / 2)
    for number, count in enumerate(held["counts"]):
        if not count:
            continue
        low = held["low"] + number * wide
        fits = band[0] <= low + wide / 2 <= band[1]
        height = 100 * math.log1p(count) / top
        bar = f"M{axis.place(low):g} 100v-{height:.1f}h{100 / len(held['counts']):.2f}V100z"
        (inside if fits else beyond).append(bar)
    return {
        "inside": "".join(inside),
        "beyond": "".join(beyond),
        "band": (axis.place(band[0]), axis.place(band[1])),
        "ends": (f"{held['low']:.3g}", f"{held['high']:.3g}"),
        "zero": axis.place(0) if axis.holds(0) else None,
        "holds": f"{held['least']:.4g} to {held['most']:.4g} in steps of {held['step']:.3g}",
        "saturated": "none saturates" if not share else f"{100 * share:.2g} % saturate",
        "clips": share > 0,
    }
