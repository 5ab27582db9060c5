"""hpq search survives kill -9, Ctrl-C and SIGTERM."""

import collections
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = {1: 5, 2: 2}
# Where the tests run in the background SIGINT is ignored, which a child inherits.
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from hpq_hls.cli import main; main()"
)
SEARCH = "search: {objective: weight_bits, max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]}"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


WIDTHS = {
    "exhaustive": "weight_bits: [3, 6], activation_bits: [3, 4, 6]",  # 108 combinations
    "sensitivity": "weight_bits: [2, 3, 4, 5, 6, 8], activation_bits: [2, 3, 4, 5, 6, 8], "
    "rounding: [AP_RND, AP_TRN]",
}


def larger(project, jobs: int, strategy: str) -> None:
    """A search that takes a few seconds."""
    project.edit(
        SEARCH,
        f"search: {{objective: lut, max_drop: 0.1, strategy: {strategy}, jobs: {jobs}, {WIDTHS[strategy]}}}",
    )


def journal_rows(folder: Path) -> list[tuple]:
    with sqlite3.connect(folder / "build" / "search.sqlite") as reader:
        columns = "combination, accuracy, error, cost, finished"
        return reader.execute(f"SELECT {columns} FROM evaluations").fetchall()


def artifacts(folder: Path) -> dict[str, bytes]:
    """What a search leaves, without what tells runs apart."""
    found = {
        name: (folder / "build" / name).read_bytes()
        for name in ("pareto.csv", "pareto.json", "precision.yaml")
    }
    record = json.loads((folder / "build" / "results" / "search.json").read_text())
    for name in ("seconds", "resumed"):
        del record["result"][name]
    del record["result"]["found"]["searched"]  # the time, which is in the sentences too
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", json.dumps(record).replace(str(folder), ""))
    return {**found, "record": text.encode()}


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "strategy"), [(1, "sensitivity"), (2, "exhaustive")])
def test_killed_again_and_again_it_ends_as_if_it_had_not_been(run, project, tmp_path, jobs, strategy):
    larger(project, jobs, strategy)
    straight = tmp_path / "straight"
    shutil.copytree(project.folder, straight)
    assert run("search", straight).status == 0
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(project.folder)]
    done = subprocess.run([*command, str(KILLS[jobs]), str(jobs)], env=ENVIRONMENT, timeout=300, check=False)
    assert done.returncode == 0, (project.folder / "log.txt").read_text()
    assert artifacts(project.folder) == artifacts(straight)
    held = json.loads((project.folder / "killed.json").read_text())
    counts = [len(rows) for rows in held]
    final = {row[0]: row for row in journal_rows(project.folder)}
    assert counts == sorted(counts)
    assert 0 < counts[-1] < len(final)
    for rows in held:  # no row that a killed search left was ever measured or written again
        assert [final[row[0]] for row in rows] == [tuple(row) for row in rows]
    assert final.keys() == {row[0] for row in journal_rows(straight)}
    if jobs == 1:
        lines = collections.Counter((project.folder / "measured.txt").read_text().splitlines())
        assert lines.keys() == final.keys()
        assert lines.total() - len(lines) <= KILLS[jobs]  # of each killed search the one in flight is lost


def begun(project, *options: str) -> subprocess.Popen:
    """A search in a process group of its own, which has measured something."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "search", str(project.file), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    wait_for(process, project, 9)
    return process


def wait_for(process: subprocess.Popen, project, rows: int) -> None:
    """Wait until a search has measured some combinations."""
    file = project.folder / "build" / "search.sqlite"
    for _ in range(6000):
        assert process.poll() is None, "the search ended"
        try:
            if file.exists() and len(journal_rows(project.folder)) >= rows:
                return
        except sqlite3.OperationalError:  # it is just being made
            pass
        time.sleep(0.01)
    raise AssertionError("the search did not begin")


def endless(project, jobs: int) -> None:
    project.edit(
        SEARCH,
        f"search: {{objective: lut, max_drop: 0.9, strategy: exhaustive, jobs: {jobs}, "
        "weight_bits: [3, 4, 5, 6, 7, 8, 9], activation_bits: [3, 4, 5, 6, 7, 8, 9, 10]}",
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_the_best_so_far(run, project, jobs):
    """A terminal sends the signal to the search and to its helpers."""
    endless(project, jobs)
    process = begun(project, "--json")
    if jobs > 1:
        wait_for(process, project, 1000)  # until all of its helpers work
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Warning" not in err
    assert err.splitlines()[-1] == "The search was interrupted; `hpq search --resume` goes on from here."
    result = json.loads(out)
    assert result["interrupted"]
    assert 8 < result["evaluations"] < 7 * 7 * 8 * 8 * 8
    assert result["test"]["samples"] == 40
    assert len(journal_rows(project.folder)) == result["evaluations"]
    assert (project.folder / "build" / "precision.yaml").is_file()
    assert (project.folder / "build" / "pareto.csv").is_file()


def test_sigterm_ends_it_likewise(project):
    endless(project, 1)
    process = begun(project)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 143, err
    assert "Traceback" not in err
    assert "; interrupted" in out


def test_a_second_ctrl_c_ends_at_once(project):
    endless(project, 1)
    # An evaluation that takes long, so that the first one is still waiting for its end.
    slow = "from hpq_hls.search.evaluation import Worker; measure = Worker.measure; import time; "
    slow += "Worker.measure = lambda self, c: (time.sleep(3), measure(self, c))[1]; "
    process = subprocess.Popen(
        [sys.executable, "-c", slow + MAIN, "search", str(project.file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    wait_for(process, project, 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert (process.returncode, out) == (130, "")
    assert err.strip().splitlines()[-1] == "Error: Interrupted; nothing half-written is left behind."
    assert "Traceback" not in err
    assert not (project.folder / "build" / "precision.yaml").exists()


@pytest.mark.slow
def test_helpers_do_not_outlive_a_killed_search(project):
    endless(project, 2)
    process = begun(project)
    process.kill()
    process.wait()
    for _ in range(300):  # they look once a second
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        if not living(process.pid):
            return
        time.sleep(0.1)
    raise AssertionError("processes of the search are still there")


def living(group: int) -> list[str]:
    """Processes of a group that are not waiting to be buried."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(status.parent.name)
    return found


def test_resume_says_what_it_took_over(run, project):
    first = run("search", project.file, "--json")
    assert first.json["resumed"] == 0
    assert "--resume" not in first.err
    again = run("search", project.file)
    assert "evaluations of this search are in" in again.err
    assert "`hpq search --resume` uses them instead of measuring again" in again.err
    resumed = run("search", project.file, "--resume", "--json")
    assert resumed.json["resumed"] == resumed.json["evaluations"] == first.json["evaluations"]
    assert resumed.json["best"] == first.json["best"]
    assert "by an earlier run" in resumed.err


def test_a_journal_that_cannot_be_used_is_named(run, project):
    (project.folder / "build").mkdir()
    (project.folder / "build" / "search.sqlite").write_text("mine\n" * 500)
    outcome = run("search", project.file)
    assert outcome.status == 1
    assert "search.sqlite is no journal of a search" in outcome.err
    assert (project.folder / "build" / "search.sqlite").read_text() == "mine\n" * 500
