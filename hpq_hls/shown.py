"""How results show themselves: one line in Python, a small table in a notebook."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Mapping


class Shown(ABC):
    """A result that says the most important of itself.

    A class that inherits says ``facts``, and is a dataclass without a ``repr`` of its own.
    """

    @abstractmethod
    def facts(self) -> Mapping[str, str]:
        """What there is to say, by the words for it."""

    def __repr__(self) -> str:
        said = ", ".join(f"{name}: {value}" for name, value in self.facts().items())
        return f"<{type(self).__name__} {said}>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self.facts().items()
        )
        return f"<table><caption><b>{type(self).__name__}</b></caption>{rows}</table>"
