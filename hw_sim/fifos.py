"""Reads how full the FIFOs of a design became."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cocotb.handle import HierarchyArrayObject, HierarchyObject

PROBE = "max_fill"


def max_fills(dut: Any) -> dict[str, int]:
    """Return the fill probe of every FIFO, by its instance path below the top.

    A probe is a register ``max_fill``; only designs built with ``HPQ_FIFO_PROBE`` defined have them.
    """
    return dict(sorted(_probes(dut, "")))


def _probes(scope: Any, path: str) -> Iterator[tuple[str, int]]:
    for child in scope:
        name = str(child._name)
        if isinstance(child, (HierarchyObject, HierarchyArrayObject)):
            yield from _probes(child, f"{path}.{name}" if path else name)
        elif name == PROBE:
            yield path, int(child.value)
