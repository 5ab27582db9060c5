"""precision.yaml: the widths that a search found, and what is known of them."""

from __future__ import annotations

from typing import Any

import yaml

from hpq_hls.search.metric import shown, shown_drop

USE = "Commands use it without being told; in another project, write `precision: <path of this file>`."


def precision_text(found: dict[str, Any], by: str = "hpq search", use: str = USE) -> str:
    """The file of a search's outcome in its plain form. by: the command that found it; use: how to use it."""
    metric, best = found["metric"], found["best"]
    known = {key: found[key] for key in ("certified", "drop_bound", "confidence")}
    head = (
        f"# Found by {by}: {found['cost_of']} {best['cost']:,.0f}, {metric} "
        f"{shown(metric, best['accuracy'])} on the validation data (float "
        f"{shown(metric, found['float_accuracy'])}).\n"
        f"{_unseen(found)}"
        f"{_tuned(found)}"
        f"# {use}\n"
    )
    content = {**best["precision"], "guarantee": known}
    return head + yaml.safe_dump(content, sort_keys=False, default_flow_style=None)


def _unseen(found: dict[str, Any]) -> str:
    if found["confidence"] is None:
        return ""
    if found["drop_bound"] is None:
        return "# Drop on unseen data: unknown, not certified.\n"
    sure = f"{100 * found['confidence']:g} %"
    verdict = "certified" if found["certified"] else "not certified"
    most = shown_drop(found["metric"], found["drop_bound"])
    return f"# Drop on unseen data: at most {most} ({sure}), {verdict}.\n"


def _tuned(found: dict[str, Any]) -> str:
    tuned = found["tuned"]
    if tuned is None or not tuned["used"]:
        return ""
    after = shown(found["metric"], tuned["accuracy_after"])
    return f"# Fine-tuned: {found['cost_of']} {tuned['cost']:,.0f}, {found['metric']} {after}.\n"
