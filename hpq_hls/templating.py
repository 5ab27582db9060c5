"""Renders the text files under ``templates/`` that are not hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jinja2

from hpq_hls.resources import templates_dir


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
    )
    environment.filters.update(filters or {})
    return environment.get_template(template).render(**values)
