"""Measure strategy ``da`` against ``unrolled``: the same layer, both synthesized by Yosys in one run.

A fully connected layer of random weights and a ReLU, its whole vector in one beat, initiation interval 1.
Both designs are simulated first and must give the reference's words. Then Yosys maps each twice to
7-series cells: as it likes, and with multiplications kept out of DSP blocks, so that LUTs can be compared.
"Estimated" is our cost model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.parts import Family
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import STATISTICS, read_cells
from hpq_hls.tools.toolchain import find_yosys, run_tool, yosys_env

STRATEGIES = ("unrolled", "da")


def layer(rows: int, cols: int, bits: int, seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    """A linear layer with ReLU, weights and activations of ``bits`` bits, and inputs for it."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(cols, rows), nn.ReLU()).eval()
    x = np.abs(np.random.default_rng(seed).normal(size=(64, cols)))
    graph = hpq.from_torch(module, torch.zeros(2, cols))
    return hpq.quantize(graph, x, bits), x


def cells(folder: Path, top: str, dsp: bool) -> dict[str, int]:
    """LUTs, carry elements, flip-flops and DSP blocks of a project after mapping to 7-series, counted as
    ``hpq synth`` does: shift registers and inverters are LUTs."""
    sources = " ".join((folder / "rtl/files.f").read_text().split())
    script = (
        f"read_verilog -sv {sources}; synth_xilinx -family xc7 -flatten -noiopad -noclkbuf "
        f"{'' if dsp else '-nodsp '}-top {top}; tee -q -o {STATISTICS} stat -json"
    )
    yosys = find_yosys()
    run_tool([yosys.require(), "-q", "-p", script], cwd=folder, env=yosys_env(), timeout=1800)
    kinds = read_cells(folder / STATISTICS)
    counted = count_cells(kinds, yosys.version or "", Family.SERIES_7)
    return {"LUT": counted.lut, "CARRY4": kinds.get("CARRY4", 0), "FD": counted.ff, "DSP": counted.dsp}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Figures of both strategies, after a simulation of both has shown that they compute the same."""
    q, x = layer(given.rows, given.cols, given.bits, given.seed)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for strategy in STRATEGIES:
            folder = Path(scratch) / strategy
            project = hpq.generate(
                q, folder, "rtl", name="layer", io="parallel", strategy=strategy, oversize=True
            )
            result = project.cosim(x)
            np.testing.assert_array_equal(result.raw, q.predict_raw(x))
            guess = hpq.estimate(q, io="parallel", strategy=strategy)
            figures[strategy] = {
                "latency_cycles": result.latency_cycles,
                "interval_cycles": result.interval_cycles,
                "estimated": {"lut": guess.lut, "ff": guess.ff, "dsp": guess.dsp},
                "yosys": cells(folder, "layer", dsp=True),
                "yosys_without_dsp": cells(folder, "layer", dsp=False),
            }
    mult, da = (figures[strategy] for strategy in STRATEGIES)
    return {
        "rows": given.rows,
        "cols": given.cols,
        "bits": given.bits,
        "seed": given.seed,
        "yosys_version": find_yosys().version,
        "strategies": figures,
        "lut_ratio_without_dsp": da["yosys"]["LUT"] / mult["yosys_without_dsp"]["LUT"],
        "ff_ratio_without_dsp": da["yosys"]["FD"] / mult["yosys_without_dsp"]["FD"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--cols", type=int, default=32)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = measure(given)
    if given.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{given.rows}x{given.cols} weights, {given.bits} bits; {result['yosys_version']}")
    print(f"{'':24}{'LUT':>8}{'CARRY4':>8}{'FF':>8}{'DSP':>8}{'cycles':>8}")
    for strategy, figures in result["strategies"].items():
        for title, stage in (("", "yosys"), (", no DSP", "yosys_without_dsp")):
            row = "".join(f"{figures[stage].get(kind, 0):8}" for kind in ("LUT", "CARRY4", "FD", "DSP"))
            print(f"{strategy + title:24}{row}{figures['latency_cycles']:8}")
        guess = figures["estimated"]
        print(f"{strategy + ', estimated':24}{guess['lut']:8}{'':8}{guess['ff']:8}{guess['dsp']:8}")
    print(
        f"da / unrolled without DSP blocks: LUT {result['lut_ratio_without_dsp']:.2f}, "
        f"FF {result['ff_ratio_without_dsp']:.2f}"
    )


if __name__ == "__main__":
    main()
