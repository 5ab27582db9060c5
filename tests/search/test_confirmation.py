"""What is certified keeps its promise, however many candidates were looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from hpq_hls.quantize import Precision
from hpq_hls.search import confirmation
from hpq_hls.search.confirmation import (
    BOLD,
    BOLD_SHARE,
    BOOTSTRAP,
    CAREFUL,
    CAREFUL_LIKELY,
    EXACT,
    FEWEST_HELD,
    HELD_SHARE,
    LEVELS,
    ROOM,
    SAFE,
    Confirmation,
    Evidence,
    Split,
    aims_of,
    confirm,
    split_rows,
)
from hpq_hls.search.gauge import Gauge, Reading
from hpq_hls.search.metric import Kind, find_metric
from hpq_hls.search.paired import fewest_samples, upper_bound
from hpq_hls.search.point import Point

Array = np.ndarray[Any, Any]
DROP, CONFIDENCE = 0.06, 0.9
UNLUCKY = 1e-4
"""Probability with which a test of what is drawn may fail though all is right; the seeds are fixed."""


@pytest.fixture(autouse=True)
def _bounds_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few counts come again and again."""
    monkeypatch.setattr(confirmation, "upper_bound", cached_bound)


cached_bound = functools.lru_cache(None)(upper_bound)


class Told:
    """A gauge that knows the risk of each candidate."""

    def __init__(self, outputs: Sequence[Array], risks: Sequence[float], spread: float = 1.7) -> None:
        self.spread = spread
        self._known = list(zip(outputs, risks, strict=True))

    def __call__(self, outputs: Array) -> Reading:
        return next(Reading(risk, risk) for known, risk in self._known if known is outputs)


def answers(right: Array) -> Array:
    """Outputs of two classes of which the first is the answer."""
    return np.stack([right, ~right], axis=1).astype(np.float64)


def evidence_of(
    right: Array, candidates: Sequence[Array], risks: Sequence[float] = (), **gauge: float
) -> Evidence:
    """right: which samples the float network gets right; candidates: which ones they do."""
    outputs = [answers(each) for each in candidates]
    told: Gauge = Told(outputs, risks or [0.0] * len(outputs), **gauge)
    targets = np.zeros(len(right), dtype=np.int64)
    return Evidence(find_metric("top1"), answers(right), targets, told, outputs.__getitem__, 0)


def with_counts(right: Array, lost: int, gained: int, start: int = 0) -> Array:
    """A candidate that loses and gains so many answers from a sample on."""
    found = right.copy()
    found[start + np.flatnonzero(right[start:])[:lost]] = False
    found[start + np.flatnonzero(~right[start:])[:gained]] = True
    return found


