"""The boards that projects can be made for: those of ``templates/boards/boards.yaml``, and a user's own."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpq_hls.billing.parts import find_part
from hpq_hls.errors import ConfigError
from hpq_hls.resources import templates_dir
from hpq_hls.yamlfile import YamlFile, dotted, read_yaml

TABLE = "boards/boards.yaml"


@dataclass(frozen=True)
class SlavePort:
    """A port of the processing system through which the fabric reaches memory.

    pin: the interface; clock: its clock pin; enable, width: the settings that switch it on and that say how
    many bits it has.
    """

    pin: str
    clock: str
    enable: str
    width: str


@dataclass(frozen=True)
class MasterPort:
    """A port through which the processor reaches registers: interface, clock pin, and what switches it on."""

    pin: str
    clock: str
    enable: str


@dataclass(frozen=True)
class Processor:
    """A processing system as Vivado has it.

    kind: the IP. automation: what its block automation is told. clock, reset: of the fabric, active low.
    frequency, actual_frequency: settings in MHz, what is asked for and what its PLLs make of it. settings:
    what is the same in every design. address_bits: of a DMA that reaches all of the memory.
    """

    kind: str
    automation: str
    clock: str
    reset: str
    frequency: str
    actual_frequency: str
    settings: Mapping[str, str]
    control: Mapping[str, MasterPort]
    memory: Mapping[str, SlavePort]
    widths: tuple[int, ...]
    address_bits: int


PROCESSORS: Mapping[str, Processor] = MappingProxyType(
    {
        "processing_system7": Processor(
            kind="processing_system7",
            automation='make_external "FIXED_IO, DDR" apply_board_preset "1" '
            'Master "Disable" Slave "Disable"',
            clock="FCLK_CLK0",
            reset="FCLK_RESET0_N",
            frequency="PCW_FPGA0_PERIPHERAL_FREQMHZ",
            actual_frequency="PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ",
            settings=MappingProxyType({"PCW_EN_CLK0_PORT": "1", "PCW_EN_RST0_PORT": "1"}),
            control={
                f"GP{n}": MasterPort(f"M_AXI_GP{n}", f"M_AXI_GP{n}_ACLK", f"PCW_USE_M_AXI_GP{n}")
                for n in range(2)
            },
            memory={
                f"HP{n}": SlavePort(
                    f"S_AXI_HP{n}", f"S_AXI_HP{n}_ACLK", f"PCW_USE_S_AXI_HP{n}", f"PCW_S_AXI_HP{n}_DATA_WIDTH"
                )
                for n in range(4)
            },
            widths=(32, 64),
            address_bits=32,
        ),
        "zynq_ultra_ps_e": Processor(
            kind="zynq_ultra_ps_e",
            automation='apply_board_preset "1"',
            clock="pl_clk0",
            reset="pl_resetn0",
            frequency="PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ",
            actual_frequency="PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ",
            settings=MappingProxyType({"PSU__FPGA_PL0_ENABLE": "1", "PSU__USE__FABRIC__RST": "1"}),
            control={
                name: MasterPort(f"M_AXI_{name}", f"maxi{name.lower()}_aclk", f"PSU__USE__M_AXI_GP{n}")
                for n, name in enumerate(("HPM0_FPD", "HPM1_FPD", "HPM0_LPD"))
            },
            memory={
                f"HP{n}": SlavePort(
                    f"S_AXI_HP{n}_FPD",
                    f"saxihp{n}_fpd_aclk",
                    f"PSU__USE__S_AXI_GP{n + 2}",
                    f"PSU__SAXIGP{n + 2}__DATA_WIDTH",
                )
                for n in range(4)
            },
            widths=(32, 64, 128),
            address_bits=40,
        ),
    }
)


@dataclass(frozen=True)
class Board:
    """A board.

    part: what it carries. board_parts: names of its board files in Vivado, patterns, best first; board_files:
    where these come from. ps: its processing system, one of ``PROCESSORS``. control_port: that registers are
    reached through. memory_ports: that DMAs use, of ``memory_bits`` each. pynq: what PYNQ calls the board.
    """

    name: str
    part: str
    board_parts: tuple[str, ...]
    board_files: str
    ps: str
    control_port: str
    memory_ports: tuple[str, ...]
    memory_bits: int
    pynq: str

    @property
    def processor(self) -> Processor:
        """Its processing system."""
        return PROCESSORS[self.ps]

    def check_part(self, part: str) -> None:
        """Raise ConfigError if ``part`` is another than the board's."""
        if part.strip().lower() != self.part.lower():
            raise ConfigError(
                f"part {part!r} does not match board {self.name!r}, which carries {self.part}; leave out the "
                "part, or name another board"
            )


