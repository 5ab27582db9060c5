"""Sharing blocks of samples among threads: as many as the linear algebra library may use."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from hpq_hls.ops.layout import Array

Item = TypeVar("Item")

KEPT_BYTES = 1 << 26
"""Work arrays that a thread keeps from one call to the next, so that they need not be made again."""


@functools.cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="hpq_hls")


_kept = threading.local()


class _Alone:
    """What callers of ``torch_alone`` in several threads share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.threads = 1


_alone = _Alone()


def _after_fork() -> None:
    """Threads do not survive a fork, nor do those who hold the lock."""
    global _alone  # noqa: PLW0603
    _alone = _Alone()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def thread_count() -> int:
    """Threads that the linear algebra library may use now, as OMP_NUM_THREADS or a parallel job set it."""
    return max((library.num_threads for library in _blas().lib_controllers), default=1)


def in_threads(work: Callable[[Sequence[Item], dict[object, Array]], None], items: Sequence[Item]) -> None:
    """``work(items, arrays)``, with the items dealt out to threads where there are several of both.

    arrays: the thread's work arrays, for ``Scratch``. Each thread calls ``work`` once and its matrix
    products stay in it: blocks of samples are better shared than every product of each block.
    """
    threads = min(thread_count(), len(items))
    if threads < 2:
        with_arrays(work, items)
        return
    shares = [items[start::threads] for start in range(threads)]
    with _blas().limit(limits=1), torch_alone():  # several callers may: threadpoolctl obeys the first
        list(_pool(threads).map(functools.partial(with_arrays, work), shares))


def with_arrays(work: Callable[[Sequence[Item], dict[object, Array]], None], items: Sequence[Item]) -> None:
    """``work(items, arrays)`` in this thread."""
    arrays: dict[object, Array] = getattr(_kept, "arrays", {})
    _kept.arrays = {}  # should work call itself, it gets others
    work(items, arrays)
    if sum(array.nbytes for array in arrays.values()) <= KEPT_BYTES:
        _kept.arrays = arrays


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products and torch's operators stay in this thread: for many small ones."""
    with _blas().limit(limits=1), torch_alone():
        yield


@contextlib.contextmanager
def torch_alone() -> Iterator[None]:
    """Torch's operators stay in the thread that calls them: for small work, which others would only delay."""
    torch = sys.modules.get("torch")
    if torch is None or getattr(_kept, "alone", False):
        yield
        return
    state = _alone
    with state.lock:
        threads = torch.get_num_threads()  # asked always: a thread's first question overrides its own setting
        if state.users == 0:
            state.threads = threads
        state.users += 1
        torch.set_num_threads(1)  # threads take this over when they first use torch, and keep it
    _kept.alone = True
    try:
        yield
    finally:
        _kept.alone = False
        with state.lock:  # a thread that came while others were here read 1, which is not what it had
            state.users -= 1
            torch.set_num_threads(state.threads)
