"""Whether what a search found keeps its accuracy on data that the search has not seen.

A search that looks at the same samples again and again finds networks that are lucky on them. So a part of
the validation data is held back. What the search finds by the other part, at several levels of risk, is put
in order, the safest network first, and tested on the part held back, one after the other, until one fails.
The cheapest that passed is the result: with the probability that was asked for, its drop on unseen data is
within what is allowed. The order is fixed before the part held back is looked at, so that the first network
in it that is too bad has to pass by luck for anything to go wrong, and the number of networks looked at takes
nothing from the guarantee (fixed-sequence testing; Angelopoulos et al., "Learn then Test", arXiv 2110.01052,
section 2.3). There are two such sequences, which share the probability of error: one that begins with a
network which should just pass, and, where that fails, one that begins with the safest.

A share of right answers is tested exactly (see ``paired``); any other metric by the bootstrap over samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.ops.base import FloatArray
from hpq_hls.search.aims import Aims
from hpq_hls.search.gauge import Gauge
from hpq_hls.search.metric import Kind, Metric
from hpq_hls.search.paired import UNLIKELY, fewest_samples, p_value, upper_bound
from hpq_hls.search.significance import bootstrap, paired_counts

Rows = npt.NDArray[np.int64]

HELD_SHARE = 0.8
"""Of the validation samples, what is held back. The search sees risks, which need few samples, and the
calibration samples serve it too."""
ROOM = 2.0
"""Nothing is held back where the part held back would not be this many times as large as what certifies a
network that answers exactly as the float one does: hardly any other could be confirmed."""
ROUNDING = 1e-9
FEWEST_HELD = 20
"""For metrics that are no shares."""
LEVELS = (0.75, 0.45, 1.25)
"""Levels of risk that a search looks at, in units of the one that has an even chance to be confirmed."""
SAFE, BOLD = (0.1, 0.2, 0.3, 0.4), (0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5)
"""Levels of the candidates. Testing begins with the first bold one; many of them cost nothing, and few would
leave much between the last one that passes and the first one that fails."""
BOLD_SHARE = 0.8
"""Of the probability of error, the part for testing the bold candidates; the rest is kept to begin again with
the safest one where the first bold one fails."""
HALF_A_SAMPLE = 0.5
CAREFUL_LIKELY = 0.9
CAREFUL = 0.7
"""The risk that is aimed at where nothing can be confirmed, as a share of the drop allowed."""
EXACT, BOOTSTRAP = "exact paired test", "paired bootstrap"


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the validation samples: those that are searched on, and those held back (maybe none)."""

    searched: Rows
    held: Rows


@dataclass(frozen=True)
class Confirmation:
    """What was shown of the drop on unseen data.

    confidence: the probability asked for. certified: whether the drop is within ``max_drop`` with that
    probability. bound: the upper bound of the drop at that confidence; of a network that is not certified it
    allows for all networks that were looked at. samples: held back, 0 where they were too few for that.
    searched: searched on. tested: networks that were tested on those held back. drop: on them, of the network
    chosen; on all samples where none were held back. needed: about how many validation samples would certify
    this drop; None if it is certified, or if no number would. method: how the bound was found.
    """

    confidence: float
    max_drop: float
    certified: bool
    bound: float
    samples: int
    searched: int
    tested: int
    drop: float
    needed: int | None
    method: str

    def sentence(self) -> str:
        """Whether it is certified, by what, and what would do where it is not; without a full stop."""
        sure, within = f"{100 * self.confidence:g} %", f"within the {self._shown(self.max_drop)} allowed"
        if self.certified:
            return (
                f"certified: the drop on unseen data is {within} with a probability of {sure}, as "
                f"{self.samples:,} samples held back from the search show"
            )
        if not self.samples:
            seen = f"{self.searched:,} validation samples are too few to show"
        else:
            seen = f"{self.samples:,} samples held back from the search do not show"
        enough = "" if self.needed is None else f"; about {self.needed:,} validation samples would do"
        return f"not certified: {seen} with {sure} that the drop on unseen data is {within}{enough}"

    def _shown(self, drop: float) -> str:
        """As people read it: of shares of right answers, which the exact test is for, in points."""
        return f"{100 * drop:.2f} points" if self.method == EXACT else f"{drop:.4g}"


