"""What compilers and their checks of running programs say to the emitted C++: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpq_hls.codegen.vitis import VitisBackend
from tests.codegen.compilers import (
    clang_warnings,
    gxx_warnings,
    sanitizer_reports,
    sources,
    tables_not_constant,
)
from tests.codegen.flows import blank_design, write
from tests.codegen.golden_kernels import FLOWS
from tests.codegen.test_vitis import cnn_design


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Windows, folded layers and pooling."""
    folder = tmp_path_factory.mktemp("compilers")
    write(VitisBackend(), cnn_design(), folder)
    return folder


def test_a_network_has_no_warning_and_runs_clean(network: Path) -> None:
    """Under the checks of addresses and of undefined behaviour."""
    assert sanitizer_reports(network) == ""


def test_clang_has_no_warning_and_sees_constants(network: Path) -> None:
    assert clang_warnings(network) == ""
    count, filled = tables_not_constant(network)
    assert filled == ""
    assert count >= 2


def test_a_table_of_objects_is_seen(network: Path, tmp_path: Path) -> None:
    """One that a constructor fills in, as the headers' numbers do."""
    made = tmp_path / "p"
    made.mkdir()
    for name in ("src", "tb", "design.json"):
        (made / name).symlink_to(network / name)
    (made / "src").unlink()
    (made / "src").mkdir()
    for path in (network / "src").iterdir():
        (made / "src" / path.name).symlink_to(path)
    top = made / sources(network)[0]
    text = top.read_text(encoding="utf-8")
    top.unlink()
    objects = "\nstatic const ap_fixed<7, 3> filled[5] = {1.5, 2, -3, 0.25, 1};\n"
    use = "ap_fixed<7, 3> reads(int at) { return filled[at]; }\n"
    top.write_text(text + objects + use, encoding="utf-8")
    assert tables_not_constant(made)[1] != ""


@pytest.mark.parametrize(
    "name", ["matvec_leaky", "reduce_mean", "reorder", "splice", "unrolled_adders", "weld"]
)
def test_other_kernels_have_no_warning(name: str, tmp_path: Path) -> None:
    write(VitisBackend(), blank_design(FLOWS[name]), tmp_path)
    assert gxx_warnings(tmp_path) == ""
