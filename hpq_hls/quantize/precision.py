"""Which widths the user asks for: one number, a mapping by layer, or a YAML file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpq_hls.errors import ConfigError, PrecisionError
from hpq_hls.fixed import FixedType, Rounding
from hpq_hls.graph import Graph
from hpq_hls.yamlfile import read_yaml

MIN_WIDTH = 1
MAX_WIDTH = 32
_WIDTHS = ("weight", "activation", "bias")
_KEYS = (*_WIDTHS, "rounding")

Width = int | FixedType
"""A number of bits (the integer bits come from calibration), or a whole type."""


@dataclass(frozen=True)
class LayerPrecision:
    """Widths of one layer; None takes the default, for ``bias`` it derives the width.

    rounding: the quantization mode of the layer's output (of the network's input); None takes the
    quantizer's. An activation that is a whole type has its own.
    """

    weight: Width | None = None
    activation: Width | None = None
    bias: Width | None = None
    rounding: Rounding | None = None


@dataclass(frozen=True)
class Precision:
    """Widths of a whole network: a default and what differs from it, by layer name.

    The network's input is addressed by its own name and takes ``activation`` and ``rounding`` only.
    """

    default: LayerPrecision = LayerPrecision(weight=8, activation=8)
    layers: Mapping[str, LayerPrecision] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, layer: str) -> LayerPrecision:
        """The widths of a layer with the default filled in."""
        own = self.layers.get(layer, LayerPrecision())
        return LayerPrecision(
            weight=self.default.weight if own.weight is None else own.weight,
            activation=self.default.activation if own.activation is None else own.activation,
            bias=self.default.bias if own.bias is None else own.bias,
            rounding=self.default.rounding if own.rounding is None else own.rounding,
        )

    def to_dict(self) -> dict[str, Any]:
        """The precision as plain data, as it is written in project.yaml."""
        return {
            "default": _plain(self.default),
            "layers": {name: _plain(widths) for name, widths in self.layers.items()},
        }


def _plain(widths: LayerPrecision) -> dict[str, Any]:
    return {
        key: value if isinstance(value, int) else str(value)
        for key in _KEYS
        if (value := getattr(widths, key)) is not None
    }


def parse_precision(given: Any) -> Precision:
    """Read a precision from what ``hpq_hls.quantize`` accepts.

    given: a Precision; a width for everything; ``{"layer": width | {"weight": .., "activation": ..,
    "bias": .., "rounding": "AP_TRN"}}``; ``{"default": .., "layers": {..}}``; or the path of a YAML file
    with one of these (or with a key ``precision`` that holds one, such as a project.yaml).

    Raises:
        PrecisionError: a width out of 1..32, an unknown key or mode, or a file that cannot be read.
    """
    if isinstance(given, Precision):
        return given
    if isinstance(given, (str, Path)):
        return parse_precision(_read(Path(given)))
    if isinstance(given, Mapping):
        default = LayerPrecision(weight=8, activation=8)
        layers: Mapping[Any, Any]
        given = without_statement(given)
        layers = given
        if set(given) <= {"default", "layers"}:
            default = _fill(_layer(given.get("default", {}), "the default precision"), default)
            layers = given.get("layers") or {}
            if not isinstance(layers, Mapping):
                raise PrecisionError(f"precision 'layers' must map layer names to widths, not be {layers!r}")
        parsed = {str(name): _layer(value, f"layer {str(name)!r}") for name, value in layers.items()}
        return Precision(default, MappingProxyType(parsed))
    width = _width(given, "the precision")
    return Precision(LayerPrecision(weight=width, activation=width))


def without_statement(given: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """``{"default": .., "layers": ..}`` without the "guarantee" that a search writes beside it."""
    own = {key: value for key, value in given.items() if key != "guarantee"}
    return own if own and set(own) <= {"default", "layers"} else given


def _fill(own: LayerPrecision, default: LayerPrecision) -> LayerPrecision:
    return replace(
        own,
        weight=default.weight if own.weight is None else own.weight,
        activation=default.activation if own.activation is None else own.activation,
    )


def _read(path: Path) -> Any:
    try:
        content = read_yaml(path).data
    except ConfigError as error:
        raise PrecisionError(f"precision file {error}") from error
    if isinstance(content, Mapping) and "precision" in content:
        content = content["precision"]
    if isinstance(content, str):
        raise PrecisionError(
            f"precision file {path} holds only the text {content!r}; write layer: width lines"
        )
    return content


def _layer(value: Any, where: str) -> LayerPrecision:
    if isinstance(value, LayerPrecision):
        return value
    if not isinstance(value, Mapping):
        width = _width(value, where)
        return LayerPrecision(weight=width, activation=width)
    for key in value:
        if key not in _KEYS:
            raise PrecisionError(f"{where} has the unknown precision key {key!r}{nearest(str(key), _KEYS)}")
    widths = {
        key: None if item is None else _width(item, f"{key} of {where}")
        for key, item in value.items()
        if key in _WIDTHS
    }
    rounding = _rounding(value.get("rounding"), where)
    if rounding is not None and isinstance(widths.get("activation"), FixedType):
        raise PrecisionError(
            f"{where} has a rounding beside the whole type {widths['activation']}; write it into the type"
        )
    return LayerPrecision(rounding=rounding, **widths)


def _rounding(value: Any, where: str) -> Rounding | None:
    if value is None:
        return None
    try:
        return Rounding(value)
    except ValueError as error:
        names = ", ".join(mode.value for mode in Rounding)
        raise PrecisionError(f"rounding of {where} is {value!r}; choose one of {names}") from error


def _width(value: Any, where: str) -> Width:
    if isinstance(value, FixedType):
        checked = value.width
    elif isinstance(value, str):
        try:
            value = FixedType.parse(value)
        except (PrecisionError, ValueError) as error:
            raise PrecisionError(
                f"{where} is {value!r}, which is neither a width nor a type: {error}"
            ) from error
        checked = value.width
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise PrecisionError(f"{where} is {value!r}; give a whole number of bits from 1 to 32")
    else:
        value = checked = int(value)
    if not MIN_WIDTH <= checked <= MAX_WIDTH:
        raise PrecisionError(f"{where} asks for {checked} bits; widths go from {MIN_WIDTH} to {MAX_WIDTH}")
    return value  # type: ignore[no-any-return]  # narrowed to int or FixedType above


def nearest(name: str, known: Any) -> str:
    """A hint naming the closest known name, or all of them."""
    options = [str(item) for item in known]
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(options)}"


def check_layers(precision: Precision, graph: Graph) -> None:
    """Check that every layer named exists and can take the widths it is given.

    Raises:
        PrecisionError: an unknown layer, or a width that the layer has no use for.
    """
    takes: dict[str, set[str]] = {name: {"activation", "rounding"} for name in graph.inputs}
    for node in graph.nodes:
        if node.chooses:
            takes[node.name] = set(_KEYS) if node.op.weight is not None else {"activation", "rounding"}
    exact = {node.name: node.op.kind for node in graph.nodes if not node.op.casts}
    inner = {node.name: node.inner.of for node in graph.nodes if node.inner is not None}
    for name, widths in precision.layers.items():
        if name in inner:
            raise PrecisionError(
                f"layer {name!r} is a part of {inner[name]!r} and follows its precision; set that one"
            )
        if name in exact:
            raise PrecisionError(
                f"layer {name!r} is a {exact[name]}, which is exact and has no precision of its own; "
                "set the layer before it"
            )
        if name not in takes:
            raise PrecisionError(
                f"the network has no layer {name!r} to set a precision for{nearest(name, takes)}"
            )
        scalar = widths.weight == widths.activation and widths.bias is None and widths.rounding is None
        for key in _KEYS:
            if (
                getattr(widths, key) is not None
                and key not in takes[name]
                and not (scalar and key == "weight")
            ):
                raise PrecisionError(f"layer {name!r} has no {key} that could be set")
