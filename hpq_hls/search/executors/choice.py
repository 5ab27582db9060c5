"""Which executor a search gets: from its arguments, or from what surrounds it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from hpq_hls.errors import ToolError
from hpq_hls.search.arguments import RAY, is_client
from hpq_hls.search.executors.cluster import Cluster, ClusterExecutor
from hpq_hls.search.executors.local import JoblibExecutor
from hpq_hls.search.executors.protocol import Executor


def memory_shares(n_jobs: int | None, cluster: Any) -> int:
    """By how many workers the memory of a search is shared: those of this machine. On a cluster each has as
    much."""
    return 1 if _wanted(cluster) else int(joblib.effective_n_jobs(n_jobs))


@contextlib.contextmanager
def executor_for(n_jobs: int | None, cluster: Any) -> Iterator[Executor]:
    """What measures the combinations of one search.

    n_jobs: as in joblib. cluster: as ``check_cluster`` takes it; None leaves it to ``n_jobs`` and the
    surrounding ``joblib.parallel_config``, whose backends "dask" and "ray" name clusters too.

    Raises:
        ToolError: the cluster cannot be reached, or its library is not installed.
    """
    join = _wanted(cluster)
    if join is None:
        yield JoblibExecutor(n_jobs)
        return
    with contextlib.closing(ClusterExecutor(join())) as executor:
        yield executor


def _wanted(cluster: Any) -> Callable[[], Cluster] | None:
    """What joins the cluster that is meant, if one is."""
    if is_client(cluster):
        return lambda: _dask().DaskCluster(cluster)
    if cluster == RAY:
        return lambda: _ray().RayCluster.here(None)
    if cluster is not None:
        return lambda: _dask().DaskCluster.at(cluster)
    backend, _ = get_active_backend()
    home = type(backend).__module__
    if home == "joblib._dask":
        return lambda: _dask().DaskCluster(backend.client, backend.submit_kwargs)
    if home == "ray.util.joblib.ray_backend":
        return lambda: _ray().RayCluster.here(backend.ray_remote_args)
    return None


def _dask() -> Any:
    with _needed("dask"):
        from hpq_hls.search.executors import dask
    return dask


def _ray() -> Any:
    with _needed("ray"):
        from hpq_hls.search.executors import ray
    return ray


@contextlib.contextmanager
def _needed(extra: str) -> Iterator[None]:
    """The body imports a module that needs an extra."""
    try:
        yield
    except ImportError as error:
        raise ToolError(
            f"a search on a {extra.capitalize()} cluster needs more ({error}); "
            f"install it with pip install 'hpq_hls[{extra}]'"
        ) from error