def halves(samples: int) -> Split:
    """The first half is searched on."""
    rows = np.arange(samples)
    return Split(rows[: samples // 2], rows[samples // 2 :])


# ---------------------------------------------------------------------------------------------
# What is held back


@pytest.mark.parametrize("samples", [231, 500, 2000])
@pytest.mark.parametrize("kind", list(Kind))
def test_most_samples_are_held_back_each_time_the_same(samples: int, kind: Kind) -> None:
    found, again = (split_rows(samples, kind, 0.05, 0.9) for _ in range(2))
    assert len(found.held) == round(HELD_SHARE * samples)
    assert sorted([*found.searched, *found.held]) == list(range(samples))
    for name in ("searched", "held"):
        rows = getattr(found, name)
        np.testing.assert_array_equal(rows, getattr(again, name))
        assert (np.diff(rows) > 0).all()
        assert rows.max() > 0.9 * samples and rows.min() < 0.1 * samples  # whatever order the data have
    assert not np.array_equal(found.held, np.arange(len(found.held)))


def test_nothing_is_held_back_where_that_would_confirm_nothing() -> None:
    least = ROOM * fewest_samples(0.05, 0.9)
    enough = next(samples for samples in range(1, 1000) if round(HELD_SHARE * samples) >= least)
    cases = [
        (enough - 1, Kind.SHARE, 0.05, 0.9),
        (20_000, Kind.SHARE, 0.0, 0.9),
        (20_000, Kind.LOSS, 0.0, 0.9),
        (20_000, Kind.SHARE, 0.05, None),
        (enough, Kind.SHARE, 0.04, 0.9),
        (enough, Kind.SHARE, 0.05, 0.95),
        (round(FEWEST_HELD / HELD_SHARE) - 1, Kind.LOSS, 0.05, 0.9),
    ]
    for case in cases:
        found = split_rows(*case)
        assert len(found.held) == 0, case
        np.testing.assert_array_equal(found.searched, np.arange(case[0]))
    assert len(split_rows(enough, Kind.SHARE, 0.05, 0.9).held) >= least
    assert len(split_rows(round(FEWEST_HELD / HELD_SHARE), Kind.LOSS, 0.05, 0.9).held) == FEWEST_HELD


# ---------------------------------------------------------------------------------------------
# What is aimed at


def parted(held: int, searched: int = 200) -> Split:
    return Split(np.arange(searched), np.arange(searched, searched + held))


def point_of(accuracy: float, risk: float) -> Point:
    return Point(accuracy, 1.0, Precision(), 0, risk=risk)


def test_without_confidence_a_network_must_be_right_and_not_only_lucky() -> None:
    """By the accuracy alone, the first of these would do."""
    aims = aims_of(Kind.SHARE, Told([], []), parted(0), 0.9, 0.02, None)
    (least,) = aims.levels
    lucky, sound, wrong = (point_of(*seen) for seen in ((0.9, 0.021), (0.881, 0.019), (0.879, 0.0)))
    assert [aims.score(point) >= least for point in (lucky, sound, wrong)] == [False, True, False]


def test_half_a_sample_of_risk_is_none() -> None:
    aims = aims_of(Kind.SHARE, Told([], []), parted(0), 0.9, 0.0, None)
    seen = [point_of(0.9, 0.5 / 200), point_of(0.9, 0.51 / 200), point_of(0.895, 0.0)]
    assert [aims.score(point) >= aims.levels[0] - 1e-9 for point in seen] == [True, False, False]


def test_other_scores_are_what_is_counted() -> None:
    aims = aims_of(Kind.LOSS, Told([], []), parted(0), -3.0, 0.02, None)
    assert aims.score(point_of(-3.01, 0.01)) == -3.01


def test_the_main_level_has_an_even_chance_to_be_confirmed() -> None:
    gauge, held, drop = Told([], []), 800, 0.02
    aims = aims_of(Kind.SHARE, gauge, parted(held), 0.9, drop, CONFIDENCE)
    risk = -aims.levels[0] / LEVELS[0]
    assert aims.careful and 0 < risk < drop
    sure = 1 - BOLD_SHARE * (1 - CONFIDENCE)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(held, (1.35 * risk, 0.35 * risk, 1 - 1.7 * risk), size=2000)
    passes = [cached_bound(int(lost), int(gained), held, sure) <= drop for lost, gained, _ in counts]
    assert 0.35 < np.mean(passes) < 0.65  # counts are whole


def test_levels_and_candidates_are_in_order() -> None:
    aims = aims_of(Kind.SHARE, Told([], []), parted(800), 0.9, 0.02, CONFIDENCE)
    assert list(aims.path) == sorted(aims.path, reverse=True)  # the safest first
    assert len(aims.path) == len(set(aims.path)) <= len(SAFE + BOLD)
    assert aims.path[aims.first] == pytest.approx(BOLD[0] * aims.levels[0] / LEVELS[0])
    assert all(0 < -level <= 0.02 for level in (*aims.path, *aims.levels))
    safer, bolder = aims.levels[1:]
    assert bolder < aims.levels[0] < safer < 0


def test_other_aims() -> None:
    gauge = Told([], [])
    counted = aims_of(Kind.SHARE, gauge, parted(0), 0.9, 0.02, None)
    assert (counted.careful, counted.levels, counted.path) == (False, (0.9 - 0.02,), ())
    few = aims_of(Kind.SHARE, gauge, parted(0), 0.9, 0.02, 0.9)
    assert (few.careful, few.levels, few.path, few.first) == (True, (-CAREFUL * 0.02,), (-CAREFUL * 0.02,), 0)
    other = aims_of(Kind.LOSS, gauge, parted(100), -3.0, 0.02, 0.9)
    assert other.levels[0] == -0.01 * LEVELS[0]


# ---------------------------------------------------------------------------------------------
# The guarantee


def drawn(drops: Sequence[float], samples: int, seed: int, gained: float = 0.02) -> Evidence:
    """Candidates of these true drops whose answers are independent of each other: as much luck as can be."""
    rng = np.random.default_rng((seed, 17))
    right = rng.random(samples) < 0.8
    candidates = []
    for drop in drops:
        lose, gain = (drop + gained) / 0.8, gained / 0.2
        luck = rng.random(samples)
        candidates.append(np.where(right, luck >= lose, luck < gain))
    return evidence_of(right, candidates, [DROP / 2] * len(drops))


def cheapest_that_passes(evidence: Evidence, count: int, split: Split) -> int | None:
    """What must not be done: as many tries as there are candidates."""
    passed = [n for n in range(count) if evidence.bound(n, split.held, CONFIDENCE) <= DROP]
    return passed[-1] if passed else None


def confirmed(evidence: Evidence, count: int, first: int, split: Split) -> int | None:
    number, shown = confirm(count, first, split, evidence, DROP, CONFIDENCE, 100)
    return number if shown.certified else None


def wrong_ones(
    choose: Callable[[Evidence, int, Split], int | None], drops: Sequence[float], seeds: int
) -> int:
    """How often the choice loses more than is allowed."""
    split, wrong = halves(320), 0
    for seed in range(seeds):
        number = choose(drawn([*drops, 0.0], 320, seed), len(drops), split)
        wrong += number is not None and drops[number] > DROP
    return wrong


JUST_ABOVE = DROP + 1e-6
CASES = {
    "all too bad": [JUST_ABOVE] * 12,
    "the bold too bad": [0.0, 0.0, 0.0, 0.0, *[JUST_ABOVE] * 8],
    "ever worse": [*np.linspace(0.0, 2 * DROP, 12)],
    "risks that are wrong": [JUST_ABOVE, 0.0, 0.0, 0.0, JUST_ABOVE, 0.0, JUST_ABOVE, *[0.0] * 5],
}


@pytest.mark.parametrize("case", CASES)
def test_a_drop_beyond_the_limit_is_certified_no_more_often_than_allowed(case: str) -> None:
    drops, seeds = CASES[case], 400
    wrong = wrong_ones(lambda *given: confirmed(given[0], given[1], 4, given[2]), drops, seeds)
    assert binomtest(wrong, seeds, 1 - CONFIDENCE, "greater").pvalue > UNLUCKY
    assert wrong > 0 or case == "ever worse"  # 400 tries are enough to see luck


def test_the_cheapest_that_passes_would_not_do() -> None:
    """The test above can fail: twelve tries make the error of one several times as likely."""
    drops, seeds = CASES["all too bad"], 60
    wrong = wrong_ones(cheapest_that_passes, drops, seeds)
    assert binomtest(wrong, seeds, 1 - CONFIDENCE, "greater").pvalue < UNLUCKY


def test_good_candidates_are_certified_nearly_always() -> None:
    split = halves(800)
    found = [confirmed(drawn([0.0] * 12, 800, seed, 0.005), 12, 4, split) for seed in range(100)]
    assert sum(number is not None for number in found) >= 95


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Certified or not: of the network that was chosen, whichever that is."""
    drops, seeds, split, wrong = [0.01 * at for at in range(12)], 400, halves(320), 0
    for seed in range(seeds):
        number, shown = confirm(12, 4, split, drawn([*drops, 0.0], 320, seed), DROP, CONFIDENCE, 100)
        wrong += [*drops, 0.0][number] > shown.bound
    assert binomtest(wrong, seeds, 1 - CONFIDENCE, "greater").pvalue > UNLUCKY


# ---------------------------------------------------------------------------------------------
# The order of tests


SURE, UNSURE = 1 - BOLD_SHARE * (1 - CONFIDENCE), 1 - (1 - BOLD_SHARE) * (1 - CONFIDENCE)
HELD = 200


def most_lost(confidence: float) -> int:
    """Answers that may be lost of those held back."""
    return max(lost for lost in range(HELD) if cached_bound(lost, 0, HELD, confidence) <= DROP)


def of_losses(*losses: int, risks: Sequence[float] = (), searched: int = 0) -> tuple[Evidence, Split]:
    """Candidates that lose so many of the samples held back, and of those searched on."""
    split = halves(2 * HELD)
    right = np.arange(2 * HELD) % 10 != 0
    candidates = [
        with_counts(with_counts(right, searched, 0), lost, 0, HELD)
        if lost
        else with_counts(right, searched, 0)
        for lost in losses
    ]
    return evidence_of(right, candidates, risks), split


def test_testing_ends_at_the_first_failure() -> None:
    bold = most_lost(SURE)
    evidence, split = of_losses(0, 0, 1, bold, 20, 0, 0)
    number, shown = confirm(6, 1, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.tested) == (3, True, 4)  # numbers 1, 2, 3 and 4, which fails
    assert shown.bound == cached_bound(bold, 0, HELD, SURE) <= DROP
    assert (shown.samples, shown.searched, shown.drop) == (HELD, HELD, pytest.approx(bold / HELD))
    assert (shown.needed, shown.method) == (None, EXACT)


def test_the_last_candidate_may_pass() -> None:
    evidence, split = of_losses(0, 0, 0, 0)
    number, shown = confirm(3, 1, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.tested) == (2, True, 2)


def test_testing_begins_again_with_the_safest_more_strictly() -> None:
    strict, bold = most_lost(UNSURE), most_lost(SURE)
    assert strict < bold
    evidence, split = of_losses(0, strict, bold + 1, 0, 0)
    number, shown = confirm(4, 2, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.tested) == (1, True, 1 + 3)
    assert shown.bound == cached_bound(strict, 0, HELD, UNSURE) <= DROP
    evidence, split = of_losses(0, strict + 1, bold + 1, 0, 0)  # this one would have passed as the first bold
    assert confirm(4, 2, split, evidence, DROP, CONFIDENCE, 50)[0] == 0


def test_the_bound_is_no_less_than_that_of_a_candidate_before() -> None:
    """A network that was taken to be riskier and lost less by luck has no better bound."""
    evidence, split = of_losses(2, 0, 0)
    number, shown = confirm(2, 0, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified) == (1, True)
    assert shown.bound == cached_bound(2, 0, HELD, SURE) > cached_bound(0, 0, HELD, SURE)


# ---------------------------------------------------------------------------------------------
# Where nothing is certified


def test_the_careful_choice_is_the_cheapest_that_nothing_speaks_against() -> None:
    fail = most_lost(SURE) + 1
    likely = CAREFUL_LIKELY * DROP
    risks = [0.0, 0.1 * DROP, 2 * likely - fail / HELD - 1e-9, 2 * likely, 0.0]
    evidence, split = of_losses(fail, fail, fail, fail, 0, risks=risks)
    number, shown = confirm(4, 2, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.tested) == (2, False, 2)
    sure = 1 - min(1 - BOLD_SHARE, 1 / 5) * (1 - CONFIDENCE)  # for all five
    assert shown.bound == cached_bound(fail, 0, HELD, sure) > DROP
    assert shown.drop == pytest.approx(fail / HELD)


@pytest.mark.parametrize("count", [2, 6, 12])
def test_what_is_not_certified_has_no_bound_within_the_limit(count: int) -> None:
    """The safest and the first bold one failed; the others, which were not tested, lose nothing."""
    fail = most_lost(SURE) + 1
    losses = [0] * (count + 1)
    losses[0] = losses[1] = fail
    evidence, split = of_losses(*losses)
    number, shown = confirm(count, 1, split, evidence, DROP, CONFIDENCE, 50)
    assert not shown.certified
    assert number == max(count - 1, 1)
    assert shown.bound > DROP


def test_candidates_that_lose_too_much_of_all_samples_are_no_choice() -> None:
    """Least risks first; the spare one, which keeps the accuracy on all samples, where none does."""
    beyond = round(DROP * 2 * HELD) + 1
    evidence, split = of_losses(beyond, beyond, 0)
    assert confirm(2, 0, split, evidence, DROP, CONFIDENCE, 50)[0] == 2
    evidence, split = of_losses(beyond - 1, beyond, 0, risks=[2 * DROP, 0.0, 0.0])
    assert confirm(2, 0, split, evidence, DROP, CONFIDENCE, 50)[0] == 0


def test_without_candidates_the_spare_one_is_taken_and_not_certified() -> None:
    evidence, split = of_losses(0)
    number, shown = confirm(0, 0, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.tested) == (0, False, 0)


def test_a_bound_of_samples_that_were_searched_on_allows_for_everything_looked_at() -> None:
    right = np.arange(100) % 10 != 0
    evidence = evidence_of(right, [with_counts(right, 2, 1), right], [0.01, 0.0])
    split = Split(np.arange(100), np.arange(0))
    number, shown = confirm(1, 0, split, evidence, DROP, CONFIDENCE, 50)
    assert (number, shown.certified, shown.samples, shown.searched, shown.tested) == (0, False, 0, 100, 0)
    assert shown.bound == cached_bound(2, 1, 100, 1 - (1 - CONFIDENCE) / 50)
    assert shown.drop == pytest.approx(0.01)


@pytest.mark.parametrize("drop", [0.0, 0.1, 0.3, 0.6])
def test_about_as_many_samples_as_are_needed_would_do(drop: float) -> None:
    """Every other time, of a network that loses what was read and counted in the mean."""
    right = np.arange(60) % 10 != 0
    drop *= DROP
    evidence = evidence_of(right, [right, right], [2 * drop, 0.0])  # nothing was counted
    shown = confirm(1, 0, Split(np.arange(60), np.arange(0)), evidence, DROP, CONFIDENCE, 50)[1]
    assert shown.needed is not None
    held = len(split_rows(shown.needed, Kind.SHARE, DROP, CONFIDENCE).held)
    rng = np.random.default_rng(1)
    counts = rng.multinomial(held, (1.35 * drop, 0.35 * drop, 1 - 1.7 * drop), size=1000)
    passes = np.mean([cached_bound(int(lost), int(gained), held, SURE) <= DROP for lost, gained, _ in counts])
    assert passes > 0.35  # counts are whole
    assert passes < 0.65 or held < 1.1 * ROOM * fewest_samples(DROP, CONFIDENCE)  # no fewer are held back


def test_more_samples_are_needed_than_there_are() -> None:
    """Whatever is read: those that were held back did not do."""
    fail = most_lost(SURE) + 1
    evidence, split = of_losses(fail, fail, 0)
    shown = confirm(2, 0, split, evidence, DROP, CONFIDENCE, 50)[1]
    assert not shown.certified
    assert shown.needed is not None and shown.needed > 2 * HELD


def test_no_number_is_said_where_none_would_do() -> None:
    right = np.arange(60) % 10 != 0
    split = Split(np.arange(60), np.arange(0))
    for risk, drop in ((1.9 * DROP, DROP), (4 * DROP, DROP), (0.0, 0.0), (0.0, 1.0)):
        evidence = evidence_of(right, [right, right], [risk, 0.0])
        assert confirm(1, 0, split, evidence, drop, CONFIDENCE, 50)[1].needed is None
    certified, split = of_losses(0, 0)
    assert confirm(1, 0, split, certified, DROP, CONFIDENCE, 50)[1].needed is None


# ---------------------------------------------------------------------------------------------
# Other metrics


def regression(worse: float, samples: int = 400) -> tuple[Evidence, Split]:
    """A candidate whose mean squared error is larger by about so much."""
    rng = np.random.default_rng(3)
    targets = rng.normal(size=(samples, 2))
    before = targets + 0.5 * rng.normal(size=targets.shape)
    after = [before + worse**0.5 * rng.normal(size=targets.shape), before]
    gauge = Told(after, [worse, 0.0])
    return Evidence(find_metric("mse"), before, targets, gauge, after.__getitem__, 5), halves(samples)


def test_other_metrics_are_confirmed_by_the_bootstrap() -> None:
    evidence, split = regression(0.01)
    number, shown = confirm(1, 0, split, evidence, 0.1, CONFIDENCE, 50)
    assert (number, shown.certified, shown.method, shown.needed) == (0, True, BOOTSTRAP, None)
    assert evidence.drop(0, split.held) < shown.bound < 0.1
    assert confirm(1, 0, split, evidence, 0.1, CONFIDENCE, 50) == (number, shown)
    other = replace(evidence, draws=6)
    assert confirm(1, 0, split, other, 0.1, CONFIDENCE, 50)[1].bound != shown.bound


def test_other_metrics_are_not_confirmed_beyond_the_limit() -> None:
    evidence, split = regression(0.2)
    number, shown = confirm(1, 0, split, evidence, 0.1, CONFIDENCE, 50)
    assert (number, shown.certified, shown.needed) == (1, False, None)  # the spare one keeps the score


def test_the_bootstraps_bound_is_about_the_normal_one() -> None:
    evidence, split = regression(0.05, 2000)
    each = np.square(evidence.outputs(0) - evidence.targets) - np.square(
        evidence.reference - evidence.targets
    )
    rows = each[split.held].mean(axis=1)
    expected = rows.mean() + 1.2816 * rows.std() / len(rows) ** 0.5
    assert evidence.bound(0, split.held, 0.9) == pytest.approx(expected, rel=0.03)  # 1,000 draws


def test_confirmations_are_the_same_every_time() -> None:
    found: list[tuple[int, Confirmation]] = [
        confirm(12, 4, halves(320), drawn([*CASES["ever worse"], 0.0], 320, 3), DROP, CONFIDENCE, 100)
        for _ in range(2)
    ]
    assert found[0] == found[1]
