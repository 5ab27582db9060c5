"""The bill of matrix-vector products whose weights are constants in the logic (hpq_unrolled)."""

from __future__ import annotations

import numpy as np

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import DSP_MIN_OPERAND, DSP_MIN_PRODUCT, cast, dsp_blocks, tree
from hpq_hls.billing.products import constant_product
from hpq_hls.cost.stages import pipeline_registers
from hpq_hls.fixed import FixedType
from hpq_hls.kernels import IntArray, Stream, UnrolledMatVec
from hpq_hls.kernels.adder_graph import side_by_side


def bill_unrolled(bill: Bill, kernel: UnrolledMatVec, given: Stream, made: Stream) -> None:
    """Add everything in ``kernel`` to ``bill``.

    Synthesis merges equal products: one for each different weight that an input meets, be it in several
    positions. Powers of two are wires, zeros nothing at all.
    """
    accumulator = kernel.accumulator_type
    bill.add(Term.PIPELINE, 1)
    bill.ff += pipeline_registers(kernel) + made.bits
    per_position = Bill(bill.family)
    if kernel.adders is None and given.same_as:
        _multiplied(bill, kernel, _by_different_inputs(kernel, given.same_as), given.type)
    elif kernel.adders is None:
        for matrix in kernel.weight:
            _multiplied(per_position, kernel, matrix, given.type)
    else:
        graph = side_by_side(kernel.adders)
        per_position.add(Term.GRAPH, graph.adder_bits)
        per_position.ff += graph.register_bits
    rows = kernel.groups * kernel.rows
    per_position.ff += rows * accumulator.width
    if kernel.bias is not None:
        per_position.add(Term.BIAS, rows * accumulator.width)
    cast(per_position, accumulator, made.type, kernel.relu, rows)
    for _ in range(kernel.positions):
        bill.take(per_position)


def _by_different_inputs(kernel: UnrolledMatVec, same_as: tuple[int, ...]) -> IntArray:
    """The rows of all positions and groups as one matrix, whose columns are the inputs that differ."""
    _, column = np.unique(same_as, return_inverse=True)
    count, shape = int(column.max()) + 1, (kernel.positions, kernel.groups, kernel.rows)
    matrix = np.zeros((*shape, count), dtype=np.int64)
    columns = np.broadcast_to(
        column.reshape(kernel.positions, kernel.groups, 1, kernel.cols), (*shape, kernel.cols)
    )
    np.put_along_axis(matrix, columns, np.broadcast_to(kernel.weight, columns.shape), axis=3)
    return matrix.reshape(-1, count)


def _multiplied(bill: Bill, kernel: UnrolledMatVec, matrix: IntArray, given: FixedType) -> None:
    """hpq_constdot for every row of a (rows, columns) matrix."""
    operand = given.width + (0 if given.signed else 1)
    product = operand + kernel.weight_type.width + (0 if kernel.weight_type.signed else 1)
    users = _products(bill, matrix, operand, given.width, kernel.in_luts)
    for row, alone in zip(matrix, users, strict=True):
        _row(bill, row, product, alone, kernel.accumulator_type.width)


def _row(bill: Bill, row: IntArray, product: int, alone: int, limit: int) -> None:
    terms = int(np.count_nonzero(row))
    if terms:
        tree(bill, terms, product, limit, alone, 1)


def _products(bill: Bill, matrix: IntArray, operand: int, width: int, in_luts: bool) -> list[int]:
    """The products of a (rows, columns) matrix; returns for each row those in DSP blocks of its own."""
    own = [0] * matrix.shape[0]
    for column in matrix.T:
        values, first, counts = np.unique(column, return_index=True, return_counts=True)
        for value, row, count in zip(values.tolist(), first.tolist(), counts.tolist(), strict=True):
            if value == 0:
                continue
            bits = value.bit_length() + 1 if value > 0 else (value + 1).bit_length() + 1
            magnitude = abs(value)
            if magnitude & (magnitude - 1) == 0:
                bill.ff += width if value > 0 else operand
                if value < 0:
                    bill.add(Term.NEGATE, width)
            elif in_luts:
                bill.ff += operand + bits - 1
                bill.add(Term.CONSTANT, constant_product(width, operand == width, value))
            elif bits >= DSP_MIN_OPERAND and operand + bits >= DSP_MIN_PRODUCT:
                bill.dsp += dsp_blocks(operand, bits, bill.family)
                own[row] += count == 1
            else:
                bill.ff += operand + bits - 1
                bill.add(Term.CONSTANT, width * (magnitude.bit_count() - 1) + (width if value < 0 else 0))
    return own
