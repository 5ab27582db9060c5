"""The vendor's number headers, compiled once per environment: more than a third of the time of a small
project's C++ goes into reading them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from hpq_hls.errors import ToolError
from hpq_hls.tools.compiled import compiled_header
from hpq_hls.tools.toolchain import find_ap_types, find_gxx, is_gnu

_SETTING = "AP_INT_MAX_W"
"""What a design with wide words defines before it includes the headers."""
_TEXT = """\
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <queue>
#include <string>
#include <vector>
#include <ap_fixed.h>
#include <ap_int.h>
"""


def vendor_headers(src: Path, flags: Sequence[str]) -> list[str | Path]:
    """Arguments for g++ to read the C++ in a folder ``src`` with: where the headers are, and that they are
    compiled already, where that can be. flags: of the whole compilation."""
    wide = any(
        _SETTING in path.read_text(encoding="utf-8", errors="replace") for path in sorted(src.glob("*.h"))
    )
    headers = find_ap_types()
    found = () if wide else _compiled(find_gxx().require(), headers, tuple(flags))
    return ["-isystem", headers, *found]


@functools.cache
def _compiled(compiler: Path, headers: Path, flags: tuple[str, ...]) -> tuple[str | Path, ...]:
    if not is_gnu(compiler):  # which would refuse what does not fit, where g++ reads the text
        return ()
    digest = hashlib.sha256()
    for path in sorted(headers.rglob("*.h")):
        digest.update(path.read_bytes())
    text = f"{_TEXT}// {digest.hexdigest()}\n"
    try:
        return "-include", compiled_header(text, [*flags, "-isystem", str(headers)], "numbers")
    except (ToolError, OSError):  # then they are read
        return ()
