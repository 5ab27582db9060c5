"""What the records of honesty runs amount to, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from honesty_runs import Record
from scipy.stats import binomtest
from search_tables import table

ALL = "all"
MOST_OF_NONE = 0.5
"""Bar: mean exceedance of searches that do not certify, over that without confidence."""
HELD, COST, TIME = 0.9, 1.25, 1.5
"""Bars: certified searches that hold, at least; cost and time over those without confidence, at most."""


@dataclass(frozen=True)
class Pairs:
    """Searches with a confidence, and the same ones without where those were run."""

    default: Sequence[Record]
    none: Sequence[Record | None]

    @classmethod
    def of(cls, records: Iterable[Record], network: str = ALL) -> Pairs:
        """Of one network, or of all."""
        own = [record for record in records if network in (ALL, record.cell.network)]
        without = {record.cell: record for record in own if record.cell.confidence is None}
        default = [record for record in own if record.cell.confidence is not None]
        return cls(default, [without.get(replace(record.cell, confidence=None)) for record in default])

    def certified(self) -> list[Record]:
        """Those that certify their drop."""
        return [record for record in self.default if record.certified]

    def exceeded(self, figure: Callable[[Record], float]) -> tuple[float, float] | None:
        """Mean of those that do not certify, and of the same searches without confidence."""
        pairs = [
            (figure(one), figure(two))
            for one, two in zip(self.default, self.none, strict=True)
            if two is not None and not one.certified
        ]
        return (
            (float(np.mean([a for a, _ in pairs])), float(np.mean([b for _, b in pairs]))) if pairs else None
        )

    def ratios(self, figure: Callable[[Record], float]) -> tuple[float, float] | None:
        """Mean of the ratios with over without confidence, and ratio of the means."""
        pairs = [
            (figure(one), figure(two))
            for one, two in zip(self.default, self.none, strict=True)
            if two is not None
        ]
        if not pairs:
            return None
        ones, twos = np.array(pairs).T
        return float((ones / twos).mean()), float(ones.mean() / twos.mean())


def summary(records: Sequence[Record]) -> str:
    """Every search in groups, then the bars."""
    parts = [searches(records)]
    if any(record.cell.confidence is not None for record in records):
        parts += [with_confidence(records), bars(records)]
    return "\n\n".join(parts)


def searches(records: Iterable[Record]) -> str:
    """Means by network, allowed drop, strategy and confidence."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        cell = record.cell
        effort = cell.effort or ("" if cell.evaluations is None else f"{cell.evaluations}")
        key = (cell.network, cell.max_drop, cell.objective, cell.strategy, effort, cell.confidence)
        groups.setdefault(key, []).append(record)
    head = ["network", "objective", "allowed", "strategy", "effort", "confidence", "searches", "cost"]
    head += ["evaluations", "s", "CPU s", "drop", "unseen", "worst unseen", "within", "certified"]
    rows = []
    for key in sorted(groups, key=str):
        network, drop, objective, strategy, effort, confidence = key
        own = groups[key]
        rows.append(
            [
                *(str(network), str(objective), f"{100 * float(str(drop)):g}", str(strategy), str(effort)),
                *("none" if confidence is None else f"{confidence}", f"{len(own)}"),
                f"{np.mean([record.cost for record in own]):,.0f}",
                f"{np.mean([record.evaluations for record in own]):,.0f}",
                f"{np.mean([record.seconds for record in own]):,.1f}",
                f"{np.mean([record.cpu for record in own]):,.1f}",
                f"{100 * np.mean([record.drop for record in own]):.2f}",
                f"{100 * np.mean([record.unseen_drop for record in own]):.2f}",
                f"{100 * max(record.unseen_drop for record in own):.2f}",
                f"{sum(record.within for record in own)} of {len(own)}",
                "" if confidence is None else f"{sum(record.certified is True for record in own)}",
            ]
        )
    return table(head, rows)


