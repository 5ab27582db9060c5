"""LUTs per unit of each building block, fitted to what Yosys makes of generated kernels.

Fitted by ``benchmarks/estimate_vs_yosys.py --refit``, which prints this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hpq_hls.billing.bill import Term

LUTS: Mapping[Term, float] = MappingProxyType(
    {
        Term.MEMORY: 1.0,
        Term.PRODUCT: 1.0,
        Term.CONSTANT: 1.0,
        Term.NEGATE: 1.0,
        Term.GRAPH: 1.0,
        Term.ADD2: 1.0,
        Term.ADD3: 1.7,
        Term.ADD4: 2.6,
        Term.ACCUMULATE: 1.0,
        Term.BIAS: 1.0,
        Term.SELECT: 1.0,
        Term.SHIFT_OUT: 1.0,
        Term.PAD: 1.0,
        Term.COMPARE: 1.7,
        Term.BOUND: 0.3,
        Term.SATURATE: 1.0,
        Term.RANGE: 1.0,
        Term.ROUND: 1.0,
        Term.STICKY: 0.2,
        Term.COUNTER: 1.3,
        Term.FIFO: 1.5,
        Term.MATVEC: 10.0,
        Term.WINDOW: 20.0,
        Term.CHANNELMAC: 5.0,
        Term.PIPELINE: 1.0,
        Term.CONVERTER: 1.0,
        Term.FORK: 2.0,
        Term.PORT: 1.0,
    }
)
