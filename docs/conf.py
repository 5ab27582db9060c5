"""The documentation site: `make docs` builds it with Sphinx into build/docs, offline."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import reference_pages  # noqa: E402

from hpq_hls.version import __version__  # noqa: E402

project = "hpq_hls"
author = "the hpq_hls authors"
copyright = author  # noqa: A001  (Sphinx's name)
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**.ipynb_checkpoints"]
nitpicky = False

html_theme = "furo"
html_title = f"hpq_hls {__version__}"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
# The outputs that tutorials show are those they were saved with; the tests run them again.
nb_execution_mode = "off"

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": True}
napoleon_numpy_docstring = True

_OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(?!(?:reference|tutorials|howto)/)[^)]*/[^)]*\)")


def _read(_app: Any, name: str, source: list[str]) -> None:
    """Fill in the pages that are made from the program, and unlink what is not on the site."""
    made = reference_pages.PAGES.get(name)
    if made is not None:
        source[0] += made()
    if "/" not in name:
        source[0] = _OUTSIDE.sub(r"\1", source[0])


_ITEM = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*): (.*)")
_CODE = re.compile(r"(``.*?``)")


def _docstring(_app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Make "name: text" lines parameters, or list items, and stars outside of code plain stars."""
    told: list[str] = []
    in_item = False
    for line in lines:
        parts = _CODE.split(line)
        text = "".join(part if part.startswith("``") else part.replace("*", r"\*") for part in parts)
        item = None if line.startswith(" ") else _ITEM.fullmatch(text)
        if item is not None:
            names = item[1].split(", ")
            if what in ("function", "method"):
                told += ["", *(f":param {name}: as {names[-1]}" for name in names[:-1])]
                told.append(f":param {names[-1]}: {item[2]}")
            else:
                told += ["", f"* **{item[1]}**: {item[2]}"]
            in_item = True
        elif not line.strip():
            told.append("")
            in_item = False
        else:
            told.append(f"  {text.strip()}" if in_item else text)
    lines[:] = told


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _docstring, priority=100)  # before napoleon
