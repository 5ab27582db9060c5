"""hpq demo: from training to verified hardware, in the same steps that a user takes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.demo.folder import PROJECT, prepare_folder, remember_project
from hpq_hls.report import text
from hpq_hls.report.page import write_page
from hpq_hls.templating import render
from hpq_hls.tools.files import write_file
from hpq_hls.tools.progress import Quiet, Reporter
from hpq_hls.version import __version__
from hpq_hls.workflow import (
    open_workspace,
    run_generate,
    run_quantize,
    run_search,
    run_verify,
)
from hpq_hls.workflow.plain import plain
from hpq_hls.workflow.results import VerifyResult
from hpq_hls.workflow.skeleton import Skeleton, write_skeleton
from hpq_hls.workflow.summary import Summary, summarize

WEIGHT_BITS = (3, 4, 5, 6, 8)
ACTIVATION_BITS = (4, 5, 6, 8)
MAX_DROP = 0.005
EVALUATIONS = 300
"""For a search of seconds. The few validation images cannot show that so small a drop is kept on others; the
demo says so, and by how much it may be missed."""


_FILTERS = {"unseen": text.unseen, "verdict": text.verdict}


@dataclass(frozen=True)
class DemoResult:
    """What the demo made. summary: also in results.json. seconds: it all took."""

    folder: Path
    seconds: float
    verification: VerifyResult
    summary: Summary

    def check(self) -> None:
        """Raise VerificationError if hardware and simulator differ."""
        self.verification.check()


def run_demo(
    out: str | Path = "demo",
    *,
    force: bool = False,
    samples: int | None = None,
    reporter: Reporter | None = None,
) -> DemoResult:
    """Train, export, search, quantize, generate, verify, estimate, report.

    out: the folder; an earlier demo in it is replaced, anything else is not. samples: test images for
    C simulation and co-simulation; see ``run_verify``.

    Raises:
        OutputError: the folder holds something that would be lost. ToolError: a tool is missing or fails.
    """
    folder, show, begin = Path(out), reporter or Quiet(), time.monotonic()
    prepare_folder(folder, force)
    _train(folder, show)
    work = open_workspace(folder / PROJECT)
    if run_search(work, show).interrupted:
        raise KeyboardInterrupt  # it kept the best so far, but the user asked for an end
    work = work.renewed()
    run_quantize(work, show)
    projects = run_generate(work, reporter=show)
    verified = run_verify(work, samples=samples, reporter=show)
    summary = summarize(work, show)
    content = plain(summary)
    write_file(folder / "results.json", json.dumps(content, indent=1) + "\n")
    write_page(folder / "report.html", content)
    _write_readme(folder, content, plain(projects))
    return DemoResult(folder, round(time.monotonic() - begin, 1), verified, summary)


def _train(folder: Path, show: Reporter) -> None:
    """Everything that a user would bring: a network, data and a project.yaml."""
    with show.step("Training a small CNN on handwritten digits") as step:
        from hpq_hls.demo import network  # torch takes seconds to import

        data = network.load_digits()
        net = network.train(data.train, step)
        step.conclude(
            f"float accuracy {100 * network.accuracy(net, data.validation):.2f} % on the validation split"
        )
    with show.step("Exporting with torch.export") as step:
        network.export(net, data.train.x, folder / "model.pt2")
        network.save_splits(data, folder / "data")
        content = Skeleton(
            name="digits",
            calibration="data/calibration.npz",
            validation="data/validation.npz",
            test="data/test.npz",
            weight_bits=WEIGHT_BITS,
            activation_bits=ACTIVATION_BITS,
            max_drop=MAX_DROP,
            evaluations=EVALUATIONS,
            output=".",
        )
        write_skeleton(folder / PROJECT, content)
        remember_project(folder)
        step.conclude("model.pt2, data and project.yaml")


def _write_readme(folder: Path, summary: dict[str, Any], projects: dict[str, Any]) -> None:
    tops = {item["backend"]: item["top"] for item in projects["projects"]}
    values = {"summary": summary, "top": tops["vitis"], "version": __version__}
    write_file(folder / "README.md", render("demo/README.md.j2", values, _FILTERS))
