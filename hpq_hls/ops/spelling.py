"""How operators are spelled in foreign networks: each operator's file registers its own handlers.

A handler is given one call of the foreign graph and says which of our operators it is, or refuses it in one
sentence. The front ends implement ``Call``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from hpq_hls.ops.base import FloatArray, Operator, Shape
from hpq_hls.ops.layout import Array


class Value(Protocol):
    """A value that depends on the network's input. shape: without the batch axis."""

    @property
    def shape(self) -> Shape:
        """Without the batch axis."""
        ...


class Call(Protocol):
    """What both front ends offer."""

    def emit(self, op: Operator, *inputs: Any, suffix: str = "") -> Value:
        """The value of ``op`` applied to values. suffix: of its name, for all but the last of several
        operators that one call becomes.

        Raises:
            UnsupportedOperatorError: it cannot be applied to these shapes.
        """
        ...

    def image(self, x: Any) -> tuple[int, int]:
        """Height and width of a value, which has to be an image."""
        ...

    def refuse(self, reason: str | None = None) -> NoReturn:
        """Raise UnsupportedOperatorError; reason: continues "it is not supported because"."""
        ...


class TorchCall(Call, Protocol):
    """One call of an aten operator.

    name: without the overload ("aten.add").
    arguments: by name; inside are values, torch.Tensor (constant), or plain numbers, strings and lists.
    widening: whether the result's number type holds every value of the input's.
    """

    @property
    def name(self) -> str: ...

    @property
    def arguments(self) -> Mapping[str, Any]: ...

    @property
    def widening(self) -> bool: ...

    def value(self, name: str) -> Value:
        """An argument that is computed from the network's input."""
        ...

    def is_value(self, name: str) -> bool:
        """Whether an argument is computed from the network's input."""
        ...

    def constant(self, name: str) -> FloatArray:
        """An argument that is a parameter, buffer, constant or number, in float64."""
        ...

    def optional(self, name: str) -> FloatArray | None:
        """The same, or None."""
        ...

    def pair(self, name: str) -> tuple[int, int]:
        """An argument of two integers, of which torch may have written only one."""
        ...

    def static_shape(self) -> Shape:
        """Shape of the result without the batch axis, which must not depend on the batch."""
        ...


class OnnxCall(Call, Protocol):
    """One node of an ONNX graph.

    name: its op_type. opset: of the file. results: how many it has.
    inputs: values, arrays where constant, None where left out.
    batch: the batch size if the file fixes it. any_batch: stands for it in shapes that are computed.
    widening: of a Cast: whether the number type holds every value.
    """

    @property
    def name(self) -> str: ...

    @property
    def opset(self) -> int: ...

    @property
    def results(self) -> int: ...

    @property
    def inputs(self) -> Sequence[Any]: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...

    @property
    def batch(self) -> int | None: ...

    @property
    def any_batch(self) -> int: ...

    @property
    def widening(self) -> bool: ...

    def value(self, index: int = 0) -> Value:
        """An input that is computed from the network's input."""
        ...

    def turned(self, index: int = 0) -> Value | None:
        """An input whose batch axis is the last one, as if it were the first; None where it is the first.
        ``value`` refuses it."""
        ...

    def turn(self, x: Any) -> Value:
        """A vector with its batch axis last."""
        ...

    def is_value(self, index: int) -> bool:
        """Whether an input is computed from the network's input."""
        ...

    def constant(self, index: int) -> FloatArray:
        """A constant input in float64."""
        ...

    def optional(self, index: int) -> FloatArray | None:
        """A constant input, or None where it is left out."""
        ...

    def pair(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        """An attribute of two integers."""
        ...

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """A setting that older opsets keep in an attribute and newer ones in a constant input."""
        ...


TorchHandler = Callable[[Any], Any]
OnnxHandler = Callable[[Any], Any]

TORCH: dict[str, TorchHandler] = {}
"""By operator without the overload: "aten.relu"."""
ONNX: dict[str, OnnxHandler] = {}
"""By op_type, of the standard domain, or "domain::op_type"."""
SUPPORTED: dict[str, list[str]] = {"torch": [], "onnx": []}
"""What is supported, in the words of the user."""


def spelled_in_torch(supports: str, *names: str) -> Callable[[TorchHandler], TorchHandler]:
    """Register a handler for aten operators ("relu"), or others by their full name ("mylib.square").

    supports: what messages say is supported, in the words of torch.nn.
    """

    def register(handler: TorchHandler) -> TorchHandler:
        if supports and supports not in SUPPORTED["torch"]:
            SUPPORTED["torch"].append(supports)
        TORCH.update({(name if "." in name else f"aten.{name}"): handler for name in names})
        return handler

    return register


def spelled_in_onnx(*names: str) -> Callable[[OnnxHandler], OnnxHandler]:
    """Register a handler for ONNX operators ("Relu", or "my.domain::Square")."""

    def register(handler: OnnxHandler) -> OnnxHandler:
        SUPPORTED["onnx"].extend(names)
        ONNX.update(dict.fromkeys(names, handler))
        return handler

    return register


__all__ = [
    "ONNX",
    "SUPPORTED",
    "TORCH",
    "Array",
    "Call",
    "OnnxCall",
    "TorchCall",
    "Value",
    "spelled_in_onnx",
    "spelled_in_torch",
]
