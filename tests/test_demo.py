"""The demo: what it may touch, what it trains, and the whole of it once."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import hpq_hls as hpq
from hpq_hls.cli import app
from hpq_hls.demo import network
from hpq_hls.demo.folder import ENTRIES, MARKER, prepare_folder, remember_project
from hpq_hls.demo.run import run_demo
from hpq_hls.errors import OutputError


@pytest.fixture(scope="module")
def digits():
    return network.load_digits()


@pytest.fixture(scope="module")
def trained(digits):
    return network.train(digits.train, lambda _: None)


def test_the_splits_share_no_image(digits):
    sets = [{image.tobytes() for image in part.x} for part in (digits.train, digits.validation, digits.test)]
    assert [len(part.x) for part in (digits.train, digits.validation, digits.test)] == [1077, 360, 360]
    assert not sets[0] & sets[1]
    assert not sets[0] & sets[2]
    assert not sets[1] & sets[2]


def test_the_network_is_good_in_float(digits, trained):
    assert network.accuracy(trained, digits.test) >= 0.97


def test_training_gives_the_same_network_every_time(digits, trained):
    threads = torch.get_num_threads()
    again = network.train(digits.train, lambda _: None)
    assert torch.get_num_threads() == threads
    for name, value in trained.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_it_has_the_layers_that_were_promised(trained):
    kinds = [type(part).__name__ for part in trained.modules()]
    assert kinds.count("Conv2d") == kinds.count("BatchNorm2d") == kinds.count("Linear") == 2


def test_a_new_folder_is_made(tmp_path):
    prepare_folder(tmp_path / "deep" / "demo", force=False)
    assert [path.name for path in (tmp_path / "deep" / "demo").iterdir()] == [MARKER]


def test_an_earlier_demo_is_cleared_and_other_files_stay(tmp_path):
    prepare_folder(tmp_path, force=False)
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "old.sv").write_text("old")
    (tmp_path / "README.md").write_text("old")
    (tmp_path / "my_notes.txt").write_text("mine")
    prepare_folder(tmp_path, force=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARKER, "my_notes.txt"]


def test_a_foreign_folder_needs_force(tmp_path):
    (tmp_path / "my_notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and is no earlier demo"):
        prepare_folder(tmp_path, force=False)
    prepare_folder(tmp_path, force=True)
    assert (tmp_path / "my_notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ENTRIES)
def test_even_force_replaces_nothing_of_anybody_else(tmp_path, name):
    (tmp_path / name).write_text("mine")
    for force in (False, True):
        with pytest.raises(OutputError, match="did not write and will not replace"):
            prepare_folder(tmp_path, force)
    assert (tmp_path / name).read_text() == "mine"


def test_a_changed_project_yaml_is_not_lost(tmp_path):
    prepare_folder(tmp_path, force=False)
    (tmp_path / "project.yaml").write_text("first")
    remember_project(tmp_path)
    prepare_folder(tmp_path, force=False)
    (tmp_path / "project.yaml").write_text("first")
    remember_project(tmp_path)
    (tmp_path / "project.yaml").write_text("changed")
    with pytest.raises(OutputError, match="was changed since the demo wrote it"):
        prepare_folder(tmp_path, force=False)
    assert (tmp_path / "project.yaml").read_text() == "changed"
    prepare_folder(tmp_path, force=True)
    assert not (tmp_path / "project.yaml").exists()


def test_a_file_in_the_way_is_not_replaced(tmp_path):
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(OutputError, match="exists and is no folder"):
        prepare_folder(tmp_path / "demo", force=True)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "demo").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="exists and is no folder"):
        prepare_folder(tmp_path / "demo", force=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The whole demo, with few samples through the hardware."""
    return run_demo(tmp_path_factory.mktemp("here") / "demo", samples=3)


