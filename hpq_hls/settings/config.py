"""project.yaml <-> typed settings. Every error is one sentence with the file, the line and the key."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, ValidationError, model_validator

from hpq_hls.errors import ConfigError
from hpq_hls.importing import extend
from hpq_hls.quantize import Precision
from hpq_hls.quantize.precision import without_statement
from hpq_hls.search.errors import SettingError
from hpq_hls.search.metric import Kind, kind_of
from hpq_hls.settings.board import on_board
from hpq_hls.settings.errors import first_mistake
from hpq_hls.settings.fields import Empty, FileName, Section, Text, each_once
from hpq_hls.settings.given import (
    Given,
    changed,
    joined,
    merged,
    parse_assignments,
    parse_several,
    parse_value,
)
from hpq_hls.settings.hardware import HardwareSettings
from hpq_hls.settings.network import DataSettings, ModelSettings, PrecisionSettings, short_precision
from hpq_hls.settings.search import (
    STRATEGY_NAMES,
    FinetuneSettings,
    LimitSettings,
    QuantizerSettings,
    SearchSettings,
)
from hpq_hls.yamlfile import KeyPath, YamlFile, dotted, read_yaml

__all__ = [
    "STRATEGY_NAMES",
    "FinetuneSettings",
    "LimitSettings",
    "ProjectFile",
    "QuantizerSettings",
    "SearchSettings",
    "Settings",
    "load_config",
    "new_project",
    "parse_settings",
    "parse_variants",
    "project_path",
    "read_precision",
]


class Settings(Section):
    """A whole project.yaml."""

    name: Text | None = None
    """Name of the top-level function and module; null: made from the name of the model."""
    extensions: Annotated[tuple[Text, ...], AfterValidator(each_once)] = ()
    """Packages with operators and kernels of your own, in the project's folder or installed."""
    model: ModelSettings
    """The network."""
    data: DataSettings
    """The samples."""
    precision: Annotated[PrecisionSettings, BeforeValidator(short_precision)] = PrecisionSettings()
    """Widths; a number, the path of a file that `hpq search` wrote, or a mapping. Without it the
    commands take what the last search found, and 8 bits before one."""
    quantizer: Annotated[QuantizerSettings, Empty] = QuantizerSettings()
    """How networks are quantized."""
    search: Annotated[SearchSettings, Empty] = SearchSettings()
    """What `hpq search` looks for."""
    finetune: Annotated[FinetuneSettings, Empty] = FinetuneSettings()
    """How `search.finetune` trains."""
    hardware: Annotated[HardwareSettings, Empty] = HardwareSettings()
    """The chip, the clock and the folding."""
    output: FileName = "build"
    """Folder for everything that is generated, relative to project.yaml."""

    @model_validator(mode="after")
    def _scored_by_what_is_left(self) -> Settings:
        if self.model.drop_final_ranking and kind_of(self.search.metric) is Kind.LOSS:
            raise ValueError(
                f"model.drop_final_ranking leaves out the values that search.metric {self.search.metric} "
                "compares with y; score the ranking (top1, auc), or keep the last layer"
            )
        return self

    def to_yaml(self) -> str:
        """Text that ``load_config`` reads back to equal settings; defaults are left out."""
        plain = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=100)


@dataclass(frozen=True, eq=False)
class ProjectFile:
    """A project.yaml: where it is, what it says, and on which line it says so. options: settings that the
    command line gave instead, by dotted key."""

    settings: Settings
    source: YamlFile
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.source.path.parent

    @property
    def output(self) -> Path:
        """Where artifacts go."""
        return self.path(self.settings.output)

    def with_settings(self, given: Given) -> ProjectFile:
        """The same with settings replaced, by dotted key.

        Raises:
            ConfigError: as ``load_config``, with the option that gave the setting.
        """
        return _checked(self.source, merged(self.options, given)) if given else self

    def path(self, written: str) -> Path:
        """A path as written in the file, made usable from here."""
        return self.folder / Path(written).expanduser()

    def where(self, *keys: str | int) -> str:
        """``file, line n: a.b.c`` of a key, for error messages."""
        return f"{self.source.where(keys)}: {dotted(keys)}"

    @contextlib.contextmanager
    def blamed(self, *keys: str | int) -> Iterator[None]:
        """Names file and line of a setting that turns out to be unusable; ``keys``: of its section.

        Raises:
            ConfigError: instead of a SettingError.
        """
        try:
            yield
        except SettingError as error:
            raise ConfigError(f"{self.where(*keys, *error.keys)} {error.problem}") from error

    def precision(self) -> tuple[Precision, YamlFile, KeyPath]:
        """The widths, the file that gives them, and the key path of their section in it."""
        chosen = self.settings.precision
        if chosen.file is None:
            return chosen.to_precision(), self.source, ("precision",)
        try:
            return read_precision(self.path(chosen.file))
        except ConfigError as error:
            if self.path(chosen.file).exists():
                raise
            raise ConfigError(
                f"{self.where('precision')} names {chosen.file}, which does not exist; `hpq search` "
                "writes such a file"
            ) from error


