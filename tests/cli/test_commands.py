"""Each command once on a good project: exit status, files, and the JSON that programs read."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.cli import app
from hpq_hls.settings.config import load_config
from hpq_hls.verify.cosim import SCENARIOS
from hpq_hls.verify.stimuli import FRAMES
from hpq_hls.workflow import checking

COMMANDS = (
    "init",
    "demo",
    "run",
    "search",
    "explore",
    "quantize",
    "generate",
    "verify",
    "estimate",
    "trace",
    "synth",
    "calibrate",
    "compare",
    "report",
    "doctor",
)


def test_every_command_is_there():
    assert {command.name or command.callback.__name__ for command in app.registered_commands} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run, command):
    outcome = run(command, "--help")
    assert outcome.status == 0
    assert f"hpq {command}" in outcome.out
    assert "--json" in outcome.out


def test_the_version_is_printed(run):
    assert run("--version").out.strip() == f"hpq_hls {hpq.__version__}"


def test_init_writes_a_file_that_is_valid_and_all_defaults(run, tmp_path):
    outcome = run("init", tmp_path / "new" / "project.yaml", "--json")
    assert outcome.status == 0
    path = tmp_path / "new" / "project.yaml"
    assert outcome.json == {"file": str(path)}
    settings = load_config(path).settings
    assert settings.model.source == "model.pt2"
    plain = settings.model_dump(exclude={"model", "data"})
    assert plain == type(settings)(model=settings.model, data=settings.data).model_dump(
        exclude={"model", "data"}
    )


def test_init_takes_names_that_need_quoting(run, tmp_path):
    run("init", tmp_path, "--source", "my net: #1.onnx", "--test", "no.npz")
    settings = load_config(tmp_path).settings
    assert settings.model.source == "my net: #1.onnx"
    assert settings.data.test == "no.npz"


def test_init_with_a_factory(run, tmp_path):
    run("init", tmp_path, "--factory", "nets:make", "--weights", "w.pt")
    model = load_config(tmp_path).settings.model
    assert (model.source, model.factory, model.weights) == (None, "nets:make", "w.pt")


def test_quantize_scores_and_saves_the_network(run, project):
    outcome = run("quantize", project.file, "--json")
    assert outcome.status == 0
    result = outcome.json
    q = hpq.load(project.folder / "build" / "network.hpq")
    test = np.load(project.folder / "test.npz")
    accuracy = float((q.predict(test["x"]).argmax(1) == test["y"]).mean())
    assert result["scores"]["quantized_score"] == accuracy
    assert result["scores"]["float_score"] == 1.0
    assert result["scores"]["split"] == "test"
    assert result["network"]["weight_bits"] == q.weight_bits
    assert result["network"]["float32_bits"] == 32 * (18 + 2 + 24 + 3)
    assert [layer["name"] for layer in result["network"]["layers"]] == ["input", "0", "3"]
    calibration = np.load(project.folder / "calibration.npz")["x"]
    for split, x in (("calibration", calibration), ("test", test["x"])):
        counts = {name: {"count": n.count, "total": n.total} for name, n in q.saturation(x).items()}
        assert result["saturation"][split] == counts
        assert list(counts) == ["input", "0", "3"]
    shown = run("quantize", project.file).out
    assert "accuracy" in shown
    assert shown.count("saturated") == 2  # a column for each split; narrow terminals wrap their titles


def test_trace_compares_every_layer(run, project):
    result = run("trace", project.file, "--samples", 20, "--json").json
    quantized = run("quantize", project.file, "--json").json
    assert (result["split"], result["samples"]) == ("test", 20)
    casting = [layer["name"] for layer in quantized["network"]["layers"] if layer["kind"] != "input"]
    assert set(casting) <= {layer["name"] for layer in result["layers"]}
    for layer in result["layers"]:
        assert abs(layer["mean_error"]) <= layer["rms_error"] <= layer["max_error"]
        assert layer["sqnr_db"] is None or layer["sqnr_db"] > 5
    shown = run("trace", project.file).out
    assert "SQNR" in shown
    assert all(name in shown for name in casting)
    page = run("report", project.file)
    assert page.status == 0
    assert "SQNR" in (project.folder / "build" / "report.html").read_text()
    assert run("trace", project.file, "--samples", 0).status != 0


def test_search_writes_a_precision_that_quantize_then_uses(run, project):
    outcome = run("search", project.file, "--json")
    assert outcome.status == 0
    result = outcome.json
    assert result["feasible"]
    assert result["best"]["accuracy"] >= result["float_accuracy"] - 0.1
    assert result["file"] == str(project.folder / "build" / "precision.yaml")
    costs = [point["cost"] for point in result["pareto"]]
    assert costs == sorted(costs)
    project.edit("precision: {default: {weight: 6, activation: 6}}", "precision: build/precision.yaml")
    network = run("quantize", project.file, "--json").json["network"]
    assert network["weight_bits"] == result["best"]["weight_bits"]
    chosen = result["best"]["precision"]["layers"]
    for layer in network["layers"]:
        assert layer["weight_width"] == chosen[layer["name"]].get("weight")
        assert layer["activation_width"] == chosen[layer["name"]]["activation"]


def test_search_shows_tables(run, project):
    outcome = run("search", project.file)
    assert "Pareto front" in outcome.out
    assert "<- chosen" in outcome.out


def test_generate_writes_a_project_per_backend(run, project):
    outcome = run("generate", project.file, "--json")
    assert outcome.status == 0
    assert [item["backend"] for item in outcome.json["projects"]] == ["vitis", "rtl"]
    assert (project.folder / "build" / "vitis" / "src" / "tiny.cpp").is_file()
    assert (project.folder / "build" / "rtl" / "rtl" / "tiny.sv").is_file()
    again = run("generate", project.file, "--force", "--json")
    assert again.json == outcome.json


def test_verify_compares_every_word(built):
    kept = json.loads((built.folder / "build" / "results" / "verify.json").read_text())["result"]
    checks = {(check["what"], check["scenario"]): check for check in kept["checks"]}
    assert kept["passed"]
    assert checks["C simulation", None]["words_compared"] == 6 * 3
    assert checks["RTL co-simulation", "back_to_back"]["words_compared"] == (FRAMES + 6) * 3
    assert {scenario for what, scenario in checks if what == "RTL co-simulation"} == {
        "back_to_back",
        "random_gaps",
        "ignored_signals",
        "wrong_packets",
        "reset_mid_stream",
    }
    assert checks["C++ self-check", None]["words_compared"] == FRAMES * 3
    assert kept["coverage"]["samples"] == FRAMES and kept["notes"] == []
    reached = kept["coverage"]["layers"][0]["goals"]["weight"]
    assert reached["reached"] == reached["total"] > 0
    beside = json.loads((built.folder / "build" / "rtl" / "coverage.json").read_text())
    assert beside["coverage"]["unreached"] == kept["coverage"]["unreached"]
    assert len(beside["frames"]) == FRAMES
    assert all(check["words_different"] == 0 for check in kept["checks"])
    assert kept["latency_cycles"] > kept["interval_cycles"] > 0


def test_verify_takes_any_folder_of_verilog(run, built, tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "CHOSEN_CYCLES", 40)
    shutil.copytree(built.folder / "build" / "rtl" / "rtl", tmp_path / "rtl")
    (tmp_path / "rtl" / "files.f").unlink()  # a vendor's folder has no list
    outcome = run("verify", built.file, "--rtl-dir", tmp_path / "rtl", "--samples", 2, "--json")
    assert outcome.status == 0, outcome.err
    assert {check["backend"] for check in outcome.json["checks"]} == {"external"}
    (note,) = outcome.json["notes"]  # frames that take long are fewer, and that is said
    count = int(note.split()[2])
    assert f"runs {count} of the {FRAMES} chosen frames" in note and "40 cycles in each scenario" in note
    counts = {check["scenario"]: check["samples"] for check in outcome.json["checks"]}
    assert counts["back_to_back"] == count + 2 < FRAMES


def test_verify_runs_the_cpp_as_hardware(run, built, tmp_path):
    shutil.copytree(built.folder, tmp_path / "copy")
    outcome = run("verify", tmp_path / "copy", "--hls", "--no-certify", "--samples", 2, "--json")
    assert outcome.status == 0, outcome.err
    clocked = [check for check in outcome.json["checks"] if check["what"] == checking.CLOCKED]
    assert [check["scenario"] for check in clocked] == list(SCENARIOS)
    assert all(check["backend"] == "vitis" and check["passed"] for check in clocked)
    assert clocked[0]["words_compared"] == (FRAMES + 2) * 3
    assert outcome.json["notes"] == []


def test_verify_wants_cpp_for_hls(run, project):
    project.edit("precision:", "hardware: {backends: [rtl]}\nprecision:")
    assert run("generate", project.file).status == 0
    outcome = run("verify", project.file, "--hls")
    assert (outcome.status, "there is none; add vitis to" in outcome.err) == (1, True)


def test_estimate_adds_up(run, project):
    outcome = run("estimate", project.file, "--json")
    assert outcome.status == 0
    estimate, capacity = outcome.json["estimate"], outcome.json["capacity"]
    assert capacity["part"] == "xc7z020"
    assert capacity["dsp"] == 220
    assert {layer["name"] for layer in estimate["layers"]} >= {"0", "3"}
    assert estimate["lut"] > 0
    assert estimate["stage"]
    assert run("estimate", project.file).status == 0


def test_compare_puts_combinations_side_by_side(run, project):
    (project.folder / "wide.yaml").write_text("default: 12\n")
    (project.folder / "narrow.yaml").write_text("'0': 3\n")
    files = [project.file, project.folder / "wide.yaml", project.folder / "narrow.yaml"]
    outcome = run("compare", *files, "--json")
    assert outcome.status == 0, outcome.err
    rows = outcome.json["rows"]
    assert [row["label"] for row in rows] == [str(file) for file in files]
    bits = [row["network"]["weight_bits"] for row in rows]
    assert bits[0] < bits[1]
    assert rows[2]["network"]["layers"][1]["weight_width"] == 3
    assert rows[2]["network"]["layers"][2]["weight_width"] == 8
    assert rows[0]["scores"]["float_score"] == rows[1]["scores"]["float_score"]
    table = run("compare", *files).out
    assert "Side by side" in table


def test_compare_takes_whole_projects_too(run, project):
    other = project.folder / "other.yaml"
    other.write_text(project.file.read_text().replace("weight: 6", "weight: 4"))
    rows = run("compare", project.file, other, "--json").json["rows"]
    assert [row["network"]["layers"][1]["weight_width"] for row in rows] == [6, 4]


def test_report_shows_what_is_known_of_this_very_network(run, built, tmp_path):
    page = tmp_path / "page.html"
    outcome = run("report", built.file, "--out", page, "--json")
    assert outcome.status == 0
    assert outcome.json["summary"]["verify"]["passed"]
    assert "all checks passed" in page.read_text(encoding="utf-8")


def test_report_forgets_checks_of_an_earlier_network(run, built, project):
    shutil.copytree(built.folder / "build" / "results", project.folder / "build" / "results")
    assert run("report", project.file, "--json").json["summary"]["verify"] is not None
    project.edit("weight: 6", "weight: 5")
    assert run("report", project.file, "--json").json["summary"]["verify"] is None


def test_doctor_lists_every_tool(run):
    outcome = run("doctor", "--quick", "--json")
    assert outcome.status == 0, outcome.err
    assert {"g++", "make", "verilator", "yosys"} <= {check["name"] for check in outcome.json["checks"]}


def test_a_factory_with_a_state_dict_gives_the_same_network(run, project):
    (project.folder / "nets.py").write_text(
        "from torch import nn\n\n\ndef make():\n"
        "    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))\n"
    )
    exported = run("quantize", project.file, "--json").json
    project.edit("{source: model.pt2}", "{factory: 'nets:make', weights: weights.pt}")
    made = run("quantize", project.file, "--json").json
    assert made["scores"] == exported["scores"]
    assert made["network"]["weight_bits"] == exported["network"]["weight_bits"]


def test_progress_goes_to_standard_error_only(run, project):
    outcome = run("quantize", project.file, "--json")
    assert "Quantizing" in outcome.err
    json.loads(outcome.out)


def test_calibration_data_alone_is_enough_for_hardware(run, project):
    project.edit(", validation: validation.npz, test: test.npz", "")
    project.edit("precision:", "hardware: {backends: [rtl]}\nprecision:")
    assert run("quantize", project.file, "--json").json["scores"] is None
    assert "weight memory" in run("quantize", project.file).out
    assert run("generate", project.file).status == 0
    assert run("verify", project.file, "--samples", 2).status == 0
    assert run("report", project.file).status == 0
    assert "C++" not in run("report", project.file, "--json").json["summary"]["verify"]["checks"][0]["what"]


def test_targets_are_scored_by_mean_squared_error(run, project):
    with np.load(project.folder / "test.npz") as held:
        x, classes = held["x"], held["y"]
    for split in ("validation", "test"):
        np.savez(project.folder / f"{split}.npz", x=x, y=np.eye(3, dtype=np.float32)[classes])
    project.edit("objective: weight_bits", "metric: mse, objective: bops")
    scores = run("quantize", project.file, "--json").json["scores"]
    assert scores["metric"] == "mse"
    q = hpq.load(project.folder / "build" / "network.hpq")
    assert scores["quantized_score"] == -float(np.square(q.predict(x) - np.eye(3)[classes]).mean())
    assert run("search", project.file).status == 0
    assert run("report", project.file).status == 0


def test_measured_fifos_verify_too(run, project):
    assert run("generate", project.file, "--measure-fifos").status == 0
    folder = project.folder / "build" / "rtl" / "build" / "cosim"
    measured = list(folder.glob("*/simulation"))
    assert run("verify", project.file, "--samples", 2).status == 0
    assert list(folder.glob("*/simulation")) == measured != []  # nothing else was compiled


def test_an_onnx_file_gives_the_same_network(run, project):
    exported = run("quantize", project.file, "--json").json
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    net.load_state_dict(torch.load(project.folder / "weights.pt", weights_only=True))
    target = project.folder / "net.onnx"
    axes = {"input": {0: "batch"}}
    torch.onnx.export(
        net, (torch.zeros(2, 1, 4, 4),), target, dynamo=False, input_names=["input"], dynamic_axes=axes
    )
    project.edit("model.pt2", "net.onnx")
    made = run("quantize", project.file, "--json").json
    assert made["scores"] == exported["scores"]
    assert made["network"]["weight_bits"] == exported["network"]["weight_bits"]
