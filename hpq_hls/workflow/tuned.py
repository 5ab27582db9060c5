"""Fine-tuned parameters between commands: kept as a network, and used only where they belong.

``hpq search`` with ``search.finetune: true`` writes ``finetuned.hpq``, the network with the integers that
training ended with, and a record that says what they belong to: the model, the calibration data, the
quantizer's options and the widths. As long as ``search.finetune`` stays true, every command whose
precision is that one takes the network from there; anything else is quantized as usual.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.errors import HpqError
from hpq_hls.graph import Graph, Inputs
from hpq_hls.quantize import Precision, QuantizerOptions
from hpq_hls.search.fingerprint import fingerprint
from hpq_hls.simulate import QuantizedGraph, load
from hpq_hls.tools.files import make_folder
from hpq_hls.workflow.records import read_record, save_record
from hpq_hls.workflow.results import Origin

TUNED_FILE = "finetuned.hpq"
RECORD = "finetune"


@dataclass(frozen=True, eq=False)
class Identity:
    """What fine-tuned parameters belong to."""

    graph: Graph
    calibration_x: Inputs
    options: QuantizerOptions
    precision: Precision

    @property
    def text(self) -> str:
        """Equal where all of it is equal."""
        content = {"graph": self.graph, "x": self.calibration_x, "options": self.options}
        return fingerprint({**content, "precision": self.precision.to_dict()})


def keep_tuned(output: Path, identity: Identity, q: QuantizedGraph) -> Path:
    """Write the fine-tuned network and what it belongs to.

    Raises:
        OutputError: it cannot be written.
    """
    path = output / TUNED_FILE
    make_folder(output)
    q.save(path)
    save_record(output, RECORD, identity.text, {"sha256": _digest(path)})
    return path


def forget_tuned(output: Path) -> None:
    """Remove the fine-tuned network of an earlier search."""
    (output / TUNED_FILE).unlink(missing_ok=True)


def find_tuned(output: Path, identity: Identity) -> tuple[QuantizedGraph | None, Origin]:
    """The fine-tuned network, if it belongs to just this, and where parameters come from."""
    path = output / TUNED_FILE
    if not path.is_file():
        return None, Origin.TRAINED
    record = read_record(output, RECORD, identity.text)
    try:
        if record is not None and record["sha256"] == _digest(path):
            return load(path), Origin.TUNED
    except (OSError, HpqError, KeyError, TypeError):
        pass
    return None, Origin.STALE


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
