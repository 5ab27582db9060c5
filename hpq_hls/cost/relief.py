"""Products move from DSP blocks into LUTs where a part has too few of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hpq_hls.cost.estimate import bill_layers, luts_of
from hpq_hls.cost.parts import find_part
from hpq_hls.hardware import HardwareConfig, Multipliers, build_dataflow
from hpq_hls.simulate import QuantizedGraph


@dataclass(frozen=True)
class Exchange:
    """What a layer does without if its products are built in LUTs, and what that costs."""

    dsp: int
    lut: int


def relieve(q: QuantizedGraph, config: HardwareConfig) -> HardwareConfig:
    """The same folding with the products of some layers in LUTs, if it takes more DSP blocks than
    ``config.utilisation`` of the part's; of all ways to come below that, about the cheapest.

    Layers whose ``multipliers`` are settled by hand stay as they are.
    """
    device = find_part(config.part)
    most = int(config.utilisation * device.dsp)
    with_dsp = bill_layers(build_dataflow(q, config), device.family)
    excess = sum(bill.dsp for bill in with_dsp.values()) - most
    if excess <= 0:
        return config
    names = [name for name, bill in with_dsp.items() if bill.dsp]
    moved = _moved(config, names)
    without = bill_layers(build_dataflow(q, moved), device.family)
    exchanges = {
        name: Exchange(
            with_dsp[name].dsp - without[name].dsp, luts_of(without[name]) - luts_of(with_dsp[name])
        )
        for name in names
    }
    return _moved(config, cheapest(exchanges, excess))


def cheapest(exchanges: Mapping[str, Exchange], excess: int) -> list[str]:
    """Layers that together do without ``excess`` DSP blocks, or all if they cannot, for about the fewest
    LUTs: by LUTs per block, and then without those that turn out not to be needed."""
    chosen: list[str] = []
    left = excess
    useful = {name: exchange for name, exchange in exchanges.items() if exchange.dsp > 0}
    for name in sorted(useful, key=lambda name: useful[name].lut / useful[name].dsp):
        if left <= 0:
            break
        chosen.append(name)
        left -= useful[name].dsp
    for name in sorted(chosen, key=lambda name: -useful[name].lut):
        if left + useful[name].dsp <= 0:
            chosen.remove(name)
            left += useful[name].dsp
    return chosen


def _moved(config: HardwareConfig, layers: list[str]) -> HardwareConfig:
    inside = {name: replace(config.of(name), multipliers=Multipliers.FABRIC) for name in layers}
    return replace(config, layers={**config.layers, **inside})
