"""Project folders are written whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hpq_hls.codegen.writer import FILES as LIST
from hpq_hls.codegen.writer import is_untouched, write_project
from hpq_hls.errors import OutputError

FILES = {"design.json": "{}", "src/a.cpp": "int a;\n", "data.bin": b"\x00"}


def _content(folder: Path) -> dict[str, bytes]:
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    listed = json.loads(files.pop(LIST))
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return files


def test_written_and_replaced(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    write_project(FILES, out)
    assert _content(out) == {"design.json": b"{}", "src/a.cpp": b"int a;\n", "data.bin": b"\x00"}
    write_project({"design.json": "{}"}, out)
    assert _content(out) == {"design.json": b"{}"}
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("change", ["edited", "added", "removed", "list removed"])
def test_what_somebody_changed_is_replaced_by_force_alone(tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    write_project(FILES, out)
    (out / "certificate.json").write_text("{}")
    (out / "build" / "csim").mkdir(parents=True)
    (out / "build" / "csim" / "a.o").write_text("compiled")
    assert is_untouched(out)
    if change == "edited":
        (out / "src" / "a.cpp").write_text("int b;\n")
    elif change == "added":
        (out / "src" / "mine.cpp").write_text("")
    else:
        (out / ("src/a.cpp" if change == "removed" else LIST)).unlink()
    assert not is_untouched(out)
    with pytest.raises(OutputError, match=r"not empty.*--force"):
        write_project(FILES, out)
    write_project(FILES, out, force=True)
    assert is_untouched(out)


def test_force_never_replaces_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="no generated project"):
        write_project(FILES, tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_or_link_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="no folder"):
        write_project(FILES, tmp_path / "file")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OutputError, match="no folder"):
        write_project(FILES, tmp_path / "link", force=True)


def test_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be"):
        write_project(FILES, tmp_path / "file" / "out")


@pytest.mark.parametrize("before", [False, True])
def test_an_interrupt_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    out = tmp_path / "out"
    if before:
        write_project({"design.json": "old"}, out)
    write = Path.write_bytes

    def interrupted(path: Path, content: bytes) -> int:
        if path.name == "a.cpp":
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_project(FILES, out, force=True)
    assert [p.name for p in tmp_path.iterdir()] == (["out"] if before else [])
    if before:
        assert _content(out) == {"design.json": b"old"}


def test_an_interrupt_between_the_renames_keeps_the_old_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_project({"design.json": "old"}, out)
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_project(FILES, out, force=True)
    monkeypatch.undo()
    assert _content(out) == {"design.json": b"old"}
