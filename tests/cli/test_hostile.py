"""Hostile and broken input to the commands: one clear sentence, in bounded time, and nothing is run."""

# ruff: noqa: E501  # rows of the tables of attacks read best on one line

import io
import json
import os
import time
import zipfile

import numpy as np
import pytest
import torch

COMMANDS = ("search", "quantize", "generate", "verify", "estimate", "synth", "report", "compare")


class Evil:
    """Leaves a trace if it is unpickled."""

    def __reduce__(self):
        return (os.system, ("touch ran",))


def refused(outcome, *expected: str) -> str:
    """The one sentence of a command that failed."""
    assert outcome.status == 1
    sentence = outcome.err.strip().splitlines()[-1]
    assert sentence.startswith("Error: ")
    assert "Traceback" not in outcome.err
    assert "bug in hpq_hls" not in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1000
    for words in expected:
        assert words in sentence
    return sentence


def evil_pt2(path, change) -> None:
    """The exported program with members changed; all that torch would unpickle leaves a trace."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (root,) = {name.partition("/")[0] for name in members}
    held = io.BytesIO()
    torch.save(Evil(), held)
    members[f"{root}/data/sample_inputs/model.pt"] = held.getvalue()
    change(members, root, held.getvalue())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def pickled_weight(members, root, pickled) -> None:
    name = f"{root}/data/weights/model_weights_config.json"
    config = json.loads(members[name])
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    members[f"{root}/data/weights/{first['path_name']}"] = pickled
    members[name] = json.dumps(config).encode()


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_unpickles_a_model(run, project, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    evil_pt2(project.folder / "model.pt2", pickled_weight)
    more = [project.file] if command == "compare" else []
    outcome = run(command, project.file, *more)
    refused(outcome, "as a Python object, which is never unpickled; export a network whose weights")
    assert not (tmp_path / "ran").exists()


def test_sample_inputs_are_left_alone(run, project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    evil_pt2(project.folder / "model.pt2", lambda *_: None)
    assert run("estimate", project.file).status == 0
    assert not (tmp_path / "ran").exists()


def aliases(kind: str) -> str:
    """Text that stands for 9^9 values."""
    levels = ["a0: &a0 {k: v}"]
    for level in range(1, 10):
        below = [f"*a{level - 1}"] * 9
        listed = ", ".join(below)
        mapped = ", ".join(f"k{number}: {name}" for number, name in enumerate(below))
        body = {"list": f"[{listed}]", "map": f"{{{mapped}}}", "merge": f"{{<<: [{listed}], z{level}: 1}}"}
        levels.append(f"a{level}: &a{level} {body[kind]}")
    return "\n".join(levels) + "\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (aliases("list"), "aliases stand for more than 100,000 values"),
        (aliases("map"), "aliases stand for more than 100,000 values"),
        (aliases("merge"), "a0 is no known key"),
        ("x: " + "9" * 6000, "is no int that can be used"),
        ("search: {jobs: " + "9" * 4000 + "}", "is too large for any setting"),
        ("search: {jobs: 100000}", "search.jobs is 100000; give at most 256 jobs"),
        ("x: 0x" + "f" * 5000, "is too large for any setting"),
        ("x: 2001-99-99", "'2001-99-99' is no timestamp that can be used"),
        ("x: !!int abc", "'abc' is no int that can be used"),
        ("x: !!bool abc", "'abc' is no bool that can be used"),
        ("x: !!timestamp abc", "'abc' is no timestamp that can be used"),
        ("x: !!python/object/apply:os.system ['touch ran']", "x is no known key"),
        ("x: !!python/name:os.system a", "could not determine a constructor for the tag"),
        ("x: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("x: " + "[" * 50000, "nested too deeply"),
        ("x: \x00", "special characters are not allowed"),
        ("x: \x1b[2J", "special characters are not allowed"),
        ('"x\\e[2J\\ny": 1', "is no known key"),
        ("<<: 5", "<< merges mappings, and this is none"),
        ("x: " + "a" * 300_000, "has more than 262,144 bytes"),
        ("output: ~nosuchuser/build", "output is '~nosuchuser/build', and there is no such user"),
        ('output: "a\\0b"', "output is 'a\\x00b', which has control characters in it"),
        ('extensions: ["a\\0b"]', "which has control characters in it"),
        ("output: " + "a" * 300, "which is longer than the name of a file can be"),
        ("hardware: {part: " + "x" * 5000 + "}", "must have at most 4096 characters"),
    ],
)
def test_settings(run, project, text, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project.write(project.file.read_text().replace("search:", "quantizer:\nsearch:" if "search" not in text else "#")
                  + text + "\n")  # fmt: skip
    begin = time.monotonic()
    refused(run("quantize", project.file), expected)
    assert time.monotonic() - begin < 10
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("calibration.npz", "~nosuchuser/x.npz", "line 3: data.calibration is '~nosuchuser/x.npz', and there is no"),
        ("test: test.npz", 'test: "a\\0b.npz"', "line 3: data.test is 'a\\x00b.npz', which has control characters"),
        ("source: model.pt2", 'source: "\\0.pt2"', "line 2: model.source is '\\x00.pt2', which has control"),
        ("source: model.pt2", 'factory: "a:b", weights: "\\0"', "line 2: model.weights is '\\x00', which has"),
        ("{default: {weight: 6, activation: 6}}", '"\\0.yaml"', "which has control characters"),
        ("{default: {weight: 6, activation: 6}}", "~nosuchuser/p.yaml", "there is no such user"),
    ],
)  # fmt: skip
def test_paths(run, project, old, new, expected):
    project.edit(old, new)
    refused(run("quantize", project.file), expected)


def pipe(path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def loop(path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path)


def folder(path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


@pytest.mark.parametrize("name", ["project.yaml", "model.pt2", "calibration.npz", "test.npz", "p.yaml"])
@pytest.mark.parametrize("kind", [pipe, device, loop, folder])
def test_what_is_no_file(run, project, name, kind):
    if name == "p.yaml":
        project.edit("{default: {weight: 6, activation: 6}}", "p.yaml")
    kind(project.folder / name)
    begin = time.monotonic()
    refused(run("quantize", project.file), name)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}\n", "layers: {}\n", "precision:\n", "default:\n"])
def test_a_precision_file_that_says_nothing(run, project, content):
    (project.folder / "p.yaml").write_text(content)
    outcome = run("quantize", project.file, "--precision", project.folder / "p.yaml")
    refused(outcome, "p.yaml")
    project.edit("{default: {weight: 6, activation: 6}}", "p.yaml")
    refused(run("quantize", project.file), "p.yaml")


def header(shape: str, kind: str = "<f4") -> bytes:
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + b"\0" * 64


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (header("(1000000000000, 1, 4, 4)"), "x: it says that it has shape (1000000000000, 1, 4, 4) of float32"),
        (header("(10000000000000000000000000000000, 1)"), "it says that it has shape"),
        (header("(-5, 1, 4, 4)"), "it says that it has shape (-5, 1, 4, 4)"),
        (header("(True, 1, 4, 4)"), "its shape is (True, 1, 4, 4)"),
        (header("(2,)", "|O"), "holds Python objects, which are never unpickled"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xeeab", "its header says that it has 4,009,754,623 bytes"),
        (b"\x93NUMPY\7\0ab", "version (7, 0)"),
        (b"\x93NUMPY\1\0\x10\0{'descr': '''<f8', ", "is no valid .npz or .npy file (x: ('EOF in multi-line"),
        (b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.", "is no valid .npz or .npy file"),
        (b"PK\3\4" + b"\0" * 99, "it is cut off"),
        (b"", "it is empty"),
    ],
)  # fmt: skip
def test_arrays(run, project, content, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (project.folder / "test.npy").write_bytes(content)
    project.edit("test: test.npz", "test: test.npy")
    refused(run("quantize", project.file), "test.npy", expected)
    assert not (tmp_path / "ran").exists()


def bomb(path, name: str) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as stream:
        stream.write(header("(5000000, 1, 4, 4)")[:-64])
        for _ in range(310):
            stream.write(b"\0" * (1 << 20))


def test_an_archive_that_unpacks_to_far_more(run, project):
    bomb(project.folder / "test.npz", "other.npy")
    assert run("estimate", project.file).status == 0  # it is not looked at
    (project.folder / "test.npz").unlink()
    bomb(project.folder / "test.npz", "x.npy")
    refused(run("quantize", project.file), "x.npy unpacks to", "as no data do")


def test_calibration_data_of_zeros(run, project):
    np.savez(project.folder / "calibration.npz", x=np.zeros((40, 1, 4, 4), np.float32))
    refused(run("quantize", project.file), "calibration.npz: all values of x are 0, which says nothing")


ENDINGS = {
    "import sys; sys.exit(0)": "SystemExit(0), which ends Python",
    "raise SystemExit('a\\nb')": "SystemExit('a\\nb'), which ends Python",
    "raise GeneratorExit": "GeneratorExit, which ends Python",
}


@pytest.mark.parametrize("code", ENDINGS)
@pytest.mark.parametrize("place", ["module", "factory", "forward", "extension", "metric"])
def test_code_that_ends_python(run, project, place, code):
    """Nothing was done, so that nothing may look like success."""
    source = "{source: model.pt2}"
    net = (
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        {code}\nmake = Net\n"
    )
    texts = {
        "module": f"{code}\n",
        "factory": f"def make():\n    {code}\n",
        "forward": net.format(code=code),
        "extension": f"{code}\n",
        "metric": f"def score(outputs, targets):\n    {code}\n",
    }
    name = f"code_{place}_{list(ENDINGS).index(code)}"
    (project.folder / f"{name}.py").write_text(texts[place])
    if place == "extension":
        project.write(project.file.read_text() + f"extensions: [{name}]\n")
    elif place == "metric":
        project.edit("max_drop: 0.1", f"max_drop: 0.1, metric: '{name}:score'")
    else:
        project.edit(source, f"{{factory: '{name}:make'}}")
    refused(run("quantize", project.file), ENDINGS[code])


def test_what_ends_python_elsewhere_is_no_success_either(run, project, monkeypatch):
    def ended(*_):
        raise SystemExit(0)

    monkeypatch.setattr("hpq_hls.workflow.run_quantize", ended)
    refused(run("quantize", project.file), "ended Python with status 0; let it return instead")


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("pareto.json", b"[" * 99999, ""),
        ("pareto.csv", b"a.weight\n5\n", ":1-999999999999"),
        ("pareto.csv", b"a.weight\n5\n", ":" + "9" * 5000),
        ("pareto.csv", b"a.weight\n" + b"9" * 6000, ""),
        ("pareto.csv", b"\xff\0,,\n1,2", ""),
    ],
)
def test_fronts(run, project, name, content, rows):
    (project.folder / name).write_bytes(content)
    refused(run("compare", project.file, f"{project.folder / name}{rows}"), name)


def test_broken_records_are_no_records(run, project):
    for name in ("cache/index.json", "results/search.json"):
        (project.folder / "build" / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / "build" / name).write_bytes(b"[" * 99999)
    assert run("estimate", project.file).status == 0


def test_a_design_that_is_none(run, project):
    project.edit("precision:", "hardware: {backends: [rtl]}\nprecision:")
    assert run("generate", project.file).status == 0
    design = project.folder / "build" / "rtl" / "design.json"
    for content in (b"[" * 99999, b"[]", b'{"format": 1}', b"\xff"):
        design.write_bytes(content)
        refused(run("verify", project.file), "design.json")
    design.unlink()
    os.mkfifo(design)
    assert run("verify", project.file).status == 1
