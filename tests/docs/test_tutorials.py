"""Every tutorial runs from nothing, and is stored with what it printed."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.docs.notebooks import TUTORIALS, execute

_BY_NAME = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _printed(cell: NotebookNode) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")


def test_all_are_there() -> None:
    names = {path.stem for path in TUTORIALS}
    assert names == {"pytorch_user", "fpga_engineer", "finetuning", "own_operator", "from_onnx"}


@_BY_NAME
def test_runs(path: Path, tmp_path: Path) -> None:
    """Its assertions hold, and it prints where it is stored to print. What it prints is not compared: trained
    networks differ from machine to machine."""
    stored = _code(nbformat.read(path, as_version=4))
    made = _code(execute(path, tmp_path))
    for before, after in zip(stored, made, strict=True):
        assert bool(_printed(before)) == bool(_printed(after)), before.source


@_BY_NAME
def test_outputs_are_stored_and_small(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = _code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run make notebooks"
    for cell in cells:
        assert all(out.output_type == "stream" and out.name == "stdout" for out in cell.outputs), cell.source
        assert not re.search(r"/(?:home|root|tmp|usr|work)/", _printed(cell)), cell.source
    assert path.stat().st_size < 64 * 1024


@_BY_NAME
def test_links_lead_somewhere(path: Path) -> None:
    text = "\n".join(
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type != "code"
    )
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https:", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target
