"""The vendor's headers are read compiled where that is the same, and as text where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpq_hls.errors import ToolError
from hpq_hls.tools.toolchain import find_gxx, run_tool
from hpq_hls.verify import vendor_headers
from hpq_hls.verify.csim import FLAGS

PROGRAM = (
    "#include <ap_fixed.h>\nint main() { return (ap_fixed<8, 4>(2.5) * 2 != 5) + (AP_INT_MAX_W != %d); }\n"
)


def built(folder: Path, width: int = 1024) -> str:
    """What g++ says of the files that it reads; the program is run."""
    (folder / "main.cpp").write_text(f'#include "top.h"\n{PROGRAM % width}')
    command = [find_gxx().require(), *FLAGS, *vendor_headers.vendor_headers(folder, FLAGS), "-H"]
    told = run_tool([*command, folder / "main.cpp", "-o", folder / "main"]).stdout
    run_tool([folder / "main"])
    return told


def test_headers_are_read_compiled(tmp_path: Path) -> None:
    (tmp_path / "top.h").write_text("#include <ap_int.h>\n")
    told = built(tmp_path)
    assert "numbers.h.gch" in told.split("!")[1].splitlines()[0]  # which g++ marks what it takes with
    assert "ap_fixed_base.h" not in told


def test_a_design_with_wide_words_reads_the_text(tmp_path: Path) -> None:
    (tmp_path / "top.h").write_text("#define AP_INT_MAX_W 2048\n#include <ap_int.h>\n")
    assert "ap_fixed_base.h" in built(tmp_path, 2048)


def test_where_nothing_can_be_kept_the_text_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Path:
        raise ToolError("no room")

    monkeypatch.setattr(vendor_headers, "compiled_header", refuse)
    vendor_headers._compiled.cache_clear()
    (tmp_path / "top.h").write_text("")
    try:
        assert "ap_fixed_base.h" in built(tmp_path)
    finally:
        vendor_headers._compiled.cache_clear()
