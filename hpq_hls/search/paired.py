"""An upper bound on the drop that holds for any number of samples, however few answers differ.

Both networks answer the same samples; ``lost`` are those that only the float network gets right, ``gained``
those that only the quantized one does. Score intervals such as Tango's (see ``significance``) are right for
many differing answers and too narrow for few: 0 of 164 lost would show a drop of at most 1 % at 90 %, though
at a drop of 1 % that happens in 19 of 100 data sets. The test here is exact: the probability of counts that
speak at least as much against the drop, at the least favourable share of gained answers. Counts are put in
order by Tango's statistic, and the share is searched within what the gained ones leave possible (Berger and
Boos, "P Values Maximized Over a Confidence Set for the Nuisance Parameter", JASA 89 (1994), 1012-1016).
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from hpq_hls.ops.base import FloatArray

UNLIKELY = 0.01
"""Of the probability of error that a bound may have, the part for a share of gained answers larger than what
is searched."""
SHARES, ZOOMS = 24, 2
"""Shares of gained answers that are looked at, and how often again between the neighbours of the worst one:
between the first ones of few samples the probability is up to 2 % higher."""
NEGLIGIBLE = 1e-10
STEPS = 40
CLOSE = 1e-6
"""How exactly a bound is found, as a share of samples; it is never below the true one."""


def p_value(lost: float, gained: float, samples: int, drop: float, unlikely: float = 1e-3) -> float:
    """How likely counts like these, or further from it, are if the true drop is ``drop`` (or more).

    lost, gained: counts, or expected ones. drop: a share of samples, above 0 and below 1. unlikely:
    probability with which the share of gained answers is larger than what is searched; part of the result.
    """
    most = (
        float(scipy.stats.beta.ppf(1 - unlikely, gained + 1, samples - gained)) if gained < samples else 1.0
    )
    most = min(most, (1 - drop) / 2)
    other = np.arange(int(scipy.stats.binom.ppf(1 - NEGLIGIBLE, samples, most)) + 1)
    seen = _statistic(np.array([float(lost)]), np.array([float(gained)]), samples, drop)[0]
    against = _most_lost(other, samples, drop, seen)
    worst, shares = 0.0, np.linspace(0.0, most, SHARES)
    for _ in range(1 + ZOOMS):
        given = np.minimum((shares + drop) / (1 - shares), 1.0)[:, None]
        each = scipy.stats.binom.pmf(other, samples, shares[:, None]) * scipy.stats.binom.cdf(
            against, samples - other, given
        )
        chances = each.sum(axis=1)
        at = int(chances.argmax())
        worst = max(worst, float(chances[at]))
        shares = np.linspace(shares[max(at - 1, 0)], shares[min(at + 1, SHARES - 1)], SHARES)
    return min(worst + unlikely, 1.0)


def upper_bound(lost: float, gained: float, samples: int, confidence: float) -> float:
    """The largest drop, as a share of samples, that the test does not reject at this confidence."""
    low, high = max((lost - gained) / samples, 0.0), 1.0
    error = 1 - confidence
    for _ in range(STEPS):
        if high - low <= CLOSE:
            break
        middle = (low + high) / 2
        if p_value(lost, gained, samples, middle, UNLIKELY * error) <= error:
            high = middle
        else:
            low = middle
    return high


def fewest_samples(drop: float, confidence: float) -> int:
    """So many samples show a drop below ``drop`` if both networks answer all of them alike.

    drop: above 0.
    """
    if drop >= 1:
        return 1
    error = 1 - confidence

    def few(samples: int) -> bool:
        return p_value(0, 0, samples, drop, UNLIKELY * error) > error

    # No answer lost has this probability; one lost and several gained may speak as much against the drop.
    low = high = math.ceil(math.log((1 - UNLIKELY) * error) / math.log1p(-drop))
    while few(high):
        low, high = high + 1, high + math.ceil(high / 8)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if few(middle) else (low, middle)
    return high


def _most_lost(
    gained: np.ndarray[tuple[int], np.dtype[np.int64]], samples: int, drop: float, seen: float
) -> FloatArray:
    """For each count of gained answers the most lost ones whose statistic is at most ``seen``; -1 for
    none."""
    low, high = np.full(len(gained), -1), samples - gained
    while (low < high).any():
        middle = (low + high + 1) // 2
        within = (
            _statistic(middle.astype(np.float64), gained.astype(np.float64), samples, drop) <= seen + 1e-12
        )
        low, high = np.where(within, middle, low), np.where(within, high, middle - 1)
    return np.asarray(low, dtype=np.float64)


def _statistic(lost: FloatArray, gained: FloatArray, samples: int, drop: float) -> FloatArray:
    """Tango's score statistic; see ``significance``. 0 < drop < 1."""
    a, c = 2 * samples, -gained * drop * (1 - drop)
    b = -lost - gained + (2 * samples - lost + gained) * drop
    share = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = samples * (2 * share + drop * (1 - drop))
    return np.asarray((lost - gained - samples * drop) / np.sqrt(np.maximum(variance, 1e-300)))
