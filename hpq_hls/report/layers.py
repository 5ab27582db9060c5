"""All that is known of each layer, in one row."""

from __future__ import annotations

from typing import Any

Plain = dict[str, Any]


def layer_rows(summary: Plain) -> list[Plain]:
    """One row for each input and layer, in the order in which they run: what the network, the estimate and
    the trace say of it; None for what one of them does not know."""
    network = {layer["name"]: layer for layer in summary["network"]["layers"]}
    estimate = {layer["name"]: layer for layer in summary["estimate"]["estimate"]["layers"]}
    trace = {layer["name"]: layer for layer in summary["trace"]["layers"]}
    inputs = [name for name, layer in network.items() if layer["kind"] == "input"]
    names = dict.fromkeys([*inputs, *trace, *network, *estimate])
    return [
        {
            "name": name,
            "network": network.get(name),
            "estimate": estimate.get(name),
            "trace": trace.get(name),
        }
        for name in names
    ]
