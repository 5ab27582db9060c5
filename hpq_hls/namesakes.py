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
    """Make a package callable as its function of the same name; the last thing that its ``__init__`` does.

    package: its name, such as "hpq_hls.search".
    """
    module = sys.modules[package]
    function = vars(module)[package.rpartition(".")[2]]
    module.__class__ = CallableModule
    cast(CallableModule, module).__wrapped__ = function
    module.__doc__ = function.__doc__
