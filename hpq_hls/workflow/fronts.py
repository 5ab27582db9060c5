"""The Pareto front of a search, read back from the files that it wrote."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

from hpq_hls.errors import ConfigError, PrecisionError
from hpq_hls.quantize import parse_precision
from hpq_hls.reading import read_text
from hpq_hls.workflow.chosen import MAX_DIGITS, Chosen, Source, Statement
from hpq_hls.yamlfile import YamlFile

SHOWN = 8
"""Rows of a longer front that are compared if none are named, evenly spread."""
_NAMED = re.compile(r"(?P<path>.*\.(?:csv|json))(?::(?P<rows>[0-9,-]+))?$", re.IGNORECASE)


def is_front(given: str | Path) -> bool:
    """Whether this names a front: ``pareto.csv`` or ``pareto.json``, perhaps with rows."""
    return _NAMED.match(str(given)) is not None


def front_rows(given: str | Path) -> list[tuple[str, Chosen]]:
    """Precisions of a front, each with a label: the rows that are named behind a colon, from 1, or ``SHOWN``.

    Raises:
        ConfigError: the file cannot be read, is no front, or has no such row.
    """
    named = _NAMED.match(str(given))
    assert named is not None
    path = Path(named["path"])
    front = _read(path)
    found = []
    for row in _rows(path, named["rows"], len(front)):
        label = f"{path}:{row}"
        try:
            precision = parse_precision(front[row - 1])
        except PrecisionError as error:
            raise ConfigError(f"{label}: {error}") from error
        statement = Statement(Source.OPTION, f"row {row} of {path}")
        found.append((label, Chosen(precision, YamlFile(path, None, {}), (), statement)))
    return found


def _rows(path: Path, named: str | None, count: int) -> list[int]:
    if named is None:
        few = min(SHOWN, count)
        return sorted({1 + round(step * (count - 1) / max(few - 1, 1)) for step in range(few)})
    rows: list[int] = []
    for part in named.split(","):
        first, _, last = part.partition("-")
        if not first or not (last or "-" not in part):
            raise ConfigError(f"{path}:{named} names no rows; write them as {path}:1,4-6")
        ends = [int(number) if len(number) < MAX_DIGITS else count + 1 for number in (first, last or first)]
        for row in ends:
            if not 1 <= row <= count:
                raise ConfigError(f"{path} has no row {row}; it has 1 to {count}")
        rows += range(ends[0], ends[1] + 1)
    return rows


def _read(path: Path) -> list[Any]:
    """The precision of every row."""
    try:
        text = read_text(path)
        if path.suffix.lower() == ".json":
            front = [point["precision"] for point in json.loads(text)["points"]]
        else:
            front = [_precision(row) for row in csv.DictReader(text.splitlines())]
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); `hpq search` writes such a file"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path} is no Pareto front that `hpq search` wrote; run it again") from error
    if not front:
        raise ConfigError(f"{path} holds no row; run `hpq search` again")
    return front


def _precision(row: dict[str, str]) -> dict[str, Any]:
    """From columns such as "conv1.weight"; figures have no dot."""
    layers: dict[str, dict[str, int | str]] = {}
    for column, value in row.items():
        layer, dot, part = column.rpartition(".")
        if dot and value:
            layers.setdefault(layer, {})[part] = int(value) if value.isdecimal() else value
    if not layers:
        raise ValueError("no layers")
    return {"layers": layers}
