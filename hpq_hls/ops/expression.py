"""Real functions of one variable as trees of named primitives: what a table is made from.

An expression is "x", a number, or a tuple of a primitive's name and its arguments:
``("mul", "x", ("sigmoid", "x"))``. It is plain data: it is saved as it is, and compared as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.ops.layout import Array

if TYPE_CHECKING:
    import torch

Expression = str | float | tuple[Any, ...]
VARIABLE = "x"

Signs = Sequence[bool]
"""Of which arguments it is known that they are never negative."""


@dataclass(frozen=True)
class Primitive:
    """A function that expressions are made of.

    numpy: of float64 arrays (or numbers), element by element. torch: the same of tensors, through which
    gradients flow. never_negative: whether no value is negative, given which arguments never are.
    """

    name: str
    numpy: Callable[..., Any]
    torch: Callable[..., Any]
    never_negative: Callable[[Signs], bool]


PRIMITIVES: dict[str, Primitive] = {}


def primitive(
    name: str,
    numpy: Callable[..., Any],
    torch: Callable[..., Any],
    never_negative: Callable[[Signs], bool] = lambda _: False,
) -> None:
    """Register a function that expressions may use by its name (see ``Primitive``)."""
    PRIMITIVES[name] = Primitive(name, numpy, torch, never_negative)


def evaluate(expression: Expression, x: Array) -> Array:
    """The values in float64, shaped like ``x``; NaN and infinities where the function has them."""
    known: dict[int, Any] = {}

    def value(part: Expression) -> Any:
        if isinstance(part, str):
            return x
        if not isinstance(part, tuple):
            return np.float64(part)
        if id(part) not in known:  # an expression that is used twice is computed once
            known[id(part)] = _of(part).numpy(*map(value, part[1:]))
        return known[id(part)]

    with np.errstate(all="ignore"):
        found = np.asarray(value(expression), dtype=np.float64)
    return np.broadcast_to(found, x.shape) if found.shape != x.shape else found


def evaluate_torch(expression: Expression, x: torch.Tensor) -> torch.Tensor:
    """The values as a tensor like ``x``, with gradients."""
    known: dict[int, Any] = {}

    def value(part: Expression) -> Any:
        if isinstance(part, str):
            return x
        if not isinstance(part, tuple):
            return x.new_tensor(part)
        if id(part) not in known:
            known[id(part)] = _of(part).torch(*map(value, part[1:]))
        return known[id(part)]

    result: torch.Tensor = value(expression)
    return result.expand(x.shape) if result.shape != x.shape else result


def never_negative(expression: Expression, known: bool) -> bool:
    """Whether no value is negative; known: whether ``x`` never is."""
    if isinstance(expression, str):
        return known
    if not isinstance(expression, tuple):
        return expression >= 0
    name, *arguments = expression
    if name == "mul" and arguments[0] == arguments[1]:
        return True
    if name == "pow" and isinstance(arguments[1], float) and arguments[1] % 2 == 0:
        return True
    return _of(expression).never_negative([never_negative(part, known) for part in arguments])


def substituted(expression: Expression, inputs: Sequence[Expression]) -> Expression:
    """The expression with "x", "x1", "x2" ... replaced by the inputs."""
    names = {VARIABLE: inputs[0], **{f"x{index}": given for index, given in enumerate(inputs) if index}}

    def replaced(part: Expression) -> Expression:
        if isinstance(part, str):
            return names[part]
        return (part[0], *map(replaced, part[1:])) if isinstance(part, tuple) else part

    return replaced(expression)


def size(expression: Expression) -> int:
    """How many primitives it has."""
    return 1 + sum(map(size, expression[1:])) if isinstance(expression, tuple) else 0


def normal(expression: Any) -> Expression:
    """An expression as it was written or saved, in its one form: tuples and floats.

    Raises:
        UnsupportedOperatorError: a primitive that is not registered.
    """
    if isinstance(expression, (list, tuple)):
        made = (str(expression[0]), *map(normal, expression[1:]))
        _of(made)
        return made
    return expression if isinstance(expression, str) else float(expression)


def text(expression: Expression) -> str:
    """For people: ``mul(x, sigmoid(x))``."""
    if isinstance(expression, tuple):
        return f"{expression[0]}({', '.join(map(text, expression[1:]))})"
    return expression if isinstance(expression, str) else f"{expression:g}"


def _of(expression: tuple[Any, ...]) -> Primitive:
    found = PRIMITIVES.get(expression[0])
    if found is None:
        raise UnsupportedOperatorError(
            f"the function {expression[0]!r} is not known; import the package that registers it with "
            "hpq_hls.ops.expression.primitive"
        )
    return found


# ---------------------------------------------------------------------------------------------
# The primitives


def _special(name: str) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        from scipy import special  # loaded where it is used

        return getattr(special, name)(x)

    return function


def _torch_pow(a: Any, b: Any) -> Any:
    return a**b


def _always(_: Signs) -> bool:
    return True


def _as_first(signs: Signs) -> bool:
    return signs[0]


primitive("add", np.add, lambda a, b: a + b, all)
primitive("sub", np.subtract, lambda a, b: a - b)
primitive("mul", np.multiply, lambda a, b: a * b, all)
primitive("div", np.divide, lambda a, b: a / b, all)
primitive("maximum", np.maximum, lambda a, b: a.maximum(b), any)
primitive("minimum", np.minimum, lambda a, b: a.minimum(b), all)
primitive("pow", np.power, _torch_pow, _as_first)
primitive(
    "select",  # the second argument where the first is positive, else the third
    lambda condition, a, b: np.where(condition > 0, a, b),
    lambda condition, a, b: a.where(condition > 0, b),
    lambda signs: signs[1] and signs[2],
)
primitive("greater", lambda a, b: np.where(a > b, 1.0, 0.0), lambda a, b: (a > b).to(a.dtype), _always)
primitive("less", lambda a, b: np.where(a < b, 1.0, 0.0), lambda a, b: (a < b).to(a.dtype), _always)
primitive("equal", lambda a, b: np.where(a == b, 1.0, 0.0), lambda a, b: (a == b).to(a.dtype), _always)

primitive("neg", np.negative, lambda x: -x)
primitive("abs", np.abs, lambda x: x.abs(), _always)
primitive("sign", np.sign, lambda x: x.sign(), _as_first)
primitive("round", np.rint, lambda x: x.round(), _as_first)
primitive("floor", np.floor, lambda x: x.floor(), _as_first)
primitive("ceil", np.ceil, lambda x: x.ceil(), _as_first)
primitive("trunc", np.trunc, lambda x: x.trunc(), _as_first)
primitive("square", np.square, lambda x: x.square(), _always)
primitive("sqrt", np.sqrt, lambda x: x.sqrt(), _always)
primitive("rsqrt", lambda x: 1 / np.sqrt(x), lambda x: x.rsqrt(), _always)
primitive("reciprocal", lambda x: 1 / x, lambda x: x.reciprocal(), _as_first)
primitive("exp", np.exp, lambda x: x.exp(), _always)
primitive("expm1", np.expm1, lambda x: x.expm1(), _as_first)
primitive("log", np.log, lambda x: x.log())
primitive("log1p", np.log1p, lambda x: x.log1p(), _as_first)
primitive("sin", np.sin, lambda x: x.sin())
primitive("cos", np.cos, lambda x: x.cos())
primitive("tan", np.tan, lambda x: x.tan())
primitive("asin", np.arcsin, lambda x: x.asin(), _as_first)
primitive("acos", np.arccos, lambda x: x.acos(), _always)
primitive("atan", np.arctan, lambda x: x.atan(), _as_first)
primitive("sinh", np.sinh, lambda x: x.sinh(), _as_first)
primitive("cosh", np.cosh, lambda x: x.cosh(), _always)
primitive("tanh", np.tanh, lambda x: x.tanh(), _as_first)
primitive("asinh", np.arcsinh, lambda x: x.asinh(), _as_first)
primitive("acosh", np.arccosh, lambda x: x.acosh(), _always)
primitive("atanh", np.arctanh, lambda x: x.atanh(), _as_first)
primitive("sigmoid", _special("expit"), lambda x: x.sigmoid(), _always)
primitive(
    "softplus",
    lambda x: np.logaddexp(0, x),
    lambda x: x.logaddexp(x.new_zeros(())),
    _always,
)
primitive("erf", _special("erf"), lambda x: x.erf(), _as_first)
primitive("erfc", _special("erfc"), lambda x: x.erfc(), _always)

HALF_ROOT = math.sqrt(0.5)
"""What erf's argument is scaled by in the cumulative normal distribution."""
