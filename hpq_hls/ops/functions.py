"""The functions of one variable that torch and ONNX have names for, each a Pointwise."""

from __future__ import annotations

import math
from typing import Any

from hpq_hls.ops.activation import Relu
from hpq_hls.ops.expression import Expression
from hpq_hls.ops.leaky import LeakyRelu
from hpq_hls.ops.pointwise import Pointwise, Where
from hpq_hls.ops.spelling import OnnxCall, TorchCall, spelled_in_onnx, spelled_in_torch

SUPPORTS = "functions of one variable (Sigmoid, Tanh, SiLU, GELU, ELU, Softplus, exp, log, sqrt, pow ...)"
X = "x"


# ---------------------------------------------------------------------------------------------
# The functions


def _positive(x: Expression) -> Expression:
    return ("maximum", x, 0)


def _negative(x: Expression) -> Expression:
    return ("minimum", x, 0)


SIGMOID: Expression = ("sigmoid", X)
SILU: Expression = ("mul", X, SIGMOID)
MISH: Expression = ("mul", X, ("tanh", ("softplus", X)))
LOG_SIGMOID: Expression = ("neg", ("softplus", ("neg", X)))
HARDSWISH: Expression = ("mul", X, ("div", ("minimum", _positive(("add", X, 3)), 6), 6))
SOFTSIGN: Expression = ("div", X, ("add", ("abs", X), 1))
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def gelu(approximate: str) -> Expression:
    """With the error function ("none"), or with the hyperbolic tangent that approximates it ("tanh")."""
    if approximate == "tanh":
        cubic = ("add", X, ("mul", 0.044715, ("pow", X, 3)))
        inner: Expression = ("tanh", ("mul", math.sqrt(2 / math.pi), cubic))
    else:
        inner = ("erf", ("mul", X, math.sqrt(0.5)))
    return ("mul", ("mul", X, 0.5), ("add", inner, 1))


