"""Readable layer names for ONNX nodes, whichever exporter wrote them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hpq_hls.frontends.origin import Origin
from hpq_hls.frontends.torch_origin import source_line

_LINEAR_PAIR = frozenset({"MatMul", "Add"})
"""How exporters spell a linear layer whose input may have any rank."""


def onnx_origins(nodes: Sequence[Any]) -> list[Origin]:
    """Where each node comes from, in order.

    Understood are the metadata of torch.export's exporter, the "/block/block.0/conv1/Conv" names of
    torch's earlier one, and plain names, which are kept.
    """
    scopes = [_slashed_scope(node) for node in nodes]
    operators: dict[str, set[str]] = defaultdict(set)
    parents: set[str] = set()
    for node, scope in zip(nodes, scopes, strict=True):
        if scope is not None:
            operators[scope].add(node.op_type)
            parts = scope.split(".")
            parents.update(".".join(parts[:depth]) for depth in range(len(parts)))
    origins = []
    for node, scope in zip(nodes, scopes, strict=True):
        metadata = {entry.key: entry.value for entry in node.metadata_props}
        label = f"operator {node.op_type}" + (f" (node {node.name!r})" if node.name else "")
        described = _described_scope(metadata)
        if described is not None:
            source = source_line(metadata.get("pkg.torch.onnx.stack_trace"))
            origins.append(Origin(label, described[0], described[1], source))
        elif scope is not None:
            alone = len(operators[scope]) == 1 or operators[scope] == _LINEAR_PAIR
            origins.append(Origin(label, scope, leaf=alone and scope not in parents))
        else:
            plain = node.name.strip().removeprefix("node_")
            origins.append(Origin(label, plain, leaf=bool(plain)))
    return origins


def _slashed_scope(node: Any) -> str | None:
    """The path in a slashed name ("/layer1/layer1.0/conv1/Conv": layer1.0.conv1), None for other styles."""
    if not node.name.startswith("/"):
        return None
    *parts, last = node.name.strip("/").split("/")
    if last.partition("_")[0] != node.op_type:
        parts.append(last)
    path: list[str] = []
    for part in parts:
        if path and part.startswith(f"{path[-1]}."):
            path[-1] = part  # a child of a container repeats the container's name
        else:
            path.append(part)
    return ".".join(path)


def _described_scope(metadata: dict[str, str]) -> tuple[str, bool] | None:
    """Module path and whether that module is the operator itself, from torch's metadata."""
    try:
        names = ast.literal_eval(metadata["pkg.torch.onnx.name_scopes"])
        classes = ast.literal_eval(metadata["pkg.torch.onnx.class_hierarchy"])
        return str(names[-2]), str(classes[-2]).startswith("torch.nn.")
    except (KeyError, ValueError, SyntaxError, IndexError, TypeError):
        return None
