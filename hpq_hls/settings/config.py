"""project.yaml <-> typed settings. Every error is one sentence with the file, the line and the key."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from hpq_hls.codegen.boards import known_board
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import find_part
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import Rounding
from hpq_hls.hardware import (
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    Control,
    Export,
    Memory,
    Multiplier,
    System,
    Tlast,
    system_of,
    target_of,
)
from hpq_hls.importing import extend
from hpq_hls.project import DEFAULT_CLOCK_NS, LayerSettings
from hpq_hls.quantize import Precision, parse_precision
from hpq_hls.quantize.precision import without_statement
from hpq_hls.search.errors import SettingError
from hpq_hls.search.metric import Kind, kind_of
from hpq_hls.settings.board import on_board
from hpq_hls.settings.errors import first_mistake
from hpq_hls.settings.fields import (
    Bits,
    Depth,
    Empty,
    FileName,
    Positive,
    Real,
    Section,
    Text,
    each_once,
    nothing,
    one_of,
)
from hpq_hls.settings.given import Given, changed, joined, merged, parse_assignments, parse_value
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
    "parse_settings",
    "project_path",
    "read_precision",
]


def _part(value: str) -> str:
    """A part, or a known board for the part that is on it."""
    try:
        find_part(value)
    except ConfigError as error:
        board = known_board(value)
        if board is None:
            raise ValueError(f"is {value!r}: {error}") from error
        return board.part
    return value


def _both(value: Any) -> Any:
    """A single width for weights and activations."""
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return {"weight": value, "activation": value}
    return value


def _precision(value: Any) -> Any:
    """The short forms: one width for everything, or the path of a file."""
    if isinstance(value, str) and not value.strip().startswith("ap_"):
        return {"file": value}
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return {"default": value}
    return nothing(value)


class ModelSettings(Section):
    """The network: ``source`` (.pt2 or .onnx), or ``factory`` ("pkg.mod:make") with its ``weights``.

    drop_final_ranking: without a softmax or sigmoid at its end, which only ranks.
    """

    source: FileName | None = None
    factory: Text | None = None
    weights: FileName | None = None
    drop_final_ranking: bool = False

    @model_validator(mode="after")
    def _complete(self) -> ModelSettings:
        if (self.source is None) == (self.factory is None):
            raise ValueError("needs either source (a .pt2 or .onnx file) or factory (pkg.mod:make), not both")
        if self.source is not None and Path(self.source).suffix.lower() not in (".pt2", ".onnx"):
            raise ValueError(
                f"has source {self.source!r}; give a .pt2 file from torch.export.save or an .onnx file, or "
                "use factory and weights for a state dict"
            )
        if self.weights is not None and self.factory is None:
            raise ValueError(
                "has weights without factory; add factory: pkg.mod:make, the function that builds it"
            )
        if self.factory is not None and not all(self.factory.partition(":")):
            raise ValueError(f"has factory {self.factory!r}; write it as package.module:function")
        return self


class DataSettings(Section):
    """Files with ``x``, and ``y`` where something is scored. train: for fine-tuning."""

    calibration: FileName
    validation: FileName | None = None
    test: FileName | None = None
    train: FileName | None = None


class WidthSettings(Section):
    """Widths of one layer, and how its output is rounded."""

    weight: Bits | None = None
    activation: Bits | None = None
    bias: Bits | None = None
    rounding: Annotated[Text, one_of(mode.value for mode in Rounding)] | None = None


Widths = Annotated[WidthSettings, BeforeValidator(_both)]


class PrecisionSettings(Section):
    """Widths of the network, here or in a ``file``."""

    file: FileName | None = None
    default: Widths = WidthSettings(weight=8, activation=8)
    layers: Annotated[dict[str, Widths], Empty] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> PrecisionSettings:
        if self.file is not None and self.model_fields_set != {"file"}:
            raise ValueError("names a file and widths too; keep one of them")
        return self

    def to_precision(self) -> Precision:
        """The widths as ``hpq_hls.quantize`` takes them; those of a file are not read."""
        return parse_precision(self.model_dump(exclude={"file"}))


MULTIPLIER = tuple(item.value for item in Multiplier)
OLDER_MULTIPLIERS = (*MULTIPLIER, "fabric")
"""What ``multipliers`` may be, the older name of ``multiplier``; fabric is lut."""
TWO_MULTIPLIERS = "names multiplier and multipliers, which mean the same; keep multiplier"


class FoldingSettings(Section):
    """Folding of one layer."""

    pe: Positive | None = None
    simd: Positive | None = None
    reuse_factor: Positive | None = None
    strategy: Annotated[Text, one_of(("folded", "unrolled", "da"))] | None = None
    multiplier: Annotated[Text, one_of(MULTIPLIER)] | None = None
    multipliers: Annotated[Text, one_of(OLDER_MULTIPLIERS)] | None = None

    @model_validator(mode="after")
    def _one_multiplier(self) -> FoldingSettings:
        if self.multiplier is not None and self.multipliers is not None:
            raise ValueError(TWO_MULTIPLIERS)
        return self


Backends = Annotated[
    tuple[Annotated[Text, one_of(("vitis", "vivado", "rtl"))], ...],
    Field(min_length=1),
    AfterValidator(each_once),
]


class IpSettings(Section):
    """What the IP block is called; null: by the tool's own words."""

    vendor: Text | None = None
    library: Text | None = None
    version: Text | float | None = None
    display_name: Text | None = None