def elu(alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> Expression:
    """``scale * x`` above 0, ``scale * alpha * (exp(input_scale * x) - 1)`` below."""
    below = ("mul", scale * alpha, ("expm1", ("mul", input_scale, _negative(X))))
    return ("add", ("mul", scale, _positive(X)), below)


def softplus(beta: float, threshold: float) -> Expression:
    """``log(1 + exp(beta x)) / beta``; ``x`` where ``beta x`` is above the threshold."""
    scaled: Expression = X if beta == 1 else ("mul", X, beta)
    smooth: Expression = ("softplus", X) if beta == 1 else ("div", ("softplus", scaled), beta)
    return ("select", ("greater", scaled, threshold), X, smooth)


def thresholded(threshold: float, value: float) -> Expression:
    """``x`` above the threshold, else the value."""
    return ("select", ("greater", X, threshold), X, value)


def shrunk(limit: float, bias: float) -> Expression:
    """``x - bias`` above the limit, ``x + bias`` below its negative, else 0."""
    high, low = (("sub", X, bias), ("add", X, bias)) if bias else (X, X)
    return ("select", ("greater", X, limit), high, ("select", ("less", X, -limit), low, 0))


def hard_sigmoid(alpha: float, beta: float) -> Expression:
    """``alpha x + beta`` between 0 and 1."""
    return ("minimum", _positive(("add", ("mul", X, alpha), beta)), 1)


# ---------------------------------------------------------------------------------------------
# torch

NAMED: dict[str, tuple[str, Expression]] = {
    "sigmoid": ("Sigmoid", SIGMOID),
    "silu": ("SiLU", SILU),
    "selu": ("SELU", elu(SELU_ALPHA, SELU_SCALE)),
    "mish": ("Mish", MISH),
    "log_sigmoid": ("LogSigmoid", LOG_SIGMOID),
    "hardsigmoid": ("Hardsigmoid", ("div", ("minimum", _positive(("add", X, 3)), 6), 6)),
    "hardswish": ("Hardswish", HARDSWISH),
    "exp2": ("exp2", ("pow", 2, X)),
    "log2": ("log2", ("div", ("log", X), math.log(2))),
    "log10": ("log10", ("div", ("log", X), math.log(10))),
    "sgn": ("sign", ("sign", X)),
    "logit": ("logit", ("log", ("div", X, ("sub", 1, X)))),
}
"""What takes one argument, by torch's name: our name and the function."""
PRIMITIVE = (
    *("tanh", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "reciprocal", "square", "erf", "erfc", "sin"),
    *("cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "abs", "neg", "sign"),
    *("floor", "ceil", "trunc"),
)
"""What is a primitive of the same name."""


def _named(name: str, called: str, function: Expression) -> None:
    @spelled_in_torch(SUPPORTS, name, f"special_{name}")
    def handler(call: TorchCall) -> Any:
        return call.emit(Pointwise(function, called), call.value("self"))


_named("special_expit", "Sigmoid", SIGMOID)
for _name in PRIMITIVE:
    _named(_name, "Tanh" if _name == "tanh" else _name, (_name, X))
for _name, (_called, _expression) in NAMED.items():
    _named(_name, _called, _expression)


@spelled_in_torch(SUPPORTS, "gelu")
def _gelu(call: TorchCall) -> Any:
    return call.emit(Pointwise(gelu(call.arguments["approximate"]), "GELU"), call.value("self"))


@spelled_in_torch(SUPPORTS, "elu")
def _elu(call: TorchCall) -> Any:
    given = call.arguments
    function = elu(float(given["alpha"]), float(given["scale"]), float(given["input_scale"]))
    return call.emit(Pointwise(function, "ELU"), call.value("self"))


@spelled_in_torch(SUPPORTS, "celu")
def _celu(call: TorchCall) -> Any:
    alpha = float(call.arguments["alpha"])
    return call.emit(Pointwise(elu(alpha, 1.0, 1 / alpha), "CELU"), call.value("self"))


@spelled_in_torch(SUPPORTS, "softplus")
def _softplus(call: TorchCall) -> Any:
    function = softplus(float(call.arguments["beta"]), float(call.arguments["threshold"]))
    return call.emit(Pointwise(function, "Softplus"), call.value("self"))


@spelled_in_torch(SUPPORTS, "softshrink")
def _softshrink(call: TorchCall) -> Any:
    limit = float(call.arguments["lambd"])
    return call.emit(Pointwise(shrunk(limit, limit), "Softshrink"), call.value("self"))


@spelled_in_torch(SUPPORTS, "hardshrink")
def _hardshrink(call: TorchCall) -> Any:
    return call.emit(Pointwise(shrunk(float(call.arguments["lambd"]), 0), "Hardshrink"), call.value("self"))


@spelled_in_torch(SUPPORTS, "threshold")
def _threshold(call: TorchCall) -> Any:
    threshold, value = float(call.arguments["threshold"]), float(call.arguments["value"])
    if threshold == value == 0:
        return call.emit(Relu(), call.value("self"))
    function = thresholded(threshold, value)
    return call.emit(Pointwise(function, "Threshold"), call.value("self"))


@spelled_in_torch(SUPPORTS, "rrelu", "rrelu_with_noise")
def _rrelu(call: TorchCall) -> Any:
    if call.arguments.get("training"):
        call.refuse("it draws its slope at random; call model.eval() before exporting")
    slope = (float(call.arguments["lower"]) + float(call.arguments["upper"])) / 2
    return call.emit(LeakyRelu(slope), call.value("self"))


@spelled_in_torch(SUPPORTS, "pow")
def _pow(call: TorchCall) -> Any:
    if call.is_value("self") and call.is_value("exponent"):
        call.refuse("only powers by a constant and of a constant are supported")
    base = call.is_value("self")
    constant = call.constant("exponent" if base else "self")
    if constant.size != 1:
        call.refuse(f"its constant has {constant.size} elements, not one for all")
    number = float(constant.reshape(-1)[0])
    function: Expression = ("pow", X, number) if base else ("pow", number, X)
    return call.emit(Pointwise(function, "pow"), call.value("self" if base else "exponent"))


@spelled_in_torch(SUPPORTS, "round")
def _round(call: TorchCall) -> Any:
    decimals = int(call.arguments.get("decimals", 0))
    scale = 10.0**decimals
    function: Expression = ("div", ("round", ("mul", X, scale)), scale) if decimals else ("round", X)
    return call.emit(Pointwise(function, "round"), call.value("self"))


_COMPARED: dict[str, Any] = {
    "gt": lambda c: ("greater", X, c),
    "lt": lambda c: ("less", X, c),
    "eq": lambda c: ("equal", X, c),
    "ge": lambda c: ("select", ("less", X, c), 0, 1),
    "le": lambda c: ("select", ("greater", X, c), 0, 1),
    "ne": lambda c: ("select", ("equal", X, c), 0, 1),
}
"""1 where it holds, else 0."""


def _comparison(name: str) -> None:
    @spelled_in_torch("", name)
    def handler(call: TorchCall) -> Any:
        if not call.is_value("self") or call.is_value("other"):
            call.refuse("only comparisons with a constant are supported")
        constant = call.constant("other")
        if constant.size != 1:
            call.refuse(f"its constant has {constant.size} elements, not one for all")
        made = Pointwise(_COMPARED[name](float(constant.reshape(-1)[0])), name)
        return call.emit(made, call.value("self"))


for _name in _COMPARED:
    _comparison(_name)


@spelled_in_torch("", "where")
def _where(call: TorchCall) -> Any:
    numbers: list[float | None] = []
    given = [call.value("condition")]
    for name in ("self", "other"):
        if call.is_value(name):
            given.append(call.value(name))
            numbers.append(None)
            continue
        constant = call.constant(name)
        if constant.size != 1:
            call.refuse(f"its {name} has {constant.size} elements, not one for all")
        numbers.append(float(constant.reshape(-1)[0]))
    return call.emit(Where(*numbers), *given)


# ---------------------------------------------------------------------------------------------
# ONNX

ONNX_NAMED: dict[str, tuple[str, Expression]] = {
    "Sigmoid": ("Sigmoid", SIGMOID),
    "Tanh": ("Tanh", ("tanh", X)),
    "Softplus": ("Softplus", ("softplus", X)),
    "Softsign": ("Softsign", SOFTSIGN),
    "Mish": ("Mish", MISH),
    "HardSwish": ("Hardswish", HARDSWISH),
    "Exp": ("exp", ("exp", X)),
    "Log": ("log", ("log", X)),
    "Sqrt": ("sqrt", ("sqrt", X)),
    "Reciprocal": ("reciprocal", ("reciprocal", X)),
    "Erf": ("erf", ("erf", X)),
    "Sin": ("sin", ("sin", X)),
    "Cos": ("cos", ("cos", X)),
    "Tan": ("tan", ("tan", X)),
    "Asin": ("asin", ("asin", X)),
    "Acos": ("acos", ("acos", X)),
    "Atan": ("atan", ("atan", X)),
    "Sinh": ("sinh", ("sinh", X)),
    "Cosh": ("cosh", ("cosh", X)),
    "Asinh": ("asinh", ("asinh", X)),
    "Acosh": ("acosh", ("acosh", X)),
    "Atanh": ("atanh", ("atanh", X)),
    "Abs": ("abs", ("abs", X)),
    "Neg": ("neg", ("neg", X)),
    "Sign": ("sign", ("sign", X)),
    "Round": ("round", ("round", X)),
    "Floor": ("floor", ("floor", X)),
    "Ceil": ("ceil", ("ceil", X)),
}


def _onnx_named(name: str, called: str, function: Expression) -> None:
    @spelled_in_onnx(name)
    def handler(call: OnnxCall) -> Any:
        return call.emit(Pointwise(function, called), call.value())


for _name, (_called, _expression) in ONNX_NAMED.items():
    _onnx_named(_name, _called, _expression)


def _attribute(call: OnnxCall, name: str, default: float) -> float:
    return float(call.attributes.get(name, default))


@spelled_in_onnx("Gelu")
def _onnx_gelu(call: OnnxCall) -> Any:
    approximate = call.attributes.get("approximate", "none")
    approximate = approximate.decode() if isinstance(approximate, bytes) else str(approximate)
    return call.emit(Pointwise(gelu(approximate), "GELU"), call.value())


@spelled_in_onnx("Elu")
def _onnx_elu(call: OnnxCall) -> Any:
    return call.emit(Pointwise(elu(_attribute(call, "alpha", 1.0)), "ELU"), call.value())


@spelled_in_onnx("Celu")
def _onnx_celu(call: OnnxCall) -> Any:
    alpha = _attribute(call, "alpha", 1.0)
    return call.emit(Pointwise(elu(alpha, 1.0, 1 / alpha), "CELU"), call.value())


@spelled_in_onnx("Selu")
def _onnx_selu(call: OnnxCall) -> Any:
    alpha, gamma = _attribute(call, "alpha", SELU_ALPHA), _attribute(call, "gamma", SELU_SCALE)
    return call.emit(Pointwise(elu(alpha, gamma), "SELU"), call.value())


@spelled_in_onnx("HardSigmoid")
def _onnx_hard_sigmoid(call: OnnxCall) -> Any:
    function = hard_sigmoid(_attribute(call, "alpha", 0.2), _attribute(call, "beta", 0.5))
    return call.emit(Pointwise(function, "Hardsigmoid"), call.value())


@spelled_in_onnx("Swish")
def _onnx_swish(call: OnnxCall) -> Any:
    alpha = _attribute(call, "alpha", 1.0)
    return call.emit(Pointwise(("mul", X, ("sigmoid", ("mul", X, alpha))), "SiLU"), call.value())


@spelled_in_onnx("ThresholdedRelu")
def _onnx_thresholded(call: OnnxCall) -> Any:
    return call.emit(Pointwise(thresholded(_attribute(call, "alpha", 1.0), 0.0), "Threshold"), call.value())


@spelled_in_onnx("Shrink")
def _onnx_shrink(call: OnnxCall) -> Any:
    function = shrunk(_attribute(call, "lambd", 0.5), _attribute(call, "bias", 0.0))
    return call.emit(Pointwise(function, "Softshrink"), call.value())


@spelled_in_onnx("Pow")
def _onnx_pow(call: OnnxCall) -> Any:
    base = call.is_value(0)
    if base and call.is_value(1):
        call.refuse("only powers by a constant and of a constant are supported")
    constant = call.constant(1 if base else 0)
    if constant.size != 1:
        call.refuse(f"its constant has {constant.size} elements, not one for all")
    number = float(constant.reshape(-1)[0])
    function: Expression = ("pow", X, number) if base else ("pow", number, X)
    return call.emit(Pointwise(function, "pow"), call.value(0 if base else 1))


_ONNX_COMPARED = {
    "Greater": ("gt", "lt"),
    "Less": ("lt", "gt"),
    "GreaterOrEqual": ("ge", "le"),
    "LessOrEqual": ("le", "ge"),
    "Equal": ("eq", "eq"),
}
"""With the constant behind, and in front."""


def _onnx_comparison(name: str) -> None:
    @spelled_in_onnx(name)
    def handler(call: OnnxCall) -> Any:
        behind = call.is_value(0)
        if behind and call.is_value(1):
            call.refuse("only comparisons with a constant are supported")
        made = _COMPARED[_ONNX_COMPARED[name][0 if behind else 1]](_onnx_number(call, 1 if behind else 0))
        return call.emit(Pointwise(made, name), call.value(0 if behind else 1))


for _name in _ONNX_COMPARED:
    _onnx_comparison(_name)


def _onnx_number(call: OnnxCall, index: int) -> float:
    constant = call.constant(index)
    if constant.size != 1:
        call.refuse(f"its constant has {constant.size} elements, not one for all")
    return float(constant.reshape(-1)[0])


@spelled_in_onnx("Where")
def _onnx_where(call: OnnxCall) -> Any:
    if not call.is_value(0):
        chosen = call.constant(0).astype(bool)
        if chosen.all() or not chosen.any():
            return call.value(1 if chosen.all() else 2)
    numbers = [None if call.is_value(index) else _onnx_number(call, index) for index in (1, 2)]
    given = [call.value(index) for index in (0, 1, 2) if index == 0 or call.is_value(index)]
    return call.emit(Where(*numbers), *given)


@spelled_in_onnx("Or")
def _onnx_or(call: OnnxCall) -> Any:
    return call.emit(Where(1.0, None), call.value(0), call.value(1))


@spelled_in_onnx("And")
def _onnx_and(call: OnnxCall) -> Any:
    return call.emit(Where(None, 0.0), call.value(0), call.value(1))


@spelled_in_onnx("Not")
def _onnx_not(call: OnnxCall) -> Any:
    return call.emit(Where(0.0, 1.0), call.value(0))
