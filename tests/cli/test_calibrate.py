"""hpq calibrate, reports in hpq synth, and a calibration in project.yaml."""

import hpq_hls as hpq
from hpq_hls.settings.config import load_config
from tests.calibrate.reports import mlp, write_reports
from tests.calibrate.test_table import HEAD, _rows


def _calibrated(run, folder):
    table = folder / "kernels.csv"
    table.write_text("\n".join([HEAD, *_rows()]) + "\n")
    return run("calibrate", "--reports", table, "--out", folder / "c.json", "--json")


def test_calibrate_writes_a_file_that_estimates_use(run, project):
    outcome = _calibrated(run, project.folder)
    assert outcome.status == 0, outcome.err
    found = outcome.json
    assert found["file"] == str(project.folder / "c.json")
    assert found["sentence"] == "calibrated on 30 designs of Vivado HLS 2019.2, C synthesis"
    assert found["held_out"]["lut"]["median"] < 0.15 < found["held_out"]["lut"]["before"]
    assert (found["designs"], found["dsp"]["min_product"]) == (30, 13)
    again = _calibrated(run, project.folder)
    assert again.status != 0
    assert "exists already" in " ".join(again.err.split())
    shown = run("calibrate", "--reports", project.folder, "--out", project.folder / "d.json").out
    for words in ("held-out error", "Written to", "hardware.calibration"):
        assert words in " ".join(shown.split())

    plain = run("estimate", project.file, "--json").json
    project.write(project.file.read_text() + "hardware: {calibration: c.json}\n")
    assert load_config(project.file).settings.hardware.calibration == "c.json"
    outcome = run("estimate", project.file, "--json")
    assert outcome.status == 0, outcome.err
    estimate = outcome.json["estimate"]
    assert estimate["backend"] == "vivado"
    assert "calibrated on 30 designs of Vivado HLS 2019.2" in estimate["stage"]
    assert estimate["lut"] > plain["estimate"]["lut"]
    assert estimate["latency_range"][0] < estimate["latency_range"][1]
    assert plain["estimate"]["latency_range"] is None
    assert plain["modelled"]["backend"] == "vitis"
    assert plain["modelled"]["latency_range"] == estimate["latency_range"]
    assert outcome.json["fits"]
    assert estimate["calibrated"]
    twin = run("estimate", project.file, "--backend", "rtl", "--json").json["estimate"]
    assert twin == plain["estimate"]
    assert run("estimate", project.file, "--json").json == outcome.json  # as it was kept
    text = (project.folder / "c.json").read_text()
    (project.folder / "c.json").write_text(text.replace('"designs": 30', '"designs": 31'))
    assert "31 designs" in run("estimate", project.file, "--json").json["estimate"]["stage"]

    (project.folder / "c.json").write_text("{}")
    outcome = run("estimate", project.file)
    assert outcome.status != 0
    assert "hardware.calibration" in outcome.err
    assert "format is not 1" in " ".join(outcome.err.split())


def test_estimate_of_a_backend(run, project):
    found = run("estimate", project.file, "--backend", "vitis", "--json").json
    assert found["estimate"]["backend"] == "vitis"
    assert found["modelled"] is None
    assert run("estimate", project.file, "--backend", "vitis").status == 0
    outcome = run("estimate", project.file, "--backend", "hdl")
    assert outcome.status != 0
    assert "hdl" in outcome.err


def test_synth_reads_reports_that_are_there(run, project):
    assert run("generate", project.file).status == 0
    vitis = project.folder / "build" / "vitis"
    total = write_reports(vitis, "run/solution")
    outcome = run("synth", project.file, "--tool", "vitis", "--reports", vitis / "run", "--json")
    assert outcome.status == 0, outcome.err
    found = outcome.json
    assert (found["report"]["lut"], found["report"]["tool"]) == (total["lut"], "Vitis HLS")
    assert found["report"]["interval_cycles"] == 64
    assert [kernel["kernel"] for kernel in found["kernels"]] == [
        kernel["module"].removesuffix("_s") for kernel in found["kernels"]
    ]
    assert len(found["kernels"]) >= 3
    for kernel in found["kernels"]:
        assert set(kernel["estimated"]) == set(kernel["reported"]) == {"lut", "ff", "dsp", "bram"}
    assert found["latency_range"][0] < found["latency_range"][1]
    shown = run("synth", project.file, "--tool", "vitis", "--reports", vitis / "run")
    assert "Per kernel" in shown.out

    for words, said in (
        (("--tool", "vitis", "--reports", project.folder / "none"), "holds no csynth.xml"),
        (("--tool", "vitis", "--stage", "bitstream"), "there is no stage 'bitstream'"),
        (("--tool", "vitis", "--stage", "impl", "--reports", vitis), "give one of them"),
        (("--tool", "yosys", "--stage", "impl"), "those of vitis, not of yosys"),
    ):
        outcome = run("synth", project.file, *words)
        assert outcome.status != 0, words
        assert said in " ".join(outcome.err.split())


def test_projects_are_found_in_a_folder(run, tmp_path):
    for hidden in (5, 6, 7, 8, 9):
        hpq.generate(mlp(hidden, 4), tmp_path / f"n{hidden}", name="net")
        write_reports(tmp_path / f"n{hidden}")
    outcome = run("calibrate", "--reports", tmp_path, "--out", tmp_path / "c.json", "--json")
    assert outcome.status == 0, outcome.err
    assert outcome.json["designs"] == 5
    assert outcome.json["kinds"]["streams"] == 5


def test_a_search_counts_calibrated_luts(run, project):
    assert _calibrated(run, project.folder).status == 0
    project.edit("objective: weight_bits", "objective: lut")
    project.write(project.file.read_text() + "hardware: {calibration: c.json}\n")
    outcome = run("search", project.file, "--json")
    assert outcome.status == 0, outcome.err
    estimate = run("estimate", project.file, "--precision", "search", "--json").json["estimate"]
    assert estimate["calibrated"]
    assert outcome.json["best"]["cost"] == estimate["lut"]
