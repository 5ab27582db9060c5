"""What a search found is what is built: one precision from ``hpq init`` to ``hpq report``."""

import json
import resource
import subprocess
import sys

import pytest

import hpq_hls as hpq

SEARCH = (
    "search: {objective: weight_bits, max_drop: 0.1, weight_bits: [2, 3, 4, 6], activation_bits: [3, 4, 6]}"
)
PLAIN = """\
model: {source: model.pt2}
data: {calibration: calibration.npz, validation: validation.npz, test: test.npz}
"""


@pytest.fixture
def fresh(project):
    """A project that says nothing of precision."""
    project.write(PLAIN + SEARCH + "\n")
    return project


def widths(network):
    return {layer["name"]: (layer["weight_width"], layer["activation_width"]) for layer in network["layers"]}


def wanted(precision):
    return {name: (own.get("weight"), own["activation"]) for name, own in precision["layers"].items()}


def test_the_readme_order_builds_one_network(run, project, monkeypatch):
    project.file.unlink()
    monkeypatch.chdir(project.folder)
    assert run("init").status == 0
    text = project.file.read_text()
    assert "\n# precision:" in text  # only as a comment: nobody wrote one
    project.write(
        text.replace("max_drop: 0.01", "max_drop: 0.1")
        .replace("weight_bits: [2,", "weight_bits: [2, 3] # [2,")
        .replace("activation_bits: [2,", "activation_bits: [4, 6] # [2,")
        .replace("effort: full", "effort: fast")
    )
    before = run("quantize", "--json").json
    assert before["precision"]["origin"] == "default"
    searched = run("search", "--json").json
    found, said = wanted(searched["best"]["precision"]), searched["precision"]["sentence"]
    assert searched["found"]["target_interval"] is not None
    assert widths(before["network"]) != found

    generated = run("generate", "--json").json
    assert widths(generated["network"]) == found
    verified = run("verify", "--samples", 2, "--json").json
    assert verified["passed"]
    estimated = run("estimate", "--json").json
    summary = run("report", "--json").json["summary"]
    assert widths(summary["network"]) == found
    assert summary["search"]["best"]["precision"] == searched["best"]["precision"]
    assert summary["verify"]["passed"]
    for result in (generated, verified, estimated, summary):
        assert result["precision"]["origin"] == "search"
        assert result["precision"]["sentence"] == said
        assert result["precision"]["target_interval"] == searched["found"]["target_interval"]
    words = " ".join(said.split())
    for command in (["quantize"], ["generate", "--force"], ["verify", "--samples", "2"], ["estimate"]):
        assert f"Precision: {words}" in " ".join(run(*command).out.split())
    assert said.replace("<", "&lt;") in (project.folder / "build" / "report.html").read_text()
    q = hpq.load(project.folder / "build" / "network.hpq")
    report = hpq.estimate(q, target_interval=searched["found"]["target_interval"])
    assert estimated["estimate"]["interval_cycles"] == report.interval_cycles


def test_the_user_may_say_otherwise(run, fresh):
    searched = run("search", fresh.file, "--json").json
    found = wanted(searched["best"]["precision"])
    assert widths(run("quantize", fresh.file, "--json").json["network"]) == found
    by_option = run("quantize", fresh.file, "--precision", 7, "--json").json
    assert set(widths(by_option["network"]).values()) == {(None, 7), (7, 7)}
    assert by_option["precision"] == {
        "origin": "option",
        "sentence": "7 bits everywhere, by --precision",
        "notes": [],
        "target_interval": None,
    }
    fresh.edit(PLAIN, PLAIN + "precision: 6\n")
    written = run("quantize", fresh.file, "--json").json
    assert set(widths(written["network"]).values()) == {(None, 6), (6, 6)}
    assert written["precision"]["origin"] == "project.yaml"
    (note,) = written["precision"]["notes"]
    assert "is not used, as " in note
    assert "line 3: precision says another one" in note
    assert run("report", fresh.file, "--json").json["summary"]["search"] is None
    again = run("quantize", fresh.file, "--precision", "search", "--json").json
    assert widths(again["network"]) == found
    fresh.edit("precision: 6", "precision: build/precision.yaml")
    named = run("quantize", fresh.file, "--json").json
    assert widths(named["network"]) == found
    assert "found by hpq search of" in named["precision"]["sentence"]
    assert named["precision"]["target_interval"] == searched["found"]["target_interval"]


