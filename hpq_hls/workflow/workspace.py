"""A project.yaml with everything it names loaded and checked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from hpq_hls.billing.calibration import Calibration, load_calibration
from hpq_hls.errors import ConfigError, DataError, HpqError, PrecisionError
from hpq_hls.graph import Graph, plain
from hpq_hls.hardware import FifoError
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize import Precision, Quantizer
from hpq_hls.quantize.precision import check_layers, nearest
from hpq_hls.search.metric import Kind, Metric, find_metric
from hpq_hls.search.scored import values_of
from hpq_hls.search.significance import compare_networks
from hpq_hls.settings.board import boards_file
from hpq_hls.settings.config import ProjectFile, load_config
from hpq_hls.settings.given import merged
from hpq_hls.simulate import QuantizedGraph, QuantizedLayer
from hpq_hls.simulate.loading import load
from hpq_hls.simulate.storage import save
from hpq_hls.verify.stimuli import Stimuli, choose_stimuli
from hpq_hls.workflow.chosen import Chosen, Statement, choose
from hpq_hls.workflow.data import Array, Dataset
from hpq_hls.workflow.digests import data_digests, file_digest, text_digest
from hpq_hls.workflow.folding import target_interval
from hpq_hls.workflow.frames import load_stimuli, save_stimuli
from hpq_hls.workflow.guarantee import beyond, find_guarantee
from hpq_hls.workflow.loading import Loader
from hpq_hls.workflow.options import kept_options
from hpq_hls.workflow.records import FOLDER as RESULTS
from hpq_hls.workflow.results import LayerRow, Network, Origin, SaturationBySplit, Scores
from hpq_hls.workflow.tuned import RECORD as TUNED_RECORD
from hpq_hls.workflow.tuned import TUNED_FILE, Identity, find_tuned

NETWORK, FRAMES = "network", "frames"
"""The kinds of cache entries that a quantized network is, and the frames to verify it with."""
UNIFORM = 8
"""Width of the uniform precision that everything is compared with."""


@dataclass(frozen=True, eq=False)
class Workspace:
    """What every step starts from.

    project: the settings. loader: what they name. option: what the user wants instead of the precision that
    the commands take by themselves, as ``--precision`` takes it, or a choice made already.
    """

    project: ProjectFile
    loader: Loader
    option: str | Chosen | None = None

    @property
    def graph(self) -> Graph:
        """The float network."""
        return self.loader.loaded.graph

    @property
    def calibration(self) -> Dataset:
        """Data that decides the integer bits; as the other splits, checked against the network."""
        return self.loader.loaded.calibration

    @property
    def validation(self) -> Dataset | None:
        """Data that searches measure on."""
        return self.loader.loaded.validation

    @property
    def test(self) -> Dataset | None:
        """Data that is only reported on."""
        return self.loader.loaded.test

    @property
    def train(self) -> Dataset | None:
        """Data for fine-tuning."""
        return self.loader.loaded.train

    @property
    def quantizer(self) -> Quantizer:
        """Calibrated."""
        return self.loader.quantizer

    @cached_property
    def chosen(self) -> Chosen:
        """The precision that is worked with.

        Raises:
            ConfigError, PrecisionError: see ``choose``.
        """
        return choose(self.project, self.loader.fingerprint, self.option)

    @property
    def statement(self) -> Statement:
        """Which precision that is, in words."""
        return self.chosen.statement

    @cached_property
    def target_interval(self) -> int | None:
        """Cycles per inference that layers are folded for: what the settings say, or else what the search
        that found the precision compared networks at, or would; None: the fastest that fits the part."""
        chip = self.project.settings.hardware
        found = chip.target or self.statement.target_interval
        if found is not None or chip.io != "stream":
            return found
        meta = self.loader.cache.meta(NETWORK, self.key)
        return target_interval(self.project, self.quantizer) if meta is None else meta["target_interval"]

    def renewed(self, option: str | Chosen | None = None) -> Workspace:
        """The same project as it is now, after a search, with what was loaded."""
        return Workspace(self.project, self.loader, option)

    def beside(self, project: ProjectFile, option: str | Chosen | None = None) -> Workspace:
        """What was loaded and scored, under other settings for the same model, data and metric."""
        other = Workspace(project, self.loader, option)
        for name in ("uniform", "uniform_score", "float_outputs", "float_score", "metric"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @property
    def scored(self) -> Dataset | None:
        """The split that quality is reported on: test, else validation; None where neither has y."""
        for data in (self.test, self.validation):
            if data is not None and data.y is not None:
                return data
        return None

    @property
    def samples(self) -> Dataset:
        """The split that hardware is verified on."""
        return self.test or self.validation or self.calibration

    @cached_property
    def uniform(self) -> QuantizedGraph:
        """The network at uniform 8 bits."""
        return self.quantizer.quantize(UNIFORM)

    @cached_property
    def float_score(self) -> float | None:
        """The float network's score on ``scored``."""
        data = self.scored
        if data is None or data.y is None:
            return None
        return self.metric(self.float_outputs, data.y)

    @cached_property
    def uniform_score(self) -> float:
        """The score of ``uniform`` on ``scored``."""
        assert self.scored is not None and self.scored.y is not None
        outputs = values_of(self.uniform.predict(self.scored.x), self.scored.output)
        return self.metric(outputs, self.scored.y)

    @cached_property
    def metric(self) -> Metric:
        """What quality is measured by."""
        with self.project.blamed("search"):
            return find_metric(self.project.settings.search.metric, self.project.folder)

    @cached_property
    def float_outputs(self) -> FloatArray:
        """The float network's outputs on ``scored``."""
        assert self.scored is not None
        return values_of(self.graph.predict(self.scored.x), self.scored.output)

    def quantized(self) -> QuantizedGraph:
        """The network at the precision that the settings ask for; fine-tuned where it was at just that.

        Raises:
            ConfigError: the precision or the hardware settings name an unknown layer.
        """
        kept = self.loader.cache.get(NETWORK, self.key, load)
        if kept is not None:
            return kept
        precision = checked_precision(self.chosen, self.quantizer.graph)
        tuned, _ = self._tuned(precision)
        q = self.quantizer.quantize(precision) if tuned is None else tuned
        self._check_folding(q)
        if self.loader.known:
            meta = {"target_interval": self.target_interval}
            self.loader.cache.put(NETWORK, self.key, meta, lambda path: save(q, path, compressed=False))
        return q

    def stimuli(self, q: QuantizedGraph) -> Stimuli:
        """The frames that ``quantized`` is verified with; chosen once."""
        found = self._stimuli.get(q)
        if found is None:
            found = self.loader.cache.get(FRAMES, self.key, lambda path: load_stimuli(q, path))
        if found is None:
            found = made = choose_stimuli(q)
            if self.loader.known:
                self.loader.cache.put(FRAMES, self.key, {}, lambda path: save_stimuli(made, path))
        self._stimuli[q] = found
        return found

    @cached_property
    def _stimuli(self) -> WeakKeyDictionary[QuantizedGraph, Stimuli]:
        return WeakKeyDictionary()

    @property
    def ready(self) -> bool:
        """Whether ``quantized`` and the folding are known without loading anything."""
        try:
            return self.loader.known and self.loader.cache.meta(NETWORK, self.key) is not None
        except HpqError:  # of the precision, which a search does not ask for
            return False

    @property
    def known(self) -> bool:
        """Whether digests cover all that results are made from: where the network comes from, and no metric
        of the user's own, which may read anything."""
        return self.loader.known and ":" not in self.project.settings.search.metric

    @cached_property
    def key(self) -> str:
        """Of all that decides ``quantized`` and its folding."""
        output = self.project.output
        tuned = [file_digest(output / TUNED_FILE), file_digest(output / RESULTS / f"{TUNED_RECORD}.json")]
        settings = self.project.settings
        wish = settings.model_dump(mode="json", exclude={"output", "precision", "finetune"})
        precision = self.chosen.precision.to_dict()
        identity = [self.loader.model_key, data_digests(self.project), wish, precision]
        if settings.hardware.calibration is not None:
            identity.append(file_digest(self.project.path(settings.hardware.calibration)))
        return text_digest([*identity, tuned if settings.search.finetune else None])[:24]

    def _check_folding(self, q: QuantizedGraph) -> None:
        for name in self.project.settings.hardware.layers:
            if name not in q.layers:
                where = self.project.where("hardware", "layers", name)
                raise ConfigError(f"{where}: the network has no such layer{nearest(name, q.layers)}")

    @property
    def origin(self) -> Origin:
        """Where the parameters of ``quantized`` come from."""
        return self._tuned(checked_precision(self.chosen, self.quantizer.graph))[1]

    def _tuned(self, precision: Precision) -> tuple[QuantizedGraph | None, Origin]:
        if not self.project.settings.search.finetune:
            return None, Origin.TRAINED
        return find_tuned(self.project.output, self.identity(precision))

    @property
    def guarantee(self) -> Mapping[str, Any] | None:
        """What a search knows of the drop of ``quantized`` on unseen data, where it found just that."""
        precision = checked_precision(self.chosen, self.quantizer.graph)
        if self._tuned(precision)[1] is Origin.TUNED:  # trained on: the search has not seen these integers
            return None
        return find_guarantee(self.project.output, self.graph, self.identity(precision).text)

    def identity(self, precision: Precision) -> Identity:
        """What fine-tuned parameters at a precision belong to."""
        return Identity(self.graph, self.calibration.x, self.quantizer.options, precision)

    def scores(self, q: QuantizedGraph) -> Scores | None:
        """Quality of a quantized network beside the float one and uniform 8 bits."""
        data = self.scored
        if data is None or data.y is None or self.float_score is None:
            return None
        outputs, wish = values_of(q.predict(data.x), data.output), self.project.settings.search
        comparison = compare_networks(
            self.metric,
            self.float_outputs,
            outputs,
            data.y,
            counts=self.metric.kind is Kind.SHARE,
            seed=wish.seed,
        )
        return Scores(
            metric=self.metric.name,
            split=data.split,
            samples=len(data),
            float_score=self.float_score,
            quantized_score=self.metric(outputs, data.y),
            uniform8_score=self.uniform_score,
            comparison=comparison,
            warning=beyond(comparison, wish.max_drop, self.metric.name, data.split),
        )

    def saturation(self, q: QuantizedGraph) -> SaturationBySplit:
        """Values that did not fit a quantized network's types, on the calibration data and on ``scored``."""
        data = [item for item in (self.calibration, self.scored) if item is not None]
        return {item.split: q.saturation(item.x) for item in data}

    def network(self, q: QuantizedGraph, origin: Origin | None = None) -> Network:
        """A quantized network at a glance. origin: of its parameters; None: that of ``quantized``."""
        inputs = [
            LayerRow(
                name=name,
                kind="input",
                weight_type=None,
                weight_width=None,
                channel_shift=0,
                activation_type=str(kind),
                activation_width=kind.width,
                weights=0,
                parameters=0,
                weight_bits=0,
            )
            for name, kind in q.input_types.items()
        ]
        rows = [_row(layer) for layer in q.layers.values() if layer.op.casts]
        return Network(
            name=q.name,
            input_shape=plain(q.input_shapes),
            output_shape=plain(q.output_shapes),
            layers=(*inputs, *rows),
            parameters=sum(row.parameters for row in rows),
            weight_bits=q.weight_bits,
            uniform8_bits=self.uniform.weight_bits,
            origin=origin or self.origin,
        )

    def hardware(self, target_interval: int | None = None) -> dict[str, Any]:
        """The hardware settings as ``hpq_hls.project.hardware_config`` takes them.

        target_interval: to fold for; None: that of the project.
        """
        target = self.target_interval if target_interval is None else target_interval
        return self.project.settings.hardware.arguments() | {"target_interval": target, "target_fps": None}

    def board(self) -> dict[str, Any]:
        """The board of the settings as ``hpq_hls.generate`` takes it."""
        return {"board": self.project.settings.hardware.board, "boards": boards_file(self.project)}

    @cached_property
    def factors(self) -> Calibration | None:
        """What estimates are calibrated by.

        Raises:
            ConfigError: the file cannot be read, with the line that names it.
        """
        written = self.project.settings.hardware.calibration
        if written is None:
            return None
        try:
            return load_calibration(self.project.path(written))
        except ConfigError as error:
            raise ConfigError(f"{self.project.where('hardware', 'calibration')}: {error}") from error

    @contextlib.contextmanager
    def fifo_depths(self) -> Iterator[Mapping[str, int]]:
        """The settings' FIFO depths, for one who gives them to a design.

        Raises:
            ConfigError: the design cannot have one of them, with file and line.
        """
        given = self.project.settings.hardware.fifo_depths
        try:
            yield given
        except FifoError as error:
            if error.stream not in given:
                raise
            where = self.project.where("hardware", "fifo_depths", error.stream)
            raise ConfigError(f"{where} {error.problem}") from error


