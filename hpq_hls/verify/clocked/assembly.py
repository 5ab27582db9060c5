"""Reads LLVM's assembly language, as far as ``ir`` has objects for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hpq_hls.errors import VerificationError
from hpq_hls.verify.clocked.ir import (
    Aggregate,
    Array,
    Const,
    Function,
    Global,
    Instruction,
    Int,
    Local,
    Module,
    Operand,
    Pointer,
    Struct,
    Symbol,
    Type,
    Value,
    Void,
    offset_of,
    size_of,
)

_TOKEN = re.compile(
    r'[%@](?:"[^"]*"|[\w.$-]+)|c"(?:[^"\\]|\\\\|\\[0-9A-Fa-f]{2})*"|"[^"]*"|-?\d+|[\w.]+|#\d+|![\w.]*|\.\.\.|[][(){}<>,=*|:]'
)
_CASTS = ("zext", "sext", "trunc", "ptrtoint", "inttoptr", "bitcast", "freeze")
_BINARY = ("add", "sub", "mul", "and", "or", "xor", "shl", "lshr", "ashr", "udiv", "urem", "sdiv", "srem")
_FLAGS = {
    *(
        "nuw",
        "nsw",
        "exact",
        "disjoint",
        "inbounds",
        "nusw",
        "nneg",
        "samesign",
        "tail",
        "notail",
        "musttail",
    ),
    *("noundef", "nonnull", "nocapture", "readonly", "writeonly", "noalias", "immarg", "signext", "zeroext"),
    *("volatile", "fastcc", "local_unnamed_addr", "unnamed_addr", "dso_local", "returned", "dead_on_return"),
    *("private", "internal", "external", "linkonce_odr", "weak_odr", "hidden", "dead_on_unwind", "writable"),
}
_WITH_NUMBER = {"align", "dereferenceable", "dereferenceable_or_null", "captures", "range", "initializes"}


class _Names:
    """Named types; one may be used before it is said."""

    def __init__(self, text: str) -> None:
        lines = (line.partition(" = type ") for line in text.splitlines() if line.startswith("%"))
        self._texts = {name: said for name, _, said in lines if said not in ("", "opaque")}
        self._known: dict[str, Type] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def __getitem__(self, name: str) -> Type:
        if name not in self._known:
            self._known[name] = _Reader(self._texts[name], self).type()
        return self._known[name]


class _Reader:
    """A line as tokens."""

    def __init__(self, text: str, names: _Names) -> None:
        self.text, self._names = text, names
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return str(self._tokens[at]) if at < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def skip(self, *tokens: str) -> bool:
        """Over one of these, if it is next."""
        if self.peek() in tokens:
            self._at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise self.unread()

    def flags(self) -> None:
        """Over words that do not matter for values."""
        while True:
            token = self.peek()
            if token in _FLAGS:
                self._at += 1
            elif token in _WITH_NUMBER:
                self._at += 1
                if self.peek() == "(":
                    depth = 0
                    while True:
                        depth += {"(": 1, ")": -1}.get(self.peek(), 0)
                        self._at += 1
                        if depth == 0:
                            break
                else:
                    self._at += 1
            else:
                return

    def unread(self) -> VerificationError:
        return VerificationError(f"clang made what is not hardware of the C++: {self.text.strip()[:150]}")

    def type(self) -> Type:
        token = self.next()
        if re.fullmatch(r"i\d+", token):
            return Int(int(token[1:]))
        if token == "ptr":
            return Pointer()
        if token == "void":
            return Void()
        if token.startswith("%") and token in self._names:
            return self._names[token]
        if token == "[":
            count = int(self.next())
            self.expect("x")
            element = self.type()
            self.expect("]")
            return Array(count, element)
        packed = token == "<" and self.skip("{")
        if packed or token == "{":
            fields = self._list("}", self.type)
            if packed:
                self.expect(">")
            return Struct(tuple(fields), packed)
        raise self.unread()

    def _list(self, end: str, item: Callable[[], Type]) -> list[Type]:
        found: list[Type] = []
        while not self.skip(end):
            found.append(item())
            self.skip(",")
        return found

    def operand(self) -> Operand:
        kind = self.type()
        self.flags()
        return kind, self.value(kind)

    def value(self, kind: Type) -> Value:
        token = self.next()
        if token.startswith("%"):
            return Local(token)
        if token.startswith("@"):
            return Symbol(token)
        if re.fullmatch(r"-?\d+", token):
            return Const(int(token))
        if token in ("true", "false"):
            return Const(int(token == "true"))
        if token in ("undef", "poison", "null", "zeroinitializer", "none"):
            return Aggregate(None) if isinstance(kind, (Array, Struct)) else Const(0)
        if token.startswith('c"'):
            letters = re.findall(r"\\[0-9A-Fa-f]{2}|\\\\|.", token[2:-1])
            codes = [int(each[1:], 16) if len(each) == 3 else ord(each[-1]) for each in letters]
            return Aggregate(tuple((Int(8), Const(code)) for code in codes))
        if token == "getelementptr":
            self.flags()
            self.expect("(")
            element = self.type()
            self.expect(",")
            _, base = self.operand()
            offset = 0
            indices = []
            while self.skip(","):
                self.flags()
                indices.append(self.operand())
            self.expect(")")
            if not isinstance(base, Symbol) or not all(isinstance(index, Const) for _, index in indices):
                raise self.unread()
            for scale, place in scaled(element, [index for _, index in indices], self.unread):
                offset += scale * place.value if isinstance(place, Const) else 0
            return Symbol(base.name, base.offset + offset)
        if token in ("[", "{", "<"):
            packed = token == "<" and self.skip("{")
            end = "}" if packed or token == "{" else "]"
            items = []
            while not self.skip(end):
                items.append(self.operand())
                self.skip(",")
            if packed:
                self.expect(">")
            return Aggregate(tuple(items))
        raise self.unread()


def scaled(
    kind: Type, indices: Sequence[Value], unread: Callable[[], VerificationError]
) -> list[tuple[int, Value]]:
    """The steps of a getelementptr: bytes, and how often."""
    steps = [(size_of(kind), indices[0])]
    for index in indices[1:]:
        if isinstance(kind, Array):
            kind = kind.element
            steps.append((size_of(kind), index))
        elif isinstance(kind, Struct) and isinstance(index, Const):
            steps.append((offset_of(kind, index.value), Const(1)))
            kind = kind.fields[index.value]
        else:
            raise unread()
    return steps


def read_module(text: str) -> Module:
    """A file of LLVM assembly.

    Raises:
        VerificationError: it has something that is not understood.
    """
    module, names = Module(), _Names(text)
    function: Function | None = None
    block = ""
    lines = iter(text.splitlines())
    for line in lines:
        if function is None:
            if line.startswith("@"):
                _read_global(line, names, module)
            elif line.startswith("define"):
                reader = _Reader(line, names)
                name = next(token for token in _TOKEN.findall(line) if token.startswith("@"))
                function = module.functions[name] = Function(name)
                block = _entry(reader)
                function.blocks[block] = []
        elif line == "}":
            function = None
        elif line.startswith("  ") and line.strip():
            while line.rstrip().endswith("["):  # a switch
                for more in lines:
                    line += more
                    if more.strip().startswith("]"):
                        break
            found = _read_instruction(line, names)
            if found is not None:
                function.blocks[block].append(found)
        elif line and not line.startswith(";"):
            if len(function.blocks) == 1 and not function.blocks[block]:
                del function.blocks[block]  # the first block may have a name
            block = "%" + line.split(":")[0]
            function.blocks[block] = []
    return module


def _entry(reader: _Reader) -> str:
    """The label of the first block: behind the numbers of nameless parameters."""
    numbers = [int(token[1:]) for token in _TOKEN.findall(reader.text) if re.fullmatch(r"%\d+", token)]
    return f"%{max(numbers) + 1}" if numbers else "%0"


def _read_global(line: str, names: _Names, module: Module) -> None:
    reader = _Reader(line, names)
    name = reader.next()
    reader.expect("=")
    foreign = False
    while reader.peek() not in ("global", "constant"):
        foreign = reader.next() == "external" or foreign
        if reader.peek() == "":
            return  # metadata and the like
    constant = reader.next() == "constant"
    if foreign and reader.peek().startswith("%"):  # a stream: nothing is known of it, nor needed
        module.globals[name] = Global(name, Int(8), None, False)
        return
    kind = reader.type()
    module.globals[name] = Global(name, kind, None if foreign else reader.value(kind), constant)


def _read_instruction(line: str, names: _Names) -> Instruction | None:
    text = line.split(", !")[0]
    reader = _Reader(text, names)
    name = ""
    if reader.peek().startswith("%") and reader.peek(1) == "=":
        name = reader.next()
        reader.next()
    reader.flags()
    op = reader.next()
    if op.startswith("#"):
        return None
    reader.flags()
    made = _PARSERS.get(op)
    if made is None:
        raise reader.unread()
    return made(reader, op, name, text.strip())


def _binary(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    kind = reader.type()
    left = reader.value(kind)
    reader.expect(",")
    return Instruction(op, name, kind, ((kind, left), (kind, reader.value(kind))), text=text)


def _icmp(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    predicate = reader.next()
    kind = reader.type()
    left = reader.value(kind)
    reader.expect(",")
    operands = ((kind, left), (kind, reader.value(kind)))
    return Instruction(op, name, Int(1), operands, detail=predicate, text=text)


def _cast(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    operand = reader.operand()
    kind = reader.type() if reader.skip("to") else operand[0]
    return Instruction(op, name, kind, (operand,), text=text)


def _select(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    condition = reader.operand()
    reader.expect(",")
    left = reader.operand()
    reader.expect(",")
    return Instruction(op, name, left[0], (condition, left, reader.operand()), text=text)


def _phi(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    kind = reader.type()
    operands, labels = [], []
    while reader.skip("["):
        operands.append((kind, reader.value(kind)))
        reader.expect(",")
        labels.append(reader.next())
        reader.expect("]")
        reader.skip(",")
    return Instruction(op, name, kind, tuple(operands), tuple(labels), text=text)


def _br(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    if reader.skip("label"):
        return Instruction(op, name, Void(), (), (reader.next(),), text=text)
    condition = reader.operand()
    labels = []
    while reader.skip(","):
        reader.expect("label")
        labels.append(reader.next())
    return Instruction(op, name, Void(), (condition,), tuple(labels), text=text)


def _switch(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    operands = [reader.operand()]
    reader.expect(",")
    reader.expect("label")
    labels = [reader.next()]
    reader.expect("[")
    while not reader.skip("]"):
        operands.append(reader.operand())
        reader.expect(",")
        reader.expect("label")
        labels.append(reader.next())
    return Instruction(op, name, Void(), tuple(operands), tuple(labels), text=text)


def _load(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    kind = reader.type()
    reader.expect(",")
    return Instruction(op, name, kind, (reader.operand(),), text=text)


def _store(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    value = reader.operand()
    reader.expect(",")
    return Instruction(op, name, Void(), (value, reader.operand()), text=text)


def _gep(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    kind = reader.type()
    reader.expect(",")
    operands = [reader.operand()]
    while reader.skip(","):
        operands.append(reader.operand())
    steps = scaled(kind, [value for _, value in operands[1:]], reader.unread)
    kinds = [each for each, _ in operands[1:]]
    places = tuple((kinds[number], place) for number, (_, place) in enumerate(steps))
    detail = " ".join(str(scale) for scale, _ in steps)
    return Instruction(op, name, Pointer(), (operands[0], *places), detail=detail, text=text)


def _alloca(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    return Instruction(op, name, reader.type(), text=text)


def _call(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    kind = reader.type()
    callee = reader.next()
    reader.expect("(")
    operands = []
    while not reader.skip(")"):
        if reader.peek() == "metadata":
            return Instruction(op, name, kind, (), detail=callee, text=text)
        operand_type = reader.type()
        reader.flags()
        operands.append((operand_type, reader.value(operand_type)))
        reader.skip(",")
    return Instruction(op, name, kind, tuple(operands), detail=callee, text=text)


def _plain(reader: _Reader, op: str, name: str, text: str) -> Instruction:
    del reader
    return Instruction(op, name, Void(), text=text)


_PARSERS: dict[str, Callable[[_Reader, str, str, str], Instruction]] = {
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_CASTS, _cast),
    "icmp": _icmp,
    "select": _select,
    "phi": _phi,
    "br": _br,
    "switch": _switch,
    "load": _load,
    "store": _store,
    "getelementptr": _gep,
    "alloca": _alloca,
    "call": _call,
    "ret": _plain,
    "unreachable": _plain,
}
