"""What hpq search writes, fine-tuning that survives to later commands, and precisions side by side."""

import csv
import json

import numpy as np
import pytest

import hpq_hls as hpq
from hpq_hls.workflow import open_workspace
from hpq_hls.workflow.results import Origin

SEARCH = "search: {objective: weight_bits, max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]}"
PRECISION = "precision: {default: {weight: 6, activation: 6}}"


def test_the_front_is_exported(run, project):
    result = run("search", project.file, "--json").json
    with (project.folder / "build" / "pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["cost"]) for row in rows] == [point["cost"] for point in result["pareto"]]
    assert [float(row["accuracy"]) for row in rows] == [point["accuracy"] for point in result["pareto"]]
    for row, point in zip(rows, result["pareto"], strict=True):
        layers = point["precision"]["layers"]
        assert int(row["0.weight"]) == layers["0"]["weight"]
        assert int(row["input.activation"]) == layers["input"]["activation"]
        assert float(row["drop"]) == result["float_accuracy"] - point["accuracy"]
    content = json.loads((project.folder / "build" / "pareto.json").read_text())
    assert [point["precision"] for point in content["points"]] == [
        point["precision"] for point in result["pareto"]
    ]
    work = open_workspace(project.file)
    point = content["points"][0]
    q = hpq.quantize(work.graph, work.calibration.x, point["precision"])
    assert float((q.predict(work.validation.x).argmax(1) == work.validation.y).mean()) == point["accuracy"]


def test_the_test_split_is_scored_once_beside_the_search(run, project):
    result = run("search", project.file, "--json").json
    data = np.load(project.folder / "test.npz")
    work = open_workspace(project.file)
    q = hpq.quantize(work.graph, work.calibration.x, result["best"]["precision"])
    right = q.predict(data["x"]).argmax(1) == data["y"]
    test = result["test"]
    assert test["accuracy"] == right.mean()
    assert (test["float_accuracy"], test["samples"]) == (1.0, 40)
    assert (test["lost"], test["gained"]) == (int((~right).sum()), 0)
    assert test["interval"][0] <= test["accuracy"] <= test["interval"][1]
    np.savez(project.folder / "test.npz", x=-data["x"], y=(data["y"] + 1) % 3)
    other = run("search", project.file, "--json").json
    assert other["best"] == result["best"]  # the test split has no part in the search
    assert other["test"] != test
    (project.folder / "test.npz").unlink()
    project.edit(", test: test.npz", "")
    assert run("search", project.file, "--json").json["test"] is None


def test_one_width_everywhere_is_measured_for_comparison(run, project):
    uniform = run("search", project.file, "--json").json["uniform"]
    work = open_workspace(project.file)
    (point,) = uniform  # 6 is in both lists; 3 and 4 are in one each
    q = hpq.quantize(work.graph, work.calibration.x, 6)
    assert point["weight_bits"] == q.weight_bits
    assert point["accuracy"] == float((q.predict(work.validation.x).argmax(1) == work.validation.y).mean())


def test_the_quantizer_section_counts_everywhere(run, project):
    project.edit(SEARCH, SEARCH + "\nquantizer: {weight_rounding: nearest, bias_correction: false}")
    result = run("search", project.file, "--json").json
    work = open_workspace(project.file)
    options = {"weight_rounding": "nearest", "bias_correction": False}
    q = hpq.quantize(work.graph, work.calibration.x, result["best"]["precision"], **options)
    accuracy = float((q.predict(work.validation.x).argmax(1) == work.validation.y).mean())
    assert accuracy == result["best"]["accuracy"]
    project.edit(PRECISION, "precision: build/precision.yaml")
    assert run("quantize", project.file).status == 0
    kept = hpq.load(project.folder / "build" / "network.hpq")
    for name, layer in q.layers.items():
        np.testing.assert_array_equal(kept.layers[name].weight_raw, layer.weight_raw)


# Fine-tuning


@pytest.fixture
def tuned(run, project):
    """A project whose search was fine-tuned, at the precision that it found."""
    project.edit(
        SEARCH,
        "search: {objective: weight_bits, max_drop: 0.5, weight_bits: [2], activation_bits: [4], "
        "finetune: true}\n"
        "finetune: {epochs: 8, learning_rate: 0.1}",
    )
    outcome = run("search", project.file, "--json")
    assert outcome.status == 0, outcome.err
    assert outcome.json["tuned"]["best_epoch"] > 0
    assert outcome.json["tuned"]["accuracy_after"] > outcome.json["best"]["accuracy"]
    project.edit(PRECISION, "precision: build/precision.yaml")
    return project


def same(first, second) -> bool:
    layers = zip(first.layers.values(), second.layers.values(), strict=True)
    return all(np.array_equal(a.weight_raw, b.weight_raw) for a, b in layers)


def test_fine_tuned_integers_survive_to_later_commands(run, tuned):
    network = hpq.load(tuned.folder / "build" / "finetuned.hpq")
    result = run("quantize", tuned.file, "--json").json
    assert result["network"]["origin"] == "fine-tuned"
    assert same(hpq.load(tuned.folder / "build" / "network.hpq"), network)
    work = open_workspace(tuned.file)
    found = json.loads((tuned.folder / "build" / "results" / "search.json").read_text())["result"]["tuned"]
    accuracy = float((network.predict(work.validation.x).argmax(1) == work.validation.y).mean())
    assert accuracy == found["accuracy_after"]
    assert found["test"]["accuracy"] == result["scores"]["quantized_score"]
    assert run("generate", tuned.file).status == 0
    assert same(work.quantized(), network)


@pytest.fixture
def grown(run, project):
    """A project whose fine-tuned integers take more LUTs than those before, and its search."""
    project.edit(
        SEARCH,
        "search: {objective: lut, max_drop: 0.5, weight_bits: [2], activation_bits: [4], "
        "finetune: true, seed: 0}\n"
        "finetune: {epochs: 8, learning_rate: 0.1}\n"
        "hardware: {io: parallel, strategy: da}",
    )
    for seed in range(8):
        result = run("search", project.file, "--json").json
        if result["tuned"]["used"] and result["tuned"]["cost"] > result["best"]["cost"]:
            project.edit(PRECISION, "precision: build/precision.yaml")
            return project, result
        project.edit(f"seed: {seed}", f"seed: {seed + 1}")
    return pytest.fail("no seed of fine-tuning makes integers that take more LUTs")


def test_the_cost_of_fine_tuned_integers_is_theirs(run, grown):
    project, result = grown
    estimate = run("estimate", project.file, "--json").json["estimate"]
    assert result["tuned"]["cost"] == estimate["lut"] + 55 * estimate["dsp"]
    assert (
        f"# Fine-tuned: LUT + 55 DSP {result['tuned']['cost']:,.0f}, top1 "
        in (project.folder / "build" / "precision.yaml").read_text()
    )
    shown = run("search", project.file).out
    row = next(line for line in shown.splitlines() if "fine-tuned LUT + 55 DSP" in line)
    assert f"{result['tuned']['cost']:,.0f} +" in row
    project.edit("finetune: true", "finetune: false")
    estimate = run("estimate", project.file, "--json").json["estimate"]
    assert result["best"]["cost"] == estimate["lut"] + 55 * estimate["dsp"]


def test_fine_tuned_integers_beyond_a_limit_are_not_used_and_said(run, grown):
    project, result = grown
    estimate = run("estimate", project.file, "--json").json["estimate"]
    most = estimate["lut"] - 1
    project.edit("objective: lut", f"objective: lut, limits: {{lut: {most}}}")
    limited = run("search", project.file, "--json")
    assert limited.status == 0, limited.err
    assert limited.json["best"] == result["best"]
    tuned = limited.json["tuned"]
    over = f"limits.lut: {estimate['lut']:,} LUTs of at most {most:,}, "
    assert tuned["exceeded"].startswith(over)
    assert tuned["limits"] == [tuned["exceeded"].removeprefix("limits.lut: ")]
    assert not tuned["used"]
    assert tuned["file"] is tuned["test"] is None
    assert tuned["cost"] == result["tuned"]["cost"]
    assert not (project.folder / "build" / "finetuned.hpq").exists()
    assert "Fine-tuned" not in (project.folder / "build" / "precision.yaml").read_text()
    network = run("quantize", project.file, "--json").json["network"]
    assert network["origin"] == "trained"
    found = run("estimate", project.file, "--json").json["estimate"]
    assert found["lut"] <= most
    again = run("search", project.file)
    assert "not used" in again.out
    assert "the network before fine-tuning stays" in " ".join(again.out.replace("│", " ").split())
    assert "not used, as it exceeds limits.lut: " in " ".join(again.err.split())


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.edit("precision: build/precision.yaml", "precision: 5"),
        lambda project: project.edit("name: tiny", "name: tiny\nquantizer: {bias_correction: false}"),
        lambda project: np.savez(
            project.folder / "calibration.npz", x=np.load(project.folder / "validation.npz")["x"]
        ),
        lambda project: (project.folder / "build" / "finetuned.hpq").write_bytes(b"torn"),
        lambda project: (project.folder / "build" / "results" / "finetune.json").unlink(),
    ],
    ids=["precision", "quantizer", "calibration", "torn", "unrecorded"],
)
def test_what_belongs_to_something_else_is_not_used_and_said(run, tuned, change):
    network = hpq.load(tuned.folder / "build" / "finetuned.hpq")
    change(tuned)
    outcome = run("quantize", tuned.file, "--json")
    assert outcome.json["network"]["origin"] == Origin.STALE.value
    assert not same(hpq.load(tuned.folder / "build" / "network.hpq"), network)
    assert "the fine-tuned ones are of other" in run("quantize", tuned.file).out


