"""Calibration on generated projects in which a (made-up) tool was run, and estimates by it."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import hpq_hls as hpq
from hpq_hls.billing.calibration import DspRule, load_calibration
from hpq_hls.calibrate import read_reports
from hpq_hls.calibrate.billed import billed_of, read_billed
from hpq_hls.calibrate.projects import modules_of
from hpq_hls.cost import Ledger, find_part
from hpq_hls.errors import ConfigError, DataError, OutputError
from hpq_hls.project import hardware_config, priced_by
from hpq_hls.synth.hls_reports import Module
from tests.calibrate.reports import mlp, write_export, write_reports

SIZES = [(6, 4), (8, 5), (9, 6), (10, 7), (12, 8), (14, 4), (15, 6), (16, 9), (18, 5), (20, 7)]
TARGET = 24


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for hidden, width in SIZES:
        q = mlp(hidden, width)
        hpq.generate(q, folder / f"net{hidden}_{width}", name="net", target_interval=TARGET)
        write_reports(folder / f"net{hidden}_{width}")
    return folder


def test_bills_come_back_from_a_project(runs: Path) -> None:
    q = mlp(12, 8)
    project = hpq.generate(q, runs.parent / "again", name="net", target_interval=TARGET)
    top, backend, found = read_billed(project.path)
    assert (top, backend) == ("net", "vitis")
    made = billed_of(project.dataflow, find_part("xc7z020clg400-1").family)
    for one, other in zip(found, made, strict=True):
        assert (one.name, one.kind, one.taken, one.made) == (other.name, other.kind, other.taken, other.made)
        assert one.bill == other.bill
    assert not (hpq.generate(q, runs.parent / "twin", "rtl", name="net").path / "bill.json").exists()


def test_a_kernel_with_memory_has_kernels_and_no_fifos(runs: Path) -> None:
    """Its top function has more than FIFOs and ports besides its kernels."""
    q = mlp(6, 4)
    folder = runs.parent / "memory"
    hpq.generate(q, folder, name="net", memory="m_axi", control="s_axilite", tlast="ignored")
    top, _, billed = read_billed(folder)
    assert top == "net_kernel"
    assert [one.kind for one in billed] == ["matvec", "matvec"]
    write_reports(folder)
    assert {sample.kind for sample in read_reports(folder).samples} == {"matvec"}


def test_estimates_become_what_the_tool_reports(runs: Path, tmp_path: Path) -> None:
    calibration = hpq.calibrate(runs)
    assert calibration.dsp == DspRule(2, 12, 2)
    assert calibration.sentence == "calibrated on 10 designs of Vitis HLS 2023.2, C synthesis"
    assert calibration.held_out["lut"].median < 0.1 < calibration.held_out["lut"].before
    # Of the designs that tell the rule some are left out at a time.
    assert calibration.held_out["dsp"].median == 0.0
    assert calibration.held_out["dsp"].ninety <= 0.1
    q = mlp(13, 7)  # none has seen it
    project = hpq.generate(q, tmp_path / "p", name="net", target_interval=TARGET)
    truth = write_reports(project.path)
    file = calibration.save(tmp_path / "calibration.json")
    found = hpq.estimate(q, target_interval=TARGET, calibration=file)
    assert found.dsp == truth["dsp"]
    assert found.lut == pytest.approx(truth["lut"], rel=0.1)  # ten designs do not tell all factors apart
    assert found.ff == pytest.approx(truth["ff"], rel=0.1)
    assert found.backend == "vitis"
    assert found.stage.endswith("reports, calibrated on 10 designs of Vitis HLS 2023.2, C synthesis")
    assert found.notes == ()
    json.dumps(found.to_dict())
    config = priced_by(hardware_config(target_interval=TARGET), calibration)
    ledger = pickle.loads(pickle.dumps(Ledger(config, config.part)))
    made = ledger.resources(q)
    assert (made.lut, made.ff, made.dsp, made.bram) == (found.lut, found.ff, found.dsp, found.bram)


def test_estimates_of_what_vivado_makes(runs: Path, tmp_path: Path) -> None:
    """A third of the LUTs that C synthesis says."""
    with pytest.raises(DataError, match=r"no report of Vivado's synthesis; run `hpq synth .* --stage syn`"):
        hpq.calibrate(runs, "syn")
    with pytest.raises(ConfigError, match="no stage 'bit'; choose one of csynth, syn, impl"):
        hpq.calibrate(runs, "bit")
    shutil.copytree(runs, tmp_path / "runs")
    for folder in (tmp_path / "runs").glob("*/hls_net/solution"):
        write_export(folder, 3)
    calibration = hpq.calibrate(tmp_path / "runs", "syn")
    assert calibration.stage == "Vivado's synthesis"
    q = mlp(13, 7)
    found, said = (
        hpq.estimate(q, target_interval=TARGET, calibration=c) for c in (calibration, hpq.calibrate(runs))
    )
    assert found.lut == pytest.approx(said.lut / 3, rel=0.1)  # ten designs
    assert found.dsp == said.dsp
    assert "Vivado's synthesis of the vitis project reports" in found.stage


def test_a_calibration_is_read_back_as_it_was(runs: Path, tmp_path: Path) -> None:
    calibration = hpq.calibrate(runs)
    assert load_calibration(calibration.save(tmp_path / "c.json")) == calibration
    text = (tmp_path / "c.json").read_text()
    with pytest.raises(OutputError):
        calibration.save(tmp_path)
    bad = tmp_path / "bad.json"
    for broken, said in (
        ("{", "is no JSON"),
        ("[]", "format is not 1"),
        (text.replace('"format": 1', '"format": 9'), "format is not 1"),
        (text.replace('"min_operand": 2', '"min_operand": -2'), "min_operand is -2"),
        (text.replace('"designs": 10', '"designs": "ten"'), "designs is 'ten'"),
        (text.replace('"fabric"', '"cotton"'), "factors of"),
        (text.replace('"other"', '"others"'), "lacks 'other'"),
    ):
        bad.write_text(broken)
        with pytest.raises(ConfigError, match=said):
            load_calibration(bad)
    with pytest.raises(ConfigError, match=r"none\.json does not exist; write one with `hpq calibrate`"):
        hpq.estimate(mlp(6, 4), calibration=tmp_path / "none.json")
    with pytest.raises(ConfigError, match="backend is rtl; leave one of"):
        hpq.estimate(mlp(6, 4), backend="rtl", calibration=calibration)


def test_kinds_without_reports_are_scaled_and_named(runs: Path) -> None:
    calibration = hpq.calibrate(runs)
    few = replace(calibration, kinds={})
    found = hpq.estimate(mlp(6, 4), calibration=few)
    assert found.lut > 0
    (note,) = found.notes
    assert note.startswith("the calibration has no reports of matvec, ")


def test_modules_are_found_by_name() -> None:
    def module(name: str) -> Module:
        return Module(name, 1, 1, 0, 0, 0, None, None, None)

    names = ["fc_matvec", "fc_matvec_Pipeline_VITIS_LOOP_9_1", "ns_kernel_conv_s", "fc2_matvec_1"]
    found = modules_of(["fc_matvec", "conv", "fc2_matvec", "fc1"], {name: module(name) for name in names})
    assert {key: value.name for key, value in found.items()} == {
        "fc_matvec": "fc_matvec",
        "conv": "ns_kernel_conv_s",
        "fc2_matvec": "fc2_matvec_1",
    }


def test_what_holds_no_reports(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        hpq.calibrate(tmp_path / "none")
    with pytest.raises(DataError, match="no CSV file and no project"):
        hpq.calibrate(tmp_path)
    project = hpq.generate(mlp(6, 4), tmp_path / "p", name="net")
    with pytest.raises(DataError, match="1 projects without reports"):
        hpq.calibrate(tmp_path)
    write_reports(project.path)
    with pytest.raises(DataError, match="reports of 1 designs; 5 are the least"):
        hpq.calibrate(tmp_path)
    for path in project.path.rglob("*_s_csynth.xml"):
        path.rename(path.with_name(f"other{path.name[-20:]}"))
    with pytest.raises(DataError, match="none of its kernels"):
        hpq.calibrate(tmp_path)
    (project.path / "bill.json").write_text('{"format": 1}')
    with pytest.raises(DataError, match=r"bill\.json is no bill"):
        hpq.calibrate(tmp_path)
    assert len(read_reports(runs).designs) == len(SIZES)