@pytest.mark.parametrize("changed", ["settings", "data", "quantizer", "model"])
def test_a_search_of_other_inputs_is_not_used_and_it_says_so(run, fresh, changed):
    assert run("search", fresh.file).status == 0
    if changed == "settings":
        fresh.edit("max_drop: 0.1", "max_drop: 0.2")
    elif changed == "data":
        (fresh.folder / "validation.npz").write_bytes((fresh.folder / "test.npz").read_bytes())
    elif changed == "quantizer":
        fresh.edit(PLAIN, PLAIN + "quantizer: {per_channel: true, bias_correction: false}\n")
    else:
        (fresh.folder / "nets.py").write_text(
            "from torch import nn\n\n\ndef make():\n"
            "    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))\n"
        )
        fresh.edit("{source: model.pt2}", "{factory: 'nets:make'}")
    said = run("quantize", fresh.file, "--json").json["precision"]
    assert said["origin"] == "default"
    what = {
        "settings": "the search settings",
        "data": "the validation data",
        "quantizer": "the quantizer settings",
        "model": "the model",
    }[changed]
    (note,) = said["notes"]
    assert f"found is not used, as {what} changed since; run `hpq search` again" in note
    refused = run("quantize", fresh.file, "--precision", "search")
    assert refused.status == 1
    assert f"{what} changed since" in refused.err


def test_another_part_keeps_the_widths_and_says_that_the_folding_is_another(run, fresh):
    searched = run("search", fresh.file, "--json").json
    fresh.write(fresh.file.read_text() + "hardware: {part: xc7z010clg400-1}\n")
    said = run("estimate", fresh.file, "--json").json["precision"]
    assert (said["origin"], said["target_interval"]) == ("search", None)
    assert "the hardware settings changed since" in said["notes"][0]
    fresh.edit("part: xc7z010clg400-1", "target_interval: 500")
    said = run("estimate", fresh.file, "--json").json["precision"]
    assert (said["target_interval"], said["notes"]) == (None, [])
    assert searched["precision"]["origin"] == "search"
    assert searched["objective"] == "weight_bits"  # which has a folding too, at which it would be built
    assert searched["precision"]["target_interval"] is not None


def test_any_row_of_the_front_can_be_picked_and_compared(run, fresh):
    searched = run("search", fresh.file, "--json").json
    front = searched["pareto"]
    assert len(front) > 1
    row = next(n for n, p in enumerate(front, 1) if p["precision"] != searched["best"]["precision"])
    picked = run("search", fresh.file, "--pick", row, "--json").json
    point = wanted(front[row - 1]["precision"])
    assert widths(picked["network"]) == point
    estimated = run("estimate", fresh.file, "--json").json
    assert f"row {row} of the Pareto front" in estimated["precision"]["sentence"]
    summary = run("report", fresh.file, "--json").json["summary"]
    assert widths(summary["network"]) == point
    assert widths(summary["search"]["network"]) == point
    assert summary["search"]["best"] == front[row - 1]
    assert (summary["guarantee"], summary["search"]["certified"]) == (None, False)
    file = hpq.quantize(hpq.from_exported(fresh_program(fresh)), calibration(fresh), picked["file"])
    assert {n: layer.weight_width for n, layer in file.layers.items() if layer.weight_raw is not None} == {
        name: weight for name, (weight, _) in point.items() if weight is not None
    }
    for wrong in (0, len(front) + 1, "first"):
        refused = run("search", fresh.file, "--pick", wrong)
        assert refused.status == 1
        assert f"1 to {len(front)}, or best" in refused.err
    assert run("search", fresh.file, "--pick", "best", "--json").json["row"] is None
    assert widths(run("quantize", fresh.file, "--json").json["network"]) == wanted(
        searched["best"]["precision"]
    )
    for name in ("pareto.csv", "pareto.json"):
        file = f"{fresh.folder}/build/{name}"
        outcome = run("compare", fresh.file, f"{file}:1-{len(front)}", "--json")
        assert outcome.status == 0, outcome.err
        rows = outcome.json["rows"][1:]
        assert [widths(r["network"]) for r in rows] == [wanted(p["precision"]) for p in front]
        assert [r["network"]["weight_bits"] for r in rows] == [p["weight_bits"] for p in front]
        assert run("compare", fresh.file, f"{file}:99").status == 1
    assert run("compare", fresh.file, f"{fresh.folder}/build/pareto.csv").status == 0


