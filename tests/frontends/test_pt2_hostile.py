"""Files that look like exported programs and would run code, take forever, or fill the memory."""

import contextlib
import io
import json
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import DataError, HpqError, UnsupportedOperatorError
from hpq_hls.frontends import from_exported, load_exported

Members = dict[str, bytes]
MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
CONSTANTS, SAMPLES = "data/constants/model_constants_config.json", "data/sample_inputs/model.pt"
RUN = "__import__('os').system('touch ran')"


class Evil:
    """Leaves a trace if it is unpickled."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch ran",))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The members of a file as torch writes it."""
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    ).eval()
    path = tmp_path_factory.mktemp("good") / "model.pt2"
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(net, (torch.ones(2, 1, 4, 4),), dynamic_shapes=({0: batch},)), path)
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"model/{name}", content)
    return path


def edited(good: Members, change: Callable[[Any], object], member: str = MODEL) -> Members:
    """The same with the JSON of a member changed in place."""
    content = json.loads(good[member])
    change(content)
    return good | {member: json.dumps(content).encode()}


def pickled(value: object = None) -> bytes:
    held = io.BytesIO()
    torch.save(Evil() if value is None else value, held)
    return held.getvalue()


def graph(program: Any) -> Any:
    return program["graph_module"]["graph"]


def weight(**to: Any) -> Callable[[Any], object]:
    return lambda config: config["config"]["4.weight"].update(to)


def meta(**to: Any) -> Callable[[Any], object]:
    return lambda config: config["config"]["4.weight"]["tensor_meta"].update(to)


def renamed(old: str, new: str) -> Callable[[Members], Members]:
    """Every text ``old`` of the description replaced."""
    quoted = json.dumps(old).encode(), json.dumps(new).encode()
    return lambda good: good | {MODEL: good[MODEL].replace(*quoted)}


def constant(path_name: str, content: bytes, **to: Any) -> Callable[[Members], Members]:
    entry = {"path_name": path_name, "is_param": False, "use_pickle": True, "tensor_meta": None} | to
    return lambda good: (
        edited(good, lambda held: held["config"].update(c=entry), CONSTANTS)
        | {f"data/constants/{path_name}": content}
    )


def treed(kind: str, context: str, key: str = "in_spec") -> Callable[[Members], Members]:
    tree = json.dumps([1, {"type": kind, "context": context, "children_spec": []}])
    return lambda good: edited(
        good, lambda held: held["graph_module"]["module_call_graph"][0]["signature"].update({key: tree})
    )


def target(text: str) -> Callable[[Members], Members]:
    return lambda good: edited(good, lambda held: graph(held)["nodes"][0].update(target=text))


def size(text: str) -> Callable[[Members], Members]:
    def change(held: Any) -> None:
        graph(held)["tensor_values"]["input"]["sizes"][0]["as_expr"]["expr_str"] = text

    return lambda good: edited(good, change)


def opaque() -> bytes:
    return pickle.dumps(Evil())


HARMLESS: dict[str, Callable[[Members], Members]] = {
    "sample inputs": lambda good: good | {SAMPLES: pickled()},
    "no sample inputs": lambda good: {name: held for name, held in good.items() if name != SAMPLES},
    "unused members": lambda good: good | {"data/weights/other.pt": pickled(), "extra/x": b"\xff" * 9},
    "compiled code": lambda good: good | {"data/aotinductor/model/a.so": b"\x7fELF"},
    "another model": lambda good: good | {"models/other.json": b"{"},
    "guards": lambda good: edited(good, lambda held: held.update(guards_code=[RUN])),
    "a frame": lambda good: edited(
        good,
        lambda held: graph(held)["nodes"][0]["metadata"].update(stack_trace=f'File "a", line 1\n\r{RUN}\n'),
    ),
    "other metadata": lambda good: edited(
        good,
        lambda held: graph(held)["nodes"][0]["metadata"].update(source_fn_stack=f"a,{RUN}", from_node="["),
    ),
    "a module's name": lambda good: edited(
        good, lambda held: graph(held)["nodes"][0]["metadata"].update(nn_module_stack="a;b,c")
    ),
    "a parameter's name": lambda good: {
        name: held.replace(b'"4.weight"', json.dumps(f'4.a"); {RUN} #').encode())
        for name, held in good.items()
    },
}
"""What is read all the same, because what would run is left out."""


