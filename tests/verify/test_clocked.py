"""Emitted C++ as clocked hardware: what clang makes of it is read right, and computes what the simulator
says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.project import Project
from hpq_hls.tools.toolchain import find_ap_types
from hpq_hls.verify.clocked.assembly import read_module
from hpq_hls.verify.clocked.design import write_clocked
from hpq_hls.verify.clocked.ir import (
    Aggregate,
    Array,
    Const,
    Int,
    Struct,
    Symbol,
    offset_of,
    size_of,
)
from hpq_hls.verify.clocked.machine import Machine, machine_of
from hpq_hls.verify.clocked.sources import headers_unrolled, unrolled
from hpq_hls.verify.cosim import SCENARIOS

ASSEMBLY = """\
%struct.pair = type { i8, %struct.late, i32 }
%struct.late = type { i16 }
@table = internal unnamed_addr constant [3 x i16] [i16 1, i16 -2, i16 3], align 2
@mixed = private constant <{ i8, [2 x i32] }> <{ i8 7, [2 x i32] zeroinitializer }>
@flag = external global %struct.late, align 1
@s = external global %"class.hls::stream", align 1
define void @p() local_unnamed_addr #0 {
entry:
  %a = alloca [4 x i8], align 1
  call void @hpq_read(ptr noundef nonnull @s, ptr noundef nonnull %a, i64 noundef 4) #3
  %0 = load i8, ptr %a, align 1, !tbaa !5
  %1 = zext i8 %0 to i32
  br label %loop
loop:                                             ; preds = %loop, %entry
  %i = phi i32 [ 0, %entry ], [ %n, %loop ]
  %g = getelementptr inbounds nuw [3 x i16], ptr @table, i64 0, i32 %i
  %v = load i16, ptr %g, align 2
  %n = add nuw nsw i32 %i, 1
  %d = icmp slt i32 %n, %1
  br i1 %d, label %loop, label %done
done:                                             ; preds = %loop
  switch i32 %n, label %out [
    i32 1, label %loop2
    i32 2, label %out
  ]
loop2:                                            ; preds = %done
  store i16 %v, ptr getelementptr inbounds (i8, ptr @flag, i64 0), align 1
  br label %out
