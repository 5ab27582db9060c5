"""What may stand in the place of a plain module, and which modules hold nothing that can be translated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hpq_hls.errors import DataError, UnsupportedOperatorError

if TYPE_CHECKING:  # torch takes seconds to import
    import torch


def checked(given: Any) -> torch.nn.Module:
    """The module that is meant.

    Raises:
        DataError: it is none, or its parameters have no values.
    """
    if isinstance(given, type) or not hasattr(given, "named_modules"):
        what = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        raise DataError(f"from_torch takes a torch.nn.Module, but got {what}")
    module: torch.nn.Module = getattr(given, "_orig_mod", given)  # what torch.compile wraps
    for path, held in [*module.named_parameters(), *module.named_buffers()]:
        if "Uninitialized" in type(held).__name__:
            raise DataError(
                f"the parameter {path!r} has no shape yet; run the network once on an example before"
            )
        if held.is_meta:
            raise DataError(
                f"the parameter {path!r} is on the meta device, which holds no values; load trained weights "
                "with module.to_empty(device='cpu') and module.load_state_dict(...) before"
            )
    return module


def unscripted(
    module: torch.nn.Module, args: tuple[torch.Tensor, ...], kwargs: dict[str, torch.Tensor]
) -> torch.nn.Module:
    """A TorchScript module as one that torch.export takes; any other as it is.

    Raises:
        UnsupportedOperatorError: torch cannot convert it.
    """
    import torch

    if not isinstance(module, torch.jit.ScriptModule):
        return module
    try:
        from torch._export.converter import TS2EPConverter

        with torch.no_grad():
            return TS2EPConverter(module, args, kwargs).convert().module()
    except Exception as error:  # torch's converter is private, and anything can come out of it
        raise UnsupportedOperatorError(
            "the network is a TorchScript module that torch.export cannot read "
            f"({type(error).__name__}); give the module that was traced or scripted instead"
        ) from error


def scripted_part(module: torch.nn.Module) -> str | None:
    """Path of a TorchScript module inside of another."""
    import torch

    parts = module.named_modules()
    return next((path for path, part in parts if isinstance(part, torch.jit.ScriptModule)), None)


def learn(result: object) -> bool:
    """Tell torch what a dataclass holds that a network returns; whether that is news."""
    import dataclasses

    import torch

    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        return False
    try:
        torch.export.register_dataclass(type(result))
    except ValueError:  # it knows it
        return False
    return True


@contextlib.contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode for as long as it takes; every submodule gets its own flag back."""
    flags = [(part, part.training) for part in module.modules() if hasattr(part, "training")]
    try:
        with contextlib.suppress(NotImplementedError):  # exported programs have no modes
            module.eval()
        yield
    finally:
        for part, training in flags:
            part.training = training
