"""The wheel is complete: installed alone and used from another folder, it does everything."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpq_hls.tools.toolchain import run_tool

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(__file__).resolve().parent / "wheel"
SHIPPED = {"templates": "hpq_hls/_data/templates", "hw_sim": "hpq_hls/_data/hw_sim", "hpq_hls": "hpq_hls"}


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel, and sees this environment's other packages."""

    wheel: Path
    venv: Path
    elsewhere: Path

    def run(self, *arguments: str | Path) -> str:
        unset = {"PYTHONPATH", "PYTHONHOME"}
        env = {name: value for name, value in os.environ.items() if name not in unset}
        command = [self.venv / "bin" / "python", *arguments]
        return run_tool(command, cwd=self.elsewhere, env=env, timeout=600).stdout

    def answer(self, script: str) -> dict[str, Any]:
        return json.loads(self.run(SCRIPTS / script).splitlines()[-1])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    run_tool([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], timeout=600)
    (wheel,) = folder.glob("hpq_hls-*.whl")
    venv = folder / "venv"
    run_tool([sys.executable, "-m", "venv", "--without-pip", venv])
    # A .pth file brings in the dependencies but not hpq_hls: what is in that folder's own .pth
    # files, an editable install among them, is not followed.
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = venv / "bin" / "python"
    run_tool([*pip, "--python", python, "install", "--no-deps", "--no-index", "-q", wheel])
    cache = Path(sys.prefix) / "cache"
    cache.mkdir(exist_ok=True)
    (venv / "cache").symlink_to(cache)  # what hpq_hls compiles once per environment
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, venv, elsewhere)


@pytest.mark.parametrize("folder", sorted(SHIPPED))
def test_every_file_is_in_the_wheel_unchanged(installed, folder) -> None:
    inside = SHIPPED[folder]
    with zipfile.ZipFile(installed.wheel) as archive:
        packed = {
            name.removeprefix(f"{inside}/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith(f"{inside}/") and (folder != "hpq_hls" or "/_data/" not in name)
        }
    wanted = {
        path.relative_to(ROOT / folder).as_posix(): path.read_bytes()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed.keys() == wanted.keys()
    assert packed == wanted


def test_nothing_else_is_in_the_wheel(installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hpq_hls"}


def test_package_and_data_come_from_the_wheel(installed) -> None:
    found = installed.answer("where.py")
    site = next(installed.venv.glob("lib/python*/site-packages"))
    assert Path(found["package"]) == site / "hpq_hls" / "__init__.py"
    assert Path(found["templates"]) == site / "hpq_hls" / "_data" / "templates"
    assert Path(found["hw_sim"]) == site / "hpq_hls" / "_data" / "hw_sim"
    assert str(ROOT) not in found["path"]
    assert found["version"] == installed.wheel.name.split("-")[1]


def test_command_line_starts(installed) -> None:
    output = run_tool([installed.venv / "bin" / "hpq", "--help"], cwd=installed.elsewhere).stdout
    for command in ("demo", "doctor", "generate", "verify"):
        assert command in output


def test_installed_wheel_generates_and_verifies_both_backends(installed) -> None:
    counts = installed.answer("use.py")
    assert counts["distinct"] > 4, "the comparison would prove little"
    expected = {"words": 48, "csim_differs": 0, "cosim_words": 12, "cosim_differs": 0}
    assert {name: counts[name] for name in expected} == expected
