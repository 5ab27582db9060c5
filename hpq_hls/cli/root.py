"""The ``hpq`` command as a whole: what it prints where the words on the command line are wrong."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from hpq_hls.cli import INTERRUPTED, INTERRUPTED_STATUS


@contextlib.contextmanager
def _interruptions() -> Iterator[None]:
    """Ctrl-C before a command answers it itself, which typer would pass over in silence."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Error: {INTERRUPTED}", err=True)
        raise typer.Exit(INTERRUPTED_STATUS) from None


class Root(TyperGroup):
    """Commands in the order of the work. With ``--json``, wrong words are a JSON error object too."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _interruptions():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _interruptions():
            return super().invoke(ctx)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        rest = {"prog_name": prog_name, "complete_var": complete_var, **extra}
        if "--json" not in words or not standalone_mode:
            return super().main(words, standalone_mode=standalone_mode, **rest)
        try:
            status = super().main(words, standalone_mode=False, **rest)
        except Exception as error:
            if not hasattr(error, "format_message"):  # all that is known of a click.ClickException
                raise
            usage = error.format_message()
            typer.echo(json.dumps({"error": {"kind": "UsageError", "message": usage}}, indent=2))
            typer.echo(f"Error: {usage}", err=True)
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(status if isinstance(status, int) else 0)
