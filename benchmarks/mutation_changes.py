"""Single changes of Verilog, C++ and memory files, by class: what could be mistaken in a design."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Change:
    """A word of a line of a file, and what stands there instead. kind: its class."""

    path: Path
    line: int
    start: int
    old: str
    new: str
    kind: str

    def apply(self, text: str) -> str:
        """The file's text with the change."""
        lines = text.splitlines(keepends=True)
        row = lines[self.line]
        assert row[self.start :].startswith(self.old), (self, row)
        lines[self.line] = row[: self.start] + self.new + row[self.start + len(self.old) :]
        return "".join(lines)


@dataclass(frozen=True)
class Rule:
    """What of a line may change, and into what. The first group of the pattern, if there is one, is what
    changes."""

    kind: str
    pattern: re.Pattern[str]
    instead: Callable[[str, random.Random], str]


def _rule(kind: str, pattern: str, instead: str | Callable[[str, random.Random], str]) -> Rule:
    if isinstance(instead, str):
        word = instead
        return Rule(kind, re.compile(pattern), lambda _old, _rng: word)
    return Rule(kind, re.compile(pattern), instead)


def _near(word: str, rng: random.Random) -> str:
    """A decimal number one more or less."""
    return str(int(word) + rng.choice([-1, 1]))


def _shrink(word: str, rng: random.Random) -> str:
    """An expression one less, or one more."""
    return f"{word} {rng.choice(['- 1', '+ 1'])}"


def _bit(word: str, rng: random.Random) -> str:
    """Hexadecimal digits with one bit of one of them changed."""
    at = rng.randrange(len(word))
    flipped = f"{int(word[at], 16) ^ 1 << rng.randrange(4):x}"
    return word[:at] + flipped + word[at + 1 :]


def _swap(pairs: Mapping[str, str]) -> Callable[[str, random.Random], str]:
    return lambda word, _rng: pairs[word]


_COMPARISONS = {"==": "!=", "!=": "==", "<": "<=", ">": ">=", ">=": ">", "<=": "<"}
_MODES = {
    "AP_RND": "AP_TRN",
    "AP_TRN": "AP_RND",
    "AP_SAT": "AP_WRAP",
    "AP_WRAP": "AP_SAT",
    "relu": "no_clip",
    "no_clip": "relu",
}

_CHOICE = r"\? ([^?:;,()]+ : [^?:;,()]+)(?=[;,)])"


def _other_way_round(word: str, _rng: random.Random) -> str:
    first, second = word.split(" : ")
    return f"{second} : {first}"