def split_rows(samples: int, kind: Kind, max_drop: float, confidence: float | None) -> Split:
    """Which samples are searched on and which are held back, always the same ones of so many."""
    everything = np.arange(samples)
    held = round(HELD_SHARE * samples)
    if confidence is None or held < _fewest(kind, max_drop, confidence):
        return Split(everything, everything[:0])
    order = np.random.default_rng(samples).permutation(samples)
    return Split(np.sort(order[held:]), np.sort(order[:held]))


def _fewest(kind: Kind, max_drop: float, confidence: float) -> float:
    """Samples held back that are worth it."""
    if max_drop <= 0:
        return math.inf  # no bound is ever at or below zero
    return ROOM * fewest_samples(max_drop, confidence) if kind is Kind.SHARE else FEWEST_HELD


def aims_of(
    kind: Kind, gauge: Gauge, split: Split, score: float, max_drop: float, confidence: float | None
) -> Aims:
    """What a search aims at. score: of the float network, counted.

    Without a confidence no more than ``max_drop`` may be lost as it is counted, and no more may be at risk:
    else the result is the network that is luckiest on these samples. Half a sample's worth of risk rounds to
    none.
    """
    held = len(split.held)
    if confidence is None:
        spare = max(HALF_A_SAMPLE / len(split.searched) - max_drop, 0.0)
        riskless = score + spare if kind is Kind.SHARE else math.inf  # the risk of other scores is the drop
        return Aims(False, (score - max_drop,), riskless=riskless)
    if not held:
        level = -CAREFUL * max_drop
        return Aims(True, (level,), (level,))
    sure = 1 - BOLD_SHARE * (1 - confidence)
    main = _even_chance(gauge.spread, held, max_drop, sure) if kind is Kind.SHARE else max_drop / 2

    def scores(factors: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(dict.fromkeys(-min(factor * main, max_drop) for factor in factors))

    return Aims(True, scores(LEVELS), scores(SAFE + BOLD), len(SAFE))


def _even_chance(spread: float, samples: int, max_drop: float, confidence: float) -> float:
    """The drop that is shown to be within ``max_drop`` about every other time."""
    low, high = 0.0, max_drop
    for _ in range(20):
        middle = (low + high) / 2
        if upper_bound(*_expected(spread, middle, samples), samples, confidence) <= max_drop:
            low = middle
        else:
            high = middle
    return max(low, max_drop / 100)


def _expected(spread: float, drop: float, samples: int) -> tuple[float, float]:
    """Lost and gained answers."""
    return (spread + 1) / 2 * drop * samples, (spread - 1) / 2 * drop * samples


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that a confirmation looks at.

    reference: the float network's outputs; targets: as the metric takes them. gauge: of all samples.
    outputs: those of a candidate, by its number. draws: seed of the bootstrap.
    """

    metric: Metric
    reference: FloatArray
    targets: npt.NDArray[np.generic]
    gauge: Gauge
    outputs: Callable[[int], FloatArray]
    draws: int

    def bound(self, number: int, rows: Rows, confidence: float) -> float:
        """Upper bound of a candidate's drop by some samples."""
        before, after, targets = self.reference[rows], self.outputs(number)[rows], self.targets[rows]
        if self.metric.kind is Kind.SHARE:
            lost, gained = paired_counts(self.metric, before, after, targets)
            return upper_bound(lost, gained, len(rows), confidence)
        (_, _, drops), _ = bootstrap(self.metric, before, after, targets, self.draws, 2 * confidence - 1)
        return drops[1]

    def drop(self, number: int, rows: Rows) -> float:
        """How much a candidate loses on some samples."""
        before, after = self.metric(self.reference[rows], self.targets[rows]), self.outputs(number)[rows]
        return before - self.metric(after, self.targets[rows])


def confirm(
    count: int, first: int, split: Split, evidence: Evidence, max_drop: float, confidence: float, looks: int
) -> tuple[int, Confirmation]:
    """Choose one of ``count`` candidates, which are in order, the safest and dearest first.

    first: where testing begins. Candidate ``count`` is taken where none of these keeps the accuracy on the
    validation data: it does. looks: networks that were measured in all.
    """
    passed, tested = None, 0
    if len(split.held):
        for start, share in ((first, BOLD_SHARE), (0, 1 - BOLD_SHARE)):
            passed, looked = _last_passed(
                range(start, count), split.held, evidence, max_drop, 1 - share * (1 - confidence)
            )
            tested += looked
            if passed is not None:
                break
    rows = split.held if len(split.held) else split.searched
    if passed is not None:
        (chosen, bound), needed = passed, None
    else:
        chosen = _careful(count, rows, evidence, max_drop)
        among = count + 1 if len(split.held) and chosen < count else looks
        sure = 1 - min(1 - BOLD_SHARE, 1 / among) * (1 - confidence)
        # No less than that of the safest, whose test failed: else it could be within what is allowed.
        reached = [evidence.bound(n, rows, sure) for n in {0 if len(split.held) else chosen, chosen}]
        bound = max(max_drop, *reached)
        needed = _needed(evidence, chosen, rows, max_drop, confidence)
    method = EXACT if evidence.metric.kind is Kind.SHARE else BOOTSTRAP
    return chosen, Confirmation(
        confidence=confidence,
        max_drop=max_drop,
        certified=passed is not None,
        bound=bound,
        samples=len(split.held),
        searched=len(split.searched),
        tested=tested,
        drop=evidence.drop(chosen, rows),
        needed=needed,
        method=method,
    )


def _last_passed(
    numbers: range, rows: Rows, evidence: Evidence, max_drop: float, confidence: float
) -> tuple[tuple[int, float] | None, int]:
    """The last candidate before the first one that fails, and the largest bound up to it; None if the first
    one fails. And how many were tested."""
    passed, bound = None, 0.0
    for tested, number in enumerate(numbers, 1):
        found = evidence.bound(number, rows, confidence)
        if found > max_drop:
            return passed, tested
        bound = max(bound, found)
        passed = (number, bound)
    return passed, len(numbers)


def _careful(count: int, rows: Rows, evidence: Evidence, max_drop: float) -> int:
    """The cheapest candidate that nothing speaks against: neither its risk on all samples nor the drop that
    was counted; else the safest that keeps the accuracy on all samples."""
    everything = np.arange(len(evidence.reference))
    kept = [number for number in range(count) if evidence.drop(number, everything) <= max_drop + ROUNDING]
    for number in reversed(kept):
        if _likely(evidence, number, rows) <= CAREFUL_LIKELY * max_drop:
            return number
    return kept[0] if kept else count


def _likely(evidence: Evidence, number: int, rows: Rows) -> float:
    """A candidate's drop by both what is read and what was counted."""
    risk = evidence.gauge(evidence.outputs(number)).risk
    return (risk + max(evidence.drop(number, rows), 0.0)) / 2


def _needed(evidence: Evidence, chosen: int, rows: Rows, max_drop: float, confidence: float) -> int | None:
    """About how many validation samples would certify the network chosen every other time; more than there
    are."""
    if evidence.metric.kind is not Kind.SHARE or not 0 < max_drop < 1:
        return None
    drop = max(_likely(evidence, chosen, rows), 0.0)
    if max_drop - drop <= 0.1 * max_drop:
        return None
    error = BOLD_SHARE * (1 - confidence)

    def few(held: int) -> bool:
        lost, gained = _expected(evidence.gauge.spread, drop, held)
        return p_value(lost, gained, held, max_drop, UNLIKELY * error) > error

    low = high = math.ceil(ROOM * fewest_samples(max_drop, confidence))
    while few(high):
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if few(middle) else (low, middle)
    return max(math.ceil(high / HELD_SHARE), len(evidence.reference) + 1)