def find_board(name: str, own: str | Path | None = None) -> Board:
    """The board called ``name``, in any case.

    own: a YAML file of the user's, whose boards come before those of the package.

    Raises:
        ConfigError: there is none, or the file cannot be read or has a mistake; names the key and the line.
    """
    known = {**_shipped(), **({} if own is None else _read(Path(own)))}
    if isinstance(name, str) and name.lower() in known:
        return known[name.lower()]
    names = {key: board.name for key, board in known.items()}
    close = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {names[close[0]]!r}?" if close else f"it knows {', '.join(names.values())};"
    raise ConfigError(f"there is no board {name!r}; {hint} Boards of your own come from the file of `boards`")


def known_board(name: str) -> Board | None:
    """The board of the package called ``name``, in any case; None where there is none."""
    return _shipped().get(name.strip().lower())


@functools.cache
def _shipped() -> dict[str, Board]:
    return _read(templates_dir() / TABLE)


def _read(path: Path) -> dict[str, Board]:
    """The boards of a file, by name in lower case."""
    source = read_yaml(path)
    table = source.data.get("boards") if isinstance(source.data, dict) else None
    if not isinstance(table, dict) or set(source.data) != {"boards"}:
        raise ConfigError(f"{path}: it must hold one key, `boards`, a mapping from name to board")
    return {name.lower(): _board(source, name, given) for name, given in table.items()}


def _board(source: YamlFile, name: str, given: Any) -> Board:
    keys = ("boards", name)

    def refuse(problem: str, *more: str) -> ConfigError:
        where = (*keys, *more)
        return ConfigError(f"{source.where(where)}: {dotted(where)} {problem}")

    if not isinstance(given, dict):
        raise refuse("must be a mapping; docs/boards.md has an example")
    kinds: dict[str, type] = {
        key: list if key in _LISTS else int if key == "memory_bits" else str for key in _KEYS
    }
    for key in given:
        if key not in kinds:
            raise refuse(f"is no key of a board; they are {', '.join(kinds)}", key)
    for key, kind in kinds.items():
        value = given.get(key, _DEFAULTS.get(key))
        if value is None:
            raise refuse(f"has no {key}")
        texts = value if isinstance(value, list) else [value] if kind is str else []
        wrong = not all(isinstance(text, str) and text and text.isprintable() for text in texts)
        if type(value) is not kind or wrong or value == []:
            raise refuse(f"is {value!r}; give {_WORDS[kind]}", key)
    made: dict[str, Any] = {key: given.get(key, _DEFAULTS.get(key)) for key in kinds}
    board = Board(name, **(made | {key: tuple(made[key]) for key in _LISTS}))
    _check(board, refuse)
    return board


def _check(board: Board, refuse: Any) -> None:
    """Raise what ``refuse`` makes of a problem and a key if a board cannot be."""
    try:
        find_part(board.part)
    except ConfigError as error:
        raise refuse(f"is {board.part!r}: {error}", "part") from error
    if board.ps not in PROCESSORS:
        raise refuse(f"is {board.ps!r}; choose {' or '.join(PROCESSORS)}", "ps")
    ps = board.processor
    if board.control_port not in ps.control:
        raise refuse(f"is {board.control_port!r}; {board.ps} has {', '.join(ps.control)}", "control_port")
    for port in board.memory_ports:
        if port not in ps.memory:
            raise refuse(f"holds {port!r}; {board.ps} has {', '.join(ps.memory)}", "memory_ports")
    if len(set(board.memory_ports)) < len(board.memory_ports):
        raise refuse("lists a port twice; list each only once", "memory_ports")
    if board.memory_bits not in ps.widths:
        widths = ", ".join(map(str, ps.widths))
        raise refuse(f"is {board.memory_bits}; the ports of {board.ps} have {widths} bits", "memory_bits")


_KEYS = (
    "part",
    "board_parts",
    "board_files",
    "ps",
    "control_port",
    "memory_ports",
    "memory_bits",
    "pynq",
)
_LISTS = ("board_parts", "memory_ports")
_DEFAULTS: Mapping[str, Any] = {"board_files": "the vendor of the board", "pynq": "any"}
_WORDS = {str: "a text", list: "a list of names", int: "a whole number of bits"}
