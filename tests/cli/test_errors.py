"""Bad input to the commands: exit status, one sentence on standard error, and nothing lost."""

# ruff: noqa: E501  # rows of the tables of mistakes read best on one line

import io
import os
import shutil
import sys

import numpy as np
import pytest
import torch
from rich.console import Console

from hpq_hls.report.tables import verify_table
from hpq_hls.verify.cosim import SCENARIOS


def shown(renderable) -> str:
    """A table, each sentence in one line."""
    console = Console(file=io.StringIO(), width=2000, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def refusal(outcome) -> str:
    """The one sentence of a command that failed."""
    assert outcome.status == 1
    assert outcome.out == ""
    lines = outcome.err.strip().splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in outcome.err
    return lines[0]


def replace(project, split: str, **arrays) -> None:
    np.savez(project.folder / f"{split}.npz", **arrays)


def good(project, split: str = "test"):
    with np.load(project.folder / f"{split}.npz") as held:
        return held["x"], held["y"]


@pytest.mark.parametrize(
    "command", ["search", "quantize", "generate", "verify", "estimate", "synth", "report"]
)
def test_a_missing_project_file(run, tmp_path, command):
    assert "does not exist" in refusal(run(command, tmp_path / "project.yaml"))


def test_errors_are_json_too_where_asked(run, tmp_path):
    outcome = run("quantize", tmp_path / "project.yaml", "--json")
    assert outcome.status == 1
    assert outcome.json["error"]["kind"] == "ConfigError"
    assert outcome.json["error"]["message"] in outcome.err


def test_debug_shows_where_it_happened(run, tmp_path):
    outcome = run("quantize", tmp_path / "project.yaml", "--debug")
    assert outcome.status == 1
    assert outcome.err == ""  # the exception itself comes out, for Python to print


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("precision: {layers: {fc1: 4}}", "line 4: the network has no layer 'fc1'"),
        ("precision: {layers: {'3': {bias: 40}}}", "line 4: precision.layers.3.bias asks for 40 bits"),
        ("precision: {layers: {'2': 4}}", "line 4: layer '2' is a Flatten"),
        ("precision: {layers: {input: {weight: 4}}}", "line 4: layer 'input' has no weight"),
        ("precision: nowhere.yaml", "line 4: precision names nowhere.yaml, which does not exist"),
        ("hardware: {layers: {'9': {pe: 2}}}", "line 4: hardware.layers.9: the network has no such layer"),
        (
            "hardware: {fifo_depths: {nothing: 4}}",
            "line 4: hardware.fifo_depths.nothing names an unknown stream; ",
        ),
        ("hardware: {fifo_depths: {x: 1}}", "line 4: hardware.fifo_depths.x is 1; it must be at least 2"),
        ("hardware: {layers: {'3': {pe: 2}}}", "3"),
    ],
)
def test_settings_that_do_not_fit_the_network(run, project, line, expected):
    project.edit("precision: {default: {weight: 6, activation: 6}}", line)
    assert expected in refusal(run("generate", project.file))
    build = project.folder / "build"
    assert not build.exists() or [path.name for path in build.iterdir()] == ["cache"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x, y: {"x": np.where(x > 2, np.nan, x), "y": y}, "test.npz: x has NaN or infinity, first in sample"),
        (lambda x, y: {"x": np.where(x > 2, np.inf, x), "y": y}, "test.npz: x has NaN or infinity"),
        (lambda x, y: {"x": x[:0], "y": y[:0]}, "test.npz: x has shape (0, 1, 4, 4); give at least one sample"),
        (lambda x, y: {"x": x[:, :, :3], "y": y}, "shape (40, 1, 3, 4), but the network takes (batch, 1, 4, 4)"),
        (lambda x, y: {"x": x.astype(str), "y": y}, "test.npz: x has data of type <U"),
        (lambda x, y: {"x": x.astype(complex), "y": y}, "test.npz: x has data of type complex128"),
        (lambda x, y: {"x": x.astype(object), "y": y}, "test.npz holds Python objects, which are never unpickled"),
        (lambda x, y: {"y": y}, "test.npz holds no array x"),
        (lambda x, y: {"x": x, "y": y[:-1]}, "y has shape (39,) but x has 40 samples"),
        (lambda x, y: {"x": x, "y": y + 5}, "class numbers from 0 to 2"),
        (lambda x, y: {"x": x, "y": 0 * y - 1}, "class numbers from 0 to 2"),
        (lambda x, y: {"x": x, "y": y + 0.5}, "class numbers from 0 to 2"),
        (lambda x, y: {"x": x, "y": y.astype(str)}, "test.npz: y has data of type <U"),
        (lambda x, y: {"x": x, "y": np.eye(3)[y]}, "takes class numbers of shape (40,)"),
    ],
)  # fmt: skip
def test_bad_data(run, project, change, expected):
    replace(project, "test", **change(*good(project)))
    sentence = refusal(run("quantize", project.file))
    assert "test.npz" in sentence
    assert expected in sentence


