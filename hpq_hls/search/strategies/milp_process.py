"""The process that solves mixed-integer programs: requests come on standard input, answers leave on what was
standard output.

Run as a file with the caller's ``sys.path`` as arguments, so that it loads numpy and scipy alone, from where
the caller has them. It ends when its input does, or when the caller is gone.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path[:] = sys.argv[1:]  # not this folder, which has modules of any name

import os
import pickle
import threading
import time
from typing import BinaryIO

WATCH_S = 1.0


def main() -> None:
    """Answer until nothing more is asked."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as answers, open(os.devnull, "wb") as nothing:  # noqa: PTH123  (a device)
        os.dup2(nothing.fileno(), 1)  # this process's own; what HiGHS prints is no answer
        _serve(sys.stdin.buffer, answers)


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    from scipy.optimize import milp

    while True:
        try:
            problem = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = milp(**problem).x
        except Exception as error:  # for the caller to raise
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


def _end_with(parent: int) -> None:
    """A caller that is killed while it waits for an answer cannot say so."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


if __name__ == "__main__":
    main()
