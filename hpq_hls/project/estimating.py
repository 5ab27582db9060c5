"""What a network takes on a part, without any tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hpq_hls.billing.calibration import STREAMS, Calibration, load_calibration
from hpq_hls.billing.inference import Tool, figures_of
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import (
    ResourceEstimate,
    estimate_dataflow,
    find_part,
    fold,
)
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import (
    DEFAULT_CLOCK_NS,
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    Dataflow,
    without_dead,
)
from hpq_hls.project.hardware import LayerSettings, check_part, dataflow_for, hardware_config, rules_of
from hpq_hls.simulate import QuantizedGraph


def estimate(
    q: QuantizedGraph,
    part: str = DEFAULT_PART,
    clock_ns: float = DEFAULT_CLOCK_NS,
    *,
    io: str = "stream",
    target_interval: int | None = None,
    target_fps: float | None = None,
    utilisation: float = DEFAULT_UTILISATION,
    reuse_factor: int | None = None,
    strategy: str = "folded",
    multiplier: str = "auto",
    multipliers: str | None = None,
    layers: LayerSettings | None = None,
    tlast: str = "checked",
    fifo_depths: Mapping[str, int] | None = None,
    backend: str | None = None,
    tool: str = "yosys",
    calibration: Calibration | str | Path | None = None,
) -> ResourceEstimate:
    """Resources and cycles of a network on a part, without any tool; see ``generate`` for the settings.

    backend: whose project is meant, "rtl", "vitis" or "vivado": those of C++ have deeper FIFOs, and
    ranges of cycles. None: "rtl", "vitis" for that tool, with a calibration the backend that it was made
    on. tool: whose rules decide which products are in DSP blocks where the design leaves that to the
    tool, "yosys", "vivado" or "vitis" (``hpq_hls.billing.inference``); what is built does not depend on
    it. calibration: from ``calibrate``, or the file that it is in; resources are then those that its tool
    would report. ``stage`` says which they are.

    Raises:
        ConfigError: a setting is wrong, or the calibration cannot be read.
    """
    if calibration is not None and not isinstance(calibration, Calibration):
        calibration = load_calibration(calibration)
    if calibration is not None and tool != Tool.YOSYS.value:
        raise ConfigError(
            f"tool is {tool!r}, and a calibration says itself which products are in DSP blocks; leave one of "
            "them out"
        )
    figures = calibration or figures_of(rules_of(tool, find_part(part)))
    target = backend or ("rtl" if figures is None else figures.backend)
    if calibration is not None and find_backend(target).stages == 0:
        raise ConfigError(
            f"a calibration is of what an HLS tool reports of C++, and backend is {target}; leave one of "
            "them out"
        )
    check_part(target, part)
    config = hardware_config(
        part=part,
        clock_ns=clock_ns,
        io=io,
        target_interval=target_interval,
        target_fps=target_fps,
        utilisation=utilisation,
        reuse_factor=reuse_factor,
        strategy=strategy,
        multiplier=multiplier,
        multipliers=multipliers,
        layers=layers,
        tlast=tlast,
        tool=tool,
    )
    left = without_dead(q, config)
    folded = fold(left, config)
    flow = dataflow_for(target, left, folded.config, None, fifo_depths or {})
    found = estimate_dataflow(
        flow, part, clock_ns, weight_bits=left.weight_bits, backend=target, calibration=figures
    )
    notes = (folded.note, *found.notes, _uncalibrated(flow, calibration))
    return replace(found, notes=tuple(filter(None, notes)))


def _uncalibrated(flow: Dataflow, calibration: Calibration | None) -> str:
    """What a calibration knows nothing of; "" where there is nothing."""
    if calibration is None:
        return ""
    kinds = dict.fromkeys([*(kernel.kind for kernel in flow.kernels), STREAMS])
    absent = ", ".join(kind for kind in kinds if kind not in calibration.kinds)
    scaled = "their figures are the twin's, scaled as those of other kernels are in the median"
    return f"the calibration has no reports of {absent}: {scaled}" if absent else ""
