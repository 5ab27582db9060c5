"""A copy of a design's C++ that says what each of its processes does when, and what the pragmas say of it.

Each ``#pragma HLS pipeline`` becomes a call, and each process of a dataflow region stands in an object that
says so; ``hw_sim/schedule/hls_stream.h`` takes down the rest. No other word changes.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hpq_hls.errors import VerificationError


class Style(enum.IntEnum):
    """What a pipeline does when it cannot go on (UG1399, pragma HLS pipeline); numbers as in replay.cpp."""

    STP = 0  # stops as a whole, also where no input comes
    FLP = 1  # what is in it goes on without input
    FRP = 2  # never stops; what comes out has a place reserved before it goes in


class Rewind(enum.IntEnum):
    """What follows the last iteration of a call; numbers as in replay.cpp."""

    ANEW = 0  # the pipeline runs empty, then the loop begins again
    REWOUND = 1  # the first iteration of the next call
    FUNCTION = 2  # the same: the pipeline is the whole function


@dataclass(frozen=True)
class Pipeline:
    """A ``#pragma HLS pipeline``. place: file and line. style: None where the tool's version decides."""

    place: str
    ii: int
    style: Style | None
    rewind: Rewind


@dataclass(frozen=True)
class Process:
    """A call in a dataflow region. memories: arrays of the region that are handed over, whole, by number."""

    name: str
    memories: tuple[int, ...] = ()


@dataclass
class Text:
    """What was found while sources were copied. memories: one for each array between processes; depths: of
    the FIFOs, by name."""

    pipelines: list[Pipeline] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    memories: list[str] = field(default_factory=list)
    depths: dict[str, int] = field(default_factory=dict)


_PIPELINE = re.compile(r"^[ \t]*#pragma[ \t]+HLS[ \t]+pipeline\b(.*)$", re.MULTILINE | re.IGNORECASE)
_DATAFLOW = re.compile(r"^[ \t]*#pragma[ \t]+HLS[ \t]+dataflow\b.*$", re.MULTILINE | re.IGNORECASE)
_STREAM = re.compile(
    r"#pragma[ \t]+HLS[ \t]+stream\b(?=.*\bvariable=(\w+))(?=.*\bdepth=(\d+))", re.IGNORECASE
)
_NAMED = re.compile(r'\b(\w+)\("(\w+)"\)\s*;')
_CALL = re.compile(r"(?P<name>[\w:]+)\s*(?:<.*>)?\s*\((?P<arguments>.*)\)", re.DOTALL)
_ARRAY = re.compile(r"(?!static\b)[\w:<>,\s-]+?\b(\w+)((?:\s*\[[^\]]*\])+)", re.DOTALL)
_LOOP = re.compile(r"\b(?:for|while)\s*\([^{}]*\)\s*$")
_FUNCTION = re.compile(r"\b(\w+)\s*\([^{}]*\)\s*$")
_WORDS = re.compile(r"\w+")


def instrument(path: str, text: str, found: Text) -> str:
    """A source as it is compiled; what it says is added to ``found``.

    Raises:
        VerificationError: a region or a pragma cannot be read.
    """
    text = _mark_regions(path, text, found)
    variables = dict(_NAMED.findall(text))
    for variable, depth in _STREAM.findall(text):
        found.depths[variables.get(variable, variable)] = int(depth)
    parts, at = [], 0
    for pragma in _PIPELINE.finditer(text):
        place = f"{path}:{text.count(chr(10), 0, pragma.start()) + 1}"
        loop = _is_loop(text[: pragma.start()])
        number = len(found.pipelines)
        found.pipelines.append(_pipeline(place, pragma[1], loop))
        parts += [
            text[at : pragma.start()],
            f"::hpq_schedule::step({number}, {'false' if loop else 'true'});",
        ]
        at = pragma.end()
    return "".join([*parts, text[at:]])


def _pipeline(place: str, options: str, loop: bool) -> Pipeline:
    words = options.lower().split()
    ii = next((int(word[3:]) for word in words if re.fullmatch(r"ii=\d+", word)), 1)
    styles = [Style[word[6:].upper()] for word in words if re.fullmatch(r"style=(stp|flp|frp)", word)]
    style = styles[0] if styles else None
    if "enable_flush" in words:
        style = Style.FLP
    rewind = Rewind.REWOUND if "rewind" in words else Rewind.ANEW
    return Pipeline(place, ii, style, rewind if loop else Rewind.FUNCTION)


def _opening(before: str) -> int:
    """Where the brace is that the end of a text stands in."""
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        if before[at] == "}":
            depth += 1
        elif before[at] == "{":
            if depth == 0:
                return at
            depth -= 1
    raise VerificationError("a pragma of the C++ stands outside of any braces; generate the project again")


def _is_loop(before: str) -> bool:
    return _LOOP.search(before, 0, _opening(before)) is not None


def _mark_regions(path: str, text: str, found: Text) -> str:
    """With each call of a dataflow region in an object that says which process it is."""
    parts, at = [], 0
    for pragma in _DATAFLOW.finditer(text):
        function = _FUNCTION.search(text, 0, _opening(text[: pragma.start()]))
        if function is None:
            raise VerificationError(f"{path} has a dataflow region that is no function; generate it again")
        parts.append(text[at : pragma.end()])
        at = pragma.end()
        arrays: dict[str, int] = {}
        for begin, end in _statements(text, pragma.end()):
            statement = text[begin:end]
            array, call = _ARRAY.fullmatch(statement), _CALL.fullmatch(statement)
            if call is not None:
                used = [arrays[word] for word in _WORDS.findall(call["arguments"]) if word in arrays]
                name = call["name"].rpartition("::")[2]
                nested = f"{function[1]}.{name}" if arrays else name
                found.processes.append(Process(nested, tuple(used)))
                number = len(found.processes) - 1
                parts += [text[at:begin], f"{{ ::hpq_schedule::process one({number}); {statement}; }}"]
                at = end + 1
            elif array is not None:
                arrays[array[1]] = len(found.memories)
                found.memories.append(f"{function[1]}.{array[1]}")
            elif "[" in statement and not statement.startswith("static"):
                said = " ".join(statement.split())[:100]
                raise VerificationError(
                    f"{path} has a dataflow region with an array that cannot be read: {said}"
                )
    return "".join([*parts, text[at:]])


def _statements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Begin and end, without the semicolon, of each statement up to the brace that closes."""
    depth, begin = 0, None
    while at < len(text):
        if text.startswith(("#", "//"), at) and (begin is None or text[:at].rstrip(" \t").endswith("\n")):
            at = text.index("\n", at)
        letter = text[at]
        if begin is None and not letter.isspace() and letter not in ";}":
            begin = at
        if letter in "({[":
            depth += 1
        elif letter in ")}]":
            depth -= 1
            if depth < 0:
                return
        elif letter == ";" and depth == 0 and begin is not None:
            yield begin, at
            begin = None
        at += 1


def calls_of(text: str, at: int) -> Iterator[tuple[str, str]]:
    """Name and text of each call of a dataflow region, from a place in its function on."""
    for begin, end in _statements(text, at):
        call = _CALL.fullmatch(text[begin:end])
        if call is not None:
            yield call["name"].rpartition("::")[2], text[begin:end]


def between(processes: Sequence[Process], memory: int) -> tuple[int, int]:
    """The process that fills a memory, and the one that empties it."""
    users = [number for number, process in enumerate(processes) if memory in process.memories]
    if len(users) != 2:
        raise VerificationError("an array of a dataflow region is not used by just two processes")
    return users[0], users[1]
