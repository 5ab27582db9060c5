"""A function of one value, element by element: a table over every code of its input."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hpq_hls.errors import PrecisionError, UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.kernels.table import Lookup, addressed
from hpq_hls.ops.base import FloatArray, IntArray, Lowering, Operator, Shape, operator
from hpq_hls.ops.channels import Channelwise
from hpq_hls.ops.expression import (
    Expression,
    evaluate,
    evaluate_torch,
    never_negative,
    normal,
    substituted,
    text,
)
from hpq_hls.ops.layout import Array, Scratch

if TYPE_CHECKING:
    import torch

MAX_INDEX = 16
"""Bits of a table's index at most: 65536 words. A wider input is cast to an index type first."""
TABLE = "values"
"""The name of the one table of a Pointwise."""
RANKING: tuple[Expression, ...] = (("sigmoid", "x"), ("neg", ("softplus", ("neg", "x"))))
"""Functions that classifiers end with, and that keep the order of values: sigmoid and its logarithm."""
REMEMBERED = 256
"""Tables that are not made again while they are remembered; the largest has half a megabyte."""


@operator
@dataclass(frozen=True, eq=False)
class Pointwise(Channelwise, Operator):
    """A real function of one variable, such as a sigmoid, or several of them in a chain.

    It has no sum: its output is the word of ``tables`` at its input's code, the function's value cast to the
    output type, once, from float64.

    function: see ``hpq_hls.ops.expression``. called: the operator's name in messages and tables.
    """

    casts: ClassVar[bool] = True
    looks_up: ClassVar[bool] = True
    clips_sums: ClassVar[bool] = False

    function: Expression
    called: str = "Function"

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", normal(self.function))

    @property
    def kind(self) -> str:  # type: ignore[override]
        """The function's name."""
        return self.called

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        """On real numbers; integers are looked up."""
        (x,) = inputs
        result = scratch.result(x.shape, np.dtype(np.float64))
        np.copyto(result, evaluate(self.function, np.asarray(x, dtype=np.float64)))
        return result

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return evaluate_torch(self.function, inputs[0])

    def tables(
        self, types: Sequence[FixedType], intervals: Sequence[Interval], output_type: FixedType
    ) -> Mapping[str, IntArray]:
        return {TABLE: tabulated(self.function, types[0], intervals[0], output_type)}

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        return substituted(self.function, inputs)

    @property
    def only_ranks(self) -> bool:
        return self.function in RANKING

    def never_negative(self, inputs: Sequence[bool]) -> bool:
        return never_negative(self.function, inputs[0])

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("a function has no exact sum; its table says what comes out")

    def lower(self, build: Lowering) -> None:
        build.elementwise(
            "table",
            Lookup,
            lambda layer: {
                "values": addressed(layer.tables[TABLE], layer.input_edges[0].interval),
                "content": text(self.function),
                "type": layer.output_type,
            },
        )


@functools.lru_cache(maxsize=REMEMBERED)
def tabulated(function: Expression, given: FixedType, codes: Interval, output_type: FixedType) -> IntArray:
    """The table of a function over ``codes`` of the type ``given``: int64 raw values of ``output_type``.

    The value at a code is the function's in float64, cast once. Infinities become the ends of the output
    type. Where the function is no number (the logarithm of what is negative), the code gets the value of the
    nearest code where it is one, the larger of two equally near ones.

    Raises:
        PrecisionError: more than 2**16 codes, or the function is a number at none of them.
    """
    if codes.hi - codes.lo >= 1 << MAX_INDEX:
        raise PrecisionError(
            f"a table would have {codes.hi - codes.lo + 1} words, one for each code of {given}; "
            f"its index may have {MAX_INDEX} bits, so choose a narrower type in front of it"
        )
    raw = np.arange(codes.lo, codes.hi + 1, dtype=np.int64)
    values = _defined(evaluate(function, np.ldexp(raw.astype(np.float64), -given.fraction)))
    if values is None:
        raise PrecisionError(f"{text(function)} is no number at any value of {given} that can occur")
    infinite = np.isinf(values)
    table = output_type.from_float(np.where(infinite, 0.0, values))
    table[infinite & (values > 0)], table[infinite & (values < 0)] = output_type.max_raw, output_type.min_raw
    table.flags.writeable = False
    return table


def _defined(values: FloatArray) -> FloatArray | None:
    """The values with those of the nearest number in place of each NaN; None where nothing is a number."""
    (numbers,) = np.nonzero(~np.isnan(values))
    if len(numbers) == len(values):
        return values
    if not len(numbers):
        return None
    places = np.arange(len(values))
    above = np.minimum(np.searchsorted(numbers, places), len(numbers) - 1)
    below = np.maximum(above - 1, 0)
    nearer = np.abs(numbers[below] - places) < np.abs(numbers[above] - places)
    return np.asarray(values[np.where(nearer, numbers[below], numbers[above])])


@operator
@dataclass(frozen=True, eq=False)
class Where(Operator):
    """``a`` where the condition is not 0, else ``b``: a piece of a function, which exists as a part of a
    Pointwise only (see ``hpq_hls.graph.fusing``).

    first, second: a and b where they are numbers; the others are inputs, in order, behind the condition.
    """

    kind: ClassVar[str] = "where"
    arity: ClassVar[int] = 3
    casts: ClassVar[bool] = True
    fused_only: ClassVar[bool] = True

    first: float | None = None
    second: float | None = None

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if any(shape != shapes[0] for shape in shapes):
            raise UnsupportedOperatorError(f"its condition and values have the shapes {list(shapes)}")
        return shapes[0]

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        condition, *given = inputs
        a = given.pop(0) if self.first is None else self.first
        b = given.pop(0) if self.second is None else self.second
        return ("select", ("abs", condition), a, b)

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        condition, *given = inputs
        a = given.pop(0) if self.first is None else self.first
        b = given.pop(0) if self.second is None else self.second
        return np.where(condition != 0, a, b)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        condition, *given = inputs
        a = given.pop(0) if self.first is None else condition.new_tensor(self.first)
        b = given.pop(0) if self.second is None else condition.new_tensor(self.second)
        return a.where(condition != 0, b)

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        raise TypeError("where is a part of a function")

    def lower(self, build: Lowering) -> None:
        raise TypeError("where is a part of a function")
