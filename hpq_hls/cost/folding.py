"""How fast a design is to be: what a target means, and the fastest that a part has room for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hpq_hls.billing.parts import find_part
from hpq_hls.cost.capacity import shortages
from hpq_hls.cost.choosing import choose_layers
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.cost.fifos import size_fifos
from hpq_hls.cost.relief import relieve
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import MIN_DEPTH, Dataflow, HardwareConfig, Io, build_dataflow, with_fifo_depths
from hpq_hls.hardware.build import single_pixel
from hpq_hls.kernels import Kernel
from hpq_hls.simulate import QuantizedGraph

UNLIMITED = 1 << 40
"""A target interval that every folding meets."""
SLOWER = 1.03
"""From target to target where FIFOs make a design too large that fits without."""
BUSY = 0.95
"""Where multipliers work for so much of the time, a pixel per cycle is fast enough."""
LOOKED_AT = 3
"""Targets at which they could work the most, of which designs are compared."""


@dataclass(frozen=True, eq=False)
class Folded:
    """A folding that is decided. config: with a target, PE and SIMD of every layer, and what products are
    built from. interval: cycles of its slowest kernel. note: a sentence where a target is missed, else ""."""

    config: HardwareConfig
    interval: int
    note: str = ""


def fold(q: QuantizedGraph, config: HardwareConfig, *, relieved: bool = True) -> Folded:
    """Decide everything that ``config`` leaves open.

    relieved: whether products move into LUTs where DSP blocks run short (``hpq_hls.cost.relief``), which
    depends on widths, other than all the rest at a target interval.

    With a target interval: the cheapest folding that meets it, or, where none does, the cheapest that is as
    fast as any. Without: the fastest that takes no more than ``config.utilisation`` of any resource of the
    part; where none does, the slowest.

    Raises:
        ConfigError: an unknown part, or folding by hand that does not suit the network.
    """
    _check_reuse(q, config)
    target = config.target_interval
    if config.io is Io.STREAM and target is None:
        found = fastest(q, config)
        target = reached(q, config, UNLIMITED) if found is None else found
    if config.io is Io.PARALLEL:
        folded = Folded(config, interval_of(build_dataflow(q, config)))
    else:
        folded = folded_for(q, config, target or 1)
    return replace(folded, config=relieve(q, folded.config)) if relieved else folded


def _check_reuse(q: QuantizedGraph, config: HardwareConfig) -> None:
    """Raises ConfigError where a layer by hand uses a multiplier more often than it has weights."""
    for name, own in config.layers.items():
        layer = q.layers.get(name)
        weight = None if layer is None else layer.weight_raw
        if weight is not None and own.reuse_factor is not None and own.reuse_factor > weight.size:
            raise ConfigError(
                f"reuse_factor of layer {name!r} is {own.reuse_factor}, and it has {weight.size} weights, "
                f"each used once; give at most {weight.size}"
            )


def folded_for(q: QuantizedGraph, config: HardwareConfig, target: int) -> Folded:
    """The cheapest folding for a target interval, the same for all networks of a graph."""
    quickest = build_dataflow(q, replace(config, target_interval=1))
    floor = interval_of(quickest)
    made = choose_layers(q, config, max(target, floor))
    flow = build_dataflow(q, made)
    interval = interval_of(flow)
    if interval <= target:
        return Folded(made, interval)
    slowest = slowest_kernel(flow)
    note = (
        f"target_interval is {target:,}, but one inference takes {interval:,} cycles: kernel {slowest.name} "
        f"of layer {slowest.layer!r} cannot be faster"
    )
    return Folded(made, interval, note)


def fastest(
    q: QuantizedGraph,
    config: HardwareConfig,
    *,
    in_luts: bool = True,
    room: Mapping[str, int] | None = None,
    asked: bool = False,
) -> int | None:
    """The least target interval whose design fits the part of ``config``; None where not even the slowest
    fits.

    in_luts: whether products may move into LUTs where DSP blocks run short. room: the most of "lut", "ff",
    "dsp" and "bram" beside what the part has. asked: whether targets of less than a cycle per pixel are
    tried; they need ports of several pixels, and else have to be asked for.
    """
    device = find_part(config.part)
    slowest = reached(q, config, UNLIMITED)

    def design(target: int) -> Dataflow:
        made = choose_layers(q, config, target)
        return build_dataflow(q, relieve(q, made) if in_luts else made)

    def fits(flow: Dataflow) -> bool:
        return not shortages(bill_dataflow(flow, device.family), device, config.utilisation, room)

    @functools.cache
    def whole(target: int) -> bool:
        return fits(size_fifos(design(target)))

    def leanest(target: int) -> bool:
        made = design(target)
        return fits(with_fifo_depths(made, dict.fromkeys(made.streams, MIN_DEPTH)))

    # Sizing FIFOs takes long. Before, those of joins have room for a frame, most often more than they need:
    # what fits so is the start. Only if one cycle less fits too, all that fits with the smallest is tried.
    least = reached(q, config, 1) if asked else busiest(q, config)
    found = first(least, slowest, lambda target: fits(design(target))) or slowest
    while not whole(found):
        if found >= slowest:
            return None
        found = min(max(found + 1, round(found * SLOWER)), slowest)
    if found > least and leanest(found - 1) and whole(found - 1):
        low = first(least, found - 1, leanest) or found
        found = first(low, found - 1, whole) or found
    return reached(q, config, found)


def busiest(q: QuantizedGraph, config: HardwareConfig) -> int:
    """The least target interval that is looked at without being asked for: that of a pixel per cycle, or a
    lesser one, of more than half as many cycles, at which more of the multipliers work.

    A unit has a whole number of cycles for each position of its output. What is left of the interval it
    rests, most of all where it has one cycle, as all its multiplications are in hardware, and makes fewer
    positions than pixels are scanned, as at the border of an image. A target that is a multiple of a layer's
    positions leaves nothing of that layer; it may take several pixels per beat.
    """
    flow = single_pixel(q, config)
    pixel = interval_of(flow)
    units = [
        (kernel.cycles(flow.streams), kernel.multipliers) for kernel in flow.kernels if kernel.multipliers
    ]
    work = sum(positions * products for positions, products in units)

    def share(target: int) -> float:
        """Of the time in which multipliers work, if each layer has as many as its whole cycles ask for."""
        return work / (target * sum(products / (target // positions) for positions, products in units))

    def taken(target: int) -> tuple[int, int]:
        """Multipliers times interval, and the interval, of the design for a target."""
        made = build_dataflow(q, choose_layers(q, config, target))
        interval = interval_of(made)
        return interval * sum(kernel.multipliers for kernel in made.kernels), interval

    if work >= BUSY * taken(pixel)[0]:
        return pixel
    least = max(pixel // 2 + 1, *(positions for positions, _ in units))
    multiples = {target for positions, _ in units for target in range(positions, pixel + 1, positions)}
    best = sorted((-share(target), target) for target in multiples if target >= least)[:LOOKED_AT]
    return min((pixel, *(target for _, target in best)), key=taken)


def first(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """The first number of ``low..high`` for which ``holds``, if it holds from some number on; None if it does
    not hold for the last."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def reached(q: QuantizedGraph, config: HardwareConfig, target: int) -> int:
    """The interval that a target leads to."""
    return interval_of(build_dataflow(q, replace(config, target_interval=target)))


def interval_of(flow: Dataflow) -> int:
    """Cycles from inference to inference of a design whose FIFOs are deep enough."""
    return slowest_kernel(flow).cycles(flow.streams)


def slowest_kernel(flow: Dataflow) -> Kernel:
    """The kernel that sets the interval."""
    return max(flow.kernels, key=lambda kernel: kernel.cycles(flow.streams))
