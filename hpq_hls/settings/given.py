"""Settings given on the command line, in place of those in project.yaml or beside them."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hpq_hls.errors import ConfigError
from hpq_hls.settings.errors import keys_at, known_keys, mapping_at
from hpq_hls.settings.named import NAMED
from hpq_hls.yamlfile import KeyPath, YamlFile, dotted, parse_yaml

Given = Mapping[str, Any]
"""Values by dotted key, ``{"hardware.part": "xc7z020clg400-1"}``."""


_FLAGS = {named.key: named.flag for named in NAMED}
_TEXTS = {named.key for named in NAMED if named.text}
LISTS = ("hardware.backends", "search.weight_bits", "search.activation_bits")
"""Settings where one value, or several with commas between, stand for a list."""
CONTRARY = (
    ("hardware.target_interval", "hardware.target_fps"),
    ("hardware.multiplier", "hardware.multipliers"),
    ("model.source", "model.factory"),
    ("hardware.board", "hardware.part"),
)
"""Settings of which at most one can be given; one on the command line replaces the other in the file."""
KEPT_BESIDE = {"hardware.part"}
"""Except for these, which do not replace the other: a board with another part is a mistake to be told."""


def option_of(key: str) -> str:
    """The option that gives a setting: ``--part``, or ``--set search.groups``."""
    return _FLAGS.get(key, f"--set {key}")


def parse_assignments(root: type[BaseModel], assignments: Sequence[str]) -> dict[str, Any]:
    """``KEY=VALUE`` texts, as of ``--set``, by dotted key. root: the settings.

    Raises:
        ConfigError: no "=", an unknown key, a key twice with two values, or a value that is no YAML.
    """
    found: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: write key=value, such as --set hardware.clock_ns=4")
        key = key.strip()
        key_path(root, key)
        read = parse_value(key, value)
        if key in found and found[key] != read:
            raise ConfigError(f"--set {key} is given twice, as {found[key]} and as {read}; keep one of them")
        found[key] = read
    return found


def parse_value(key: str, text: str) -> Any:
    """The value of a setting as YAML has it; nothing is null.

    Raises:
        ConfigError: it is no YAML.
    """
    if key in _TEXTS:
        return text
    if key in LISTS and "[" not in text:
        text = f"[{text}]"
    return parse_yaml(text, Path(option_of(key))).data


def parse_several(key: str, text: str) -> list[Any]:
    """The values of a setting, with commas between.

    Raises:
        ConfigError: it is no YAML.
    """
    if key in _TEXTS:
        return [word.strip() for word in text.split(",") if word.strip()]
    found = parse_yaml(text if text.startswith("[") else f"[{text}]", Path(option_of(key))).data
    return list(found)


def joined(named: Given, assigned: Given) -> dict[str, Any]:
    """Options and ``--set`` together.

    Raises:
        ConfigError: they contradict each other.
    """
    for key in named.keys() & assigned.keys():
        if named[key] != assigned[key]:
            raise ConfigError(
                f"{option_of(key)} is {named[key]} and --set {key} is {assigned[key]}; keep one of them"
            )
    given = {**assigned, **named}
    for group in CONTRARY:
        both = [key for key in group if given.get(key) is not None]
        if len(both) > 1:
            words = " and ".join(option_of(key) for key in both)
            fields = " and ".join(key.rpartition(".")[2] for key in both)
            raise ConfigError(f"{words} contradict each other: {fields} are both given; keep one of them")
    return given


def merged(earlier: Given, later: Given) -> dict[str, Any]:
    """Settings given earlier and those given now, which replace what they contradict."""
    gone = {key for group in CONTRARY if later.keys() & set(group) for key in group}
    return {**{key: value for key, value in earlier.items() if key not in gone}, **later}


def key_path(root: type[BaseModel], text: str) -> KeyPath:
    """A dotted key, ``hardware.layers.features.0.pe``, as a path into the settings; names of layers may have
    dots in them.

    Raises:
        ConfigError: there is no such setting.
    """
    words = text.split(".")
    path: KeyPath = ()
    while words:
        known, inner = keys_at(root, path), mapping_at(root, path)
        if known:
            word = words.pop(0)
            if word not in known:
                hint = nearest_setting(root, text, word, known)
                raise ConfigError(f"--set {text}: {dotted((*path, word))} is no known key{hint}")
            path = (*path, word)
        elif inner is not None:
            last = words[-1] if len(words) > 1 and words[-1] in inner else None
            name = ".".join(words if last is None else words[:-1])
            return (*path, name) if last is None else (*path, name, last)
        else:
            raise ConfigError(f"--set {text}: {dotted(path)} is a value and has no keys; set it as a whole")
    return path


def nearest_setting(root: type[BaseModel], text: str, word: str, known: Sequence[str]) -> str:
    """What may have been meant by an unknown key."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    every = known_keys(root)
    same = [key for key in every if key.rpartition(".")[2] == text.rpartition(".")[2]]
    close = same or difflib.get_close_matches(text, every, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known keys are {', '.join(known)}"


def changed(root: type[BaseModel], source: YamlFile, given: Given) -> YamlFile:
    """A file with some settings replaced; errors name the options that gave them.

    Raises:
        ConfigError: a setting stands where the file has a value, or there is no such setting.
    """
    if not given:
        return source
    data = copy.deepcopy(source.data)
    data = {} if data is None else data
    if not isinstance(data, dict):
        return source  # which is an error of its own
    for group in CONTRARY:
        if any(given.get(key) is not None and key not in KEPT_BESIDE for key in group):
            for key in set(group) - given.keys():
                _put(data, key_path(root, key), None, only_there=True)
    for key, value in given.items():
        _put(data, key_path(root, key), value)
    origins = {key_path(root, key): option_of(key) for key in given}
    return replace(source, data=data, given={**source.given, **origins})


def _put(data: dict[str, Any], path: KeyPath, value: Any, *, only_there: bool = False) -> None:
    """Set a value, or remove it (None); only_there: sections that are missing are not made."""
    for depth, key in enumerate(path[:-1]):
        inner = data.get(str(key))
        if inner is None:
            if only_there:
                return
            inner = data[str(key)] = {}
        if not isinstance(inner, dict):
            if only_there:
                return
            place = dotted(path[: depth + 1])
            raise ConfigError(
                f"--set {dotted(path)}: {place} is {inner!r} in the file; set {place} as a whole"
            )
        data = inner
    if value is None and only_there:
        data.pop(str(path[-1]), None)
    else:
        data[str(path[-1])] = value