def test_data_that_is_not_there(run, project):
    (project.folder / "test.npz").unlink()
    assert "line 3: data.test names" in refusal(run("quantize", project.file))


def test_data_of_another_format(run, project):
    (project.folder / "test.npz").write_text("no archive")
    refusal(run("quantize", project.file))
    project.edit("test: test.npz", "test: test.csv")
    assert "is no .npz or .npy file" in refusal(run("quantize", project.file))


def test_search_needs_validation_data_with_labels(run, project):
    x, _ = good(project)
    replace(project, "validation", x=x)
    assert "validation.npz holds no array y" in refusal(run("search", project.file))
    project.edit("validation: validation.npz, ", "")
    assert "line 3: data.validation is missing" in refusal(run("search", project.file))


def test_a_search_that_finds_nothing_good_enough_says_so(run, project):
    project.edit(
        "max_drop: 0.1, weight_bits: [3, 6], activation_bits: [4, 6]",
        "max_drop: 0, weight_bits: [1], activation_bits: [1]",
    )
    outcome = run("search", project.file)
    assert outcome.status == 1
    sentence = outcome.err.strip().splitlines()[-1]
    assert "line 5: search.max_drop is 0, but no combination of the widths keeps the accuracy" in sentence
    assert not (project.folder / "build" / "precision.yaml").exists()


class Evil:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        return (os.system, ("touch unpickled",))


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (lambda net: net, "is no plain state dict"),
        (lambda net: Evil(), "is no plain state dict and is not unpickled"),
        (lambda net: {"state_dict": net.state_dict(), "epoch": 3}, "it holds state_dict, epoch"),
        (lambda net: [1, 2], "it holds list"),
        (lambda net: {"weight": torch.zeros(3)}, "does not fit the network: Missing key(s)"),
    ],
)
def test_weights_that_are_no_plain_state_dict(run, project, held, expected, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (project.folder / "nets.py").write_text("from torch import nn\nmake = lambda: nn.Linear(16, 3)\n")
    torch.save(held(torch.nn.Linear(16, 3)), project.folder / "weights.pt")
    project.edit("{source: model.pt2}", "{factory: 'nets:make', weights: weights.pt}")
    assert expected in refusal(run("quantize", project.file))
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, "which cannot be imported (No module named 'nets_of_mine')"),
        ("import nonsense_module", "which cannot be imported (No module named 'nonsense_module')"),
        ("1 / 0", "whose module fails with ZeroDivisionError"),
        ("other = 3", "which cannot be imported"),
        ("def make(size): pass", "which fails with TypeError"),
        ("make = dict", "which returns a dict; it must return a torch.nn.Module"),
    ],
)
def test_factories_that_do_not_work(run, project, code, expected):
    if code is not None:
        (project.folder / "nets_of_mine.py").write_text(code + "\n")
    project.edit("{source: model.pt2}", "{factory: 'nets_of_mine:make'}")
    sentence = refusal(run("quantize", project.file))
    assert expected in sentence
    assert "line 2: model.factory names nets_of_mine:make" in sentence
    assert "nets_of_mine" not in sys.modules
    assert str(project.folder) not in sys.path


def test_models_that_are_not_there_or_not_models(run, project):
    (project.folder / "model.pt2").write_bytes(b"PK nonsense")
    assert "model.pt2 is no exported program" in refusal(run("quantize", project.file))
    (project.folder / "model.pt2").unlink()
    assert "line 2: model.source names" in refusal(run("quantize", project.file))


def test_generate_overwrites_only_with_force_and_only_projects(run, project):
    assert run("generate", project.file).status == 0
    (project.folder / "build" / "vitis" / "README.md").write_text("notes of mine")
    assert "is not empty" in refusal(run("generate", project.file))
    shutil.rmtree(project.folder / "build" / "rtl")
    (project.folder / "build" / "rtl").mkdir()
    (project.folder / "build" / "rtl" / "thesis.txt").write_text("irreplaceable")
    assert "no generated project" in refusal(run("generate", project.file, "--force"))
    assert (project.folder / "build" / "rtl" / "thesis.txt").read_text() == "irreplaceable"


def test_an_output_that_is_a_file(run, project):
    project.write(project.file.read_text() + "output: taken\n")
    (project.folder / "taken").write_text("mine")
    for command in ("quantize", "generate"):
        outcome = run(command, project.file)
        assert outcome.status == 1
        assert "taken" in outcome.err.strip().splitlines()[-1]
    assert (project.folder / "taken").read_text() == "mine"


def test_verify_before_generate(run, project):
    assert "run `hpq generate` first" in refusal(run("verify", project.file))


