"""The precision combinations that a search may choose from."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType
from hpq_hls.graph import Graph
from hpq_hls.quantize import LayerPrecision, Precision
from hpq_hls.quantize.precision import check_layers, nearest
from hpq_hls.search.choices import (
    ACTIVATION_BITS,
    WEIGHT_BITS,
    Choice,
    listed,
    modes_of,
    narrowed,
    widths_of,
)
from hpq_hls.search.errors import SettingError

__all__ = ["ACTIVATION_BITS", "WEIGHT_BITS", "Combination", "Part", "Site", "Space", "Variable", "space_of"]

Combination = tuple[int, ...]
"""One choice per variable, in the order of ``Space.variables``: its position in ``choices``."""


class Part(str, enum.Enum):
    """What of a layer is chosen: the width of its weights, the width of its output (or of the network's
    input), or how its output is rounded."""

    WEIGHT = "weight"
    ACTIVATION = "activation"
    ROUNDING = "rounding"

    def __str__(self) -> str:
        return self.value


TypeOf = Callable[[str, str, int], FixedType]
"""(layer, part, width) -> the type that a quantizer would give it."""


@dataclass(frozen=True)
class Site:
    """A place in the network. layer: a layer, or the network's input by its name."""

    layer: str
    part: Part

    def __str__(self) -> str:
        return f"{self.layer}.{self.part}"


@dataclass(frozen=True)
class Variable:
    """One thing to choose, at one place or at several that share it; the parts of all sites are the same.

    choices: cheapest first: widths ascending, or rounding modes. types: the type at each width, where
    several sites share one; else empty, and each site gets its own.
    """

    sites: tuple[Site, ...]
    choices: tuple[Choice, ...]
    types: tuple[FixedType, ...] = ()

    @property
    def part(self) -> Part:
        """Of every site."""
        return self.sites[0].part

    @property
    def name(self) -> str:
        """For people: "conv1.weight", or "conv1.weight = conv2.weight" for a group."""
        return " = ".join(map(str, self.sites))


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

    def near(self, width: int) -> Combination:
        """Every width as close to ``width`` as there is one, every rounding mode at its last choice."""
        return tuple(_nearest(variable, width) for variable in self.variables)

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
        layers: dict[str, dict[str, Any]] = {}
        for variable, position in zip(self.variables, combination, strict=True):
            chosen = variable.types[position] if variable.types else variable.choices[position]
            for site in variable.sites:
                layers.setdefault(site.layer, {})[site.part.value] = chosen
        return Precision(
            layers=MappingProxyType({name: _layer_precision(chosen) for name, chosen in layers.items()})
        )


def _nearest(variable: Variable, width: int) -> int:
    """Position of the width nearest to ``width``, the wider of two; of the last rounding mode."""
    distances = [abs(choice - width) if isinstance(choice, int) else 0 for choice in variable.choices]
    return max(range(len(distances)), key=lambda position: (-distances[position], position))


def _layer_precision(chosen: dict[str, Any]) -> LayerPrecision:
    activation = chosen.get("activation")
    if isinstance(activation, FixedType) and "rounding" in chosen:  # a whole type says how it rounds
        chosen = {**chosen, "activation": replace(activation, rounding=chosen["rounding"])}
        del chosen["rounding"]
    return LayerPrecision(**chosen)


