"""How fast a folded unit is on a Lattice ECP5, placed and routed, beside what the delay model says.

    python benchmarks/unit_clock.py --simd 16 --clocks 20 5 2.5        # minutes
    python benchmarks/unit_clock.py --simd 64 --clocks 2.5             # longer

A linear layer of 16 rows, one row and so many columns at once, with its products in blocks and in LUTs, at
each clock that is asked for. The project is simulated first and must give the reference's words; ports and
buffers are included. nextpnr is given the same clock. The model knows nothing of placing and routing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq

ROWS, PART = 16, "LFE5U-85F-8BG756C"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simd", type=int, default=16, help="columns, and products at once")
    parser.add_argument("--bits", type=int, default=8, help="of weights and activations")
    parser.add_argument("--clocks", type=float, nargs="+", default=[20.0, 5.0, 2.5], help="nanoseconds")
    parser.add_argument("--multipliers", nargs="+", choices=["dsp", "lut"], default=["dsp", "lut"])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    net = nn.Sequential(nn.Linear(asked.simd, ROWS), nn.ReLU()).eval()
    x = np.random.default_rng(asked.seed).normal(size=(40, asked.simd))
    q = hpq.quantize(hpq.from_torch(net, torch.zeros(2, asked.simd)), x, asked.bits)
    heads = ("asked MHz", "modelled", "routed", "latency", "LUT4", "FF")
    print("products in ", *(f"{head:>9}" for head in heads))
    for multiplier in asked.multipliers:
        layers = {next(iter(q.layers)): {"pe": 1, "simd": asked.simd, "multiplier": multiplier}}
        for clock_ns in asked.clocks:
            wish = {"part": PART, "clock_ns": clock_ns, "layers": layers}
            said = hpq.estimate(q, **wish)
            with tempfile.TemporaryDirectory() as scratch:
                project = hpq.generate(q, Path(scratch) / "p", "rtl", oversize=True, **wish)
                np.testing.assert_array_equal(project.cosim(x).raw, q.predict_raw(x))
                made = project.synth("nextpnr")
            clocks = (1000 / clock_ns, said.fmax_mhz or 0, made.fmax_mhz or 0)
            row = (*(round(clock) for clock in clocks), said.latency_cycles, made.lut, made.ff)
            print(f"{multiplier:12}", *(f"{figure:9}" for figure in row), flush=True)


if __name__ == "__main__":
    main()
