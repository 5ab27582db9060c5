"""Factors that turn bills into what a user's own HLS tool reports, fitted to reports of that tool.

A bill says what the RTL twin is built from. C synthesis builds the same kernels in its own way and counts
them in its own way. What it reports of a kernel is taken to be a sum of a few amounts, each times a factor of
its kind of kernel; which products are in DSP blocks is a rule of two thresholds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import DSP_MIN_OPERAND, DSP_MIN_PRODUCT, dsp_blocks
from hpq_hls.billing.coefficients import coefficients
from hpq_hls.errors import ConfigError
from hpq_hls.reading import read_text
from hpq_hls.tools.files import write_file

FORMAT = 1
MAX_BYTES = 1 << 20
MAX_FACTOR = 1e6
STREAMS = "streams"
"""The kind of FIFOs and ports together."""

AMOUNTS = ("one", "fabric", "dsp", "sums", "logic", "memory", "registers", "bram", "taken", "made")
"""What is counted of a kernel: itself; bits times bits of the products in LUTs; DSP blocks; LUTs of sums, of
memories and of all other logic, flip-flops and block RAMs as billed; bits of what it reads, and of what it
makes, for one result."""

_SUMS = (Term.NEGATE, Term.GRAPH, Term.ADD2, Term.ADD3, Term.ADD4, Term.ACCUMULATE, Term.BIAS)
_PRODUCTS = (Term.PRODUCT, Term.CONSTANT)


@dataclass(frozen=True)
class DspRule:
    """Which products a tool builds in DSP blocks.

    min_operand, min_product: a product is in DSP blocks if its narrower operand and both together have that
    many bits, as signed numbers. per_block: products that share a block.
    """

    min_operand: int = DSP_MIN_OPERAND
    min_product: int = DSP_MIN_PRODUCT
    per_block: int = 1

    def takes(self, left: int, right: int) -> bool:
        """Whether a product of operands of these widths is in DSP blocks."""
        return min(left, right) >= self.min_operand and left + right >= self.min_product

    def blocks(self, bill: Bill) -> int:
        """DSP blocks of the products of a bill."""
        found = 0
        for (left, right, in_luts), count in bill.products.items():
            if not in_luts and self.takes(left, right):
                found += math.ceil(count * dsp_blocks(left, right, bill.family) / self.per_block)
        return found


@dataclass(frozen=True)
class Factors:
    """LUTs and flip-flops for each of ``AMOUNTS``, of one kind of kernel. samples: kernels they were fitted
    to."""

    lut: tuple[float, ...]
    ff: tuple[float, ...]
    samples: int


@dataclass(frozen=True)
class HeldOut:
    """Relative errors of kernels that a fit has not seen: half are below ``median``, nine of ten below
    ``ninety``. before: the median of the estimate that is not calibrated."""

    median: float
    ninety: float
    before: float


@dataclass(frozen=True)
class Calibration:
    """What was fitted to reports.

    tool, version, stage: of the reports, such as "Vitis HLS", "2023.2", "C synthesis". backend: whose C++
    they are of. designs, kernels: how many. kinds: factors by kind of kernel; ``other`` holds for kinds that
    no report has. dsp: the rule for products; None where the reports tell none. held_out: by "lut", "ff" and
    "dsp".
    """

    tool: str
    version: str
    stage: str
    backend: str
    designs: int
    kernels: int
    kinds: Mapping[str, Factors]
    other: Factors
    dsp: DspRule | None
    held_out: Mapping[str, HeldOut] = field(default_factory=dict)  # not a proxy: workers get it pickled

    @property
    def sentence(self) -> str:
        """What it rests on."""
        name = " ".join(part for part in (self.tool, self.version) if part)
        return f"calibrated on {self.designs} designs of {name}, {self.stage}"

    def apply(self, kind: str, bill: Bill, taken: int, made: int) -> tuple[int, int, int]:
        """LUTs, flip-flops and DSP blocks of a kernel. taken, made: as of ``AMOUNTS``."""
        factors = self.kinds.get(kind, self.other)
        found = amounts(bill, self.dsp, taken, made)
        lut, ff = (_weighted(each, found) for each in (factors.lut, factors.ff))
        return lut, ff, round(found[AMOUNTS.index("dsp")])

    def to_json(self) -> str:
        """Text of the file."""

        def named(factors: Factors) -> dict[str, Any]:
            return {
                "samples": factors.samples,
                "lut": dict(zip(AMOUNTS, factors.lut, strict=True)),
                "ff": dict(zip(AMOUNTS, factors.ff, strict=True)),
            }

        content = {
            "format": FORMAT,
            "what": "factors of hpq calibrate",
            "tool": self.tool,
            "version": self.version,
            "stage": self.stage,
            "backend": self.backend,
            "designs": self.designs,
            "kernels": self.kernels,
            "dsp": None if self.dsp is None else vars(self.dsp),
            "kinds": {name: named(factors) for name, factors in sorted(self.kinds.items())},
            "other": named(self.other),
            "held_out": {name: vars(error) for name, error in self.held_out.items()},
        }
        return json.dumps(content, indent=2) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write it to a file.

        Raises:
            OutputError: the file cannot be written.
        """
        write_file(Path(path), self.to_json())
        return Path(path)


