"""Our own C++ programs, compiled where they are used and kept for this environment."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hpq_hls.tools.sealed import is_sealed, seal
from hpq_hls.tools.toolchain import find_gxx, run_tool

_COMPILING_S = 300.0


def compiled(source: Path, flags: Sequence[str], name: str) -> Path:
    """The program or library that a source and those beside it make; compiled if one of them has changed.

    name: of the file, with its ending, e.g. "timing.so".

    Raises:
        ToolError: there is no compiler, or it fails.
        OSError: nothing can be kept.
    """
    digest = hashlib.sha256(" ".join([*flags, *os.uname()]).encode())
    for path in sorted(source.parent.glob("*.[ch]pp")):
        digest.update(path.read_bytes())
    wanted = Path(name)
    target = _cache_dir() / f"{wanted.stem}-{digest.hexdigest()[:16]}{wanted.suffix}"
    if not is_sealed(target):
        compiler = find_gxx().require()
        target.parent.mkdir(parents=True, exist_ok=True)
        # Through a temporary name, because another process may be doing the same.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            run_tool([compiler, *flags, source, "-o", made], timeout=_COMPILING_S)
            made.replace(target)
        seal(target)
    return target


def compiled_header(text: str, flags: Sequence[str], name: str) -> Path:
    """A header with this text for ``-include``, beside which lies what g++ made of it: with the same flags it
    is read from there.

    Raises:
        ToolError: there is no compiler, or it fails.
        OSError: nothing can be kept.
    """
    compiler = find_gxx()
    identity = " ".join([*flags, *os.uname(), str(compiler.require()), str(compiler.version), text])
    home = _cache_dir() / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    header = home / f"{name}.h"
    target = home / f"{name}.h.gch"
    if not is_sealed(target):
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
            plain, made = Path(scratch) / header.name, Path(scratch) / target.name
            plain.write_text(text, encoding="utf-8")
            run_tool([compiler.require(), *flags, "-x", "c++-header", plain, "-o", made])
            plain.replace(header)
            made.replace(target)
        seal(target)
    return header


def _cache_dir() -> Path:
    """A folder of this environment, or else of this user."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "cache" / "hpq_hls"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpq_hls"
