"""What a torch module is traced with, and what its results are called."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import DataError

if TYPE_CHECKING:  # torch takes seconds to import
    import torch


def examples(module: torch.nn.Module, given: Any) -> tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor]]:
    """The examples, by place and by name of the argument."""
    by_name = dict(given) if isinstance(given, Mapping) else {}
    listed = isinstance(given, tuple) or (
        isinstance(given, list) and any(hasattr(x, "detach") for x in given)
    )
    in_order = () if by_name else tuple(given) if listed else (given,)
    if not by_name and not in_order:
        raise DataError("no example input is given; give a tensor or array of shape (batch, ...)")
    args = tuple(_example(module, item) for item in in_order)
    order = list(inspect.signature(module.forward).parameters) if by_name else []
    known = sorted(by_name, key=lambda name: order.index(name) if name in order else len(order))
    kwargs = {str(name): _example(module, by_name[name]) for name in known}
    sizes = {len(example) for example in (*args, *kwargs.values())}
    if len(sizes) > 1:
        raise DataError(
            f"the example inputs have batches of {sorted(sizes)} samples; give equally many of each"
        )
    return args, kwargs


def _example(module: torch.nn.Module, given: Any) -> torch.Tensor:
    """The example as a tensor that torch traces with a symbolic batch: at least two samples, in the
    number type and on the device of the module's parameters."""
    import torch

    try:
        example = torch.as_tensor(given).detach()
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"the example input is a {type(given).__name__}; "
            "give a tensor or numeric array of shape (batch, ...)"
        ) from None
    if example.ndim < 2 or 0 in example.shape:
        raise DataError(
            f"the example input has shape {tuple(example.shape)}; give at least one sample as (batch, ...)"
        )
    held = next((p for p in module.parameters() if p.is_floating_point()), None)
    if held is not None:
        example = example.to(held.device, held.dtype if example.is_floating_point() else None)
    return torch.cat([example, example]) if len(example) == 1 else example


def dynamic_shapes(
    module: torch.nn.Module, args: tuple[torch.Tensor, ...], kwargs: dict[str, torch.Tensor]
) -> Any:
    """The batch axis of every example as a size of its own kind, in the form that torch.export takes: by
    argument, with what ``*args`` collects in a tuple."""
    import torch

    batch: Any = {0: torch.export.Dim.AUTO}
    signature = inspect.signature(module.forward)
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:  # running it says what is wrong
        return tuple(batch for _ in args)
    found: dict[str, Any] = {}
    for name, held in bound.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            found |= dict.fromkeys(held, batch)
        else:
            found[name] = tuple(batch for _ in held) if kind is inspect.Parameter.VAR_POSITIONAL else batch
    return found if kwargs else tuple(found.values())


def output_names(program: torch.export.ExportedProgram, count: int) -> list[str]:
    """What the user's code calls each output: the keys of dicts, the numbers of tuples."""
    from torch.utils import _pytree

    try:
        tree = _pytree.tree_unflatten(list(range(count)), program.call_spec.out_spec)
        paths = [path for path, _ in _pytree.tree_flatten_with_path(tree)[0]]
        found = ["_".join(_key_text(key) for key in path) for path in paths]
    except (AttributeError, ValueError, TypeError):
        found = []
    if len(found) != count:
        found = [str(number) for number in range(count)]
    named = [text if text and not text[0].isdigit() else f"output_{text}".rstrip("_") for text in found]
    return named if len(set(named)) == count else [f"output_{number}" for number in range(count)]


def _key_text(key: Any) -> str:
    """An element of a pytree's path: a key of a dict, a number in a sequence, or an attribute."""
    held = (getattr(key, attribute, None) for attribute in ("key", "idx", "name"))
    return next((str(value) for value in held if value is not None), "")
