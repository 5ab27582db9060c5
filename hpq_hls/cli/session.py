"""What every command shares: its options, its output, and how it fails."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import logging
import re
import shlex
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from hpq_hls.cli import INTERRUPTED, INTERRUPTED_STATUS
from hpq_hls.errors import ConfigError, HpqError, ToolError
from hpq_hls.settings.named import NAMED, Named

if TYPE_CHECKING:  # what takes longer to import than `hpq --help` may take
    from rich.console import RenderableType

    from hpq_hls.tools.progress import Reporter
    from hpq_hls.tools.toolchain import Tool
    from hpq_hls.workflow.workspace import Workspace

ERROR_STATUS = 1
TERMINATED_STATUS = 128 + signal.SIGTERM

ProjectArgument = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="The project.yaml, or the folder it is in.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on stdout.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what is done, such as the programs that are run.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show the result and errors only.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the Python traceback of an error.")]
DataOption = Annotated[
    Path | None,
    typer.Option(help="Of a model: an .npz with x and y, which is divided for the new project.yaml."),
]
ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PROJECT",
        help="The project.yaml or its folder; or a model (.pt2, .onnx), with --data.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what was generated before.")]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="WIDTH|FILE|search",
        help="Instead of what project.yaml says or the last search found: bits everywhere, a precision "
        "file, or what the search found whatever project.yaml says.",
    ),
]
DEFAULT_PROJECT = Path("project.yaml")
PANEL = "Settings, in place of project.yaml's"
VARIANTS = "What to explore: one or several, with commas between"
KEPT = 120
_LONG = re.compile(r"\S{600,}")


def _shared(
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """The options of every command."""


def command(
    app: typer.Typer, epilog: str, kind: type[TyperCommand] = TyperCommand, several: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of its name, with ``--json`` and its like behind its own options; its first
    argument is the ``Session`` that it runs in.

    kind: what reads its arguments. A command that takes a PROJECT has an option for each of ``NAMED``, and
    ``--set`` for any other setting. several: keys of settings that it takes several values of.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        reads = any(parameter.name == "project" for parameter in own)
        named = NAMED if reads else ()
        taken = {one.parameter: one.key for one in named}

        @functools.wraps(function)
        def wrapped(*, as_json: bool, debug: bool, verbose: bool, quiet: bool, **given: Any) -> None:
            settings = {key: given.pop(name) for name, key in taken.items()}
            assigned = given.pop("assigned", None) or ()
            varied = {key: settings.pop(key) for key in several}
            with session(as_json=as_json, debug=debug, verbose=verbose, quiet=quiet) as run:
                run.settings, run.project = _settings(settings, assigned), given.get("project")
                run.variants = _variants(varied, run.settings)
                function(run, **given)

        options = [_option(one, one.key in several) for one in named] + ([_SET] if reads else [])
        shown = [*own, *options, *inspect.signature(_shared, eval_str=True).parameters.values()]
        shown = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
        vars(wrapped)["__signature__"] = inspect.Signature(shown)
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return app.command(epilog=epilog, cls=kind)(wrapped)

    return decorate


def _option(named: Named, several: bool) -> inspect.Parameter:
    """A setting as an option; its value is checked where those of project.yaml are."""
    metavar, panel = ("VALUE,...", VARIANTS) if several else ("VALUE", PANEL)
    option = typer.Option(named.flag, help=named.help, metavar=metavar, rich_help_panel=panel)
    kind = Annotated[str | None, option]
    return inspect.Parameter(named.parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


_SET = inspect.Parameter(
    "assigned",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, such as hardware.layers.conv1.pe=4; as often as needed.",
            rich_help_panel=PANEL,
        ),
    ],
)


def _settings(named: Mapping[str, str | None], assigned: Sequence[str]) -> dict[str, Any]:
    if not assigned and all(text is None for text in named.values()):
        return {}
    from hpq_hls.settings.config import parse_settings

    return parse_settings(named, assigned)


def _variants(named: Mapping[str, str | None], given: Mapping[str, Any]) -> dict[str, list[Any]]:
    if all(text is None for text in named.values()):
        return {}
    from hpq_hls.settings.config import parse_variants

    return parse_variants(named, given)


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
    """One run of a command.

    reporter: shows progress on standard error. settings: those that options gave, by dotted key. variants:
    settings of which they gave several values. project: the argument PROJECT, where the command has one.
    """

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self._as_json, self._quiet, self._shown = as_json, quiet, False
        self.interrupted_status: int = INTERRUPTED_STATUS
        self.settings: dict[str, Any] = {}
        self.variants: dict[str, list[Any]] = {}
        self.project: Path | None = None
        self._precision: str | None = None

    @functools.cached_property
    def reporter(self) -> Reporter:
        """What shows progress."""
        from hpq_hls.tools.console import TerminalReporter
        from hpq_hls.tools.progress import Quiet

        return Quiet() if self._quiet else TerminalReporter()

    def open(
        self,
        project: Path,
        precision: str | None = None,
        *,
        data: Path | None = None,
        generated: bool = False,
    ) -> Workspace:
        """The project under the settings that options gave; the arguments are those of ``open_workspace``.
        Where it is a model, a project.yaml is written for it here, with the settings in it. data: of a model.
        """
        from hpq_hls.workflow.starting import is_model, start_project
        from hpq_hls.workflow.workspace import open_workspace

        self._precision = precision
        if is_model(project):
            project = start_project(project, data, self.settings, Path())
            self.project, self.settings = project, {}
        elif data is not None:
            raise ConfigError(
                f"--data goes with a model, and {project} names its data itself; give a .pt2 or .onnx file, "
                "or --set data.validation=FILE.npz"
            )
        return open_workspace(project, precision, self.settings, generated=generated)

    def show(
        self,
        result: Any,
        table: Callable[[Any], RenderableType],
        then: str | None = None,
        tool: Tool | None = None,
    ) -> None:
        """Print a result: as JSON, or as ``table`` makes it from the plain form, and below it the command
        that comes next. then: that command's name. tool: what it runs, which may not be there."""
        from hpq_hls.tools.console import make_console
        from hpq_hls.workflow.plain import plain

        content = plain(result)
        self._shown = True
        if self._as_json:
            typer.echo(json.dumps(content, indent=2))
            return
        console = make_console(stderr=False)
        console.print(table(content))
        if then is not None and not self._quiet:
            lacks = f"  ({tool.name} is not there: {tool.hint})" if tool and not tool.found else ""
            console.print(f"\nNext: {self.words(then)}{lacks}", markup=False, soft_wrap=True)

    def words(self, name: str) -> str:
        """Another command on the same project with the same settings, as it is typed."""
        own = [] if self.project in (None, DEFAULT_PROJECT) else [str(self.project)]
        chosen = [] if self._precision is None else ["--precision", self._precision]
        options = [word for key, value in self.settings.items() for word in _typed(key, value)]
        return shlex.join(["hpq", *name.split(), *own, *chosen, *options])

    def take(self, precision: str, settings: Mapping[str, Any]) -> None:
        """Let the command that comes next work with these, beside what options gave."""
        self._precision, self.settings = precision, {**self.settings, **settings}

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
def session(
    *, as_json: bool = False, debug: bool = False, verbose: bool = False, quiet: bool = False
) -> Iterator[Session]:
    """Run a command's work; an error becomes one sentence on standard error and an exit status."""
    run = Session(as_json, quiet)
    try:
        if verbose and quiet:
            raise ConfigError("--verbose and --quiet contradict each other; keep one of them")
        if verbose:
            logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
            logging.getLogger("hpq_hls").setLevel(logging.DEBUG)
        yield run
    except HpqError as error:
        if debug:
            raise
        run.fail(_sentence(error), type(error).__name__, ERROR_STATUS)
    except KeyboardInterrupt:
        status = run.interrupted_status
        run.fail(INTERRUPTED, "Interrupted", status)
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


def _typed(key: str, value: Any) -> list[str]:
    """A setting as the option that gives it."""
    flag = next((one.flag for one in NAMED if one.key == key), None)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return ["--set", f"{key}={text}"] if flag is None else [flag, text]


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
