"""The bill of each part of the RTL twin: kernels, the FIFOs between them, ports."""

from __future__ import annotations

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.calibration import STREAMS
from hpq_hls.billing.counters import count_bits, wrapping_counter
from hpq_hls.billing.inference import Figures
from hpq_hls.billing.memories import fifo
from hpq_hls.billing.memory import SRL_DEPTH, fifo_loads, slice_count
from hpq_hls.billing.parts import Family
from hpq_hls.hardware import Dataflow, Link
from hpq_hls.kernels import Kernel, StageKind, Stream, Streams


def bill_kernel(
    kernel: Kernel,
    streams: Streams,
    family: Family,
    constants: Bill | None = None,
    calibration: Figures | None = None,
) -> Bill:
    """What ``kernel`` is built from, without the FIFOs around it.

    constants: what ``bill_constants`` says, where that is known. calibration: says what a tool would report.
    """
    bill = Bill(family)
    kernel = kernel.on(family)
    bill.take(constants or bill_constants(kernel, family))
    kernel.bill(bill, streams)
    if calibration is not None:
        bill.reported = calibration.apply(kernel.kind, bill, *passed(kernel, streams))
    return bill


def passed(kernel: Kernel, streams: Streams) -> tuple[int, int]:
    """Bits that a kernel takes for a result, and those of the result: of all beats that make a group, where
    it takes them in groups, else of one."""
    taken, made = (sum(streams[name].bits for name in names) for names in (kernel.inputs, kernel.outputs))
    contract = kernel.contract(streams)
    if contract.kind is StageKind.PIPELINE:
        _, group, folds = contract.parameters
        return group * taken, folds * made
    return taken, made


def bill_constants(kernel: Kernel, family: Family) -> Bill:
    """The memory of a kernel's constants, its biases included, which no type around it has a part in."""
    bill, kernel = Bill(family), kernel.on(family)
    kernel.bill_constants(bill)
    kernel.bill_biases(bill)
    return bill


def bill_stream(
    stream: Stream, link: Link, family: Family, calibration: Figures | None = None, settled: int = 0
) -> Bill:
    """What a stream is built from: a FIFO, or nothing. settled: bits of a beat that are always the same, or
    the same as another (``Bill.settled`` of the kernel that writes it)."""
    bill = Bill(family)
    if link.wire:
        return bill
    # Synthesis merges shift registers of equal content, but not what is in one memory.
    merged = link.places <= SRL_DEPTH
    slices = slice_count(stream.bits, fifo_loads(link.places, stream.bits, family))
    if merged and not stream.different_bits:
        slices = 1  # nothing hangs on the others
    bits = max(stream.different_bits - settled, 0) if merged else stream.bits
    fifo(bill, link.places, bits, link.latency, slices)
    if calibration is not None:
        whole = bill if not settled else bill_stream(stream, link, family)
        bill.reported = calibration.apply(STREAMS, whole, stream.bits, stream.bits)
    return bill


CHECK, FILL = 5, 5
"""LUTs of hpq_axis_in_checked: its handshake and flag, and what fills up a packet that is too short."""


def bill_ports(flow: Dataflow, family: Family, calibration: Figures | None = None) -> Bill:
    """hpq_axis_in or hpq_axis_in_checked, hpq_axis_out, and the register of reset."""
    bill = Bill(family)
    bill.ff += 1 + len(flow.inputs)  # of reset
    bill.add(Term.PORT, 1)
    for terminal in flow.inputs:
        if terminal.checked:
            stream = flow.streams[terminal.stream]
            bill.ff += 2  # what is dropped, and the flag
            bill.add(Term.PORT, CHECK)
            if stream.beats > 1:
                bill.ff += 1 + count_bits(stream.beats)
                read = len(stream.read) * stream.type.width
                bill.add(Term.SELECT, read)  # zeros behind a packet that is too short
                bill.add(Term.PORT, FILL + wrapping_counter(stream.beats) // 2)
    for terminal in flow.outputs:
        beats = flow.streams[terminal.stream].beats
        bill.ff += count_bits(beats)
        bill.add(Term.PORT, wrapping_counter(beats))
    if calibration is not None:
        bill.reported = calibration.apply(STREAMS, bill, *port_bits(flow))
    return bill


def port_bits(flow: Dataflow) -> tuple[int, int]:
    """Bits of a beat of all inputs, and of all outputs."""
    taken, made = (
        sum(flow.streams[terminal.stream].bits for terminal in ends) for ends in (flow.inputs, flow.outputs)
    )
    return taken, made
