"""Progress: live on a terminal, sparse plain lines elsewhere."""

import io
import logging
import re
import sys

import pytest
from rich.console import Console

from hpq_hls.tools import console as module
from hpq_hls.tools.console import NotebookReporter, TerminalReporter, shown, told


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


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(module, "PLAIN_INTERVAL_S", 0.0)
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with TerminalReporter(console).step("Working") as step:
        step("part 1")
        step.advance(1, 2, "part 2")
    said = console.file.getvalue().splitlines()
    assert said[:2] == ["  Working: part 1 ...", "  Working: part 2 ..."]


class Screen(io.StringIO):
    """Standard error that somebody watches."""

    def isatty(self):
        return True

    @property
    def text(self):
        """Without the commands of terminals."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def watched(monkeypatch):
    """Standard error from now on; a fixture would come before pytest's own."""
    found = Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    return found


def work(wish=None):
    with told("Working", wish) as say:
        say("part 1")


def test_a_call_from_python_shows_what_it_does_to_whoever_watches(monkeypatch):
    screen = watched(monkeypatch)
    work()
    assert "Working (0." in screen.text


def test_nobody_is_told_where_nobody_watches(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    work()
    assert log.getvalue() == ""
    work(True)
    assert log.getvalue().startswith("Working (0.")


def test_an_argument_silences_it(monkeypatch):
    screen = watched(monkeypatch)
    work(False)
    assert screen.text == ""


@pytest.mark.parametrize("name", ["hpq_hls", ""])
def test_the_log_level_silences_it(monkeypatch, name):
    screen = watched(monkeypatch)
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        work()
    finally:
        logger.setLevel(before)
    assert screen.text == ""


def test_a_function_is_told_and_nothing_shown(monkeypatch):
    screen = watched(monkeypatch)
    said = []
    work(said.append)
    assert (said, screen.text) == (["part 1"], "")


def test_one_line_at_a_time(monkeypatch):
    screen = watched(monkeypatch)
    with TerminalReporter().step("Outer"):
        work()
    assert "Outer" in screen.text
    assert "Working" not in screen.text
    work()  # the outer one has ended
    assert "Working (0." in screen.text


def test_a_failed_call_leaves_the_screen_free(monkeypatch):
    screen = watched(monkeypatch)
    with pytest.raises(ValueError, match="broken"), shown("Working", None):
        raise ValueError("broken")
    work()
    assert "Working (0." in screen.text


def test_a_notebook_has_a_line_that_is_rewritten(monkeypatch):
    screen = watched(monkeypatch)
    clock = iter([0.0, 0.0, 1.0, 1.0, 1.1, 2.0, 2.0, 3.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with NotebookReporter().step("Working") as step:
        step.advance(1, 4, "part 1")
        step("too early to be shown")
        step("part 2")
        step.conclude("done")
    lines = [line.rstrip() for line in screen.text.split("\r")[1:]]
    assert lines == ["Working: 25 %, part 1", "Working: part 2", "Working: done (3.0 s)"]


def test_a_notebook_is_known_by_its_stream(monkeypatch):
    screen = watched(monkeypatch)
    monkeypatch.setattr(Screen, "__module__", "ipykernel.iostream")
    work()
    assert screen.text == "\rWorking (0.0 s)\n"
