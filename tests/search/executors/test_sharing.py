"""How work is shared out to a cluster: by a fake one, whose workers do what a test tells them to."""

from __future__ import annotations

import contextlib
import itertools
import time
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest

from hpq_hls.errors import ConfigError, ToolError
from hpq_hls.search.arguments import check_cluster
from hpq_hls.search.errors import SettingError
from hpq_hls.search.evaluation import Task
from hpq_hls.search.executors import Pace, cluster, executor_for, memory_shares
from hpq_hls.search.executors.cluster import AHEAD, ClusterExecutor, measure, versions
from hpq_hls.search.executors.local import JoblibExecutor
from hpq_hls.search.measurement import Price
from hpq_hls.search.sharing import CHUNK, CHUNK_S, FIRST_CHUNK, price_all, size_for
from hpq_hls.search.space import Combination
from tests.search.executors.searches import searched, small_problem

CHOICES = (4, 4, 3)
EVERYTHING = list(itertools.product(*map(range, CHOICES)))


def task(pricing: Any = None) -> Task:
    """One whose combinations only have a price, that of their positions."""
    some = np.ones((1, 1))
    fields: dict[str, Any] = {"x": some, "targets": some, "reference": some, "rows": some}
    fields |= dict.fromkeys(("gauge", "metric"))
    return Task(FakeQuantizer(), FakeSpace(), **fields, pricing=pricing or priced, memory_mib=0, output="")  # type: ignore[arg-type]


def priced(combination: Any) -> Price:
    return Price(float(np.dot(combination, (1, 10, 100))), sum(combination))


class FakeQuantizer:
    def quantize(self, precision: Any) -> Any:
        return precision


class FakeSpace:
    def precision(self, combination: Any) -> Any:
        return combination


class Fake:
    """Jobs are done when a test says so: ``ready`` chooses of those that wait. All calls are kept."""

    name = "fake cluster"

    def __init__(self, ready: Callable[[list[int]], Iterable[int]] = lambda waiting: waiting) -> None:
        self.workers, self.ready = 2, ready
        self.kept: list[bytes] = []
        self.calls: dict[int, tuple[Any, ...]] = {}
        self.most_waiting = 0
        self.cancelled: list[int] = []
        self.closed = False

    def size(self) -> int:
        return self.workers

    def keep(self, data: bytes) -> bytes:
        self.kept.append(data)
        return data

    def submit(self, kept: Any, *arguments: Any) -> int:
        self.calls[len(self.calls)] = (kept, *arguments)
        return len(self.calls) - 1

    def wait(self, jobs: Collection[int], seconds: float) -> list[int]:
        self.most_waiting = max(self.most_waiting, len(jobs))
        return list(self.ready(sorted(jobs)))

    def result(self, job: int) -> Any:
        kept, *arguments = self.calls[job]
        return measure(lambda: kept, *arguments)

    def cancel(self, jobs: Collection[int]) -> None:
        self.cancelled.extend(jobs)

    def close(self) -> None:
        self.closed = True


def prices(executor: ClusterExecutor, wanted: list[Combination]) -> dict[Combination, Price]:
    nobody: Any = None  # there is no worker here
    return price_all(task(), nobody, wanted, executor)


