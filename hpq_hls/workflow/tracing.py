"""Layer by layer: the quantized network beside the float one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpq_hls.errors import ConfigError
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.trace import LayerTrace
from hpq_hls.workflow.progress import Quiet, Reporter
from hpq_hls.workflow.records import save_record
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
        q, data = work.quantized(), work.samples
        x = data.x[: samples or TRACE_SAMPLES]
        sums = {name: _Sums() for name in q.layers}
        for start in range(0, len(x), _AT_ONCE):
            step(f"{start} of {len(x)} samples")
            for name, part in q.trace(x[start : start + _AT_ONCE]).items():
                sums[name].take(part)
        clipped = q.saturation(x)
        rows = tuple(_row(q, name, held, clipped) for name, held in sums.items())
        step.conclude(f"{len(rows)} layers, {len(x)} samples")
    result = TraceResult(data.split, len(x), rows, work.statement)
    save_record(work.project.output, "trace", design_fingerprint(work, q), result)
    return result


@dataclass
class _Sums:
    """Of one layer, over the samples so far."""

    count: int = 0
    error: float = 0.0
    squares: float = 0.0
    signal: float = 0.0
    largest: float = 0.0
    ends: list[float] = field(default_factory=lambda: [math.inf, -math.inf])

    def take(self, part: LayerTrace) -> None:
        error = part.error
        self.count += error.size
        self.error += float(error.sum())
        self.squares += float(np.square(error).sum())
        self.signal += float(np.square(part.float).sum())
        self.largest = max(self.largest, float(np.abs(error).max()))
        self.ends = [min(self.ends[0], float(part.float.min())), max(self.ends[1], float(part.float.max()))]


def _row(q: QuantizedGraph, name: str, held: _Sums, clipped: Mapping[str, Any]) -> TraceRow:
    noise = held.squares / held.count
    signal = held.signal / held.count
    return TraceRow(
        name=name,
        kind=q.layers[name].kind,
        type=str(q.layers[name].output_type),
        low=held.ends[0],
        high=held.ends[1],
        mean_error=held.error / held.count,
        rms_error=math.sqrt(noise),
        max_error=held.largest,
        sqnr_db=None if not noise or not signal else 10 * math.log10(signal / noise),
        saturated=clipped[name].share if name in clipped else 0.0,
    )
