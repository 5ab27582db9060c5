"""The fit: a rule for DSP blocks, then factors that are not negative, in relative error, kind by kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.calibration import (
    AMOUNTS,
    Calibration,
    DspRule,
    Factors,
    HeldOut,
    amounts,
    with_held_out,
)
from hpq_hls.billing.coefficients import luts
from hpq_hls.calibrate.samples import LEAST_DESIGNS, RESOURCES, Reports, Sample
from hpq_hls.errors import DataError

FOLDS = 5
LEAST_SAMPLES = 8
"""Kernels of a kind from which factors of its own are fitted; of fewer only their scale is."""
RIDGE = 0.003
"""How strongly factors are held to the twin's, as a share of the samples."""
FLOOR = 0.05
"""Of the median: what is smaller counts as large as this, or kernels that take next to nothing decide
alone."""
ROUNDS = 12
MOST_RATIO = 4.0
"""Up to which too much counts as too little does: four times too much as a quarter."""
MOST_OPERAND, MOST_PRODUCT, MOST_PER_BLOCK = 19, 41, 4

TWIN = {
    "lut": {"fabric": 0.55, "sums": 1.0, "logic": 1.0, "memory": 1.0},
    "ff": {"registers": 1.0},
}
"""What the RTL twin takes of each amount: where nothing is reported of one, its factor stays near this. A
soft product takes 0.52 to 0.64 LUTs for each bit times bit (docs/hardware.md)."""

Array = npt.NDArray[np.float64]


def fit(reports: Reports) -> Calibration:
    """Factors for what was reported, and their errors on designs that were left out.

    Raises:
        DataError: there are too few designs.
    """
    designs = reports.designs
    if len(designs) < LEAST_DESIGNS:
        raise DataError(
            f"{reports.source} has reports of {len(designs)} designs; {LEAST_DESIGNS} are the least to "
            "calibrate on"
        )
    made = fit_samples(reports, reports.samples)
    return with_held_out(made, held_out(reports))


def fit_samples(reports: Reports, samples: Sequence[Sample]) -> Calibration:
    """Factors for some of the samples; nothing is said of their errors."""
    rule = fit_rule(samples)
    kinds = sorted({sample.kind for sample in samples})
    scale = {side: _scale(samples, rule, side) for side in ("lut", "ff")}
    other = Factors(_twin("lut", scale["lut"]), _twin("ff", scale["ff"]), 0)
    return Calibration(
        tool=" and ".join(reports.tools),
        version=", ".join(reports.versions),
        stage=" and ".join(reports.stages),
        backend=reports.backends[0],
        designs=len({sample.design for sample in samples}),
        kernels=len(samples),
        kinds={kind: _of_kind([one for one in samples if one.kind == kind], rule) for kind in kinds},
        other=other,
        dsp=rule,
    )


# ---------------------------------------------------------------------------------------------
# DSP blocks


def fit_rule(samples: Sequence[Sample]) -> DspRule | None:
    """The rule that is nearest to the DSP blocks that were reported; among equals the nearest to the twin's.
    None where nothing multiplies."""
    used = [one for one in samples if any(not in_luts for _, _, in_luts in one.bill.products)]
    if not used:
        return None
    reported = np.array([one.reported["dsp"] for one in used])
    usual, found, least = DspRule(), DspRule(), (np.inf, 0)
    for per_block in range(1, MOST_PER_BLOCK + 1):
        for operand in range(1, MOST_OPERAND + 1):
            for product in range(2, MOST_PRODUCT + 1):
                rule = DspRule(operand, product, per_block)
                made = np.array([rule.blocks(one.bill) for one in used])
                wrong = float(np.mean(np.abs(made - reported) / np.maximum(np.maximum(made, reported), 1)))
                far = (
                    abs(operand - usual.min_operand) + abs(product - usual.min_product) + 50 * (per_block - 1)
                )
                if (round(wrong, 9), far) < least:
                    found, least = rule, (round(wrong, 9), far)
    return found


# ---------------------------------------------------------------------------------------------
# Factors


def _of_kind(samples: Sequence[Sample], rule: DspRule | None) -> Factors:
    if len(samples) < LEAST_SAMPLES:
        lut, ff = (_twin(side, _scale(samples, rule, side)) for side in ("lut", "ff"))
        return Factors(lut, ff, len(samples))
    rows = np.array([amounts(one.bill, rule, one.taken, one.made) for one in samples])
    lut, ff = (
        _fitted(
            rows, np.array([one.reported[side] for one in samples]), _twin(side, _scale(samples, rule, side))
        )
        for side in ("lut", "ff")
    )
    return Factors(lut, ff, len(samples))


