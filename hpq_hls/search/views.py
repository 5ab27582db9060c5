"""The samples that a search looks at, and those that other searches on the same data will look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpq_hls.graph import Graph, Inputs, joined
from hpq_hls.ops.base import FloatArray
from hpq_hls.quantize import Quantizer
from hpq_hls.search.confirmation import Split
from hpq_hls.search.evaluation import View
from hpq_hls.search.fingerprint import fingerprint
from hpq_hls.search.gauge import gauge_of
from hpq_hls.search.metric import Metric
from hpq_hls.search.scored import values_of
from hpq_hls.search.space import Space
from hpq_hls.simulate import Simulator
from hpq_hls.version import __version__

UNIFORM_WIDTHS = range(8, 1, -1)
"""Of networks that show what errors cost."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What views are views of.

    graph: the float network. x, targets: of the validation samples. reference: the float network's outputs
    of these. more: samples without labels. output: the one that is scored. calibration: samples that the
    quantizer was made with.
    """

    graph: Graph
    quantizer: Quantizer
    space: Space
    metric: Metric
    x: Inputs
    targets: npt.NDArray[np.generic]
    reference: FloatArray
    more: Inputs
    output: str
    calibration: Inputs

    def views(self, splits: Sequence[Split]) -> list[View]:
        """One for each way to divide the samples, in order; equal ones only once."""
        float_graph = self.quantizer.graph
        outputs = np.concatenate([self.reference, values_of(float_graph.predict(self.more), self.output)])
        mark = self._mark()
        found: dict[str, View] = {}
        for split in splits:
            rows = np.concatenate([split.searched, len(self.x) + np.arange(len(self.more))])
            name = fingerprint({"ground": mark, "rows": rows})
            if name not in found:
                labels = self.targets[split.searched]
                gauge = gauge_of(self.metric, outputs[rows], labels, self._uniform_outputs(rows))
                found[name] = View(name, rows, gauge)
        return list(found.values())

    def everything(self) -> Inputs:
        """All samples, those without labels last."""
        return joined([self.x, self.more])

    def _uniform_outputs(self, rows: npt.NDArray[np.int64]) -> Iterator[FloatArray]:
        """What networks of about one width everywhere put out."""
        simulator, space = Simulator(self.everything()[rows]), self.space
        for combination in dict.fromkeys(space.near(width) for width in UNIFORM_WIDTHS):
            network = self.quantizer.quantize(space.precision(combination))
            yield values_of(simulator.predict(network), self.output)

    def _mark(self) -> str:
        """Of all that decides what is seen of a combination, but for the samples that are looked at."""
        return fingerprint(
            {
                "version": __version__,
                "graph": self.graph,
                "calibration": self.calibration,
                "quantizer": self.quantizer.options,
                "space": self.space,
                "scored": self.metric,
                "x": self.everything(),
                "y": self.targets,
                "output": self.output,
            }
        )
