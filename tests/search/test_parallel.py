"""A search finds the same wherever its combinations are measured: here, in processes, on a cluster."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from dask.distributed import Client, LocalCluster
from joblib.externals.loky import get_reusable_executor
from torch import nn

from hpq_hls.errors import ConfigError
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer
from hpq_hls.search import SearchProgress, SearchResult, evaluation, search
from hpq_hls.search.evaluation import Task, Worker
from hpq_hls.search.gauge import gauge_of
from hpq_hls.search.limits import Limits
from hpq_hls.search.metric import find_metric
from hpq_hls.search.objective import find_objective
from hpq_hls.search.sharing import CHUNK
from hpq_hls.search.space import space_of
from hpq_hls.search.speed import pricer_of
from hpq_hls.settings.config import load_config
from hpq_hls.workflow import open_workspace, run_search, searching
from tests.networks import Residual

Array = np.ndarray[Any, Any]
JOBS = 2
COMBINATIONS = 2**8
CASES = [
    (objective, strategy) for objective in ("weight_bits", "lut") for strategy in ("exhaustive", "greedy")
]


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def problem() -> tuple[Graph, Array, Array]:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(8, 10), Residual(nn.Linear(10, 10), True), nn.Linear(10, 4)).eval()
    graph = from_torch(net, torch.zeros(2, 8))
    x = np.random.default_rng(1).normal(size=(200, 8))
    return graph, x, graph.predict(x).argmax(1)


def searched(problem: tuple[Graph, Array, Array], **settings: Any) -> SearchResult:
    """The outcome of a search through all combinations of two widths: four portions of work for two jobs."""
    graph, x, y = problem
    widths = {"weight_bits": (3, 6), "activation_bits": (4, 7), "max_drop": 0.05}
    return search(graph, x[:50], (x, y), **(widths | settings))


@pytest.fixture(scope="module")
def alone(problem: tuple[Graph, Array, Array]) -> dict[tuple[str, str], SearchResult]:
    """What one process finds."""
    return {case: searched(problem, objective=case[0], strategy=case[1]) for case in CASES}


def assert_same(found: SearchResult, expected: SearchResult) -> None:
    assert described(found) == described(expected)
    for name, layer in expected.best.layers.items():
        other = found.best.layers[name]
        np.testing.assert_array_equal(other.weight_raw, layer.weight_raw)
        assert (other.output_type, other.bias_type) == (layer.output_type, layer.bias_type)


def described(found: SearchResult) -> dict[str, Any]:
    """Every figure, not rounded, in order."""
    return {
        "points": [point(each) for each in found.points],
        "pareto": [point(each) for each in found.pareto],
        "best": point(found.best_point),
        "rest": (found.feasible, found.evaluations, found.float_accuracy, found.objective, found.strategy),
    }


def point(each: Any) -> tuple[Any, ...]:
    return each.accuracy, each.cost, each.weight_bits, each.precision.to_dict()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Dask cluster of two processes on this machine, and nothing that is served to others."""
    with (
        LocalCluster(
            n_workers=JOBS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=tmp_path_factory.mktemp("dask"),
        ) as local,
        Client(local) as client,
    ):
        client.wait_for_workers(JOBS, timeout=60)
        yield


@pytest.fixture(scope="module")
def pool() -> Iterator[None]:
    """Joblib's own processes; they stay from one search to the next."""
    yield
    get_reusable_executor().shutdown(wait=True)


def by_number() -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext()


def by_loky() -> contextlib.AbstractContextManager[Any]:
    return joblib.parallel_config("loky", n_jobs=JOBS)


def by_dask() -> contextlib.AbstractContextManager[Any]:
    return joblib.parallel_config("dask")


def by_threads() -> contextlib.AbstractContextManager[Any]:
    return joblib.parallel_config("threading", n_jobs=JOBS)


