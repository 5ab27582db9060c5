"""Measure circuits without multipliers against alkaid and da4ml: the same integers, one Yosys, one run.

Networks are drawn: a dense layer, a pruned MLP of the size of the jet taggers. Each generator is given the
same weights, biases, types and roundings; what each predicts is compared on 500 inputs first. Then Yosys maps
each to 7-series cells. The peers' circuits take no part in a handshake, so ours is counted without the ports
and buffers around its kernels, which have a row of their own; theirs without the registers of their inputs,
which ours has in such a buffer. LUTs used as shift registers are LUTs.

The peers place a register after as many adders as they are told, and count neither biases nor roundings nor
saturation. So that all have as much logic between registers, ours is given the clock of the faster peer: the
shorter one of their longest paths as mapped (mapped_paths.py); --shares adds rows of ours at shares of that.
The last row has ours at the clock of as many adders, in which its biases and casts take time as well. Paths
are printed for all. With --fmax each is mapped to a Lattice ECP5 too, between registers, and nextpnr says how
fast it is, placed and routed.

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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mapped_paths import longest_path
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.delays import AMD, Delays
from hpq_hls.tools.toolchain import find_nextpnr_ecp5, find_yosys, run_tool, yosys_env

PEERS = ("alkaid", "da4ml")
OURS = "ours"
TYPICAL_BITS = 12
"""Of an adder: what a register after so many adders means in time."""


@dataclass(frozen=True)
class Cells:
    """What a circuit takes after mapping, its latency, and its longest path in picoseconds."""

    lut: int
    ff: int
    carry4: int
    cycles: int
    path_ps: int
    fmax_mhz: float | None = None


@dataclass(frozen=True)
class Circuit:
    """One to be mapped. sources: in ``folder``. x, y: bits of what goes in and comes out. ports: what of
    ``top`` is connected to what of ``clk``, ``x`` and ``y``."""

    folder: Path
    sources: list[str]
    top: str
    x: int
    y: int
    ports: str


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


def ours(q: hpq.QuantizedGraph, x: np.ndarray, clock_ns: float, folder: Path) -> tuple[list[Circuit], int]:
    """Generate and simulate; returns the kernels' circuits, and the cycles in them."""
    project = hpq.generate(
        q, folder, "rtl", name="ours", io="parallel", strategy="da", oversize=True, clock_ns=clock_ns
    )
    np.testing.assert_array_equal(project.cosim(x[:64]).raw, q.predict_raw(x[:64]))
    sources, streams = (folder / "rtl/files.f").read_text().split(), project.dataflow.streams
    ports = ".clk(clk), .rst(1'b0), .in_valid(1'b1), .out_ready(1'b1), .in_data(x), .out_data(y)"
    circuits = [
        Circuit(folder, sources, f"ours_{kernel.name}", given.bits, made.bits, ports)
        for kernel in project.dataflow.kernels
        for given, made in [kernel.ends(streams)]
    ]
    return circuits, sum(kernel.latency(streams) for kernel in project.dataflow.kernels)


def peer(name: str, q: hpq.QuantizedGraph, x: np.ndarray, levels: int, folder: Path) -> tuple[Circuit, int]:
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
    paths = [str(path.relative_to(folder)) for path in sorted(folder.glob("src/**/*.v"))]
    # Tables, of which these circuits have none, name a file that is not there.
    sources = [name for name in paths if "lookup" not in name]
    ports = ".clk(clk), .model_inp(x), .model_out(y)"
    bits = x.shape[1] * q.input_type.width, made.width * len(values)
    return Circuit(folder, sources, "peer", *bits, ports), _stages(logic, levels)


def _stages(logic: Any, levels: int) -> int:
    return max(math.ceil(max(logic.latency) / levels), 1)


def _kif(kind: Any) -> tuple[int, int, int]:
    """Sign bit, integer bits, fraction bits."""
    return int(kind.signed), kind.integer - int(kind.signed), kind.fraction


def _scaled(raw: np.ndarray, kind: Any) -> np.ndarray:
    return raw.astype(np.float64) * 2.0**-kind.fraction


def _yosys(folder: Path, script: str) -> None:
    run_tool([find_yosys().require(), "-q", "-p", script], cwd=folder, env=yosys_env(), timeout=1800)


def mapped(circuit: Circuit) -> Cells:
    """Map one module to cells of 7 series."""
    folder = circuit.folder
    _yosys(
        folder,
        f"read_verilog -sv {' '.join(circuit.sources)}; "
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {circuit.top}; "
        "tee -q -o stat stat; write_json netlist.json",
    )
    counts: dict[str, int] = {}
    for line in (folder / "stat").read_text().splitlines():
        match line.split():
            case [number, cell] if number.isdigit() and cell[0].isupper():
                counts[cell] = counts.get(cell, 0) + int(number)

    def of(*kinds: str) -> int:
        return sum(number for cell, number in counts.items() if cell.startswith(kinds))

    path = longest_path(folder / "netlist.json", circuit.top)
    return Cells(of("LUT", "SRL", "RAM"), of("FD"), of("CARRY4"), 0, path)


