"""Files that look like saved networks: nothing is unpickled, run, or believed."""

import contextlib
import io
import json
import os
import pickle
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpq_hls as hpq
from hpq_hls.errors import DataError
from hpq_hls.graph import Graph, Node
from hpq_hls.ops import Conv2d, Flatten, Linear, MaxPool2d, Relu, WindowSpec
from hpq_hls.quantize import quantize

Members = dict[str, bytes]


class Evil:
    """Leaves a trace if it is unpickled."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch ran",))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Members:
    rng = np.random.default_rng(1)
    nodes = (
        Node("conv", Conv2d(rng.normal(size=(2, 1, 3, 3)), WindowSpec((3, 3)), (6, 6), 1), ("x",), Relu()),
        Node("pool", MaxPool2d(WindowSpec((2, 2), (2, 2))), ("conv",)),
        Node("flat", Flatten(), ("pool",)),
        Node("fc", Linear(rng.normal(size=(3, 8)), rng.normal(size=3)), ("flat",)),
    )
    graph = Graph({"x": (1, 6, 6)}, nodes, {"fc": "fc"}, "net")
    path = tmp_path_factory.mktemp("good") / "net.hpq"
    quantize(graph, rng.normal(size=(20, 1, 6, 6)), 6).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def edited(change: Callable[[Any], object]) -> Callable[[Members], Members]:
    def apply(good: Members) -> Members:
        content = json.loads(good["graph.json"])
        change(content)
        return good | {"graph.json": json.dumps(content).encode()}

    return apply


def array(name: str, change: Callable[[np.ndarray], Any]) -> Callable[[Members], Members]:
    def apply(good: Members) -> Members:
        held = io.BytesIO()
        np.save(held, change(np.load(io.BytesIO(good[f"arrays/{name}.npy"]))), allow_pickle=True)
        return good | {f"arrays/{name}.npy": held.getvalue()}

    return apply


def claims(name: str, shape: str) -> Callable[[Members], Members]:
    def apply(good: Members) -> Members:
        text = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
        return good | {f"arrays/{name}.npy": b"\x93NUMPY\1\0" + bytes([len(text), 0]) + text + b"\0" * 64}

    return apply


def node(index: int, **to: Any) -> Callable[[Members], Members]:
    return edited(lambda content: content["nodes"][index].update(to))


def op(index: int, **to: Any) -> Callable[[Members], Members]:
    return edited(lambda content: content["nodes"][index]["op"].update(to))


ATTACKS: dict[str, Callable[[Members], Members]] = {
    "a pickle as an array": lambda good: good | {"arrays/0.weight_raw.npy": pickle.dumps(Evil())},
    "a pickled array": array("0.weight_raw", lambda _: np.array([Evil()], dtype=object)),
    "a weight out of its type": array("0.weight_raw", lambda raw: raw * 1000),
    "a bias out of its type": array("3.bias_raw", lambda raw: raw * 0 + 2**62),
    "an example out of its type": array("example_inputs", lambda raw: raw + 2**40),
    "weights that are no integers": array("0.weight_raw", lambda raw: raw + 0.5),
    "weights that are text": array("0.weight_raw", lambda raw: raw.astype(str)),
    "weights of another shape": array("0.weight_raw", lambda raw: raw[:, :, :2]),
    "weights of no shape": array("0.weight_raw", lambda _: np.int64(3)),
    "examples of another shape": array("example_inputs", lambda raw: raw[:, :, :3]),
    "10^12 weights": claims("0.weight_raw", "(1000000000000, 1, 3, 3)"),
    "10^30 weights": claims("0.weight_raw", "(" + "9" * 30 + ",)"),
    "a negative number of weights": claims("0.weight_raw", "(-2, 1, 3, 3)"),
    "a weight that is missing": lambda good: {k: v for k, v in good.items() if "0.weight_raw" not in k},
    "no description": lambda good: {k: v for k, v in good.items() if k != "graph.json"},
    "no JSON": lambda good: good | {"graph.json": b"\xff"},
    "a list": lambda good: good | {"graph.json": b"[1]"},
    "a number": lambda good: good | {"graph.json": b"9" * 6000},
    "brackets": lambda good: good | {"graph.json": b"[" * 99999},
    "no nodes": edited(lambda content: content.pop("nodes")),
    "nodes that are text": edited(lambda content: content.update(nodes="abc")),
    "another format": edited(lambda content: content.update(format=99)),
    "a format that is a list": edited(lambda content: content.update(format=[1])),
    "another operator": op(0, **{"class": "Evil"}),
    "an operator that is a list": op(0, **{"class": ["Conv2d"]}),
    "a type out of range": node(0, weight_type="ap_fixed<99999999,3>"),
    "a type of 6,000 digits": node(0, weight_type=f"ap_fixed<{'9' * 6000},3>"),
    "a type that is a number": node(0, weight_type=5),
    "no type": node(0, weight_type=None),
    "no output type": node(0, output_type=None),
    "an array that is a number": node(0, weight_raw=7),
    "an array by a path": node(0, weight_raw="../../etc/passwd"),
    "inputs unknown": node(0, inputs=["nowhere"]),
    "inputs in a circle": node(0, inputs=["fc"]),
    "a layer twice": node(1, name="conv"),
    "a name that is a list": node(0, name=["a"]),
    "an activation of weights": edited(
        lambda content: content["nodes"][0].update(activation=content["nodes"][3]["op"])
    ),
    "stride 0": edited(lambda content: content["nodes"][0]["op"]["window"]["window"].update(stride=[0, 0])),
    "a kernel of 2^40": edited(
        lambda content: content["nodes"][1]["op"]["window"]["window"].update(
            kernel=[2**40, 2**40], padding=[2**40] * 4
        )
    ),
    "a kernel that is text": edited(
        lambda content: content["nodes"][1]["op"]["window"]["window"].update(kernel="ab")
    ),
    "a field that is unknown": op(0, evil=1),
    "groups 0": op(0, groups=0),
    "groups that are text": op(0, groups="a"),
    "a large input": edited(lambda content: content["input"].update(shape=[2**20, 2**20, 2**20])),
    "a negative input": edited(lambda content: content["input"].update(shape=[-1, 6, 6])),
    "an input that is text": edited(lambda content: content["input"].update(shape="166")),
    "an input of another type": edited(lambda content: content["input"].update(type="ap_fixed<0,0>")),
    "another output": edited(lambda content: content.update(output="nowhere")),
    "a shift": node(0, weight_shift="example_inputs"),
    "signs": node(0, weight_signs=True),
    "tables": node(0, tables={"a": "example_inputs"}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_refused_in_a_sentence(
    good: Members, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "net.hpq", ATTACKS[name](good))
    begin = time.monotonic()
    with pytest.raises(DataError) as refusal:
        hpq.load(path)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 600
    assert time.monotonic() - begin < 10
    assert not (tmp_path / "ran").exists()


def test_unused_members_are_not_read(good: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = {"arrays/other.npy": pickle.dumps(Evil()), "evil.pkl": pickle.dumps(Evil()), "../x": b""}
    path = write(tmp_path / "net.hpq", good | more | {"arrays/bomb.npy": b"\0" * (1 << 26)})
    tracemalloc.start()
    try:
        q = hpq.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 25
    finally:
        tracemalloc.stop()
    assert q.predict(np.zeros((1, 1, 6, 6))).shape == (1, 3)
    assert not (tmp_path / "ran").exists()


def test_a_bomb(good: Members, tmp_path: Path) -> None:
    for name in ("graph.json", "arrays/0.weight_raw.npy"):
        path = write(tmp_path / "net.hpq", good)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, content in good.items():
                if key != name:
                    archive.writestr(key, content)
            with archive.open(name, "w") as stream:
                for _ in range(300):
                    stream.write(b" " * (1 << 20))
        with pytest.raises(DataError, match="unpacks to 314,572,800 bytes from"):
            hpq.load(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "empty", "loop", "missing"])
def test_no_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.hpq"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "loop":
        path.symlink_to(path)
    with pytest.raises(DataError, match=r"net\.hpq (cannot be read|is no saved)"):
        hpq.load(path)


def test_any_byte_changed(good: Members, tmp_path: Path) -> None:
    """Whatever is wrong is one sentence, or nothing that matters."""
    content = write(tmp_path / "net.hpq", good).read_bytes()
    text = good["graph.json"]
    rng = np.random.default_rng(5)
    for number in range(300):
        if number % 2:
            changed = bytearray(content)
            changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
            (tmp_path / "net.hpq").write_bytes(changed)
        else:
            place, byte = int(rng.integers(len(text))), bytes([rng.choice(list(b'0123456789"[]{},:-.e'))])
            write(tmp_path / "net.hpq", good | {"graph.json": text[:place] + byte + text[place + 1 :]})
        with contextlib.suppress(DataError):
            hpq.load(tmp_path / "net.hpq").predict(np.zeros((1, 1, 6, 6)))
