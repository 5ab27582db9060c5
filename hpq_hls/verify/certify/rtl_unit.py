"""Modules of a generated RTL project alone: their text, and the simulator that is built from it.

Names that only this design has are replaced by common ones, so that what is the same is built once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.errors import VerificationError
from hpq_hls.hardware import Dataflow, Terminal
from hpq_hls.kernels import Kernel
from hpq_hls.resources import hw_sim_dir, templates_dir
from hpq_hls.templating import render
from hpq_hls.verify.certify.rtl_top import Top, code, names, own_streams, renamed, tokens
from hpq_hls.verify.cosim_build import PREFIX, BuildRequest, Harness
from hpq_hls.verify.cosim_sources import Sources

TOP = "bench"
CAST = "hpq_cast"
_MODULE = re.compile(r"\bmodule\s+(\w+)|`define\s+(\w+)")
_SIDES = ("data", "valid", "ready")


@dataclass(frozen=True)
class Port:
    """A stream at a unit. name: "in0", "out0", ... bits: of a beat."""

    name: str
    goes_in: bool
    bits: int


@dataclass(frozen=True)
class Unit:
    """What is examined alone.

    ports: inputs, then outputs. body: of its module. memories: the project's memory files by the name that
    the body has for them.
    """

    ports: tuple[Port, ...]
    body: str
    memories: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Library:
    """The project's Verilog files but for the top module's, in order, with their text; the modules and macros
    that each defines; and which files each needs: those that define what it names."""

    texts: Mapping[Path, str]
    defined: Mapping[Path, frozenset[str]]
    needs: Mapping[Path, frozenset[Path]]

    @classmethod
    def of(cls, sources: Sources, top: str) -> Library:
        """The file of module ``top`` is left out."""
        texts = {path: path.read_text(encoding="utf-8") for path in sources.verilog}
        defined = {path: frozenset(_defined(text)) for path, text in texts.items()}
        places = {word: path for path, words in defined.items() for word in words}
        own = places.get(top)
        needs = {
            path: frozenset(places[word] for word in names(text) | _macros(text) if word in places)
            - {path, own}
            for path, text in texts.items()
        }
        return cls({path: text for path, text in texts.items() if path != own}, defined, needs)

    @property
    def modules(self) -> frozenset[str]:
        """Names of all modules and macros."""
        return frozenset().union(*(self.defined[path] for path in self.texts))

    def under(self, text: str) -> list[Path]:
        """The files that a text needs, in order."""
        words = names(text)
        open_ends = [path for path in self.texts if words & self.defined[path]]
        found: set[Path] = set()
        while open_ends:
            path = open_ends.pop()
            if path not in found:
                found.add(path)
                open_ends += self.needs[path]
        return [path for path in self.texts if path in found]


def _defined(text: str) -> list[str]:
    return [module or f"`{macro}" for module, macro in _MODULE.findall(code(text))]


def _macros(text: str) -> set[str]:
    return {token for token in tokens(text) if token.startswith("`")}


def kernel_unit(top: Top, kernel: Kernel, flow: Dataflow, library: Library) -> Unit:
    """A kernel as the project's top module has it; where its results come some cycles after their handshake,
    with a FIFO of the bench's behind it.

    Raises:
        VerificationError: it is not there, or connects to other streams.
    """
    section = top.section(kernel)
    own_streams(section, kernel, flow)
    ports: list[Port] = []
    new: dict[str, str] = {}
    for index, name in enumerate(kernel.inputs):
        ports.append(Port(f"in{index}", True, _width(top, flow, name)))
        new |= {f"{name}_out_{side}": f"in{index}_{side}" for side in _SIDES}
    latency, behind = kernel.contract(flow.streams).latency, ""
    for index, name in enumerate(kernel.outputs):
        bits, port = _width(top, flow, name), f"out{index}"
        ports.append(Port(port, False, bits))
        made = f"made{index}" if latency else port
        new |= {f"{name}_in_{side}": f"{made}_{side}" for side in _SIDES}
        if latency:
            behind += render(
                "verify/rtl_behind.sv.j2", {"made": made, "port": port, "bits": bits, "latency": latency}
            )
    memories = sorted({token for token in tokens(section) if token.endswith('.mem"')})
    common = {token: f'"{index}.mem"' for index, token in enumerate(memories)}
    taken = library.modules
    for word in names(section) - taken - set(new):
        if word == kernel.name or word.startswith(f"{kernel.name}_"):
            new[word] = "examined" + word[len(kernel.name) :]
    body = renamed(section, new | common)
    files = tuple((common[token].strip('"'), token.strip('"')) for token in memories)
    return Unit(tuple(ports), _tidy(behind + body), files)


def fifo_unit(stream: str, flow: Dataflow, top: Top) -> Unit:
    """The FIFO of a stream; in front of one to which data comes late, registers that make it late."""
    instance = top.instance("hpq_fifo", f"fifo_{stream}")
    new = {f"fifo_{stream}": "fifo"}
    for end, port in (("in", "in0"), ("out", "out0")):
        new |= {f"{stream}_{end}_{side}": f"{port}_{side}" for side in _SIDES}
    bits, latency = _width(top, flow, stream), flow.links[stream].latency
    late = ""
    if latency:
        new[f"{stream}_in_data"] = f"late[{(latency - 1) * bits} +: {bits}]"
        late = render("verify/rtl_late.sv.j2", {"bits": bits, "latency": latency})
    return Unit((Port("in0", True, bits), Port("out0", False, bits)), _tidy(late + renamed(instance, new)))


_AXIS = ("TDATA", "TLAST", "TKEEP", "TSTRB")


def axis_bits(bits: int) -> tuple[int, ...]:
    """Bits of TDATA, TLAST, TKEEP and TSTRB of a port with so many bits of a beat."""
    count = -(-bits // 8)
    return 8 * count, 1, count, count


def port_unit(end: Terminal, goes_in: bool, flow: Dataflow, top: Top) -> Unit:
    """An AXI4-Stream port; on its outer side TDATA, TLAST, TKEEP and TSTRB are one beat, lowest first. Where
    it checks TLAST, its flag is the highest bit of what leaves."""
    port, stream = end.port, end.stream
    module = "hpq_axis_out" if not goes_in else "hpq_axis_in_checked" if end.checked else "hpq_axis_in"
    instance = top.instance(module, f"port_{port}")
    outer, inner = ("in0", "out0") if goes_in else ("out0", "in0")
    bits = _width(top, flow, stream)
    widths = axis_bits(bits)
    new = {f"{port}_TVALID": f"{outer}_valid", f"{port}_TREADY": f"{outer}_ready", f"port_{port}": "port"}
    at = 0
    for name, width in zip(_AXIS, widths, strict=True):
        new[f"{port}_{name}"] = f"{outer}_data[{at} +: {width}]"
        at += width
    way = "in" if goes_in else "out"
    new |= {f"{stream}_{way}_{side}": f"{inner}_{side}" for side in _SIDES}
    if end.checked:
        new |= {f"{stream}_in_data": f"out0_data[0 +: {bits}]", end.packet_error: f"out0_data[{bits}]"}
    made = bits + end.checked if goes_in else at
    ports = [Port("in0", True, at if goes_in else bits), Port("out0", False, made)]
    return Unit(tuple(ports), _tidy(renamed(instance, new)))


def _width(top: Top, flow: Dataflow, stream: str) -> int:
    bits, wanted = top.widths.get(stream), flow.streams[stream].bits
    if bits != wanted:
        raise VerificationError(f"stream {stream} has {bits or 'no'} bits, not {wanted}")
    return bits


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def request(units: Sequence[Unit], library: Library, sources: Sources, kept: int) -> BuildRequest:
    """What to build for some units. kept: as many simulators stay."""
    named = [
        {"module": f"examined_{index}", "ports": unit.ports, "body": unit.body}
        for index, unit in enumerate(units)
    ]
    text = render("verify/rtl_bench.sv.j2", {"units": named})
    files = library.under("\n".join(unit.body for unit in units))
    cast = [path for path in files if CAST in library.defined[path]]
    verilog = {"bench.sv": text, **_cast_files(library.texts[path] for path in cast)}
    driver = hw_sim_dir() / "examine_rtl"
    main = render(
        "verify/rtl_model.cpp.j2",
        {"units": named, "prefix": PREFIX, "header": (driver / "unit.hpp").as_posix()},
    )
    return BuildRequest(
        top=TOP,
        sources=Sources(sources.root, tuple(path for path in files if path not in cast), (), sources.data),
        harness=Harness(verilog=verilog, main=main, library=(driver / "driver.cpp",)),
        kept=kept,
    )


def _cast_files(texts: Iterable[str]) -> dict[str, str]:
    """The project's casts under another name, and what stands in their place."""
    found = [renamed(text, {CAST: f"{CAST}_as_written"}) for text in texts]
    if not found:
        return {}
    ours = (templates_dir() / "verify" / "rtl_cast.sv").read_text(encoding="utf-8")
    return {"cast_as_written.sv": "\n".join(found), "cast.sv": ours}
