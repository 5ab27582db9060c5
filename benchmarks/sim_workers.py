"""What runs in a process of its own, so that threads are limited and memory is counted from the start.

Called by simulator_vs_peers.py: ``sim_workers.py TASK RESULT``, TASK a JSON object, RESULT a file to write.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sim_hls4ml
import sim_networks
import sim_ours
import torch
from sim_networks import NETWORKS, FloatArray
from torch import nn

import hpq_hls as hpq

BATCHES = (64, 256, 1024)
CALIBRATION = 256
VALIDATION = 1000
PEER_SECONDS = 0.5
"""How long one run of a peer's ``predict`` should take; it decides on how many samples."""
Task = dict[str, Any]


def main() -> None:
    task: Task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    result = {"speed": speed, "combinations": combinations, "memory": memory, "search": search}[task["part"]](
        task
    )
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


class Subject:
    """A network with its graph and data: the first images calibrate, the next validate."""

    def __init__(self, task: Task, samples: int) -> None:
        self.name, seed = task["network"], task["seed"]
        weights = task["weights"]
        self.module = sim_networks.build(self.name, seed, None if weights is None else Path(weights))
        self.graph = sim_ours.graph_of(self.name, self.module)
        images = digits = None
        if self.name == "lenet" and task["mnist"] is not None:
            images, digits = sim_networks.mnist(Path(task["mnist"]), seed)
        data = sim_networks.inputs(self.name, CALIBRATION + samples, seed + 1, images)
        self.calibration, self.x = data[:CALIBRATION], data[CALIBRATION:]
        if digits is not None:
            self.labels = np.resize(digits, len(data))[CALIBRATION:]
        else:  # a random network agrees with itself
            self.labels = sim_networks.forward(self.module, torch.from_numpy(self.x), 256).argmax(1).numpy()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class TorchSide:
    """torch's float32 forward of one module, at the batch size that is fastest."""

    def __init__(self, module: nn.Module, x: FloatArray, channels_last: bool = False) -> None:
        self.module, self.x = module, torch.from_numpy(x)
        if channels_last:
            self.module = module.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.batch, self.best = 0, float("inf")
        for batch in sorted({*(size for size in BATCHES if size < len(x)), len(x)}):
            self._forward(batch)
            seconds = min(_seconds(lambda batch=batch: self._forward(batch)) for _ in range(3))
            if seconds < self.best:
                self.batch, self.best = batch, seconds

    def _forward(self, batch: int) -> None:
        sim_networks.forward(self.module, self.x, batch)

    def run(self) -> None:
        self._forward(self.batch)


class PeerSide:
    """hls4ml's predict on as many samples as fit in the time for one run."""

    def __init__(self, subject: Subject, q: hpq.QuantizedGraph, backend: str, folder: Path) -> None:
        self.peer = sim_hls4ml.build(subject.module, q, sim_hls4ml.SETTINGS[backend][subject.name], folder)
        few = self.peer.prepared(subject.x[:2])
        self.peer.predict(few)  # the first call reads the weights
        count = int(PEER_SECONDS / _seconds(lambda: self.peer.predict(few))) * 2
        self.x = self.peer.prepared(subject.x[: min(max(count, 4), len(subject.x))])
        self.ours = sim_ours.predict(q, subject.x[: len(self.x)])
        self.scale = float(q.output_type.scale)
        self.backend, self.setting = backend, sim_hls4ml.SETTINGS[backend][subject.name]

    def run(self) -> None:
        self.outputs = self.peer.predict(self.x)

    def report(self) -> dict[str, Any]:
        raw = np.rint(self.outputs.astype(np.float64) / self.scale).astype(np.int64)
        return {
            "backend": self.backend,
            "io": self.setting.io,
            "strategy": self.setting.strategy,
            "convert_s": self.peer.convert_s,
            "compile_s": self.peer.compile_s,
            "samples": len(self.x),
            "words": raw.size,
            "words_equal": int((raw == self.ours).sum()),
        }