@pytest.fixture
def measured_here(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The combinations that this process measured."""
    here: list[Any] = []
    measure = Worker.measure

    def counted(self: Worker, combination: Any) -> Any:
        here.append(combination)
        return measure(self, combination)

    monkeypatch.setattr(Worker, "measure", counted)
    return here


# Equal results


@pytest.mark.parametrize(("objective", "strategy"), CASES)
@pytest.mark.parametrize(
    ("backend", "n_jobs"),
    [(by_number, JOBS), (by_loky, None), (by_dask, None), (by_threads, None)],
    ids=["n_jobs", "loky", "dask", "threading"],
)
@pytest.mark.usefixtures("cluster", "pool")
def test_every_backend_finds_the_same(
    problem: tuple[Graph, Array, Array],
    alone: dict[tuple[str, str], SearchResult],
    measured_here: list[Any],
    backend: Callable[[], contextlib.AbstractContextManager[Any]],
    n_jobs: int | None,
    objective: str,
    strategy: str,
) -> None:
    with backend():
        found = searched(problem, objective=objective, strategy=strategy, n_jobs=n_jobs)
    assert_same(found, alone[objective, strategy])
    if backend is by_threads:
        assert len(measured_here) == found.evaluations
    else:  # greedy begins with one combination, which is not worth sending
        assert len(measured_here) == (1 if strategy == "greedy" else 0)


def test_one_job_is_this_process(
    problem: tuple[Graph, Array, Array],
    alone: dict[tuple[str, str], SearchResult],
    measured_here: list[Any],
) -> None:
    for n_jobs in (1, None):
        measured_here.clear()
        found = searched(problem, objective="weight_bits", strategy="exhaustive", n_jobs=n_jobs)
        assert_same(found, alone["weight_bits", "exhaustive"])
        assert measured_here == sorted(measured_here)
        assert len(measured_here) == found.evaluations == COMBINATIONS


@pytest.mark.parametrize("memory_mib", [0, 0.01])
def test_memory_changes_no_result(
    problem: tuple[Graph, Array, Array], alone: dict[tuple[str, str], SearchResult], memory_mib: float
) -> None:
    for case in CASES:
        found = searched(problem, objective=case[0], strategy=case[1], memory_mib=memory_mib)
        assert_same(found, alone[case])


@pytest.mark.usefixtures("pool")
def test_searches_that_take_turns_do_not_mix(
    problem: tuple[Graph, Array, Array], alone: dict[tuple[str, str], SearchResult]
) -> None:
    """The processes of a pool keep what one task computed; another task has its own data."""
    graph, x, y = problem
    other = (graph, x[::-1] * 0.5, y[::-1])
    expected = searched(other, objective="weight_bits", strategy="exhaustive")
    assert described(expected) != described(alone["weight_bits", "exhaustive"])
    for backend in (by_loky, by_threads, by_loky):
        with backend():
            found = searched(other, objective="weight_bits", strategy="exhaustive")
            assert_same(found, expected)
            again = searched(problem, objective="weight_bits", strategy="exhaustive")
            assert_same(again, alone["weight_bits", "exhaustive"])


@pytest.mark.usefixtures("pool")
def test_the_other_metric_in_processes(problem: tuple[Graph, Array, Array]) -> None:
    graph, x, _ = problem
    targets = (graph, x, graph.predict(x))
    settings: dict[str, Any] = {"metric": "mse", "objective": "bops", "strategy": "exhaustive"}
    assert_same(searched(targets, **settings, n_jobs=JOBS), searched(targets, **settings))


# Progress


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("n_jobs", [1, JOBS])
@pytest.mark.parametrize("strategy", ["exhaustive", "greedy"])
def test_progress_is_told(problem: tuple[Graph, Array, Array], strategy: str, n_jobs: int) -> None:
    seen: list[SearchProgress] = []
    found = searched(problem, objective="weight_bits", strategy=strategy, n_jobs=n_jobs, progress=seen.append)
    counts = [state.evaluations for state in seen]
    assert counts == sorted(counts)
    assert len(seen) >= 2  # not only at the end
    if n_jobs == 1:
        assert counts == list(range(1, found.evaluations + 1))
    assert seen[-1].evaluations == found.evaluations
    assert {state.expected for state in seen} == {COMBINATIONS if strategy == "exhaustive" else None}
    assert seen[-1].best is not None
    assert point(seen[-1].best) == point(found.best_point)


# Settings


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_jobs": 0}, "n_jobs is 0; give a number of jobs, or -1 for one per processor"),
        ({"memory_mib": -1}, "memory_mib is -1; give a number of MiB from 0 on"),
        ({"memory_mib": -0.5}, "memory_mib is -0.5; give a number of MiB from 0 on"),
        ({"memory_mib": float("nan")}, "memory_mib is nan; give a number of MiB from 0 on"),
        ({"memory_mib": float("inf")}, "memory_mib is inf; give a number of MiB from 0 on"),
    ],
)
def test_impossible_settings_are_refused(
    problem: tuple[Graph, Array, Array], measured_here: list[Any], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        searched(problem, **settings)
    assert str(caught.value) == sentence
    assert not measured_here


PROJECT = """\
model: {source: model.pt2}
data: {calibration: data.npz, validation: data.npz}
search:
  objective: weight_bits
  max_drop: 0.1
  weight_bits: [3, 6]
  activation_bits: [5]
"""


CLUSTERS = (
    "give the address of a Dask scheduler, as tcp://host:8786, or ray for the Ray cluster that this machine "
    "belongs to"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without its project.yaml."""
    folder = tmp_path_factory.mktemp("project")
    torch.manual_seed(2)
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
    program = torch.export.export(net, (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, folder / "model.pt2")
    x = np.random.default_rng(2).normal(size=(60, 4)).astype(np.float32)
    with torch.no_grad():
        np.savez(folder / "data.npz", x=x, y=net(torch.from_numpy(x)).argmax(1).numpy())
    return folder


@pytest.mark.usefixtures("pool")
def test_the_project_file_decides_jobs_and_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def recorded(*given: Any, **settings: Any) -> SearchResult:
        asked.append(settings)
        return search(*given, **settings)

    monkeypatch.setattr(searching, "search", recorded)
    outcomes = []
    for more in ("", f"  jobs: {JOBS}\n  memory_mib: 0.5\n", "  jobs: -1\n  memory_mib: 0\n"):
        (folder / "project.yaml").write_text(PROJECT + more, encoding="utf-8")
        outcomes.append(run_search(open_workspace(load_config(folder))))
    assert [(each["n_jobs"], each["memory_mib"]) for each in asked] == [(1, 256), (JOBS, 0.5), (-1, 0)]
    for outcome in outcomes[1:]:
        assert outcome == dataclasses.replace(outcomes[0], seconds=outcome.seconds)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("jobs: 0", "search.jobs is 0; give a number of jobs, or -1 for one per processor"),
        ("jobs: -2", "search.jobs is -2; it must be at least -1"),
        ("jobs: 1.5", "search.jobs is 1.5; it must be a whole number"),
        ("jobs: yes", "search.jobs is True; it must be a whole number"),
        ("jobs: many", "search.jobs is 'many'; it must be a whole number"),
        ("cluster: dask", f"search.cluster is 'dask'; {CLUSTERS}"),
        ("cluster: 10.0.0.1:8786", f"search.cluster is '10.0.0.1:8786'; {CLUSTERS}"),
        ("cluster: 8786", f"search.cluster is 8786; {CLUSTERS}"),
        ("clusters: ray", "search.clusters is no known key; did you mean 'cluster'?"),
        ("memory_mib: -1", "search.memory_mib is -1; it must be at least 0"),
        ("memory_mib: .inf", "search.memory_mib is inf; it must be a finite number"),
        ("memory_mib: 1 GiB", "search.memory_mib is '1 GiB'; it must be a number"),
        ("memory: 5", "search.memory is no known key; did you mean 'memory_mib'?"),
        ("n_jobs: 5", "search.n_jobs is no known key; did you mean 'jobs'?"),
    ],
)
def test_mistakes_in_the_project_file_are_named(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "project.yaml").write_text(f"{PROJECT}  {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'project.yaml'}, line 8: {sentence}"


def test_jobs_and_a_cluster_contradict_each_other(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(f"{PROJECT}  cluster: ray\n  jobs: 2\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    sentence = "search.jobs and search.cluster are both given; a cluster has workers of its own"
    assert str(caught.value) == f"{tmp_path / 'project.yaml'}, line 9: {sentence}"


def test_a_cluster_in_the_project_file_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(f"{PROJECT}  cluster: tcp://10.0.0.1:8786\n", encoding="utf-8")
    given = load_config(tmp_path).settings.search.arguments(tmp_path)
    assert (given["cluster"], given["n_jobs"]) == ("tcp://10.0.0.1:8786", None)


# What is sent


def task(problem: tuple[Graph, Array, Array], objective: str = "lut", memory_mib: float = 16.0) -> Task:
    graph, x, y = problem
    quantizer = Quantizer(graph, x[:50])
    space = space_of(quantizer.graph, (3, 6), (4, 7))
    widest = quantizer.quantize(space.precision(space.widest))
    price = pricer_of(find_objective(objective), Limits(), "xc7z020clg400-1", 5.0, None, widest)
    reference, metric = graph.predict(x), find_metric("top1")
    gauge = gauge_of(metric, reference, y)
    return Task(
        quantizer, space, x, y, reference, np.arange(len(x)), gauge, metric, price, memory_mib, graph.output
    )


@pytest.mark.parametrize("objective", ["lut", "weight_bits"])
def test_a_task_survives_being_sent(problem: tuple[Graph, Array, Array], objective: str) -> None:
    sent = task(problem, objective)
    received = copied(sent)
    assert (received.name, received.memory_mib) == (sent.name, 16.0)
    assert received.space == sent.space
    here, there = Worker(sent), Worker(received)
    for combination in list(sent.space.all())[::9]:
        assert here.measure(combination) == there.measure(combination)


def copied(sent: Task) -> Task:
    """As joblib's processes and Dask's receive it."""
    return cloudpickle.loads(cloudpickle.dumps(sent))


def test_what_is_sent_is_small(problem: tuple[Graph, Array, Array]) -> None:
    """The data, the float network's outputs and their gauge, the network, the moments that calibration left
    and the weights of every width, but no layer of the networks made of them."""
    sent = task(problem)
    new = len(cloudpickle.dumps(task(problem)))
    worker = Worker(sent)
    for combination in sent.space.all():
        worker.measure(combination)
    weights = sum(node.op.weight.size for node in sent.quantizer.graph.nodes if node.op.weight is not None)
    outputs = 4 * sent.reference.nbytes  # and what the gauge keeps: a copy and two logarithms
    assert new < sent.x.nbytes + sent.targets.nbytes + outputs + 50_000
    most = 8 * weights + 4_000
    assert len(cloudpickle.dumps(sent)) < new + most
    assert len(cloudpickle.dumps(list(sent.quantizer._layers.values()))) > 2 * most


def test_a_worker_keeps_values_in_the_memory_it_is_given(problem: tuple[Graph, Array, Array]) -> None:
    for memory_mib in (0, 0.004, 16):
        worker = Worker(task(problem, "bops", memory_mib))
        for combination in list(worker.task.space.all())[:4]:
            worker.measure(combination)
        simulator = worker._simulator
        assert simulator.kept_bytes <= memory_mib * 2**20
        assert (simulator.layers_reused > 0) == (memory_mib > 0)


def test_tasks_have_names_of_their_own(problem: tuple[Graph, Array, Array]) -> None:
    assert task(problem).name != task(problem).name


def test_a_process_keeps_one_worker(
    problem: tuple[Graph, Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the task that arrives with its next chunk goes to the worker of the first."""
    made: list[Task] = []
    monkeypatch.setattr(evaluation, "Worker", lambda given: made.append(given) or Worker(given))
    monkeypatch.setattr(evaluation, "_worker", None)
    first, second = task(problem, "weight_bits"), task(problem, "weight_bits")
    combinations = list(first.space.all())[: CHUNK // 8]
    results = [
        evaluation.run_chunk(copied(given), combinations, True)[0]
        for given in (first, first, second, second, first)
    ]
    assert [given.name for given in made] == [first.name, second.name, first.name]
    assert all(result == results[0] for result in results)
