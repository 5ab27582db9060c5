"""A cluster whose workers may fail, join and leave while a search goes on."""

from __future__ import annotations

import itertools
import platform
import socket
import time
import warnings
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from typing import Any, Protocol

import cloudpickle
import numpy as np

from hpq_hls.errors import ToolError
from hpq_hls.importing import brief
from hpq_hls.search.evaluation import Found, Task, run_chunk, task_of_process
from hpq_hls.search.executors.protocol import Answer, Pace
from hpq_hls.search.space import Combination
from hpq_hls.version import __version__

AHEAD = 12
"""Chunks that wait or run for each worker: some seconds of work, by which adaptive clusters see that more
workers would be of use."""
POLL_S = 0.5
"""Ctrl-C, and workers that joined, are noticed after this time at the latest."""
EMPTY_S = 10.0
"""After this time without a worker, a warning says that the search waits for some."""
RETRIES = 3
"""Times that a chunk is given to another worker because the one that had it died. (A Dask scheduler has a
setting of its own for this, with the same default: ``distributed.scheduler.allowed-failures``.)"""

Job = Any
"""A call that was submitted, as the cluster's library knows it."""


class Cluster(Protocol):
    """What is asked of a cluster's library. It runs a call again elsewhere when the worker that had it dies,
    and has what calls need wherever they run."""

    @property
    def name(self) -> str:
        """The rest of a sentence that starts with "the": "Dask cluster at tcp://10.0.0.1:8786"."""
        ...

    def size(self) -> int:
        """How many workers there are now."""
        ...

    def keep(self, data: bytes) -> Any:
        """Send data that many calls need, once; returns what stands for it."""
        ...

    def submit(self, kept: Any, *arguments: Any) -> Job:
        """Run ``measure(fetch, *arguments)`` on a worker, where ``fetch()`` is the data that was kept."""
        ...

    def wait(self, jobs: Collection[Job], seconds: float) -> Collection[Job]:
        """Those of the jobs that are done, as soon as there is one or the time is over."""
        ...

    def result(self, job: Job) -> Answer:
        """What a job that is done returned; what it raised is raised.

        Raises:
            ToolError: its workers died again and again, or the cluster ended.
        """
        ...

    def cancel(self, jobs: Collection[Job]) -> None:
        """Drop jobs that nobody waits for any more."""
        ...

    def close(self) -> None:
        """Leave the cluster, if this object joined it; its workers go on."""
        ...


class ClusterExecutor:
    """It implements ``Executor``. Until it is closed, the workers hold the task."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._kept: dict[str, Any] = {}
        self._size, self._counted = 0, -np.inf
        self.pace = Pace()

    @property
    def size(self) -> int:
        """See Executor."""
        now = time.monotonic()
        if now - self._counted >= POLL_S:
            self._size, self._counted = self._cluster.size(), now
        return self._size

    def worthwhile(self, count: int) -> bool:
        """See Executor: also one worker may have a better machine than this one."""
        return count > 1

    def run(
        self, task: Task, chunks: Iterable[Sequence[Combination]], *, accuracy: bool
    ) -> Generator[Answer, None, None]:
        """See Executor."""
        if task.name not in self._kept:
            self._kept[task.name] = self._cluster.keep(cloudpickle.dumps(task))
        rest, jobs, empty = iter(chunks), set[Job](), _Empty(self._cluster)
        try:
            while True:
                for chunk in itertools.islice(rest, max(AHEAD * max(self.size, 1) - len(jobs), 0)):
                    jobs.add(
                        self._cluster.submit(
                            self._kept[task.name], task.name, versions(), tuple(chunk), accuracy
                        )
                    )
                if not jobs:
                    return
                done = self._cluster.wait(jobs, POLL_S)
                empty.check(self.size)
                if not done:
                    yield {}, 0.0
                for job in done:
                    jobs.discard(job)
                    yield self._answer(job)
        finally:
            self._cluster.cancel(jobs)

    def _answer(self, job: Job) -> Answer:
        try:
            return self._cluster.result(job)
        except ImportError as error:  # not even hpq_hls is there
            raise ToolError(_cannot_load(f"a worker of the {self._cluster.name}", error)) from error

    def close(self) -> None:
        """Let the workers forget the task."""
        self._kept.clear()
        self._cluster.close()


class _Empty:
    """Tells, once, that there are no workers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._told, self._seen = cluster, False, time.monotonic()

    def check(self, size: int) -> None:
        now = time.monotonic()
        if size:
            self._seen = now
        elif not self._told and now - self._seen >= EMPTY_S:
            self._told = True
            warnings.warn(
                f"the {self._cluster.name} has no workers; the search waits until some join",
                RuntimeWarning,
                stacklevel=2,
            )


def versions() -> dict[str, str]:
    """Of what decides the values that a worker measures, and of what reads what it is sent."""
    return {
        "hpq_hls": __version__,
        "numpy": np.__version__,
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }


def measure(
    fetch: Callable[[], bytes],
    name: str,
    wanted: dict[str, str],
    combinations: Sequence[Combination],
    accuracy: bool,
) -> tuple[dict[Combination, Found], float]:
    """On a worker: what it found, and the seconds that it took.

    fetch: the task, pickled; it is asked only where this process does not have the task of this name.
    wanted: the versions that the search runs with.

    Raises:
        ToolError: this worker runs with others, or cannot load the task.
    """
    for what, version in versions().items():
        if wanted.get(what) != version:
            raise ToolError(
                f"the worker on {socket.gethostname()} runs {what} {version}, and the search "
                f"{wanted.get(what)}; install the same version on both, so that they measure the same"
            )
    combinations = [tuple(combination) for combination in combinations]
    return run_chunk(task_of_process(name) or _loaded(fetch()), combinations, accuracy)


def _loaded(data: bytes) -> Task:
    try:
        return cloudpickle.loads(data)  # type: ignore[no-any-return]  # what was kept
    except Exception as error:  # anything can come out of what a module of the user's own does
        raise ToolError(_cannot_load(f"the worker on {socket.gethostname()}", error)) from error


def _cannot_load(who: str, error: Exception) -> str:
    return (
        f"{who} cannot load the search ({brief(error)}); start workers where hpq_hls {__version__}, and what "
        "your metric and your own operators import, can be imported"
    )
