"""Measure circuits without multipliers against alkaid and da4ml: the same integers, one Yosys, one run.

Networks are drawn: a dense layer, a pruned MLP of the size of the jet taggers. Each generator is given the
same weights, biases, types and roundings, and registers after as many adders; what each predicts is
compared on 500 inputs first. Then Yosys maps each to 7-series cells. The peers' circuits take no part in a
handshake, so ours is counted without the ports and buffers around its kernels, which have a row of their own.
LUTs used as shift registers are LUTs.

Needs `pip install da4ml` beside the requirements of strategy ``da``.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.delays import Delays
from hpq_hls.tools.toolchain import find_yosys, run_tool, yosys_env

PEERS = ("alkaid", "da4ml")
TYPICAL_BITS = 12
"""Of an adder: what a register after so many adders means in time."""


@dataclass(frozen=True)
class Cells:
    """What a circuit takes after mapping, and its latency."""

    lut: int
    ff: int
    carry4: int
    cycles: int


def dense(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    """64 neurons of 16 inputs with ReLU, 4-bit weights, 8-bit activations."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(16, 64), nn.ReLU()).eval()
    x = np.abs(np.random.default_rng(seed).normal(size=(500, 16)))
    graph = hpq.from_torch(module, torch.zeros(2, 16))
    return hpq.quantize(graph, x, {"default": {"weight": 4, "activation": 8}}), x


