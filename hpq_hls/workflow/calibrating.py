"""The step behind ``hpq calibrate``."""

from __future__ import annotations

from pathlib import Path

from hpq_hls.billing.calibration import Calibration
from hpq_hls.calibrate import read_reports
from hpq_hls.calibrate.fit import fit
from hpq_hls.errors import OutputError
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.workflow import results as r

DEFAULT_FILE = Path("calibration.json")


def run_calibrate(
    reports: Path,
    out: Path = DEFAULT_FILE,
    *,
    stage: str = "csynth",
    force: bool = False,
    reporter: Reporter | None = None,
) -> r.CalibrateResult:
    """Fit factors to reports, and write them to a file. stage: as of ``hpq_hls.calibrate``.

    Raises:
        DataError: there are no reports, too few, or one is not as it should be. ToolError: a report of the
        tool
            cannot be understood. OutputError: the file exists and ``force`` is not given, or cannot be
            written.
    """
    if out.exists() and not force:
        raise OutputError(f"{out} exists already; choose another --out, or replace it with --force")
    with (reporter or Quiet()).step(f"Calibrating on {reports}") as step:
        found = read_reports(reports, stage)
        step(f"{len(found.designs):,} designs, {len(found.samples):,} kernels")
        made = fit(found)
        made.save(out)
        step.conclude(made.sentence)
    return r.CalibrateResult(
        out,
        made.sentence,
        made.designs,
        made.kernels,
        {name: factors.samples for name, factors in made.kinds.items()},
        None if made.dsp is None else vars(made.dsp),
        {name: vars(error) for name, error in made.held_out.items()},
        (*found.notes, *_doubts(made)),
    )


def _doubts(made: Calibration) -> list[str]:
    """What is no better for the calibration."""
    worse = [name.upper() for name, error in made.held_out.items() if error.median > max(error.before, 0.02)]
    said = f"on designs that were left out, estimates of {', '.join(worse)} are no better for the calibration"
    return [f"{said}; it needs more reports, or others"] if worse else []