ORDERS: dict[str, Callable[[list[int]], Iterable[int]]] = {
    "all": lambda waiting: waiting,
    "first": lambda waiting: waiting[:1],
    "last": lambda waiting: waiting[-1:],
    "middle": lambda waiting: waiting[len(waiting) // 2 :][:1],
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_in_which_workers_answer_decides_nothing(order: str) -> None:
    fake = Fake(ORDERS[order])
    found = prices(ClusterExecutor(fake), EVERYTHING)
    assert found == {combination: priced(combination) for combination in EVERYTHING}
    sent = [each for call in fake.calls.values() for each in call[3]]
    assert sorted(sent) == EVERYTHING  # each once
    assert len(fake.kept) == 1
    assert not fake.cancelled


def test_every_search_sends_its_task_once() -> None:
    fake = Fake()
    executor = ClusterExecutor(fake)
    one, other = task(), task(lambda combination: Price(0.0, 0))
    nobody: Any = None
    for given in (one, other, one):
        price_all(given, nobody, EVERYTHING[:9], executor)
    assert len(fake.kept) == 2
    executor.close()
    assert fake.closed


def test_workers_that_join_get_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many chunks wait that each worker has some ahead, but no more, whatever their number is now."""
    monkeypatch.setattr(cluster, "POLL_S", 0.0)
    monkeypatch.setattr("hpq_hls.search.sharing.FIRST_CHUNK", 1)
    waiting_of: dict[int, int] = {}

    def ready(waiting: list[int]) -> list[int]:
        waiting_of[fake.workers] = max(waiting_of.get(fake.workers, 0), len(waiting))
        fake.workers = {1: 3, 3: 0, 0: 2}.get(fake.workers, fake.workers)
        return waiting[:1]

    fake = Fake(ready)
    fake.workers = 1
    wanted = list(itertools.product(range(10), range(10), range(10)))
    monkeypatch.setattr(Pace, "took", lambda *given: None)
    assert len(prices(ClusterExecutor(fake), wanted)) == 1000
    assert waiting_of == {1: AHEAD, 3: 3 * AHEAD, 0: 3 * AHEAD - 1, 2: 3 * AHEAD - 2}


def test_whoever_wants_to_stop_is_asked_while_nothing_is_done() -> None:
    fake = Fake(lambda waiting: [])
    answers = ClusterExecutor(fake).run(task(), [EVERYTHING[:2], EVERYTHING[2:4]], accuracy=False)
    assert [next(answers) for _ in range(3)] == [({}, 0.0)] * 3
    answers.close()
    assert sorted(fake.cancelled) == [0, 1]


def test_a_cluster_without_workers_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "EMPTY_S", 0.0)
    turns = itertools.count()
    fake = Fake(lambda waiting: waiting if next(turns) > 3 else [])
    fake.workers = 0
    sentence = "the fake cluster has no workers; the search waits until some join"
    with pytest.warns(RuntimeWarning) as told:
        found = prices(ClusterExecutor(fake), EVERYTHING)
    assert [str(each.message) for each in told] == [sentence]
    assert len(found) == len(EVERYTHING)
    fake.workers = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prices(ClusterExecutor(fake), EVERYTHING)


def test_what_a_worker_raises_ends_the_rest() -> None:
    fake = Fake(lambda waiting: waiting[:1])

    def failing(job: int) -> Any:
        raise ModuleNotFoundError("No module named 'scores'")

    fake.result = failing  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"a worker of the fake cluster cannot load the search \(Mod"):
        prices(ClusterExecutor(fake), EVERYTHING)
    assert len(fake.cancelled) == len(fake.calls) - 1


def test_a_task_that_a_worker_cannot_load() -> None:
    def fetch() -> bytes:
        return cloudpickle.dumps(task())[:-9]

    with pytest.raises(
        ToolError, match=r"the worker on \S+ cannot load the search \(.*; start workers where"
    ):
        measure(fetch, "name", versions(), EVERYTHING[:2], False)


@pytest.mark.parametrize("what", list(versions()))
def test_a_worker_of_other_versions_refuses(what: str) -> None:
    wanted = versions() | {what: "0.0.1"}
    with pytest.raises(ToolError, match=rf"runs {what} {versions()[what]}, and the search 0\.0\.1; install"):
        measure(lambda: pytest.fail("asked for"), "name", wanted, EVERYTHING[:2], False)


def test_a_process_fetches_a_task_once() -> None:
    fetched: list[str] = []
    data = {given.name: cloudpickle.dumps(given) for given in (task(), task())}

    def found(name: str) -> Any:
        def fetch() -> bytes:
            fetched.append(name)
            return data[name]

        return measure(fetch, name, versions(), [[1, 2, 0]], False)[0]  # type: ignore[list-item]  # as lists

    first, second = data
    for name in (first, first, second, second, first):
        assert found(name) == {(1, 2, 0): priced((1, 2, 0))}
    assert fetched == [first, second, first]


def test_chunks_take_as_long_as_they_should() -> None:
    pace = Pace()
    assert size_for(pace, True) == FIRST_CHUNK
    for seconds, size in ((0.01, int(CHUNK_S / 0.01)), (CHUNK_S / 3, 3), (10.0, 1)):
        pace.took(True, 5, 5 * seconds)
        assert abs(size_for(pace, True) - size) <= 1
    pace.took(True, 0, 0.0)  # time that went by is no work
    assert size_for(pace, True) == 1
    assert size_for(pace, False) == FIRST_CHUNK  # prices have a pace of their own


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 100])
def test_no_worker_is_left_without_a_chunk(workers: int) -> None:
    fake = Fake()
    fake.workers = workers
    executor = ClusterExecutor(fake)
    executor.pace.took(False, 1000, 0.001)
    prices(executor, EVERYTHING)
    sizes = [len(call[3]) for call in fake.calls.values()]
    assert max(sizes) == min(CHUNK, -(-len(EVERYTHING) // workers))
    assert len(sizes) >= min(workers, len(EVERYTHING)) * 0.8


# What is asked for


@pytest.mark.parametrize("given", [None, "ray", "tcp://127.0.0.1:8786", "tls://host:1"])
def test_addresses(given: str | None) -> None:
    check_cluster("cluster", given)
    assert memory_shares(3, None) == 3
    if given is not None:
        assert memory_shares(None, given) == 1


@pytest.mark.parametrize("given", ["", "dask", "10.0.0.1:8786", "tcp://", "tcp:// x", 3, object()])
def test_what_is_no_address_is_refused(given: Any) -> None:
    with pytest.raises(
        SettingError, match=r"^cluster is .*; give the address of a Dask scheduler, as tcp://"
    ):
        check_cluster("cluster", given)


def test_a_search_refuses_what_it_cannot_use() -> None:
    problem = small_problem()
    with pytest.raises(SettingError, match=r"^cluster is 'dask'; give"):
        searched(problem, "top1", cluster="dask")
    with pytest.raises(ConfigError, match="n_jobs and cluster are both given"):
        searched(problem, "top1", cluster="ray", n_jobs=2)


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpq_hls.search.executors.dask.CONNECT_S", 0.2)
    sentence = r"no Dask scheduler answers at tcp://127\.0\.0\.1:9; start one with `dask scheduler`"
    with pytest.raises(ToolError, match=sentence), executor_for(None, "tcp://127.0.0.1:9"):
        pass


def test_a_scheduler_that_ends_during_the_search() -> None:
    from types import SimpleNamespace

    import distributed

    from hpq_hls.search.executors.dask import DaskCluster

    def lost() -> None:
        raise distributed.CancelledError("scheduler-connection-lost")

    made = DaskCluster(SimpleNamespace(scheduler=SimpleNamespace(address="tcp://10.0.0.1:8786")))
    sentence = r"the Dask cluster at tcp://10\.0\.0\.1:8786 ended or was restarted .* is in the journal"
    with pytest.raises(ToolError, match=sentence):
        made.result(SimpleNamespace(result=lost))


def test_a_machine_that_belongs_to_no_ray_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def none(**given: Any) -> None:
        assert given["address"] == "auto"
        raise ConnectionError("none")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", none)
    with pytest.raises(ToolError, match="no Ray cluster answers on this machine"), executor_for(None, "ray"):
        pass


@pytest.mark.parametrize(("given", "extra"), [("ray", "ray"), ("tcp://127.0.0.1:9", "dask")])
def test_a_library_that_is_missing_is_named(given: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, f"hpq_hls.search.executors.{extra}", None)
    monkeypatch.delattr(f"hpq_hls.search.executors.{extra}", raising=False)
    with (
        pytest.raises(ToolError, match=rf"needs more .*; install it with pip install 'hpq_hls\[{extra}\]'"),
        executor_for(None, given),
    ):
        pass


def test_without_a_cluster_it_is_joblib() -> None:
    with executor_for(None, None) as executor:
        assert isinstance(executor, JoblibExecutor)
        assert not executor.worthwhile(100)
    with executor_for(2, None) as executor, contextlib.suppress(StopIteration):
        assert executor.size == 2
        assert executor.worthwhile(2)
        assert not executor.worthwhile(1)


def slowly_priced(combination: Any) -> Price:
    time.sleep(0.02)
    return priced(combination)


def test_an_end_before_the_last_answer_is_no_warning() -> None:
    """joblib warns of tasks in flight whose answers nobody takes: so every interrupted search ends."""
    chunks = ([combination] for combination in EVERYTHING)
    with joblib.parallel_config("threading"), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        answers = JoblibExecutor(2).run(task(slowly_priced), chunks, accuracy=False)
        next(answers)
        answers.close()
    assert not heard