out:                                              ; preds = %loop2, %done, %done
  ret void
}
"""


def test_assembly_is_read() -> None:
    module = read_module(ASSEMBLY)
    pair = Struct((Int(8), Struct((Int(16),), False), Int(32)), False)
    assert [offset_of(pair, field) for field in range(3)] == [0, 2, 4]
    assert size_of(pair) == 8
    table = module.globals["@table"]
    assert table.type == Array(3, Int(16))
    assert table.value == Aggregate(tuple((Int(16), Const(value)) for value in (1, -2, 3)))
    assert module.globals["@flag"].value is None
    blocks = module.functions["@p"].blocks
    assert list(blocks) == ["%entry", "%loop", "%done", "%loop2", "%out"]
    assert blocks["%loop2"][0].operands[1][1] == Symbol("@flag", 0)
    machine = machine_of(module.functions["@p"], module)
    assert machine.uses["s"].size == 4
    assert len(machine.states) == 6  # a state for each block, and one behind the read
    assert machine.waits[0][:2] == (1, "s")
    places = bytes([1, 0, 254, 255, 3, 0])
    assert places in bytes(machine.memory)
    assert list(machine.variables) == ["@flag"]


@pytest.mark.parametrize(
    "line",
    [
        "%x = fadd float %y, %y",
        "%x = load <4 x i32>, ptr %a, align 1",
        "invoke void @f()",
        "%x = call i32 @rand()",
    ],
)
def test_what_is_no_hardware_is_refused_with_its_line(line: str) -> None:
    text = ASSEMBLY.replace("  %0 = load", f"  {line}\n  %0 = load")
    with pytest.raises(VerificationError, match="clang made what is not hardware"):
        _machine(text)


def _machine(text: str) -> Machine:
    module = read_module(text)
    return machine_of(module.functions["@p"], module)


def test_loops_of_headers_are_unrolled() -> None:
    text = "    for (int i = 0; i < _AP_N; ++i) pVal[i] = 0; \\\n  // for (;;)\n"
    assert headers_unrolled(text) == text.replace("for (int", '_Pragma("clang loop unroll(full)") for (int')


def test_headers_put_nothing_on_the_heap() -> None:
    """Products of wide numbers are the only thing that would be there."""
    found = {path.name: path.read_text(encoding="utf-8") for path in find_ap_types().rglob("*.h")}
    assert any("malloc(" in text for text in found.values())
    for name, text in found.items():
        assert not re.search(r"\b(malloc|free)\(", headers_unrolled(text)), name


def test_loops_are_unrolled_as_the_hls_tool_does() -> None:
    text = "    for (int i = 0; i < 3; ++i) {\n#pragma HLS unroll\n        f(i);\n    }\n"
    assert (
        unrolled(text)
        == "#pragma clang loop unroll(full)\n    for (int i = 0; i < 3; ++i) {\n        f(i);\n    }\n"
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A convolution, a pool, a residual connection and a table."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.other, self.fc = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 1), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.relu(self.conv(x))
            x = torch.max_pool2d(x + torch.sigmoid(self.other(x)), 2)
            return self.fc(torch.flatten(x, 1))

    torch.manual_seed(11)
    x = torch.randn(6, 1, 6, 6)
    q = hpq.quantize(hpq.from_torch(Net().eval(), x[:1]), x.numpy(), precision=5)
    return hpq.generate(q, tmp_path_factory.mktemp("clocked") / "p")


def test_the_cpp_as_hardware_computes_what_the_simulator_says(project: Project) -> None:
    x = np.random.default_rng(3).normal(size=(4, 1, 6, 6)).astype(np.float32)
    result = project.cosim_cpp(x, scenarios=SCENARIOS)
    assert result.passed, [item.failures for item in result.scenarios]
    assert result.words_compared >= 4 * 3 * len(SCENARIOS)
    assert np.array_equal(result.raw, project.q.predict_raw(x))
    assert {item.name for item in result.scenarios} == set(SCENARIOS)


def test_wide_numbers_are_values(tmp_path: Path) -> None:
    """Beats of 154 bits, which the vendor's headers keep in arrays of words."""
    torch.manual_seed(5)
    x = torch.randn(6, 22)
    q = hpq.quantize(hpq.from_torch(nn.Linear(22, 3).eval(), x[:1]), x.numpy(), precision=7)
    project = hpq.generate(q, tmp_path / "p", io="parallel")
    made = tmp_path / "clocked"
    made.mkdir()
    write_clocked(project.path, made)
    sizes = {path.stem: len(path.read_text().split()) for path in (made / "rtl").glob("*.mem")}
    assert sizes["hpq_process_0"] < 200  # of the port: 20 bytes read, 24 as words, and where they are put
    result = project.cosim_cpp(x.numpy(), scenarios=("random_gaps",))
    assert result.passed
    assert np.array_equal(result.raw, q.predict_raw(x.numpy()))


def test_products_of_packed_rows(tmp_path: Path) -> None:
    """Which the vendor's headers compute in numbers of two words, from factors of any sign."""
    torch.manual_seed(6)
    x = torch.randn(8, 3)
    q = hpq.quantize(hpq.from_torch(nn.Linear(3, 4).eval(), x[:1]), x.numpy(), precision=8)
    project = hpq.generate(q, tmp_path / "p", layers={"linear": {"pe": 4, "simd": 1}})
    assert "hpq::rows_packed<2, 16" in (project.path / "src" / "model.cpp").read_text(encoding="utf-8")
    result = project.cosim_cpp(x.numpy())
    assert result.passed, result.failures
    assert np.array_equal(result.raw, q.predict_raw(x.numpy()))


def test_a_changed_word_of_a_rom_is_found(project: Project) -> None:
    path = project.path / "src" / "tables" / "fc_matvec_weight.inc"
    text = path.read_text(encoding="ascii")
    number = re.search(r"0x[0-9a-f]+", text)
    assert number is not None
    changed = hex(int(number[0], 16) ^ 0x10)  # the sign
    x = np.random.default_rng(4).normal(size=(8, 1, 6, 6)).astype(np.float32)
    try:
        path.write_text(text[: number.start()] + changed + text[number.end() :], encoding="ascii")
        assert not project.cosim_cpp(x).passed
    finally:
        path.write_text(text, encoding="ascii")


def test_rtl_has_no_cpp(project: Project, tmp_path: Path) -> None:
    other = hpq.generate(project.q, tmp_path / "rtl", "rtl")
    with pytest.raises(ConfigError, match="is RTL and has no C"):
        other.cosim_cpp(np.zeros((1, 1, 6, 6), np.float32))