def _row(layer: QuantizedLayer) -> LayerRow:
    stored, shift = layer.stored_weight_type, layer.weight_shift
    return LayerRow(
        name=layer.name,
        kind=layer.kind if layer.activation is None else f"{layer.kind} + {layer.activation.kind}",
        weight_type=None if stored is None else str(stored),
        weight_width=layer.weight_width,
        channel_shift=0 if shift is None else int(shift.max()),
        activation_type=str(layer.output_type),
        activation_width=layer.output_type.width,
        weights=0 if layer.weight_raw is None else layer.weight_raw.size,
        parameters=sum(raw.size for raw in (layer.weight_raw, layer.bias_raw) if raw is not None),
        weight_bits=layer.weight_bits,
    )


def open_workspace(
    source: str | Path | ProjectFile,
    precision: str | Chosen | None = None,
    given: Mapping[str, Any] | None = None,
    *,
    generated: bool = False,
) -> Workspace:
    """Load and check everything a project.yaml names; what has not changed since it was checked last is
    loaded when it is needed.

    precision: instead of the one that the project has: see ``Workspace.option``. given: settings instead
    of the project's, by dotted key, as ``ProjectFile.with_settings`` takes them. generated: beside them those
    that the last ``hpq generate`` was given, if project.yaml is still what it was then.

    Raises:
        ConfigError, DataError, UnsupportedOperatorError: one sentence saying what, where, what to do.
    """
    wish = given or {}
    project = source.with_settings(wish) if isinstance(source, ProjectFile) else load_config(source, wish)
    if generated:
        project = project.with_settings({**merged(kept_options(project), wish)})
    loader = Loader(project)
    work = Workspace(project, loader, precision)
    if not work.ready:
        _ = loader.quantizer
    return work


def checked_precision(chosen: Chosen, graph: Graph) -> Precision:
    """The precision that was chosen; every layer it names is in the (prepared) graph.

    Raises:
        ConfigError: an unknown layer, or a width that a layer has no use for, with file and line.
    """
    for name, widths in chosen.precision.layers.items():
        try:
            check_layers(Precision(layers=MappingProxyType({name: widths})), graph)
        except PrecisionError as error:  # noqa: PERF203  # a handful of layers
            raise ConfigError(f"{chosen.source.where((*chosen.keys, 'layers', name))}: {error}") from error
    return chosen.precision


def required(data: Dataset | None, project: ProjectFile, split: str) -> tuple[Dataset, Array]:
    """A split that a step cannot do without, and its y.

    Raises:
        ConfigError: project.yaml does not name it. DataError: it has no y.
    """
    if data is None:
        raise ConfigError(
            f"{project.source.where(('data',))}: data.{split} is missing; name a file with x and y"
        )
    if data.y is None:
        raise DataError(
            f"{data.path} holds no array y; save the labels beside x with numpy.savez(path, x=..., y=...)"
        )
    return data, data.y
