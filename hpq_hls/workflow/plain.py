"""Results as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter

Kind = TypeVar("Kind")


def restored(kind: type[Kind], content: Any) -> Kind:
    """A result of this kind from its plain form."""
    return TypeAdapter(kind).validate_python(content)


def plain(value: Any) -> Any:
    """A result as what JSON has: dataclasses by their fields and what ``derived`` names."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [*(field.name for field in fields(value)), *getattr(value, "derived", ())]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
