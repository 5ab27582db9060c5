"""Progress: live on a terminal, sparse plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from hpq_hls.report import console as module
from hpq_hls.report.console import TerminalReporter


def plain_console() -> Console:
    return Console(file=io.StringIO(), width=60, color_system=None)


def test_a_step_ends_in_one_plain_line_with_its_result():
    console = plain_console()
    with TerminalReporter(console).step("Working [on] it") as step:
        step("too early to be shown")
        step.conclude("3 of 3")
    text = console.file.getvalue()
    assert text.startswith("Working [on] it: 3 of 3 (0.")
    assert text.count("\n") == 1


def test_a_long_step_speaks_now_and_then(monkeypatch):
    console = plain_console()
    clock = iter([0.0, 0.0, 1.0, 6.0, 6.0, 7.0, 12.0, 12.0, 12.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with TerminalReporter(console).step("Working") as step:
        for number in range(4):
            step(f"part {number}")
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["  Working: part 1 ...", "  Working: part 3 ..."]


def test_a_failed_step_says_nothing():
    console = plain_console()
    with pytest.raises(ValueError, match="broken"), TerminalReporter(console).step("Working"):
        raise ValueError("broken")
    assert console.file.getvalue() == ""


def test_long_lines_are_not_broken_where_there_is_no_terminal():
    console = plain_console()
    with TerminalReporter(console).step("Working") as step:
        step.conclude("/a/very/long/path" * 10)
    assert console.file.getvalue().count("\n") == 1


def test_on_a_terminal_the_step_gets_a_mark():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with TerminalReporter(console).step("Working") as step:
        step("part 1")
        step.conclude("done")
    assert "✓ Working: done" in console.file.getvalue()
