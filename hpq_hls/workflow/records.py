"""What earlier commands found out, kept beside the artifacts so that a report can show it.

Each record says what it is about, as a fingerprint: a record of another network or of other settings
is not used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from hpq_hls.graph import Graph
from hpq_hls.graph import plain as plain_of
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.plain import plain

FOLDER = "results"
FORMAT = 7
"""Raised whenever results of an earlier version can no longer be shown."""


def save_record(output: Path, command: str, about: str, result: Any) -> Path:
    """Keep the result of a command; ``about`` is a fingerprint."""
    path = output / FOLDER / f"{command}.json"
    content = {"format": FORMAT, "about": about, "result": plain(result)}
    write_file(path, json.dumps(content, indent=1) + "\n")
    return path


def read_record(output: Path, command: str, about: str) -> Any | None:
    """The kept result of a command, as plain data; None where there is none of this fingerprint."""
    try:
        held = json.loads((output / FOLDER / f"{command}.json").read_text(encoding="utf-8"))
        return held["result"] if (held["format"], held["about"]) == (FORMAT, about) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_outdated(output: Path, command: str, about: str) -> bool:
    """Whether there is a result of a command, but of another fingerprint or an earlier version."""
    return (output / FOLDER / f"{command}.json").is_file() and read_record(output, command, about) is None


def graph_fingerprint(graph: Graph) -> str:
    """Identifies a float network: operators, shapes, parameters."""
    identity = hashlib.sha256()
    for node in graph.nodes:
        identity.update(f"{node.name}|{node.op.kind}|{node.inputs}|{graph.shapes[node.name]}\n".encode())
        for values in (node.op.weight, node.op.bias):
            if values is not None:
                identity.update(np.ascontiguousarray(values).tobytes())
    identity.update(_several(graph).encode())
    return identity.hexdigest()[:16]


def _several(graph: Graph) -> str:
    """The outputs of a network with several."""
    return "" if len(graph.outputs) == 1 else f"|{dict(graph.outputs)}"


def network_fingerprint(q: QuantizedGraph, settings: str) -> str:
    """Identifies a quantized network under hardware settings, given as text."""
    types = {name: str(kind) for name, kind in q.input_types.items()}
    ends = f"{plain_of(q.input_shapes)}|{plain_of(types)}{_several(q.graph)}"
    identity = hashlib.sha256(f"{settings}|{q.name}|{ends}\n".encode())
    for name, layer in q.layers.items():
        identity.update(
            f"{name}|{layer.kind}|{layer.inputs}|{layer.output_type}|{layer.weight_type}|{layer.weight_width}\n"
            "".encode()
        )
        for values in (layer.weight_raw, layer.bias_raw, layer.weight_shift):
            if values is not None:
                identity.update(np.ascontiguousarray(values).tobytes())
    return identity.hexdigest()[:16]
