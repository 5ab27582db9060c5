"""What every operator states about itself.

An operator is a frozen dataclass. Its ``compute`` is written once, for any number type: called with
float arrays and float parameters it is the network that was trained, called with integers and integer
parameters it is the exact meaning of the hardware, whether these integers are held in integer arrays or
in float arrays that are wide enough for them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import FixedType, Interval, Overflow, Rounding
from hpq_hls.kernels import Kernel, Reduction
from hpq_hls.ops.channels import Narrowable
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last

if TYPE_CHECKING:
    import torch

    from hpq_hls.ops.window import WindowSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Shape = tuple[int, ...]
Order = IntArray
"""The flat index, in torch layout, of each element of a tensor, in the order in which they travel."""
Told = Callable[[Any], Mapping[str, Any]]
"""The fields of a kernel that depend on types and parameters, from the QuantizedLayer."""


@dataclass(frozen=True)
class Constant:
    """An integer constant that is part of an operator, such as the reciprocal of a pooling window."""

    raw: int
    type: FixedType


@dataclass(frozen=True)
class Product:
    """Weights (outputs, inputs / groups, ...) that each output takes the product of.

    window: which inputs, of a convolution; None for vectors.
    input_size: (height, width) of a convolution's input.
    """

    groups: int = 1
    window: WindowSpec | None = None
    input_size: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Padding:
    """Constants of one value around a tensor. before, after: how many, for each axis but the batch."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float

    @property
    def around(self) -> tuple[int, int, int, int] | None:
        """(top, bottom, left, right) of an image; None where it is none or where its channels are padded."""
        if len(self.before) != 3 or self.before[0] or self.after[0]:
            return None
        return (self.before[1], self.after[1], self.before[2], self.after[2])


@dataclass(frozen=True, eq=False)
class Travel:
    """The orders in which an operator takes its inputs and gives its output."""

    takes: tuple[Order, ...]
    gives: Order


@dataclass(frozen=True, eq=False)
class Beside:
    """An operator of two inputs one of which is constant, as an operator of the other one.

    factor, offset: raw weights and biases of it, one for each channel; offset None: no biases.
    """

    op: Operator
    factor: IntArray
    factor_type: FixedType
    offset: IntArray | None = None
    offset_type: FixedType | None = None


