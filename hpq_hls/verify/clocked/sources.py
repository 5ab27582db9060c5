"""The emitted C++ with each process of the top function as a function of its own, for clang."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import VerificationError
from hpq_hls.templating import render
from hpq_hls.verify.schedule_sources import calls_of

RAW = "hpq_raw_"
"""In front of a port's name: its transfers as signals."""
_PROCESS = "hpq_process_"

_UNROLLED = re.compile(
    r"^([ \t]*(?:for|while) \([^{}]*\) \{\n)[ \t]*#pragma HLS unroll[ \t]*\n", re.MULTILINE
)
_LOOP = re.compile(r"^([ \t]*)(for \()", re.MULTILINE)
_HEAP = re.compile(r"(uint64_t)\* (dest) = \(uint64_t\*\)malloc\(destWords \* sizeof\(uint64_t\)\);")
_FREED = re.compile(r"^[ \t]*free\(dest\);\n", re.MULTILINE)
_PARAMETER = re.compile(r"\s*(?P<type>.+?)&\s*(?P<name>\w+)\s*", re.DOTALL)
_STREAM = re.compile(r"^[ \t]*(hls::stream<.+>)[ \t]+(\w+)\(\"(\w+)\"\);", re.MULTILINE)
_DEPTH = re.compile(r"#pragma[ \t]+HLS[ \t]+stream\b(?=.*\bvariable=(\w+))(?=.*\bdepth=(\d+))", re.IGNORECASE)


@dataclass(frozen=True)
class Split:
    """A design in processes.

    text: of the top file. processes: name by function. depths: of the streams between them, beats by
    variable. signals: variables of the top function's other parameters. memories: of a kernel around the
    design, which its processes read or write. calls: of those processes that a call of the kernel starts,
    what the streams begin with that do (``STARTED``, ``ENDED``), by function.
    """

    text: str
    processes: dict[str, str]
    depths: dict[str, int]
    signals: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


def unrolled(text: str) -> str:
    """A source in which clang unrolls what the HLS tool unrolls."""
    return _UNROLLED.sub(r"#pragma clang loop unroll(full)\n\1", text)


def headers_unrolled(text: str) -> str:
    """A header of the vendor's numbers in which clang unrolls all loops whose length it knows: those over the
    words of numbers beyond 64 bits, which then are values and no memories. The product of two such is put
    where the most words have room, instead of on the heap."""
    text = _HEAP.sub(r"\1 \2[_AP_N + ap_private<_AP_W1, _AP_S1>::_AP_N];", text)
    text = _FREED.sub("", text)
    return _LOOP.sub(r'\1_Pragma("clang loop unroll(full)") \2', text)


def bytes_of(port: Port) -> int:
    """Of TDATA."""
    return -(-port.width * port.lanes // 8)


def split(text: str, manifest: Manifest) -> Split:
    """Take the top function apart.

    Raises:
        VerificationError: it is not as it was emitted.
    """
    head = function_head(text, f"void {manifest.name}")
    ports = {port.port: port for port in (*manifest.inputs, *manifest.outputs)}
    found = parameters_of(head)
    signals = [name for _, name in found if name not in ports]
    parameters: list[dict[str, str | int]] = [
        {"type": kind, "name": name, "bytes": bytes_of(ports[name]) if name in ports else 0}
        for kind, name in found
    ]
    streams, depths = streams_of(manifest.name, text[head.end() :])
    calls = [
        *((f"signals_{p.port}", f"hpq_from_port({RAW}{p.port}, {p.port})") for p in manifest.inputs),
        *calls_of(text, head.end()),
        *((f"signals_{p.port}", f"hpq_to_port({p.port}, {RAW}{p.port})") for p in manifest.outputs),
    ]
    made = text[: head.start()] + processes_text(calls, streams, parameters=parameters)
    return Split(made, names_of(calls), depths, tuple(signals))


def function_head(text: str, named: str) -> re.Match[str]:
    """Where a function of a file begins; group 1: its parameters. named: with what comes before its name.

    Raises:
        VerificationError: there is none.
    """
    head = re.search(rf"^{re.escape(named)}\((.*?)\) \{{$", text, re.MULTILINE | re.DOTALL)
    if head is None:
        raise VerificationError(f"the C++ has no function {named.split()[-1]}; generate it again")
    return head


def parameters_of(head: re.Match[str]) -> list[tuple[str, str]]:
    """Types and names of a function's parameters, which are references.

    Raises:
        VerificationError: one is none.
    """
    found = [(parameter, _PARAMETER.fullmatch(parameter)) for parameter in _parameters(head[1])]
    for parameter, one in found:
        if one is None:
            raise VerificationError(f"a parameter of the C++ is no reference: {parameter.strip()}")
    return [(one["type"], one["name"]) for _, one in found if one is not None]


def streams_of(function: str, body: str) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Types and variables of the streams that a region declares, and their depths.

    Raises:
        VerificationError: one has no depth.
    """
    streams = [(kind, variable) for kind, variable, _ in _STREAM.findall(body)]
    depths = {variable: int(depth) for variable, depth in _DEPTH.findall(body)}
    if set(depths) != {variable for _, variable in streams}:
        raise VerificationError(f"not every stream of {function} has a depth; generate it again")
    return streams, depths


def processes_text(
    calls: Sequence[tuple[str, str]],
    streams: Sequence[tuple[str, str]],
    *,
    parameters: Sequence[Mapping[str, str | int]] = (),
    memories: Sequence[tuple[str, str]] = (),
) -> str:
    """The processes as functions of their own, and what they use as variables from elsewhere. calls: name and
    text; streams, memories: type and name."""
    values = {
        "parameters": parameters,
        "streams": streams,
        "memories": memories,
        "raw": RAW,
        "calls": {f"{_PROCESS}{number}": call for number, (_, call) in enumerate(calls)},
    }
    return render("verify/clocked_processes.cpp.j2", values)


def names_of(calls: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Of processes, by function."""
    return {f"{_PROCESS}{number}": name for number, (name, _) in enumerate(calls)}


def _parameters(text: str) -> Sequence[str]:
    """The parameters of a function: split at commas outside of any brackets."""
    depth, parts = 0, [""]
    for letter in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
