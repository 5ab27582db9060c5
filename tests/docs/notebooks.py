"""Runs the tutorials of the documentation; ``make notebooks`` keeps what they print in their files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.docs.blocks import ROOT

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
SECONDS = 300
"""Time that one cell may take, also on a busy machine."""


def execute(path: Path, folder: Path) -> NotebookNode:
    """The notebook after all its cells ran in a new process, with ``folder`` as the current one.

    Raises:
        CellExecutionError: a cell raised; says which, with its traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    kept = dict(notebook.metadata)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, timeout=SECONDS, record_timing=False, coalesce_streams=True, resources=where
    ).execute()
    notebook.metadata = nbformat.from_dict(kept)  # without the version of this Python
    for cell in notebook.cells:  # without progress, which has times in it
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    return notebook


def renew(paths: list[Path]) -> None:
    """Execute notebooks, each in an empty folder, and write what they print into them."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(path, Path(folder))
        nbformat.write(notebook, path)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    renew([Path(given).resolve() for given in sys.argv[1:]] or TUTORIALS)