def test_verify_after_the_hardware_settings_changed(run, built, project):
    shutil.copytree(built.folder / "build", project.folder / "build")
    project.edit("precision:", "hardware: {clock_ns: 7}\nprecision:")
    assert "run `hpq generate --force`" in refusal(run("verify", project.file))


def test_verify_fails_when_one_weight_is_another(run, built, project):
    """The weights of the settings differ from those in the files: the words must too."""
    shutil.copytree(built.folder / "build", project.folder / "build")
    project.edit("{weight: 6, activation: 6}", "{weight: 3, activation: 6}")
    outcome = run("verify", project.file, "--samples", 6, "--json")
    assert outcome.status == 1
    assert not outcome.json["passed"]
    assert sum(check["words_different"] for check in outcome.json["checks"]) > 0
    sentence = outcome.err.strip().splitlines()[-1]
    assert sentence.startswith("Error: ")
    assert "output words differ from the simulator" in sentence


def test_verify_fails_when_one_rom_bit_is_flipped(run, built, project):
    shutil.copytree(built.folder / "build", project.folder / "build")
    project.edit("precision:", "hardware: {backends: [rtl]}\nprecision:")
    assert run("verify", project.file, "--samples", 6).status == 0
    rom = max((project.folder / "build" / "rtl").rglob("*.mem"), key=lambda path: path.stat().st_size)
    words = rom.read_text().split("\n")
    first = next(index for index, word in enumerate(words) if word.strip() and not word.startswith("//"))
    words[first] = f"{int(words[first], 16) ^ 16:0{len(words[first])}x}"
    rom.write_text("\n".join(words))
    outcome = run("verify", project.file, "--samples", 6, "--wave", "--json")
    assert outcome.status == 1
    kernel = next(name for name in ("n_0_matvec", "n_3_matvec") if name in rom.name)
    (reason,) = outcome.json["reasons"]
    assert reason["difference"]["kernel"] == kernel
    assert reason["checks"] == [*SCENARIOS, "kernels alone"]
    failed = [check for check in outcome.json["checks"] if check["scenario"]]
    assert reason["words_compared"] == sum(check["words_compared"] for check in failed)
    assert reason["words_different"] == sum(check["words_different"] for check in failed) > 0
    table = shown(verify_table(outcome.json))
    assert table.count(kernel) == table.count(f"{kernel} of layer") + 1  # its row of the certificate
    assert table.count(f"{kernel} of layer") == 2  # the reason, and the wave
    assert table.count("words differ)") == 1
    assert "words differ;" not in table
    assert f"where matvec {kernel} of layer" in outcome.err
    wave = project.folder / "build" / "wave.fst"
    assert outcome.json["wave"]["file"] == str(wave)
    assert outcome.json["wave"]["time"] == reason["difference"]["time"] > 0
    assert all(wave.with_suffix(suffix).is_file() for suffix in (".fst", ".gtkw", ".sucl"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wave=a.vcd"], "wave is 'a.vcd'; name a file that ends in .fst"),
        (["--wave", "a.fst"], "there is no RTL to write a wave of; add rtl to "),
        (["--wave"], "there is no RTL to write a wave of; add rtl to "),
    ],
)
def test_waves_that_cannot_be(run, project, words, said):
    """A bare --wave leaves the next word alone."""
    project.edit("precision:", "hardware: {backends: [vitis]}\nprecision:")
    assert run("generate", project.file).status == 0
    before = project.file.read_text()
    assert said in refusal(run("verify", *words, project.file))
    assert project.file.read_text() == before


def test_verify_of_a_folder_without_verilog(run, built, tmp_path):
    outcome = run("verify", built.file, "--rtl-dir", tmp_path)
    assert outcome.status == 1
    assert "holds no .v or .sv file" in outcome.err.strip().splitlines()[-1]


def test_synth_with_an_unknown_tool(run, project):
    assert "no synthesis tool 'quartus'" in refusal(run("synth", project.file, "--tool", "quartus"))


def test_compare_needs_two(run, project):
    assert "name at least two files" in refusal(run("compare", project.file))


def test_compare_of_precisions_without_a_project(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("default: 4\n")
    assert "name a project file" in refusal(run("compare", "a.yaml", "a.yaml"))


def test_init_overwrites_only_with_force(run, project):
    before = project.file.read_text()
    assert "exists; choose another name" in refusal(run("init", project.file))
    assert project.file.read_text() == before
    assert run("init", project.file, "--force").status == 0
    assert project.file.read_text() != before


def test_a_bug_is_called_one(run, project, monkeypatch):
    monkeypatch.setattr("hpq_hls.workflow.run_quantize", lambda *_: 1 / 0)
    assert "This is a bug in hpq_hls (ZeroDivisionError: division by zero)" in refusal(
        run("quantize", project.file)
    )
