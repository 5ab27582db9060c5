"""What the steps of the work return: plain values that a table, a page and JSON can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from hpq_hls.cost import Misfit, ResourceEstimate
from hpq_hls.errors import VerificationError
from hpq_hls.search.significance import TestScore
from hpq_hls.simulate import Coverage, Saturation
from hpq_hls.synth import ResourceReport
from hpq_hls.verify.certify.certificate import Certificate as KernelsCertificate
from hpq_hls.verify.differ.difference import Difference
from hpq_hls.verify.differ.wave import Wave
from hpq_hls.verify.schedule import ScheduleRange
from hpq_hls.workflow.chosen import Found, Statement
from hpq_hls.workflow.histogram import Histogram
from hpq_hls.workflow.plain import plain
from hpq_hls.workflow.sensitivity import Explored, Sensitivity

__all__ = ["plain"]


class Origin(Enum):
    """Where a network's parameters come from.

    TRAINED: the model as the user brought it. TUNED: fine-tuning at these very widths. STALE: the model;
    fine-tuned parameters are there, but of other widths, another model, other data or other options.
    """

    TRAINED = "trained"
    TUNED = "fine-tuned"
    STALE = "trained; the fine-tuned ones are of other widths, data or settings"


@dataclass(frozen=True)
class LayerRow:
    """One layer with a precision of its own, or the network's input (kind "input").

    weight_type: as weights are stored; channel_shift: the most that a channel's sum is shifted by its own
    scale. weights: how many there are. parameters: weights and biases after batch-norm is folded in.
    weight_bits: what storing them takes.
    """

    name: str
    kind: str
    weight_type: str | None
    weight_width: int | None
    channel_shift: int
    activation_type: str
    activation_width: int
    weights: int
    parameters: int
    weight_bits: int


@dataclass(frozen=True)
class Network:
    """A quantized network at a glance; memory is that of all weights and biases, in bits. Shapes of several
    inputs or outputs are given by name.

    uniform8_bits: what the same network takes with 8-bit weights throughout. origin: of the parameters.
    """

    derived: ClassVar[tuple[str, ...]] = ("float32_bits", "mean_weight_width")

    name: str
    input_shape: tuple[int, ...] | Mapping[str, tuple[int, ...]]
    output_shape: tuple[int, ...] | Mapping[str, tuple[int, ...]]
    layers: tuple[LayerRow, ...]
    parameters: int
    weight_bits: int
    uniform8_bits: int
    origin: Origin

    @property
    def float32_bits(self) -> int:
        """Memory at 32 bits for each parameter."""
        return 32 * self.parameters

    @property
    def mean_weight_width(self) -> float | None:
        """Bits per weight, biases and scales apart; None where there are no weights."""
        count = sum(row.weights for row in self.layers)
        bits = sum(row.weights * row.weight_width for row in self.layers if row.weight_width is not None)
        return bits / count if count else None


@dataclass(frozen=True)
class Scores:
    """Quality on one split, by one metric ("top1": share of right answers).

    uniform8: of the same network at 8 bits throughout. comparison: the quantized network beside the float
    one, with confidence intervals. warning: one sentence where the drop is larger than ``search.max_drop``,
    else "".
    """

    metric: str
    split: str
    samples: int
    float_score: float
    quantized_score: float
    uniform8_score: float
    comparison: TestScore
    warning: str


SaturationBySplit = Mapping[str, Mapping[str, Saturation]]
"""By split ("calibration", and the one that quality is reported on) and by layer; of the input too."""


@dataclass(frozen=True)
class QuantizeResult:
    """Outcome of ``hpq quantize``. scores: None where no split has y. file: the saved network. saturation:
    values that did not fit their types."""

    network: Network
    scores: Scores | None
    file: Path
    saturation: SaturationBySplit
    precision: Statement


@dataclass(frozen=True)
class PointRow:
    """One precision combination that a search measured; see ``hpq_hls.search.Point``."""

    accuracy: float
    cost: float
    weight_bits: int
    error: float
    excess: float
    precision: Mapping[str, Any]


@dataclass(frozen=True)
class Certificate:
    """What is known of the neighbours of the best point: those that differ by one width, one step narrower.

    steps: how many there are; evaluated: how many of them were measured. minimal: all of them, and none is
    feasible at the same cost or less.
    """

    steps: int
    evaluated: int
    minimal: bool


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning at the best point's widths made of it.

    accuracy_before, accuracy_after: on the validation data. best_epoch: 0 where no epoch was better. cost,
    limits: of the trained integers, as of the search. exceeded: the limits that they exceed, in words; ""
    where they exceed none. used: whether they replace the quantized parameters; where not, ``file`` and
    ``test`` are None. test: as of the search.
    """

    derived: ClassVar[tuple[str, ...]] = ("used",)

    accuracy_before: float
    accuracy_after: float
    epochs: int
    best_epoch: int
    seconds: float
    cost: float
    limits: tuple[str, ...]
    exceeded: str
    file: Path | None
    test: TestScore | None

    @property
    def used(self) -> bool:
        """Whether later commands take the trained integers."""
        return self.best_epoch > 0 and not self.exceeded


