"""What every operator states about itself.

An operator is a frozen dataclass. Its ``compute`` is written once, for any number type: called with
float arrays and float parameters it is the network that was trained, called with integer arrays and
integer parameters it is the exact meaning of the hardware. Arrays are batch-first, in torch layout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType, Interval

if TYPE_CHECKING:
    from hpq_hls.ops.window import WindowSpec

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """An integer constant that is part of an operator, such as the reciprocal of a pooling window."""

    raw: int
    type: FixedType


@dataclass(frozen=True, eq=False)
class Operator(ABC):
    """Base of all operators.

    kind: the operator's name in messages and tables.
    arity: number of inputs.
    casts: whether the output is cast to a type of its own. Operators that do not cast are exact:
        ``exact_type`` says what type comes out.
    """

    kind: ClassVar[str]
    arity: ClassVar[int] = 1
    casts: ClassVar[bool] = False

    @property
    def weight(self) -> FloatArray | None:
        """Trained weights, or None."""
        return None

    @property
    def bias(self) -> FloatArray | None:
        """Trained biases, one per output channel, or None."""
        return None

    @property
    def constant(self) -> Constant | None:
        """The constant factor that belongs to the operator, or None."""
        return None

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the output without the batch axis.

        Raises:
            UnsupportedOperatorError: the operator cannot be applied to inputs of these shapes.
        """

    @abstractmethod
    def compute(self, inputs: Sequence[Array], weight: Array | None, bias: Array | None) -> Array:
        """The operator's value, in the number type of its inputs.

        weight, bias: the parameters in the same number type; for an operator with a ``constant``
        weight is that constant as an array of shape ().
        """

    def exact_type(self, types: Sequence[FixedType]) -> FixedType:
        """Type of the output of an operator that does not cast."""
        raise TypeError(f"{self.kind} casts its output")

    @abstractmethod
    def range(
        self, inputs: Sequence[Interval], weight: IntArray | None, bias: Array | None
    ) -> tuple[Interval, int]:
        """Interval of the exact result over all inputs within their intervals, and a bound on the
        magnitude of every partial sum on the way to it.

        inputs: at the fraction the operator sees (aligned for operators with several inputs).
        """

    @abstractmethod
    def lower(self, build: Lowering) -> None:
        """Ask the hardware builder for the kernels that compute this operator."""


class Lowering(Protocol):
    """The kernels an operator can ask for; implemented by ``hpq_hls.hardware``.

    Each call takes the streams of the operator's inputs and produces its output.
    """

    @property
    def input_shapes(self) -> Sequence[Shape]:
        """Shapes of the operator's inputs."""
        ...

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        """Dot products with the layer's weights, viewed as (groups, rows, columns); with a window
        the columns of a group are (channel, ky, kx) in torch order."""
        ...

    def pool(self, window: WindowSpec, average: bool) -> None:
        """Reduce each window, channel by channel."""
        ...

    def add(self) -> None:
        """Element-wise sum of two inputs."""
        ...

    def relu(self) -> None:
        """Element-wise ReLU without change of scale."""
        ...

    def flatten(self) -> None:
        """The same elements as a vector in torch order."""
        ...


def dot_range(weight: Array, bias: Array | None, inputs: Interval) -> tuple[Interval, int]:
    """Interval and partial-sum bound of ``weight @ x + bias`` for x within an interval.

    weight: (rows, columns) integers; bias: (rows,) or None. Tight: the extreme of each row is
    reached by the input whose every element is the end of the interval that its weight's sign picks.
    """
    columns = weight.shape[1] if weight.ndim == 2 else 1
    magnitude = int(np.abs(weight).max(initial=0)) * max(abs(inputs.lo), abs(inputs.hi)) * max(columns, 1)
    exact = weight.astype(np.int64 if magnitude < 2**62 else object)
    positive = np.where(exact > 0, exact, 0).sum(axis=1)
    negative = np.where(exact < 0, exact, 0).sum(axis=1)
    offset = np.zeros(weight.shape[0], dtype=object) if bias is None else bias.astype(object)
    high = positive.astype(object) * inputs.hi + negative.astype(object) * inputs.lo + offset
    low = positive.astype(object) * inputs.lo + negative.astype(object) * inputs.hi + offset
    peak = max(abs(inputs.lo), abs(inputs.hi))
    partial = (positive.astype(object) - negative.astype(object)) * peak + np.abs(offset)
    return Interval(int(min(low)), int(max(high))), int(max(partial))