def with_confidence(records: Sequence[Record]) -> str:
    """With a confidence beside without, by network."""
    networks = list(dict.fromkeys(record.cell.network for record in records))
    head = ["network", "searches", "certified", "of these within", "95 %", "all: within bound"]
    head += [
        "not certified: exceed by",
        "the same without confidence",
        "cost, mean of ratios",
        "of means",
        "time, mean of ratios",
        "of means",
    ]
    rows = []
    for network in [*networks, ALL]:
        pairs = Pairs.of(records, network)
        exceeded = pairs.exceeded(_exceedance)
        certified = pairs.certified()
        rows.append(
            [
                *(network, f"{len(pairs.default)}", f"{len(certified)}"),
                *(f"{sum(record.within for record in certified)}", _interval(certified)),
                f"{sum(record.bounded for record in pairs.default)}",
                *(("", "") if exceeded is None else (f"{100 * value:.2f}" for value in exceeded)),
                *_shown(pairs.ratios(lambda record: record.cost)),
                *_shown(pairs.ratios(lambda record: record.seconds)),
            ]
        )
    return table(head, rows)


def bars(records: Sequence[Record]) -> str:
    """What was asked for, what was measured."""
    pairs = Pairs.of(records)
    certified, exceeded = pairs.certified(), pairs.exceeded(_exceedance)
    rows: list[list[str]] = [
        ["searches with a confidence", "50", f"{len(pairs.default)}", _met(len(pairs.default) >= 50)]
    ]
    if certified:
        share = float(np.mean([record.within for record in certified]))
        rows.append(["certified and within, share", f"{HELD:.2f}", f"{share:.3f}", _met(share >= HELD)])
    for drop, least in ((0.01, 1.0), (0.005, 0.5)):
        own = [r for r in pairs.default if r.cell.network == "lenet" and r.cell.max_drop == drop]
        if own:
            share = float(np.mean([record.certified is True for record in own]))
            name = f"LeNet certifies {100 * drop:g}, share of {len(own)}"
            rows.append([name, f"{least:.2f}", f"{share:.2f}", _met(share >= least)])
    if exceeded is not None and exceeded[1] > 0:
        share = exceeded[0] / exceeded[1]
        name = "not certified: mean exceedance / without confidence"
        rows.append([name, f"< {MOST_OF_NONE:.2f}", f"{share:.2f}", _met(share < MOST_OF_NONE)])
    excess = pairs.exceeded(lambda record: record.unseen_drop - record.cell.max_drop)
    if excess is not None:  # no bar: what lies below counts too
        told = " / ".join(f"{100 * value:+.2f}" for value in excess)
        rows.append(["the same in points, those within counted below 0", "", told, ""])
    for name, figure, most in (
        ("cost", lambda record: record.cost, COST),
        ("time", lambda record: record.seconds, TIME),
        ("CPU time", lambda record: record.cpu, TIME),
    ):
        ratio = pairs.ratios(figure)
        if ratio is not None:
            told = f"{ratio[0]:.2f} / {ratio[1]:.2f}"
            name = f"{name} / without confidence (mean of ratios / ratio of means)"
            rows.append([name, f"<= {most:.2f}", told, _met(max(ratio) <= most)])
    return table(["bar", "asked for", "measured", "reached"], rows)


def _exceedance(record: Record) -> float:
    return record.exceedance


def _interval(records: Sequence[Record]) -> str:
    """Of the share that is within, by Wilson's score."""
    if not records:
        return ""
    found = binomtest(sum(record.within for record in records), len(records))
    interval = found.proportion_ci(0.95, "wilson")
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _shown(ratios: tuple[float, float] | None) -> tuple[str, str]:
    return ("", "") if ratios is None else (f"{ratios[0]:.2f}", f"{ratios[1]:.2f}")


def _met(reached: bool) -> str:
    return "yes" if reached else "NO"