VERILOG = (
    _rule("constants", r"'s?h([0-9a-f]+)\b", _bit),
    _rule("constants", r"'s?d(\d+)\b", lambda word, _: str(int(word) + 1)),
    _rule("widths", r"\[([^\[\]:]+?)\s*:\s*0\]", _shrink),
    _rule("widths", r"localparam int \w*_W\s*= ([^;]+?);", _shrink),
    _rule("widths", r"\.(?:\w+_W|WIDTH)\s*\(([^()]+)\)", _shrink),
    _rule("widths", r"\b([A-Z]\w*)'\(", lambda word, rng: f"({_shrink(word, rng)})"),
    _rule("shifts", r">>>|>>|<<<|<<", lambda word, _: {">": "<", "<": ">"}[word[0]] * len(word)),
    _rule("shifts", r"(?:>>>|>>|<<<|<<) (\w+)\b", _shrink),
    _rule("shifts", r"\.\w*SHIFTS?\s*\(([^()]+)\)", _shrink),
    _rule("rounding", r"\"(AP_(?:RND|TRN))\"", _swap(_MODES)),
    _rule("saturation", r"\"(AP_(?:SAT|WRAP))\"", _swap(_MODES)),
    _rule("counters", r"(?<![<>=!])(?:==|!=|>=|<(?![<=])|>(?!>))(?!=)", _swap(_COMPARISONS)),
    _rule("counters", r"(?:\bassign|localparam|\bfor\b)[^;]*?(<=)", "<"),
    _rule("counters", r"\([^()]*(<=)", "<"),
    _rule("counters", r"- (1)\b(?!')", lambda _, rng: rng.choice(["0", "2"])),
    _rule("counters", r"\+ (1)\b(?!')", lambda _, rng: rng.choice(["0", "2"])),
    _rule("counters", r"(\+) 1'b1", "-"),
    _rule("enables", r"\bif \(([^()]+)\)", "1'b1"),
    _rule("enables", r"&& !?\(?\w+\b(?![\[(])", ""),
    _rule("enables", r"&&", "||"),
    _rule("enables", r"\|\|", "&&"),
    _rule("enables", r"\.en\s*\((\w+)\)", "1'b1"),
    _rule("enables", r"(!)\w", ""),
    _rule("resets", r"\bif \((rst\b[^()]*)\)", "1'b0"),
    _rule("resets", r"\.rst\s*\((\w+)\)", "1'b0"),
    _rule("resets", r"<= ('0|1'b0);", lambda word, _: "'1" if word == "'0" else "1'b1"),
    _rule("resets", r"<= 1'b1;", "<= 1'b0;"),
    _rule("arithmetic", r"(?<![+\[])\+(?![+:]) (?!1)", "- "),
    _rule("arithmetic", _CHOICE, _other_way_round),
    _rule("arithmetic", r"\$signed", "$unsigned"),
    _rule("arithmetic", r"~", ""),
    _rule("parameters", r"^\s+\.[A-Z]\w*\s*\((\d+)\)", _near),
    _rule("parameters", r"^\s+\.[A-Z]\w*\s*\((1'b0)\)", "1'b1"),
    _rule("parameters", r"^\s+\.[A-Z]\w*\s*\((1'b1)\)", "1'b0"),
    _rule("parameters", r"^\s+\.(?:IN|OUT|X|W|B|Y)_SIGNED\s*\((\w+)\)", "1'b1"),
    _rule("wires", r"^\s+\.(?:in_valid|out_ready)\s*\((\w+)\)", "1'b1"),
    _rule("wires", r"\+: ?(\w+)\b", _shrink),
    _rule("wires", r"\[(\d+) \+:", _near),
)

CPP = (
    _rule("types", r"ap_u?fixed<(\d+),", _near),
    _rule("types", r"ap_u?fixed<\d+,\s*(-?\d+)", _near),
    _rule("types", r"\b(ap_fixed)<", "ap_ufixed"),
    _rule("types", r"\b(ap_ufixed)<", "ap_fixed"),
    _rule("types", r"\b(ap_int)<", "ap_uint"),
    _rule("types", r"ap_u?int<([^<>,]+)>", lambda word, rng: f"({_shrink(word, rng)})"),
    _rule("modes", r"\b(AP_(?:RND|TRN|SAT|WRAP))\b", _swap(_MODES)),
    _rule("modes", r"\bhpq::(relu|no_clip)\b", _swap(_MODES)),
    _rule("modes", r"\b(true|false)\b", _swap({"true": "false", "false": "true"})),
    _rule("constants", r"\b(?:int|unsigned|long) [^;()]*?\w = (-?\d+)", _near),
    _rule("constants", r", \w+ = (-?\d+)", _near),
    _rule("constants", r"(?<![\w.'<,=] )(?<![\w.'])(\d+)(?![\w.'])", _near),
    _rule("shifts", r"(?<!<)<<(?!<)", ">>"),
    _rule("shifts", r"(?<!>)>>(?!>| *(?:\w+;|::|\{))", "<<"),
    _rule("comparisons", r" (==|!=|<=|>=|<|>) ", lambda word, _: f"{_COMPARISONS[word]}"),
    _rule("arithmetic", r" (\+) ", "-"),
    _rule("arithmetic", r" (-) ", "+"),
    _rule("arithmetic", r" (\*) ", "+"),
    _rule("arithmetic", r" (%) ", "/"),
    _rule("arithmetic", r"(?<== )(-)\w", ""),
    _rule("logic", r"&&", "||"),
    _rule("logic", r"\|\|", "&&"),
    _rule("logic", r"(!)\w", ""),
    _rule("logic", r"\bif \(([^()]+)\)", lambda _, rng: rng.choice(["true", "false"])),
    _rule("logic", _CHOICE, _other_way_round),
    _rule("counters", r"\+\+\w+", ""),
    _rule("counters", r"\bfor \(\w+ \w+ = (0);", "1"),
)

