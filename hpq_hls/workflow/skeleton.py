"""A commented project.yaml to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from hpq_hls.errors import OutputError
from hpq_hls.settings.config import STRATEGY_NAMES, Settings
from hpq_hls.templating import render
from hpq_hls.tools.files import write_file

_LEAST = {"model": {"source": "model.pt2"}, "data": {"calibration": "calibration.npz"}}
_DEFAULT = Settings.model_validate(_LEAST)


@dataclass(frozen=True)
class Skeleton:
    """What is filled into the skeleton; the rest of it are comments and defaults."""

    name: str | None = None
    source: str = "model.pt2"
    factory: str | None = None
    weights: str | None = None
    calibration: str = "calibration.npz"
    validation: str = "validation.npz"
    test: str = "test.npz"
    objective: str = _DEFAULT.search.objective
    max_drop: float = _DEFAULT.search.max_drop
    confidence: float | None = _DEFAULT.search.confidence
    effort: str = _DEFAULT.search.effort
    weight_bits: Sequence[int] = _DEFAULT.search.weight_bits
    activation_bits: Sequence[int] = _DEFAULT.search.activation_bits
    evaluations: int | None = _DEFAULT.search.evaluations
    part: str = _DEFAULT.hardware.part
    clock_ns: float = _DEFAULT.hardware.clock_ns
    io: str = _DEFAULT.hardware.io
    output: str = _DEFAULT.output


def write_skeleton(path: Path, content: Skeleton | None = None, *, force: bool = False) -> Path:
    """Write a project.yaml.

    path: the file (.yaml), or a folder for a ``project.yaml``. content: what to fill in. force: replace
    a file that is there.

    Raises:
        OutputError: the file exists, or cannot be written.
    """
    if path.is_dir() or path.suffix not in (".yaml", ".yml"):
        path = path / "project.yaml"
    if path.exists() and not force:
        raise OutputError(f"{path} exists; choose another name, or overwrite it with --force")
    chosen = content or Skeleton()
    lists = {key: list(getattr(chosen, key)) for key in ("weight_bits", "activation_bits")}
    values: dict[str, Any] = {field.name: getattr(chosen, field.name) for field in fields(chosen)} | lists
    values |= {"quantizer": _DEFAULT.quantizer, "finetune": _DEFAULT.finetune}
    values |= {"strategy": _DEFAULT.search.strategy, "strategies": ", ".join(STRATEGY_NAMES)}
    write_file(path, render("init/project.yaml.j2", values, {"scalar": _scalar}))
    return path


def _scalar(value: Any) -> str:
    """A value as YAML reads it back, quoted where it must be."""
    return yaml.safe_dump(value, width=1000, default_flow_style=True).removesuffix("\n...\n").strip()
