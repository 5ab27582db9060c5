"""Seeded searches whose results are scored on samples that they never saw, kept in a file as they end."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import honesty_networks
import numpy as np
import search_peers
from honesty_networks import Data, Draw, Source
from search_networks import Samples
from search_runs import Uniform

import hpq_hls as hpq
from hpq_hls.search.strategies import STRATEGIES
from hpq_hls.simulate import QuantizedGraph

DEFAULT = "sensitivity"
CONFIDENCE = 0.9
"""The default of ``hpq_hls.search``."""
WARM = 64
"""Samples that a process runs before anything is timed: kernels are tried at their first use."""
ROUNDING_ERROR = 1e-9


@dataclass(frozen=True)
class Cell:
    """One search. max_drop: a share. confidence: None for none. effort, evaluations: None for the search's
    own."""

    network: str
    seed: int
    max_drop: float
    confidence: float | None
    strategy: str = DEFAULT
    objective: str = "lut"
    effort: str | None = None
    evaluations: int | None = None


@dataclass(frozen=True)
class Record:
    """What a search found.

    certified, drop_bound: see ``SearchResult``; None where there was no confidence. seconds: of the search,
    calibration included; cpu: of its process alone, which other work on the machine disturbs less.
    drop, unseen_drop: against the float network on the validation and on the unseen samples; shares.
    validation, unseen: how many samples those are.
    """

    cell: Cell
    feasible: bool
    certified: bool | None
    drop_bound: float | None
    cost: float
    evaluations: int
    seconds: float
    cpu: float
    drop: float
    unseen_drop: float
    validation: int
    unseen: int

    @property
    def within(self) -> bool:
        """Whether the drop on unseen data is within what was allowed."""
        return self.unseen_drop <= self.cell.max_drop + ROUNDING_ERROR

    @property
    def bounded(self) -> bool:
        """Whether the drop on unseen data is within the bound that the search states."""
        return self.drop_bound is not None and self.unseen_drop <= self.drop_bound + ROUNDING_ERROR

    @property
    def exceedance(self) -> float:
        """By how much the drop on unseen data is larger than allowed; 0 where it is not."""
        return max(self.unseen_drop - self.cell.max_drop, 0.0)


class Store:
    """Records in a file of JSON lines; whatever it holds when it is opened is done. Several processes may add
    to one file: a line is written at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[Cell, Record] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                record = Record(**{**found, "cell": Cell(**found["cell"])})
                self.records[record.cell] = record

    def add(self, record: Record) -> None:
        """Keep it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")
        self.records[record.cell] = record


@functools.lru_cache(maxsize=1)
def _source(name: str, data: Data) -> tuple[Source, hpq.Graph]:
    source = honesty_networks.NETWORKS[name](data)
    graph = source.graph()
    warm = source.held_out.x[:WARM]
    hpq.quantize(graph, warm, 4).predict(warm)
    return source, graph


def run_together(cells: Sequence[Cell], data: Data, journal: Path | None = None) -> Iterator[Record]:
    """Searches of one network on the samples of one seed, one after the other.

    journal: a folder; searches there take over what others measured on the same samples, which is faster and
    finds the same, but times mean nothing.
    """
    first = cells[0]
    source, graph = _source(first.network, data)
    draw = source.draw(first.seed)
    STRATEGIES[Uniform.name] = Uniform()
    if any(cell.strategy in search_peers.NAMES for cell in cells):
        search_peers.register(graph, draw.calibration, draw.validation.x)
    float_unseen = accuracy(graph, draw.unseen)
    for cell in cells:
        yield _run(cell, graph, draw, float_unseen, journal)


def _run(cell: Cell, graph: hpq.Graph, draw: Draw, float_unseen: float, journal: Path | None) -> Record:
    settings: dict[str, Any] = {"confidence": cell.confidence}
    if cell.effort is not None:
        settings["effort"] = cell.effort
    if journal is not None:
        name = f"{cell.network}_{cell.seed}_{cell.objective}.sqlite"
        settings |= {"journal": journal / name, "resume": True}
    start, started = time.perf_counter(), time.process_time()
    result = hpq.search(
        graph,
        draw.calibration,
        (draw.validation.x, draw.validation.y),
        max_drop=cell.max_drop,
        objective=cell.objective,
        strategy=cell.strategy,
        seed=cell.seed,
        evaluations=cell.evaluations,
        n_jobs=1,
        **settings,
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - started
    bounded = cell.confidence is not None
    return Record(
        cell=cell,
        feasible=result.feasible,
        certified=result.certified if bounded else None,
        drop_bound=result.drop_bound if bounded else None,
        cost=result.best_point.cost,
        evaluations=result.evaluations,
        seconds=seconds,
        cpu=cpu,
        drop=result.float_accuracy - result.best_point.accuracy,
        unseen_drop=float_unseen - accuracy(result.best, draw.unseen),
        validation=len(draw.validation.x),
        unseen=len(draw.unseen.x),
    )


def accuracy(network: hpq.Graph | QuantizedGraph, samples: Samples) -> float:
    """Share of samples whose class the network names; of equal outputs the first counts."""
    outputs = network.predict(samples.x).reshape(len(samples.x), -1)
    return float(np.mean(outputs.argmax(axis=1) == samples.y))


def run_all(
    groups: Iterable[Sequence[Cell]], data: Data, path: Path, jobs: int, journal: Path | None = None
) -> None:
    """All searches that the file does not hold, each group in one process, one thread each."""
    store = Store(path)
    wanted = [[cell for cell in group if cell not in store.records] for group in groups]
    wanted = [group for group in wanted if group]
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for the processes to come
    # A worker with two networks would hold the data of both: those of one network come after each other.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_kept, group, data, path, journal) for group in wanted]):
            future.result()


def _kept(cells: Sequence[Cell], data: Data, path: Path, journal: Path | None) -> None:
    store = Store(path)
    for record in run_together(cells, data, journal):
        store.add(record)
        print(told(record), flush=True)


def told(record: Record) -> str:
    """One line for whoever waits."""
    cell = record.cell
    certified = {None: "", True: ", certified", False: ", not certified"}[record.certified]
    bound = "" if record.drop_bound is None else f", bound {100 * record.drop_bound:.2f}"
    return (
        f"{cell.network} seed {cell.seed} {100 * cell.max_drop:g} {cell.strategy} "
        f"confidence {cell.confidence}: cost {record.cost:,.0f}, {record.evaluations:,} evaluations, "
        f"{record.seconds:.1f} s, drop {100 * record.drop:.2f}, unseen {100 * record.unseen_drop:.2f}"
        f"{bound}{certified}"
    )
