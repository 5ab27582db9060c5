"""Mixed-integer programs, solved by scipy's HiGHS in a process of its own.

HiGHS prints remarks on standard output that no option turns off (1.12, which scipy 1.17 carries:
"HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();"). They would land amid a program's
JSON, and pointing standard output elsewhere meanwhile would take it from all other threads. Its own process
has a standard output that nobody reads.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from hpq_hls.errors import ToolError

_PROGRAM = Path(__file__).with_name("milp_process.py")
END_S = 5.0
"""How long the process may take to end when this one does."""


def solve_milp(
    objective: npt.NDArray[np.float64],
    *,
    integrality: npt.NDArray[Any],
    bounds: scipy.optimize.Bounds,
    constraints: Sequence[scipy.optimize.LinearConstraint],
    options: Mapping[str, float],
) -> npt.NDArray[np.float64] | None:
    """What ``scipy.optimize.milp`` finds; nothing is printed.

    objective, integrality: (variables,). Arguments as of ``scipy.optimize.milp``. Returns the values,
    (variables,), or None where there is no solution within the options' limits. Threads take turns.

    Raises:
        ToolError: the process cannot be started, or ended. ValueError: as ``scipy.optimize.milp``.
    """
    return _solver.solve(
        {
            "c": objective,
            "integrality": integrality,
            "bounds": bounds,
            "constraints": list(constraints),
            "options": dict(options),
        }
    )


class _Solver:
    """One process, from the first program to the end of this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def solve(self, problem: Mapping[str, Any]) -> npt.NDArray[np.float64] | None:
        with self._lock:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            try:
                pickle.dump(problem, process.stdin)
                process.stdin.flush()
                answer = pickle.load(process.stdout)  # from a process that was started here
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                self.stop()
                raise ToolError(
                    "the process that solves integer programs (scipy's HiGHS) ended unexpectedly with status "
                    f"{process.returncode}; there may be too little memory, so close other programs and try "
                    "again"
                ) from error
            except BaseException:  # an answer that nobody waits for would be taken for the next one
                self.stop()
                raise
        if isinstance(answer, Exception):
            raise answer
        found: npt.NDArray[np.float64] | None = answer
        return found

    def stop(self) -> None:
        """End the process, if there is one; whoever waits for an answer gets none."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(END_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was left to write to it
                    stream.close()

    def forget(self) -> None:
        """After a fork: the process is the parent's, and so is the thread that may hold the lock."""
        self._lock, self._process = threading.Lock(), None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable or "python3", str(_PROGRAM), *map(str, sys.path)]
            try:  # in a session of its own: Ctrl-C is for this process to act on
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
                )
            except OSError as error:
                raise ToolError(
                    f"no process can be started to solve integer programs ({error.strerror or error}); "
                    "close other programs and try again"
                ) from error
        return self._process


_solver = _Solver()
atexit.register(_solver.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_solver.forget)
