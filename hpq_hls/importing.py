"""Functions of the user's own, named as ``package.module:function``."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpq_hls.errors import ConfigError

MAX_BRIEF = 300
"""Characters of what an error says: it may quote a file."""


def imported(name: str) -> Any:
    """What ``package.module:attribute`` names.

    Raises:
        ConfigError: it cannot be imported, as the rest of a sentence that starts with where it is named.
    """
    package, _, attribute = name.partition(":")
    try:
        with foreign_code():
            found: Any = importlib.import_module(package)
            for part in attribute.split("."):
                found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"names {name}, which cannot be imported ({error}); correct it") from error
    except Exception as error:  # anything can come out of user code
        raise ConfigError(
            f"names {name}, whose module fails with {brief(error)}; correct the module"
        ) from error
    return found


def extend(package: str, folder: Path) -> None:
    """Import a package that registers operators and kernels, from ``folder`` or wherever Python finds it.

    It stays imported, and the folder importable, because networks hold what the package defines, and so do
    processes that measure them.

    Raises:
        ConfigError: it cannot be imported, as the rest of a sentence that starts with where it is named.
    """
    home = str(folder.resolve())
    if home not in sys.path:
        sys.path.append(home)
        importlib.invalidate_caches()
    try:
        with foreign_code():
            importlib.import_module(package)
    except Exception as error:  # anything can come out of user code
        raise ConfigError(
            f"names the package {package}, whose import fails with {brief(error)}; correct the name or "
            "the package"
        ) from error


class EndedError(Exception):
    """The user's own code ended Python."""


@contextlib.contextmanager
def foreign_code() -> Iterator[None]:
    """The body runs code of the user's own. What would end Python, with whatever exit status, is an error.

    Raises:
        EndedError: it calls sys.exit, say.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, Exception):
            raise
        status = f"({error.code!r:.80})" if isinstance(error, SystemExit) else ""
        raise EndedError(f"{type(error).__name__}{status}, which ends Python") from error


def brief(error: BaseException) -> str:
    """Kind and first line of an error."""
    text = str(error).strip().partition("\n")[0].rstrip(".")[:MAX_BRIEF]
    if isinstance(error, EndedError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """``folder`` first on the import path; afterwards it is gone, and so are the modules found there,
    so that a project elsewhere with a module of the same name gets its own."""
    home = str(folder.resolve())
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, home)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None)
            if origin is not None and Path(origin).resolve().is_relative_to(home):
                del sys.modules[name]
