"""Which raw values can occur on the streams of a design."""

from __future__ import annotations

from hpq_hls.fixed import Interval
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel, Nature
from hpq_hls.simulate import QuantizedGraph


def stream_intervals(flow: Dataflow, q: QuantizedGraph) -> dict[str, Interval]:
    """The interval of raw values of every stream: at the ports what the type holds, behind a kernel what its
    layer can put out, through one that only moves elements what comes in, and zero."""
    found = {terminal.stream: flow.streams[terminal.stream].type.code_interval for terminal in flow.inputs}
    for kernel in flow.kernels:
        for name in kernel.outputs:
            found[name] = _behind(kernel, flow, q, found, name)
    return found


def _behind(
    kernel: Kernel, flow: Dataflow, q: QuantizedGraph, found: dict[str, Interval], name: str
) -> Interval:
    kind = flow.streams[name].type
    layer = q.layers.get(kernel.layer)
    if kernel.nature is Nature.ROUTES and all(flow.streams[given].type == kind for given in kernel.inputs):
        codes = Interval(0, 0).hull(found[kernel.inputs[0]])  # zeros: padding
        for given in kernel.inputs[1:]:
            codes = codes.hull(found[given])
        return codes
    if layer is not None and layer.output_type == kind:
        return layer.output_interval
    return kind.code_interval
