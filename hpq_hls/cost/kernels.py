"""The bill of each kernel of the RTL twin, register by register."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import (
    cast,
    count_bits,
    delay,
    dsp_blocks,
    fifo,
    in_dsp,
    ram,
    rom,
    sign_product,
    tree,
)
from hpq_hls.billing.memory import SRL_DEPTH
from hpq_hls.billing.parts import Family
from hpq_hls.billing.products import (
    built_in_luts,
    constant_product,
    signed_width,
    soft_product,
)
from hpq_hls.cost.stages import pipeline_registers
from hpq_hls.cost.unrolled import bill_unrolled
from hpq_hls.fixed import FixedType
from hpq_hls.kernels import (
    Add,
    Cast,
    ChannelMac,
    Dataflow,
    Fork,
    Gather,
    Kernel,
    MatVec,
    Pool,
    PoolMode,
    Stream,
    UnrolledMatVec,
    WidthConverter,
    Window,
)
from hpq_hls.kernels.contract import tree_registers

Streams = Mapping[str, Stream]


def bill_kernel(kernel: Kernel, streams: Streams, family: Family, weights: Bill | None = None) -> Bill:
    """What ``kernel`` is built from, without the FIFOs around it.

    weights: what ``bill_weights`` says, where that is known.
    """
    bill = Bill(family)
    bill.take(weights or bill_weights(kernel, family))
    own = _BILLS.get(type(kernel))
    if own is None:
        kernel.bill(bill, streams)
    else:
        own(bill, kernel, streams[kernel.inputs[0]], streams[kernel.outputs[0]])
    return bill


def bill_weights(kernel: Kernel, family: Family) -> Bill:
    """The memory of a kernel's weights, which no type around it has a part in."""
    bill = Bill(family)
    if isinstance(kernel, (MatVec, ChannelMac)):
        words = kernel.weight_words()
        rom(bill, words.reshape(len(words), -1), kernel.rom_type.width)
    else:
        kernel.bill_constants(bill)
    return bill


def bill_stream(stream: Stream, family: Family) -> Bill:
    """What the FIFO of a stream is built from."""
    bill = Bill(family)
    # Synthesis merges registers of equal content, and shift registers, but not what is in one memory.
    merged = stream.depth <= SRL_DEPTH
    fifo(bill, stream.depth, stream.different_bits if merged else stream.bits)
    return bill


def bill_ports(flow: Dataflow, family: Family) -> Bill:
    """hpq_axis_in and hpq_axis_out."""
    bill = Bill(family)
    bill.ff += len(flow.inputs)
    for terminal in flow.outputs:
        bits = count_bits(flow.streams[terminal.stream].beats)
        bill.ff += bits
        bill.add(Term.COUNTER, bits)
    return bill


def _product_width(kernel: MatVec | ChannelMac, x: FixedType) -> int:
    """Bits of a product of x and a weight."""
    if kernel.signs:
        return x.width + 1
    if built_in_luts(kernel, x):
        return soft_product(x, kernel.weight_type).width
    return signed_width(x) + signed_width(kernel.weight_type)


def _dot(
    bill: Bill, kernel: MatVec | ChannelMac, x: FixedType, terms: int, rows: int, *, shared: bool
) -> bool:
    """hpq_dot, ``rows`` of them; True if the last register of each is inside a DSP block.

    shared: all rows see the same x, whose operand registers then exist once.
    """
    width, limit = _product_width(kernel, x), kernel.accumulator_type.width
    copies = 1 if shared else rows
    if kernel.signs:
        bill.ff += terms * (x.width * copies + rows * (kernel.rom_type.width + width))
        bill.add(Term.PRODUCT, terms * rows * sign_product(x.width))
    elif built_in_luts(kernel, x):
        product = soft_product(x, kernel.weight_type)
        bill.ff += terms * (product.x_ff * copies + rows * product.ff)
        bill.add(Term.PRODUCT, terms * rows * product.lut)
    else:
        blocks = dsp_blocks(signed_width(x), signed_width(kernel.weight_type), bill.family)
        bill.dsp += terms * rows * blocks
        if blocks > 1:
            bill.add(Term.ADD2, terms * rows * width)
            bill.ff += terms * rows * width
        tree(bill, terms, width, limit, terms if blocks == 1 else 0, rows)
        return blocks == 1 and terms <= 3
    tree(bill, terms, width, limit, 0, rows)
    return False


