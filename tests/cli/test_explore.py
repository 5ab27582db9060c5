"""hpq explore: what each search finds alone, in one table; a second run does what is missing."""

import csv
import json
import re
from dataclasses import replace

import pytest

from hpq_hls.report.exploring import render_exploration
from hpq_hls.workflow import exploring
from tests.report.test_page import LARGEST, parsed, text_of

ASKED = ("--objective", "weight_bits,bops", "--clock", "5,4")


@pytest.fixture
def free(project):
    """A project that says no precision, so that a search does."""
    project.edit("precision: {default: {weight: 6, activation: 6}}\n", "")
    return project


def figures(result):
    """Without what tells runs apart."""
    return [{**row["figures"], "measured": None} for row in result["rows"]]


def test_each_row_is_what_a_search_finds(run, free):
    outcome = run("explore", free.file, *ASKED, "--json")
    assert outcome.status == 0, outcome.err
    result = outcome.json
    build = free.folder / "build"
    assert [row["label"] for row in result["rows"]] == [
        "weight_bits, 5 ns", "weight_bits, 4 ns", "bops, 5 ns", "bops, 4 ns",
    ]  # fmt: skip
    assert result["measured"] == sum(row["figures"]["measured"] for row in result["rows"])
    assert 0 < result["measured"] < result["evaluations"]
    for row, (objective, clock) in zip(
        result["rows"], [(o, c) for o in ("weight_bits", "bops") for c in (5, 4)], strict=True
    ):
        options = ("--objective", objective, "--clock", clock, "--output", f"alone{row['row']}")
        alone = run("search", free.file, *options, "--json").json
        assert row["precision"] == alone["best"]["precision"]
        assert row["figures"]["cost"] == alone["best"]["cost"]
        assert row["figures"]["accuracy"] == alone["best"]["accuracy"]
        assert row["figures"]["drop_bound"] == alone["drop_bound"]
        assert row["figures"]["test_accuracy"] == alone["test"]["accuracy"]
        estimate = run("estimate", free.file, *options, "--json").json["estimate"]
        assert all(row["figures"][name] == estimate[name] for name in ("lut", "ff", "dsp", "latency_cycles"))
        used = run("quantize", free.file, "--precision", row["file"], "--json").json
        assert used["network"]["weight_bits"] == row["figures"]["weight_bits"]
    with (build / "explore.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [int(row["lut"]) for row in table] == [row["figures"]["lut"] for row in result["rows"]]
    page = (build / "explore.html").read_text()
    assert len(page) <= LARGEST
    assert all(row["label"] in text_of(page) for row in result["rows"])
    assert re.findall(r'class="rule-name"[^>]*>(\d+)<', page) == ["1", "2", "3", "4"]  # in the picture
    assert f"hpq generate --precision {result['rows'][0]['file']} --set search.objective=weight_bits" in page


def test_a_second_run_only_does_what_is_missing(run, free):
    first = run("explore", free.file, *ASKED, "--json").json
    again = run("explore", free.file, *ASKED, "--json")
    assert again.err.count("up to date") == 4
    assert all(row["up_to_date"] for row in again.json["rows"])
    assert again.json["measured"] == 0
    assert figures(again.json) == figures(first)
    (free.folder / "build" / "results" / "explore.json").unlink()  # the evaluations are in the journal
    resumed = run("explore", free.file, *ASKED, "--json").json
    assert resumed["measured"] == 0
    assert figures(resumed) == figures(first)
    more = run("explore", free.file, "--objective", "weight_bits,bops,lut", "--clock", "5,4", "--json").json
    assert [row["up_to_date"] for row in more["rows"]] == [True] * 4 + [False] * 2
    assert figures(more)[:4] == figures(first)
    changed = run("explore", free.file, *ASKED, "--confidence", "0.8", "--json").json
    assert not any(row["up_to_date"] for row in changed["rows"])


def test_the_next_command_builds_a_row(run, free, monkeypatch):
    monkeypatch.chdir(free.folder)
    outcome = run("explore", "--max-drop", "0.1,0.2", "--part", "pynq-z2")
    assert outcome.status == 0
    file = "build/explore/weight_bits_xc7z020clg400-1_5ns_0.1.yaml"
    words = outcome.out.split("Next: ")[1].split()
    assert words[:4] == ["hpq", "generate", "--precision", file]
    assert run(*words[1:]).status == 0
    made = json.loads((free.folder / "build" / "rtl" / "design.json").read_text())
    assert made["part"] == "xc7z020clg400-1"


def test_an_interruption_keeps_the_rows_that_are_done(run, free, monkeypatch):
    real, seen = exploring.searched, []

    def interrupted(*given, **more):
        seen.append(real(*given, **more))
        return replace(seen[-1], interrupted=len(seen) == 2)

    monkeypatch.setattr(exploring, "searched", interrupted)
    outcome = run("explore", free.file, "--clock", "5,4", "--json")
    assert outcome.status == 130
    assert "the same command goes on from here" in outcome.err
    assert (outcome.json["interrupted"], len(outcome.json["rows"])) == (True, 1)
    again = run("explore", free.file, "--clock", "5,4", "--json")
    assert again.status == 0
    assert [row["up_to_date"] for row in again.json["rows"]] == [True, False]
    assert again.json["measured"] == 0  # the evaluations are in the journal
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is nothing to explore; give several values to --objective"),
        (("--objective", "lut,"), "there is nothing to explore"),
        (("--max-drop", "0.1,x"), "max_drop"),
        (("--objective", "lut,luts"), "did you mean 'lut'?"),
        (("--part", "pynq-z2,xc7z999"), "xc7z999"),
        (("--clock", "5,4", "--set", "hardware.clock_ns=3"), "--set hardware.clock_ns is 3; keep one"),
        (("--clock", "5,["), "--clock"),
        (("--clock", "5,4", "--weight-bits", "2", "--set", "search.limits.weight_bits=1"), "of any row"),
    ],
)
def test_mistakes_are_told(run, free, words, said):
    outcome = run("explore", free.file, *words)
    assert outcome.status == 1
    assert said in outcome.err.splitlines()[-1]


def test_names_on_the_page_cannot_become_markup(run, free):
    result = run("explore", free.file, "--clock", "5,4", "--json").json
    evil = "<b>net</b><script>alert(1)</script>"
    result["rows"][0].update(label=evil, file=evil)
    result["rows"][0]["design"]["label"] = evil
    page = parsed(render_exploration(result))
    assert evil in "".join(page.text)
    assert [url for url in page.fetched if not url.startswith("#")] == ["data:,"]
