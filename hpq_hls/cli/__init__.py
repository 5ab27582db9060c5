"""The ``hpq`` command.

Nothing is imported before ``main`` runs, so that Ctrl-C is answered from the first moment on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpq_hls.cli.commands import app

__all__ = ["app", "main"]

INTERRUPTED_STATUS = 130
"""128 and the number of SIGINT, as shells have it."""
INTERRUPTED = "Interrupted; nothing half-written is left behind."


def main() -> None:
    """Entry point of the console script."""
    try:
        from hpq_hls.cli.commands import app

        app()
    except KeyboardInterrupt:  # while Python was still loading, or outside of a command's work
        sys.stderr.write(f"Error: {INTERRUPTED}\n")
        sys.stderr.flush()
        raise SystemExit(INTERRUPTED_STATUS) from None


def __getattr__(name: str) -> Any:
    """``app``, for those who call the command from Python."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hpq_hls.cli.commands import app

    return app
