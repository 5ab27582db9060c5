"""Which searches measure the same: a short text made of everything that decides a measurement."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np

FORMAT = 2
"""Raised whenever measurements of an earlier version may no longer be used."""
DIGITS = 32


def fingerprint(content: Mapping[str, Any]) -> str:
    """Equal for equal content, in every process and on every machine.

    content: plain values, arrays, enums, dataclasses (by those of their fields that count in their
    ``__init__``), mappings (in any order), sequences, and functions (by their source).

    Raises:
        TypeError: it holds something else.
    """
    identity = hashlib.blake2b()
    _feed(identity.update, {"format": FORMAT, **content})
    return identity.hexdigest()[:DIGITS]


def _feed(add: Callable[[bytes | memoryview], object], value: Any) -> None:
    """Add a value, with its kind and its length in front so that no two values look alike."""

    def head(*parts: object) -> None:
        add("|".join(map(str, parts)).encode() + b"\n")

    if value is None or isinstance(value, (bool, int, float, complex, np.generic)):
        head("value", type(value).__name__, repr(value))
    elif isinstance(value, (str, bytes, PurePath)):
        text = value if isinstance(value, bytes) else str(value).encode()
        head("text", len(text))
        add(text)
    elif isinstance(value, Enum):
        head("enum", type(value).__qualname__, value.name)
    elif isinstance(value, np.ndarray):
        head("array", value.dtype.str, value.shape)
        add(np.ascontiguousarray(value).data)
    elif is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.init]
        head("record", type(value).__qualname__, *names)
        for name in names:
            _feed(add, getattr(value, name))
    elif isinstance(value, Mapping):
        head("mapping", len(value))
        for key in sorted(value, key=str):
            _feed(add, key)
            _feed(add, value[key])
    elif isinstance(value, (list, tuple)):
        head("sequence", len(value))
        for item in value:
            _feed(add, item)
    elif isinstance(value, (set, frozenset)):
        _feed(add, sorted(value, key=str))
    elif callable(value):
        _feed(add, _function(value))
    else:
        raise TypeError(f"a {type(value).__name__} has no fingerprint")


def _function(value: Any) -> tuple[Any, ...]:
    """What tells functions apart: where they are defined and how."""
    if isinstance(value, partial):
        return "partial", value.func, value.args, value.keywords
    kind = value if hasattr(value, "__qualname__") else type(value)
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # made where no file keeps it
        code = getattr(value, "__code__", None)
        source = "" if code is None else code.co_code.hex()
    own = () if kind is value else vars(value)
    return kind.__module__, kind.__qualname__, source, own
