"""One operator of a foreign graph, as handlers see it: what torch's and ONNX's have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from hpq_hls.frontends.builder import GraphBuilder, Value
from hpq_hls.frontends.origin import Origin
from hpq_hls.importing import brief
from hpq_hls.ops.base import Operator

_MISUNDERSTOOD = (
    *(ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, MemoryError),
)


@dataclass(frozen=True)
class Call:
    """See ``hpq_hls.ops.spelling.Call``."""

    builder: GraphBuilder
    origin: Origin

    def emit(self, op: Operator, *inputs: Value, suffix: str = "") -> Value:
        """The value of an operator."""
        return self.builder.emit(op, inputs, self.origin, suffix)

    def image(self, x: Value) -> tuple[int, int]:
        """Height and width of a value that has to be an image."""
        if len(x.shape) != 3:
            self.refuse(f"its input has shape (N, {', '.join(map(str, x.shape))}), not (N, C, H, W)")
        return x.shape[1], x.shape[2]

    def handled(self, handler: Callable[[Any], Any]) -> Any:
        """What a handler makes of the call."""
        try:
            return handler(self)
        except _MISUNDERSTOOD as error:
            self.builder.refuse(self.origin, f"its arguments cannot be understood ({brief(error)})", error)

    def refuse(self, reason: str | None = None) -> NoReturn:
        """Raise UnsupportedOperatorError."""
        self.builder.refuse(self.origin, reason)