def _row_shifts(bill: Bill, kernel: MatVec | ChannelMac, terms: int, products: int) -> tuple[int, int]:
    """The ROM of shifts and what shifts the sums of ``terms`` products of so many bits.

    Returns the bits of the ROM's counter, and how many sums are shifted at all, be it by wires: no DSP block
    adds a shifted product to its accumulator.
    """
    words, kind = kernel.shift_words(), kernel.shift_type
    if words is None or kind is None:
        return 0, 0
    shifted = int(np.count_nonzero(words.any(axis=0)))
    if len(words) == 1:
        return 0, shifted
    rom(bill, words[:, :, None], kind.width)
    counter = count_bits(len(words))
    bill.ff += counter
    for column in words.T:
        bits = int(np.bitwise_or.reduce(column ^ column[0])).bit_count()
        width = min(products + count_bits(terms) + int(column.max()), kernel.accumulator_type.width)
        bill.add(Term.SELECT, width * math.ceil(bits / 2))  # a LUT selects among four
    return counter, shifted


def _matvec(bill: Bill, kernel: MatVec, given: Stream, made: Stream) -> None:
    steps, rows, folds = kernel.synapse_folds, kernel.neuron_folds, kernel.groups * kernel.neuron_folds
    counters = count_bits(steps) + count_bits(rows) + count_bits(folds * steps)
    latency = 3 + tree_registers(kernel.simd)
    bill.add(Term.MATVEC, 1)
    bill.ff += counters + latency + 2  # valid_at, done, out_valid
    if steps > 1:  # first_at and last_at: shift registers
        bill.ff += 3 if latency == 3 else 1
        bill.add(Term.MEMORY, 1 if latency == 3 else 2)
    biases = kernel.bias_words()
    if biases is not None and kernel.bias_type is not None:
        rom(bill, biases, kernel.bias_type.width)
        bill.ff += count_bits(folds)
        counters += count_bits(folds)
    product = _product_width(kernel, given.type)
    shift_counter, shifted = _row_shifts(bill, kernel, kernel.simd, product)
    bill.add(Term.COUNTER, counters + shift_counter)
    bill.ff += given.bits  # the beat that comes in
    if rows > 1 and steps > 1:
        ram(bill, steps, given.bits)
        bill.ff += 1
        bill.add(Term.SELECT, given.bits)
    accumulator = kernel.accumulator_type
    inside = _dot(bill, kernel, given.type, kernel.simd, kernel.pe, shared=True)
    if steps == 1:
        if biases is not None:
            bill.add(Term.BIAS, kernel.pe * accumulator.width)
    else:
        bill.add(Term.ACCUMULATE, kernel.pe * accumulator.width)
    # A single product is accumulated in its DSP block, unless it is shifted before.
    bill.ff += (shifted if inside and kernel.simd == 1 else kernel.pe) * accumulator.width
    bill.ff += made.bits
    cast(bill, accumulator, made.type, kernel.relu, kernel.pe)


def _channelmac(bill: Bill, kernel: ChannelMac, given: Stream, made: Stream) -> None:
    counters = count_bits(kernel.chunks)
    bill.add(Term.CHANNELMAC, 1)
    bill.ff += pipeline_registers(kernel) + given.bits
    biases = kernel.bias_words()
    if biases is not None and kernel.bias_type is not None:
        rom(bill, biases, kernel.bias_type.width)
        counters *= 2
    bill.ff += counters
    product = _product_width(kernel, given.type)
    shift_counter, shifted = _row_shifts(bill, kernel, kernel.taps, product)
    bill.add(Term.COUNTER, counters + shift_counter)
    accumulator = kernel.accumulator_type
    inside = _dot(bill, kernel, given.type, kernel.taps, kernel.lanes, shared=False)
    lanes = shifted if inside and kernel.taps == 1 else kernel.lanes
    bill.ff += lanes * accumulator.width
    if biases is not None:
        bill.add(Term.BIAS, lanes * accumulator.width)
    bill.ff += made.bits
    cast(bill, accumulator, made.type, kernel.relu, kernel.lanes)


