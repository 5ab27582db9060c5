"""The hardware settings that ``generate``, ``estimate`` and the search take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hpq_hls.billing.inference import Figures, Tool, figures_of
from hpq_hls.codegen.boards import Board
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import (
    Part,
    build_design,
    find_part,
    with_room_for_pipelines,
)
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import (
    DEFAULT_CLOCK_NS,
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    Dataflow,
    HardwareConfig,
    Io,
    LayerFolding,
    Multiplier,
    Strategy,
    Tlast,
    check_clock,
    check_utilisation,
    choice_of,
    target_of,
    with_fifo_depths,
)
from hpq_hls.simulate import QuantizedGraph

LayerSettings = dict[str, dict[str, int | str]]
"""Folding by layer as in project.yaml: {"conv1": {"pe": 4, "simd": 9}}."""


def hardware_config(
    *,
    part: str = DEFAULT_PART,
    clock_ns: float = DEFAULT_CLOCK_NS,
    io: str = "stream",
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    reuse_factor: int | None = None,
    strategy: str = "folded",
    multiplier: str = "auto",
    multipliers: str | None = None,
    layers: LayerSettings | None = None,
    tlast: str = "checked",
    tool: str = "yosys",
) -> HardwareConfig:
    """Check the hardware settings that ``generate`` and ``estimate`` take.

    Raises:
        ConfigError: an unknown part, io, key, strategy, multiplier or use of TLAST, a number below 1, a clock
            that is none, an impossible target, or DSP blocks asked for where the part has none.
    """
    if io not in {item.value for item in Io}:
        raise ConfigError(f"io is {io!r}; choose stream or parallel")
    _check_positive("reuse_factor", reuse_factor)
    device = find_part(part)
    figures = figures_of(rules_of(tool, device))
    config = HardwareConfig(
        io=Io(io),
        clock_ns=check_clock(clock_ns),
        target_interval=target_of(target_interval, target_fps, clock_ns),
        reuse_factor=reuse_factor,
        strategy=choice_of("strategy", strategy, Strategy),
        multiplier=_multiplier("multiplier", "multipliers", multiplier, multipliers),
        layers={name: _folding(name, given) for name, given in _mapping("layers", layers or {}).items()},
        part=part,
        utilisation=check_utilisation(utilisation),
        tlast=choice_of("tlast", tlast, Tlast),
        calibration=figures,
        stages=0 if figures is None else find_backend(figures.backend).stages,
    )
    if device.dsp == 0:
        _check_without_blocks(config)
    return config


def rules_of(tool: str, device: Part) -> Tool:
    """Whose rules decide which products are in DSP blocks.

    Raises:
        ConfigError: an unknown tool, or one that does not build for the part.
    """
    found, fabric = choice_of("tool", tool, Tool), device.family.fabric
    if found is not Tool.YOSYS and fabric.vendor != "AMD":
        raise ConfigError(f"tool is {tool!r}, and {device.name} is {fabric.vendor}'s; choose yosys")
    return found


def _mapping(what: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{what} is {given!r}; give settings by name, such as {{'pe': 4}} by layer")
    return given


def _check_without_blocks(config: HardwareConfig) -> None:
    """Raises ConfigError where DSP blocks are asked for that the part lacks."""
    asked = ["multiplier"] if config.multiplier is Multiplier.DSP else []
    asked += [
        f"multiplier of layer {name!r}"
        for name, own in config.layers.items()
        if own.multiplier is Multiplier.DSP
    ]
    if asked:
        raise ConfigError(f"{asked[0]} is 'dsp', and {config.part} has no DSP block; choose auto or lut")


def _folding(layer: str, given: dict[str, int | str]) -> LayerFolding:
    known = ("pe", "simd", "reuse_factor", "pixels", "strategy", "multiplier")
    settings: dict[str, Any] = {}
    for key, value in _mapping(f"layer {layer!r}", given).items():
        what = f"{key} of layer {layer!r}"
        if key == "strategy":
            settings[key] = choice_of(what, value, Strategy)
        elif key in ("multiplier", "multipliers"):
            continue
        elif key in known:
            _check_positive(what, value)
            settings[key] = value
        else:
            raise ConfigError(
                f"layer {layer!r} has the unknown hardware key {key!r}; known are {', '.join(known)}"
            )
    if None not in (settings.get("pe"), settings.get("simd"), settings.get("reuse_factor")):
        raise ConfigError(
            f"layer {layer!r} has pe, simd and reuse_factor; pe and simd fold it, so leave out reuse_factor"
        )
    settings["multiplier"] = _multiplier(
        f"multiplier of layer {layer!r}",
        f"multipliers of layer {layer!r}",
        given.get("multiplier", "auto"),
        given.get("multipliers"),
    )
    return LayerFolding(**settings)


def _multiplier(name: str, older: str, value: object, given_older: object) -> Multiplier:
    """What products are built from. older: the name that the setting had, under which ``fabric`` is
    ``lut``."""
    if given_older is None:
        return choice_of(name, value, Multiplier)
    if value != "auto":
        raise ConfigError(f"{name} and {older} are both given, and mean the same; keep {name}")
    return choice_of(older, "lut" if given_older == "fabric" else given_older, Multiplier)


def _check_positive(what: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{what} is {value!r}; give a whole number of at least 1")


def check_part(backend: str, part: str) -> None:
    """Check that the tool behind a backend knows a part.

    Raises:
        ConfigError: it does not, or one of them is unknown.
    """
    fabric = find_part(part).family.fabric
    if find_backend(backend).stages and fabric.vendor != "AMD":
        raise ConfigError(
            f"backend {backend} is for AMD's HLS tools, and {part} is {fabric.vendor}'s {fabric.title}; "
            "choose backend rtl"
        )


def part_of(part: str | None, board: Board | None) -> str:
    """The part that a design is for.

    Raises:
        ConfigError: it is another than the board's.
    """
    if board is None:
        return DEFAULT_PART if part is None else part
    if part is not None:
        board.check_part(part)
    return board.part


def dataflow_for(
    backend: str,
    q: QuantizedGraph,
    config: HardwareConfig,
    name: str | None,
    fifo_depths: Mapping[str, int],
) -> Dataflow:
    """What a project of a backend is printed from. Where a tool builds the pipelines, FIFOs have room for
    what they may hold besides ``fifo_depths``.

    Raises:
        ConfigError: folding or depths that do not suit the network.
    """
    flow = with_fifo_depths(build_design(q, config, name), fifo_depths)
    return with_room_for_pipelines(flow, find_backend(backend).stages)


def priced_by(config: HardwareConfig, calibration: Figures | None) -> HardwareConfig:
    """The same hardware at the figures of a calibration: FIFOs are those of its backend then."""
    if calibration is None:
        return config
    return replace(config, calibration=calibration, stages=find_backend(calibration.backend).stages)