def project_path(given: str | Path) -> Path:
    """The file that is meant: a folder stands for the project.yaml in it."""
    path = Path(given)
    return path / "project.yaml" if os.path.isdir(path) else path  # noqa: PTH112  (it never raises)


def load_config(path: str | Path = "project.yaml", given: Given | None = None) -> ProjectFile:
    """Read and check a project.yaml, and import its extensions; ``path`` may be the folder that holds it.
    given: settings in place of the file's, by dotted key.

    Raises:
        ConfigError: the file is missing or malformed, a key is missing, unknown or out of range, or an
            extension cannot be imported.
    """
    return _checked(read_yaml(project_path(path)), given or {})


def new_project(path: Path, content: Mapping[str, Any], given: Given) -> ProjectFile:
    """A project.yaml that is still to be written. content: its plain data; given: settings beside them.

    Raises:
        ConfigError: as ``load_config``.
    """
    return _checked(YamlFile(path, content, {}), given)


def parse_variants(named: Mapping[str, str | None], given: Given) -> dict[str, list[Any]]:
    """Settings that have several values, from the texts of options, by dotted key. given: other settings.

    Raises:
        ConfigError: a value that is no YAML, or a setting that is given in both ways.
    """
    varied = {key: parse_several(key, text) for key, text in named.items() if text is not None}
    for key, values in varied.items():
        joined({key: values}, given)
    return varied


def parse_settings(named: Mapping[str, str | None], assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Settings from the texts of options. named: by dotted key, None where one was not given. assignments:
    ``KEY=VALUE``.

    Raises:
        ConfigError: an unknown key, a value that is no YAML, or options that contradict each other.
    """
    chosen = {key: parse_value(key, text) for key, text in named.items() if text is not None}
    return joined(chosen, parse_assignments(Settings, assignments))


def _checked(original: YamlFile, given: Given) -> ProjectFile:
    source = changed(Settings, original, given)
    project = on_board(ProjectFile(_validated(Settings, source.data, source, ()), source, given))
    for index, package in enumerate(project.settings.extensions):
        _extend(project, index, package)
    return project


def _extend(project: ProjectFile, index: int, package: str) -> None:
    try:
        extend(package, project.folder)
    except ConfigError as error:
        raise ConfigError(f"{project.where('extensions', index)} {error}") from error


def read_precision(path: str | Path) -> tuple[Precision, YamlFile, KeyPath]:
    """Read a file that holds a precision: ``{default, layers}``, or a mapping from layer to widths,
    alone or under the key ``precision``.

    Raises:
        ConfigError: as for ``load_config``.
    """
    source = read_yaml(path)
    data = source.data
    keys: KeyPath = ()
    if isinstance(data, dict) and "precision" in data:
        data, keys = data["precision"], ("precision",)
    if isinstance(data, dict):
        data = without_statement(data)
    if isinstance(data, dict) and not set(data) <= {"default", "layers", "file"}:
        wrapped = YamlFile(
            source.path, data, {("layers", *k[len(keys) :]): n for k, n in source.lines.items()}
        )
        settings = _validated(PrecisionSettings, {"layers": data}, wrapped, ())
        source, keys = wrapped, ()
    else:
        settings = _validated(PrecisionSettings, short_precision(data), source, keys)
    if settings.file is None and not settings.model_fields_set & {"default"} and not settings.layers:
        raise ConfigError(
            f"{source.where(keys)}: it holds no widths; write `default: 8`, or layer: width lines"
        )
    if settings.file is not None:
        raise ConfigError(
            f"{source.where(keys)}: a precision file cannot name another one; write the widths here"
        )
    return settings.to_precision(), source, keys


def _validated(kind: type[Any], data: Any, source: YamlFile, keys: KeyPath) -> Any:
    if not isinstance(data, dict):
        what = "is empty" if data is None else f"holds {data!r} where a mapping belongs"
        raise ConfigError(f"{source.where(keys)}: {what}; start from the skeleton that `hpq init` writes")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise ConfigError(first_mistake(kind, error, source, keys)) from None
