"""Where the files that are not Python live: the templates and the cocotb testbench.

In a checkout (also an editable install) they are the top-level folders ``templates/`` and
``hw_sim/``; an installed wheel carries the same folders under ``hpq_hls/_data/``.
"""

from __future__ import annotations

from pathlib import Path

from hpq_hls.errors import ToolError

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """Return the folder that holds ``vitis/``, ``rtl/`` and the other templates.

    Raises
    ------
    ToolError
        The installation is incomplete.
    """
    return _data_dir("templates")


def hw_sim_dir() -> Path:
    """Return the folder that holds the cocotb testbench.

    Raises
    ------
    ToolError
        The installation is incomplete.
    """
    return _data_dir("hw_sim")


def _data_dir(name: str) -> Path:
    # The wheel's copy wins: beside an installed package, ``../templates`` may be anybody's.
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise ToolError(
        f"The folder {name}/ is missing from the hpq_hls installation at {_PACKAGE}; "
        "install hpq_hls again, or run `make` in the checkout."
    )
