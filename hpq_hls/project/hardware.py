"""The hardware settings that ``generate``, ``estimate`` and the search take."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hpq_hls.billing.calibration import Calibration
from hpq_hls.codegen.boards import Board
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import (
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
    Multipliers,
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
    multipliers: str = "auto",
    layers: LayerSettings | None = None,
    tlast: str = "checked",
) -> HardwareConfig:
    """Check the hardware settings that ``generate`` and ``estimate`` take.

    Raises:
        ConfigError: an unknown part, io, key, strategy, kind of multipliers or use of TLAST, a number below
            1, a clock that is none, or an impossible target.
    """
    if io not in {item.value for item in Io}:
        raise ConfigError(f"io is {io!r}; choose stream or parallel")
    _check_positive("reuse_factor", reuse_factor)
    find_part(part)
    return HardwareConfig(
        io=Io(io),
        clock_ns=check_clock(clock_ns),
        target_interval=target_of(target_interval, target_fps, clock_ns),
        reuse_factor=reuse_factor,
        strategy=choice_of("strategy", strategy, Strategy),
        multipliers=choice_of("multipliers", multipliers, Multipliers),
        layers={name: _folding(name, given) for name, given in (layers or {}).items()},
        part=part,
        utilisation=check_utilisation(utilisation),
        tlast=choice_of("tlast", tlast, Tlast),
    )


def _folding(layer: str, given: dict[str, int | str]) -> LayerFolding:
    known = ("pe", "simd", "reuse_factor", *_CHOICES)
    settings: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise ConfigError(
                f"layer {layer!r} has the unknown hardware key {key!r}; known are {', '.join(known)}"
            )
        what = f"{key} of layer {layer!r}"
        if key in _CHOICES:
            settings[key] = choice_of(what, value, _CHOICES[key])
        else:
            _check_positive(what, value)
            settings[key] = value
    return LayerFolding(**settings)


_CHOICES: Mapping[str, type[enum.Enum]] = {"strategy": Strategy, "multipliers": Multipliers}
"""Settings of a layer that are one of some words."""


def _check_positive(what: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{what} is {value!r}; give a whole number of at least 1")


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


def priced_by(config: HardwareConfig, calibration: Calibration | None) -> HardwareConfig:
    """The same hardware at the figures of a calibration: FIFOs are those of its backend then."""
    if calibration is None:
        return config
    return replace(config, calibration=calibration, stages=find_backend(calibration.backend).stages)
