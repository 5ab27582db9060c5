"""RTL with one thing changed: what is found first is what was changed, where it was, and a wave shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pywellen

import hpq_hls as hpq
from hpq_hls.errors import ConfigError
from hpq_hls.project import Project
from hpq_hls.verify.cosim import SCENARIOS
from hpq_hls.verify.differ.difference import Fault
from tests.verify.residual import edit, failed, flip_rom, network, samples

X = samples(6, 5)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: Any) -> Project:
    return hpq.generate(network(), tmp_path_factory.mktemp("differ") / "rtl", backend="rtl")


@pytest.fixture
def project(generated: Project, tmp_path: Path) -> Project:
    """A copy to break, with the simulators that were built."""
    shutil.copytree(generated.path, tmp_path / "rtl")
    return replace(generated, path=tmp_path / "rtl")


def top(project: Project) -> Path:
    return project.path / "rtl" / f"{project.dataflow.name}.sv"


def signal(wave: Path, name: str, time: int) -> int:
    """The value of a signal of the top module at a time in ps."""
    signals = {one.full_name: one for one in pywellen.Waveform(str(wave)).all_vars()}
    return int(signals[f"model.{name}"].signal.value_at(time))


def lane(word: int, number: int | None, width: int) -> int:
    assert number is not None
    raw = word >> number * width & (1 << width) - 1
    return raw - (raw >> width - 1 << width)


def test_a_rom_bit_of_a_middle_kernel(generated: Project, tmp_path: Path) -> None:
    """By every scenario the same word; and the wave opens at it."""
    project = generated
    memories = sorted((project.path / "rtl").glob("*.mem"))
    kept = {path: path.read_text() for path in memories}
    flip_rom(project, "second_matvec_weight")
    try:
        looked = project.look(X, failed(*SCENARIOS), wave=tmp_path / "new" / "a.fst")
    finally:
        for path, text in kept.items():
            path.write_text(text)
    assert list(looked.differences) == list(SCENARIOS)
    for scenario, found in looked.differences.items():
        assert (found.kernel, found.layer, found.stream) == ("second_matvec", "second", "second_out")
        assert (found.fault, found.scenario) == (Fault.VALUE, scenario)
        right = project.q.trace({name: x[found.sample : found.sample + 1] for name, x in X.items()})
        assert found.index is not None
        assert right["second"].raw[(0, *found.index)] == found.expected != found.seen
    assert len({found.reason for found in looked.differences.values()}) == 1
    first, wave = looked.differences["back_to_back"], looked.wave
    assert wave is not None
    assert (wave.file, wave.time, wave.scenario) == (tmp_path / "new" / "a.fst", first.time, "back_to_back")
    assert wave.who == "matvec second_matvec of layer 'second'"
    assert f"element {list(first.index)} of 'second'): {first.seen}, not {first.expected}" in first.sentence
    save, commands = wave.save.read_text(), wave.commands.read_text()
    assert f'[dumpfile] "{wave.file}"' in save
    assert f" {first.time} -1" in save
    assert f"cursor_set {first.time}" in commands
    shown = [line.split(".")[1].split("[")[0] for line in save.splitlines() if line.startswith("model.")]
    (given,) = next(one for one in project.dataflow.kernels if one.name == "second_matvec").inputs
    streams = (f"{given}_out", "second_out_in")
    sides = [f"{stream}_{side}" for stream in streams for side in ("data", "valid", "ready")]
    assert shown == ["ap_clk", "ap_rst_n", *sides]
    assert [line.split(".")[1] for line in commands.splitlines() if "variable_add" in line] == shown
    kind = project.dataflow.streams["second_out"].type
    word = signal(wave.file, "second_out_in_data", wave.time)
    assert lane(word, first.lane, kind.width) == first.seen
    assert signal(wave.file, "second_out_in_valid", wave.time) == 1
    assert signal(wave.file, "second_out_in_ready", wave.time) == 1
    for name in shown:
        signal(wave.file, name, 0)
    # The files are as they were: nothing differs, and the ports are shown.
    result = project.cosim(X, wave=tmp_path / "good.fst")
    assert result.passed
    assert result.differences == {}
    assert result.wave is not None
    assert (result.wave.time, result.wave.who) == (0, "")
    assert "model.m_axis_TDATA" in result.wave.save.read_text()
    assert "nothing differs" in result.wave.sentence
    out = project.manifest.outputs[0]
    seen = lane(signal(result.wave.file, "m_axis_TDATA", 10**9), 0, out.width)
    assert np.isin(seen, result.raw)


def cast(project: Project) -> None:
    edit(top(project), "AP_RND", "AP_TRN", "add: combine")


def swapped(project: Project) -> None:
    """The sum of the shortcut reads what the one behind it reads, which has as many bits."""
    text = top(project).read_text()
    a, b = (
        "add_1_add (",
        "// ---------------------------------------------------------------- maxpool2d: window",
    )
    begin = text.index(a)
    section = text[begin : text.index(b, begin)]
    other = (
        section.replace("add_out_out", "@")
        .replace("side_out_out", "add_out_out")
        .replace("@", "side_out_out")
    )
    top(project).write_text(text.replace(section, other))


def silent(project: Project) -> None:
    edit(top(project), ".out_valid(second_out_in_valid)", ".out_valid()")
    edit(top(project), "endmodule", "assign second_out_in_valid = 1'b0;\nendmodule")


def shallow(project: Project) -> None:
    places = project.dataflow.links["first_copy1"].places
    edit(top(project), f".DEPTH({places})", ".DEPTH(2)", "// first_copy1: ")


def tlast(project: Project) -> None:
    edit(top(project), ".BEATS(2)", ".BEATS(1)", "hpq_axis_out")


def cut(project: Project) -> None:
    """What a FIFO gives has a bit turned."""
    path = top(project)
    edit(path, ".out_data (second_windows_out_data)", ".out_data (second_windows)", "fifo_second_windows (")
    bits = project.dataflow.streams["second_windows"].bits
    wire = f"wire [{bits - 1}:0] second_windows;"
    mask = f"assign second_windows_out_data = second_windows ^ {bits}'d16;"
    edit(path, "endmodule", f"{wire}\n{mask}\nendmodule")


CHANGES: dict[Callable[[Project], None], tuple[str, Fault, str]] = {
    cast: ("add_add", Fault.VALUE, "combine add_add of layer 'add' is the first that differs"),
    silent: ("second_matvec", Fault.MISSING, "stream second_out: 0 of 16 beats came, sample 0"),
    shallow: ("fifo_first_copy1", Fault.MISSING, "it takes nothing, with 2 of"),
    swapped: ("add_1_add", Fault.VALUE, "combine add_1_add of layer 'add_1' is the first that differs"),
    tlast: ("port_m_axis", Fault.CONTROL, "port m_axis does not keep to the protocol"),
    cut: (
        "fifo_second_windows",
        Fault.VALUE,
        "the FIFO of stream second_windows is the first that differs",
    ),
}


@pytest.mark.parametrize(
    "change", [pytest.param(one, marks=[] if one in (cast, silent) else pytest.mark.slow) for one in CHANGES]
)
def test_what_was_changed_is_found(project: Project, change: Callable[[Project], None]) -> None:
    kernel, fault, said = CHANGES[change]
    change(project)
    scenarios = ("back_to_back", "reset_mid_stream") if change is silent else ("random_gaps",)
    looked = project.look(X, failed(*scenarios))
    assert set(looked.differences) == set(scenarios)
    assert looked.wave is None
    for found in looked.differences.values():
        assert (found.kernel, found.fault) == (kernel, fault), found.sentence
    assert said in looked.differences[scenarios[0]].sentence


def test_of_somebody_s_rtl_only_the_ports_can_be_seen(project: Project, tmp_path: Path) -> None:
    flip_rom(project, "second_matvec_weight")
    looked = project.look(
        X, failed("back_to_back"), rtl_dir=project.path / "rtl", wave=tmp_path / "their.fst"
    )
    found, wave = looked.differences["back_to_back"], looked.wave
    assert (found.kernel, found.stream, found.fault) == ("", "m_axis", Fault.VALUE)
    assert found.sentence.startswith("port m_axis differs: stream m_axis, sample")
    assert found.sentence.endswith("only its ports can be seen")
    raw = project.q.predict_raw(X)
    assert found.index is not None
    assert raw[(found.sample, *found.index)] == found.expected
    assert wave is not None
    assert (wave.time, wave.who) == (found.time, "port m_axis")
    word = signal(wave.file, "m_axis_TDATA", wave.time)
    assert lane(word, found.lane, project.manifest.outputs[0].width) == found.seen


def test_a_wave_has_a_name(generated: Project) -> None:
    with pytest.raises(ConfigError, match=r"wave is 'a.vcd'; name a file that ends in .fst"):
        generated.cosim(X, wave="a.vcd")
