"""The RTL backend: plain SystemVerilog, one instance of a library module per kernel.

The Verilog is in ``templates/rtl``: ``top.sv.j2`` prints the streams and includes one template of
``kernels/`` per kernel; ``lib/`` holds the modules, which are copied as they are. A kernel may have a module
generated for it alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from hpq_hls.billing.memory import fifo_loads, fifo_style, memory_style, ram_style, slice_bits
from hpq_hls.billing.parts import Family, find_part
from hpq_hls.codegen.base import Design, Files
from hpq_hls.codegen.block_design import board_files
from hpq_hls.codegen.manifest import FILE_NAME, manifest_of
from hpq_hls.codegen.rtl_memory import SideBySide, memory_file, packed, side_by_side
from hpq_hls.codegen.sources import Sources
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.hardware import Dataflow, System
from hpq_hls.kernels import Kernel, Module, Stream

_INSTANCE = re.compile(r"^\s*(\w+)\s+#\(", re.MULTILINE)
"""A module with parameters, which is in the library; those of one kernel alone have none."""
Parameter = int | str | SideBySide


class RtlBackend:
    """Prints a design as SystemVerilog that Verilator, Yosys and Vivado read."""

    name = "rtl"
    stages = 0

    def built(self, system: System) -> System:
        """The names of the IP block: the RTL is the core, with AXI4-Stream ports, that nobody starts."""
        return System(ip=system.ip)

    def refusal(self, flow: Dataflow, io: str) -> str | None:
        """None: no tool has limits for Verilog that a design met before the part's."""
        return None

    def files(self, design: Design) -> Files:
        """README.md, design.json, rtl/<top>.sv, the modules it uses, its .mem files, rtl/files.f; board/."""
        flow = design.dataflow
        sources = Sources("rtl", flow.kernels, ".sv.j2", "lib/*.sv")
        environment = sources.environment({"comment": _comment})
        context = _context(flow, find_part(design.part).family)
        top = environment.get_template("top.sv.j2").render(context)
        made = list(_own_modules(flow, environment, context))
        own = {name: text for name, _, text in made}
        library = _library(sources.library, "\n".join((top, *own.values())))
        listed = [*(f"{module}.sv" for module in (*library, *own)), f"{flow.name}.sv"]
        memories = dict(_memories(flow))
        files: dict[str, str | bytes] = {
            "README.md": environment.get_template("README.md.j2").render(
                design=design,
                flow=flow,
                memories=memories,
                shifts_in_rom=any(name.endswith("_shift.mem") for name in memories),
                slopes_in_rom=any(name.endswith("_slope.mem") for name in memories),
                signs_in_rom=any(kernel.signs_in_rom for kernel in flow.kernels),
                packed_in_rom=any(kernel.layout is not None for kernel in flow.kernels),
                own={name: module.content for name, module, _ in made},
                **_ports(flow),
            ),
            FILE_NAME: manifest_of(design).to_json(),
            "rtl/files.f": environment.get_template("files.f.j2").render(sources=listed),
            f"rtl/{flow.name}.sv": top,
        }
        files.update({f"rtl/{module}.sv": text for module, text in (library | own).items()})
        files.update({f"rtl/{name}": text for name, text in memories.items()})
        files.update(board_files(design, self.name))
        return files


def _context(flow: Dataflow, family: Family) -> dict[str, Any]:
    def streams_of(names: Sequence[str]) -> list[Stream]:
        return [flow.streams[name] for name in names]

    functions: dict[str, Callable[..., Any]] = {
        "streams_of": streams_of,
        "module_name": lambda kernel: module_name(flow, kernel),
        "rom_name": lambda kernel, what: rom_name(flow, kernel, what),
        "table_parameters": lambda kernel, name: table_parameters(flow, kernel, name),
        "leaky_parameters": leaky_parameters,
        "slope_parameters": lambda kernel, lanes: slope_parameters(flow, kernel, lanes),
        "memory_style": memory_style,
        "ram_style": functools.partial(ram_style, family=family),
        "fifo_loads": functools.partial(fifo_loads, family=family),
        "fifo_style": functools.partial(fifo_style, family=family),
        "slice_parameter": slice_parameter,
        "packed": packed,
    }
    streams = list(flow.streams.values())
    return {"flow": flow, "streams": streams, "links": flow.links, **_ports(flow), **functions}


def _ports(flow: Dataflow) -> dict[str, list[tuple[str, Stream]] | dict[str, str]]:
    """The ports, each with the stream behind it; "errors": what tells of wrong packets, by port that does."""
    return {
        "errors": {terminal.port: terminal.packet_error for terminal in flow.inputs if terminal.checked},
        "sources": [(terminal.port, flow.streams[terminal.stream]) for terminal in flow.inputs],
        "sinks": [(terminal.port, flow.streams[terminal.stream]) for terminal in flow.outputs],
    }


