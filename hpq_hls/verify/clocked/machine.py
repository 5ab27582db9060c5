"""A process in LLVM assembly as a state machine in SystemVerilog.

Each block is a state, and so is what follows a stream's read or write in it: a state's instructions are
assigned one after the other at one clock edge. Variables that live in memory, and tables, are bytes of one
memory of the process; pointers are places in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from hpq_hls.errors import VerificationError
from hpq_hls.verify.clocked.ir import (
    POINTER_BITS,
    Aggregate,
    Array,
    Const,
    Function,
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
    offset_of,
    size_of,
    stored,
)
from hpq_hls.verify.clocked.outside import LOAD, READ, STORE, WRITE, with_ports

_ALIGNMENT = 16
_OUTSIDE = 1 << (POINTER_BITS - 1)
"""Where memory outside of a process begins: no pointer into it is one into the process's own."""
_IGNORED = ("@llvm.lifetime", "@llvm.assume", "@llvm.experimental.noalias", "@llvm.dbg", "@llvm.donothing")


@dataclass(frozen=True)
class Use:
    """A stream of a process: bytes of a beat, and whether they are written; or memory outside, and the most
    bytes at a time."""

    stream: str
    size: int
    writes: bool


@dataclass
class Machine:
    """A process as text.

    memory: its first contents, bytes. variables: places of what others see or nothing but this process
    changes, by symbol. registers: widths by name. states: statements by state, the first is where it
    begins. waits: states in which a stream is read or written, the stream, and where the beat lies.
    ports: of memory outside, by symbol. accesses: states in which one is used, and the port.
    """

    name: str
    uses: dict[str, Use] = field(default_factory=dict)
    memory: bytearray = field(default_factory=bytearray)
    variables: dict[str, tuple[int, int]] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    states: list[list[str]] = field(default_factory=list)
    waits: list[tuple[int, str, str]] = field(default_factory=list)
    ports: dict[str, Use] = field(default_factory=dict)
    accesses: list[tuple[int, str]] = field(default_factory=list)


def width_of(kind: Type) -> int:
    """Bits of a register."""
    return kind.bits if isinstance(kind, Int) else POINTER_BITS


def machine_of(function: Function, module: Module, memories: Collection[str] = ()) -> Machine:
    """The state machine of a process. memories: symbols of memory outside of it.

    Raises:
        VerificationError: an instruction that is not hardware.
    """
    return _Builder(with_ports(function, memories), module, memories).build()


