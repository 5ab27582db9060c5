"""What is known of the drop on unseen data, and words for a drop that is larger than was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpq_hls.graph import Graph
from hpq_hls.search import SearchResult
from hpq_hls.search.metric import shown_drop
from hpq_hls.search.significance import TestScore
from hpq_hls.workflow.records import graph_fingerprint, read_record

FIELDS = ("metric", "max_drop", "confidence", "certified", "drop_bound", "confirmation")
TOLERANCE = 1e-9
"""What the search takes for equal, too: scores are sums of floats."""


def confirmed(found: SearchResult) -> Mapping[str, Any] | None:
    """How a search confirmed its result on data held back, with the sentence that says so."""
    if found.confirmation is None:
        return None
    return {**vars(found.confirmation), "sentence": found.confirmation.sentence()}


def find_guarantee(output: Path, graph: Graph, identity: str) -> Mapping[str, Any] | None:
    """What the last search knows of a network on unseen data, by ``FIELDS``; None if it did not find it.

    identity: of the network's parameters (see ``tuned.Identity``).
    """
    found = read_record(output, "search", graph_fingerprint(graph))
    if found is None or found["identity"] != identity:
        return None
    return {name: found[name] for name in FIELDS}


def beyond(test: TestScore, most: float, metric: str, split: str, whose: str = "") -> str:
    """One sentence where a drop is larger than what may be lost, else "". whose: "fine-tuned network's "."""
    if test.drop <= most + TOLERANCE:
        return ""
    low, high = (shown_drop(metric, end) for end in test.drop_interval)
    lost, allowed = shown_drop(metric, test.drop), shown_drop(metric, most).removesuffix(" points")
    sure = f"{100 * test.confidence:g} %: {low.removesuffix(' points')} to {high}"
    return (
        f"the {whose}drop on the {split} data, {lost}, is more than the {allowed} allowed ({sure}); "
        "search with more validation data, or ask for a smaller max_drop"
    )
