"""Limits on the threads of libraries end when the last of several callers has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from hpq_hls.simulate.threads import _blas, in_threads, thread_count, torch_alone


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with _blas().limit(limits=2):
        yield
    torch.set_num_threads(before)


def test_callers_that_overlap() -> None:
    first_left, second_came = threading.Event(), threading.Event()
    seen: list[int] = []

    def second() -> None:
        with torch_alone():
            second_came.set()
            assert first_left.wait(10)
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())

    other = threading.Thread(target=second)
    with torch_alone():
        other.start()
        assert second_came.wait(10)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    first_left.set()
    other.join()
    assert seen == [1, 2]
    assert torch.get_num_threads() == 2


def test_an_error_ends_the_limit() -> None:
    def work(items: object, arrays: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_threads(work, [1, 2, 3])
    assert thread_count() == torch.get_num_threads() == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_every_item_is_worked_on_once(threads: int) -> None:
    done: list[int] = []
    with _blas().limit(limits=threads):
        in_threads(lambda items, _: done.extend(items), range(7))
    assert sorted(done) == list(range(7))
