"""Projects: written, estimated, and what can be done with them."""

from hpq_hls.hardware import DEFAULT_CLOCK_NS
from hpq_hls.project.estimating import estimate
from hpq_hls.project.generating import generate
from hpq_hls.project.hardware import (
    LayerSettings,
    dataflow_for,
    hardware_config,
    part_of,
    priced_by,
)
from hpq_hls.project.project import Project

__all__ = [
    "DEFAULT_CLOCK_NS",
    "LayerSettings",
    "Project",
    "dataflow_for",
    "estimate",
    "generate",
    "hardware_config",
    "part_of",
    "priced_by",
]