def space_of(
    graph: Graph,
    weight_bits: Sequence[int] = WEIGHT_BITS,
    activation_bits: Sequence[int] = ACTIVATION_BITS,
    *,
    rounding: Sequence[Any] = (),
    layers: Mapping[str, Mapping[str, Any]] | None = None,
    groups: Sequence[Sequence[str]] = (),
    type_of: TypeOf | None = None,
    least_weight_width: Callable[[str], int] | None = None,
    unscored: Collection[str] = (),
) -> Space:
    """The space of a prepared graph: weights and output of every layer that has them, and the inputs.

    weight_bits, activation_bits: the widths to choose from. rounding: the modes to choose from at every
    layer's output; empty: not chosen, the quantizer's mode. (The input is rounded before it comes to the
    hardware, so that its mode costs nothing and is only chosen where ``layers`` says so.)

    layers: what differs by layer: ``{"conv1": {"weight": 4, "activation": {"min": 3, "max": 6},
    "rounding": "AP_RND"}}``, see ``narrowed``; the network's input is addressed by its name.

    groups: of layers (both parts), or of "layer.weight" and "layer.activation"; the weights among them get
    one type, and the outputs. It is as wide as chosen, has as many integer bits as the member that needs
    most, and is signed if any member's is. type_of: of the quantizer; needed for groups only.

    least_weight_width: of the quantizer; what a layer's weights cannot have is left out, unless nothing else
    was to be chosen: then the quantizer says why it cannot be.

    unscored: inputs and layers that decide nothing of the score; they keep the widest choice.

    Raises:
        SettingError: a list, pin, bound or group that cannot be used, and where it stands.
    """
    choices = _choices(graph, weight_bits, activation_bits, rounding)
    for site, given in choices.items():
        if site.layer in unscored:
            choices[site] = tuple(sorted(width for width in given if isinstance(width, int))[-1:])
    for layer, settings in (layers or {}).items():
        _apply(graph, choices, str(layer), settings)
    if least_weight_width is not None:
        for site, widths in choices.items():
            if site.part is Part.WEIGHT:
                least = least_weight_width(site.layer)
                choices[site] = tuple(w for w in widths if isinstance(w, int) and w >= least) or widths
    shared = _shared_sites(graph, choices, groups)
    variables: list[Variable] = []
    done: set[Site] = set()
    for site in choices:
        if site in done:
            continue
        index, members = shared.get(site, (0, (site,)))
        done.update(members)
        found = _variable(members, choices, index, type_of)
        if found.choices:
            variables.append(found)
    return Space(tuple(variables))


def _choices(
    graph: Graph, weight_bits: Sequence[int], activation_bits: Sequence[int], rounding: Sequence[Any]
) -> dict[Site, tuple[Choice, ...]]:
    """What may be chosen at each site by the lists for all layers, in the order of the network."""
    weights = _checked(("weight_bits",), widths_of, weight_bits)
    outputs = _checked(("activation_bits",), widths_of, activation_bits)
    modes = _checked(("rounding",), modes_of, rounding)
    found: dict[Site, tuple[Choice, ...]] = {}
    for name in graph.inputs:
        found[Site(name, Part.ACTIVATION)] = outputs
        found[Site(name, Part.ROUNDING)] = ()
    for node in graph.nodes:
        if not node.chooses:
            continue
        if node.op.weight is not None:
            found[Site(node.name, Part.WEIGHT)] = weights
        found[Site(node.name, Part.ACTIVATION)] = outputs
        found[Site(node.name, Part.ROUNDING)] = modes
    return found


def _checked(keys: tuple[str | int, ...], check: Callable[..., Any], *given: Any) -> tuple[Any, ...]:
    try:
        return tuple(check(*given))
    except ValueError as error:
        raise SettingError(keys, str(error)) from None


def _apply(graph: Graph, choices: dict[Site, tuple[Choice, ...]], layer: str, settings: Any) -> None:
    """Take one layer's own settings into ``choices``."""
    keys = ("layers", layer)
    parts = [site.part.value for site in choices if site.layer == layer]
    if not parts:
        raise SettingError(keys, _no_such_layer(graph, layer))
    if not isinstance(settings, Mapping):
        raise SettingError(keys, f"is {settings!r}; it must map {', '.join(parts)} to what may be chosen")
    for name, given in settings.items():
        if name not in parts:
            raise SettingError((*keys, str(name)), f"cannot be chosen{nearest(str(name), parts)}")
        if given is None:
            continue
        site = Site(layer, Part(name))
        if site.part is Part.ROUNDING:
            modes = _checked((*keys, name), modes_of, given)
            choices[site] = modes or choices[site]
        else:
            choices[site] = _checked((*keys, name), narrowed, given, choices[site])


