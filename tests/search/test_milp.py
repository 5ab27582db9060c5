"""Integer programs: solved as scipy solves them, with this process's standard output left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from hpq_hls.errors import ToolError
from hpq_hls.search.strategies import milp as module
from hpq_hls.search.strategies.milp import solve_milp


def remarked() -> dict[str, Any]:
    """A fixed-charge problem, badly scaled: HiGHS 1.12 prints a remark although nothing is to be shown."""
    draw = np.random.default_rng(147)
    sources, needs = int(draw.integers(6, 20)), int(draw.integers(3, 8))
    most = 10.0 ** draw.integers(4, 8)
    opened = np.hstack([-most * np.eye(sources), np.eye(sources)])
    shares = draw.random((needs, sources)) * 10.0 ** draw.integers(-3, 3, size=(needs, 1))
    supplied = np.hstack([np.zeros((needs, sources)), shares])
    wanted = shares.sum(1) * draw.random(needs) * 5
    costs = np.concatenate([draw.integers(1, 100, sources), draw.random(sources)])
    return {
        "integrality": np.repeat([1, 0], sources),
        "bounds": Bounds(0, np.repeat([1, np.inf], sources)),
        "constraints": [
            LinearConstraint(opened, -np.inf, 0),
            LinearConstraint(supplied, wanted, np.inf),
        ],
        "options": {"node_limit": 400},
        "objective": costs,
    }


def solve(problem: dict[str, Any]) -> Any:
    given = dict(problem)
    return solve_milp(given.pop("objective"), **given)


def test_it_is_what_scipy_finds() -> None:
    problem = remarked()
    objective = problem.pop("objective")
    expected = milp(objective, **problem)
    np.testing.assert_array_equal(solve_milp(objective, **problem), expected.x)
    problem["bounds"] = Bounds(0, 0)
    assert solve_milp(objective, **problem) is None


def test_a_wrong_problem_is_refused_and_the_next_one_solved() -> None:
    problem = remarked()
    with pytest.raises(ValueError, match="shape"):
        solve(problem | {"integrality": np.ones(3)})
    assert solve(problem) is not None


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert solve(remarked()) is not None
    assert capfd.readouterr() == ("", "")


LINES = 20_000
WRITER = f"""
import os, threading
from tests.search.test_milp import remarked, solve
def write():
    for number in range({LINES}):
        os.write(1, b"%d\\n" % number)
solve(remarked())
threads = [threading.Thread(target=write)] + [
    threading.Thread(target=lambda: [solve(remarked()) for _ in range(20)]) for _ in range(2)
]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_what_other_threads_write_meanwhile_arrives() -> None:
    done = subprocess.run([sys.executable, "-c", WRITER], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(number) for number in range(LINES)]
    assert done.stderr == ""


def test_threads_take_turns() -> None:
    expected = solve(remarked())
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(solve(remarked()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        np.testing.assert_array_equal(each, expected)


def test_a_process_that_is_gone_is_said_and_replaced() -> None:
    solve(remarked())
    process = module._solver._process
    assert process is not None
    process.kill()
    with pytest.raises(ToolError, match=r"solves integer programs .* ended unexpectedly with status -9; "):
        solve(remarked())
    assert solve(remarked()) is not None


def test_one_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    module._solver.stop()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ToolError, match=r"no process can be started to solve .* \(No such file or directory"):
        solve(remarked())


def test_nothing_is_left_of_an_answer_that_was_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    solve(remarked())
    other = remarked() | {"objective": -remarked()["objective"]}
    with monkeypatch.context() as patch:
        patch.setattr(module.pickle, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            solve(other)
    assert module._solver._process is None
    assert solve(remarked()) is not None


def test_a_fork_has_a_process_of_its_own() -> None:
    program = (
        "import os, numpy as np\n"
        "from tests.search.test_milp import remarked, solve\n"
        "from hpq_hls.search.strategies.milp import _solver\n"
        "expected, owner = solve(remarked()), os.getpid()\n"
        "ours = _solver._process.pid\n"
        "if not (child := os.fork()):\n"
        "    same = np.array_equal(solve(remarked()), expected)\n"
        "    os._exit(0 if same and _solver._process.pid != ours else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert np.array_equal(solve(remarked()), expected)\n"
        "assert _solver._process.pid == ours\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
