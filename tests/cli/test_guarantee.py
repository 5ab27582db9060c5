"""The drop on unseen data: what hpq search, compare and report state of it."""

import json

import numpy as np
import pytest

from hpq_hls.workflow import open_workspace

SEARCH = "search: {objective: weight_bits, max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]}"
PRECISION = "precision: {default: {weight: 6, activation: 6}}"
MORE = "is more than the 10.00 allowed"


def words(outcome) -> str:
    assert outcome.status == 0, outcome.err
    return " ".join(outcome.out.replace("│", " ").split())


@pytest.fixture
def unlucky(project):
    """A project whose test data are harder than its validation data: the float network is hardly sure."""
    graph = open_workspace(project.file).graph
    x = np.random.default_rng(5).normal(size=(4000, 1, 4, 4)).astype(np.float32)
    outputs = graph.predict(x)
    best, second = np.sort(outputs, axis=1)[:, ::-1][:, :2].T
    hard = np.argsort(best - second)[:40]
    np.savez(project.folder / "test.npz", x=x[hard], y=outputs[hard].argmax(1))
    return project


def test_search_states_the_bound(run, project):
    result = run("search", project.file, "--json").json
    assert result["confidence"] == 0.9
    assert result["certified"] in (True, False)
    assert result["drop_bound"] >= result["float_accuracy"] - result["best"]["accuracy"]
    assert set(result["confirmation"]) >= {
        "samples", "searched", "tested", "drop", "needed", "method", "sentence",
    }  # fmt: skip
    said = words(run("search", project.file))
    assert f"drop on unseen data at most {100 * result['drop_bound']:.2f} points (90 %)" in said
    assert " ".join(result["confirmation"]["sentence"].split()) in said


def test_without_confidence_nothing_is_stated(run, project):
    project.edit(SEARCH, SEARCH[:-1] + ", confidence: null}")
    result = run("search", project.file, "--json").json
    assert (result["confidence"], result["certified"], result["confirmation"]) == (None, False, None)
    assert "unknown: confidence is null" in words(run("search", project.file))


def test_a_test_score_that_is_worse_is_said(run, unlucky):
    result = run("search", unlucky.file, "--json").json
    drop = result["test"]["drop"]
    assert drop > 0.1
    (sentence,) = result["warnings"]
    assert sentence.startswith(f"the drop on the test data, {100 * drop:.2f} points, {MORE} (95 %: ")
    assert f"warning {sentence}" in words(run("search", unlucky.file))
    unlucky.edit(PRECISION, "precision: build/precision.yaml")
    scores = run("quantize", unlucky.file, "--json").json["scores"]
    assert scores["warning"] == sentence
    assert f"warning {sentence}" in words(run("quantize", unlucky.file))
    page = unlucky.folder / "page.html"
    summary = run("report", unlucky.file, "--out", page, "--json").json["summary"]
    assert summary["scores"]["warning"] == sentence
    assert summary["search"]["warnings"] == [sentence]
    assert page.read_text().count(f"Warning: {sentence}.") == 1  # said once, at the top


def test_what_is_known_goes_with_the_network(run, project):
    result = run("search", project.file, "--json").json
    found = project.folder / "build" / "precision.yaml"
    first, second = run("compare", project.file, found, "--json").json["rows"]
    known = ("metric", "max_drop", "confidence", "certified", "drop_bound", "confirmation")
    assert second["guarantee"] == {name: result[name] for name in known}
    if first["network"]["weight_bits"] != second["network"]["weight_bits"]:
        assert first["guarantee"] is None
    said = words(run("compare", project.file, found))
    assert "drop on unseen data" in said
    assert result["confirmation"]["sentence"] in said
    project.edit(PRECISION, "precision: build/precision.yaml")
    page = project.folder / "page.html"
    summary = run("report", project.file, "--out", page, "--json").json["summary"]
    assert summary["guarantee"] == second["guarantee"]
    shown = page.read_text()
    bound = f"at most {100 * result['drop_bound']:.2f} points (90 %)"
    assert bound.removesuffix(" (90 %)") in shown
    assert "with 90 % confidence" in shown
    assert f"drop on unseen data {bound}" in words(run("report", project.file))


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.edit("precision: build/precision.yaml", "precision: 5"),
        lambda project: project.edit("name: tiny", "name: tiny\nquantizer: {bias_correction: false}"),
        lambda project: np.savez(
            project.folder / "calibration.npz", x=np.load(project.folder / "validation.npz")["x"]
        ),
        lambda project: (project.folder / "build" / "results" / "search.json").unlink(),
    ],
    ids=["precision", "quantizer", "calibration", "unrecorded"],
)
def test_nothing_is_stated_of_another_network(run, project, change):
    assert run("search", project.file).status == 0
    project.edit(PRECISION, "precision: build/precision.yaml")
    change(project)
    summary = run("report", project.file, "--json").json["summary"]
    assert summary["guarantee"] is None


def test_nothing_is_stated_of_integers_that_were_trained_on(run, project):
    project.edit(
        SEARCH,
        "search: {objective: weight_bits, max_drop: 0.5, weight_bits: [2], activation_bits: [4], "
        "finetune: true}\nfinetune: {epochs: 8, learning_rate: 0.1}",
    )
    assert run("search", project.file, "--json").json["tuned"]["used"]
    assert "drop on unseen data before fine-tuning" in words(run("search", project.file))
    project.edit(PRECISION, "precision: build/precision.yaml")
    assert run("report", project.file, "--json").json["summary"]["guarantee"] is None
    project.edit("finetune: true", "finetune: false")
    assert run("report", project.file, "--json").json["summary"]["guarantee"] is not None


def test_the_record_of_a_search_says_what_it_is_about(run, project):
    run("search", project.file)
    kept = json.loads((project.folder / "build" / "results" / "search.json").read_text())["result"]
    assert len(kept["identity"]) > 8
