"""A Dask cluster, through ``distributed.Client``."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

import dask
import distributed
from distributed.scheduler import KilledWorker

from hpq_hls.errors import ToolError
from hpq_hls.search.executors.cluster import measure
from hpq_hls.search.executors.protocol import Answer

CONNECT_S = 10.0
"""How long a scheduler may take to answer."""


class DaskCluster:
    """It implements ``Cluster``.

    client: of the cluster. options: keyword arguments of every ``client.submit``, as ``workers`` or
    ``resources``. leave: what ``close`` does.
    """

    def __init__(
        self,
        client: distributed.Client,
        options: Mapping[str, Any] | None = None,
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        self._client, self._options, self._leave = client, dict(options or {}), leave
        self._done: queue.SimpleQueue[distributed.Future] = queue.SimpleQueue()
        self.name = f"Dask cluster at {client.scheduler.address if client.scheduler else 'no address'}"

    @classmethod
    def at(cls, address: str) -> DaskCluster:
        """The cluster of a scheduler.

        Raises:
            ToolError: none answers.
        """
        try:
            client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ToolError(
                f"no Dask scheduler answers at {address}; start one with `dask scheduler`, and give the "
                "address that it prints"
            ) from error
        return cls(client, leave=client.close)

    def size(self) -> int:
        """See Cluster: processes, whatever number of threads they have, as each measures one at a time."""
        with contextlib.suppress(OSError):  # a scheduler that is gone is told of by what waits for it
            return len(self._client.ncores())
        return 0

    def keep(self, data: bytes) -> distributed.Future:
        """See Cluster. The scheduler knows how to make it again when all workers that hold it are gone, which
        it would not of data that are scattered."""
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self._client.submit(_kept, data, key=f"hpq-task-{uuid.uuid4().hex}", priority=1)

    def submit(self, kept: distributed.Future, *arguments: Any) -> distributed.Future:
        """See Cluster."""
        key = f"hpq-measure-{uuid.uuid4().hex}"
        future = self._client.submit(_measured, kept, *arguments, key=key, **self._options)
        future.add_done_callback(self._done.put)
        return future

    def wait(self, jobs: Collection[distributed.Future], seconds: float) -> list[distributed.Future]:
        """See Cluster."""
        found: list[distributed.Future] = []
        end = time.monotonic() + seconds
        while True:
            try:
                job = self._done.get(timeout=0 if found else max(end - time.monotonic(), 0))
            except queue.Empty:
                return found
            if job in jobs:  # and not one that was cancelled
                found.append(job)

    def result(self, job: distributed.Future) -> Answer:
        """See Cluster."""
        try:
            return job.result()  # type: ignore[no-any-return]  # of what _measured returns
        except KilledWorker as error:
            raise ToolError(
                f"{error.allowed_failures + 1} workers of the {self.name} ended while they measured the same "
                "few combinations: they ran out of memory, or code of your own ends them"
            ) from error
        except (distributed.CancelledError, OSError) as error:
            raise ToolError(
                f"the {self.name} ended or was restarted during the search; what was measured until then "
                "is in the journal, if there is one, and a search that resumes takes it from there"
            ) from error

    def cancel(self, jobs: Collection[distributed.Future]) -> None:
        """See Cluster."""
        with contextlib.suppress(OSError):
            self._client.cancel(list(jobs))

    def close(self) -> None:
        """See Cluster."""
        self._leave()


def _kept(data: bytes) -> bytes:
    return data


def _measured(kept: bytes, *arguments: Any) -> Answer:
    return measure(lambda: kept, *arguments)