def fresh_program(project):
    import torch

    return torch.export.load(project.folder / "model.pt2")


def calibration(project):
    import numpy as np

    return np.load(project.folder / "calibration.npz")["x"]


def test_the_files_state_the_guarantee(run, fresh):
    import yaml

    searched = run("search", fresh.file, "--json").json
    known = {key: searched[key] for key in ("certified", "drop_bound", "confidence")}
    build = fresh.folder / "build"
    held = yaml.safe_load((build / "precision.yaml").read_text())
    assert held["guarantee"] == known
    best = json.loads((build / "pareto.json").read_text())["best"]
    assert {key: best[key] for key in known} == known
    assert best["precision"] == searched["best"]["precision"]


def test_what_does_not_fit_is_refused_and_said(run, fresh):
    fresh.write(fresh.file.read_text() + "hardware: {part: xc7s6, strategy: unrolled, backends: [rtl]}\n")
    wide = ("--precision", 16)
    estimated = run("estimate", fresh.file, *wide, "--json").json
    assert not estimated["fits"]
    assert estimated["misfit"]["shortages"][0]["resource"] == "lut"
    assert estimated["misfit"]["sentence"] in " ".join(run("estimate", fresh.file, *wide).out.split())
    refused = run("generate", fresh.file, *wide)
    assert refused.status == 1
    assert estimated["misfit"]["sentence"] in refused.err
    assert not (fresh.folder / "build" / "rtl").exists()
    made = run("generate", fresh.file, *wide, "--oversize", "--json")
    assert made.status == 0, made.err
    assert made.json["misfit"] == estimated["misfit"]
    run("report", fresh.file, *wide)
    page = (fresh.folder / "build" / "report.html").read_text()
    assert estimated["misfit"]["sentence"] in page


PROGRAM = "from hpq_hls.cli import main; import sys; sys.argv = ['hpq', *sys.argv[1:]]; main()"


def cpu_seconds(*words):
    """Of one command in a process of its own, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)], check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def test_a_second_estimate_reads_nothing_again(run, fresh):
    assert run("search", fresh.file).status == 0
    _, text = cpu_seconds("estimate", fresh.file, "--json")
    second, again = cpu_seconds("estimate", fresh.file, "--json")
    assert again == text
    assert second <= 1.5  # the bar is 1 s on an idle machine; tests run beside each other


def test_torch_is_not_imported_for_what_is_known(run, fresh):
    assert run("estimate", fresh.file).status == 0
    code = (
        "import sys; from typer.testing import CliRunner; from hpq_hls.cli import app; "
        "r = CliRunner().invoke(app, ['estimate', sys.argv[1]]); assert r.exit_code == 0, r.output; "
        "assert not {'torch', 'scipy.stats', 'scipy.optimize', 'alkaid'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(fresh.file)], check=True)
