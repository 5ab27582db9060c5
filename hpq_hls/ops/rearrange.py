"""Operators that move elements and change none: each says which element of the input goes where."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import FixedType, Interval
from hpq_hls.ops.base import IntArray, Lowering, Operator, Order, Shape, Travel
from hpq_hls.ops.layout import IMAGE, Array, Scratch, batch_last, channels_last, torch_order

if TYPE_CHECKING:
    import torch

ZERO = -1
"""In an index: no element, but zero."""

_KNOWN: WeakKeyDictionary[Operator, dict[Shape, _Moves]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class _Moves:
    """An index, looked at. shape: of the output. index: flat, in torch order. rows: the same for arrays that
    lie as operators compute on them. zeros: whether it puts any. exact: each element is used once, and no
    zeros; injective: none is used twice, and no zeros."""

    shape: Shape
    index: IntArray
    rows: IntArray
    zeros: bool
    injective: bool
    exact: bool


def _moves(index: IntArray, shape: Shape) -> _Moves:
    size = math.prod(shape)
    flat = np.ascontiguousarray(index, dtype=np.int64).reshape(-1)
    there = np.empty(size + 1, np.int64)  # the last for ZERO
    there[_lying(np.arange(size).reshape(shape)).reshape(-1)] = np.arange(size)
    there[-1] = ZERO
    rows = there[_lying(index).reshape(-1)]
    zeros = bool((flat < 0).any())
    injective = not zeros and len(np.unique(flat)) == flat.size
    return _Moves(tuple(index.shape), flat, rows, zeros, injective, injective and flat.size == size)


def _lying(array: Array) -> Array:
    """A tensor without batch as its elements lie where operators compute."""
    return batch_last(array[None])[..., 0]


@dataclass(frozen=True, eq=False)
class Rearrange(Operator):
    """Base of all that move elements. Exact: the type passes through."""

    kind: ClassVar[str] = "Rearrange"

    @abstractmethod
    def index(self, shape: Shape) -> IntArray:
        """For an input of ``shape``: an array of the output's shape that holds, for each element, the flat
        index of the element of the input that comes there, or ZERO.

        Raises:
            UnsupportedOperatorError: it cannot be applied to this shape.
        """

    def moves(self, shape: Shape) -> _Moves:
        """``index``, looked at; found once."""
        known = _KNOWN.setdefault(self, {})
        if shape not in known:
            known[shape] = _moves(self.index(shape), shape)
        return known[shape]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.moves(shapes[0]).shape

    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        (x,) = inputs
        lying = x.shape[:-1]
        shape = (lying[1], lying[0], lying[2]) if x.ndim == IMAGE else lying
        moves, samples = self.moves(shape), x.shape[-1]
        made = (moves.shape[1], moves.shape[0], moves.shape[2]) if len(moves.shape) == 3 else moves.shape
        flat = np.ascontiguousarray(x).reshape(-1, samples)
        taken = np.take(flat, moves.rows, axis=0, mode="wrap" if moves.zeros else "raise")
        if moves.zeros:
            taken[moves.rows == ZERO] = 0
        return taken.reshape(*made, samples)

    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        import torch

        (x,) = inputs
        moves, flat = self.moves(tuple(x.shape[1:])), x.flatten(1)
        if moves.zeros:
            flat = torch.cat([flat, flat.new_zeros(len(x), 1)], 1)
        index = torch.as_tensor(np.where(moves.index < 0, flat.shape[1] - 1, moves.index), device=x.device)
        return flat[:, index].reshape(len(x), *moves.shape)

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        return types[0]

    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        seen = inputs[0].hull(Interval(0, 0)) if self.puts_zeros else inputs[0]
        return seen, max(abs(seen.lo), abs(seen.hi))

    @property
    def puts_zeros(self) -> bool:
        """Whether it may put zeros among the elements."""
        return False

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        if wish is not None and self.any_order(shapes):
            return Travel((made[0],), wish)
        moves = self.moves(shapes[0])
        place = np.empty(made[0].size + 1, np.int64)
        place[made[0]], place[ZERO] = np.arange(made[0].size), ZERO
        if moves.injective:  # as they come
            return Travel((made[0],), np.argsort(place[moves.index], kind="stable"))
        natural = [channels_last(moves.shape), torch_order(moves.index.size)]
        if np.array_equal(made[0], torch_order(made[0].size)):
            natural.reverse()
        streaming = [order for order in natural if increasing(place[moves.index[order]])]
        return Travel((made[0],), (streaming or natural)[0])

    def any_order(self, shapes: Sequence[Shape]) -> bool:
        return not self.moves(shapes[0]).injective

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        moves = self.moves(shapes[0])
        return moves.index[order] if moves.exact else None

    def lower(self, build: Lowering) -> None:
        build.rearrange(self.moves(build.shapes[0]).index)


def increasing(positions: IntArray) -> bool:
    """Whether elements are used in the order in which they come, each once; zeros may lie between."""
    used = positions[positions >= 0]
    return bool((np.diff(used) > 0).all())


MAX_ELEMENTS = 1 << 26
"""Of a tensor that is rearranged: files may ask for any."""


def bounded(*sizes: int) -> None:
    """Refuse a result of more elements than anybody has memory for.

    Raises:
        UnsupportedOperatorError: the product of the sizes is too large.
    """
    if math.prod(sizes) > MAX_ELEMENTS:
        raise UnsupportedOperatorError(
            f"its result would have {math.prod(sizes):,} elements, which is too large"
        )


def placed(shape: Shape) -> IntArray:
    """The flat index of each element of a tensor, as an array of its shape."""
    bounded(*shape)
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)


__all__ = ["ZERO", "Rearrange", "bounded", "increasing", "placed"]