class HardwareSettings(Section):
    """The chip, the clock and the folding.

    target_interval: cycles, or target_fps: inferences per second; without both the fastest that takes no more
    than ``utilisation`` of each resource of the part. board: that a system is made for; it sets the part
    where none is given. boards: a file with boards of the user's. tlast: whether the input ports look at it,
    so that packets of a wrong size raise a flag. control, memory, clock_uncertainty, export, ip: see
    ``System``. fifo_depths: beats by stream, instead of what timing gives. calibration: a file of
    ``hpq calibrate``, whose figures estimates give.
    """

    backends: Backends = ("vitis", "rtl")
    part: Annotated[Text, AfterValidator(_part)] = DEFAULT_PART
    board: Text | None = None
    boards: FileName | None = None
    clock_ns: Annotated[Real, Field(gt=0)] = DEFAULT_CLOCK_NS
    io: Annotated[Text, one_of(("stream", "parallel"))] = "stream"
    target_interval: Positive | None = None
    target_fps: Annotated[Real, Field(gt=0)] | None = None
    utilisation: Annotated[Real, Field(gt=0, le=1)] = DEFAULT_UTILISATION
    reuse_factor: Positive | None = None
    strategy: Annotated[Text, one_of(("folded", "unrolled", "da"))] = "folded"
    multiplier: Annotated[Text, one_of(MULTIPLIER)] = "auto"
    multipliers: Annotated[Text, one_of(OLDER_MULTIPLIERS)] | None = None
    tlast: Annotated[Text, one_of(("checked", "ignored"))] = "checked"
    control: Annotated[Text, one_of(item.value for item in Control)] = "none"
    memory: Annotated[Text, one_of(item.value for item in Memory)] = "axis"
    clock_uncertainty: Real | Text | None = None
    export: Annotated[Text, one_of(item.value for item in Export)] = "none"
    ip: Annotated[IpSettings, Empty] = IpSettings()
    layers: Annotated[dict[str, FoldingSettings], Empty] = Field(default_factory=dict)
    fifo_depths: Annotated[dict[str, Depth], Empty] = Field(default_factory=dict)
    calibration: FileName | None = None

    @model_validator(mode="after")
    def _one_multiplier(self) -> HardwareSettings:
        if self.multiplier != "auto" and self.multipliers is not None:
            raise ValueError(TWO_MULTIPLIERS)
        return self

    @model_validator(mode="after")
    def _target(self) -> HardwareSettings:
        try:
            _ = self.target
        except ConfigError as error:
            raise ValueError(f"cannot be built: {error}") from None
        return self

    @model_validator(mode="after")
    def _system(self) -> HardwareSettings:
        try:
            for backend in self.backends:
                find_backend(backend).built(self.system)
        except ConfigError as error:
            raise ValueError(f"cannot be built: {error}") from None
        return self

    @property
    def system(self) -> System:
        """How the design stands in a system."""
        return system_of(**self.system_arguments(), clock_ns=self.clock_ns)

    @property
    def target(self) -> int | None:
        """The target interval in cycles."""
        return target_of(self.target_interval, self.target_fps, self.clock_ns)

    def arguments(self) -> dict[str, Any]:
        """For ``hpq_hls.project.hardware_config``."""
        left_out = {"backends", "fifo_depths", "calibration", "board", "boards", *_SYSTEM}
        plain = self.model_dump(exclude=left_out)
        if self.memory == Memory.M_AXI.value:  # its packets are the kernel's own
            plain["tlast"] = Tlast.IGNORED.value
        return {**plain, "layers": self.folding()}

    def system_arguments(self) -> dict[str, Any]:
        """For ``hpq_hls.generate``, beside ``arguments``."""
        return self.model_dump(include=set(_SYSTEM))

    def folding(self) -> LayerSettings:
        """``layers`` as ``hpq_hls.generate`` takes it."""
        return {name: given.model_dump(exclude_none=True) for name, given in self.layers.items()}


_SYSTEM = ("control", "memory", "clock_uncertainty", "export", "ip")
"""Settings that change nothing of what is computed."""


class Settings(Section):
    """A whole project.yaml. ``name``: of the top-level function and module. ``extensions``: packages with
    operators and kernels of their own, in the project's folder or installed."""

    name: Text | None = None
    extensions: Annotated[tuple[Text, ...], AfterValidator(each_once)] = ()
    model: ModelSettings
    data: DataSettings
    precision: Annotated[PrecisionSettings, BeforeValidator(_precision)] = PrecisionSettings()
    quantizer: Annotated[QuantizerSettings, Empty] = QuantizerSettings()
    search: Annotated[SearchSettings, Empty] = SearchSettings()
    finetune: Annotated[FinetuneSettings, Empty] = FinetuneSettings()
    hardware: Annotated[HardwareSettings, Empty] = HardwareSettings()
    output: FileName = "build"

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
        settings = _validated(PrecisionSettings, _precision(data), source, keys)
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
