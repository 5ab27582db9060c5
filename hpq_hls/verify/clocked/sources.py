"""The emitted C++ with each process of the top function as a function of its own, for clang."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import VerificationError
from hpq_hls.verify.schedule_sources import calls_of

RAW = "hpq_raw_"
"""In front of a port's name: its transfers as signals."""

_UNROLLED = re.compile(
    r"^([ \t]*(?:for|while) \([^{}]*\) \{\n)[ \t]*#pragma HLS unroll[ \t]*\n", re.MULTILINE
)
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
    lines, signals = [text[: head.start()], 'extern "C" {'], []
    for parameter in _parameters(head[1]):
        found = _PARAMETER.fullmatch(parameter)
        if found is None:
            raise VerificationError(f"a parameter of {manifest.name} is no reference: {parameter.strip()}")
        lines.append(f"extern {found['type']} {found['name']};")
        if found["name"] in ports:
            size = bytes_of(ports[found["name"]])
            lines.append(f"extern hls::stream<hpq_transfer<{size}> > {RAW}{found['name']};")
        else:
            signals.append(found["name"])
    variables = {variable: name for _, variable, name in _STREAM.findall(body)}
    lines += [f"extern {kind} {variable};" for kind, variable, _ in _STREAM.findall(body)]
    depths = {variable: int(depth) for variable, depth in _DEPTH.findall(body)}
    if set(depths) != set(variables):
        raise VerificationError(f"not every stream of {manifest.name} has a depth; generate it again")
    processes: dict[str, str] = {}
    for port in manifest.inputs:
        processes[f"hpq_process_{len(processes)}"] = f"signals_{port.port}"
        lines.append(_process(len(processes) - 1, f"hpq_from_port({RAW}{port.port}, {port.port})"))
    for name, call in calls_of(text, head.end()):
        processes[f"hpq_process_{len(processes)}"] = name
        lines.append(_process(len(processes) - 1, call))
    for port in manifest.outputs:
        processes[f"hpq_process_{len(processes)}"] = f"signals_{port.port}"
        lines.append(_process(len(processes) - 1, f"hpq_to_port({port.port}, {RAW}{port.port})"))
    return Split("\n".join([*lines, "}", ""]), processes, depths, tuple(signals))


def _process(number: int, call: str) -> str:
    return f"void hpq_process_{number}() {{ {call}; }}"


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
