"""Runs ``hpq search`` in children that are killed at random moments, and then once more to its end.

Arguments: the folder of a project, how often to kill, a seed. Everything is imported once, here, so that the
children spend their time searching. What each child measures goes to ``measured.txt``, a line for each
combination; the journal's rows at each kill go to ``killed.json``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from hpq_hls.cli import app
from hpq_hls.search.evaluation import Worker

folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
journal = folder / "build" / "search.sqlite"
LIMIT_S = 120
PACE_S = 0.03
"""Each combination takes at least so long, so that a search is not over before it has been killed."""


def search(*options: str) -> int:
    """Start ``hpq search`` in a child; its process id."""
    child = os.fork()
    if child:
        return child
    measure = Worker.measure
    log = os.open(folder / "measured.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def logged(self, combination):
        os.write(log, (" ".join(map(str, combination)) + "\n").encode())
        time.sleep(PACE_S)
        return measure(self, combination)

    Worker.measure = logged
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout = sys.stderr = open(folder / "log.txt", "a")  # noqa: SIM115, PTH123  (the child ends soon)
    os.dup2(sys.stderr.fileno(), 2)
    try:
        app(["search", str(folder), *options])
    except SystemExit as end:
        sys.stderr.flush()
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


def rows() -> list[list[object]]:
    """What the journal holds."""
    if not journal.exists():
        return []
    try:
        with sqlite3.connect(journal) as reader:
            found = reader.execute("SELECT combination, accuracy, error, cost, finished FROM evaluations")
            return [list(row) for row in found]
    except sqlite3.OperationalError:  # the child has just begun to make it
        return []


def kill_within(child: int, more: int, delay: float) -> None:
    """Kill a child some time after it has measured some more combinations."""
    begin, before = time.monotonic(), len(rows())
    while len(rows()) < before + more and time.monotonic() - begin < LIMIT_S:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            raise SystemExit(f"the search ended before it was killed, after {before} combinations")
        time.sleep(0.003)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


chance = random.Random(seed)
held = []
for number in range(kills):
    running = search(*(["--resume"] if number else []))
    kill_within(running, chance.choice([0, 1, 4, 9]), chance.uniform(0, 0.05))
    held.append(rows())
(folder / "killed.json").write_text(json.dumps(held))
_, status = os.waitpid(search("--resume"), 0)
sys.exit(os.waitstatus_to_exitcode(status))