def pruned_mlp(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    """16-64-32-32-5, 6 bits, three quarters of the weights zero."""
    torch.manual_seed(seed)
    sizes = (16, 64, 32, 32, 5)
    layers: list[nn.Module] = []
    for given, made in itertools.pairwise(sizes):
        layers += [nn.Linear(given, made), nn.ReLU()]
    module = nn.Sequential(*layers[:-1]).eval()
    for layer in module:
        if isinstance(layer, nn.Linear):
            with torch.no_grad():
                kept = layer.weight.abs().flatten().kthvalue(layer.weight.numel() * 3 // 4).values
                layer.weight[layer.weight.abs() <= kept] = 0
    x = np.random.default_rng(seed).normal(size=(500, 16))
    return hpq.quantize(hpq.from_torch(module, torch.zeros(2, 16)), x, 6), x


DESIGNS = {"dense 16x64": dense, "pruned MLP": pruned_mlp}


def ours(q: hpq.QuantizedGraph, x: np.ndarray, levels: int, folder: Path) -> tuple[list[str], list[str], int]:
    """Generate and simulate; returns the sources, the modules of the kernels, and the cycles in them."""
    delays = Delays()
    clock_ns = delays.period(levels * delays.adder(TYPICAL_BITS))
    project = hpq.generate(
        q, folder, "rtl", name="ours", io="parallel", strategy="da", oversize=True, clock_ns=clock_ns
    )
    np.testing.assert_array_equal(project.cosim(x[:64]).raw, q.predict_raw(x[:64]))
    sources = (folder / "rtl/files.f").read_text().split()
    modules = [Path(name).stem for name in sources if Path(name).stem.startswith("ours_")]
    return (
        sources,
        modules,
        sum(kernel.latency(project.dataflow.streams) for kernel in project.dataflow.kernels),
    )


def peer(name: str, q: hpq.QuantizedGraph, x: np.ndarray, levels: int, folder: Path) -> tuple[list[str], int]:
    """The circuit of alkaid or da4ml, and its cycles, after a comparison of what it predicts."""
    trace, rtl = (importlib.import_module(f"{name}.{part}") for part in ("trace", "codegen.rtl"))
    array = trace.FVArrayInput if name == "alkaid" else trace.FixedVariableArrayInput
    given = array((x.shape[1],), trace.HWConfig(1, -1, -1))
    values = given.quantize(*_kif(q.input_type))
    for layer in q.layers.values():
        values = values @ _scaled(layer.weight_raw.T, layer.weight_type)
        if layer.bias_raw is not None:
            values = values + _scaled(layer.bias_raw, layer.bias_type)
        made = layer.output_type
        values = values if made.signed else values.relu()
        modes = {"overflow_mode": made.overflow.name, "round_mode": made.rounding.name}
        values = values.quantize(*_kif(made), **modes)
    logic = (trace.trace if name == "alkaid" else trace.comb_trace)(given, values)
    found = logic.predict(q.input_type.to_float(q.input_type.from_float(x)))
    np.testing.assert_array_equal(found, q.predict(x))
    model = rtl.RTLModel(logic, path=folder, prj_name="peer", latency_cutoff=levels, print_latency=False)
    model.write()
    sources = [str(path.relative_to(folder)) for path in sorted(folder.glob("src/**/*.v"))]
    # Tables, of which these circuits have none, name a file that is not there.
    return [name for name in sources if "lookup" not in name], _stages(logic, levels)


def _stages(logic: Any, levels: int) -> int:
    return max(math.ceil(max(logic.latency) / levels), 1)


def _kif(kind: Any) -> tuple[int, int, int]:
    """Sign bit, integer bits, fraction bits."""
    return int(kind.signed), kind.integer - int(kind.signed), kind.fraction


def _scaled(raw: np.ndarray, kind: Any) -> np.ndarray:
    return raw.astype(np.float64) * 2.0**-kind.fraction


def mapped(folder: Path, sources: list[str], top: str, cycles: int) -> Cells:
    """Map one module to cells of 7 series."""
    script = (
        f"read_verilog -sv {' '.join(sources)}; "
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}; tee -q -o stat stat"
    )
    run_tool([find_yosys().require(), "-q", "-p", script], cwd=folder, env=yosys_env(), timeout=1800)
    counts: dict[str, int] = {}
    for line in (folder / "stat").read_text().splitlines():
        match line.split():
            case [number, cell] if number.isdigit() and cell[0].isupper():
                counts[cell] = counts.get(cell, 0) + int(number)

    def of(*kinds: str) -> int:
        return sum(number for cell, number in counts.items() if cell.startswith(kinds))

    return Cells(of("LUT", "SRL", "RAM"), of("FD"), of("CARRY4"), cycles)


def measure(draw: Any, seed: int, levels: int) -> dict[str, Cells]:
    """Cells by generator."""
    q, x = draw(seed)
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "ours"
        sources, modules, cycles = ours(q, x, levels, folder)
        parts = [mapped(folder, sources, module, 0) for module in modules]
        found["ours"] = Cells(
            *(sum(getattr(part, field) for part in parts) for field in ("lut", "ff", "carry4")), cycles
        )
        whole = mapped(folder, sources, "ours", 0)
        found["ours, with ports and buffers"] = whole
        for name in PEERS:
            folder = Path(scratch) / name
            sources, cycles = peer(name, q, x, levels, folder)
            found[name] = mapped(folder, sources, "peer", cycles)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first; every design is drawn anew from each")
    parser.add_argument("--count", type=int, default=1, help="seeds")
    parser.add_argument("--levels", type=int, nargs="+", default=[3, 5], help="adders between registers")
    parser.add_argument("--designs", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    for name in given.designs:
        for levels in given.levels:
            for seed in range(given.seed, given.seed + given.count):
                found = measure(DESIGNS[name], seed, levels)
                rows.append({"design": name, "levels": levels, "seed": seed} | _plain(found))
                if not given.json:
                    _print(name, levels, seed, found)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    for field in ("lut", "ff", "cycles"):
        ratios = [row["ours"][field] / min(row[peer][field] for peer in PEERS) for row in rows]
        print(
            f"{field} over the better peer's: median {statistics.median(ratios):.3f}, worst {max(ratios):.3f}"
        )


def _plain(found: dict[str, Cells]) -> dict[str, Any]:
    return {name: asdict(cells) for name, cells in found.items()}


def _print(design: str, levels: int, seed: int, found: dict[str, Cells]) -> None:
    print(f"{design}, seed {seed}, a register after {levels} adders")
    print(f"{'':32}{'LUT':>8}{'FF':>8}{'CARRY4':>8}{'cycles':>8}")
    for name, cells in found.items():
        cycles = cells.cycles or ""
        print(f"{name:32}{cells.lut:8}{cells.ff:8}{cells.carry4:8}{cycles:>8}", flush=True)


if __name__ == "__main__":
    main()