class _Builder:
    def __init__(self, function: Function, module: Module, memories: Collection[str]) -> None:
        self._function, self._module = function, module
        self._made = Machine(function.name.strip('@"'))
        self._made.memory.extend(bytes(_ALIGNMENT))
        self._places = dict.fromkeys(memories, _OUTSIDE)
        self._names: dict[str, str] = {}
        self._state_of: dict[str, int] = {}

    def build(self) -> Machine:
        made = self._made
        for label, block in self._function.blocks.items():
            self._state_of[label] = -1
            for one in block:
                if one.op == "alloca":
                    self._places[one.name] = self._room(one.type)
                elif one.name:
                    self._register(one.name, width_of(one.type))
        count = 0
        for label, block in self._function.blocks.items():
            self._state_of[label] = count
            count += 1 + sum(_ends_state(one) for one in block)
        for label, block in self._function.blocks.items():
            lines: list[str] = []
            made.states.append(lines)
            for one in block:
                if _ends_state(one):
                    lines = (self._access if one.detail in (LOAD, STORE) else self._wait)(one, lines)
                else:
                    lines += self._statements(one, label)
        return made

    # ------------------------------------------------------------------ memory

    def _room(self, kind: Type) -> int:
        memory = self._made.memory
        at = len(memory)
        memory.extend(bytes(-(-max(1, size_of(kind)) // _ALIGNMENT) * _ALIGNMENT))
        return at

    def _place(self, symbol: Symbol, text: str) -> int:
        """Where a global is; it is put there when it is first met."""
        if symbol.name not in self._places:
            found = self._module.globals.get(symbol.name)
            if found is None:
                raise _unmade(text)
            at = self._places[symbol.name] = self._room(found.type)
            if found.value is not None:
                _fill(self._made.memory, at, found.type, found.value, lambda: _unmade(text))
            if not found.constant:
                self._made.variables[symbol.name] = (at, size_of(found.type))
        return self._places[symbol.name] + symbol.offset

    # ------------------------------------------------------------------ text

    def _register(self, name: str, width: int) -> str:
        self._names[name] = f"v{len(self._names)}"
        self._made.registers[self._names[name]] = width
        return self._names[name]

    def _text(self, operand: Operand, line: str) -> str:
        kind, value = operand
        if isinstance(value, Local):
            if value.name in self._places:
                return f"{POINTER_BITS}'d{self._places[value.name]}"
            return self._names[value.name]
        if isinstance(value, Symbol):
            return f"{POINTER_BITS}'d{self._place(value, line)}"
        if isinstance(value, Const) and isinstance(kind, (Int, Pointer)):
            width = width_of(kind)
            return f"{width}'h{value.value % (1 << width):x}"
        raise _unmade(line)

    def _wait(self, one: Instruction, lines: list[str]) -> list[str]:
        """End a state with the use of a stream, and begin the one that follows it."""
        made = self._made
        (_, stream), place, (_, size) = one.operands
        if not isinstance(stream, Symbol) or not isinstance(size, Const):
            raise _unmade(one.text)
        name, writes = stream.name.strip('@"'), one.detail == WRITE
        use = Use(name, size.value, writes)
        if made.uses.setdefault(name, use) != use:
            raise VerificationError(f"process {made.name} reads and writes stream {name}")
        state = len(made.states)
        at = self._text(place, one.text)
        made.waits.append((state, name, at))
        if writes:
            lines += [f"{name}_beat[{8 * i} +: 8] = mem[{at} + {i}];" for i in range(use.size)]
        lines.append(f"state = {state};")
        following: list[str] = []
        if not writes:
            following += [f"mem[{at} + {i}] = {name}_data[{8 * i} +: 8];" for i in range(use.size)]
        made.states.append(following)
        return following

    def _access(self, one: Instruction, lines: list[str]) -> list[str]:
        """The same with a use of memory outside."""
        made = self._made
        (_, memory), address, place, (_, size) = one.operands
        assert isinstance(memory, Symbol)
        assert isinstance(size, Const)
        name, writes = memory.name.strip('@"'), one.detail == STORE
        before = made.ports.get(name, Use(name, size.value, writes))
        if before.writes != writes:
            raise VerificationError(f"process {made.name} reads and writes memory {name}")
        made.ports[name] = Use(name, max(before.size, size.value), writes)
        state = len(made.states)
        made.accesses.append((state, name))
        at = self._text(place, one.text)
        lines.append(f"{name}_place = {self._text(address, one.text)} - {POINTER_BITS}'d{_OUTSIDE};")
        lines.append(f"{name}_count = {size.value};")
        if writes:
            lines += [f"{name}_bytes[{8 * i} +: 8] = mem[{at} + {i}];" for i in range(size.value)]
        lines.append(f"state = {state};")
        following: list[str] = []
        if not writes:
            following += [f"mem[{at} + {i}] = {name}_data[{8 * i} +: 8];" for i in range(size.value)]
        made.states.append(following)
        return following

    def _statements(self, one: Instruction, label: str) -> Iterator[str]:
        if one.op in ("alloca", "phi"):
            return
        if one.op in ("br", "switch"):
            yield from self._jump(one, label)
        elif one.op == "ret":
            yield "state = 0;"
        elif one.op == "unreachable":
            yield f'$fatal(1, "process {self._made.name} comes to a place that is never reached");'
        elif one.op == "store":
            value, place = one.operands
            bits, at = self._text(value, one.text), self._text(place, one.text)
            for i in range(stored(value[0])):
                yield f"mem[{at} + {i}] = 8'({bits} >> {8 * i});"
        elif one.op == "call":
            yield from self._call(one)
        else:
            expression = _EXPRESSIONS.get(one.op)
            if expression is None:
                raise _unmade(one.text)
            texts = [self._text(operand, one.text) for operand in one.operands]
            yield f"{self._names[one.name]} = {expression(one, texts)};"

    def _call(self, one: Instruction) -> Iterator[str]:
        name = one.detail
        if name.startswith(_IGNORED):
            return
        texts = [self._text(operand, one.text) for operand in one.operands]
        if name.startswith(("@llvm.memcpy", "@llvm.memmove", "@memcpy", "@memmove")):
            target, source, count = texts[:3]
            yield f"for (i = 0; i < {count}; i = i + 1) copied[i] = mem[{source} + 32'(i)];"
            yield f"for (i = 0; i < {count}; i = i + 1) mem[{target} + 32'(i)] = copied[i];"
        elif name.startswith(("@llvm.memset", "@memset")):
            yield f"for (i = 0; i < {texts[2]}; i = i + 1) mem[{texts[0]} + 32'(i)] = 8'({texts[1]});"
        else:
            made = next(
                (make for start, make in _INTRINSICS.items() if name.startswith(f"@llvm.{start}.")), None
            )
            if made is None:
                raise _unmade(one.text)
            yield f"{self._names[one.name]} = {made(texts, width_of(one.type))};"

    def _jump(self, one: Instruction, label: str) -> Iterator[str]:
        if one.op == "switch":
            value = self._text(one.operands[0], one.text)
            yield f"case ({value})"
            for operand, target in zip(one.operands[1:], one.labels[1:], strict=True):
                yield f"  {self._text(operand, one.text)}: begin {' '.join(self._edge(label, target))} end"
            yield f"  default: begin {' '.join(self._edge(label, one.labels[0]))} end"
            yield "endcase"
        elif one.operands:
            yield f"if ({self._text(one.operands[0], one.text)}) begin"
            yield from (f"  {line}" for line in self._edge(label, one.labels[0]))
            yield "end else begin"
            yield from (f"  {line}" for line in self._edge(label, one.labels[1]))
            yield "end"
        else:
            yield from self._edge(label, one.labels[0])

    def _edge(self, source: str, target: str) -> list[str]:
        """Go to a block: its phis take their values together."""
        taken, given = [], []
        for one in self._function.blocks[target]:
            if one.op != "phi":
                break
            operand = one.operands[one.labels.index(source)]
            name = self._names[one.name]
            self._made.registers[f"{name}_next"] = width_of(one.type)
            taken.append(f"{name}_next = {self._text(operand, one.text)};")
            given.append(f"{name} = {name}_next;")
        return [*taken, *given, f"state = {self._state_of[target]};"]


def _ends_state(one: Instruction) -> bool:
    """Whether a process waits for something outside of it."""
    return one.op == "call" and one.detail in (READ, WRITE, LOAD, STORE)


# ---------------------------------------------------------------------------------------------
# Expressions

_OPERATORS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "and": "&",
    "or": "|",
    "xor": "^",
    "shl": "<<",
    "lshr": ">>",
    "udiv": "/",
    "urem": "%",
}
_SIGNED = {"ashr": ">>>", "sdiv": "/", "srem": "%"}
_PREDICATES = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def _compare(one: Instruction, texts: Sequence[str]) -> str:
    left, right = texts
    if one.detail.startswith("s"):
        left, right = f"$signed({left})", f"$signed({right})"
    return f"{left} {_PREDICATES[one.detail.removeprefix('s').removeprefix('u')]} {right}"


def _load(one: Instruction, texts: Sequence[str]) -> str:
    parts = ", ".join(f"mem[{texts[0]} + {i}]" for i in reversed(range(stored(one.type))))
    return f"{width_of(one.type)}'({{{parts}}})"


def _address(one: Instruction, texts: Sequence[str]) -> str:
    terms = [texts[0]]
    for scale, text in zip(one.detail.split(), texts[1:], strict=True):
        terms.append(f"{POINTER_BITS}'($signed({text})) * {POINTER_BITS}'d{scale}")
    return " + ".join(terms)


_EXPRESSIONS: dict[str, Callable[[Instruction, Sequence[str]], str]] = {
    **{op: lambda one, t: f"{t[0]} {_OPERATORS[one.op]} {t[1]}" for op in _OPERATORS},
    "ashr": lambda _, t: f"$signed({t[0]}) >>> {t[1]}",
    **{op: lambda one, t: f"$signed({t[0]}) {_SIGNED[one.op]} $signed({t[1]})" for op in ("sdiv", "srem")},
    "icmp": _compare,
    "zext": lambda one, t: f"{width_of(one.type)}'({t[0]})",
    "sext": lambda one, t: f"{width_of(one.type)}'($signed({t[0]}))",
    "select": lambda _, t: f"{t[0]} ? {t[1]} : {t[2]}",
    "load": _load,
    "getelementptr": _address,
    **{op: lambda one, t: f"{width_of(one.type)}'({t[0]})" for op in ("trunc", "ptrtoint", "inttoptr")},
    **{op: lambda _, t: t[0] for op in ("freeze", "bitcast")},
}


def _extreme(sign: str, larger: str) -> Callable[[Sequence[str], int], str]:
    def made(t: Sequence[str], _: int) -> str:
        left, right = (f"$signed({each})" if sign else each for each in t[:2])
        return f"({left} {larger} {right}) ? {t[0]} : {t[1]}"

    return made


_INTRINSICS: dict[str, Callable[[Sequence[str], int], str]] = {
    "smax": _extreme("s", ">"),
    "smin": _extreme("s", "<"),
    "umax": _extreme("", ">"),
    "umin": _extreme("", "<"),
    "abs": lambda t, w: f"{t[0]}[{w - 1}] ? -{t[0]} : {t[0]}",
    "fshl": lambda t, w: f"{w}'(({{{t[0]}, {t[1]}}} << ({t[2]} % {w})) >> {w})",
    "fshr": lambda t, w: f"{w}'({{{t[0]}, {t[1]}}} >> ({t[2]} % {w}))",
    "ctpop": lambda t, w: f"{w}'($countones({t[0]}))",
    "ctlz": lambda t, w: f"{w}'({w} - $clog2({w + 1}'({t[0]}) + {w + 1}'d1))",
    "cttz": lambda t, w: f"{w}'($countones(({t[0]} & -{t[0]}) - {w}'d1))",
    "usub.sat": lambda t, _: f"({t[0]} > {t[1]}) ? {t[0]} - {t[1]} : 0",
    "bswap": lambda t, w: "{" + ", ".join(f"{t[0]}[{8 * i} +: 8]" for i in range(w // 8)) + "}",
}


def _fill(
    memory: bytearray, at: int, kind: Type, value: Value, unmade: Callable[[], VerificationError]
) -> None:
    """Put a constant into memory."""
    if isinstance(value, Const):
        size = stored(kind)
        memory[at : at + size] = (value.value % (1 << 8 * size)).to_bytes(size, "little")
    elif isinstance(value, Aggregate) and value.items is not None:
        for number, (each, item) in enumerate(value.items):
            if isinstance(kind, Struct):
                place = offset_of(kind, number)
            elif isinstance(kind, Array):
                place = number * size_of(kind.element)
            else:
                raise unmade()
            _fill(memory, at + place, each, item, unmade)
    elif not isinstance(value, Aggregate):
        raise unmade()


def _unmade(text: str) -> VerificationError:
    return VerificationError(f"clang made what is not hardware of the C++: {text[:150]}")