@pytest.mark.slow
def test_everything_it_promises_is_there(demo):
    found = {path.name for path in demo.folder.iterdir()}
    assert found == {*ENTRIES, MARKER}
    readme = (demo.folder / "README.md").read_text()
    assert "run_hls.tcl" in readme
    for name in re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE):
        assert (demo.folder / name).exists(), name
    assert {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE)} == set(
        ENTRIES
    ) - {"README.md"}


@pytest.mark.slow
def test_hardware_equals_simulator(demo):
    demo.check()
    checks = json.loads((demo.folder / "results.json").read_text())["verify"]["checks"]
    compared = {"C++ self-check", "C simulation", "modelled schedule", "RTL co-simulation", "kernels alone"}
    assert {check["what"] for check in checks} == compared
    assert all(check["words_compared"] > 0 and check["words_different"] == 0 for check in checks)
    by_scenario = {check["scenario"]: check for check in checks}
    assert by_scenario["back_to_back"]["words_compared"] == (64 + 3) * 10  # chosen frames, and samples


@pytest.mark.slow
def test_its_figures_are_those_of_the_saved_network(demo):
    results = json.loads((demo.folder / "results.json").read_text())
    q = hpq.load(demo.folder / "network.hpq")
    test = np.load(demo.folder / "data" / "test.npz")
    scores = results["scores"]
    assert scores["quantized_score"] == float((q.predict(test["x"]).argmax(1) == test["y"]).mean())
    assert scores["float_score"] >= 0.97
    assert scores["quantized_score"] >= scores["float_score"] - 0.03
    assert results["network"]["weight_bits"] == q.weight_bits < results["network"]["uniform8_bits"]
    assert results["search"]["best"]["accuracy"] >= results["search"]["float_accuracy"] - 0.005


@pytest.mark.slow
def test_what_it_asks_for_is_kept_on_the_test_split_or_it_says_why_it_cannot_know(demo):
    results = json.loads((demo.folder / "results.json").read_text())
    search, known, scores = results["search"], results["guarantee"], results["scores"]
    assert search["max_drop"] == 0.005
    assert known["confidence"] == 0.9
    assert known["certified"] == search["certified"]
    assert known["drop_bound"] > search["max_drop"] or known["certified"]
    readme = " ".join((demo.folder / "README.md").read_text().split())
    bound = f"at most {100 * known['drop_bound']:.2f} points (90 %); {known['confirmation']['sentence']}"
    assert f"| drop on unseen data | {bound} |" in readme
    if known["certified"]:
        return
    assert "360 validation samples are too few to show with 90 %" in known["confirmation"]["sentence"]
    assert known["confirmation"]["needed"] > 360
    dropped = scores["comparison"]["drop"] > search["max_drop"]
    assert bool(scores["warning"]) == bool(search["warnings"]) == dropped
    assert (f"Note: {scores['warning']}. The search could not know that: " in readme) == dropped
    assert scores["comparison"]["drop"] <= known["drop_bound"]


@pytest.mark.slow
def test_no_artifact_holds_a_path_of_this_machine(demo):
    for path in demo.folder.rglob("*"):
        if path.is_file() and "build" not in path.relative_to(demo.folder).parts and path.suffix != ".pt2":
            assert str(demo.folder.parent).encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_every_command_of_its_readme_works(demo):
    def hpq_command(*words):
        return CliRunner().invoke(app, [*words, str(demo.folder)])

    assert hpq_command("estimate").exit_code == 0
    assert hpq_command("report").exit_code == 0
    again = hpq_command("verify", "--samples", "2", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["passed"]


def test_a_demo_whose_search_is_interrupted_ends(tmp_path, monkeypatch):
    """Ctrl-C ends a search, which keeps the best so far; a demo does not go on then."""
    monkeypatch.setattr("hpq_hls.demo.run._train", lambda *_: None)
    monkeypatch.setattr("hpq_hls.demo.run.open_workspace", lambda *_: None)
    monkeypatch.setattr("hpq_hls.demo.run.run_search", lambda *_: SimpleNamespace(interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path / "demo")
