"""Follows a network of timed actors, compiled where there is a compiler and else in Python: one answer."""

from __future__ import annotations

import ctypes
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.cost.plain import follow as follow_slowly
from hpq_hls.cost.stages import UNBOUNDED, Network
from hpq_hls.errors import ToolError
from hpq_hls.resources import hw_sim_dir
from hpq_hls.tools.compiled import compiled

MAX_FRAMES = 64
_FLAGS = ("-std=c++20", "-O3", "-shared", "-fPIC", "-fvisibility=hidden")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """What was seen of a network.

    ends: the cycle in which the last beat of each frame has left through the last port, from the first beat
    going in on; None where the network hangs. fills: of each FIFO, the smallest depth that would have made no
    difference; empty where nobody asked. period: frames in which everything repeats.
    """

    ends: tuple[int, ...] | None
    fills: tuple[int, ...] = ()
    period: int = 1

    @property
    def interval(self) -> int:
        """Cycles from frame to frame, the mean of a period, rounded up."""
        assert self.ends is not None
        return -((self.ends[-1 - self.period] - self.ends[-1]) // self.period)


def follow(
    network: Network, depths: Sequence[int], *, pace: int = 0, fills: bool = False, frames: int = MAX_FRAMES
) -> Run:
    """Follow frames until they are known to repeat, or for ``frames`` of them.

    depths: of the FIFOs, in beats, but for those beyond; UNBOUNDED for one that is never full. pace: frames
    enter at least so many cycles apart, their beats evenly; 0 where the source never waits. fills: whether to
    measure them.
    """
    # Compiled actors know those of this package alone.
    library = None if any(stage.actor for stage in network.stages) else _library()
    if library is None:
        ends, fill, period = follow_slowly(network, depths, pace, frames)
        return Run(ends, fill if fills else (), period)
    stages, given = _encoded(network), np.array(network.places(depths), dtype=np.int64)
    ports = np.array([(end.fifo, end.beats) for end in (*network.sources, *network.sinks)], dtype=np.int64)
    ends_found, fills_found = np.zeros(frames, dtype=np.int64), np.zeros(len(depths), dtype=np.int64)
    repeats = np.zeros(1, dtype=np.int64)
    followed = library.hpq_follow(
        _pointer(stages),
        len(network.stages),
        _pointer(given),
        len(depths),
        _pointer(ports),
        len(network.sources),
        len(network.sinks),
        frames,
        pace,
        _pointer(ends_found),
        _pointer(fills_found) if fills else None,
        _pointer(repeats),
    )
    if followed < 0:
        return Run(None)
    filled = tuple(fills_found.tolist()) if fills else ()
    return Run(tuple(ends_found[:followed].tolist()), filled, int(repeats[0]) or followed // 2)


def is_compiled() -> bool:
    """Whether networks are followed by the compiled actors."""
    return _library() is not None


@functools.lru_cache(maxsize=16)
def _encoded(network: Network) -> Numbers:
    """Every stage as kind, inputs, outputs and parameters, each list behind its length."""
    numbers: list[int] = []
    for stage in network.stages:
        lists = (stage.inputs, stage.outputs, stage.parameters)
        numbers += [stage.kind.value, *itertools.chain.from_iterable((len(part), *part) for part in lists)]
    return np.array(numbers, dtype=np.int64)


def _pointer(numbers: Numbers) -> ctypes.c_void_p:
    return ctypes.c_void_p(numbers.ctypes.data)


@functools.cache
def _library() -> ctypes.CDLL | None:
    """The compiled actors; None where nothing can be compiled or kept."""
    try:
        target = compiled(hw_sim_dir() / "timing" / "follow.cpp", _FLAGS, "timing.so")
        library = ctypes.CDLL(str(target))
    except (ToolError, OSError):
        return None
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    library.hpq_follow.restype = number
    library.hpq_follow.argtypes = [pointer, number, pointer, number, pointer, *[number] * 4, *[pointer] * 3]
    return library


__all__ = ["MAX_FRAMES", "UNBOUNDED", "Run", "follow", "is_compiled"]