@dataclass(frozen=True, eq=False)
class Operator(Narrowable, ABC):
    """Base of all operators.

    kind: the operator's name in messages and tables.
    arity: number of inputs.
    casts: whether the output is cast to a type of its own. Operators that do not cast are exact:
        ``exact_type`` says what type comes out.
    clips_sums: of an operator that casts: whether a ReLU or a clamp (``clips``) behind it can be part of it.
    leaks_sums: and slopes below zero (``leaks``): its kernels multiply by them (hpq_finish, hpq::finish).
    aligns: of an operator with several inputs: whether they are brought to one fraction, that of the result;
        else the result's fraction is the sum of theirs.
    degree: of the polynomial that it is of its inputs, where it aligns them: the result has so many times
        their fraction.
    looks_up: whether its output is the word of a table at its input's code (see ``tables``). It has no
        exact sum then, and nothing can be fused behind it.
    fused_only: whether it exists as a part of a function only, which a pass puts together.
    homogeneous: whether the operator of a channel times s > 0 is s times the operator of the channel.
    keeps_order: whether the output has the input's elements, in torch's order, in another shape.
    """

    kind: ClassVar[str]
    arity: ClassVar[int] = 1
    casts: ClassVar[bool] = False
    aligns: ClassVar[bool] = True
    degree: ClassVar[int] = 1
    looks_up: ClassVar[bool] = False
    clips_sums: ClassVar[bool] = True
    leaks_sums: ClassVar[bool] = False
    fused_only: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False

    @property
    def weight(self) -> FloatArray | None:
        """Trained weights, or None."""
        return None

    @property
    def bias(self) -> FloatArray | None:
        """Trained biases, one per output channel, or None."""
        return None

    def with_parameters(self, weight: FloatArray, bias: FloatArray | None) -> Operator:
        """The same operator with other weights and biases, of the same shapes."""
        raise TypeError(f"{self.kind} has no parameters")

    @property
    def constant(self) -> Constant | None:
        """The constant factor that belongs to the operator, or None."""
        return None

    @property
    def clips(self) -> tuple[float | None, float | None] | None:
        """(lower, upper) of an operator that brings values into a range and does nothing else, None where
        there is no bound; None for any other operator."""
        return None

    @property
    def leaks(self) -> FloatArray | None:
        """What an operator multiplies values below zero by that leaves all others as they are: (1,), or
        (channels,) along the first axis; None for any other operator."""
        return None

    def scaled(self, fraction: int) -> Operator:
        """The operator on values that are counted in units of 2**-fraction; itself where that is the same."""
        return self

    def rounded(self, output_type: FixedType) -> Operator:
        """The operator with the constants that hardware has where it is fused in front of a cast to this
        type; itself where it has none."""
        return self

    def expression(self, inputs: Sequence[Expression]) -> Expression | None:
        """The operator as a real function of its inputs, element by element (``hpq_hls.ops.expression``);
        None if it is none."""
        return None

    def tables(
        self, types: Sequence[FixedType], intervals: Sequence[Interval], output_type: FixedType
    ) -> Mapping[str, IntArray]:
        """Integers that follow from the types around it, by name; what a layer owns and saves.

        types, intervals: of the inputs.
        """
        return {}

    @property
    def product(self) -> Product | None:
        """How the weights meet the input, if they are a matrix or the kernels of a convolution."""
        return None

    @property
    def always(self) -> IntArray | None:
        """The raw output in torch layout, without the batch axis, of an operator that gives the same whatever
        comes in; None for any other operator."""
        return None

    def beside(self, index: int, constant: IntArray, given: FixedType) -> Beside | None:
        """The same exact sums, of an operator that reads the other input alone, where input ``index`` is
        always ``constant`` (channels,), raw values of type ``given``; None where there is none."""
        return None

    @property
    def padding(self) -> Padding | None:
        """The constants that it puts around its input, if that is all it does."""
        return None

    def affine(self) -> Operator | None:
        """The same map as an operator whose ``weight`` and ``bias`` are the factor and the offset of each
        channel; None where it is no such map."""
        return None

    def scaled_output(self, scale: FloatArray, offset: FloatArray) -> Operator | None:
        """The operator with ``scale y + offset``, one of each per channel, behind it; None where its
        parameters cannot take them in."""
        return None

    def scaled_input(self, scale: FloatArray, offset: FloatArray) -> Operator | None:
        """The same for ``scale x + offset`` in front of it."""
        return None

    def padded_input(self, padding: Padding) -> Operator | None:
        """The operator with constants around its input; None where its own padding cannot take them in."""
        return None

    def parts(self, shapes: Sequence[Shape]) -> tuple[Part, ...]:
        """The operators that it is made of, in topological order, the last of which gives its value; empty
        for an operator that is one layer. A graph is taken apart before it is quantized."""
        return ()

    @property
    def only_ranks(self) -> bool:
        """Whether its outputs stand in the order of its inputs, along every axis over which it normalises:
        at the end of a classifier it changes nothing but the scale."""
        return False

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the output without the batch axis.

        Raises:
            UnsupportedOperatorError: the operator cannot be applied to inputs of these shapes.
        """

    def arrange(self, weight: Array) -> Array:
        """Weights in torch layout, in the order in which ``compute`` takes them."""
        return weight

    @abstractmethod
    def compute(
        self, inputs: Sequence[Array], weight: Array | None, bias: Array | None, scratch: Scratch
    ) -> Array:
        """The operator's value, in the number type of its inputs.

        inputs, result: batch last, see ``hpq_hls.ops.layout``.
        weight, bias: the parameters in the same number type, weights as ``arrange`` gives them; for an
        operator with a ``constant`` weight is that constant as an array of shape ().
        scratch: where work arrays come from. The result of an operator that casts is one of its work
        arrays or new, never a view of an input.
        """

    def evaluate(self, inputs: Sequence[Array], weight: Array | None, bias: Array | None) -> Array:
        """``compute`` on arrays in torch layout, batch first, and weights in torch layout."""
        arranged = None if weight is None else self.arrange(weight)
        given = [np.ascontiguousarray(batch_last(x)) for x in inputs]
        return np.ascontiguousarray(batch_first(self.compute(given, arranged, bias, Scratch())))

    @abstractmethod
    def differentiable(
        self, inputs: Sequence[torch.Tensor], weight: torch.Tensor | None, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """The same map as ``evaluate`` in torch, through which gradients flow: for fine-tuning.

        inputs, result: torch layout, batch first. weight, bias: in torch layout; for an operator with a
        ``constant`` weight is that constant's value as a tensor of shape ().
        """

    def work_elements(self, shapes: Sequence[Shape]) -> int:
        """Elements per sample of the largest array that ``compute`` makes or reads."""
        return max(math.prod(shape) for shape in (*shapes, self.output_shape(shapes)))

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

    def never_negative(self, inputs: Sequence[bool]) -> bool:
        """Whether no output of the trained operator can be negative.

        inputs: of which inputs that is known. It is ``range`` of the signs: no term may be negative.
        """
        seen = [Interval(0, 1) if known else Interval(-1, 1) for known in inputs]
        weight = None if self.weight is None else np.sign(self.weight).astype(np.int64)
        if self.constant is not None:
            weight = np.asarray(self.constant.raw, dtype=np.int64)
        bias = None if self.bias is None else np.minimum(np.sign(self.bias), 0).astype(np.int64)
        return self.range(seen, weight, bias)[0].lo >= 0

    # ------------------------------------------------------------------ order

    def image(self, shape: Shape) -> Shape:
        """How hardware looks at an input or the output: as (C, H, W), where it has several positions of
        channels. (C, L) is an image of height 1."""
        return (shape[0], 1, shape[1]) if len(shape) == 2 else shape

    def channel_axis(self, shape: Shape) -> int:
        """Along which axis of an input or the output of this shape channels lie: those that have weights, or
        a factor and an offset, of their own."""
        return 0

    def as_image(self, x: Array) -> Array:
        """The operator's input (N, ...) as ``image`` sees it: (N, C, H, W); a view."""
        return x[:, :, None] if x.ndim == 3 else x

    def travel(self, shapes: Sequence[Shape], made: Sequence[Order], wish: Order | None) -> Travel:
        """In which orders it takes its inputs, and in which its output leaves.

        made: in which the inputs are there; where it takes one in another, elements are moved in between.
        wish: an order for the output, None for whichever is easiest; only heeded by one of ``any_order``.
        The default suits what works element by element: inputs alike.
        """
        return Travel((made[0],) * len(made), made[0])

    def any_order(self, shapes: Sequence[Shape]) -> bool:
        """Whether the output leaves in whatever order is wished for, at no cost."""
        return False

    def order_before(self, shapes: Sequence[Shape], order: Order) -> Order | None:
        """The order of its one input from which the output comes in ``order``; None where that is decided
        otherwise."""
        return order if len(shapes) == 1 else None

    @abstractmethod
    def lower(self, build: Lowering) -> None:
        """Ask the hardware builder for the kernels that compute this operator."""


