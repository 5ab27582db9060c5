"""What a backend is: a pure function from a design to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hpq_hls.hardware import Dataflow

IntArray = npt.NDArray[np.int64]
Files = Mapping[str, str | bytes]


@dataclass(frozen=True, eq=False)
class Design:
    """Everything a backend prints.

    dataflow: kernels and streams.
    io: "stream" or "parallel".
    part, clock_ns: for the tool scripts.
    input_frames, golden_frames: raw test vectors in transmission order, shape
        (frames, beats, lanes); the golden ones are the simulator's.
    """

    dataflow: Dataflow
    io: str
    part: str
    clock_ns: float
    input_frames: IntArray
    golden_frames: IntArray


class Backend(Protocol):
    """A printer of one kind of project. Equal designs give equal bytes, free of paths and dates."""

    name: str

    def files(self, design: Design) -> Files:
        """Relative POSIX path -> content of every file of the project."""
        ...