def amounts(bill: Bill, rule: DspRule | None, taken: int, made: int) -> tuple[float, ...]:
    """The ``AMOUNTS`` of a kernel. rule: for products; None: as billed."""
    each = coefficients(bill.family)
    terms = {term: amount * each[term] for term, amount in bill.terms.items()}
    sums = sum(terms.get(term, 0.0) for term in _SUMS)
    memory = terms.get(Term.MEMORY, 0.0)
    logic = sum(terms.values()) - sums - memory - sum(terms.get(term, 0.0) for term in _PRODUCTS)
    rule_or_twin = rule or DspRule()
    fabric = sum(
        count * left * right
        for (left, right, in_luts), count in bill.products.items()
        if in_luts or not rule_or_twin.takes(left, right)
    )
    dsp = bill.dsp if rule is None else rule.blocks(bill)
    return (1.0, fabric, dsp, sums, logic, memory, bill.ff, bill.bram, taken, made)


def _weighted(factors: Sequence[float], found: Sequence[float]) -> int:
    return round(sum(factor * amount for factor, amount in zip(factors, found, strict=True)))


# ---------------------------------------------------------------------------------------------
# Reading


def load_calibration(path: str | Path) -> Calibration:
    """Read a file that ``hpq calibrate`` wrote.

    Raises:
        ConfigError: it is missing, no such file, or holds something else than it should.
    """
    try:
        data = json.loads(read_text(path, MAX_BYTES))
    except FileNotFoundError:
        raise ConfigError(f"calibration {path} does not exist; write one with `hpq calibrate`") from None
    except OSError as error:
        raise ConfigError(f"calibration {path} cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"calibration {path} is no JSON; write it again with `hpq calibrate`") from error
    try:
        return _calibration(data)
    except (_WrongError, KeyError, TypeError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is not as it should be ({error})"
        raise ConfigError(f"calibration {path} {what}; write it again with `hpq calibrate`") from error


class _WrongError(Exception):
    """A value that no file of ours has."""


def _calibration(data: Any) -> Calibration:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _WrongError(f"its format is not {FORMAT}")
    text = {name: data[name] for name in ("tool", "version", "stage", "backend")}
    if not all(isinstance(value, str) for value in text.values()):
        raise _WrongError("tool, version, stage and backend are texts")
    rule = data["dsp"]
    errors = data["held_out"].items()
    return Calibration(
        **text,
        designs=_count("designs", data["designs"]),
        kernels=_count("kernels", data["kernels"]),
        kinds={str(name): _factors(name, kind) for name, kind in data["kinds"].items()},
        other=_factors("other", data["other"]),
        dsp=None
        if rule is None
        else DspRule(**{name: _count(name, number) for name, number in rule.items()}),
        held_out={
            name: HeldOut(**{key: _number(key, value) for key, value in error.items()})
            for name, error in errors
        },
    )


def _factors(name: str, data: Any) -> Factors:
    found = []
    for side in ("lut", "ff"):
        if set(data[side]) != set(AMOUNTS):
            raise _WrongError(f"factors of {name} are for {', '.join(AMOUNTS)}")
        found.append(tuple(_number(f"{name}.{side}.{key}", data[side][key]) for key in AMOUNTS))
    return Factors(found[0], found[1], _count("samples", data["samples"], 0))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_FACTOR:
        raise _WrongError(f"{name} is {value!r}, no number from 0 to {MAX_FACTOR:,.0f}")
    return float(value)


def _count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_FACTOR:
        raise _WrongError(f"{name} is {value!r}, no whole number from {least}")
    return value


def with_held_out(calibration: Calibration, errors: Mapping[str, HeldOut]) -> Calibration:
    """The same with errors that were measured."""
    return replace(calibration, held_out=dict(errors))
