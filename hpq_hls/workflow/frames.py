"""The frames that a network is verified with, kept between commands: choosing takes longer than reading."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hpq_hls.errors import DataError
from hpq_hls.npyfile import BROKEN, read_member
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.coverage import measure
from hpq_hls.verify.stimuli import Stimuli

_WORDS = "words.npy"


def save_stimuli(stimuli: Stimuli, path: Path) -> None:
    """Write frames and where they are from; what they reach is measured again."""
    words = json.dumps({"origins": stimuli.origins, "notes": stimuli.notes}).encode()
    arrays: dict[str, Any] = {f"input{index}": raw for index, raw in enumerate(stimuli.raw.values())}
    arrays[_WORDS.removesuffix(".npy")] = np.frombuffer(words, np.uint8)
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_stimuli(q: QuantizedGraph, path: Path) -> Stimuli:
    """What ``save_stimuli`` wrote for this network.

    Raises:
        DataError: it is damaged, or of another network.
    """
    try:
        total = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            held = json.loads(read_member(archive, _WORDS, total).tobytes())
            raw = {
                name: read_member(archive, f"input{index}.npy", total).astype(np.int64)
                for index, name in enumerate(q.input_types)
            }
        origins, notes = tuple(map(str, held["origins"])), tuple(map(str, held["notes"]))
        for name, part in raw.items():
            codes = q.input_types[name].code_interval
            if part.shape != (len(origins), *q.graph.inputs[name]):
                raise ValueError(f"the frames of {name!r} have shape {part.shape}")
            if part.size and not codes.lo <= int(part.min()) <= int(part.max()) <= codes.hi:
                raise ValueError(f"the frames of {name!r} leave the type of the input")
        return Stimuli(raw, origins, measure(q, raw), notes)
    except BROKEN as error:
        raise DataError(f"{path} cannot be read ({error}); delete it") from error
