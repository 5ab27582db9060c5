"""Layer by layer: the quantized network beside the float one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.ops.base import FloatArray
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.trace import LayerTrace
from hpq_hls.tools.progress import Quiet, Reporter, Step
from hpq_hls.workflow.histogram import KEPT, Histogram, histogram, thinned, weight_histogram
from hpq_hls.workflow.plain import plain
from hpq_hls.workflow.records import read_record, save_record
from hpq_hls.workflow.results import TraceResult, TraceRow
from hpq_hls.workflow.steps import design_fingerprint
from hpq_hls.workflow.workspace import Workspace

TRACE_SAMPLES = 256
_AT_ONCE = 32


def run_trace(
    work: Workspace, *, samples: int | None = None, reporter: Reporter | None = None
) -> TraceResult:
    """How far each layer's output is from the float network's, on the test split (validation, calibration
    where there is none).

    samples: by default ``TRACE_SAMPLES``.

    Raises:
        ConfigError: samples is below 1.
    """
    if samples is not None and samples < 1:
        raise ConfigError(f"samples is {samples}; give a whole number of at least 1")
    with (reporter or Quiet()).step("Tracing every layer") as step:
        q = work.quantized()
        result = traced(work, q, step, samples or TRACE_SAMPLES)
        save_record(work.project.output, "trace", design_fingerprint(work, q), result)
        step.conclude(f"{len(result.layers)} layers, {result.samples} samples")
    return result


def traced(work: Workspace, q: QuantizedGraph, step: Step, samples: int = TRACE_SAMPLES) -> TraceResult:
    """The same for a network of this workspace, within a step."""
    data = work.samples
    x = data.x[:samples]
    sums = {name: _Sums(KEPT * _AT_ONCE // max(len(x), _AT_ONCE)) for name in q.layers}
    for start in range(0, len(x), _AT_ONCE):
        step(f"{start} of {len(x)} samples")
        for name, part in q.trace(x[start : start + _AT_ONCE]).items():
            sums[name].take(part)
    clipped = q.saturation(x)
    rows = tuple(_row(q, name, held, clipped) for name, held in sums.items())
    return TraceResult(data.split, len(x), rows, work.statement)


def kept_trace(work: Workspace, q: QuantizedGraph, step: Step) -> Any:
    """What the last trace of this very network found, in its plain form; traced now where there is none."""
    design, output = design_fingerprint(work, q), work.project.output
    found = read_record(output, "trace", design)
    if found is None:
        result = traced(work, q, step)
        save_record(output, "trace", design, result)
        found = plain(result)
    return found


@dataclass
class _Sums:
    """Of one layer, over the samples so far. kept: values of each part that the histogram is made of."""

    kept: int
    count: int = 0
    error: float = 0.0
    squares: float = 0.0
    signal: float = 0.0
    largest: float = 0.0
    ends: list[float] = field(default_factory=lambda: [math.inf, -math.inf])
    values: list[FloatArray] = field(default_factory=list)

    def take(self, part: LayerTrace) -> None:
        error = part.error
        self.count += error.size
        self.error += float(error.sum())
        self.squares += float(np.square(error).sum())
        self.signal += float(np.square(part.float).sum())
        self.largest = max(self.largest, float(np.abs(error).max()))
        self.ends = [min(self.ends[0], float(part.float.min())), max(self.ends[1], float(part.float.max()))]
        self.values.append(thinned(part.float, self.kept).copy())


def _row(q: QuantizedGraph, name: str, held: _Sums, clipped: Mapping[str, Any]) -> TraceRow:
    layer, noise = q.layers[name], held.squares / held.count
    signal = held.signal / held.count
    return TraceRow(
        name=name,
        kind=layer.kind,
        type=str(layer.output_type),
        low=held.ends[0],
        high=held.ends[1],
        mean_error=held.error / held.count,
        rms_error=math.sqrt(noise),
        max_error=held.largest,
        sqnr_db=None if not noise or not signal else 10 * math.log10(signal / noise),
        saturated=clipped[name].share if name in clipped else 0.0,
        values=_values(layer, held),
        weights=weight_histogram(q.graph.by_name[name].op.weight, layer),
    )


def _values(layer: QuantizedLayer, held: _Sums) -> Histogram | None:
    """None for a layer that casts nothing: its values are those of the layers in front of it."""
    return histogram(np.concatenate(held.values), layer.output_type) if layer.op.casts else None
