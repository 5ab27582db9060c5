"""DSP blocks, LUTs and flip-flops of a matrix-vector unit by the width of its operands and the family.

A linear layer of 12 rows and 32 columns, all rows and 16 columns at once: 192 products a cycle. Each project
is simulated first and must give the reference's words; then Yosys maps all of it, ports and buffers included.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq

ROWS, COLUMNS, SIMD = 12, 32, 16
PARTS = {"DSP48E1": "xc7z020clg400-1", "DSP48E2": "xczu7ev-ffvc1156-2-e"}
CASES = [
    *((bits, block, "auto") for bits in (8, 4) for block in PARTS),
    *((bits, "DSP48E1", "lut") for bits in (8, 4)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    torch.manual_seed(seed)
    graph = hpq.from_torch(nn.Sequential(nn.Linear(COLUMNS, ROWS)).eval(), torch.zeros(2, COLUMNS))
    x = np.random.default_rng(seed).normal(size=(40, COLUMNS))
    print(f"{'':28}{'DSP':>6}{'estimated':>11}{'LUT':>8}{'FF':>8}{'products per block':>20}")
    for bits, block, multiplier in CASES:
        q = hpq.quantize(graph, x, bits)
        wish = {
            "part": PARTS[block],
            "multiplier": multiplier,
            "layers": {next(iter(q.layers)): {"pe": ROWS, "simd": SIMD, "multiplier": multiplier}},
        }
        with tempfile.TemporaryDirectory() as scratch:
            project = hpq.generate(q, Path(scratch) / "p", "rtl", oversize=True, **wish)
            np.testing.assert_array_equal(project.cosim(x).raw, q.predict_raw(x))
            made = project.synth("yosys")
        ratio = f"{ROWS * SIMD / made.dsp:.2f}" if made.dsp else "-"
        guess = hpq.estimate(q, **wish).dsp
        name = f"{bits} x {bits}, {block}, {multiplier}"
        print(f"{name:28}{made.dsp:6}{guess:11}{made.lut:8}{made.ff:8}{ratio:>20}", flush=True)


if __name__ == "__main__":
    main()
