"""The folding that a project is generated with, where limits of its search decide it."""

from __future__ import annotations

from hpq_hls.project import hardware_config
from hpq_hls.quantize import Quantizer
from hpq_hls.search.objective import find_objective
from hpq_hls.search.space import space_of
from hpq_hls.search.speed import TYPICAL_WIDTH, pricer_of
from hpq_hls.settings.config import ProjectFile


def target_interval(project: ProjectFile, quantizer: Quantizer) -> int | None:
    """Cycles per inference that every layer is folded for: what ``hardware`` says, or else what a search
    under the limits of ``search`` compares networks at, so that what is generated keeps to them. Without both
    None, the fastest that fits the part.

    Raises:
        ConfigError: settings of the search that do not fit the network, with file and line.
    """
    wish, chip = project.settings.search, project.settings.hardware
    limits = wish.limits.to_limits()
    if chip.target is not None or not limits.bounds(chip.part, chip.clock_ns):
        return chip.target
    with project.blamed("search"):
        space = space_of(
            quantizer.graph,
            wish.weight_bits,
            wish.activation_bits,
            rounding=wish.rounding,
            layers=wish.layer_rules(),
            groups=wish.groups,
            type_of=quantizer.type_of,
            least_weight_width=quantizer.least_weight_width,
        )
    config = hardware_config(**chip.arguments())
    typical = quantizer.quantize(space.precision(space.near(TYPICAL_WIDTH)))
    objective = find_objective(wish.objective)
    return pricer_of(objective, limits, chip.part, chip.clock_ns, config, typical).config.target_interval
