"""Where the templates and library files of a design are found: with this package, and with its kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2

from hpq_hls.errors import ConfigError
from hpq_hls.kernels import Kernel
from hpq_hls.resources import templates_dir
from hpq_hls.templating import CompiledTemplates

_COMPILED = CompiledTemplates()


class Sources:
    """The files below ``templates/<family>``: those of this package, then those that kernels from outside
    bring (``Kernel.templates``).

    Parameters
    ----------
    family : "rtl" or "vitis".
    kernels : of the design.
    suffix : of a kernel's template, behind its kind.
    library : the pattern of the files that are copied as they are.

    Raises ConfigError where a kernel has no template, or two folders have a file of one name.
    """

    def __init__(self, family: str, kernels: Iterable[Kernel], suffix: str, library: str) -> None:
        kernels = list(kernels)
        brought = dict.fromkeys(kernel.templates for kernel in kernels if kernel.templates is not None)
        self._folders = [templates_dir() / family, *(folder / family for folder in brought)]
        self._suffix = suffix
        self.library: Mapping[str, Path] = self._files(library)
        """Library files by name."""
        self._check(kernels)

    def environment(self, filters: Mapping[str, Callable[..., Any]]) -> jinja2.Environment:
        """What renders the templates: text of programs, in which nothing is escaped."""
        environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder) for folder in self._folders]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            bytecode_cache=_COMPILED,
        )
        environment.filters.update(filters)
        return environment

    def _files(self, pattern: str) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in (path for root in self._folders for path in sorted(root.glob(pattern))):
            if path.name in found:
                raise ConfigError(
                    f"{found[path.name]} and {path} have the same name, and one design needs both; "
                    "rename the one that you can"
                )
            found[path.name] = path
        return found

    def _check(self, kernels: Iterable[Kernel]) -> None:
        templates = self._files("kernels/*.j2")
        for kernel in kernels:
            if f"{kernel.kind}{self._suffix}" not in templates:
                raise ConfigError(
                    f"kernel {kernel.name} of layer {kernel.layer!r} is a {kernel.kind!r}, for which there "
                    f"is no template kernels/{kernel.kind}{self._suffix}; put it into {self._place(kernel)}"
                )

    def _place(self, kernel: Kernel) -> Path | str:
        if kernel.templates is None:
            return "a folder that the class names as its `templates`"
        return kernel.templates / self._folders[0].name / "kernels"