def speed(task: Task) -> dict[str, Any]:
    """One network at one width: ours, torch and hls4ml in turns."""
    subject = Subject(task, NETWORKS[task["network"]].samples)
    q = hpq.quantize(subject.graph, subject.calibration, task["bits"])
    folded = sim_networks.without_batchnorm(subject.module)
    variants = {"as written": TorchSide(subject.module, subject.x)}
    if len(subject.graph.input_shape) == 3:
        variants["batch-norm folded"] = TorchSide(folded, subject.x)
        variants["channels last"] = TorchSide(sim_networks.without_batchnorm(folded), subject.x, True)
    plain = variants["as written"]
    best_title = min(variants, key=lambda title: variants[title].best)
    cores: list[float] = []

    def ours() -> None:
        wall, used = time.perf_counter(), time.process_time()
        sim_ours.predict(q, subject.x)
        cores.append((time.process_time() - used) / (time.perf_counter() - wall))

    with tempfile.TemporaryDirectory() as scratch:
        peers = [PeerSide(subject, q, backend, Path(scratch)) for backend in task["peers"]]
        ours()
        rounds: list[dict[str, float]] = []
        for _ in range(task["runs"]):
            once = {"ours": _seconds(ours) / len(subject.x), "torch": _seconds(plain.run) / len(subject.x)}
            chosen = variants[best_title]
            once["torch_best"] = once["torch"] if chosen is plain else _seconds(chosen.run) / len(subject.x)
            once |= {side.backend: _seconds(side.run) / len(side.x) for side in peers}
            rounds.append(once)
        reports = [side.report() for side in peers]
    return {
        "network": subject.name,
        "bits": task["bits"],
        "threads": task["threads"],
        "samples": len(subject.x),
        "seconds_per_sample": {side: statistics.median(r[side] for r in rounds) for side in rounds[0]},
        "ratios": {side: _ratios(rounds, side) for side in rounds[0] if side != "ours"},
        "torch_batch": plain.batch,
        "torch_best": {"variant": best_title, "batch": variants[best_title].batch},
        "ours_cores": statistics.median(cores),
        "peers": reports,
    }


def _ratios(rounds: list[dict[str, float]], side: str) -> list[float]:
    """Least, median and largest of their time over ours."""
    values = sorted(once[side] / once["ours"] for once in rounds)
    return [values[0], statistics.median(values), values[-1]]


def combinations(task: Task) -> dict[str, Any]:
    """Seconds for one precision combination on 1,000 samples: ours alone, ours within a search, hls4ml."""
    subject = Subject(task, VALIDATION)
    drawn = [
        sim_ours.random_widths(subject.graph, subject.calibration, seed) for seed in range(task["runs"] + 1)
    ]
    alone = [sim_ours.independent(subject.graph, subject.calibration, subject.x, widths) for widths in drawn][
        1:
    ]
    q = hpq.quantize(subject.graph, subject.calibration, drawn[0])
    peers = []
    with tempfile.TemporaryDirectory() as scratch:
        for backend in task["peers"]:
            side = PeerSide(subject, q, backend, Path(scratch))
            seconds = _seconds(side.run)
            report = side.report()
            report["predict_s"] = seconds * VALIDATION / len(side.x)
            report["total_s"] = report["convert_s"] + report["compile_s"] + report["predict_s"]
            peers.append(report)
    searched = [
        sim_ours.search(subject.graph, subject.calibration, (subject.x, subject.labels), spec, jobs=1)
        for spec in sim_ours.SEARCHES[subject.name]
    ]
    return {
        "network": subject.name,
        "threads": task["threads"],
        "samples": VALIDATION,
        "independent": {key: statistics.median(once[key] for once in alone) for key in alone[0]},
        "searches": searched,
        "peers": peers,
    }


def search(task: Task) -> dict[str, Any]:
    """A thousand or two combinations of LeNet on 1,000 images."""
    subject = Subject(task, VALIDATION)
    spec = sim_ours.THOUSAND[task["space"]]
    validation = (subject.x, subject.labels)
    data = {"data": "random" if task["mnist"] is None else "MNIST"}
    return (
        data
        | sim_ours.search(subject.graph, subject.calibration, validation, spec, task["jobs"])
        | _peak(task["jobs"])
    )


def memory(task: Task) -> dict[str, Any]:
    """Peak memory of prediction or of a search, and what the process held before."""
    subject = Subject(task, NETWORKS[task["network"]].samples if task["what"] == "predict" else VALIDATION)
    if task["what"] == "predict":
        q = hpq.quantize(subject.graph, subject.calibration, task["bits"])
        before = _peak(1)["peak_mib"]
        sim_ours.predict(q, subject.x)
        what = f"predict_raw, {task['bits']} bit, {len(subject.x):,} samples"
    else:
        before = _peak(1)["peak_mib"]
        spec = sim_ours.SEARCHES[subject.name][0]
        found = sim_ours.search(
            subject.graph, subject.calibration, (subject.x, subject.labels), spec, task["jobs"]
        )
        what = f"search of {found['evaluations']:,} combinations, {len(subject.x):,} samples"
    return {
        "network": subject.name,
        "what": what,
        "jobs": task["jobs"],
        "input_mib": subject.x.nbytes / 2**20,
        "before_mib": before,
    } | _peak(task["jobs"])


def _peak(jobs: int) -> dict[str, float]:
    """Peak resident memory of this process and of the workers that joblib has started.

    From Linux's VmHWM, because ru_maxrss of a child starts with what its parent held before the child began.
    Libraries that processes share count in each of them.
    """
    peak = _high_water("self")
    if jobs > 1:
        with joblib.Parallel(n_jobs=jobs) as parallel:  # the same workers, still alive
            workers = set(parallel(joblib.delayed(_pid)() for _ in range(8 * jobs)))
        peak += sum(_high_water(str(worker)) for worker in workers)
    return {"peak_mib": peak}


def _pid() -> int:
    time.sleep(0.01)  # so that every worker gets some
    return os.getpid()


def _high_water(process: str) -> float:
    """MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