def _window(bill: Bill, kernel: Window, given: Stream, made: Stream) -> None:
    geometry, chunks = kernel.geometry, kernel.chunks(given.lanes)
    rows, columns = geometry.scan
    counters = count_bits(chunks) + 2 * (count_bits(rows + 1) + count_bits(columns + 1))
    bill.add(Term.WINDOW, 1)
    bill.add(Term.COUNTER, counters)
    bill.ff += counters + 1 + made.different_bits
    if geometry.first < (geometry.pad_top, geometry.pad_beats):
        bill.ff += 1  # a window before the first pixel has to wait for it
    if geometry.scan != (geometry.height, geometry.beats):
        bill.add(Term.PAD, given.bits)
    height = geometry.kernel[0]
    if geometry.phases > 1:
        bill.ff += count_bits(geometry.phases) + (1 if geometry.late else 0)
        bill.add(Term.COUNTER, count_bits(geometry.phases))
        # A LUT selects among four.
        bits = geometry.selected * height * given.bits // geometry.pixels
        bill.add(Term.SELECT, bits * math.ceil((geometry.phases - 1) / 3))
    line = geometry.dilation[0] * columns * chunks
    # Where lines are shift registers, synthesis merges them with the columns of the same row.
    merged = line <= SRL_DEPTH
    if height > 1 and not merged:
        # Each row above is a delay line of its own to Yosys, which looks at single bits.
        delay(bill, line, (height - 1) * given.bits)
    for beats, elements in geometry.delays(through=merged).items():
        delay(bill, beats * chunks, elements * given.bits // geometry.pixels)


def _pool(bill: Bill, kernel: Pool, given: Stream, made: Stream) -> None:
    results = kernel.positions * kernel.lanes
    bill.add(Term.PIPELINE, 1)
    bill.ff += pipeline_registers(kernel) + made.bits
    if kernel.mode is PoolMode.MAX:
        _largest(bill, kernel.taps, given.type.width, results)
        return
    accumulator = kernel.accumulator_type
    assert accumulator is not None
    width = given.type.width
    total = width + count_bits(kernel.taps)
    tree(bill, kernel.taps, width, total, 0, results)
    if kernel.reciprocal == 1:
        bill.ff += results * total
    else:
        constant = kernel.reciprocal.bit_length() + 1
        left = total + (0 if given.type.signed else 1)
        if not kernel.in_luts and in_dsp(left, constant):
            bill.dsp += results * dsp_blocks(left, constant, bill.family)
        else:
            bits = total * max(kernel.reciprocal.bit_count() - 1, 0)
            if kernel.in_luts:
                bits = constant_product(total, True, kernel.reciprocal)
            bill.add(Term.CONSTANT, results * bits)
            bill.ff += results * (left + constant - 1)
    cast(bill, accumulator, made.type, kernel.relu and given.type.signed, results)


def _largest(bill: Bill, terms: int, width: int, times: int) -> None:
    """hpq_maxtree."""
    level = 0
    while terms > 1:
        bill.add(Term.COMPARE, terms // 2 * width * times)
        terms = (terms + 1) // 2
        level += 1
        if level % 2 == 0 or terms == 1:
            bill.ff += terms * width * times


def _add(bill: Bill, kernel: Add, _given: Stream, made: Stream) -> None:
    width = kernel.accumulator_type.width
    bill.add(Term.PIPELINE, 1)
    bill.add(Term.ADD2, made.lanes * width)
    bill.ff += 2 + made.lanes * width + made.bits
    cast(bill, kernel.accumulator_type, made.type, kernel.relu, made.lanes)


def _cast(bill: Bill, kernel: Cast, given: Stream, made: Stream) -> None:
    bill.add(Term.PIPELINE, 1)
    bill.ff += 1 + made.bits
    cast(bill, given.type, made.type, kernel.relu, made.lanes)


def _converter(bill: Bill, _kernel: WidthConverter, given: Stream, made: Stream) -> None:
    ratio = max(given.lanes, made.lanes) // min(given.lanes, made.lanes)
    bill.ff += max(given.bits, made.bits) + ratio.bit_length()
    bill.add(Term.CONVERTER, 1)
    bill.add(Term.COUNTER, ratio.bit_length())
    if given.lanes > made.lanes:
        bill.add(Term.SHIFT_OUT, given.bits - made.bits)


def _fork(bill: Bill, kernel: Fork, _given: Stream, _made: Stream) -> None:
    bill.ff += len(kernel.outputs)
    bill.add(Term.FORK, len(kernel.outputs))


def _gather(_bill: Bill, _kernel: Gather, _given: Stream, _made: Stream) -> None:
    """Wires only."""


_BILLS: dict[type[Kernel], Callable[[Bill, Any, Stream, Stream], None]] = {
    MatVec: _matvec,
    ChannelMac: _channelmac,
    UnrolledMatVec: bill_unrolled,
    Window: _window,
    Pool: _pool,
    Add: _add,
    Cast: _cast,
    WidthConverter: _converter,
    Fork: _fork,
    Gather: _gather,
}