def _fitted(rows: Array, reported: Array, near: Sequence[float]) -> tuple[float, ...]:
    """Factors with about the least mean of relative errors, in which half of a figure is as wrong as twice
    the figure, by least squares whose weights are adapted."""
    from scipy.optimize import nnls  # loading it takes a second

    size = np.maximum(reported, max(FLOOR * float(np.median(reported)), 1.0))
    scaled, wanted = rows / size[:, None], reported / size
    pull = np.sqrt(RIDGE * len(rows)) * scaled.mean(axis=0)
    held = np.asarray(near) * pull
    weights, factors = np.ones(len(rows)), np.zeros(rows.shape[1])
    for _ in range(ROUNDS):
        left = np.vstack([scaled * weights[:, None], np.diag(pull)])
        factors = nnls(left, np.concatenate([wanted * weights, held]))[0]
        made = scaled @ factors
        # In relative errors nothing is as wrong as twice too much: what fits badly would be next to nothing.
        even = np.clip(made / np.maximum(wanted, 1e-9), 1 / MOST_RATIO, MOST_RATIO)
        weights = 1 / np.sqrt(even * np.maximum(np.abs(made - wanted), 0.02))
        weights /= weights.mean()
    # Where an amount is always zero, its factor follows from nothing but the twin's.
    return tuple(np.where(pull > 0, factors, near).tolist())


def _twin(side: str, scale: float) -> tuple[float, ...]:
    return tuple(TWIN[side].get(name, 0.0) * scale for name in AMOUNTS)


def _scale(samples: Sequence[Sample], rule: DspRule | None, side: str) -> float:
    """How many times the twin's figures the reported ones are, in the median; 1 where nothing tells."""
    near = np.array(_twin(side, 1.0))
    ratios = []
    for one in samples:
        plain = float(near @ np.array(amounts(one.bill, rule, one.taken, one.made)))
        if plain > 0 and one.reported[side] > 0:
            ratios.append(one.reported[side] / plain)
    return float(np.median(ratios)) if ratios else 1.0


# ---------------------------------------------------------------------------------------------
# Errors


def held_out(reports: Reports, folds: int = FOLDS) -> dict[str, HeldOut]:
    """Errors on designs, each left out once of a fit to all others but a few."""
    designs = np.array(reports.designs)
    order = np.random.default_rng(0).permutation(len(designs))
    errors: dict[str, list[float]] = {name: [] for name in RESOURCES}
    before: dict[str, list[float]] = {name: [] for name in RESOURCES}
    for part in np.array_split(order, min(folds, len(designs))):
        left_out = set(designs[part].tolist())
        seen = [one for one in reports.samples if one.design not in left_out]
        rest = [one for one in reports.samples if one.design in left_out]
        calibration = fit_samples(reports, seen)
        for name, values in errors_of(calibration, rest).items():
            errors[name] += values
        for name, values in errors_of(None, rest).items():
            before[name] += values
    return {
        name: HeldOut(
            round(float(np.median(values)), 4),
            round(float(np.quantile(values, 0.9)), 4),
            round(float(np.median(before[name])), 4),
        )
        for name, values in errors.items()
    }


def errors_of(calibration: Calibration | None, samples: Sequence[Sample]) -> dict[str, list[float]]:
    """Relative errors by resource, of each design as a whole. calibration: None: of the twin's figures."""
    made: dict[str, list[float]] = {}
    told: dict[str, list[float]] = {}
    for one in samples:
        figures = (
            _plain(one.bill)
            if calibration is None
            else calibration.apply(one.kind, one.bill, one.taken, one.made)
        )
        made[one.design] = [a + b for a, b in zip(made.get(one.design, [0.0] * 3), figures, strict=True)]
        reported = [one.reported[name] for name in RESOURCES]
        told[one.design] = [a + b for a, b in zip(told.get(one.design, [0.0] * 3), reported, strict=True)]
    return {
        name: [abs(made[key][at] - told[key][at]) / max(told[key][at], 1.0) for key in told]
        for at, name in enumerate(RESOURCES)
    }


def _plain(bill: Bill) -> tuple[int, int, int]:
    return round(luts(bill)), bill.ff, bill.dsp