def _comment(text: str) -> str:
    """A name given by the user, safe in a one-line comment."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)


# ---------------------------------------------------------------------------------------------
# Memories and modules


def rom_name(flow: Dataflow, kernel: Kernel, what: str) -> str:
    """File name of a kernel's ROM; begins with the top's name, because Vivado ignores folders."""
    return f"{flow.name}_{kernel.name}_{what}.mem"


def _memories(flow: Dataflow) -> Iterator[tuple[str, str]]:
    for kernel in flow.kernels:
        for name, table in kernel.tables().items():
            if table.in_memory:
                yield rom_name(flow, kernel, name), memory_file(table.values, table.width)


def table_parameters(flow: Dataflow, kernel: Kernel, name: str) -> list[tuple[str, Parameter]]:
    """Parameters that tell a module of a table ``x``: X_W, and where it is one row, Xs, which is that row;
    else X_DEPTH, X_FILE and X_STYLE of its ROM. None where there is no such table."""
    table, prefix = kernel.tables().get(name), name.upper()
    if table is None:
        return []
    width = (f"{prefix}_W", table.width)
    if table.depth == 1:
        return [width, (f"{prefix}S", side_by_side(table.values[0], table.width))]
    return [
        width,
        (f"{prefix}_DEPTH", table.depth),
        (f"{prefix}_FILE", rom_name(flow, kernel, name)),
        (f"{prefix}_STYLE", memory_style(table.depth, table.bits)),
    ]


def slice_parameter(width: int, loads: int = 1) -> list[tuple[str, Parameter]]:
    """The parameter SLICE of a module that copies its control for every so many bits of ``width``; none where
    one is enough. loads: that a bit is to its control."""
    bits = slice_bits(loads)
    return [("SLICE", bits)] if bits < width else []


def leaky_parameters(kernel: Kernel, sums: FixedType) -> list[tuple[str, Parameter]]:
    """Parameters of hpq_finish where a kernel's epilogue has slopes; none where it has none.

    sums: the type of what they meet.
    """
    epilogue: Epilogue = kernel.epilogue  # type: ignore[attr-defined]
    if not epilogue.slopes:
        return []
    found: list[tuple[str, Parameter]] = [
        ("LEAKY_W", epilogue.made(sums).width),
        ("SLOPE_W", epilogue.slope_type.width),
        ("SLOPE_SHIFT", epilogue.fraction),
    ]
    return [*found, ("SLOPE_IN_LUTS", True)] if getattr(kernel, "in_luts", False) else found


def slope_parameters(flow: Dataflow, kernel: Kernel, lanes: int) -> list[tuple[str, Parameter]]:
    """Parameters of hpq_slopes beside the width of one; none where there are none. lanes: of the output."""
    table = kernel.tables().get("slope")
    if table is not None and table.values.size == 1:
        return [("SLOPES", side_by_side(np.repeat(table.values, lanes), table.width))]
    return table_parameters(flow, kernel, "slope")[1:]


def module_name(flow: Dataflow, kernel: Kernel) -> str:
    """Name of the module that is generated for one kernel."""
    return f"{flow.name}_{kernel.name}"


def _own_modules(
    flow: Dataflow, environment: jinja2.Environment, context: dict[str, Any]
) -> Iterator[tuple[str, Module, str]]:
    """The modules that are generated for one kernel alone: name, what it is, text."""
    for kernel in flow.kernels:
        module = kernel.module()
        if module is not None:
            x, y = kernel.ends(flow.streams)
            text = environment.get_template(module.template).render(context, k=kernel, x=x, y=y)
            yield module_name(flow, kernel), module, text


# ---------------------------------------------------------------------------------------------
# Library


def _library(files: Mapping[str, Path], top: str) -> dict[str, str]:
    """The modules that ``top`` instantiates, and theirs: name -> text, each after what it uses.

    Raises:
        ConfigError: one of them is in no library.
    """
    library: dict[str, str] = {}

    def add(text: str) -> None:
        for module in sorted(set(_INSTANCE.findall(text)) - set(library)):
            path = files.get(f"{module}.sv")
            if path is None:
                raise ConfigError(
                    f"there is no module {module}, which a kernel is built from; put {module}.sv into "
                    "rtl/lib of the folder that the kernel's class names as its `templates`"
                )
            body = path.read_text(encoding="utf-8")
            add(body)
            library[module] = body

    add(top)
    return library
