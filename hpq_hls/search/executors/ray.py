"""A Ray cluster, through tasks of Ray's core."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError, RayTaskError

from hpq_hls.errors import ToolError
from hpq_hls.importing import brief
from hpq_hls.search.executors.cluster import RETRIES, measure
from hpq_hls.search.executors.protocol import Answer


class RayCluster:
    """It implements ``Cluster``, for the cluster that ``ray.init`` has joined.

    options: of every task, as ``num_cpus`` or ``resources``. leave: whether ``close`` leaves the cluster.
    """

    name = "Ray cluster"

    def __init__(self, options: Mapping[str, Any] | None = None, *, leave: bool = False) -> None:
        self._options = {"num_cpus": 1, "max_retries": RETRIES} | dict(options or {})
        self._remote = ray.remote(**self._options)(_measured)
        self._leave = leave

    @classmethod
    def here(cls, options: Mapping[str, Any] | None = None) -> RayCluster:
        """The cluster that this process has joined, or else that this machine belongs to, or that the
        variable RAY_ADDRESS names.

        Raises:
            ToolError: there is none.
        """
        if ray.is_initialized():
            return cls(options)
        try:
            ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
        except ConnectionError as error:
            raise ToolError(
                f"no Ray cluster answers on this machine ({brief(error)}); start one with "
                "`ray start --head`, or join one with `ray start --address=...`"
            ) from error
        return cls(options, leave=True)

    def size(self) -> int:
        """See Cluster."""
        cpus = float(ray.cluster_resources().get("CPU", 0))
        return int(cpus / max(float(self._options["num_cpus"]), 1e-3))

    def keep(self, data: bytes) -> ray.ObjectRef:
        """See Cluster. This process owns it, so that no worker's end takes it along."""
        return ray.put(np.frombuffer(data, np.uint8))

    def submit(self, kept: ray.ObjectRef, *arguments: Any) -> ray.ObjectRef:
        """See Cluster."""
        # in a list, it comes as a reference, and only processes that lack the task fetch it
        return self._remote.remote([kept], *arguments)

    def wait(self, jobs: Collection[ray.ObjectRef], seconds: float) -> list[ray.ObjectRef]:
        """See Cluster."""
        waiting = list(jobs)
        found, _ = ray.wait(waiting, num_returns=1, timeout=seconds)
        if found:  # and what else is there already
            found, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        return list(found)

    def result(self, job: ray.ObjectRef) -> Answer:
        """See Cluster."""
        try:
            return ray.get(job)  # type: ignore[no-any-return]  # what _measured returned
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            raise ToolError(
                f"{RETRIES + 1} workers of the {self.name} ended while they measured the same few "
                f"combinations ({type(error).__name__}): they ran out of memory, or code of your own ends "
                "them"
            ) from error

    def cancel(self, jobs: Collection[ray.ObjectRef]) -> None:
        """See Cluster."""
        for job in jobs:
            ray.cancel(job)

    def close(self) -> None:
        """See Cluster."""
        if self._leave:
            ray.shutdown()


def _measured(kept: list[ray.ObjectRef], *arguments: Any) -> Answer:
    return measure(lambda: ray.get(kept[0]).tobytes(), *arguments)
