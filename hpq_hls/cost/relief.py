"""Products move from DSP blocks into LUTs where a part has too few of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill, Row
from hpq_hls.billing.coefficients import luts
from hpq_hls.billing.parts import Part, find_part
from hpq_hls.cost.kernels import bill_kernel
from hpq_hls.hardware import HardwareConfig, Multiplier, build_dataflow
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True)
class Exchange:
    """What a layer does without if its products are built in LUTs, and how many more LUTs that takes."""

    dsp: int
    lut: float

    def __add__(self, other: Exchange) -> Exchange:
        """Of both together."""
        return Exchange(self.dsp + other.dsp, self.lut + other.lut)


def allowance(device: Part, utilisation: float) -> int:
    """DSP blocks that a design may take."""
    return int(utilisation * device.dsp)


def relieve(q: QuantizedGraph, config: HardwareConfig) -> HardwareConfig:
    """The same folding with the products of some layers in LUTs, if it takes more DSP blocks than
    ``config.utilisation`` of the part's; of all ways to come below that, the cheapest."""
    device = find_part(config.part)
    flow = build_dataflow(q, config)
    taken, offers = 0, dict[str, Exchange]()
    for kernel in flow.kernels:
        bill = bill_kernel(kernel, flow.streams, device.family)
        taken += bill.dsp
        if bill.dsp and config.of(kernel.layer).multiplier is not Multiplier.DSP:
            offer = exchange(bill_kernel(kernel.in_fabric(), flow.streams, device.family), bill.row)
            offers[kernel.layer] = offers.get(kernel.layer, Exchange(0, 0.0)) + offer
    chosen = cheapest(offers, taken - allowance(device, config.utilisation))
    inside = {name: replace(config.of(name), multiplier=Multiplier.LUT) for name in chosen}
    return replace(config, layers={**config.layers, **inside}) if inside else config


def exchange(inside: Bill, row: Row) -> Exchange:
    """What a kernel offers whose bill has this row. inside: its bill with its products in LUTs."""
    difference = Bill.of(inside.family, inside.row - row)
    return Exchange(-difference.dsp, luts(difference))


def cheapest(offers: Mapping[str, Exchange], excess: int) -> list[str]:
    """Layers that together do without ``excess`` DSP blocks, or all if they cannot, for the fewest LUTs.

    A knapsack, filled block by block: exact, and of ways that are equally good it finds the same one whatever
    the order of ``offers``.
    """
    useful = [(name, offers[name]) for name in sorted(offers) if offers[name].dsp > 0]
    if excess <= 0 or sum(offer.dsp for _, offer in useful) <= excess:
        return [name for name, _ in useful] if excess > 0 else []
    least = np.full(excess + 1, np.inf)  # LUTs for so many blocks or more, by the layers so far
    least[0] = 0.0
    taken: list[npt.NDArray[np.bool_]] = []
    for _, offer in useful:
        without = least[np.maximum(np.arange(excess + 1) - offer.dsp, 0)] + offer.lut
        taken.append(without < least)
        least = np.minimum(without, least)
    chosen: list[str] = []
    for (name, offer), better in zip(reversed(useful), reversed(taken), strict=True):
        if better[excess]:
            chosen.append(name)
            excess = max(excess - offer.dsp, 0)
    return chosen