@dataclass(frozen=True)
class SearchOutcome:
    """Outcome of ``hpq search``.

    samples: of the validation data. confidence, certified, drop_bound: what is known of the drop on unseen
    data, see ``hpq_hls.search.SearchResult``; confirmation: how it came to be known, with a sentence.
    identity: of the parameters that it is known of. warnings: a sentence for each drop on the test data that
    is larger than ``max_drop``. feasible: whether ``best`` keeps the accuracy within ``max_drop`` and to all
    limits. interrupted: whether the user ended the search early. evaluations: of which ``resumed`` came from
    the journal of an earlier run. network: the best one. pareto: by ascending cost. uniform: one width
    everywhere, for comparison. points: accuracy and cost of everything that was measured; explored: its
    widths. sensitivity: what each width alone does, as far as that was measured. cost_of: what the cost is
    the sum of. limits: sentences that say what ``best`` takes of what it may take. test: the best network on
    the test data. file: where the best precision was written, None when not feasible. exported: the Pareto
    front as files. journal: what ``--resume`` continues from. found: what later commands use of it;
    precision: what they use now."""

    objective: str
    metric: str
    strategy: str
    samples: int
    float_accuracy: float
    max_drop: float
    confidence: float | None
    certified: bool
    drop_bound: float | None
    confirmation: Mapping[str, Any] | None
    identity: str
    warnings: tuple[str, ...]
    feasible: bool
    interrupted: bool
    evaluations: int
    resumed: int
    seconds: float
    best: PointRow
    network: Network
    certificate: Certificate
    limits: tuple[str, ...]
    test: TestScore | None
    pareto: tuple[PointRow, ...]
    uniform: tuple[PointRow, ...]
    points: tuple[tuple[float, float], ...]
    explored: Explored
    sensitivity: tuple[Sensitivity, ...]
    cost_of: str
    tuned: Tuned | None
    file: Path | None
    exported: tuple[Path, ...]
    journal: Path
    found: Found
    precision: Statement


@dataclass(frozen=True)
class PickOutcome:
    """Outcome of ``hpq search --pick``.

    row: of the front; None: the search's own choice. best: the point. file: where its precision was written.
    precision: what later commands use. misfit: None where it fits the part.
    """

    row: int | None
    best: Mapping[str, Any]
    metric: str
    float_accuracy: float
    network: Network
    scores: Scores | None
    file: Path
    precision: Statement
    misfit: Misfit | None


@dataclass(frozen=True)
class GeneratedProject:
    """One folder that ``hpq generate`` wrote."""

    backend: str
    path: Path
    top: str
    files: int


