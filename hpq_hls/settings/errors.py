"""What pydantic says of wrong settings, as one sentence with the file, the line and the key."""

from __future__ import annotations

import difflib
import types
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hpq_hls.yamlfile import KeyPath, YamlFile, dotted


class Misplaced(ValueError):  # noqa: N818  (the value is wrong; where it stands is what this adds)
    """What is wrong with a value inside of the one that is being validated.

    keys: the way to it from there. problem: the rest of a sentence that starts with the setting's name.
    """

    def __init__(self, keys: KeyPath, problem: str) -> None:
        super().__init__(keys, problem)
        self.keys, self.problem = keys, problem

    def __str__(self) -> str:
        return self.problem


def first_mistake(root: type[BaseModel], error: ValidationError, source: YamlFile, keys: KeyPath) -> str:
    """The most telling of the mistakes.

    root: what was validated; keys: where in the file it stands.
    """
    return _sentence(root, min(error.errors(), key=lambda item: _urgency(item["type"])), source, keys)


def _urgency(kind: str) -> int:
    """Unknown keys first: they are often what makes another key missing."""
    return ("extra_forbidden", "missing").index(kind) if kind in ("extra_forbidden", "missing") else 2


_SAYS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list in [ ]",
    "dict_type": "must be a mapping of names",
}


def _sentence(root: type[BaseModel], error: ErrorDetails, source: YamlFile, keys: KeyPath) -> str:
    # pydantic adds "[key]" for keys of mappings, and the tag of a union's member; neither is in the file
    location = tuple(key for key in error["loc"] if key != "[key]")
    inner = getattr(error.get("ctx", {}).get("error"), "keys", ())
    path = (*keys, *location, *inner)
    name, given, kind = dotted(path), error["input"], error["type"]
    place = source.where(path)
    if kind == "extra_forbidden":
        return f"{place}: {name} is no known key{_hint(str(location[-1]), keys_at(root, location[:-1]))}"
    if kind == "missing":
        return f"{place}: {name} is missing; add it"
    if kind == "model_type":
        known = ", ".join(keys_at(root, location))
        return f"{place}: {name} is {given!r}; it must be a mapping with keys such as {known}"
    if kind == "value_error":
        return f"{place}: {name} {error['ctx']['error']}"
    says = _SAYS.get(kind, error["msg"]).format(**error.get("ctx", {}))
    return f"{place}: {name} is {given!r}; it {says}"


def _hint(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys are {', '.join(known)}"


def keys_at(root: type[BaseModel], location: KeyPath) -> tuple[str, ...]:
    """The keys that are valid in the section at ``location``."""
    kind = _kind_at(root, location)
    return tuple(kind.model_fields) if _is_section(kind) else ()


def mapping_at(root: type[BaseModel], location: KeyPath) -> tuple[str, ...] | None:
    """The keys of each value of the mapping of names at ``location``; None where there is no such mapping."""
    kind = _kind_at(root, location)
    if get_origin(kind) is not dict:
        return None
    value = _bare(get_args(kind)[1])
    return tuple(value.model_fields) if _is_section(value) else ()


def known_keys(root: type[BaseModel], location: KeyPath = ()) -> tuple[str, ...]:
    """All settings below a section, dotted; those of mappings of names stand as ``layers.NAME.pe``."""
    found: list[str] = []
    for key in keys_at(root, location):
        path = (*location, key)
        inner = mapping_at(root, path)
        if inner is not None:
            found += [dotted((*path, "NAME", *([name] if name else []))) for name in inner or ("",)]
        else:
            found += known_keys(root, path) or (dotted(path),)
    return tuple(found)


def _kind_at(root: type[BaseModel], location: KeyPath) -> Any:
    kind: Any = root
    for key in location:
        kind = kind.model_fields[str(key)].annotation if _is_section(kind) else get_args(kind)[1]
        kind = _bare(kind)
    return kind


def _bare(kind: Any) -> Any:
    """A type without what is said of it, and without None."""
    while get_origin(kind) in (Annotated, types.UnionType, Literal):
        kind = get_args(kind)[0]
    return kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
