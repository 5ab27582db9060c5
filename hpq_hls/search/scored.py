"""Which of a network's outputs is scored; the others are computed as exactly, and judged by nobody."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from hpq_hls.errors import DataError
from hpq_hls.graph import Graph
from hpq_hls.ops.base import FloatArray
from hpq_hls.search.errors import SettingError


def scored_output(graph: Graph, wish: str | None, y: Any) -> str:
    """The output that is scored: the one that is wished for, else the one that y is given for by name, else
    the first.

    Raises:
        SettingError: there is no such output. DataError: y is given for several, or for none there is.
    """
    if wish is not None:
        _check(graph, wish)
        return wish
    if isinstance(y, Mapping):
        unknown = [name for name in y if name not in graph.outputs]
        if unknown or not y:
            known = ", ".join(graph.outputs)
            raise DataError(
                f"y is given for {', '.join(map(repr, y)) or 'no output'}; the outputs are {known}"
            )
        if len(y) > 1:
            raise DataError(
                f"y is given for the outputs {', '.join(map(repr, y))}, and one output is scored; name it "
                "with output"
            )
        return str(next(iter(y)))
    return next(iter(graph.outputs))


def _check(graph: Graph, wish: str) -> None:
    if wish not in graph.outputs:
        close = difflib.get_close_matches(wish, graph.outputs, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(graph.outputs)}"
        raise SettingError(("output",), f"is {wish!r}, which is no output of the network; {hint}")


def part_of(given: Any, output: str) -> Any:
    """What belongs to one output: of a mapping by name the item, else all of it.

    Raises:
        DataError: there is nothing for it.
    """
    if not isinstance(given, Mapping):
        return given
    if output not in given:
        raise DataError(f"there is no y for the output {output!r}; give it, by this name")
    return given[output]


def values_of(outputs: Any, output: str) -> FloatArray:
    """One output among what ``predict`` gave back."""
    found: FloatArray = outputs[output] if isinstance(outputs, dict) else outputs
    return found


def unscored_layers(graph: Graph, output: str) -> Collection[str]:
    """The inputs and layers of a network with several outputs that the scored one does not depend on."""
    needed = {graph.outputs[output]}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return [] if len(graph.outputs) == 1 else [name for name in graph.shapes if name not in needed]
