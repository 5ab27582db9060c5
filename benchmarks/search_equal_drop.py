"""What searches cost at the same drop on data that none of them has seen: the default beside other tools.

A search that overfits its validation samples more looks cheaper at the drop that it was allowed. So each
method searches at several allowed drops, on samples drawn by several seeds, and each result is scored on
unseen samples. Methods are the default as it is (``default``), the same without confidence (``null``) and
with little effort (``fast``), and peers, which know no confidence (see ``search_peers``).

The estimator: for each method and allowed drop the mean over seeds of the drop on unseen data and of the
logarithm of cost; both made monotone in the allowed drop by isotonic regression; between these points the
logarithm of cost is interpolated linearly in the drop on unseen data. Grouping by allowed drop, which knows
nothing of the unseen data, keeps the noise of single results out of the curve. Outside of what a method's
points span there is no figure. The ratio is the default's cost at a drop over the peer's; its spread is that
of 1,000 bootstrap draws of the seeds, the same for both methods (5 to 95 %; of those draws whose curves span
the drop).

Searches on the same samples share a journal, so that --out tells nothing about time.

    python benchmarks/search_equal_drop.py --mnist mnist.npz --only lenet --seeds 0:4 --out equal.jsonl
    python benchmarks/search_equal_drop.py --out equal.jsonl --summary
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import search_peers
from honesty_runs import CONFIDENCE, DEFAULT, Cell, Record, Store, run_all
from honesty_tables import searches
from scipy.optimize import isotonic_regression
from search_honesty import add_data_arguments, data_of, networks_of
from search_runs import Uniform
from search_tables import table

CERTIFYING, NULL, FAST = "default", "null", "fast"
OWN = (CERTIFYING, NULL, FAST)
METHODS = (*OWN, *search_peers.NAMES, Uniform.name)
ALLOWED = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
TARGETS = (0.5, 1.0, 1.5)
DRAWS = 1_000
SPREAD = (0.05, 0.95)
Floats = npt.NDArray[np.float64]


def method_of(cell: Cell) -> str:
    """As in ``METHODS``."""
    if cell.strategy != DEFAULT:
        return cell.strategy
    return FAST if cell.effort == FAST else NULL if cell.confidence is None else CERTIFYING


def cell_of(method: str, network: str, seed: int, drop: float, given: argparse.Namespace) -> Cell:
    """The search of a method at an allowed drop in points."""
    return Cell(
        network,
        seed,
        round(drop / 100, 9),
        CONFIDENCE if method == CERTIFYING else None,
        DEFAULT if method in OWN else method,
        given.objective,
        FAST if method == FAST else None,
        given.evaluations if method in (CERTIFYING, NULL) else None,
    )


class Costs:
    """Costs of one method on one network as a function of the drop on unseen data.

    records: of all seeds and allowed drops.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        found = {(record.cell.max_drop, record.cell.seed): record for record in records if record.feasible}
        self.seeds = sorted({seed for _, seed in found})
        self._allowed = sorted({drop for drop, _ in found})
        shape = (len(self._allowed), len(self.seeds))
        self._drops, self._logs = np.full(shape, np.nan), np.full(shape, np.nan)
        for (drop, seed), record in found.items():
            at = self._allowed.index(drop), self.seeds.index(seed)
            self._drops[at], self._logs[at] = record.unseen_drop, np.log(record.cost)

    def at(self, drop: float, seeds: Sequence[int] | None = None) -> float:
        """The cost at a drop (a share), of the mean over the seeds given (some may come twice); NaN where the
        points do not span the drop."""
        columns = [self.seeds.index(seed) for seed in (self.seeds if seeds is None else seeds)]
        drops, logs = self._drops[:, columns], self._logs[:, columns]
        known = ~np.isnan(drops).all(axis=1)
        drops, logs = np.nanmean(drops[known], axis=1), np.nanmean(logs[known], axis=1)
        drops, logs = isotonic_regression(drops).x, isotonic_regression(logs, increasing=False).x
        if not len(drops) or not drops[0] <= drop <= drops[-1]:
            return float("nan")
        levels, where = np.unique(drops, return_inverse=True)  # pooled points have one drop and a mean cost
        means = np.array([logs[where == level].mean() for level in range(len(levels))])
        return float(np.exp(np.interp(drop, levels, means)))


def ratio(one: Costs, other: Costs, drop: float) -> tuple[float, float, float]:
    """Cost of one over that of the other at a drop, and the spread over seeds; NaN where there is none."""
    seeds = [seed for seed in one.seeds if seed in other.seeds]
    if not seeds:
        return (float("nan"),) * 3
    chooser = np.random.default_rng(0)
    draws = chooser.choice(seeds, (DRAWS, len(seeds)))
    found = np.array([one.at(drop, list(draw)) / other.at(drop, list(draw)) for draw in draws])
    found = found[~np.isnan(found)]
    low, high = np.quantile(found, SPREAD) if len(found) else (float("nan"),) * 2
    return one.at(drop, seeds) / other.at(drop, seeds), float(low), float(high)


def comparison(records: Sequence[Record], reference: str, targets: Sequence[float]) -> str:
    """Costs at equal drops, and the reference's over the others'."""
    grouped: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        key = (record.cell.network, record.cell.objective, method_of(record.cell))
        grouped.setdefault(key, []).append(record)
    costs = {key: Costs(own) for key, own in grouped.items()}
    rows = []
    for (network, objective, method), own in sorted(costs.items()):
        best = costs.get((network, objective, reference))
        evaluations = np.mean([r.evaluations for r in grouped[network, objective, method]])
        row = [network, objective, method, f"{len(own.seeds)}", f"{evaluations:,.0f}"]
        for target in targets:
            cost = own.at(target / 100)
            row.append("–" if np.isnan(cost) else f"{cost:,.0f}")
            row.append("" if best is None or method == reference else _ratio(ratio(best, own, target / 100)))
        rows.append(row)
    head = ["network", "objective", "method", "seeds", "evaluations"]
    for target in targets:
        head += [f"cost at {target:g} unseen", f"{reference} / it"]
    return table(head, rows)


def _ratio(found: tuple[float, float, float]) -> str:
    middle, low, high = found
    return "–" if np.isnan(middle) else f"{middle:.2f} ({low:.2f} to {high:.2f})"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    methods = (CERTIFYING, NULL, *search_peers.NAMES)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=methods)
    parser.add_argument("--drops", nargs="+", type=float, default=ALLOWED, help="allowed, in points")
    parser.add_argument("--targets", nargs="+", type=float, default=TARGETS, help="on unseen data, in points")
    parser.add_argument("--reference", choices=METHODS, default=NULL, help="whose cost is divided")
    parser.add_argument("--objective", default="lut")
    parser.add_argument("--evaluations", type=int, help="most evaluations of default and null")
    given = parser.parse_args()
    if not given.summary:
        given.networks = networks_of(given, parser)
    return given


def groups(given: argparse.Namespace) -> Iterator[list[Cell]]:
    """The searches on the same samples."""
    for network in given.networks:
        for seed in given.seeds:
            yield [
                cell_of(method, network, seed, drop, given)
                for method in given.methods
                for drop in given.drops
            ]


def main() -> None:
    given = arguments()
    if not given.summary:
        with tempfile.TemporaryDirectory() as folder:
            run_all(groups(given), data_of(given), given.out, given.jobs, Path(folder))
    records = list(Store(given.out).records.values())
    print(f"\n{searches(records)}\n\n{comparison(records, given.reference, given.targets)}")


if __name__ == "__main__":
    main()
