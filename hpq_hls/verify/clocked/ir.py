"""The part of LLVM's assembly language that clang makes of a process, as plain objects.

Source: https://llvm.org/docs/LangRef.html. Integers, pointers, arrays, structures, memory, branches; what
is not here (floating point, vectors, exceptions) no process has, and is refused with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hpq_hls.errors import VerificationError

POINTER_BITS = 32
"""Of an address as it is held; a process has far less memory."""
_TARGET_POINTER_BYTES = 8

# ---------------------------------------------------------------------------------------------
# Types


@dataclass(frozen=True)
class Int:
    """An integer of ``bits`` bits."""

    bits: int


@dataclass(frozen=True)
class Pointer:
    """An address."""


@dataclass(frozen=True)
class Array:
    """``count`` elements."""

    count: int
    element: Type


@dataclass(frozen=True)
class Struct:
    """Fields one after the other; with gaps for their alignment unless ``packed``."""

    fields: tuple[Type, ...]
    packed: bool


@dataclass(frozen=True)
class Void:
    """No value."""


Type = Int | Pointer | Array | Struct | Void


def size_of(kind: Type) -> int:
    """Bytes from one element of an array to the next."""
    if isinstance(kind, Array):
        return kind.count * size_of(kind.element)
    if isinstance(kind, Struct):
        end = offset_of(kind, len(kind.fields))
        return -(-end // align_of(kind)) * align_of(kind)
    return -(-stored(kind) // align_of(kind)) * align_of(kind)


def stored(kind: Type) -> int:
    """Bytes that a load or a store of an integer or a pointer touches."""
    if isinstance(kind, Int):
        return -(-kind.bits // 8)
    if isinstance(kind, Pointer):
        return _TARGET_POINTER_BYTES
    raise VerificationError(f"{kind} is loaded or stored as a whole")


def align_of(kind: Type) -> int:
    """Alignment in bytes (x86-64)."""
    if isinstance(kind, Array):
        return align_of(kind.element)
    if isinstance(kind, Struct):
        return 1 if kind.packed else max([align_of(each) for each in kind.fields], default=1)
    size = stored(kind)
    return min(16, 1 << (size - 1).bit_length())


def offset_of(kind: Struct, index: int) -> int:
    """Where a field begins; behind the last one where they end."""
    at = 0
    for number, each in enumerate(kind.fields):
        if not kind.packed:
            at = -(-at // align_of(each)) * align_of(each)
        if number == index:
            return at
        at += size_of(each)
    return at


# ---------------------------------------------------------------------------------------------
# Values and instructions


@dataclass(frozen=True)
class Local:
    """What an instruction, or a parameter, gave."""

    name: str


@dataclass(frozen=True)
class Symbol:
    """The address of a global, and bytes beyond it."""

    name: str
    offset: int = 0


@dataclass(frozen=True)
class Const:
    """A number; also for undefined values, of which any will do."""

    value: int


@dataclass(frozen=True)
class Aggregate:
    """Elements or fields; None: all zero."""

    items: tuple[tuple[Type, Value], ...] | None


Value = Local | Symbol | Const | Aggregate
Operand = tuple[Type, Value]


@dataclass(frozen=True)
class Instruction:
    """One line. type: of the result. labels: of branches and of phi's sources; number: predicate, cases and
    the like. text: the line, for messages."""

    op: str
    name: str
    type: Type
    operands: tuple[Operand, ...] = ()
    labels: tuple[str, ...] = ()
    detail: str = ""
    text: str = ""


@dataclass
class Function:
    """Blocks in order; the first is where it begins."""

    name: str
    blocks: dict[str, list[Instruction]] = field(default_factory=dict)


@dataclass(frozen=True)
class Global:
    """A variable. value: None where it is somebody else's."""

    name: str
    type: Type
    value: Value | None
    constant: bool


@dataclass
class Module:
    """A translation unit."""

    globals: dict[str, Global] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
