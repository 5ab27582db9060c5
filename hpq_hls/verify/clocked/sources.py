"""The emitted C++ with each process of the top function as a function of its own, for clang."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import VerificationError
from hpq_hls.templating import render
from hpq_hls.verify.schedule_sources import calls_of

RAW = "hpq_raw_"
"""In front of a port's name: its transfers as signals."""

_UNROLLED = re.compile(
    r"^([ \t]*(?:for|while) \([^{}]*\) \{\n)[ \t]*#pragma HLS unroll[ \t]*\n", re.MULTILINE
)
_LOOP = re.compile(r"^([ \t]*)(for \()", re.MULTILINE)
_PARAMETER = re.compile(r"\s*(?P<type>.+?)&\s*(?P<name>\w+)\s*", re.DOTALL)
_STREAM = re.compile(r"^[ \t]*(hls::stream<.+>)[ \t]+(\w+)\(\"(\w+)\"\);", re.MULTILINE)
_DEPTH = re.compile(r"#pragma[ \t]+HLS[ \t]+stream\b(?=.*\bvariable=(\w+))(?=.*\bdepth=(\d+))", re.IGNORECASE)


@dataclass(frozen=True)
class Split:
    """A design in processes.

    text: of the top file. processes: name by function. depths: of the streams between them, beats by
    variable. signals: variables of the top function's other parameters.
    """

    text: str
    processes: dict[str, str]
    depths: dict[str, int]
    signals: tuple[str, ...]


def unrolled(text: str) -> str:
    """A source in which clang unrolls what the HLS tool unrolls."""
    return _UNROLLED.sub(r"#pragma clang loop unroll(full)\n\1", text)


def headers_unrolled(text: str) -> str:
    """A header of the vendor's numbers in which clang unrolls all loops whose length it knows: those over the
    words of numbers beyond 64 bits, which then are values and no memories."""
    return _LOOP.sub(r'\1_Pragma("clang loop unroll(full)") \2', text)


def bytes_of(port: Port) -> int:
    """Of TDATA."""
    return -(-port.width * port.lanes // 8)


def split(text: str, manifest: Manifest) -> Split:
    """Take the top function apart.

    Raises:
        VerificationError: it is not as it was emitted.
    """
    head = re.search(rf"^void {re.escape(manifest.name)}\((.*?)\) \{{$", text, re.MULTILINE | re.DOTALL)
    if head is None:
        raise VerificationError(f"the C++ has no function {manifest.name}; generate it again")
    body = text[head.end() :]
    ports = {port.port: port for port in (*manifest.inputs, *manifest.outputs)}
    parameters, signals = [], []
    for parameter in _parameters(head[1]):
        found = _PARAMETER.fullmatch(parameter)
        if found is None:
            raise VerificationError(f"a parameter of {manifest.name} is no reference: {parameter.strip()}")
        name = found["name"]
        parameters.append(
            {"type": found["type"], "name": name, "bytes": bytes_of(ports[name]) if name in ports else 0}
        )
        if name not in ports:
            signals.append(name)
    streams = [{"type": kind, "name": variable} for kind, variable, _ in _STREAM.findall(body)]
    depths = {variable: int(depth) for variable, depth in _DEPTH.findall(body)}
    if set(depths) != {stream["name"] for stream in streams}:
        raise VerificationError(f"not every stream of {manifest.name} has a depth; generate it again")
    calls = [
        *((f"signals_{p.port}", f"hpq_from_port({RAW}{p.port}, {p.port})") for p in manifest.inputs),
        *calls_of(text, head.end()),
        *((f"signals_{p.port}", f"hpq_to_port({p.port}, {RAW}{p.port})") for p in manifest.outputs),
    ]
    values = {
        "parameters": parameters,
        "streams": streams,
        "raw": RAW,
        "calls": {f"hpq_process_{number}": call for number, (_, call) in enumerate(calls)},
    }
    made = text[: head.start()] + render("verify/clocked_processes.cpp.j2", values)
    processes = {f"hpq_process_{number}": name for number, (name, _) in enumerate(calls)}
    return Split(made, processes, depths, tuple(signals))


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
