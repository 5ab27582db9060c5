"""Searches on clusters whose workers die, leave and join: nothing changes, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import joblib
import pytest
import ray
from dask.distributed import Client, LocalCluster
from ray.cluster_utils import Cluster as Nodes
from ray.util.joblib import register_ray

from hpq_hls.errors import HpqError, ToolError
from hpq_hls.search import SearchResult
from hpq_hls.search.executors import ray as through_ray
from tests.search.executors.searches import (
    COMBINATIONS,
    SLEEP_S,
    Acting,
    Problem,
    described,
    processes,
    rows,
    searched,
    signing,
    small_problem,
)

WORKERS = 2

pytestmark = pytest.mark.usefixtures("one_torch_thread")


class Workers(Protocol):
    """A cluster of a test."""

    cluster: Any
    """As ``search`` takes it."""

    def surrounding(self) -> contextlib.AbstractContextManager[Any]:
        """The joblib configuration that means it."""

    def join(self) -> None:
        """One worker more."""

    def leave(self) -> None:
        """One of those that are there goes, with all that it has."""

    def hopeless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give up at the first worker that ends."""


class DaskWorkers:
    def __init__(self, local: LocalCluster, client: Client) -> None:
        self.cluster = local.scheduler_address
        self._local, self._client = local, client

    def surrounding(self) -> contextlib.AbstractContextManager[Any]:
        return joblib.parallel_config("dask")

    def join(self) -> None:
        self._local.scale(len(self._local.workers) + 1)

    def leave(self) -> None:
        self._local.scale(len(self._local.workers) - 1)

    def hopeless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self._local.scheduler, "allowed_failures", 0)


class RayWorkers:
    cluster = "ray"

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._node = nodes.add_node(num_cpus=1)
        register_ray()

    def surrounding(self) -> contextlib.AbstractContextManager[Any]:
        return joblib.parallel_config("ray")

    def join(self) -> None:
        self._node = self._nodes.add_node(num_cpus=1)

    def leave(self) -> None:
        self._nodes.remove_node(self._node, allow_graceful=False)

    def hopeless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(through_ray, "RETRIES", 0)


@contextlib.contextmanager
def dask_workers(folder: Path) -> Iterator[Workers]:
    with (
        LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=folder,
        ) as local,
        Client(local) as client,
    ):
        client.wait_for_workers(WORKERS, timeout=60)
        yield DaskWorkers(local, client)


@contextlib.contextmanager
def ray_workers(folder: Path) -> Iterator[Workers]:
    """Two nodes with a processor each."""
    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
        yield RayWorkers(nodes)
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture(scope="module", params=[dask_workers, ray_workers], ids=["dask", "ray"])
def workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with request.param(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def problem() -> Problem:
    return small_problem()


@pytest.fixture(scope="module")
def serial(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> tuple[SearchResult, Path]:
    """What one process finds, and its journal."""
    journal = tmp_path_factory.mktemp("serial") / "search.sqlite"
    return searched(problem, signing(None, 0), journal=journal), journal


def assert_same(found: SearchResult, journal: Path, serial: tuple[SearchResult, Path]) -> None:
    assert described(found) == described(serial[0])
    assert rows(journal) == rows(serial[1])
    assert found.resumed == 0


def test_a_search_on_a_cluster_finds_the_same(
    workers: Workers, problem: Problem, serial: tuple[SearchResult, Path], tmp_path: Path
) -> None:
    journal, signed = tmp_path / "search.sqlite", tmp_path / "signed"
    signed.mkdir()
    found = searched(problem, signing(signed), cluster=workers.cluster, journal=journal)
    assert_same(found, journal, serial)
    assert len(processes(signed)) == WORKERS


def test_workers_that_die_lose_nothing(
    workers: Workers, problem: Problem, serial: tuple[SearchResult, Path], tmp_path: Path
) -> None:
    """One of two is killed; later all that there are at once, and with them all copies of the data."""
    journal, signed = tmp_path / "search.sqlite", tmp_path / "signed"
    signed.mkdir()
    killed: list[int] = []

    def kill(pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        killed.extend(pids)

    progress = Acting(
        {
            COMBINATIONS // 4: lambda: kill(sorted(processes(signed))[:1]),
            COMBINATIONS // 2: lambda: kill(sorted(processes(signed) - set(killed))),
        }
    )
    found = searched(problem, signing(signed), cluster=workers.cluster, journal=journal, progress=progress)
    assert not progress.left
    assert len(killed) >= WORKERS
    assert processes(signed) - set(killed)  # others took over
    assert_same(found, journal, serial)
    assert progress.counts == sorted(set(progress.counts))
    assert progress.counts[-1] == COMBINATIONS


def test_workers_join_and_leave(
    workers: Workers, problem: Problem, serial: tuple[SearchResult, Path], tmp_path: Path
) -> None:
    journal, signed = tmp_path / "search.sqlite", tmp_path / "signed"
    signed.mkdir()
    before: set[int] = set()

    def change() -> None:
        before.update(processes(signed))
        workers.leave()
        workers.join()

    progress = Acting({COMBINATIONS // 8: change})
    metric = signing(signed, 5 * SLEEP_S)  # long enough for one that joins to have its share
    found = searched(problem, metric, cluster=workers.cluster, journal=journal, progress=progress)
    assert_same(found, journal, serial)
    assert processes(signed) - before  # one that was not there at first


def test_a_search_that_was_ended_on_a_cluster_resumes_anywhere(
    workers: Workers, problem: Problem, serial: tuple[SearchResult, Path], tmp_path: Path
) -> None:
    journal = tmp_path / "search.sqlite"

    class Enough(Exception):  # noqa: N818  (not an error)
        pass

    def stop() -> None:
        raise Enough

    with pytest.raises(Enough), workers.surrounding():
        searched(problem, signing(None), journal=journal, progress=Acting({COMBINATIONS // 2: stop}))
    kept = len(rows(journal))
    assert COMBINATIONS > kept >= COMBINATIONS // 2
    found = searched(problem, signing(None), journal=journal, resume=True)
    assert found.resumed == kept
    assert described(found) == described(serial[0])
    assert rows(journal) == rows(serial[1])


def test_what_a_metric_says_on_a_worker_is_told(workers: Workers, problem: Problem) -> None:
    here = os.getpid()

    def choosy(outputs: Any, targets: Any) -> float:
        import os

        if os.getpid() != here:
            raise ValueError("not on a weekday")
        return 1.0

    with pytest.raises(HpqError, match=r"metric is .*choosy, which fails with ValueError: not on a weekday"):
        searched(problem, choosy, cluster=workers.cluster)


def test_what_ends_every_worker_is_told(
    workers: Workers, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()
    workers.hopeless(monkeypatch)

    def deadly(outputs: Any, targets: Any) -> float:
        import os

        if os.getpid() != here:
            os._exit(1)
        return 1.0

    with pytest.raises(ToolError, match=r"ended.* while they measured the same few combinations"):
        searched(problem, deadly, cluster=workers.cluster)
