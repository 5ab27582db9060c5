"""Run the testbench by hand: ``python -m hw_sim --design out/ --rtl-dir vendor/verilog``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hpq_hls.codegen.manifest import Manifest, Port, read_manifest
from hpq_hls.errors import DataError, HpqError
from hpq_hls.verify.cosim import DRIVERS, SCENARIOS, CosimResult, Frames, run_cosim


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when everything passed, 1 when the RTL is wrong, 2 when it could not be tried."""
    options = _parser().parse_args(arguments)
    try:
        manifest = read_manifest(options.design)
        rng = np.random.default_rng(options.seed)
        inputs = (
            {port.port: _random(port, options.packets, rng) for port in manifest.inputs}
            if options.input is None
            else _read(options.input)
        )
        result = run_cosim(
            options.rtl_dir or options.design,
            manifest,
            inputs,
            None if options.expected is None else _read(options.expected),
            scenarios=options.scenario or SCENARIOS,
            seed=options.seed,
            build_dir=options.build_dir or options.design / "build" / "cosim",
            progress=_tell,
            driver=options.driver,
            watchdog=options.watchdog,
        )
    except HpqError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(_summary(result))
    if options.json is not None:
        _write_json(options.json, manifest, result)
    return 0 if result.passed else 1


def _tell(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hw_sim", description="Test RTL with the ports of a design.json on Verilator."
    )
    parser.add_argument("--design", type=Path, required=True, help="folder with design.json")
    parser.add_argument("--rtl-dir", type=Path, help="folder with the Verilog files (default: --design)")
    parser.add_argument("--input", type=Path, help="raw input frames, .npy or .npz (default: random)")
    parser.add_argument("--expected", type=Path, help="raw output frames (default: compare scenarios only)")
    parser.add_argument("--packets", type=int, default=16, help="number of random packets")
    parser.add_argument(
        "--scenario", action="append", choices=SCENARIOS, help="may be repeated (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--driver", choices=DRIVERS, default="auto")
    parser.add_argument(
        "--watchdog", type=int, default=1_000_000, help="idle clock cycles that are a deadlock"
    )
    parser.add_argument("--build-dir", type=Path, help="default: build/cosim in --design")
    parser.add_argument("--json", type=Path, help="write the result there")
    return parser


def _random(port: Port, packets: int, rng: np.random.Generator) -> np.ndarray:
    low, high = (-(1 << (port.width - 1)), 1 << (port.width - 1)) if port.signed else (0, 1 << port.width)
    return rng.integers(low, high, (packets, port.beats, port.lanes))


def _read(path: Path) -> Frames:
    try:
        loaded = np.load(path, allow_pickle=False)
        return (
            {name: loaded[name] for name in loaded.files}
            if isinstance(loaded, np.lib.npyio.NpzFile)
            else loaded
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as .npy or .npz ({error}); give integers, see README.md"
        ) from error


def _summary(result: CosimResult) -> str:
    lines = []
    for item in result.scenarios:
        verdict = "passed" if item.passed else "FAILED"
        line = f"{item.name:17} {verdict}: {item.words_compared} words compared, {item.mismatches} differ"
        if item.latency_cycles is not None:
            line += f"; latency {item.latency_cycles} cycles"
        if item.interval_cycles is not None:
            line += f", interval {item.interval_cycles} cycles"
        lines += [line, *(f"    {text}" for text in item.failures)]
    return "\n".join(lines) + "\n"


def _write_json(path: Path, manifest: Manifest, result: CosimResult) -> None:
    data = {
        "design": manifest.name,
        "passed": result.passed,
        "words_compared": result.words_compared,
        "mismatches": result.mismatches,
        "latency_cycles": result.latency_cycles,
        "interval_cycles": result.interval_cycles,
        "scenarios": [asdict(item) for item in result.scenarios],
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