@dataclass(frozen=True)
class Inner:
    """How wide the output of an inner part is: nobody chooses that, it follows from the whole's own width, or
    from the part's first input.

    integer, signed, rounding: of its type; it saturates. extra: how many bits it has more than the output of
    the whole; most: how many at most. integer None: it is as fine as its input and as wide, where that is
    ``most`` bits at most, with at most ``most_integer`` of them before the point.
    of: the layer whose width it follows, "" until the whole is taken apart.
    """

    integer: int | None
    extra: int
    most: int
    signed: bool = False
    rounding: Rounding = Rounding.RND
    most_integer: int = 0
    of: str = ""

    def type(self, width: int, given: FixedType) -> FixedType:
        """The type where the output of the whole has ``width`` bits, and the part's input a type."""
        integer, own = self.integer, min(width + self.extra, self.most)
        if integer is None:
            integer = min(given.width - given.fraction, self.most_integer)
            own = max(min(integer + given.fraction, self.most), 1)
        return FixedType(own, integer, self.signed, self.rounding, Overflow.SAT)


@dataclass(frozen=True, eq=False)
class Part:
    """One of the operators that another is made of.

    name: behind the layer's name and a dot; the last part has the layer's own name, and "" here.
    inputs: the number of an input of the whole, or the name of an earlier part.
    inner: its type, where it is no layer whose precision can be chosen.
    """

    name: str
    op: Operator
    inputs: tuple[int | str, ...]
    inner: Inner | None = None


