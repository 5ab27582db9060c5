"""Running a tool that takes minutes, with a sign of life."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_EVERY_S = 10.0
_TAIL_BYTES = 1 << 14
_YOSYS_PASS = re.compile(r"^\d[\d.]* Executing (\w+) pass", re.MULTILINE)


@contextlib.contextmanager
def heartbeat(name: str, log: Path, say: Callable[[str], None], every: float = _EVERY_S) -> Iterator[None]:
    """While the body runs, say every so often how long ``name`` has been running and what its log shows."""
    finished = threading.Event()
    begin = time.monotonic()

    def watch() -> None:
        while not finished.wait(every):
            say(f"{name}: {time.monotonic() - begin:.0f} s, {_doing(log)}")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _doing(log: Path) -> str:
    """The pass Yosys is in, or the last line of the log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return "starting"
    passes = _YOSYS_PASS.findall(text)
    if passes:
        return f"pass {passes[-1]}"
    lines = text.split("\n")[:-1]
    return lines[-1].strip()[:80] if lines else "starting"
