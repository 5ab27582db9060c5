"""How far ``hpq_hls.estimate`` is from Yosys, and the fit of its coefficients.

Random networks are cut into their kernels; each kernel becomes a design of its own with its FIFOs and
ports, is synthesized by Yosys for the 7 series, and is compared with its estimate. Whole networks,
none of which the fit has seen, follow. Stage of both: cells of the RTL twin after Yosys' technology
mapping.

    python benchmarks/estimate_vs_yosys.py                      # the error of the estimate
    python benchmarks/estimate_vs_yosys.py --refit              # prints new coefficients as well
    python benchmarks/estimate_vs_yosys.py --multiplier lut # all products in LUTs
    python benchmarks/estimate_vs_yosys.py --work DIR           # keeps what was measured in DIR
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from sample_networks import networks
from scipy.optimize import lsq_linear

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.coefficients import LUTS, luts
from hpq_hls.billing.parts import Family
from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import manifest_of
from hpq_hls.codegen.rtl import RtlBackend
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.hardware import Dataflow, Multiplier
from hpq_hls.kernels import Kernel
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import ROMS, STATISTICS, run_script

HERE = Path(__file__).parent
PART = "xc7z020clg400-1"
FAMILY = Family.SERIES_7
BATCH = 24
RESOURCES = ("lut", "ff", "dsp", "bram")


@dataclass(frozen=True)
class Sample:
    """One design: its bill, and what Yosys made of it (lut, ff, dsp, bram)."""

    name: str
    kind: str
    bill: Bill
    measured: dict[str, int]

    def estimated(self) -> dict[str, int]:
        return {
            "lut": round(luts(self.bill)),
            "ff": self.bill.ff,
            "dsp": self.bill.dsp,
            "bram": self.bill.bram,
        }


# ---------------------------------------------------------------------------------------------
# Designs


def kernel_designs(flows: Sequence[Dataflow], per_kind: int, seed: int) -> list[tuple[str, Dataflow]]:
    """(kind, design) of single kernels, at most ``per_kind`` of each kind, no two alike."""
    found: dict[str, list[Dataflow]] = defaultdict(list)
    seen: set[str] = set()
    for flow in flows:
        for kernel in flow.kernels:
            if len(kernel.inputs) + len(kernel.outputs) > 2:  # there is no single port
                continue
            look = repr([kernel, [flow.streams[name] for name in (*kernel.inputs, *kernel.outputs)]])
            look = look.replace(kernel.name, "").replace(kernel.layer, "")
            if look not in seen:
                seen.add(look)
                found[kernel.kind].append(_alone(kernel, flow))
    rng = np.random.default_rng(seed)
    chosen = []
    for kind, designs in sorted(found.items()):
        picks = rng.permutation(len(designs))[:per_kind]
        chosen.extend((kind, designs[index]) for index in sorted(picks))
    return [(kind, replace(flow, name=f"k{index}")) for index, (kind, flow) in enumerate(chosen)]


def _alone(kernel: Kernel, flow: Dataflow) -> Dataflow:
    source, sink = flow.streams[kernel.inputs[0]], flow.streams[kernel.outputs[0]]
    return Dataflow.single(
        name="k",
        kernels=(kernel,),
        streams={source.name: source, sink.name: sink},
        input=source.name,
        output=sink.name,
        input_shape=(source.elements,),
        output_shape=(sink.elements,),
        input_order=np.arange(source.elements),
        output_order=np.arange(sink.elements),
    )


# ---------------------------------------------------------------------------------------------
# Measuring


def measure(designs: Sequence[tuple[str, Dataflow]], work: Path) -> list[Sample]:
    """Synthesize the designs, a batch per run of Yosys; what is in ``work`` already is not done again."""
    samples = []
    for start in range(0, len(designs), BATCH):
        batch = designs[start : start + BATCH]
        folder = work / f"{batch[0][1].name}_{batch[-1][1].name}"
        _synthesize([flow for _, flow in batch], folder)
        modules = json.loads((folder / STATISTICS).read_text())["modules"]
        for kind, flow in batch:
            report = count_cells(_cells(modules, f"\\{flow.name}"), "", FAMILY)
            measured = {name: getattr(report, name) for name in RESOURCES}
            samples.append(Sample(flow.name, kind, bill_dataflow(flow, FAMILY), measured))
    return samples


def _synthesize(flows: Sequence[Dataflow], folder: Path) -> None:
    """Leave the statistics of Yosys in ``folder``, unless they are there already for the very same files."""
    files: dict[str, str] = {}
    described = []
    for flow in flows:
        nothing = np.zeros((0, 1, 1), dtype=np.int64)
        design = Design(flow, "stream", PART, 5.0, nothing, nothing)
        for name, content in RtlBackend().files(design).items():
            if name.endswith((".sv", ".mem")) and isinstance(content, str):
                files[Path(name).name] = content
        ports = manifest_of(design)
        sizes = {"in_bytes": ports.inputs[0].tdata_bytes, "out_bytes": ports.outputs[0].tdata_bytes}
        described.append({"name": flow.name, **sizes})
    sources = sorted(name for name in files if name.endswith(".sv"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), trim_blocks=True, lstrip_blocks=True
    )
    files["many_designs.sv"] = environment.get_template("many_designs.sv.j2").render(designs=described)
    script = [
        f"read_verilog -sv -defer {' '.join(sources)} many_designs.sv",
        "hierarchy -top many_designs",
        f"setattr -mod -set keep_hierarchy 1 {ROMS} {' '.join(flow.name for flow in flows)}",
        f"synth_xilinx -family {FAMILY.value} -top many_designs -flatten -noiopad -noclkbuf",
        f"tee -q -o {STATISTICS} stat -json",
    ]
    mark = hashlib.sha256(repr((sorted(files.items()), script)).encode()).hexdigest()
    if (folder / "mark").exists() and (folder / "mark").read_text() == mark:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    run_script("\n".join(script), folder, f"yosys, {flows[0].name} to {flows[-1].name}", print)
    (folder / "mark").write_text(mark)


def _cells(modules: dict[str, Any], name: str) -> dict[str, int]:
    """Cells of a module and of those inside it."""
    total: dict[str, int] = defaultdict(int)
    for kind, count in modules[name]["num_cells_by_type"].items():
        inside = next((module for module in (kind, f"\\{kind}") if module in modules), None)
        if inside is None:
            total[kind] += count
        else:
            for cell, number in _cells(modules, inside).items():
                total[cell] += number * count
    return dict(total)


# ---------------------------------------------------------------------------------------------
# Judging and fitting


def errors(samples: Sequence[Sample], resource: str) -> np.ndarray:
    """Relative errors in percent, of the designs that need any of the resource."""
    pairs = [(sample.estimated()[resource], sample.measured[resource]) for sample in samples]
    return np.array([100 * (guess - truth) / truth for guess, truth in pairs if truth], dtype=float)


def summary(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Per resource: designs that need any, median, 90th percentile and worst absolute percentage error,
    bias of the sum, and the estimates that are exact."""
    table = {}
    for resource in RESOURCES:
        values = errors(samples, resource)
        truth = sum(sample.measured[resource] for sample in samples)
        guess = sum(sample.estimated()[resource] for sample in samples)
        exact = sum(sample.measured[resource] == sample.estimated()[resource] for sample in samples)
        table[resource] = {
            "designs": len(values),
            "median_ape": float(np.median(np.abs(values))) if len(values) else 0.0,
            "p90_ape": float(np.percentile(np.abs(values), 90)) if len(values) else 0.0,
            "worst_ape": float(np.max(np.abs(values))) if len(values) else 0.0,
            "bias_of_sum": 100 * (guess - truth) / truth if truth else 0.0,
            "exact_percent": 100 * exact / len(samples),
        }
    return table


