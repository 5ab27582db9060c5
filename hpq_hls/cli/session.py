"""What every command shares: its options, its output, and how it fails."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import RenderableType
from typer.core import TyperCommand

from hpq_hls.errors import HpqError, ToolError
from hpq_hls.report.console import TerminalReporter, make_console
from hpq_hls.workflow.results import plain

ERROR_STATUS = 1
INTERRUPTED_STATUS = 128 + signal.SIGINT
TERMINATED_STATUS = 128 + signal.SIGTERM

ProjectArgument = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="The project.yaml, or the folder it is in.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on stdout.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the Python traceback of an error.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what was generated before.")]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="WIDTH|FILE|search",
        help="Instead of what project.yaml says or the last search found: bits everywhere, a precision "
        "file, or what the search found whatever project.yaml says.",
    ),
]
IntervalOption = Annotated[
    int | None,
    typer.Option(help="Cycles per inference to fold for, instead of the project's target."),
]
FpsOption = Annotated[
    float | None,
    typer.Option(help="Inferences per second to fold for, instead of the project's target."),
]
UtilisationOption = Annotated[
    float | None,
    typer.Option(help="Share of each of the part's resources that may be taken, such as 0.8."),
]
DEFAULT_PROJECT = Path("project.yaml")
KEPT = 120
_LONG = re.compile(r"\S{600,}")


def hardware_options(
    target_interval: int | None, target_fps: float | None, utilisation: float | None
) -> dict[str, float | None]:
    """Options as ``open_workspace`` takes them."""
    return {"target_interval": target_interval, "target_fps": target_fps, "utilisation": utilisation}


def _shared(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """The options of every command."""


def command(
    app: typer.Typer, epilog: str, kind: type[TyperCommand] = TyperCommand
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of its name, with ``--json`` and ``--debug`` behind its own options; its
    first argument is the ``Session`` that it runs in. kind: what reads its arguments."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapped(*, as_json: bool, debug: bool, **given: Any) -> None:
            with session(as_json, debug) as run:
                function(run, **given)

        own, shared = (inspect.signature(one, eval_str=True).parameters for one in (function, _shared))
        shown = [*list(own.values())[1:], *shared.values()]
        vars(wrapped)["__signature__"] = inspect.Signature(shown)
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return app.command(epilog=epilog, cls=kind)(wrapped)

    return decorate


def with_optional_file(option: str, suffix: str) -> type[TyperCommand]:
    """A command of which an option takes a file or nothing: what follows it is its file if it ends in
    ``suffix``; without one the option is ""."""

    class Command(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            def bare(place: int) -> bool:
                return args[place] == option and not "".join(args[place + 1 : place + 2]).endswith(suffix)

            return super().parse_args(ctx, [arg + "=" * bare(place) for place, arg in enumerate(args)])

    return Command


class Session:
    """One run of a command. reporter: shows progress on standard error."""

    def __init__(self, as_json: bool) -> None:
        self._as_json, self._shown = as_json, False
        self.interrupted_status: int = INTERRUPTED_STATUS
        self.reporter = TerminalReporter()

    def show(self, result: Any, table: Callable[[Any], RenderableType]) -> None:
        """Print a result: as JSON, or as ``table`` makes it from the plain form."""
        content = plain(result)
        self._shown = True
        if self._as_json:
            typer.echo(json.dumps(content, indent=2))
        else:
            make_console(stderr=False).print(table(content))

    def interrupted(self, text: str) -> NoReturn:
        """End the command because the user asked for it, after its result has been shown."""
        typer.echo(text, err=True)
        raise typer.Exit(self.interrupted_status)

    @contextlib.contextmanager
    def termination(self) -> Iterator[None]:
        """SIGTERM, which schedulers send, ends what runs here like Ctrl-C."""

        def terminated(_number: int, _frame: FrameType | None) -> None:
            self.interrupted_status = TERMINATED_STATUS
            signal.raise_signal(signal.SIGINT)

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = signal.signal(signal.SIGTERM, terminated)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, earlier)

    def fail(self, text: str, kind: str, status: int) -> NoReturn:
        """End the command with one sentence; as JSON too, unless a result has been printed."""
        if self._as_json and not self._shown:
            typer.echo(json.dumps({"error": {"kind": kind, "message": text}}, indent=2))
        typer.echo(f"Error: {text}", err=True)
        raise typer.Exit(status)


@contextlib.contextmanager
def session(as_json: bool, debug: bool) -> Iterator[Session]:
    """Run a command's work; an error becomes one sentence on standard error and an exit status."""
    run = Session(as_json)
    try:
        yield run
    except HpqError as error:
        if debug:
            raise
        run.fail(_sentence(error), type(error).__name__, ERROR_STATUS)
    except KeyboardInterrupt:
        status = run.interrupted_status
        run.fail("Interrupted; nothing half-written is left behind.", "Interrupted", status)
    except (typer.Exit, typer.Abort):
        raise
    except SystemExit as error:
        if debug or error.code == TERMINATED_STATUS:  # a scheduler's signal
            raise
        text = f"the user's own code, or a package that it uses, ended Python with status {error.code!r:.80}"
        run.fail(f"{text}; let it return instead.", type(error).__name__, ERROR_STATUS)
    except BaseException as error:
        if debug:
            raise
        what = f"This is a bug in hpq_hls ({type(error).__name__}: {_shown(str(error))})"
        run.fail(f"{what}; run again with --debug and report it.", type(error).__name__, ERROR_STATUS)


def _sentence(error: HpqError) -> str:
    text = str(error).strip()
    if isinstance(error, ToolError):
        first, *output = text.splitlines()  # what the tool said last follows, indented
        return "\n".join([_shown(first), *map(_printable, output)])
    return _shown(text)


def _shown(text: str) -> str:
    """In one line, and no terminal's commands in it; words that nobody reads to their end are cut."""
    line = _printable(" ".join(text.split()))
    return _LONG.sub(lambda found: f"{found[0][:KEPT]}...{found[0][-KEPT:]}", line)


def _printable(line: str) -> str:
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line)
