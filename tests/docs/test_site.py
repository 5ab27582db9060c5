"""The documentation builds, and none of it needs a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    if sys.version_info < (3, 11):
        pytest.skip("Sphinx and its kin need Python 3.11")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|link)\b[^>]*\b(?:src|href)=\"(https?:)?//", page.read_text())
        assert not loaded, page


def test_reference_of_settings_and_commands(site: Path) -> None:
    settings = (site / "reference/settings.html").read_text()
    for key in ("clock_ns", "max_drop", "weight_bits", "calibration", "fifo_depths"):
        assert f">{key}<" in settings
    commands = (site / "reference/commands.html").read_text()
    for name in ("search", "generate", "verify", "doctor"):
        assert f'id="hpq-{name}"' in commands
