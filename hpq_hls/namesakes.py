"""Packages that bear the name of a function of theirs, such as ``hpq_hls.search``: both at once.

``from hpq_hls.search import search`` in ``hpq_hls`` would put the function where ``import
hpq_hls.search.metric`` expects the package. Called, such a package does what the function does; signature,
docstring and source are the function's.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast


class CallableModule(ModuleType):
    """A package whose call is that of its namesake, ``__wrapped__``; pickled by name, as a function is."""

    __wrapped__: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return importlib.import_module, (self.__name__,)


def unite_namesakes(package: str) -> None:
    """Let those functions of a package that hide a subpackage be that subpackage, made callable.

    package: its name; it is being imported, and has imported the functions already.
    """
    module = sys.modules[package]
    for name, function in list(vars(module).items()):
        namesake = sys.modules.get(f"{package}.{name}")
        if namesake is None or isinstance(function, ModuleType):
            continue
        namesake.__class__ = CallableModule
        cast(CallableModule, namesake).__wrapped__ = function
        namesake.__doc__ = function.__doc__
        setattr(module, name, namesake)
