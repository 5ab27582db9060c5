"""A kernel with memory of its own as clocked hardware: its pointers are ports of memory, and what it loads
and stores is what the simulator says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import VerificationError
from hpq_hls.project import Project
from hpq_hls.verify.clocked.assembly import read_module
from hpq_hls.verify.clocked.design import BATCH, write_clocked
from hpq_hls.verify.clocked.machine import machine_of
from hpq_hls.verify.clocked.outside import LOAD, STORE, with_ports

# ---------------------------------------------------------------------------------------------
# Pointers

ASSEMBLY = """\
%word = type { [2 x i64] }
@m = external global [0 x %word], align 8
@n = external global [0 x %word], align 8
@s = external global i8, align 1
define void @p() local_unnamed_addr #0 {
entry:
  %a = alloca %word, align 8
  br label %loop
loop:
  %p = phi ptr [ @m, %entry ], [ %q, %loop ]
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %v = load i64, ptr %p, align 8
  call void @llvm.memcpy.p0.p0.i64(ptr %a, ptr %p, i64 16, i1 false)
  call void @hpq_write(ptr @s, ptr nonnull %p, i64 16)
  %same = icmp eq ptr %p, %a
  %q = getelementptr inbounds i8, ptr %p, i64 16
  %j = add i64 %i, 1
  %d = icmp eq i64 %j, 3
  br i1 %d, label %out, label %loop
out:
  ret void
}
define void @w(ptr %unused) {
  %a = alloca %word, align 8
  store i64 7, ptr getelementptr inbounds ([0 x %word], ptr @n, i64 0, i64 2), align 8
  call void @hpq_read(ptr @s, ptr @n, i64 16)
  ret void
}
"""


def test_what_goes_through_pointers_waits_for_a_port() -> None:
    module = read_module(ASSEMBLY)
    machine = machine_of(module.functions["@p"], module, ("@m", "@n"))
    assert [(port.stream, port.size, port.writes) for port in machine.ports.values()] == [("m", 16, False)]
    assert [name for _, name in machine.accesses] == ["m", "m", "m"]
    assert len(machine.memory) < 200  # no room for what is outside
    text = "\n".join(line for state in machine.states for line in state)
    assert text.count("m_place = ") == 3
    assert re.findall(r"m_count = (\d+)", text) == ["8", "16", "16"]


def test_no_pointer_outside_is_one_inside() -> None:
    """The headers' numbers compare their addresses before they copy."""
    module = read_module(ASSEMBLY)
    machine = machine_of(module.functions["@p"], module, ("@m", "@n"))
    text = "\n".join(line for state in machine.states for line in state)
    outside = {int(place) for place in re.findall(r"v\d+_next = 32'd(\d+);", text)}
    assert min(outside) > len(machine.memory)


def test_stores_and_beats_go_through_memory_of_the_process() -> None:
    function = with_ports(read_module(ASSEMBLY).functions["@w"], ("@m", "@n"))
    (block,) = function.blocks.values()
    calls = [one.detail for one in block if one.op == "call"]
    assert calls == [STORE, "@hpq_read", STORE]
    assert with_ports(function, ()) is function


@pytest.mark.parametrize(
    "line",
    [
        "store ptr %p, ptr %a, align 8",
        "%x = ptrtoint ptr %p to i64",
        "%x = select i1 true, ptr %p, ptr @n",
        "call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr @n, i64 16, i1 false)",
        "call void @llvm.memcpy.p0.p0.i64(ptr %a, ptr %p, i64 %i, i1 false)",
    ],
)
def test_what_no_port_can_do_is_refused_with_its_line(line: str) -> None:
    module = read_module(ASSEMBLY.replace("  %v = load", f"  {line}\n  %v = load"))
    with pytest.raises(VerificationError, match="used as no port of memory can be: ") as refused:
        machine_of(module.functions["@p"], module, ("@m", "@n"))
    assert line[:20] in str(refused.value)


