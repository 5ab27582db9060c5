"""Reads the top module of a generated RTL project: what belongs to each kernel, and what connects them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpq_hls.errors import VerificationError
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel

_HEADING = re.compile(r"^[ \t]*// -{64} .*$", re.MULTILINE)
_END = re.compile(r"^endmodule\b", re.MULTILINE)
_TOKEN = re.compile(
    r"""
    "(?:[^"\\\n]|\\.)*"        # a string
    | //[^\n]* | /\*.*?\*/      # a comment
    | [A-Za-z_$`][\w$]*         # a name
    | \d[\w']* | '[sS]?[bodhBODH][\da-fA-F_]+    # a number
    | \.\s*[A-Za-z_]\w*         # a port or parameter of an instance
    | \s+ | .
    """,
    re.DOTALL | re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_AT_STREAM = re.compile(r"(\w+)_(in|out)_(data|valid|ready)")
_WIDTH = re.compile(r"wire\s*\[\s*(\d+)\s*:\s*0\s*\]\s*(\w+)_in_data\s*,\s*(\w+)_out_data\s*;")
_COMMON_SECTIONS = 2  # streams, ports


def tokens(text: str) -> Iterator[str]:
    """Names, strings, ports (".name"), blanks and single characters; no comments."""
    for match in _TOKEN.finditer(text):
        if not match[0].startswith(("//", "/*")):
            yield match[0]


def code(text: str) -> str:
    """A text without its comments."""
    return "".join(tokens(text))


def names(text: str) -> set[str]:
    """The names in a text that are no ports of an instance."""
    return {token for token in tokens(text) if _NAME.fullmatch(token)}


def renamed(text: str, new: Mapping[str, str]) -> str:
    """A text without comments in which names, and strings with their quotes, have become others."""
    return "".join(new.get(token, token) for token in tokens(text))


@dataclass(frozen=True)
class Top:
    """The text of a top module.

    Without comments: common, what stands before the first kernel, its streams and ports; sections, behind
    each heading of a kernel; rest, the end. widths: bits of a beat by stream.
    """

    common: str
    sections: tuple[str, ...]
    rest: str
    widths: Mapping[str, int]

    @classmethod
    def read(cls, text: str) -> Top:
        """Raises VerificationError where it is no top module."""
        headings = list(_HEADING.finditer(text))
        ends = list(_END.finditer(text))
        if len(headings) < _COMMON_SECTIONS or len(ends) != 1:
            raise VerificationError("the top module is not one that was generated: its headings are missing")
        starts = [match.start() for match in headings[_COMMON_SECTIONS:]]
        end = ends[0].start()
        bounds = [*(start for start in starts if start < end), end]
        common = code(text[: bounds[0]])
        widths = {name: int(upper) + 1 for upper, name, other in _WIDTH.findall(common) if name == other}
        sections = tuple(code(text[a:b]) for a, b in itertools.pairwise(bounds))
        return cls(common, sections, code(text[end:]), widths)

    def section(self, kernel: Kernel) -> str:
        """What belongs to a kernel: the section that has an instance of its name.

        Raises:
            VerificationError: there is not just one.
        """
        found = self._with(kernel)
        if len(found) != 1:
            raise VerificationError(
                f"the top module has {len(found)} sections with an instance of its name, not one"
            )
        return found[0]

    def strange(self, flow: Dataflow) -> list[str]:
        """Sections that belong to no kernel."""
        owned = {text for kernel in flow.kernels for text in self._with(kernel)}
        return [text for text in self.sections if text not in owned]

    def _with(self, kernel: Kernel) -> list[str]:
        instance = re.compile(rf"(?:\)|\b\w+)\s+{re.escape(kernel.name)}\s*\(")
        return [text for text in self.sections if instance.search(text)]

    def instance(self, module: str, name: str) -> str:
        """An instance among the streams and ports.

        Raises:
            VerificationError: there is none.
        """
        pattern = rf"\b{module}\s*#\s*\((?:(?!\)\s*\w+\s*\().)*\)\s*{re.escape(name)}\s*\(.*?\)\s*;"
        found = re.search(pattern, self.common, re.DOTALL)
        if found is None:
            raise VerificationError(f"the top module has no {module} {name}")
        return found[0]


def outside(top: Top, flow: Dataflow) -> list[str]:
    """What connects the kernels, word by word, and of sections that belong to none all."""
    parts = (top.common, *top.strange(flow), top.rest)
    return [token for text in parts for token in tokens(text) if token.strip()]


def at_streams(text: str, flow: Dataflow) -> set[tuple[str, str]]:
    """The ends of streams of the design that a text has to do with: name, and "in" or "out"."""
    found = set()
    for name in names(text):
        match = _AT_STREAM.fullmatch(name)
        if match and match[1] in flow.streams:
            found.add((match[1], match[2]))
    return found


def own_streams(text: str, kernel: Kernel, flow: Dataflow) -> None:
    """Check that a kernel's section connects to its streams, and to no other.

    Raises:
        VerificationError: it does not.
    """
    wanted = {(name, "out") for name in kernel.inputs} | {(name, "in") for name in kernel.outputs}
    there = at_streams(text, flow)
    for name, end in sorted(there - wanted):
        way = "reads from" if end == "out" else "writes to"
        raise VerificationError(f"it {way} stream {name}, which is not its own")
    for name, _ in sorted(wanted - there):
        raise VerificationError(f"it is not connected to its stream {name}")
