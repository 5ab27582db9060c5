"""A saved network, read back."""

from __future__ import annotations

from pathlib import Path

from hpq_hls.simulate.quantized_graph import QuantizedGraph, assemble
from hpq_hls.simulate.storage import read_saved, refusing


def load(path: str | Path) -> QuantizedGraph:
    """Read a network that ``QuantizedGraph.save`` wrote.

    Raises:
        DataError: the file is missing or is not such a file.
    """
    saved = read_saved(Path(path))
    with refusing(Path(path)):
        return assemble(saved.graph, saved.types, saved.specs, saved.examples)
