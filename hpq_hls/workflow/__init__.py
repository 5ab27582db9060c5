"""The steps that the commands, the demo and the examples share, driven by one project.yaml."""

from typing import TYPE_CHECKING

from hpq_hls.lazy import imported_when_asked

if TYPE_CHECKING:
    from hpq_hls.workflow.calibrating import run_calibrate
    from hpq_hls.workflow.checking import run_verify
    from hpq_hls.workflow.compare import run_compare
    from hpq_hls.workflow.data import Dataset, load_dataset
    from hpq_hls.workflow.exploring import run_explore
    from hpq_hls.workflow.picking import run_pick
    from hpq_hls.workflow.running import RunResult, run_all
    from hpq_hls.workflow.searching import run_search
    from hpq_hls.workflow.steps import run_estimate, run_generate, run_quantize, run_synth
    from hpq_hls.workflow.tracing import run_trace
    from hpq_hls.workflow.workspace import Workspace, open_workspace

__all__ = [
    "Dataset",
    "RunResult",
    "Workspace",
    "load_dataset",
    "open_workspace",
    "run_all",
    "run_calibrate",
    "run_compare",
    "run_estimate",
    "run_explore",
    "run_generate",
    "run_pick",
    "run_quantize",
    "run_search",
    "run_synth",
    "run_trace",
    "run_verify",
]

__getattr__ = imported_when_asked(
    __name__,
    {
        "calibrating": ("run_calibrate",),
        "checking": ("run_verify",),
        "compare": ("run_compare",),
        "data": (
            "Dataset",
            "load_dataset",
        ),
        "exploring": ("run_explore",),
        "picking": ("run_pick",),
        "running": (
            "RunResult",
            "run_all",
        ),
        "searching": ("run_search",),
        "steps": (
            "run_estimate",
            "run_generate",
            "run_quantize",
            "run_synth",
        ),
        "tracing": ("run_trace",),
        "workspace": (
            "Workspace",
            "open_workspace",
        ),
    },
)