def fmax(circuit: Circuit) -> float:
    """Megahertz of one module between registers on an LFE5U-85F-8, placed and routed."""
    folder = circuit.folder
    (folder / "between.v").write_text(
        f"module between(input clk, input [{circuit.x - 1}:0] given, output reg [{circuit.y - 1}:0] made);\n"
        f"  reg [{circuit.x - 1}:0] x;\n  wire [{circuit.y - 1}:0] y;\n"
        "  always @(posedge clk) begin x <= given; made <= y; end\n"
        f"  {circuit.top} circuit ({circuit.ports});\nendmodule\n"
    )
    sources = " ".join([*circuit.sources, "between.v"])
    _yosys(folder, f"read_verilog -sv {sources}; synth_ecp5 -top between -json ecp5.json")
    command = [find_nextpnr_ecp5().require(), "--85k", "--package", "CABGA756", "--speed", "8", "--seed", "1"]
    command += ["--json", "ecp5.json", "--report", "ecp5", "--out-of-context", "--timing-allow-fail"]
    run_tool([*command, "--freq", "300", "-q"], cwd=folder, env=yosys_env(), timeout=1800)
    clocks = json.loads((folder / "ecp5").read_text())["fmax"].values()
    return round(min(clock["achieved"] for clock in clocks), 1)


def measure(
    draw: Any, seed: int, levels: int, shares: Sequence[float], *, timed: bool, bare: bool
) -> dict[str, Cells]:
    """Cells by generator; shares: of the faster peer's path, what ours is given. timed: with the clock on an
    ECP5. bare: not of ours with ports and buffers."""
    q, x = draw(seed)
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in PEERS:
            circuit, cycles = peer(name, q, x, levels, Path(scratch) / name)
            cells = mapped(circuit)
            clock = fmax(circuit) if timed else None
            found[name] = replace(cells, ff=cells.ff - circuit.x, cycles=cycles, fmax_mhz=clock)
        shortest = min(cells.path_ps for cells in found.values()) - AMD.clock_to_q
        delays = Delays()
        given = {OURS: shortest} | {f"{OURS}, {share:g} of that": round(share * shortest) for share in shares}
        given[f"{OURS}, as many adders"] = levels * delays.adder(TYPICAL_BITS)
        for name, logic in given.items():
            circuits, cycles = ours(q, x, delays.period(logic), Path(scratch) / name.replace(" ", "_"))
            parts = [mapped(circuit) for circuit in circuits]
            totals = (sum(getattr(part, field) for part in parts) for field in ("lut", "ff", "carry4"))
            clock = min(map(fmax, circuits)) if timed else None
            found[name] = Cells(*totals, cycles, max(part.path_ps for part in parts), clock)
            if name == OURS and not bare:
                found["with ports and buffers"] = mapped(replace(circuits[0], top="ours"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first; every design is drawn anew from each")
    parser.add_argument("--count", type=int, default=1, help="seeds")
    parser.add_argument(
        "--levels", type=int, nargs="+", default=[3, 5], help="adders between the peers' registers"
    )
    parser.add_argument(
        "--shares", type=float, nargs="*", default=[], help="of the faster peer's path, for more rows of ours"
    )
    parser.add_argument("--designs", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--fmax", action="store_true", help="place and route each for an ECP5, too")
    parser.add_argument("--bare", action="store_true", help="not ours with ports and buffers")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    for name in given.designs:
        for levels in given.levels:
            for seed in range(given.seed, given.seed + given.count):
                found = measure(DESIGNS[name], seed, levels, given.shares, timed=given.fmax, bare=given.bare)
                rows.append({"design": name, "levels": levels, "seed": seed} | _plain(found))
                if not given.json:
                    _print(name, levels, seed, found)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    for name in (name for name in found if name.startswith(OURS)):
        for field in ("lut", "ff", "cycles", "path_ps"):
            ratios = [row[name][field] / min(row[peer][field] for peer in PEERS) for row in rows]
            _summary(f"{name}: {field} over the better peer's", ratios, max(ratios))
        if given.fmax:
            ratios = [row[name]["fmax_mhz"] / max(row[peer]["fmax_mhz"] for peer in PEERS) for row in rows]
            _summary(f"{name}: ECP5 clock over the faster peer's", ratios, min(ratios))


def _summary(text: str, ratios: list[float], worst: float) -> None:
    print(f"{text}: median {statistics.median(ratios):.3f}, worst {worst:.3f}")


def _plain(found: dict[str, Cells]) -> dict[str, Any]:
    return {name: asdict(cells) for name, cells in found.items()}


def _print(design: str, levels: int, seed: int, found: dict[str, Cells]) -> None:
    print(f"{design}, seed {seed}, the peers' registers after {levels} adders")
    print(f"{'':32}{'LUT':>8}{'FF':>8}{'CARRY4':>8}{'cycles':>8}{'path/ns':>9}{'ECP5/MHz':>10}")
    for name, cells in found.items():
        print(
            f"{name:32}{cells.lut:8}{cells.ff:8}{cells.carry4:8}{cells.cycles or '':>8}"
            f"{cells.path_ps / 1000:9.2f}{cells.fmax_mhz or '':>10}",
            flush=True,
        )


if __name__ == "__main__":
    main()
