"""Estimates of a network, kept by content: following a large design takes longer than reading it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hpq_hls.cost import LayerEstimate, Misfit, Proposal, ResourceEstimate
from hpq_hls.cost.capacity import Shortage
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.results import EstimateResult, Modelled
from hpq_hls.workflow.workspace import Workspace

KIND = "estimate"
Kept = tuple[ResourceEstimate, Misfit | None, Modelled | None]


def kept_estimate(work: Workspace) -> Kept | None:
    """What was estimated for just this network and these settings before."""
    return work.loader.cache.get(KIND, work.key, _read)


def keep_estimate(work: Workspace, found: EstimateResult) -> None:
    """For ``kept_estimate``, if all that the network comes from is known."""
    if work.ready:
        short, cpp = found.misfit, found.modelled
        content = {
            "estimate": asdict(found.estimate),
            "misfit": None if short is None else asdict(short),
            "modelled": None if cpp is None else asdict(cpp),
        }
        text = json.dumps(content)
        work.loader.cache.put(KIND, work.key, {}, lambda path: write_file(path, text))


def _read(path: Path) -> Kept:
    held = json.loads(path.read_text(encoding="utf-8"))
    plain: dict[str, Any] = held["estimate"]
    layers = tuple(
        LayerEstimate(**{**layer, "kinds": tuple(layer["kinds"])}) for layer in plain.pop("layers")
    )
    notes = tuple(plain.pop("notes"))
    found = ResourceEstimate(**_with_ranges(plain), layers=layers, notes=notes)
    cpp = held["modelled"]
    return found, _misfit(held["misfit"]), None if cpp is None else Modelled(**_with_ranges(cpp))


def _with_ranges(plain: dict[str, Any]) -> dict[str, Any]:
    """Lists of JSON that are pairs."""
    pairs = {name: plain[name] for name in ("latency_range", "interval_range")}
    return {**plain, **{name: None if pair is None else tuple(pair) for name, pair in pairs.items()}}


def _misfit(plain: dict[str, Any] | None) -> Misfit | None:
    if plain is None:
        return None
    short = tuple(Shortage(**item) for item in plain["shortages"])
    proposal = None if plain["proposal"] is None else Proposal(**plain["proposal"])
    return Misfit(plain["part"], plain["io"], short, proposal)
