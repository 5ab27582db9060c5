"""Fits a user's own factors to the reports of a user's own HLS tool."""

from __future__ import annotations

from pathlib import Path

from hpq_hls.billing.calibration import Calibration
from hpq_hls.calibrate.fit import fit
from hpq_hls.calibrate.projects import STAGES, read_projects
from hpq_hls.calibrate.samples import Reports, joined
from hpq_hls.calibrate.table import read_table
from hpq_hls.errors import ConfigError, DataError
from hpq_hls.namesakes import unite_namesakes

__all__ = ["calibrate", "read_reports"]


def calibrate(reports: str | Path, stage: str = "csynth") -> Calibration:
    """Factors that estimates use in place of the RTL twin's, fitted to reports of C synthesis.

    reports: a folder of generated projects in which the HLS tool was run (kernels are found by their names),
    a CSV file of comparable kernels, or a folder of such files (columns: see ``hpq_hls.calibrate.table``).

    stage: of projects, what is meant to be estimated: "csynth", or Vivado's synthesis ("syn") or place and
    route ("impl") of the RTL. A table says it itself.

    Raises:
        ConfigError: an unknown stage.
        DataError: there are no reports, too few, or one is not as it should be.
        ToolError: a report of the tool cannot be understood.
    """
    return fit(read_reports(reports, stage))


def read_reports(reports: str | Path, stage: str = "csynth") -> Reports:
    """What ``calibrate`` is fitted to."""
    if stage not in STAGES:
        raise ConfigError(f"there is no stage {stage!r}; choose one of {', '.join(STAGES)}")
    path = Path(reports)
    if path.is_file():
        return read_table(path)
    if not path.is_dir():
        raise DataError(f"{path} does not exist; name a folder of reports, or a CSV file")
    tables = sorted(path.glob("*.csv"))
    return joined([read_table(one) for one in tables], str(path)) if tables else read_projects(path, stage)


unite_namesakes(__name__)
