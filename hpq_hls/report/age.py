"""Whether a page still shows the project that it was made from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.errors import OutputError
from hpq_hls.reading import regular
from hpq_hls.workflow.sources import digests_of
from hpq_hls.workflow.workspace import Workspace

_SHOWS = re.compile(r'<script type="application/json" id="shows">(\{.*?\})</script>')


@dataclass(frozen=True)
class Age:
    """What of a project has changed since a page was written, in words."""

    file: Path
    changed: tuple[str, ...]


def page_age(work: Workspace, file: Path) -> Age | None:
    """Of a page; None where there is none that ``hpq report`` wrote."""
    try:
        found = _SHOWS.search(regular(file).read_text(encoding="utf-8"))
        shown = json.loads(found[1]) if found else None
    except (OSError, ValueError):
        return None
    return None if shown is None else Age(file, changes(shown, digests_of(work)))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What has another digest, or has come, or has gone."""
    return tuple(name for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name))


def check_page(work: Workspace, file: Path) -> Age:
    """The age of a page that is still right.

    Raises:
        OutputError: there is no page, or it is too old for its data.
    """
    age = page_age(work, file)
    if age is None:
        raise OutputError(f"{file} is no page that `hpq report` wrote; run `hpq report`")
    if age.changed:
        *most, last = age.changed
        what = f"{', '.join(most)} and {last}" if most else last
        raise OutputError(f"{file} is too old: since it was written {what} changed; run `hpq report` again")
    return age
