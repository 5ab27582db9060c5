"""What a backend is: a pure function from a design to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.boards import Board
from hpq_hls.errors import DataError
from hpq_hls.hardware import CORE, Dataflow, System

IntArray = npt.NDArray[np.int64]
Files = Mapping[str, str | bytes]
Frames = IntArray | Mapping[str, IntArray]


def by_port(frames: Frames, ports: Sequence[str]) -> dict[str, IntArray]:
    """Frames by port; without a mapping they are those of the only one.

    Raises:
        DataError: some port has none.
    """
    if not isinstance(frames, Mapping):
        if len(ports) != 1:
            raise DataError(
                f"the design has several ports ({', '.join(ports)}); give the frames as a mapping from these"
            )
        return {ports[0]: frames}
    missing = [port for port in ports if port not in frames]
    if missing:
        raise DataError(f"no frames for port {missing[0]}; the frames given are for {sorted(frames)}")
    return {port: frames[port] for port in ports}


@dataclass(frozen=True, eq=False)
class Design:
    """Everything a backend prints.

    dataflow: kernels and streams.
    io: "stream" or "parallel".
    part, clock_ns: for the tool scripts.
    input_frames, golden_frames: raw test vectors in transmission order, shape
        (frames, beats, lanes); by port where there are several. The golden ones are the simulator's.
    system: what of it is not computed: control, memory, the IP block.
    board: that a system is made for; None for the design alone.
    """

    dataflow: Dataflow
    io: str
    part: str
    clock_ns: float
    input_frames: Frames
    golden_frames: Frames
    system: System = CORE
    board: Board | None = None

    @property
    def vectors(self) -> Mapping[str, IntArray]:
        """``input_frames`` by port."""
        return by_port(self.input_frames, [terminal.port for terminal in self.dataflow.inputs])

    @property
    def golden(self) -> Mapping[str, IntArray]:
        """``golden_frames`` by port."""
        return by_port(self.golden_frames, [terminal.port for terminal in self.dataflow.outputs])


class Backend(Protocol):
    """A printer of one kind of project. Equal designs give equal bytes, free of paths and dates.

    stages: what a pipeline may get by the tool that reads the project, from read to write; 0 where
    pipelines are built as the timing has them.
    """

    name: str
    stages: int

    def built(self, system: System) -> System:
        """What of the settings of the system the project has.

        Raises:
            ConfigError: the tool that reads it has no such thing.
        """
        ...

    def refusal(self, flow: Dataflow, io: str) -> str | None:
        """Why the tool that reads the project refuses a design, and what to do; None where it does not."""
        ...

    def files(self, design: Design) -> Files:
        """Relative POSIX path -> content of every file of the project."""
        ...