@pytest.mark.parametrize("name", HARMLESS)
def test_what_would_run_is_left_out(
    good: Members, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(1).normal(size=(3, 1, 4, 4))
    plain = from_exported(load_exported(write(tmp_path / "plain.pt2", good)))
    found = from_exported(load_exported(write(tmp_path / "model.pt2", HARMLESS[name](good))))
    assert np.array_equal(found.predict(x), plain.predict(x))
    assert not (tmp_path / "ran").exists()


REFUSED: dict[str, tuple[Callable[[Members], Members], str]] = {
    "a pickled weight": (
        lambda good: edited(good, weight(use_pickle=True), WEIGHTS) | {"data/weights/weight_4": pickled()},
        "'4.weight' among its weights as a Python object, which is never unpickled; export a network",
    ),
    "a pickled constant": (constant("tensor_0", pickled()), "'c' among its constants as a Python object"),
    "a script object": (constant("custom_obj_0", pickled()), "as a Python object, which is never unpickled"),
    "an opaque object": (
        constant("opaque_obj_0", opaque(), use_pickle=False, tensor_meta={}),
        "as a Python object, which is never unpickled",
    ),
    "weights of torch 2.8": (
        lambda good: good | {"data/weights/model.pt": pickled()},
        "load it with the torch that wrote it, and write it again with torch.export.save",
    ),
    "a size that runs": (size(RUN), "which torch would run as code"),
    "a size that runs, as a symbol": (size(f"Symbol({RUN!r})"), "which torch would run as code"),
    "a size with an attribute": (size("Symbol('s1').__class__"), "which torch would run as code"),
    "a tower of powers": (size("Pow(Integer(9), Pow(Integer(9), Integer(9)))"), "torch would run as code"),
    "many powers": (size("Pow(" * 9 + "Integer(9)" + ", Integer(8))" * 9), "torch would run as code"),
    "a shift": (size("Integer(1) << 99999999999"), "which torch would run as code"),
    "a long size": (size("+".join(["s1"] * 9999)), "which torch would run as code"),
    "a deep size": (size("(" * 900 + "s1" + ")" * 900), "which torch would run as code"),
    "a value's name": (renamed("conv2d", f"a\n{RUN}\n"), "which torch would run as code"),
    "an input's name": (renamed("input", f"x, y={RUN}"), "which torch would run as code"),
    "a keyword's name": (
        lambda good: edited(
            good,
            lambda held: held["graph_module"]["module_call_graph"][0]["signature"].update(
                forward_arg_names=[f"x={RUN}"]
            ),
        ),
        "which torch would run as code",
    ),
    "a key of an input": (treed("builtins.dict", json.dumps([f"'{RUN}"])), "which torch would run as code"),
    "a module to import": (
        treed("collections.defaultdict", json.dumps({"default_factory_module": "evil"})),
        "which torch would run as code",
    ),
    "an enum to import": (
        treed("builtins.dict", json.dumps([{"__enum__": 1, "fqn": "evil:A", "name": "b"}]), "out_spec"),
        "which torch would run as code",
    ),
    "a library to load": (target("torch.ops.load_library"), "'torch.ops.load_library', which is no operator"),
    "a function": (target("torch.hub.load"), "'torch.hub.load', which is no operator of torch"),
    "a file to map": (target("torch.ops.aten.from_file.default"), "which is no operator of torch"),
    "a file to write": (target("torch.ops.aten.save.default"), "which is no operator of torch"),
    "an attribute": (target("torch.ops.aten.add.__class__"), "which is no operator of torch"),
    "a foreign library": (target("torch.ops.inductor.foo.default"), "which is no operator of torch"),
    "an operator of Python": (target("_operator.methodcaller"), "which is no operator of torch"),
    "a symbol that counts": (
        lambda good: edited(good, lambda held: held["range_constraints"].update(u99999999999={})),
        "which torch would run as code",
    ),
    "more elements than stored": (
        lambda good: edited(good, meta(sizes=[{"as_int": 1 << 40}], strides=[{"as_int": 0}]), WEIGHTS),
        "of 1,099,511,627,776 elements in 96 bytes",
    ),
    "a negative size": (
        lambda good: edited(good, meta(sizes=[{"as_int": -1}, {"as_int": 8}]), WEIGHTS),
        "without a fixed shape",
    ),
    "a size in words": (
        lambda good: edited(good, meta(sizes=[{"as_expr": RUN}]), WEIGHTS),
        "without a fixed shape",
    ),
    "an empty weight that is large": (
        lambda good: (
            edited(good, meta(sizes=[{"as_int": 1 << 40}]), WEIGHTS) | {"data/weights/weight_4": b""}
        ),
        "elements in 0 bytes",
    ),
    "another type": (lambda good: edited(good, meta(dtype=99), WEIGHTS), "no exported program"),
    "a stride beyond": (
        lambda good: edited(good, meta(strides=[{"as_int": 99}, {"as_int": 1}]), WEIGHTS),
        "no exported program",
    ),
    "a path": (lambda good: edited(good, weight(path_name="../../x"), WEIGHTS), "as a Python object"),
    "a missing weight": (
        lambda good: {name: held for name, held in good.items() if name != "data/weights/weight_4"},
        "lacks data/weights/weight_4",
    ),
    "no list of weights": (lambda good: good | {WEIGHTS: b"{}"}, "no exported program"),
    "no model": (
        lambda good: {name: held for name, held in good.items() if name != MODEL},
        "holds no network called model",
    ),
    "no JSON": (lambda good: good | {MODEL: b"\xff\x00"}, "description of the network is damaged"),
    "deep JSON": (lambda good: good | {MODEL: b"[" * 99999}, "description of the network is damaged"),
    "another JSON": (lambda good: good | {MODEL: b"[1, 2]"}, "description of the network is damaged"),
    "a number of 6,000 digits": (
        lambda good: good | {MODEL: b"9" * 6000},
        "description of the network is damaged",
    ),
    "another version": (
        lambda good: edited(good, lambda held: held["schema_version"].update(major=99)),
        "no exported program that this torch reads",
    ),
    "another archive": (lambda good: good | {"archive_version": b"7"}, "no exported program that this torch"),
    "no archive of torch": (lambda good: {"thesis.txt": b"mine"}, "is no exported program; write it again"),
}
"""What is refused, and how."""


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_a_sentence(
    good: Members, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change, expected = REFUSED[name]
    path = write(tmp_path / "model.pt2", change(good))
    begin = time.monotonic()
    with pytest.raises((DataError, UnsupportedOperatorError)) as refusal:
        from_exported(load_exported(path))
    assert expected in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert len(str(refusal.value)) < 500
    assert "\n" not in str(refusal.value)
    assert time.monotonic() - begin < 10
    assert not (tmp_path / "ran").exists()


def test_the_attacks_are_attacks(good: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch itself runs what is in these files."""
    monkeypatch.chdir(tmp_path)
    for change in (HARMLESS["sample inputs"], REFUSED["a pickled weight"][0], size(RUN)):
        path = write(tmp_path / "model.pt2", change(good))
        with contextlib.suppress(Exception):  # it ends badly, but after it ran
            torch.export.load(path)
        assert (tmp_path / "ran").exists()
        (tmp_path / "ran").unlink()


def test_the_layout_of_old_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("state_dict", "constants", "example_inputs")
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("version", "8.20")
        archive.writestr("serialized_exported_program.json", "{}")
        for name in names:
            archive.writestr(f"serialized_{name}.pt", pickled())
    with pytest.raises(DataError, match=r"as torch before 2\.9 did, which are never unpickled; load it with"):
        load_exported(tmp_path / "old.pt2")
    assert not (tmp_path / "ran").exists()


def test_bombs(good: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "a.pt2", good | {MODEL: b" " * (1 << 26)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="compressed or too large"):
        load_exported(path)
    path = write(tmp_path / "b.pt2", good)
    with zipfile.ZipFile(path, "a") as archive:
        for name in list(archive.namelist()):
            archive.getinfo(name).file_size = 1 << 40
        archive.writestr("model/x", b"")
    with pytest.raises(DataError, match="too large"):
        load_exported(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_cut_off(good: Members, share: float, tmp_path: Path) -> None:
    path = write(tmp_path / "model.pt2", good)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="is no exported program"):
        load_exported(path)


def test_any_byte_changed(good: Members, tmp_path: Path) -> None:
    """Whatever is wrong is one sentence, or nothing."""
    content = bytearray(write(tmp_path / "model.pt2", good).read_bytes())
    rng = np.random.default_rng(3)
    for _ in range(40):
        changed = content.copy()
        changed[rng.integers(len(content))] ^= 1 << rng.integers(8)
        (tmp_path / "model.pt2").write_bytes(changed)
        with contextlib.suppress(HpqError):
            from_exported(load_exported(tmp_path / "model.pt2"))
