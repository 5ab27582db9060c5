"""A model of the accuracy of combinations that were not measured: a Gaussian process on the noise model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from hpq_hls.search.strategies.noise import Combinations, Floats, Noise

MOST_SAMPLES = 600
"""Measured combinations that the model takes, those nearest to the boundary."""
MOST_FITTED = 150
"""Of these, how many the kernel's parameters are fitted on."""
START = np.log([1.0, 1.5, 0.5, 0.5, 0.3, 0.1, 0.5])
"""Strength and length of the trend, strength of shares by variable, strength and length of luck, strengths of
white noise and of shares by choice."""
STEPS = 15
JITTER = 1e-6
ROWS = 2_048
"""Combinations whose features are held at a time: each has one for every choice of every variable."""


@dataclass(frozen=True, eq=False)
class _Features:
    """What the kernel sees of combinations, one row each.

    level: logarithm of the modelled error over the budget. shares: of each variable in the modelled error.
    noise: modelled error over the budget. marked: (rows, positions of all variables), at the chosen position
    of each variable the square root of what it adds over the budget, else 0. tagged: likewise its share.
    """

    level: Floats
    shares: Floats
    noise: Floats
    marked: Floats
    tagged: Floats


class AccuracyModel:
    """Predicts margins: score above the least, in units of ``scale``, squashed by arcsinh.

    The kernel is the sum of

    - trend: Matérn 5/2 in the logarithm of the modelled error: how accuracy falls with noise;
    - shares: the product of the variables' shares of the noise, which is a free scale for each variable's
      noise, linearised: its noise may harm accuracy more or less than its power tells; once for the
      variable, once for each of its choices;
    - luck: exp(-d / l), d the noise power by which two combinations differ: combinations whose noise is
      mostly the same get mostly the same samples wrong;
    - white noise.

    Their five strengths and two lengths maximize the marginal likelihood.
    """

    def __init__(self, noise: Noise, least: float, scale: float) -> None:
        self._noise, self._least, self._scale = noise, least, scale
        self._logs = START.copy()

    def fit(self, combinations: Combinations, scores: Floats, *, tune: bool) -> None:
        """Learn from measured combinations; tune: fit the kernel's parameters too."""
        target = np.arcsinh((scores - self._least) / self._scale)
        level = np.log(self._noise.total(combinations) / self._noise.budget)
        nearest = np.argsort(np.abs(target) + 0.5 * np.abs(level), kind="stable")[:MOST_SAMPLES]
        self._known = self._features(combinations[nearest])
        target = target[nearest]
        self._mean = float(target.mean())
        if tune:
            few = np.unique(np.linspace(0, len(target) - 1, MOST_FITTED).astype(int))
            self._tune(_rows(self._known, few), target[few] - self._mean)
        matrix = self._kernel(self._known, self._known)
        matrix[np.diag_indices_from(matrix)] += np.exp(2 * self._logs[5]) + JITTER
        self._factor = scipy.linalg.cho_factor(matrix, lower=True)
        self._weights = scipy.linalg.cho_solve(self._factor, target - self._mean)

    def predict(self, combinations: Combinations) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the squashed margins, (rows,) each."""
        parts = np.array_split(combinations, max(1, -(-len(combinations) // ROWS)))
        means, deviations = zip(*map(self._predict, parts), strict=True)
        return np.concatenate(means), np.concatenate(deviations)

    def _predict(self, combinations: Combinations) -> tuple[Floats, Floats]:
        features = self._features(combinations)
        cross = self._kernel(features, self._known)
        mean = self._mean + cross @ self._weights
        shares = np.exp(2 * self._logs[[2, 6]]).sum() * np.square(features.shares).sum(axis=1)
        variance = np.exp(2 * self._logs[[0, 3]]).sum() + shares
        variance = variance - np.einsum("ij,ji->i", cross, scipy.linalg.cho_solve(self._factor, cross.T))
        return mean, np.sqrt(np.maximum(variance, 0) + np.exp(2 * self._logs[5]))

    def probability(self, combinations: Combinations, doubt: float) -> Floats:
        """Of each combination being accurate enough, (rows,). doubt: times the deviations."""
        mean, deviation = self.predict(combinations)
        return np.asarray(scipy.special.ndtr(mean / (doubt * deviation)))

    def scales(self) -> Floats:
        """By which factor each variable's noise seems to harm more than its power tells, (variables,)."""
        shift = np.exp(2 * self._logs[2]) * self._known.shares.T @ self._weights
        at = _Features(np.array([-0.25, 0.25]), *([np.zeros((2, 0))] * 4))
        trend = self._trend(at, self._known) @ self._weights
        slope = min((trend[1] - trend[0]) / 0.5, -0.1)
        return np.asarray(np.exp(np.clip(shift / slope, -1.5, 1.5)))

    def _features(self, combinations: Combinations) -> _Features:
        parts = self._noise.parts(combinations) / self._noise.budget
        total = parts.sum(axis=1)
        rows, count = combinations.shape
        by_choice = np.zeros((rows, count, self._noise.table.shape[1]))
        by_choice[np.arange(rows)[:, None], np.arange(count), combinations] = np.sqrt(parts)
        marked = by_choice.reshape(rows, -1)
        tagged = np.square(marked) / total[:, None]
        return _Features(np.log(total), parts / total[:, None], total, marked, tagged)

    def _trend(self, a: _Features, b: _Features) -> Floats:
        distance = np.sqrt(5) * np.abs(a.level[:, None] - b.level) / np.exp(self._logs[1])
        return np.asarray(
            np.exp(2 * self._logs[0]) * (1 + distance + np.square(distance) / 3) * np.exp(-distance)
        )

    def _kernel(self, a: _Features, b: _Features) -> Floats:
        common = a.marked @ b.marked.T
        apart = np.maximum(a.noise[:, None] + b.noise - 2 * common, 0)
        luck = np.exp(2 * self._logs[3] - apart / np.exp(self._logs[4]))
        shares = np.exp(2 * self._logs[2]) * (a.shares @ b.shares.T)
        choices = np.exp(2 * self._logs[6]) * (a.tagged @ b.tagged.T)
        return np.asarray(self._trend(a, b) + shares + choices + luck)

    def _tune(self, known: _Features, target: Floats) -> None:

        def loss(logs: Floats) -> float:
            self._logs = logs
            matrix = self._kernel(known, known)
            matrix[np.diag_indices_from(matrix)] += np.exp(2 * logs[5]) + JITTER
            try:
                factor = scipy.linalg.cho_factor(matrix, lower=True)
            except np.linalg.LinAlgError:
                return 1e6
            fit = 0.5 * float(target @ scipy.linalg.cho_solve(factor, target))
            return (
                fit
                + float(np.log(np.diagonal(factor[0])).sum())
                + 0.5 * float(np.square((logs - START) / 1.5).sum())
            )

        start = self._logs
        bounds, options = [(-5, 4)] * len(start), {"maxiter": STEPS}
        found = scipy.optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds, options=options)
        self._logs = found.x if np.isfinite(found.fun) and found.fun < loss(start) else start


def _rows(features: _Features, chosen: np.ndarray) -> _Features:
    return _Features(
        features.level[chosen],
        features.shares[chosen],
        features.noise[chosen],
        features.marked[chosen],
        features.tagged[chosen],
    )
