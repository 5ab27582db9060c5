"""hpq report: what the page is made of, and whether it is still right."""

import json

import numpy as np


def test_the_summary_has_what_the_page_draws(run, project):
    assert run("search", project.file).status == 0
    found = run("report", project.file, "--precision", "search", "--json").json["summary"]
    test = np.load(project.folder / "test.npz")
    confusion = found["confusion"]
    assert sum(n for _, _, n in confusion["counts"]) == len(test["y"])
    right = sum(n for a, b, n in confusion["counts"] if a == b)
    assert right / len(test["y"]) == found["scores"]["quantized_score"]
    float_right = sum(n for a, b, n in confusion["float_counts"] if a == b)
    assert float_right / len(test["y"]) == found["scores"]["float_score"]
    flow = found["flow"]
    names = {kernel["name"] for kernel in flow["kernels"]}
    assert {stream["source"] for stream in flow["streams"]} <= names | {""}
    assert {stream["port"] for stream in flow["streams"] if not stream["source"]} == {"s_axis"}
    assert {stream["port"] for stream in flow["streams"] if not stream["target"]} == {"m_axis"}
    assert found["estimate"]["estimate"]["limited_by"] in flow["slowest"]
    traced = {layer["name"]: layer for layer in found["trace"]["layers"]}
    assert all(sum(layer["values"]["counts"]) > 0 for layer in traced.values() if layer["values"])
    search = found["search"]
    assert len(search["explored"]["widths"]) == len(search["points"]) == search["evaluations"]
    assert {tuple(one["variables"]) for one in search["sensitivity"]}
    assert search["cost_of"] == "bits of weight memory"
    assert found["sources"]["commands"][0] == "hpq search project.yaml"
    assert found["outdated"] == []


def test_a_page_too_old_for_its_data_says_so(run, project):
    page = project.folder / "page.html"
    assert "is no page that `hpq report` wrote" in run("report", project.file, "--check", "--out", page).err
    assert run("report", project.file, "--out", page).status == 0
    assert run("report", project.file, "--check", "--out", page).status == 0
    data = dict(np.load(project.folder / "test.npz"))
    np.savez(project.folder / "test.npz", **{**data, "x": data["x"] + 1})
    outcome = run("report", project.file, "--check", "--out", page)
    assert outcome.status == 1
    assert "is too old: since it was written the test data changed; run `hpq report` again" in outcome.err
    assert "the one before was too old for the test data" in run("report", project.file, "--out", page).err
    assert run("report", project.file, "--check", "--out", page, "--json").json["changed"] == []


def test_results_of_another_network_are_named_and_not_shown(run, project):
    assert run("generate", project.file).status == 0
    record = project.folder / "build" / "results" / "verify.json"
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"format": 7, "about": "another", "result": {}}))
    found = run("report", project.file, "--json").json["summary"]
    assert found["verify"] is None
    assert [sentence.split(" ran on ")[0] for sentence in found["outdated"]] == ["`hpq verify`"]
    assert (
        "Too old: `hpq verify` ran on another network"
        in (project.folder / "build" / "report.html").read_text()
    )
