"""What a project.yaml names, loaded and checked, at the moment it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer
from hpq_hls.settings.config import ProjectFile
from hpq_hls.simulate.storage import load_graph, save_graph
from hpq_hls.workflow.cache import Cache
from hpq_hls.workflow.data import Dataset, check_range, load_dataset, scored_among
from hpq_hls.workflow.digests import data_digests, installation_digest, model_digest, text_digest
from hpq_hls.workflow.model import load_model
from hpq_hls.workflow.records import graph_fingerprint

MODEL = "model"
SPLITS = ("calibration", "validation", "test", "train")
SCORED = ("validation", "test", "train")
"""Where y is read from, the one that says which output it is for first."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """The float network, and the data checked against it."""

    graph: Graph
    calibration: Dataset
    validation: Dataset | None
    test: Dataset | None
    train: Dataset | None


class Loader:
    """Loads a project once. The network comes from the cache where that has it."""

    def __init__(self, project: ProjectFile) -> None:
        self._project = project
        self.cache = Cache(project.output)

    @cached_property
    def model_key(self) -> str:
        """Of all that decides the float network."""
        project = self._project
        calibration = data_digests(project)["calibration"]
        identity = [installation_digest(), model_digest(project), project.settings.name, calibration]
        return text_digest([*identity, project.settings.model.model_dump()])[:24]

    @property
    def known(self) -> bool:
        """Whether the network is in the cache, which it is only where all that it comes from is known."""
        return self.cache.meta(MODEL, self.model_key) is not None

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the float network."""
        meta = self.cache.meta(MODEL, self.model_key)
        return graph_fingerprint(self.loaded.graph) if meta is None else str(meta["fingerprint"])

    @cached_property
    def loaded(self) -> Loaded:
        """Everything that is named.

        Raises:
            ConfigError, DataError, UnsupportedOperatorError: see ``open_workspace``.
        """
        project, data = self._project, self._project.settings.data
        raw = {
            split: None
            if (written := getattr(data, split)) is None
            else load_dataset(
                project.path(written), split, project.where("data", split), scored=split != "calibration"
            )
            for split in SPLITS
        }
        calibration = raw["calibration"]
        assert calibration is not None
        graph = self.cache.get(MODEL, self.model_key, load_graph)
        if graph is None:
            graph, complete = load_model(project, calibration)
            if complete:
                meta = {"fingerprint": graph_fingerprint(graph)}
                made = graph
                self.cache.put(MODEL, self.model_key, meta, lambda path: save_graph(made, path))
        metric = project.settings.search.metric
        wish = project.settings.search.output
        with project.blamed("search"):
            output = scored_among(graph, (raw[split] for split in SCORED), wish)
        fitted = {
            split: None if given is None else given.fitted(graph, metric, output)
            for split, given in raw.items()
        }
        calibration = fitted["calibration"]
        assert calibration is not None
        check_range(calibration)
        return Loaded(graph, calibration, fitted["validation"], fitted["test"], fitted["train"])

    @cached_property
    def quantizer(self) -> Quantizer:
        """Calibrated."""
        loaded = self.loaded
        return Quantizer(loaded.graph, loaded.calibration.x, self._project.settings.quantizer.options())
