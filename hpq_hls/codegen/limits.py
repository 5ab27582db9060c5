"""What the HLS tool refuses however it is told: words that are too wide, functions with too many products.

The figures come from what the tool prints to people who got there; docs/vitis.md names the places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpq_hls.codegen.words import MAX_WORD_BITS
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel, Stream

MAX_PRODUCTS = 4096
"""Products in one pipelined function: beyond, the tool stops unrolling, or does not end."""


def refusal(flow: Dataflow, io: str) -> str | None:
    """Why no HLS tool takes a design, in one sentence that says what would work; None where one does."""
    return next(_reasons(flow, io), None)


def _reasons(flow: Dataflow, io: str) -> Iterator[str]:
    ports = {terminal.stream: terminal.port for terminal in (*flow.inputs, *flow.outputs)}
    for stream in flow.streams.values():
        if stream.bits > MAX_WORD_BITS:
            what = f"port {ports[stream.name]}" if stream.name in ports else f"stream {stream.name}"
            yield (
                f"{what} of layer {_layer(flow, stream)!r} carries {stream.lanes} elements of "
                f"{stream.type.width} bits at once, and the HLS tool takes words of at most "
                f"{MAX_WORD_BITS:,} bits; {_narrower(flow, stream, io)}"
            )
    for kernel in flow.kernels:
        if kernel.multipliers > MAX_PRODUCTS:
            yield (
                f"layer {kernel.layer!r} has {kernel.multipliers:,} products in one function, and the HLS "
                f"tool unrolls about {MAX_PRODUCTS:,}; {_smaller(kernel, io)}"
            )


def _kernels(flow: Dataflow, stream: Stream) -> list[Kernel]:
    """What reads a stream, then what writes it."""
    readers = [kernel for kernel in flow.kernels if stream.name in kernel.inputs]
    return readers + [kernel for kernel in flow.kernels if stream.name in kernel.outputs]


def _layer(flow: Dataflow, stream: Stream) -> str:
    return _kernels(flow, stream)[0].layer


def _narrower(flow: Dataflow, stream: Stream, io: str) -> str:
    """What makes a stream narrower."""
    most = max(MAX_WORD_BITS // stream.type.width, 1)
    if io == "parallel":
        return f"choose io stream, with at most {most} elements a beat"
    for kernel in _kernels(flow, stream):
        pe, simd = kernel.folding
        if stream.name in kernel.inputs and simd > 1:
            return f"choose simd of at most {_divisor(simd, most)} for layer {kernel.layer!r}"
        if stream.name in kernel.outputs and pe > 1:
            return f"choose pe of at most {_divisor(pe, most)} for layer {kernel.layer!r}"
    return f"choose a larger target_interval, so that at most {most} elements travel at once"


def _smaller(kernel: Kernel, io: str) -> str:
    """What leaves fewer products in a function."""
    pe, simd = kernel.folding
    times = math.ceil(kernel.multipliers / MAX_PRODUCTS)
    if pe * simd > 1:
        return f"choose pe and simd whose product is at most {MAX_PRODUCTS:,} (they are {pe} and {simd})"
    where = "io stream and " if io == "parallel" else ""
    return f"choose {where}strategy folded with a reuse_factor of at least {times}"


def _divisor(number: int, most: int) -> int:
    """The largest divisor that is not more than ``most``."""
    return max(part for part in range(1, min(number, most) + 1) if number % part == 0)
