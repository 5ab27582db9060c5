"""The precision combinations that a search may choose from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hpq_hls.errors import ConfigError
from hpq_hls.graph import Graph
from hpq_hls.quantize import LayerPrecision, Precision
from hpq_hls.quantize.precision import MAX_WIDTH, MIN_WIDTH

Combination = tuple[int, ...]
"""One choice per variable, in the order of ``Space.variables``: the position in its ``choices``."""

WEIGHT_BITS = tuple(range(2, 17))
ACTIVATION_BITS = tuple(range(2, 17))


@dataclass(frozen=True)
class Variable:
    """One width to choose: of the weights or of the output (activation) of a layer.

    choices: the widths in ascending order.
    """

    layer: str
    field: str
    choices: tuple[int, ...]


@dataclass(frozen=True)
class Space:
    """All combinations of the variables' choices."""

    variables: tuple[Variable, ...]

    @property
    def size(self) -> int:
        """Number of combinations."""
        return math.prod(len(variable.choices) for variable in self.variables)

    @property
    def widest(self) -> Combination:
        """Every variable at its last, most expensive choice."""
        return tuple(len(variable.choices) - 1 for variable in self.variables)

    def all(self) -> Iterator[Combination]:
        """Every combination, widest first, the last layer changing fastest."""
        return itertools.product(*(range(len(variable.choices))[::-1] for variable in self.variables))

    def steps_down(self, combination: Combination) -> Iterator[Combination]:
        """Each combination that differs by one variable taking its next cheaper choice."""
        for index, position in enumerate(combination):
            if position > 0:
                yield (*combination[:index], position - 1, *combination[index + 1 :])

    def precision(self, combination: Combination) -> Precision:
        """The combination as a precision of the network."""
        layers: dict[str, dict[str, int]] = {}
        for variable, position in zip(self.variables, combination, strict=True):
            layers.setdefault(variable.layer, {})[variable.field] = variable.choices[position]
        return Precision(
            layers=MappingProxyType({name: LayerPrecision(**widths) for name, widths in layers.items()})
        )


def space_of(graph: Graph, weight_bits: Sequence[int], activation_bits: Sequence[int]) -> Space:
    """The space of a prepared graph: weights and output of every layer that has them, and the input.

    Raises:
        ConfigError: a list is empty or holds a width out of 1..32.
    """
    choices = {
        "weight": _checked("weight_bits", weight_bits),
        "activation": _checked("activation_bits", activation_bits),
    }
    variables = [Variable(graph.input_name, "activation", choices["activation"])]
    for node in graph.nodes:
        if not node.op.casts:
            continue
        if node.op.weight is not None:
            variables.append(Variable(node.name, "weight", choices["weight"]))
        variables.append(Variable(node.name, "activation", choices["activation"]))
    return Space(tuple(variables))


def _checked(what: str, widths: Sequence[int]) -> tuple[int, ...]:
    if not widths:
        raise ConfigError(f"{what} is empty; list the widths that the search may choose")
    for width in widths:
        if isinstance(width, bool) or not isinstance(width, int) or not MIN_WIDTH <= width <= MAX_WIDTH:
            raise ConfigError(
                f"{what} holds {width!r}; widths are whole numbers from {MIN_WIDTH} to {MAX_WIDTH}"
            )
    return tuple(sorted(set(widths)))
