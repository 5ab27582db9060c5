"""Single changes of Python modules and templates."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.mutation_changes import CPP, VERILOG


@dataclass(frozen=True)
class Edit:
    """A part of a text, from a place on, and what stands there instead."""

    start: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The text with the change."""
        assert text[self.start :].startswith(self.old)
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


_COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_COUNTED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_TALK = {"say", "progress", "step", "print", "info", "debug", "warning"}
"""Functions whose arguments are for people."""


class _Module:
    """Finds the places of nodes in a text."""

    def __init__(self, text: str, rng: random.Random) -> None:
        self._text, self._raw, self._rng = text, text.encode(), rng
        self._starts = [0]
        for row in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(row.encode()))

    def _at(self, line: int | None, column: int | None) -> int:
        return len(self._raw[: self._starts[(line or 1) - 1] + (column or 0)].decode())

    def _between(self, first: ast.expr, second: ast.expr, old: str, new: str) -> Iterator[Edit]:
        begin = self._at(first.end_lineno, first.end_col_offset)
        found = self._text.find(old, begin, self._at(second.lineno, second.col_offset))
        if found >= 0:
            yield Edit(found, old, new)

    def _whole(self, node: ast.expr, new: str) -> Edit:
        begin = self._at(node.lineno, node.col_offset)
        return Edit(begin, self._text[begin : self._at(node.end_lineno, node.end_col_offset)], new)

    def _source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._text, node) or ""

    def operators(self, node: ast.AST) -> Iterator[Edit]:
        """What stands between two operands."""
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
                yield from self._between(left, right, *_COMPARED[type(op)])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _COUNTED:
                if not any(isinstance(side, ast.JoinedStr | ast.List | ast.Tuple) for side in (left, right)):
                    yield from self._between(left, right, *_COUNTED[type(op)])
            case ast.BoolOp(op=op, values=[first, second, *_]):
                words = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                yield from self._between(first, second, *words)
            case _:
                pass

    def others(self, node: ast.AST) -> Iterator[Edit]:
        """Signs, numbers, functions, choices."""
        match node:
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                yield self._whole(node, f"({self._source(operand)})")
            case ast.Constant(value=bool()):
                yield self._whole(node, str(not node.value))
            case ast.Constant(value=int()):
                yield self._whole(node, str(node.value + self._rng.choice([-1, 1])))
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield self._whole(node.func, _CALLS[name])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                first, second = self._source(orelse), self._source(body)
                yield self._whole(node, f"({first} if {self._source(test)} else {second})")
            case _:
                pass


def of_python(text: str, rng: random.Random) -> Iterator[Edit]:
    """Every change of a module."""
    module = _Module(text, rng)
    for node in _meaningful(ast.parse(text)):
        yield from module.operators(node)
        yield from module.others(node)


def _meaningful(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module but for annotations, docstrings, messages and imports."""
    skipped: list[ast.AST | None] = []
    match node:
        case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _TALK or name.endswith(
            "Error"
        ):
            return
        case ast.AnnAssign(annotation=annotation):
            skipped = [annotation]
        case ast.arg():
            return
        case ast.FunctionDef(returns=returns, decorator_list=decorators):
            skipped = [returns, *decorators]
        case ast.ClassDef(decorator_list=decorators):
            skipped = list(decorators)
        case ast.Assert(msg=message):
            skipped = [message]
        case _:
            pass
    yield node
    for child in ast.iter_child_nodes(node):
        if not any(child is one for one in skipped):
            yield from _meaningful(child)


def of_template(name: str, text: str, rng: random.Random) -> Iterator[Edit]:
    """Every change of a template for Verilog or C++; comments and pragmas stay."""
    rules = {"sv": VERILOG, "h": CPP, "cpp": CPP}.get(name.removesuffix(".j2").rpartition(".")[2], ())
    place, comment = 0, False
    for row in text.splitlines(keepends=True):
        comment = comment or "{#" in row
        code = row.split("//")[0]
        if not comment and not code.lstrip().startswith(("#", "`", "(*", "parameter ", "{% import")):
            for rule in rules:
                for match in rule.pattern.finditer(code):
                    group = 1 if rule.pattern.groups else 0
                    new = rule.instead(match[group], rng)
                    if new != match[group]:
                        yield Edit(place + match.start(group), match[group], new)
        comment = comment and "#}" not in row
        place += len(row)
