"""Memory outside of a process: what clang makes of the pointers of a kernel, as calls that wait for a port.

Every load, store or copy through a pointer that comes from such a memory becomes ``LOAD`` or ``STORE``, which
move bytes between it and memory of the process. An address in it is the number of a byte.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from hpq_hls.errors import VerificationError
from hpq_hls.verify.clocked.ir import (
    Array,
    Const,
    Function,
    Instruction,
    Int,
    Local,
    Operand,
    Pointer,
    Symbol,
    Void,
    stored,
)

READ, WRITE = "@hpq_read", "@hpq_write"
"""What a stream's methods call: the stream, where the beat lies, its bytes."""
LOAD, STORE = "@hpq_load", "@hpq_store"
"""Of memory outside: the memory, the address in it, where the bytes lie in the process, how many."""
_POINTERS = ("getelementptr", "phi", "select", "freeze", "bitcast")
_COPIES = ("@llvm.memcpy", "@llvm.memmove", "@memcpy", "@memmove")
_LARGEST = 64
"""Bytes of an access, or of a beat on the way to one."""


def with_ports(function: Function, memories: Collection[str]) -> Function:
    """The same function with calls instead of uses of these symbols.

    Raises:
        VerificationError: a use that no port can do.
    """
    if not memories:
        return function
    return _Rewriter(function, memories).rewritten()


class _Rewriter:
    def __init__(self, function: Function, memories: Collection[str]) -> None:
        self._function, self._memories = function, memories
        self._pointers = self._found()
        self._rooms: list[Instruction] = []

    def rewritten(self) -> Function:
        blocks = {
            label: [made for one in block for made in self._instruction(one)]
            for label, block in self._function.blocks.items()
        }
        first = next(iter(blocks), None)
        if first is not None:
            blocks[first] = [*self._rooms, *blocks[first]]
        return Function(self._function.name, blocks)

    def _found(self) -> dict[str, str]:
        """The memory of every pointer into one, by name."""
        found: dict[str, str] = {}
        everything = [one for block in self._function.blocks.values() for one in block]
        for _ in everything:
            before = len(found)
            for one in everything:
                if one.op in _POINTERS and isinstance(one.type, Pointer):
                    for operand in one.operands:
                        memory = self._memory(operand, found)
                        if memory is not None and found.setdefault(one.name, memory) != memory:
                            raise _mixed(one)
            if len(found) == before:
                break
        return found

    def _memory(self, operand: Operand, found: dict[str, str]) -> str | None:
        _, value = operand
        if isinstance(value, Symbol) and value.name in self._memories:
            return value.name
        return found.get(value.name) if isinstance(value, Local) else None

    def _instruction(self, one: Instruction) -> Iterator[Instruction]:
        used = [self._memory(operand, self._pointers) for operand in one.operands]
        if not any(used) or one.op in _POINTERS or one.op == "icmp":
            yield one
        elif one.op == "load":
            size = stored(one.type)
            room = self._room(size)
            yield _access(LOAD, used[0], one.operands[0], room, size, one)
            yield replace(one, operands=(room,))
        elif one.op == "store" and used[0] is None:
            size = stored(one.operands[0][0])
            room = self._room(size)
            yield replace(one, operands=(one.operands[0], room))
            yield _access(STORE, used[1], one.operands[1], room, size, one)
        elif one.op == "call" and one.detail.startswith(_COPIES) and None in used[:2]:
            target, source = one.operands[:2]
            if used[0] is None:
                yield _access(LOAD, used[1], source, target, _size(one), one)
            else:
                yield _access(STORE, used[0], target, source, _size(one), one)
        elif one.op == "call" and one.detail in (READ, WRITE):
            stream, place, count = one.operands
            room = self._room(_size(one))
            use = replace(one, operands=(stream, room, count))
            if one.detail == READ:
                yield from (use, _access(STORE, used[1], place, room, _size(one), one))
            else:
                yield from (_access(LOAD, used[1], place, room, _size(one), one), use)
        else:
            raise _mixed(one)

    def _room(self, size: int) -> Operand:
        """Memory of the process for what is on its way."""
        name = f"%hpq_room_{len(self._rooms)}"
        self._rooms.append(Instruction("alloca", name, Array(size, Int(8)), text=name))
        return Pointer(), Local(name)


def _access(
    way: str, memory: str | None, address: Operand, place: Operand, size: int, one: Instruction
) -> Instruction:
    if memory is None or size > _LARGEST:
        raise _mixed(one)
    operands = ((Pointer(), Symbol(memory)), address, place, (Int(64), Const(size)))
    return Instruction("call", "", Void(), operands, detail=way, text=one.text)


def _size(one: Instruction) -> int:
    _, size = one.operands[2]
    if not isinstance(size, Const):
        raise _mixed(one)
    return size.value


def _mixed(one: Instruction) -> VerificationError:
    return VerificationError(f"memory of the kernel is used as no port of memory can be: {one.text[:150]}")
