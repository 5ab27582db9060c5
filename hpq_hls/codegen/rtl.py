"""The RTL backend: plain SystemVerilog, one instance of a library module per kernel.

The Verilog is in ``templates/rtl``: ``top.sv.j2`` prints the streams and includes one template of
``kernels/`` per kernel; ``lib/`` holds the modules, which are copied as they are. A layer that is a graph
of adders has a module of its own, from ``adders.sv.j2``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2

from hpq_hls.billing.memory import fifo_style, memory_style
from hpq_hls.billing.products import built_in_luts
from hpq_hls.codegen.adders import adder_view
from hpq_hls.codegen.base import Design, Files
from hpq_hls.codegen.manifest import FILE_NAME, manifest_of
from hpq_hls.codegen.rtl_memory import SideBySide, memory_file, packed
from hpq_hls.kernels import ChannelMac, Dataflow, Kernel, MatVec, Stream, UnrolledMatVec
from hpq_hls.resources import templates_dir

_INSTANCE = re.compile(r"^\s*(hpq_\w+)\s+#\(", re.MULTILINE)


class RtlBackend:
    """Prints a design as SystemVerilog that Verilator, Yosys and Vivado read."""

    name = "rtl"

    def files(self, design: Design) -> Files:
        """README.md, design.json, rtl/<top>.sv, the modules it uses, its .mem files, rtl/files.f."""
        folder = templates_dir() / "rtl"
        flow = design.dataflow
        environment = _environment(folder)
        context = _context(flow)
        top = environment.get_template("top.sv.j2").render(context)
        graphs = dict(_adder_modules(flow, environment.get_template("adders.sv.j2"), context))
        library = _library(folder / "lib", "\n".join((top, *graphs.values())))
        sources = [*(f"{module}.sv" for module in (*library, *graphs)), f"{flow.name}.sv"]
        memories = dict(_memories(flow))
        files: dict[str, str | bytes] = {
            "README.md": environment.get_template("README.md.j2").render(
                design=design,
                flow=flow,
                memories=memories,
                shifts_in_rom=any(name.endswith("_shift.mem") for name in memories),
                signs_in_rom=any(getattr(kernel, "signs", False) for kernel in flow.kernels),
                graphs=graphs,
                source=flow.streams[flow.input],
                sink=flow.streams[flow.output],
            ),
            FILE_NAME: manifest_of(design).to_json(),
            "rtl/files.f": environment.get_template("files.f.j2").render(sources=sources),
            f"rtl/{flow.name}.sv": top,
        }
        files.update({f"rtl/{module}.sv": text for module, text in (library | graphs).items()})
        files.update({f"rtl/{name}": text for name, text in memories.items()})
        return files


def _environment(folder: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["comment"] = _comment
    return environment


def _context(flow: Dataflow) -> dict[str, Any]:
    def streams_of(names: Sequence[str]) -> list[Stream]:
        return [flow.streams[name] for name in names]

    functions: dict[str, Callable[..., Any]] = {
        "streams_of": streams_of,
        "module_name": lambda kernel: module_name(flow, kernel),
        "rom_name": lambda kernel, what: rom_name(flow, kernel, what),
        "product_shift": product_shift,
        "shift_parameters": lambda kernel: shift_parameters(flow, kernel),
        "bias_shift": bias_shift,
        "in_luts": in_luts,
        "memory_style": memory_style,
        "fifo_style": fifo_style,
        "packed": packed,
    }
    return {"flow": flow, "streams": list(flow.streams.values()), **functions}


def _comment(text: str) -> str:
    """A name given by the user, safe in a one-line comment."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)


# ---------------------------------------------------------------------------------------------
# Memories and shifts

_Weighted = MatVec | ChannelMac | UnrolledMatVec


def rom_name(flow: Dataflow, kernel: Kernel, what: str) -> str:
    """File name of a kernel's ROM; begins with the top's name, because Vivado ignores folders."""
    return f"{flow.name}_{kernel.name}_{what}.mem"


_PRINTED = ("unrolled", "gather", "weld")
"""Kinds whose constants stand in the Verilog itself."""


def _memories(flow: Dataflow) -> Iterator[tuple[str, str]]:
    for kernel in flow.kernels:
        if isinstance(kernel, (MatVec, ChannelMac)):
            words = kernel.weight_words()
            yield rom_name(flow, kernel, "weight"), memory_file(words, kernel.rom_type.width)
            biases = kernel.bias_words()
            if biases is not None and kernel.bias_type is not None:
                yield rom_name(flow, kernel, "bias"), memory_file(biases, kernel.bias_type.width)
            shifts = kernel.shift_words()
            if shifts is not None and kernel.shift_type is not None and len(shifts) > 1:
                yield rom_name(flow, kernel, "shift"), memory_file(shifts, kernel.shift_type.width)
        elif kernel.kind not in _PRINTED:
            for name, table in kernel.tables().items():
                yield rom_name(flow, kernel, name), memory_file(table.values, table.width)


def module_name(flow: Dataflow, kernel: Kernel) -> str:
    """Name of the module that is generated for one kernel."""
    return f"{flow.name}_{kernel.name}"


def _adder_modules(
    flow: Dataflow, template: jinja2.Template, context: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """The modules of layers that are made of adders: name, text."""
    for kernel in flow.kernels:
        graph = adder_view(kernel) if isinstance(kernel, UnrolledMatVec) else None
        if graph is not None:
            x, y = flow.streams[kernel.inputs[0]], flow.streams[kernel.outputs[0]]
            yield module_name(flow, kernel), template.render(context, k=kernel, graph=graph, x=x, y=y)


def product_shift(kernel: _Weighted, x: Stream) -> int:
    """Zeros to append to a product so that it has the accumulator's fraction."""
    return kernel.accumulator_type.fraction - x.type.fraction - kernel.weight_type.fraction


def in_luts(kernel: Kernel, x: Stream) -> bool:
    """Whether a kernel multiplies, and builds its products in LUTs without leaving that to synthesis."""
    if isinstance(kernel, (MatVec, ChannelMac)):
        return built_in_luts(kernel, x.type)
    return kernel.multipliers > 0 and getattr(kernel, "in_luts", False)


def shift_parameters(flow: Dataflow, kernel: _Weighted) -> list[tuple[str, int | str | SideBySide]]:
    """Parameters that tell a module by how much the sums of rows are shifted; none where none is."""
    words, kind = kernel.shift_words(), kernel.shift_type
    if words is None or kind is None:
        return []
    width = kind.width
    if len(words) == 1:
        return [("SHIFT_W", width), ("SHIFTS", SideBySide(width, tuple(words[0].tolist())))]
    return [
        ("SHIFT_W", width),
        ("SHIFT_DEPTH", len(words)),
        ("SHIFT_FILE", rom_name(flow, kernel, "shift")),
        ("SHIFT_STYLE", memory_style(len(words), words.shape[1] * width)),
    ]


def bias_shift(kernel: _Weighted) -> int:
    """Zeros to append to a bias so that it has the accumulator's fraction."""
    if kernel.bias is None or kernel.bias_type is None:
        return 0
    return kernel.accumulator_type.fraction - kernel.bias_type.fraction


# ---------------------------------------------------------------------------------------------
# Library


def _library(folder: Path, top: str) -> dict[str, str]:
    """The modules that ``top`` instantiates, and theirs: name -> text, each after what it uses."""
    library: dict[str, str] = {}

    def add(text: str) -> None:
        for module in sorted(set(_INSTANCE.findall(text)) - set(library)):
            body = (folder / f"{module}.sv").read_text(encoding="utf-8")
            add(body)
            library[module] = body

    add(top)
    return library
