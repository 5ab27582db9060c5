"""Estimates of a network, kept by content: following a large design takes longer than reading it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hpq_hls.cost import LayerEstimate, Misfit, Proposal, ResourceEstimate
from hpq_hls.cost.capacity import Shortage
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.workspace import Workspace

KIND = "estimate"


def kept_estimate(work: Workspace) -> tuple[ResourceEstimate, Misfit | None] | None:
    """What was estimated for just this network and these settings before."""
    return work.loader.cache.get(KIND, work.key, _read)


def keep_estimate(work: Workspace, found: ResourceEstimate, short: Misfit | None) -> None:
    """For ``kept_estimate``, if all that the network comes from is known."""
    if work.ready:
        text = json.dumps({"estimate": asdict(found), "misfit": None if short is None else asdict(short)})
        work.loader.cache.put(KIND, work.key, {}, lambda path: write_file(path, text))


def _read(path: Path) -> tuple[ResourceEstimate, Misfit | None]:
    held = json.loads(path.read_text(encoding="utf-8"))
    plain: dict[str, Any] = held["estimate"]
    layers = tuple(
        LayerEstimate(**{**layer, "kinds": tuple(layer["kinds"])}) for layer in plain.pop("layers")
    )
    notes = tuple(plain.pop("notes"))
    return ResourceEstimate(**plain, layers=layers, notes=notes), _misfit(held["misfit"])


def _misfit(plain: dict[str, Any] | None) -> Misfit | None:
    if plain is None:
        return None
    short = tuple(Shortage(**item) for item in plain["shortages"])
    proposal = None if plain["proposal"] is None else Proposal(**plain["proposal"])
    return Misfit(plain["part"], plain["io"], short, proposal)
