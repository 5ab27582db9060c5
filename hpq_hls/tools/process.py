"""Runs an external program so that nothing of it is left behind when we stop."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from hpq_hls.errors import ToolError

_LOG = logging.getLogger(__name__)
LIMIT_VARIABLE = "HPQ_TIME_LIMIT"
"""Environment variable: seconds that any one program may take, instead of ``LIMIT_S`` and the like."""
LIMIT_S = 4 * 3600.0
"""Seconds that a compiler or a simulator may take."""
SYNTHESIS_LIMIT_S = 48 * 3600.0
_TAIL_LINES = 15
_KILL_GRACE_S = 2.0

_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


def run_tool(
    cmd: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    limit: float = LIMIT_S,
    log: Path | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without a shell and without a terminal.

    On a timeout, on Ctrl-C and on any other exception the program and all its children are
    ended before the exception leaves this function.

    Parameters
    ----------
    cmd
        The program and its arguments.
    cwd
        Folder to run in; the current one by default.
    env
        The complete environment; this process's by default.
    timeout
        Seconds, where they are not for the user to choose.
    limit
        Seconds otherwise, unless the environment variable ``HPQ_TIME_LIMIT`` says how many.
    log
        File that receives standard output and standard error, in the order they came.
    check
        Whether a non-zero exit status is an error.

    Returns
    -------
    subprocess.CompletedProcess
        ``stdout`` holds both streams.

    Raises
    ------
    ToolError
        The program cannot be started, exits non-zero (with `check`) or runs past its time; the
        message ends in the last lines of its output.
    """
    args = [str(word) for word in cmd]
    name = Path(args[0]).name
    allowed = time_limit(limit) if timeout is None else timeout
    _LOG.debug("%s (in %s)", shlex.join(args), cwd or Path.cwd())
    with _open_log(log) as stream:
        try:
            with _sigterm_raises(), _started(args, cwd, env, stream) as process:
                status = _wait(process, allowed)
        except OSError as error:
            raise ToolError(f"{args[0]} could not be started: {error.strerror}.") from error
        output = _read_back(stream)
    if status is None:
        more = f"; set {LIMIT_VARIABLE} to more seconds if it needs them" if timeout is None else ""
        reason = f"{name} was stopped after its time limit of {allowed:g} s{more}"
        raise ToolError(_explain(reason, output, log))
    if check and status != 0:
        how = f"exit status {status}" if status > 0 else f"signal {-status}"
        raise ToolError(_explain(f"{name} failed with {how}", output, log))
    return subprocess.CompletedProcess(args, status, output, "")


def time_limit(otherwise: float = LIMIT_S) -> float:
    """Seconds that a program may take.

    Raises
    ------
    ToolError
        ``HPQ_TIME_LIMIT`` is no number of seconds.
    """
    given = os.environ.get(LIMIT_VARIABLE)
    if not given:
        return otherwise
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ToolError(f"{LIMIT_VARIABLE} is {given!r:.40}; give a number of seconds above 0, or unset it.")
    return seconds


def stop_running_tools() -> None:
    """End every program that `run_tool` is running in any thread of this process.

    For code that calls `run_tool` from worker threads: Ctrl-C reaches the main thread only. The
    interrupted calls raise `ToolError`.
    """
    with _running_lock:
        processes = list(_running)
    for process in processes:
        _end_group(process)


@contextlib.contextmanager
def _started(
    args: list[str], cwd: Path | None, env: Mapping[str, str] | None, stream: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in its own process group and end the whole group if it is still there on leaving."""
    process: subprocess.Popen[bytes] | None = None
    try:
        # Under the lock and with signals held, so that what has been started is always known.
        with _signals_held(), _running_lock:
            process = subprocess.Popen(
                args,
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            _running.add(process)
        yield process
    finally:
        if process is not None:
            with _running_lock:
                _running.discard(process)
            if process.poll() is None:
                _end_group(process)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM, so that neither comes between starting a program and noting it."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread only
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours = [number for number, handler in before.items() if callable(handler)]
    for number in ours:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
    for caught in came:
        signal.raise_signal(caught)


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into SystemExit while a program runs, so that clean-up happens as for Ctrl-C."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _wait(process: subprocess.Popen[bytes], timeout: float | None) -> int | None:
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def _open_log(log: Path | None) -> IO[bytes]:
    if log is None:
        return tempfile.TemporaryFile()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("w+b")


def _read_back(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", errors="replace")


def _explain(reason: str, output: str, log: Path | None) -> str:
    lines = output.rstrip().splitlines()[-_TAIL_LINES:]
    where = f" (full output in {log})" if log is not None else ""
    return "\n  ".join([f"{reason}{where}{'; its last words:' if lines else '.'}", *lines])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_KILL_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
