"""Where combinations are measured: this process, processes that joblib starts, a Dask or a Ray cluster."""

from hpq_hls.search.executors.choice import executor_for, memory_shares
from hpq_hls.search.executors.protocol import Answer, Executor, Pace

__all__ = ["Answer", "Executor", "Pace", "executor_for", "memory_shares"]
