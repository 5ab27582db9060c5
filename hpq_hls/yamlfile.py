"""YAML as plain data that remembers on which line each value stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hpq_hls.errors import ConfigError
from hpq_hls.reading import read_text

MAX_BYTES = 1 << 18
"""Of a file: YAML is read slowly. Some 3,000 layers with widths of their own."""
MAX_VALUES = 100_000
"""Values that a file may hold once its aliases are written out."""
MAX_NUMBER = 1 << 63

Key = str | int
KeyPath = tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class YamlFile:
    """A YAML file that was read.

    path: as the user gave it. data: mappings with text keys, lists and scalars. lines: the line, from
    1, of the key or list item at each key path. given: options that gave the values at key paths instead.
    """

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]
    given: Mapping[KeyPath, str] = field(default_factory=dict)

    def where(self, keys: KeyPath = ()) -> str:
        """``file, line n`` of a key, or of the nearest one around it that is in the file; or the option that
        gave its value."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.given:
                return self.given[keys[:length]]
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}, line {self.lines[keys]}" if keys in self.lines else f"{self.path}"


def read_yaml(path: str | Path) -> YamlFile:
    """Read a YAML file.

    Raises:
        ConfigError: it is missing, not text, not valid YAML, refers to itself, or has a key twice.
    """
    path = Path(path)
    try:
        text = read_text(path, MAX_BYTES)
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist; name an existing file, or write one with `hpq init`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> YamlFile:
    """Read YAML. path: what to call it in messages.

    Raises:
        ConfigError: it is not valid YAML, refers to itself, or has a key twice.
    """
    try:
        loader = yaml.SafeLoader(text.removeprefix("\ufeff"))
        try:
            node = loader.get_single_node()
            reader = _Reader(path, loader)
            return YamlFile(path, None if node is None else reader.read(node, ()), reader.lines)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(f"{_place(path, error)}: not valid YAML, {_problem(error)}") from error
    except RecursionError:
        raise ConfigError(f"{path}: brackets are nested too deeply to be settings; correct it") from None


class _Reader:
    """Turns YAML nodes into plain data, one key path at a time."""

    def __init__(self, path: Path, loader: yaml.SafeLoader) -> None:
        self._path, self._loader = path, loader
        self._open: list[yaml.Node] = []
        self._merged: dict[int, list[tuple[yaml.Node, yaml.Node]]] = {}
        self._count = 0
        self.lines: dict[KeyPath, int] = {}

    def read(self, node: yaml.Node, keys: KeyPath) -> Any:
        """The value of a node that stands at ``keys``."""
        self._count += 1
        if self._count > MAX_VALUES:
            raise ConfigError(
                f"{self._path}, line {_line(node)}: aliases stand for more than {MAX_VALUES:,} values; write "
                "out what is meant"
            )
        self.lines.setdefault(keys, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if any(node is outer for outer in self._open):
            raise ConfigError(
                f"{self._path}, line {_line(node)}: the alias contains itself; write the value out"
            )
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, keys)
            return [self.read(item, (*keys, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.pop()

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            value = self._loader.construct_object(node)
        except yaml.YAMLError:
            raise
        except Exception as error:  # PyYAML lets through what Python says of 2001-99-99 or of 6,000 digits
            kind = node.tag.rpartition(":")[2]
            raise ConfigError(
                f"{self._path}, line {_line(node)}: {node.value!r:.60} is no {kind} that can be used; "
                "correct it"
            ) from error
        if isinstance(value, int) and abs(value) >= MAX_NUMBER:
            raise ConfigError(
                f"{self._path}, line {_line(node)}: the number {node.value:.20}... is too large for any "
                "setting; correct it"
            )
        return value

    def _flat(self, node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
        """Keys and values with those of ``<<: *anchor`` first, each key of these once."""
        if id(node) in self._merged:
            return self._merged[id(node)]
        self._merged[id(node)] = []  # what a mapping that merges itself adds
        merged: dict[Any, tuple[yaml.Node, yaml.Node]] = {}
        own = []
        for key, value in node.value:
            if key.tag != _MERGE:
                own.append((key, value))
                continue
            given = value.value if isinstance(value, yaml.SequenceNode) else [value]
            if not all(isinstance(item, yaml.MappingNode) for item in given):
                raise ConfigError(
                    f"{self._path}, line {_line(value)}: << merges mappings, and this is none; correct it"
                )
            for item in reversed(given):
                merged.update({_name(found): (found, held) for found, held in self._flat(item)})
        self._merged[id(node)] = [*merged.values(), *own]
        return self._merged[id(node)]

    def _mapping(self, node: yaml.MappingNode, keys: KeyPath) -> dict[str, Any]:
        own = {id(key) for key, _ in node.value}
        result: dict[str, Any] = {}
        seen: set[str] = set()
        for key_node, value in self._flat(node):
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(
                    f"{self._path}, line {_line(key_node)}: a key must be a name, not a collection"
                )
            key = str(key_node.value)  # as written: layers are called 0, 1.10 and no
            path = (*keys, key)
            if id(key_node) in own:
                if key in seen:
                    raise ConfigError(
                        f"{self._path}, line {_line(key_node)}: key {dotted(path)} appears twice; remove "
                        "one of them"
                    )
                seen.add(key)
                if key in result:  # merged, and replaced here
                    self._forget(path)
            self.lines[path] = _line(key_node)
            result[key] = self.read(value, path)
        return result

    def _forget(self, keys: KeyPath) -> None:
        """Drop the lines of a merged value that a key of the mapping's own replaces."""
        for known in [known for known in self.lines if known[: len(keys)] == keys]:
            del self.lines[known]


_MERGE = "tag:yaml.org,2002:merge"


def _name(key: yaml.Node) -> Any:
    """What makes a key the same as another."""
    return key.value if isinstance(key, yaml.ScalarNode) else id(key)


def dotted(keys: KeyPath) -> str:
    """A key path as people write it: ``hardware.layers.conv1.pe``, ``search.weight_bits[2]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _place(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}" if mark is None else f"{path}, line {mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    sentence = f"{context}: {problem}" if context else str(problem)
    return f"{' '.join(sentence.split())}; correct it there"
