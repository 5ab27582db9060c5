"""The steps that the commands, the demo and the examples share, driven by one project.yaml."""

from hpq_hls.workflow.calibrating import run_calibrate
from hpq_hls.workflow.checking import run_verify
from hpq_hls.workflow.compare import run_compare
from hpq_hls.workflow.data import Dataset, load_dataset
from hpq_hls.workflow.exploring import run_explore
from hpq_hls.workflow.picking import run_pick
from hpq_hls.workflow.plain import plain
from hpq_hls.workflow.progress import Quiet, Reporter, Step
from hpq_hls.workflow.running import RunResult, run_all
from hpq_hls.workflow.searching import run_search
from hpq_hls.workflow.steps import run_estimate, run_generate, run_quantize, run_synth
from hpq_hls.workflow.tracing import run_trace
from hpq_hls.workflow.workspace import Workspace, open_workspace

__all__ = [
    "Dataset",
    "Quiet",
    "Reporter",
    "RunResult",
    "Step",
    "Workspace",
    "load_dataset",
    "open_workspace",
    "plain",
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
