"""A Dataflow executed in Python, and what holds of every stream of it.

Integers only, one frame at a time, loops where the hardware has loops: slow, and independent of the
simulator and of both backends.
"""

from __future__ import annotations

import numpy as np

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Frame


def run_dataflow(flow: Dataflow, frame: Frame) -> Frame:
    """One frame through the design, (beats, lanes) in and out."""
    frames = flow.every_stream({flow.input: frame})
    assert set(frames) == set(flow.streams)
    for name, made in frames.items():
        stream = flow.streams[name]
        assert made.shape == (stream.beats, stream.lanes), name
        same_as = np.array(stream.same_as, dtype=int)
        first = np.where(same_as < 0, np.argmax(same_as < 0), same_as) if same_as.size else same_as
        np.testing.assert_array_equal(made[:, first], made[:, : len(same_as)], name)
        constants = made[:, : len(same_as)][:, same_as < 0]
        assert np.unique(constants).size <= 1, name
    return frames[flow.output]
