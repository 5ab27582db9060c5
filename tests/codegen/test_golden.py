"""What is generated for each kernel, as text to be read in review.

Renew the files after a change that is meant, and read the difference:

    HPQ_RENEW=1 pytest tests/codegen/test_golden.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpq_hls import kernels
from hpq_hls.codegen.base import Backend
from hpq_hls.codegen.registry import find_backend
from hpq_hls.kernels import Kernel
from tests.codegen.flows import blank_design
from tests.codegen.golden_kernels import FLOWS

FOLDER = Path(__file__).parent / "golden"


def _text(backend: Backend, name: str) -> str:
    """The kernel's part of the top, then the files that only it has."""
    files = backend.files(blank_design(FLOWS[name]))
    in_rtl = backend.name == "rtl"
    top, own = ("rtl/net.sv", "rtl/net_") if in_rtl else ("src/net.cpp", "src/tables/")
    main = str(files[top])
    start = main.index("net.0: ")
    end = main.index("\nendmodule" if in_rtl else "\n// ----------", main.index("\n", start) + 80)
    # In C++ a line of dashes stands below the heading too.
    body = main[start:end].replace("\n// " + 101 * "-", "").rstrip()
    parts = [f"// {body}"]
    for path in sorted(files):
        if path.startswith(own):
            parts += ["", f"// ==== {path}", str(files[path]).rstrip()]
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("backend", ["rtl", "vitis"])
@pytest.mark.parametrize("name", FLOWS)
def test_generated_text(name: str, backend: str) -> None:
    path = FOLDER / f"{name}{'.sv' if backend == 'rtl' else '.cpp'}"
    text = _text(find_backend(backend), name)
    if os.environ.get("HPQ_RENEW"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"HPQ_RENEW=1 pytest {__file__} renews {path.name}"


@pytest.mark.parametrize("name", FLOWS)
def test_every_table_is_included(name: str) -> None:
    files = find_backend("vitis").files(blank_design(FLOWS[name]))
    tables = {path.removeprefix("src/") for path in files if path.startswith("src/tables/")}
    assert tables == {table for table in tables if f'#include "{table}"' in str(files["src/net.cpp"])}


def test_every_kernel_has_its_text() -> None:
    classes = (getattr(kernels, name) for name in kernels.__all__)
    kinds = {k.kind for k in classes if isinstance(k, type) and issubclass(k, Kernel) and hasattr(k, "kind")}
    assert kinds == {flow.kernels[0].kind for flow in FLOWS.values()}, "add an instance to golden_kernels.py"
    if not os.environ.get("HPQ_RENEW"):
        assert {path.stem for path in FOLDER.iterdir()} == set(FLOWS)
