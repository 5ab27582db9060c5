"""Count what a mapped design makes its nets drive, and the flip-flops between its kernels.

A streaming LeNet with random weights is generated, mapped to 7-series cells by Yosys and read back as a
netlist. The load of a net is the number of cell pins that it drives. Clock pins are left out, and set and
reset pins of flip-flops if a flip-flop drives the net. Flip-flops of streams are those of the FIFOs' source.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.parts import Family
from hpq_hls.project.project import Project
from hpq_hls.synth.yosys import MERGE_ROMS, ROMS
from hpq_hls.tools.toolchain import find_yosys, run_tool, yosys_env

CLOCKS = {"C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK"}
RESETS = {"R", "S", "CLR", "PRE"}


@dataclass(frozen=True)
class Loads:
    """largest: pins that one net drives at most. net: its name. fifo_ff: flip-flops of FIFOs. stream_bits:
    of a beat of every stream between kernels."""

    largest: int
    net: str
    fifo_ff: int
    stream_bits: int


def lenet(seed: int) -> tuple[hpq.QuantizedGraph, np.ndarray]:
    """Two convolutions with pools, three linear layers, 8 bits."""
    torch.manual_seed(seed)
    module = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    ).eval()
    x = np.random.default_rng(seed).random((32, 1, 28, 28))
    return hpq.quantize(hpq.from_torch(module, torch.zeros(2, 1, 28, 28)), x, 8), x


def netlist(folder: Path, top: str) -> dict[str, Any]:
    """The mapped top module, flat; ROMs are mapped apart, as ``hpq synth`` does."""
    sources = (folder / "rtl/files.f").read_text().split()
    script = [
        f"read_verilog -sv -defer {' '.join(sources)}",
        f"hierarchy -top {top}",
        f"setattr -mod -set keep_hierarchy 1 {ROMS}",
        f"{Family.SERIES_7.fabric.yosys} -top {top}",
        *MERGE_ROMS,
        "write_json netlist.json",
    ]
    command = [find_yosys().require(), "-q", "-p", "; ".join(script)]
    run_tool(command, cwd=folder, env=yosys_env(), timeout=1800)
    module: dict[str, Any] = json.loads((folder / "netlist.json").read_text())["modules"][top]
    return module


def count(project: Project, module: dict[str, Any]) -> Loads:
    """The loads of a netlist of a project."""
    cells = module["cells"].values()
    registered = {bit for cell in cells if cell["type"].startswith("FD") for bit in cell["connections"]["Q"]}
    driven: Counter[int] = Counter()
    for cell in cells:
        for pin, bits in cell["connections"].items():
            if pin in CLOCKS or cell["port_directions"][pin] != "input":
                continue
            resets = pin in RESETS and cell["type"].startswith("FD")
            driven.update(bit for bit in bits if isinstance(bit, int) and not (resets and bit in registered))
    names = {bit: name for name, net in module["netnames"].items() for bit in net["bits"]}
    bit, largest = driven.most_common(1)[0]
    flow = project.dataflow
    ends = {terminal.stream for terminal in (*flow.inputs, *flow.outputs)}
    return Loads(
        largest,
        names.get(bit, "?"),
        sum(
            cell["type"].startswith("FD") and "hpq_fifo.sv" in cell["attributes"].get("src", "")
            for cell in cells
        ),
        sum(stream.bits for name, stream in flow.streams.items() if name not in ends),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock-ns", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    q, _ = lenet(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "lenet"
        project = hpq.generate(q, folder, "rtl", name="lenet", clock_ns=given.clock_ns)
        found = count(project, netlist(folder, "lenet"))
    if given.json:
        print(json.dumps(asdict(found), indent=2))
        return
    print(f"largest load of a net: {found.largest} ({found.net})")
    share = found.fifo_ff / found.stream_bits
    print(f"flip-flops of FIFOs: {found.fifo_ff} for {found.stream_bits} bits of streams, {share:.2f} each")


if __name__ == "__main__":
    main()