@dataclass(frozen=True)
class GenerateResult:
    """Outcome of ``hpq generate``. misfit: None where the design fits the part. notes: a sentence on each
    target that is missed."""

    network: Network
    projects: tuple[GeneratedProject, ...]
    file: Path
    precision: Statement
    misfit: Misfit | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One comparison of hardware with the simulator.

    what: "C++ self-check", "C simulation", "modelled schedule", "C++ as hardware", "RTL co-simulation" or
    "kernels alone". backend: of the project, or "external". scenario: of the co-simulation. samples:
    inferences, kernels or schedules. words_different: words (beats of a schedule) that differ, are missing
    or came in excess. failures: one sentence each.
    """

    what: str
    backend: str
    scenario: str | None
    samples: int
    words_compared: int
    words_different: int
    passed: bool
    failures: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Reason:
    """Why checks failed: where hardware goes wrong first, with the checks in which it is that.

    backend: of the project. difference: in the first of them. checks: scenarios, and names of other checks.
    words_compared, words_different: in those that compare outputs.
    """

    derived: ClassVar[tuple[str, ...]] = ("sentence",)

    backend: str
    difference: Difference
    checks: tuple[str, ...]
    words_compared: int
    words_different: int

    def explains(self, check: Check) -> bool:
        """Whether it is the reason of a check."""
        return check.backend == self.backend and (check.scenario or check.what) in self.checks

    @property
    def sentence(self) -> str:
        """All of it, once."""
        *most, last = self.checks
        where = f"{', '.join(most)} and {last}" if most else last
        words = f"{self.words_different:,} of {self.words_compared:,} words differ"
        return f"{self.backend}: {self.difference.sentence} ({where}: {words})"


@dataclass(frozen=True)
class VerifyResult:
    """Outcome of ``hpq verify``. latency_cycles, interval_cycles: measured by co-simulation, or None.
    certificates: what was shown of each project's kernels alone. reasons: of the checks that failed. wave: if
    one was asked for. coverage: what the frames reach that were chosen for the emitted testbench and for
    co-simulation. notes: a sentence on each bound on them. schedules: of the C++, modelled."""

    derived: ClassVar[tuple[str, ...]] = ("passed",)

    checks: tuple[Check, ...]
    latency_cycles: int | None
    interval_cycles: int | None
    clock_ns: float
    precision: Statement
    certificates: tuple[KernelsCertificate, ...] = ()
    coverage: Coverage | None = None
    notes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    wave: Wave | None = None
    schedules: tuple[ScheduleRange, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(check.passed and check.words_compared for check in self.checks)

    def check(self) -> None:
        """Raise if anything differs.

        Raises:
            VerificationError: with the number of words that differ, where, and the first reason.
        """
        failed = [check for check in self.checks if not check.passed or not check.words_compared]
        if not self.checks:
            raise VerificationError("nothing was verified; name a backend under hardware.backends")
        if not failed:
            return
        first = failed[0]
        wrong, total = sum(c.words_different for c in self.checks), sum(c.words_compared for c in self.checks)
        place = " ".join(part for part in (first.backend, first.what, first.scenario) if part)
        reason = f": {first.failures[0].splitlines()[0].rstrip('.')}" if first.failures else ""
        known = (one for one in self.reasons if one.explains(first))
        why = next(known, None)
        if why is not None and why.difference.who:
            reason = f", where {why.difference.who} goes wrong"
        raise VerificationError(
            f"{len(failed)} of {len(self.checks)} checks failed and {wrong} of {total} output words differ "
            f"from the simulator, first in {place}{reason}; generate the project again if its files or the "
            "settings were changed"
        )


@dataclass(frozen=True)
class TraceRow:
    """How far a layer's output is from the float network's.

    type: of the output. low, high: of the float values. mean_error, rms_error, max_error: of what
    quantization has changed up to here. sqnr_db: signal over that, None where there is no error or no signal.
    saturated: share of the values that did not fit the type. values, weights: the float network's, beside
    what the types hold; None where the layer casts nothing, or has no weights."""

    name: str
    kind: str
    type: str
    low: float
    high: float
    mean_error: float
    rms_error: float
    max_error: float
    sqnr_db: float | None
    saturated: float
    values: Histogram | None = None
    weights: Histogram | None = None


@dataclass(frozen=True)
class TraceResult:
    """Outcome of ``hpq trace``. split: of the data; layers: in the order in which they run."""

    split: str
    samples: int
    layers: tuple[TraceRow, ...]
    precision: Statement


@dataclass(frozen=True)
class Capacity:
    """What the part has."""

    part: str
    lut: int
    ff: int
    dsp: int
    bram: int


@dataclass(frozen=True)
class Modelled:
    """Cycles of the project of a backend that an HLS tool builds, as ``ResourceEstimate`` has them."""

    backend: str
    latency_range: tuple[int, int] | None
    interval_range: tuple[int, int] | None
    cycles_of: str


@dataclass(frozen=True)
class EstimateResult:
    """Outcome of ``hpq estimate``. misfit: None where the design fits the part. modelled: cycles of the C++
    of the settings, where the estimate is of the RTL."""

    derived: ClassVar[tuple[str, ...]] = ("fits",)

    estimate: ResourceEstimate
    capacity: Capacity
    precision: Statement
    misfit: Misfit | None
    modelled: Modelled | None = None

    @property
    def fits(self) -> bool:
        """Whether the part has enough of everything."""
        return self.misfit is None


@dataclass(frozen=True)
class ComparedKernel:
    """A kernel in the report of an HLS tool beside its estimate. module: of the report. implemented:
    resources in the last implementation that knows the module, as the tool names them; None without one."""

    kernel: str
    kind: str
    module: str
    estimated: Mapping[str, int]
    reported: Mapping[str, int]
    implemented: Mapping[str, int] | None


@dataclass(frozen=True)
class CalibrateResult:
    """Outcome of ``hpq calibrate``. kinds: kernels of each kind that factors were fitted to. dsp: the rule
    for products in DSP blocks, None where nothing tells. held_out: errors on designs that were left out."""

    file: Path
    sentence: str
    designs: int
    kernels: int
    kinds: Mapping[str, int]
    dsp: Mapping[str, int] | None
    held_out: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SynthResult:
    """Outcome of ``hpq synth``. kernels: those of C++ that the report has as a module, beside their
    estimates; stage: what these are estimates of; latency_range, interval_range: as estimated."""

    backend: str
    report: ResourceReport
    capacity: Capacity
    seconds: float
    precision: Statement
    kernels: tuple[ComparedKernel, ...] = ()
    stage: str = ""
    latency_range: tuple[int, int] | None = None
    interval_range: tuple[int, int] | None = None
