"""What project.yaml asks of a search beside widths: limits, metrics, layers, groups, rounding."""

import hpq_hls as hpq
from hpq_hls.project import estimate
from hpq_hls.search.objective import LUTS_PER_DSP

SEARCH = "search: {objective: weight_bits, max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]}"


def refusal(outcome):
    assert outcome.status != 0
    *_, last = outcome.err.splitlines()
    assert last.startswith("Error: ")
    return last


def test_what_is_generated_keeps_to_the_limits_of_the_search(run, project):
    fastest = run("estimate", project.file, "--json").json["estimate"]["interval_cycles"]
    limit = 3 * fastest
    project.edit(SEARCH, SEARCH[:-1] + f", limits: {{interval_cycles: {limit}}}}}\n")
    outcome = run("search", project.file, "--json")
    assert outcome.status == 0
    project.edit("precision: {default: {weight: 6, activation: 6}}", "precision: build/precision.yaml")
    found = run("estimate", project.file, "--json").json["estimate"]
    assert fastest < found["interval_cycles"] <= limit
    assert any(f"{found['interval_cycles']:,} cycles" in line for line in outcome.json["limits"])
    assert run("generate", project.file).status == 0
    q = hpq.load(project.folder / "build" / "network.hpq")
    unfolded = estimate(q)  # as fast as the part allows; it takes more, though not of everything
    assert found["lut"] + LUTS_PER_DSP * found["dsp"] < unfolded.lut + LUTS_PER_DSP * unfolded.dsp
    project.edit("limits: {", "limits: {throughput: 1e3, ")
    assert run("estimate", project.file, "--json").json["estimate"]["interval_cycles"] <= limit


def test_a_limit_that_nothing_meets_is_named_with_figures(run, project):
    project.edit(SEARCH, SEARCH[:-1] + ", limits: {lut: 10}}")
    said = refusal(run("search", project.file))
    assert "no combination of the widths keeps to all limits" in said
    assert "limits.lut: " in said
    assert " LUTs of at most 10, " in said
    assert "% too many" in said


def test_a_metric_of_one_s_own_lives_beside_project_yaml(run, project):
    (project.folder / "scores.py").write_text(
        "def half(outputs, targets):\n    return (outputs.argmax(1) == targets).mean() / 2\n"
    )
    project.edit(SEARCH, SEARCH[:-1] + ", metric: 'scores:half'}")
    result = run("search", project.file, "--json").json
    assert result["metric"] == "scores:half"
    assert result["float_accuracy"] == 0.5
    assert run("quantize", project.file, "--json").json["scores"]["metric"] == "scores:half"
    (project.folder / "scores.py").write_text("def half(outputs, targets):\n    raise KeyError('x')\n")
    said = refusal(run("search", project.file))
    assert "project.yaml, line 5: search.metric is scores:half, which fails with KeyError: 'x'" in said
    (project.folder / "scores.py").unlink()
    assert "line 5: search.metric names scores:half, which cannot be imported" in refusal(
        run("search", project.file)
    )


def test_layers_groups_and_rounding_reach_the_precision(run, project):
    rules = ", layers: {'3': {weight: 6}}, rounding: [AP_TRN, AP_RND], groups: [[input, '0.activation']]}"
    project.edit(SEARCH, SEARCH[:-1] + rules)
    outcome = run("search", project.file, "--json")
    assert outcome.status == 0
    chosen = outcome.json["best"]["precision"]["layers"]
    assert chosen["3"]["weight"] == 6
    assert chosen["3"]["rounding"] in ("AP_TRN", "AP_RND")
    assert chosen["input"]["activation"] == chosen["0"]["activation"]
    assert chosen["input"]["activation"].startswith("ap_fixed<")
    project.edit("precision: {default: {weight: 6, activation: 6}}", "precision: build/precision.yaml")
    layers = {row["name"]: row for row in run("quantize", project.file, "--json").json["network"]["layers"]}
    assert layers["0"]["activation_type"] == layers["input"]["activation_type"] == chosen["0"]["activation"]


def test_what_does_not_fit_the_network_has_its_line(run, project):
    project.edit(SEARCH, SEARCH[:-1] + ",\n  layers: {nine: {weight: 4}}}")
    assert (
        "project.yaml, line 6: search.layers.nine cannot be used: the network has no layer 'nine'"
        in refusal(run("search", project.file))
    )
    project.edit("layers: {nine: {weight: 4}}", "groups: [['0', '3.wait']]")
    assert "project.yaml, line 6: search.groups[0][1] is '3.wait', which cannot be shared" in refusal(
        run("search", project.file)
    )
