"""YAML as plain data that remembers on which line each value stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hpq_hls.errors import ConfigError

Key = str | int
KeyPath = tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class YamlFile:
    """A YAML file that was read.

    path: as the user gave it. data: mappings with text keys, lists and scalars. lines: the line, from
    1, of the key or list item at each key path.
    """

    path: Path
    data: Any
    lines: Mapping[KeyPath, int]

    def where(self, keys: KeyPath = ()) -> str:
        """``file, line n`` of a key, or of the nearest one around it that is in the file."""
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
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist; name an existing file, or write one with `hpq init`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        reader = _Reader(path, loader)
        return YamlFile(path, None if node is None else reader.read(node, ()), reader.lines)
    except yaml.YAMLError as error:
        raise ConfigError(f"{_place(path, error)}: not valid YAML, {_problem(error)}") from error
    finally:
        loader.dispose()


class _Reader:
    """Turns YAML nodes into plain data, one key path at a time."""

    def __init__(self, path: Path, loader: yaml.SafeLoader) -> None:
        self._path, self._loader = path, loader
        self._open: list[yaml.Node] = []
        self.lines: dict[KeyPath, int] = {}

    def read(self, node: yaml.Node, keys: KeyPath) -> Any:
        """The value of a node that stands at ``keys``."""
        self.lines.setdefault(keys, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._loader.construct_object(node)
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

    def _mapping(self, node: yaml.MappingNode, keys: KeyPath) -> dict[str, Any]:
        own = {id(key) for key, _ in node.value}
        self._loader.flatten_mapping(node)  # "<<: *anchor" puts the merged keys first
        result: dict[str, Any] = {}
        seen: set[str] = set()
        for key_node, value in node.value:
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
                self._forget(path)
            self.lines[path] = _line(key_node)
            result[key] = self.read(value, path)
        return result

    def _forget(self, keys: KeyPath) -> None:
        """Drop the lines of a merged value that a key of the mapping's own replaces."""
        for known in [known for known in self.lines if known[: len(keys)] == keys]:
            del self.lines[known]


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