OPERATORS: dict[str, type[Operator]] = {}
"""Every operator that there is, by the name of its class, which saved files hold."""
AnyOperator = TypeVar("AnyOperator", bound=Operator)


def operator(kind: type[AnyOperator]) -> type[AnyOperator]:
    """Make an operator known, so that networks with it can be loaded. Its fields are numbers, texts, arrays,
    windows and tuples of these.

    Raises:
        ValueError: another class has its name.
    """
    known = OPERATORS.get(kind.__name__, kind)
    if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise ValueError(
            f"there are two operators {kind.__name__}, in {known.__module__} and {kind.__module__}"
        )
    OPERATORS[kind.__name__] = kind
    return kind


class Lowering(Protocol):
    """The kernels an operator can ask for; implemented by ``hpq_hls.hardware``.

    Each call takes the streams of the operator's inputs and produces its output.
    """

    @property
    def shapes(self) -> Sequence[Shape]:
        """Shapes of the operator's inputs, in torch layout."""
        ...

    def weighted(self, groups: int, window: WindowSpec | None) -> None:
        """Dot products with the layer's weights, viewed as (groups, rows, columns); with a window
        the columns of a group are (channel, ky, kx) in torch order."""
        ...

    def pool(self, window: WindowSpec, average: bool) -> None:
        """Reduce each window, channel by channel."""
        ...

    def reduction(self, mode: Reduction, groups: IntArray) -> None:
        """Reduce to one what goes into the same element of the output.

        groups: for each element of the input, flat, which one that is.
        """
        ...

    def elementwise(self, part: str, kernel: type[Kernel], told: Told = lambda _: {}) -> None:
        """A kernel that makes each beat of the output of one beat of each input, element by element.

        part: of the kernel's name. told: the kernel's own fields from the QuantizedLayer.
        """
        ...

    def rearrange(self, index: IntArray) -> None:
        """Element i of the output, both flat in torch order, is element ``index[i]`` of the input, or zero
        where that is -1."""
        ...

    def join(self, index: IntArray) -> None:
        """Element i of the output is element ``index[i]`` of all inputs one after another, cast; everything
        flat in torch order. Each element is used once."""
        ...

    def constant(self) -> None:
        """The output is ``Operator.always``; what the inputs carry is dropped."""
        ...


def dot_range(weight: Array, bias: Array | None, inputs: Interval) -> tuple[Interval, int]:
    """Interval and partial-sum bound of ``weight @ x + bias`` for x within an interval.

    weight: (rows, columns) integers; bias: (rows,) or None. The interval is tight: the extreme of each
    row is reached by the input whose every element is the end of the interval that its weight's sign
    picks. The bound holds for the sum of any of a row's terms, so it holds in whatever order a matrix
    product adds them.
    """
    columns = weight.shape[1] if weight.ndim == 2 else 1
    peak = max(abs(inputs.lo), abs(inputs.hi), 1)
    largest = max(int(weight.max(initial=0)), -int(weight.min(initial=0))) * peak * max(columns, 1)
    exact = (
        np.int64 if max(largest, 0 if bias is None else int(np.abs(bias).max(initial=0))) < 2**61 else object
    )
    weight = weight.astype(exact, copy=False)
    offset = np.zeros(weight.shape[0], dtype=exact) if bias is None else bias.astype(exact)
    total, size = weight.sum(axis=1), np.abs(weight).sum(axis=1)
    positive, negative = (total + size) // 2, (total - size) // 2
    high = positive * inputs.hi + negative * inputs.lo + offset
    low = positive * inputs.lo + negative * inputs.hi + offset
    most, least = max(inputs.hi, 0), min(inputs.lo, 0)
    above = positive * most + negative * least + np.maximum(offset, 0)
    below = positive * least + negative * most + np.minimum(offset, 0)
    return Interval(int(low.min()), int(high.max())), max(int(above.max()), -int(below.min()))
