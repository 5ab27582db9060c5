"""How far calibrated estimates are from reports that the fit has not seen.

30 kernels are drawn from public reports of HLS tools, ``hpq calibrate``'s fit is made on them, and its
figures are compared with those of all other kernels: medians over kernels, for several draws. No two
kernels of N-TORC or modules.csv are alike; of wa-hls4ml some are. "before": of the estimate that is not
calibrated. The kernels are those of other generators (hls4ml); each is described by the kernel of ours that
multiplies as often per cycle, with the same matrix and widths, as a row of ``hpq calibrate``'s table
(docs/estimates.md).

    python benchmarks/calibration.py REPORTS [--draws 10] [--designs 30] [--seed 0] [--tables DIR]

REPORTS: the folder with ntorc/, wa_hls4ml_dense1/ and modules.csv. --tables: also write each set as a CSV
file.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from hpq_hls.billing.parts import Family
from hpq_hls.calibrate.fit import errors_of, fit_samples
from hpq_hls.calibrate.samples import RESOURCES, Reports, Sample
from hpq_hls.calibrate.table import comparable
from hpq_hls.cost.kernels import bill_kernel, passed

Row = dict[str, str]


def folded(rows: int, cols: int, reuse: int) -> tuple[int, int]:
    """PE and SIMD with as many multipliers as a layer of hls4ml has at a reuse factor."""
    multipliers = max(rows * cols // reuse, 1)
    if multipliers >= rows and multipliers % rows == 0 and cols % (multipliers // rows) == 0:
        return rows, multipliers // rows
    return max(size for size in range(1, min(rows, multipliers) + 1) if rows % size == 0), 1


def _read(path: Path) -> Iterable[Row]:
    with path.open(newline="") as stream:
        yield from csv.DictReader(stream)


def _ntorc(path: Path, columns: Sequence[str], taps: int) -> list[Row]:
    """One layer each; ``columns``: reuse, inputs, outputs, length. Rows of one shape agree within 0.7 %."""
    found: dict[tuple[int, ...], list[tuple[float, ...]]] = {}
    for row in _read(path):
        reuse, inputs, outputs, length = (int(row[name]) for name in columns)
        shape = (outputs, inputs * taps, min(reuse, outputs * inputs * taps), length)
        found.setdefault(shape, []).append(tuple(float(row[name]) for name in ("lut", "ff", "dsp48e")))
    made = []
    for (rows, cols, reuse, length), figures in found.items():
        pe, simd = folded(rows, cols, reuse)
        lut, ff, dsp = np.median(figures, axis=0)
        sizes = {"rows": rows, "cols": cols, "vectors": length, "pe": pe, "simd": simd}
        kinds = dict.fromkeys(("input", "weight", "accumulator"), "ap_fixed<16,8>")
        texts = {name: str(value) for name, value in {**sizes, "lut": lut, "ff": ff, "dsp": dsp}.items()}
        made.append({**texts, **kinds, "version": "2019.1", "part": "xczu7ev"})
    return made


def ntorc_dense(folder: Path) -> list[Row]:
    names = ("correct_reuse_factor_dense_resource", "n_inputs_resources", "dense_size_resource")
    path = folder / "ntorc" / "dense_resources_collapsed.csv"
    return _ntorc(path, (*names, "sequence_length_resource"), 1)


def ntorc_conv1d(folder: Path) -> list[Row]:
    """Three taps, by the DSP blocks at each reuse factor; a length takes no hardware."""
    names = ("correct_reuse_factor_resource", "n_inputs_resources", "cnn_filters_resources")
    path = folder / "ntorc" / "collapsed_conv_resources.csv"
    return _without_length(_ntorc(path, (*names, "sequence_length_resource"), 3))


def _without_length(rows: list[Row]) -> list[Row]:
    """The first of those that differ in length alone: they would be seen in the fit and again in the rest."""
    first: dict[tuple[str, ...], Row] = {}
    for row in rows:
        first.setdefault(tuple(row[name] for name in ("rows", "cols", "pe", "simd")), row)
    return list(first.values())


def wa_dense(folder: Path) -> list[Row]:
    """Folded layers of 2 to 14 bits of weights that came through."""
    made = []
    for row in _read(folder / "wa_hls4ml_dense1" / "results_resource.csv"):
        if row["hls_synth_success"].lower() != "true" or int(row["rf"]) == 1 or not row["LUT_hls"]:
            continue
        rows, cols, width = int(row["d_out"]), int(row["d_in"]), int(row["prec"])
        pe, simd = folded(rows, cols, int(row["rf"]))
        sizes = {"rows": rows, "cols": cols, "pe": pe, "simd": simd}
        figures = {"lut": row["LUT_hls"], "ff": row["FF_hls"], "dsp": row["DSP_hls"]}
        texts = {name: str(value) for name, value in {**sizes, **figures}.items()}
        kinds = {"input": "ap_fixed<16,6>", "weight": f"ap_fixed<{width},1>"}
        made.append({**texts, **kinds, "version": "2019.2", "part": "xcu250"})
    return made


def wa_dense_short(folder: Path) -> list[Row]:
    """Those of at most twice as many steps as inputs: from four times on, hls4ml connects each multiplier
    with each output, which our kernels never do."""
    return [row for row in wa_dense(folder) if int(row["rows"]) <= 2 * int(row["pe"])]


def modules_dense(version: str) -> Callable[[Path], list[Row]]:
    """Dense layers with weights as constants, reuse 1, that no ``fabric`` is asked for, of one version of the
    tool. Which constants they have is not known, so that drawn ones stand for them."""

    def read(folder: Path) -> list[Row]:
        found: dict[tuple[str, ...], Row] = {}
        for row in _read(folder / "modules.csv"):
            if row["func"] != "dense" or row["reuse"] != "1" or not row["tool"].startswith(version):
                continue
            made = {
                "kind": "unrolled",
                "rows": row["n_out"],
                "cols": row["n_in"],
                "input": row["in_type"],
                "weight": row["weight_type"],
                "accumulator": row["accum_type"],
                "output": row["out_type"],
                "nonzeros": row["n_nonzeros"],
                "lut": row["lut"],
                "ff": row["ff"],
                "dsp": row["dsp"],
                "multipliers": "fabric" if row["mul_fabric"] == "1" else "auto",
                "version": row["tool"],
                "part": row["part"].replace("-", ""),
            }
            found.setdefault(tuple(made.values()), made)
        return list(found.values())

    return read


SETS = {
    "N-TORC dense": ntorc_dense,
    "N-TORC conv1d": ntorc_conv1d,
    "wa-hls4ml dense, folded": wa_dense,
    "wa-hls4ml dense, at most two steps for an input": wa_dense_short,
    "modules.csv dense, 2021.1": modules_dense("2021.1"),
    "modules.csv dense, 2024.1": modules_dense("2024.1"),
}


def samples_of(rows: Sequence[Row]) -> list[Sample]:
    found = []
    for number, row in enumerate(rows):
        kernel, streams = comparable(row)
        reported = {name: float(row[name]) for name in RESOURCES}
        bill = bill_kernel(kernel, streams, Family.ULTRASCALE_PLUS)
        found.append(Sample(str(number), kernel.kind, bill, *passed(kernel, streams), reported))
    return found


def draw(samples: Sequence[Sample], designs: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """Median error before and after, and what nine of ten are below, by resource, of all that is not
    drawn."""
    order = np.random.default_rng(seed).permutation(len(samples))
    seen, rest = ([samples[at] for at in part] for part in (order[:designs], order[designs:]))
    nothing = Reports("", tuple(seen), ("HLS",), (), ("C synthesis",), ("vivado",))
    after, before = errors_of(fit_samples(nothing, seen), rest), errors_of(None, rest)
    return {
        name: (
            float(np.median(before[name])),
            float(np.median(after[name])),
            float(np.quantile(after[name], 0.9)),
        )
        for name in RESOURCES
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--designs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", type=Path)
    given = parser.parse_args()
    print("| set | kernels | resource | before | after, median (worst draw) | nine of ten below |")
    print("|---|---|---|---|---|---|")
    for name, read in SETS.items():
        rows = read(given.reports)
        if given.tables is not None:
            given.tables.mkdir(parents=True, exist_ok=True)
            columns = sorted({key for row in rows for key in row})
            with (given.tables / f"{name.replace(' ', '_').replace(',', '')}.csv").open(
                "w", newline=""
            ) as out:
                writer = csv.DictWriter(out, columns)
                writer.writeheader()
                writer.writerows(rows)
        samples = samples_of(rows)
        drawn = min(given.designs, 2 * len(samples) // 3)
        found = [draw(samples, drawn, given.seed + number) for number in range(given.draws)]
        for resource in RESOURCES:
            before, after, most = np.array([one[resource] for one in found]).T
            errors = f"{100 * np.median(after):.1f} % ({100 * after.max():.1f} %)"
            print(
                f"| {name} | {len(samples)}, {drawn} drawn | {resource.upper()} "
                f"| {100 * np.median(before):.0f} % | {errors} | {100 * np.median(most):.0f} % |"
            )


if __name__ == "__main__":
    main()
