"""Targets on the command line and in project.yaml: met, or spoken about."""

PLAIN = """\
model: {source: model.pt2}
data: {calibration: calibration.npz, validation: validation.npz, test: test.npz}
"""


def largest_share(result):
    """Of the part that an estimate is for."""
    names = {"lut": "lut", "ff": "ff", "dsp": "dsp", "bram": "bram18"}
    has = {name: result["capacity"].get(own, result["capacity"].get(name)) for name, own in names.items()}
    return max(result["estimate"][name] / has[name] for name in names)


def test_options_replace_the_project_s_target(run, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(PLAIN + "hardware: {target_interval: 400, backends: [rtl]}\n")
    slow = run("estimate", "--json").json["estimate"]
    assert slow["interval_cycles"] <= 400
    fast = run("estimate", "--target-interval", 40, "--json").json["estimate"]
    assert fast["interval_cycles"] <= 40 < slow["interval_cycles"]
    by_fps = run("estimate", "--target-fps", 5_000_000, "--json").json["estimate"]  # 40 cycles of 5 ns
    assert by_fps == fast
    assert (
        "target_interval and target_fps are both given"
        in run("estimate", "--target-fps", 5, "--target-interval", 5).err
    )


def test_a_target_below_the_floor_is_said(run, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(PLAIN + "hardware: {target_fps: 200_000_000, backends: [rtl]}\n")
    told = run("estimate")
    assert "Warning: target_interval is 1, but one inference takes" in " ".join(told.out.split())
    generated = run("generate", "--oversize", "--json").json
    (note,) = generated["notes"]
    assert "cannot be faster" in note


def test_less_of_the_part_is_slower(run, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(PLAIN + "hardware: {part: xc7s6, backends: [rtl]}\n")
    most = run("estimate", "--json").json
    share = largest_share(most)
    assert share <= 0.8
    less = run("estimate", "--utilisation", round(0.6 * share, 3), "--json").json
    assert largest_share(less) <= 0.6 * share
    assert less["estimate"]["interval_cycles"] >= most["estimate"]["interval_cycles"]
    assert "--utilisation" in run("estimate", "--utilisation", 2).err


def test_what_was_generated_is_what_is_verified(run, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(PLAIN + "hardware: {target_interval: 400, backends: [rtl]}\n")
    run("generate", "--target-interval", 40)
    verified = run("verify", "--samples", 2, "--json").json
    assert verified["passed"]
    assert verified["interval_cycles"] <= 40
    run("generate", "--force")
    verified = run("verify", "--samples", 2, "--json").json
    assert verified["passed"]
    assert verified["interval_cycles"] > 40


def test_a_search_for_throughput_returns_a_design(run, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(
        PLAIN + "search: {objective: throughput, max_drop: 0.1, weight_bits: [2, 3, 4, 6], "
        "activation_bits: [3, 4, 6], effort: fast}\nhardware: {part: xc7s6}\n"
    )
    searched = run("search", "--json").json
    estimated = run("estimate", "--json").json
    assert searched["best"]["cost"] == estimated["estimate"]["interval_cycles"]
    assert largest_share(estimated) <= 0.8