def _no_such_layer(graph: Graph, layer: str) -> str:
    """What is wrong with a name of a layer, as the rest of a sentence."""
    try:
        check_layers(Precision(layers=MappingProxyType({layer: LayerPrecision()})), graph)
    except PrecisionError as error:
        return f"cannot be used: {error}"
    return "has nothing to choose"


def _shared_sites(
    graph: Graph, choices: Mapping[Site, tuple[Choice, ...]], groups: Sequence[Sequence[str]]
) -> dict[Site, tuple[int, tuple[Site, ...]]]:
    """Of every site in a group: the group's number, and all sites that share with it."""
    found: dict[Site, tuple[int, tuple[Site, ...]]] = {}
    if isinstance(groups, (str, Mapping)) or not isinstance(groups, Sequence):
        raise SettingError(("groups",), f"is {groups!r}; give a list of lists of layers")
    for index, group in enumerate(groups):
        keys = ("groups", index)
        if isinstance(group, str) or not isinstance(group, Sequence):
            raise SettingError(keys, f"is {group!r}; list the layers that share a type")
        members: dict[Part, dict[Site, None]] = {}
        for position, name in enumerate(group):
            for site in _members(graph, choices, str(name), (*keys, position)):
                if site in found or site in members.get(site.part, {}):
                    raise SettingError(
                        (*keys, position), f"is {name!r}, but {site} is in a group already; name it once"
                    )
                members.setdefault(site.part, {})[site] = None
        widths = [members.get(part, {}) for part in (Part.WEIGHT, Part.ACTIVATION)]
        if max(map(len, widths)) < 2:
            raise SettingError(
                keys,
                "has no two members that could share a type; weights share with weights "
                "and outputs with outputs",
            )
        for sites in members.values():
            for site in sites:
                found[site] = index, tuple(sites)
    return found


def _members(
    graph: Graph, choices: Mapping[Site, tuple[Choice, ...]], name: str, keys: tuple[str | int, ...]
) -> list[Site]:
    """The sites that a group's member stands for; an output comes with its rounding."""
    whole = [site for site in choices if site.layer == name]
    if whole:
        return whole
    layer, _, part = name.rpartition(".")
    own = [site for site in choices if site.layer == layer]
    if not own:
        raise SettingError(keys, _no_such_layer(graph, layer if part in list(Part) else name))
    if part == Part.ACTIVATION:
        return [site for site in own if site.part is not Part.WEIGHT]
    if part != Part.WEIGHT or own[0].part is not Part.WEIGHT:
        known = [str(site) for site in own if site.part is not Part.ROUNDING]
        raise SettingError(keys, f"is {name!r}, which cannot be shared{nearest(name, known)}")
    return own[:1]


def _variable(
    sites: tuple[Site, ...],
    choices: Mapping[Site, tuple[Choice, ...]],
    group: int,
    type_of: TypeOf | None,
) -> Variable:
    """The variable of a site, or of those that share; it has no choices where nothing is to be chosen."""
    lists = [choices[site] for site in sites if choices[site]]
    common = tuple(item for item in lists[0] if all(item in other for other in lists)) if lists else ()
    if lists and not common:
        each = ", ".join(f"{site} {listed(choices[site])}" for site in sites if choices[site])
        raise SettingError(("groups", group), f"has nothing in common to choose: {each}; change these lists")
    if len(sites) == 1 or sites[0].part is Part.ROUNDING:
        return Variable(sites, common)
    if sites[0].part is Part.WEIGHT and common != (1,):
        # Signs are no type that layers could share: in one bit, ap_fixed holds -1 and 0.
        common = tuple(width for width in common if width != 1)
    assert type_of is not None, "groups need the quantizer's types"
    types = [
        shared_type([type_of(site.layer, site.part.value, int(width)) for site in sites])
        for width in common
        if not isinstance(width, enum.Enum)
    ]
    return Variable(sites, common, tuple(types))


def shared_type(types: Sequence[FixedType]) -> FixedType:
    """The type of the same width that holds what each of ``types`` holds, if not as finely."""
    base = next((kind for kind in types if kind.signed), types[0])
    integer = max(kind.integer + (base.signed and not kind.signed) for kind in types)
    return replace(base, integer=integer)
