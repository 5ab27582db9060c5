"""Module paths and source lines from the metadata that torch.export leaves on each node."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hpq_hls.frontends.origin import Origin

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_TORCH_ITSELF = re.compile(r"(^|/)torch/(nn|fx|_|export|utils|ao|jit|overrides|tensor)")
_RECURRENT = "it is recurrent; use layers without a state over time, such as convolutions over the sequence"
_ATTENTION = "it multiplies values by values of all positions, for which there is no hardware"
REFUSED = {
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _RECURRENT),
    "MultiheadAttention": _ATTENTION,
}
"""Layers of torch.nn that become many small operators: the layer is named, not the first of these."""
_GENERATED_STACK = "_empty_nn_module_stack_from_metadata_hook"


def torch_origin(node: Any, parameters: dict[str, str]) -> Origin:
    """Where a node of an exported program comes from.

    parameters: name of the module attribute behind each placeholder ("features.0.weight").
    """
    scope, module_class = _module(node)
    if not scope and (
        not module_class or module_class.startswith("torch.export.")
    ):  # TorchScript has no modules
        scope = _owner(node, parameters)
    kind = module_class.rpartition(".")[2]
    if module_class.startswith("torch.nn.") and kind in REFUSED:
        source = source_line(node.meta.get("stack_trace"))
        return Origin(f"nn.{kind}", scope, leaf=True, source=source, refused=REFUSED[kind])
    spelled = _spelling(node, module_class)
    owns_weight = scope != "" and scope == _owner(node, parameters)
    return Origin(
        operator=f"operator {node.target}" + (f" ({spelled})" if spelled else ""),
        scope=scope,
        leaf=module_class.startswith("torch.nn.") or owns_weight,
        source=source_line(node.meta.get("stack_trace")),
    )


def source_line(stack_trace: str | None) -> str | None:
    """The innermost frame that is not torch's own, as "file.py:12", or None."""
    if not stack_trace:
        return None
    frames = [(Path(found["file"]), found["line"]) for found in _FRAME.finditer(stack_trace)]
    own = [
        (file, line)
        for file, line in frames
        if not _TORCH_ITSELF.search(file.as_posix()) and file.suffix == ".py"
    ]
    return f"{own[-1][0].name}:{own[-1][1]}" if own else None


def _owner(node: Any, parameters: dict[str, str]) -> str:
    """Path of the module whose weight a node reads."""
    read = (parameters.get(getattr(given, "name", ""), "") for given in node.all_input_nodes)
    owners = (path.removeprefix("lifted_tensor_self.").rpartition(".weight")[0] for path in read)
    return next((owner for owner in owners if owner), "")


def _module(node: Any) -> tuple[str, str]:
    """Path and qualified class name of the innermost module around a node."""
    stack = node.meta.get("nn_module_stack")
    if not stack or _GENERATED_STACK in stack:
        return "", ""
    path, module_class = list(stack.values())[-1]
    if isinstance(module_class, type):
        module_class = f"{module_class.__module__}.{module_class.__qualname__}"
    return path, str(module_class)


def _spelling(node: Any, module_class: str) -> str:
    """How the user wrote it: the class of the module, or the function called."""
    if module_class.startswith("torch.nn."):
        return "nn." + module_class.rpartition(".")[2]
    called = str((node.meta.get("torch_fn") or ("", ""))[1]).rpartition(".")[2]
    return "" if called.startswith("__") else called
