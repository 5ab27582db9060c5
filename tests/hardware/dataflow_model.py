"""A Dataflow executed in Python, kernel by kernel, each doing literally what its module says.

Integers only, one frame at a time, loops where the hardware has loops: slow, and independent of the
simulator and of both backends.
"""

from __future__ import annotations

import numpy as np

from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Frame


def run_dataflow(flow: Dataflow, frame: Frame) -> Frame:
    """One frame through the design, (beats, lanes) in and out."""
    frames = {flow.input: frame}
    for kernel in flow.kernels:
        for name in kernel.inputs:
            assert frames[name].shape == (flow.streams[name].beats, flow.streams[name].lanes), name
        outputs = kernel.run([frames[name] for name in kernel.inputs], flow.streams)
        frames.update(zip(kernel.outputs, outputs, strict=True))
        for name in kernel.outputs:
            same_as = list(flow.streams[name].same_as)
            np.testing.assert_array_equal(frames[name][:, same_as], frames[name][:, : len(same_as)], name)
    result = frames[flow.output]
    stream = flow.streams[flow.output]
    assert result.shape == (stream.beats, stream.lanes)
    return result