def refit(samples: Sequence[Sample]) -> dict[Term, float]:
    """Coefficients, none negative, of the least relative squared error; rare terms stay near the old ones."""
    free = [term for term in Term if term is not Term.MEMORY]
    rows, targets = [], []
    for sample in samples:
        fixed = sample.bill.terms.get(Term.MEMORY, 0.0)
        weight = 1 / (sample.measured["lut"] + 20)  # of small designs, a few LUTs more or less do not matter
        rows.append([sample.bill.terms.get(term, 0.0) * weight for term in free])
        targets.append((sample.measured["lut"] - fixed) * weight)
    for index, term in enumerate(free):
        typical = np.mean([abs(row[index]) for row in rows]) + 1e-4
        rows.append([typical * 0.5 if index == other else 0.0 for other in range(len(free))])
        targets.append(LUTS[term] * typical * 0.5)
    solution = lsq_linear(np.array(rows), np.array(targets), bounds=(0, np.inf))
    return {Term.MEMORY: 1.0, **dict(zip(free, solution.x.tolist(), strict=True))}


def show(title: str, samples: Sequence[Sample]) -> None:
    print(f"\n{title}: {len(samples)} designs")
    print(f"  {'':5} {'designs':>8} {'median':>8} {'p90':>8} {'worst':>8} {'of sum':>8} {'exact':>8}")
    for resource, row in summary(samples).items():
        cells = [
            f"{row[key]:7.1f}%"
            for key in ("median_ape", "p90_ape", "worst_ape", "bias_of_sum", "exact_percent")
        ]
        print(f"  {resource:5} {row['designs']:8} {' '.join(cells)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, help="folder for what is measured, kept and used again")
    parser.add_argument("--per-kind", type=int, default=40, help="kernels of each kind")
    parser.add_argument("--networks", type=int, default=12, help="whole networks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--multiplier", default="auto", choices=[kind.value for kind in Multiplier])
    parser.add_argument("--refit", action="store_true", help="fit the coefficients and print them")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of tables")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        multipliers = Multiplier(args.multiplier)
        flows = networks(60, args.seed, multipliers)
        kernels = measure(kernel_designs(flows, args.per_kind, args.seed), work / "kernels")
        unseen = [
            replace(flow, name=f"n{index}")
            for index, flow in enumerate(networks(args.networks, args.seed + 1, multipliers))
        ]
        wholes = measure([("network", flow) for flow in unseen], work / "networks")
    if args.json:
        print(json.dumps({"kernels": summary(kernels), "networks": summary(wholes)}, indent=2))
        return
    for kind in sorted({sample.kind for sample in kernels}):
        show(kind, [sample for sample in kernels if sample.kind == kind])
    show("all kernels", kernels)
    show("whole networks", wholes)
    if args.refit:
        print("\nRefitted on the kernels:")
        for term, value in refit(kernels).items():
            print(f"        Term.{term.name}: {value:.3f},  # was {LUTS[term]:.3f}")


if __name__ == "__main__":
    main()
