"""Renders the text files under ``templates/`` that are not hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from hpq_hls.resources import templates_dir


class CompiledTemplates(jinja2.BytecodeCache):
    """What templates are compiled to, kept in memory for each text: a design has dozens of templates, and to
    compile them takes most of the time of writing its files. For environments that differ in nothing that
    templates are compiled with."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED = CompiledTemplates()


def render(
    template: str, values: Mapping[str, Any], filters: Mapping[str, Callable[..., str]] | None = None
) -> str:
    """The text of ``templates/<template>`` with ``values`` filled in.

    Templates whose name ends in .html.j2 or .svg.j2 escape every value. A name that is not given is
    an error, never an empty text.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".svg.j2")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
    )
    environment.filters.update(filters or {})
    return environment.get_template(template).render(**values)
