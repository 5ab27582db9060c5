"""Ctrl-C while a search runs: it ends soon, with what it has."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from joblib.externals.loky.backend import resource_tracker

_SHIELDED = {signal.SIGINT, signal.SIGTERM}


class Interruption:
    """While this is open, the first Ctrl-C only makes ``requested`` true; the next one is an ordinary
    KeyboardInterrupt, and makes ``insisted`` true. Outside the main thread, or where somebody else handles
    Ctrl-C, nothing changes."""

    def __init__(self) -> None:
        self.requested = self.insisted = False
        self._earlier: Any = None

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._earlier = signal.signal(signal.SIGINT, self._requested)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._earlier is not None:
            signal.signal(signal.SIGINT, self._earlier)

    def _requested(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self.insisted = True
            raise KeyboardInterrupt
        self.requested = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if that was requested."""
        if self.requested:
            raise KeyboardInterrupt


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Processes that joblib starts here never hear of Ctrl-C, which a terminal sends to all of them: the
    process that started them decides when they end. What arrives here meanwhile arrives afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # whose start would let the signals through again
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, _SHIELDED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


_watching: set[int] = set()
WATCH_S = 1.0


def end_with(parent: int) -> None:
    """End this process soon after process ``parent``, if that is what started it: one that is killed cannot
    tell its helpers, which would wait for work for minutes, and some for ever."""
    if os.getppid() != parent or os.getpid() in _watching:
        return
    _watching.add(os.getpid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
