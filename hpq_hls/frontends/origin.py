"""Where an operator comes from in the user's network: the basis of layer names and error messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpq_hls.errors import UnsupportedOperatorError


@dataclass(frozen=True)
class Origin:
    """One operator of the foreign graph.

    operator: what it is called there ("operator aten.sigmoid.default (nn.Sigmoid)").
    scope: path of the module it belongs to ("layer1.0.conv1"), "" for the whole network.
    leaf: whether that module is the operator itself, so that the layer carries the module's path;
        otherwise the operator's kind is appended to the path.
    source: where the user's code says so ("model.py:12"), or None.
    refused: why nothing of the kind of layer that it is in is supported, if that is so.
    """

    operator: str
    scope: str = ""
    leaf: bool = False
    source: str | None = None
    refused: str | None = None

    def layer_name(self, kind: str) -> str:
        """The name a user would look for, not yet unique."""
        if self.leaf and self.scope:
            return self.scope
        return f"{self.scope}.{kind.lower()}" if self.scope else kind.lower()


def refusal(origin: Origin, supported: Sequence[str], reason: str | None = None) -> UnsupportedOperatorError:
    """The error for an operator that has no exact meaning here, or, with a reason, for a mode of one."""
    place = f" of module {origin.scope!r}" if origin.scope else ""
    place += f" at {origin.source}" if origin.source else ""
    rest = f" because {reason}" if reason else f"; supported operators are {', '.join(sorted(supported))}"
    return UnsupportedOperatorError(f"{origin.operator}{place} is not supported{rest}")
