"""Measure the simulator against torch's float32 forward and hls4ml's compiled predict, in one run.

Parts: ``speed`` (samples per second at each width), ``combinations`` (seconds per precision combination on
1,000 samples), ``memory`` (peak of a process that only predicts, or only searches) and ``search`` (a thousand
combinations of LeNet, on MNIST where it is given). Networks: a jets MLP, LeNet and ResNet-8, with random
weights unless a state dict is given. All sides take turns, every figure is a median, and hls4ml's outputs are
compared with ours word by word. It prints Markdown tables.

hls4ml's columns appear where it is installed: ``pip install -e '.[bench]' -c constraints.txt``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import sim_hls4ml
import sim_networks
import sim_ours
import sim_tables
import torch

PARTS = ("speed", "combinations", "memory", "search")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    networks = tuple(sim_networks.NETWORKS)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--networks", nargs="+", choices=networks, default=networks)
    parser.add_argument("--bits", nargs="+", type=int, default=(4, 8, 16), help="widths of part speed")
    parser.add_argument("--threads", nargs="+", type=int, default=(1, os.cpu_count() or 1))
    parser.add_argument("--peers", nargs="*", choices=tuple(sim_hls4ml.SETTINGS), help="hls4ml's backends")
    parser.add_argument("--runs", type=int, default=5, help="rounds that a median is taken of")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes of part search")
    parser.add_argument(
        "--mnist", type=Path, help=".npz with x_train and y_train; trains LeNet on them first"
    )
    parser.add_argument("--weights", nargs="+", default=(), metavar="NETWORK=FILE", help="torch state dicts")
    parser.add_argument("--cache", type=Path, help="folder in which a trained LeNet is kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE as well")
    given = parser.parse_args()
    if given.peers is None:
        given.peers = list(sim_hls4ml.SETTINGS) if importlib.util.find_spec("hls4ml") else []
    given.weights = dict(item.split("=", 1) for item in given.weights)
    return given


def main() -> None:
    given = arguments()
    results: dict[str, Any] = {"environment": environment(given)}
    print(sim_tables.environment(results["environment"]), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.cache or Path(scratch)
        if given.mnist is not None and "lenet" not in given.weights:
            given.weights["lenet"] = str(trained_lenet(given.mnist, given.seed, folder))
        for part in given.only:
            results[part] = [run(task, given, Path(scratch)) for task in tasks(part, given)]
            print(f"\n{sim_tables.TABLES[part](results[part])}", flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def environment(given: argparse.Namespace) -> dict[str, str]:
    """The machine and the versions that the figures depend on."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in _lines(Path("/proc/cpuinfo"))
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    found = {"cpu": f"{cpu}, {os.cpu_count()} cores", "python": platform.python_version()}
    found |= {"numpy": np.__version__, "torch": torch.__version__}
    if given.peers:
        compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=True)
        found |= {"hls4ml": sim_hls4ml.version(), "g++": compiler.stdout.strip()}
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def trained_lenet(mnist: Path, seed: int, folder: Path) -> Path:
    """The file of a trained LeNet's state dict, which is made where it is not there yet."""
    path = folder / f"lenet_seed{seed}.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print("training LeNet ...", file=sys.stderr, flush=True)
        torch.save(sim_networks.train_lenet(*sim_networks.mnist(mnist, seed), seed).state_dict(), path)
    return path


def tasks(part: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """What the processes of a part are told."""
    one = {"part": part, "threads": 1, "peers": given.peers}
    if part == "speed":
        return [
            one
            | {
                "network": name,
                "bits": bits,
                "threads": threads,
                "peers": given.peers if threads == 1 else [],
            }
            for threads in dict.fromkeys(given.threads)
            for name in given.networks
            for bits in given.bits
        ]
    if part == "combinations":
        return [one | {"network": name} for name in given.networks]
    if part == "search":
        spaces = range(len(sim_ours.THOUSAND))
        return [one | {"network": "lenet", "space": space, "jobs": given.jobs} for space in spaces]
    threads = {"threads": os.cpu_count() or 1}
    predicting = {"what": "predict", "jobs": 1, "bits": 8} | threads
    searching = [{"what": "search", "jobs": 1} | threads, {"what": "search", "jobs": given.jobs}]
    return [one | {"network": name} | what for name in given.networks for what in (predicting, *searching)]


def run(task: dict[str, Any], given: argparse.Namespace, scratch: Path) -> Any:
    """Result of one process, whose numpy and torch have the task's number of threads."""
    task = task | {
        "seed": given.seed,
        "runs": given.runs,
        "weights": given.weights.get(task["network"]),
        "mnist": None if given.mnist is None else str(given.mnist),
    }
    told = " ".join(f"{key} {task[key]}" for key in ("network", "bits", "what", "space") if key in task)
    print(f"{task['part']}: {told}, {task['threads']} threads ...", file=sys.stderr, flush=True)
    result = scratch / "result.json"
    limits = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(task["threads"])
    )
    worker = Path(__file__).with_name("sim_workers.py")
    command = [sys.executable, "-W", "ignore", str(worker), json.dumps(task), str(result)]
    subprocess.run(command, env=os.environ | limits, check=True, stdout=subprocess.DEVNULL)
    return json.loads(result.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
