"""How an HLS design stands in a system: who starts it, where its frames are, what its IP block is called."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from hpq_hls.errors import ConfigError

_Choice = TypeVar("_Choice", bound=enum.Enum)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_TITLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 ._,()+/-]*[A-Za-z0-9.)+])?")
_LONGEST = 80
_MARGIN = re.compile(r"(\d+\.?\d*|\.\d+)\s*(%|ns|)")


class Control(enum.Enum):
    """Who starts the design.

    NONE: nobody; it takes a frame whenever one comes (``ap_ctrl_none``).
    S_AXILITE: a processor, through registers; a start is a frame, or a batch with ``Memory.M_AXI``.
    """

    NONE = "none"
    S_AXILITE = "s_axilite"


class Memory(enum.Enum):
    """Where frames come from and go to.

    AXIS: AXI4-Streams, from a DMA or a neighbour. M_AXI: memory, which the design reads and writes by
    itself, as a kernel that ``v++`` links.
    """

    AXIS = "axis"
    M_AXI = "m_axi"


class Export(enum.Enum):
    """What is done with the RTL when it is packaged: nothing more, or logic synthesis, or place and
    route too, out of context. The IP block is the same."""

    NONE = "none"
    SYN = "syn"
    IMPL = "impl"


@dataclass(frozen=True)
class Ip:
    """What the IP block is called, None where the tool's own word stands.

    vendor, library: identifiers of its VLNV. version: "x.y" or "x.y.z". display_name: in the catalogue.
    """

    vendor: str | None = None
    library: str | None = None
    version: str | None = None
    display_name: str | None = None


NAMELESS = Ip()
"""By the tool's own words."""


@dataclass(frozen=True)
class System:
    """Settings that change nothing of what is computed.

    clock_uncertainty: what the HLS tool keeps of each period, as its configuration has it ("0.5ns",
    "15%"); None: its own share.
    """

    control: Control = Control.NONE
    memory: Memory = Memory.AXIS
    clock_uncertainty: str | None = None
    export: Export = Export.NONE
    ip: Ip = NAMELESS


CORE = System()
"""AXI4-Stream ports, started by nobody."""


def system_of(
    *,
    control: str = "none",
    memory: str = "axis",
    clock_uncertainty: float | str | None = None,
    export: str = "none",
    ip: Mapping[str, Any] | None = None,
    clock_ns: float,
) -> System:
    """Check the settings that ``generate`` takes; clock_ns: what the uncertainty is part of.

    Raises:
        ConfigError: an unknown word or key, a number out of range, or choices that exclude each other.
    """
    chosen = System(
        choice_of("control", control, Control),
        choice_of("memory", memory, Memory),
        _margin(clock_uncertainty, clock_ns),
        choice_of("export", export, Export),
        _ip(ip or {}),
    )
    if chosen.memory is Memory.M_AXI and chosen.control is Control.NONE:
        raise ConfigError(
            "memory m_axi and control none exclude each other, because a processor has to tell the kernel "
            "where the frames are; choose control s_axilite, or memory axis"
        )
    return chosen


def choice_of(what: str, value: object, kind: type[_Choice]) -> _Choice:
    """The member of ``kind`` whose value is ``value``; what: the setting's name.

    Raises:
        ConfigError: there is none.
    """
    words = [item.value for item in kind]
    if value not in words:
        raise ConfigError(f"{what} is {value!r}; choose {', '.join(words[:-1])} or {words[-1]}")
    return kind(value)


def _margin(value: float | str | None, clock_ns: float) -> str | None:
    """A clock uncertainty as the tool's configuration has it."""
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    found = _MARGIN.fullmatch(f"{value:f}" if number else value.strip() if isinstance(value, str) else "")
    if found is None:
        raise ConfigError(
            f"clock_uncertainty is {value!r}; give nanoseconds such as 0.5, or a share of the period such "
            "as 15%"
        )
    amount, unit = float(found[1]), found[2] or "ns"
    whole = 100.0 if unit == "%" else float(clock_ns)
    if amount >= whole:
        raise ConfigError(
            f"clock_uncertainty is {amount:g}{unit}, and nothing is left of a period of {clock_ns:g} ns; "
            "give less"
        )
    return f"{amount:g}{unit}"


def _ip(given: Mapping[str, Any]) -> Ip:
    known = [field.name for field in fields(Ip)]
    for key, value in given.items():
        if key not in known:
            raise ConfigError(f"ip has the unknown key {key!r}; known are {', '.join(known)}")
        if value is not None:
            _check_ip(key, value)
    return Ip(**given)


def _check_ip(key: str, value: object) -> None:
    pattern, wish = {
        "vendor": (_ID, "give an identifier such as example.com"),
        "library": (_ID, "give an identifier such as hls"),
        "version": (_VERSION, "give x.y or x.y.z, such as 1.0"),
        "display_name": (_TITLE, "give letters, digits, spaces and . , ( ) + / - _"),
    }[key]
    if not isinstance(value, str) or len(value) > _LONGEST or not pattern.fullmatch(value):
        quotes = " (in quotes in a YAML file)" if key == "version" and not isinstance(value, str) else ""
        long = (
            f" of at most {_LONGEST} characters" if isinstance(value, str) and len(value) > _LONGEST else ""
        )
        raise ConfigError(f"ip.{key} is {value!r}; {wish}{quotes}{long}")
