"""The reference of the commands and of project.yaml, made from the program itself when the site is built."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

# ---------------------------------------------------------------------------------------------
# Commands


def commands() -> str:
    """A section for each command: what it does, its arguments and options."""
    from hpq_hls.cli import app

    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name="hpq")
    lines: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        lines += _command(name, command, context)
    return "\n".join(lines)


def _command(name: str, command: Any, parent: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name, parent=parent)
    yield f"## hpq {name}"
    yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    yield "```console"
    yield f"$ hpq {name} {' '.join(command.collect_usage_pieces(context))}"
    yield "```"
    yield ""
    rows = [row for row in (_row(parameter, context) for parameter in command.get_params(context)) if row]
    yield "| argument or option | |"
    yield "|---|---|"
    yield from rows
    yield ""
    if command.epilog:
        yield command.epilog
        yield ""


def _row(parameter: Any, context: Any) -> str:
    record = parameter.get_help_record(context)
    if record is None:
        return ""
    spelled, text = (" ".join(part.split()).replace("|", "\\|") for part in record)
    return f"| `{spelled}` | {text} |"


# ---------------------------------------------------------------------------------------------
# project.yaml


def settings() -> str:
    """A section for each section of project.yaml: key, what it may be, default, meaning."""
    from hpq_hls.settings.config import Settings

    return "\n".join(_section("", Settings))


def _section(path: str, section: type[BaseModel]) -> Iterator[str]:
    told = descriptions(section)
    deeper: list[tuple[str, type[BaseModel]]] = []
    yield f"## {path}" if path else "## The file"
    yield ""
    if section.__doc__:
        yield re.sub(r"``", "`", inspect.cleandoc(section.__doc__))
        yield ""
    yield "| key | may be | default | |"
    yield "|---|---|---|---|"
    for name, field in section.model_fields.items():
        key = f"{path}.{name}" if path else name
        inner = _model_of(field.annotation)
        by_name = _is_mapping(field.annotation)
        if inner is not None:
            deeper.append((f"{key}.*" if by_name else key, inner))
        yield f"| `{name}` | {_kind(field, inner, by_name)} | {_default(field, inner)} | {told[name]} |"
    yield ""
    for key, inner in deeper:
        yield from _section(key, inner)


def descriptions(section: type[BaseModel]) -> dict[str, str]:
    """The text below each field of a section.

    Raises:
        KeyError: a field has none.
    """
    tree = ast.parse(inspect.getsource(section))
    body = tree.body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, text in zip(body.body, body.body[1:], strict=False):
        match statement, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    missing = section.model_fields.keys() - found.keys()
    if missing:
        raise KeyError(f"{section.__name__} has no description of {', '.join(sorted(missing))}")
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of."""
    yield annotation
    for part in get_args(annotation):
        if get_origin(annotation) is Annotated and part is not get_args(annotation)[0]:
            continue
        yield from _parts(part)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _is_mapping(annotation: Any) -> bool:
    return any(get_origin(part) is dict for part in _parts(annotation))


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true, false"}


def _kind(field: FieldInfo, inner: type[BaseModel] | None, by_name: bool) -> str:
    if inner is not None:
        return "by layer: a section" if by_name else "a section"
    choices = [choice for item in _parts(field.annotation) for choice in _choices(item)]
    for item in field.metadata:
        choices += _choices(item)
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    plain = [_WORDS[part] for part in _parts(field.annotation) if part in _WORDS]
    origins = [get_origin(part) for part in _parts(field.annotation)]
    prefix = "list of " if tuple in origins or list in origins else "by name: " if by_name else ""
    return prefix + (" or ".join(dict.fromkeys(plain)) or "see right")


def _choices(item: Any) -> list[str]:
    """The names that ``one_of`` was given."""
    items = [item, *getattr(item, "__metadata__", ())]
    found: list[str] = []
    for one in items:
        function = getattr(one, "func", None)
        names = (
            inspect.getclosurevars(function).nonlocals.get("names") if inspect.isfunction(function) else None
        )
        if isinstance(names, tuple):
            found += [str(name) for name in names]
    return found


def _default(field: FieldInfo, inner: type[BaseModel] | None) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if inner is not None or value in ({}, ()):
        return ""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


PAGES = {"reference/commands": commands, "reference/settings": settings}
"""What is appended to which page."""