def test_a_memory_is_read_or_written() -> None:
    module = read_module(ASSEMBLY.replace("  %v = load", "  store i64 1, ptr %p, align 8\n  %v = load"))
    with pytest.raises(VerificationError, match="process p reads and writes memory m"):
        machine_of(module.functions["@p"], module, ("@m", "@n"))
    assert LOAD != STORE


# ---------------------------------------------------------------------------------------------
# Kernels


class Two(nn.Module):
    """Outputs of which one fills words with several beats, and one needs several words for a beat."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.conv = nn.Linear(6, 70), nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.relu(self.conv(x))
        return y, self.wide(y.flatten(1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    torch.manual_seed(4)
    x = torch.randn(6, 1, 2, 3)
    q = hpq.quantize(hpq.from_torch(Two().eval(), x[:1]), x.numpy(), precision=8)
    folder = tmp_path_factory.mktemp("kernel") / "p"
    return hpq.generate(q, folder, memory="m_axi", control="s_axilite", layers={"wide": {"pe": 70}})


def test_a_kernel_computes_what_the_simulator_says(project: Project) -> None:
    """In calls of one frame and of several, one of them of fewer: memory answers when it likes, and a reset
    comes in the middle of a call."""
    kernel = project.manifest.kernel
    assert kernel is not None
    assert [one.words_per_beat for one in kernel.arguments] == [1, 1, 2]
    assert kernel.arguments[0].beats_per_word > 1
    x = np.random.default_rng(6).normal(size=(2 * BATCH + 4, 1, 2, 3)).astype(np.float32)
    result = project.cosim_cpp(x, scenarios=("back_to_back", "ignored_signals", "reset_mid_stream"))
    assert result.passed, result.failures
    wanted = project.q.predict_raw(x)
    assert all(np.array_equal(result.raw[name], wanted[name]) for name in wanted)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A frame is one word on both sides, so that a call of one frame shows nothing of order."""
    torch.manual_seed(5)
    x = torch.randn(8, 4)
    q = hpq.quantize(hpq.from_torch(nn.Linear(4, 3).eval(), x[:1]), x.numpy(), precision=6)
    folder = tmp_path_factory.mktemp("small") / "p"
    return hpq.generate(
        q, folder, memory="m_axi", control="s_axilite", layers={"linear": {"pe": 3, "simd": 1}}
    )


LOADED, STORED = "words.write(memory[i]);", "memory[i] = words.read();"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            LOADED,
            "words.write(memory[i + 1]);",
            r"memory_input_memory: byte \d is read, and 1 frames end at 4",
        ),
        (STORED, "memory[frames * FRAME - 1 - i] = words.read();", "words differ"),
        (STORED, "memory[i] = words.read(); memory[i + 1] = 0;", "is written, and 1 frames end at 4"),
    ],
)
def test_a_changed_index_is_found(small: Project, old: str, new: str, found: str) -> None:
    project, x = small, np.random.default_rng(7).normal(size=(BATCH + 1, 4)).astype(np.float32)
    header = project.path / "src" / "hpq" / "memory.h"
    text = header.read_text(encoding="utf-8")
    assert text.count(old) == 1
    try:
        header.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(VerificationError, match=found):
            project.cosim_cpp(x).check()
    finally:
        header.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("frame < frames", "frame + 1 < frames", "run_frames does not take one frame after the other"),
        ("input_words, output_", "output_", "run_frames is not called with"),
        ("unsigned* input_memory", "unsigned* other", "has other pointers than design.json"),
    ],
)
def test_a_region_that_is_not_as_emitted_is_refused(
    project: Project, old: str, new: str, said: str, tmp_path: Path
) -> None:
    kernel = project.manifest.kernel
    assert kernel is not None
    path = project.path / "src" / f"{kernel.name}.cpp"
    text = path.read_text(encoding="utf-8")
    try:
        changed = text.replace(old.replace("unsigned*", "hpq_model::memory_word_input*"), new)
        assert changed != text
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(VerificationError, match=said):
            write_clocked(project.path, tmp_path)
    finally:
        path.write_text(text, encoding="utf-8")
