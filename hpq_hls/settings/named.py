"""The settings of project.yaml that have an option of their own; nothing is imported to list them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Named:
    """A setting that has an option of its own. text: its value is taken as it stands, not read as YAML."""

    flag: str
    key: str
    help: str
    text: bool = False

    @property
    def parameter(self) -> str:
        """As a name in Python."""
        return self.flag.removeprefix("--").replace("-", "_")


NAMED = (
    Named("--objective", "search.objective", "What to minimise: lut, ff, dsp, weight_bits, throughput, ..."),
    Named("--max-drop", "search.max_drop", "How much of the float network's score may be lost."),
    Named("--confidence", "search.confidence", "Probability that the drop on unseen data is within it."),
    Named("--metric", "search.metric", "top1, top5, auc, mse, mae, or package.module:function.", text=True),
    Named("--effort", "search.effort", "full, or fast for about 100 evaluations."),
    Named("--strategy", "search.strategy", "How to search: auto, sensitivity, exhaustive, greedy, ..."),
    Named("--evaluations", "search.evaluations", "Most combinations to evaluate."),
    Named("--weight-bits", "search.weight_bits", "Widths to choose from, such as 2,3,4,6,8."),
    Named("--activation-bits", "search.activation_bits", "Widths to choose from."),
    Named("--seed", "search.seed", "For strategies that draw."),
    Named("--jobs", "search.jobs", "Combinations measured at the same time; -1: one per processor."),
    Named("--part", "hardware.part", "The FPGA, or a board for the part on it.", text=True),
    Named("--board", "hardware.board", "The board that a system is made for.", text=True),
    Named("--clock", "hardware.clock_ns", "Clock period in nanoseconds."),
    Named("--io", "hardware.io", "stream, or parallel: the whole tensor in one beat."),
    Named("--target-interval", "hardware.target_interval", "Cycles per inference to fold for."),
    Named("--target-fps", "hardware.target_fps", "Inferences per second to fold for."),
    Named(
        "--utilisation", "hardware.utilisation", "Share of each of the part's resources that may be taken."
    ),
    Named("--backends", "hardware.backends", "What to generate, such as vitis,rtl."),
    Named("--output", "output", "The folder that artifacts go into.", text=True),
)
"""The common settings; ``--set`` takes all of them."""

VARIED = ("search.objective", "hardware.part", "hardware.clock_ns", "search.max_drop")
"""Settings that `hpq explore` takes several values of."""