def test_without_finetune_the_trained_parameters_are_used(run, tuned):
    tuned.edit("finetune: true", "finetune: false")
    assert run("quantize", tuned.file, "--json").json["network"]["origin"] == "trained"


def test_a_new_search_forgets_the_old_parameters(run, tuned):
    tuned.edit("weight_bits: [2]", "weight_bits: [16]")
    tuned.edit("activation_bits: [4]", "activation_bits: [16]")
    result = run("search", tuned.file, "--json").json
    if result["tuned"]["best_epoch"] == 0:  # nothing can be better than all right
        assert not (tuned.folder / "build" / "finetuned.hpq").exists()
    assert run("quantize", tuned.file, "--json").json["scores"]["quantized_score"] >= 0.9


# Compare


def test_compare_takes_types_and_rounding(run, project):
    (project.folder / "typed.yaml").write_text(
        "default: {weight: 8, activation: 8}\n"
        "layers:\n"
        "  '0': {weight: 'ap_fixed<5,1,AP_RND,AP_SAT>', activation: 6, rounding: AP_TRN}\n"
        "  '3': {weight: 4, activation: 'ap_fixed<7,3,AP_TRN,AP_SAT>'}\n"
    )
    outcome = run("compare", project.file, project.folder / "typed.yaml", "--json")
    assert outcome.status == 0, outcome.err
    first, second = outcome.json["rows"]
    layers = second["network"]["layers"]
    assert layers[1]["weight_type"] == "ap_fixed<5,1,AP_RND,AP_SAT>"
    assert "AP_TRN" in layers[1]["activation_type"]
    assert layers[2]["activation_type"] == "ap_fixed<7,3,AP_TRN,AP_SAT>"
    for row in (first, second):
        comparison = row["scores"]["comparison"]
        assert comparison["interval"][0] <= comparison["accuracy"] <= comparison["interval"][1]
        assert comparison["accuracy"] == row["scores"]["quantized_score"]
        assert row["estimate"]["latency_cycles"] > 0
    table = run("compare", project.file, project.folder / "typed.yaml").out
    assert "95% interval" in table
    assert "weight memory" in table
    assert "%" in next(line for line in table.splitlines() if "weight memory" in line)


def test_what_search_writes_can_be_compared(run, project):
    assert run("search", project.file).status == 0
    outcome = run("compare", project.file, project.folder / "build" / "precision.yaml", "--json")
    assert outcome.status == 0, outcome.err
    best = json.loads((project.folder / "build" / "results" / "search.json").read_text())["result"]["best"]
    assert outcome.json["rows"][1]["network"]["weight_bits"] == best["weight_bits"]
