"""docs/commands.md has what the program has."""

from __future__ import annotations

import re
from pathlib import Path

from hpq_hls.cli import app
from hpq_hls.settings.named import NAMED

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_has_a_row():
    there = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"^\| `hpq (\w+)` \|", PAGE, flags=re.M)) == there


def test_every_named_setting_has_a_row():
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `([a-z_.]+)` \| (.*) \|$", PAGE, flags=re.M)
    assert rows == [(named.flag, named.key, named.help) for named in NAMED]
