"""A board in project.yaml: its part, its folder, and what does not go together with it."""

from __future__ import annotations

import json

from hpq_hls.workflow.steps import open_project
from hpq_hls.workflow.workspace import open_workspace


def test_a_board_from_project_yaml(run, project):
    project.edit("name: tiny", "name: tiny\nhardware: {board: kv260}")
    outcome = run("generate", project.file, "--json")
    assert outcome.status == 0, outcome.err
    for backend in ("vitis", "rtl"):
        folder = project.folder / "build" / backend
        manifest = json.loads((folder / "design.json").read_text())
        assert (manifest["board"], manifest["part"]) == ("KV260", "xck26-sfvc784-2LV-c")
        assert (folder / "board" / "driver" / "tiny_overlay.py").is_file()
        assert (folder / "board" / "package_ip.tcl").exists() == (backend == "rtl")
        assert "| `board/` |" in (folder / "README.md").read_text()
        work = open_workspace(project.file)
        assert open_project(work, work.quantized(), backend).manifest.board == "KV260"
    estimated = run("estimate", project.file, "--json")
    assert estimated.json["estimate"]["part"] == "xck26-sfvc784-2LV-c"
    project.edit("board: kv260", "board: zcu104")
    outcome = run("verify", project.file)
    assert outcome.status != 0
    assert "run `hpq generate --force`" in outcome.err


def test_a_board_that_is_not_that_of_the_part(run, project):
    project.edit("name: tiny", "name: tiny\nhardware: {board: kv260, part: xc7z020clg400-1}")
    outcome = run("estimate", project.file)
    assert outcome.status != 0
    assert "hardware.board: part 'xc7z020clg400-1' does not match board 'KV260'" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