TABLE = (_rule("memories", r"\b0x([0-9a-f]+)\b", _bit), _rule("memories", r"(?<![\w.])-?\d+\b", _near))
MEMORY = (_rule("memories", r"\b[0-9a-f]+\b", _bit),)

_PLACES = (
    ("hpq_fifo.sv", r"", "FIFOs"),
    ("hpq_axis_in.sv", r"", "ports, TLAST"),
    ("hpq_axis_out.sv", r"", "ports, TLAST"),
    ("axis.h", r"", "ports, TLAST"),
    ("axis_word.h", r"", "ports, TLAST"),
    (
        "hpq_cast.sv",
        r"HIGH|LOW\b|MINIMUM|fits|excess|SYM|SAT|below",
        "saturation",
    ),
    ("hpq_cast.sv", r"half|rest|REST|HALF|up\b|RND|TRN|rounded", "rounding"),
    ("hpq_cast.sv", r"CLIP|LOWER|UPPER|raised|clipped", "clips"),
    ("number.h", r"", "casts"),
)
"""Where a change is of a class of its own: file, lines, class."""


_EVERYWHERE = ("number.h", "beat.h", "axis.h", "axis_word.h")


def changes(folder: Path, rng: random.Random) -> dict[str, dict[Path, list[Change]]]:
    """Every change that could be made of a project's sources, by class and file."""
    found: dict[str, dict[Path, list[Change]]] = {}
    for path in sorted((*folder.glob("src/**/*"), *folder.glob("rtl/*"))):
        if path.is_file() and path.suffix != ".f" and (path.suffix != ".h" or _is_used(path, folder)):
            for change in _of_file(path, rng):
                found.setdefault(change.kind, {}).setdefault(path, []).append(change)
    return found


def _is_used(header: Path, folder: Path) -> bool:
    """Whether a design names anything that a header defines, or all do."""
    (top,) = folder.glob("src/*.cpp")
    text = header.read_text(encoding="utf-8")
    named = set(re.findall(r"hpq::(\w+)", top.read_text(encoding="utf-8")))
    defined = re.findall(r"^(?:struct |(?:inline |static )*[\w:<>]+ )(\w+)\b", text, re.MULTILINE)
    return header.name in _EVERYWHERE or bool(named & set(defined))


def _rules(path: Path) -> tuple[Rule, ...]:
    return {".sv": VERILOG, ".mem": MEMORY, ".inc": TABLE}.get(path.suffix, CPP)


def _of_file(path: Path, rng: random.Random) -> Iterator[Change]:
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines()):
        code = row.split("//")[0]
        if code.lstrip().startswith(("#", "`", "(*", "parameter ")):  # pragmas, macros, defaults
            continue
        kind = next(
            (kind for name, lines, kind in _PLACES if name == path.name and re.search(lines, code)), None
        )
        for rule in _rules(path):
            for match in rule.pattern.finditer(code):
                group = 1 if rule.pattern.groups else 0
                start, old = match.start(group), match[group]
                new = rule.instead(old, rng)
                if new != old:
                    yield Change(path, number, start, old, new, kind or rule.kind)


def drawn(possible: Mapping[str, Mapping[Path, list[Change]]], rng: random.Random) -> Iterator[Change]:
    """Changes without end: classes by turns, of a class all files alike, none twice."""
    seen: set[Change] = set()
    while True:
        for kind in sorted(possible):
            change = rng.choice(possible[kind][rng.choice(sorted(possible[kind]))])
            if change not in seen:
                seen.add(change)
                yield change
