"""The files of an RTL project."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.memory import bram18_count, fifo_style, memory_style
from hpq_hls.codegen.manifest import read_manifest
from hpq_hls.codegen.rtl import RtlBackend
from hpq_hls.codegen.rtl_memory import memory_file, packed
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import MatVec
from hpq_hls.tools.toolchain import verilator_env
from tests.rtl.cases import MATVECS, Mac, cast_flow, conv_flow, matvec_flow, unrolled_flow
from tests.rtl.harness import design_of


def texts(flow: Dataflow) -> dict[str, str]:
    files = RtlBackend().files(design_of(flow))
    assert all(isinstance(content, str) for content in files.values())
    return {name: str(content) for name, content in files.items()}


def write(flow: Dataflow, folder: Path) -> None:
    for name, content in texts(flow).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


# ---------------------------------------------------------------------------------------------
# Memories


@pytest.mark.parametrize(
    ("width", "digits"), [(1, "7"), (3, "0c7"), (5, "2083f"), (9, "20100ff"), (70, None)]
)
def test_packed_puts_element_0_lowest(width: int, digits: str | None) -> None:
    values = [-1, 1, 0] if width == 1 else [-1 % (1 << width) if width < 60 else -1, 0, 0]
    word = packed(values, width)
    assert word.width == 3 * width
    expected = sum((value % (1 << width)) << (width * i) for i, value in enumerate(values))
    assert int(word.digits, 16) == expected
    assert len(word.digits) == (3 * width + 3) // 4


@pytest.mark.parametrize("width", [1, 2, 7, 8, 13, 32, 64])
def test_memory_file_decodes_to_the_words(width: int) -> None:
    rng = np.random.default_rng(width)
    words = rng.integers(-(1 << (width - 1)), (1 << (width - 1)) - 1, (5, 2, 3), endpoint=True)
    lines = memory_file(words, width).splitlines()
    assert len(lines) == 5
    for line, word in zip(lines, words, strict=True):
        assert re.fullmatch(r"[0-9a-f]+", line)
        assert len(line) == (6 * width + 3) // 4
        number = int(line, 16)
        decoded = [(number >> (i * width)) % (1 << width) for i in range(6)]
        assert decoded == [int(value) % (1 << width) for value in word.reshape(-1)]


def test_weight_rom_follows_the_order_of_the_kernel() -> None:
    mac = Mac(2, 4, 6, pe=2, simd=3, w="ap_fixed<4,1>", b="ap_fixed<6,3>")
    flow = matvec_flow("order", mac)
    (kernel,) = flow.kernels
    assert isinstance(kernel, MatVec)
    assert kernel.bias is not None
    files = texts(flow)
    weights = files["rtl/order_net_unit_weight.mem"].split()
    biases = files["rtl/order_net_unit_bias.mem"].split()
    assert (len(weights), len(biases)) == (2 * 2 * 2, 2 * 2)
    for step, word in enumerate(weights):
        g, nf, sf = step // 4, step // 2 % 2, step % 2
        for p in range(2):
            for s in range(3):
                code = int(word, 16) >> ((p * 3 + s) * 4) & 15
                assert code == kernel.weight[g, nf * 2 + p, sf * 3 + s] % 16
    for fold, word in enumerate(biases):
        for p in range(2):
            assert int(word, 16) >> (p * 6) & 63 == kernel.bias[fold // 2, fold % 2 * 2 + p] % 64


def test_memory_styles() -> None:
    blocks = {(1, 1): 1, (512, 36): 1, (512, 37): 2, (513, 36): 2, (16384, 1): 1, (20000, 1): 2}
    assert {size: bram18_count(*size) for size in blocks} == blocks
    assert memory_style(512, 8) == "distributed"  # 4 of 18 kbit
    assert memory_style(1024, 8) == "block"
    assert memory_style(64, 3000) == "distributed"  # as wide as this, it would take 84 blocks
    assert memory_style(0, 8) == "distributed"
    assert [fifo_style(*size) for size in ((2, 500), (32, 500), (33, 8), (1024, 8))] == [
        "shift", "shift", "distributed", "block",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Files


def test_a_project_holds_what_it_needs_and_no_more() -> None:
    files = texts(cast_flow("narrow", "ap_fixed<8,3>", "ap_fixed<4,2>", relu=True))
    modules = [
        "axis_in",
        "axis_out",
        "cast",
        "castunit",
        "fifo",
        "finish",
        "ram",
        "registers",
        "rom",
        "slopes",
    ]
    assert sorted(files) == sorted(
        [
            "README.md",
            "design.json",
            "rtl/files.f",
            "rtl/narrow.sv",
            *(f"rtl/hpq_{name}.sv" for name in modules),
        ]
    )
    listed = files["rtl/files.f"].split()
    assert sorted(listed) == sorted(name for name in files if name.endswith(".sv"))
    for name in listed:  # every module comes after those it uses
        for used in re.findall(r"^\s*(hpq_\w+) #\(", files[name], re.MULTILINE):
            assert listed.index(f"rtl/{used}.sv") < listed.index(name)


def test_equal_designs_give_equal_bytes_free_of_paths(tmp_path: Path) -> None:
    first, second = (texts(conv_flow("net")) for _ in range(2))
    assert first == second
    for name, content in first.items():
        assert not re.search(r"(?<![\w/.<>])/(home|root|tmp|usr|work|opt)\b|[A-Z]:\\", content), name
        assert content.isascii(), name
        assert content.endswith("\n"), name


def test_manifest_describes_the_ports(tmp_path: Path) -> None:
    write(conv_flow("net"), tmp_path)
    manifest = read_manifest(tmp_path)
    assert manifest.name == "net"
    assert (manifest.inputs[0].tdata_bytes, manifest.outputs[0].tdata_bytes) == (2, 2)


def test_top_has_the_contract_ports() -> None:
    top = texts(conv_flow("net"))["rtl/net.sv"]
    ports = re.findall(r"^    (?:input|output) +wire (?:\[\d+:0\] )?(\w+)", top, re.MULTILINE)
    sides = [
        f"{side}_T{name}"
        for side in ("s_axis", "m_axis")
        for name in ("DATA", "VALID", "READY", "LAST", "KEEP", "STRB")
    ]
    assert ports == ["ap_clk", "ap_rst_n", *sides]


def test_a_layer_name_cannot_leave_its_comment(tmp_path: Path) -> None:
    flow = conv_flow("net")
    kernels = tuple(replace(kernel, layer="a\nendmodule | ü") for kernel in flow.kernels)
    files = texts(replace(flow, kernels=kernels))
    assert files["rtl/net.sv"].count("endmodule") == 1 + len(kernels)
    assert len(re.findall(r"^endmodule$", files["rtl/net.sv"], re.MULTILINE)) == 1
    assert files["README.md"].isascii()


# ---------------------------------------------------------------------------------------------
# The commands of the README


def _command(readme: str, program: str) -> list[str]:
    (line,) = re.findall(rf"^    ({program} .*)$", readme, re.MULTILINE)
    return shlex.split(line)


@pytest.mark.parametrize(
    "flow",
    [conv_flow("net", (40, 700)), unrolled_flow("flat", Mac(1, 3, 4)), matvec_flow("mac", MATVECS[13])],
    ids=["conv", "unrolled", "matvec"],
)
def test_lint_command_of_the_readme_is_silent(flow: Dataflow, tmp_path: Path) -> None:
    write(flow, tmp_path)
    command = _command((tmp_path / "README.md").read_text(), "verilator")
    done = subprocess.run(
        command, check=False, cwd=tmp_path, env=verilator_env(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "%" not in done.stderr


def test_lint_finds_a_broken_top(tmp_path: Path) -> None:
    write(conv_flow("net"), tmp_path)
    top = tmp_path / "rtl" / "net.sv"
    text = top.read_text()
    assert ".WIDTH(10)" in text
    top.write_text(text.replace(".WIDTH(10)", ".WIDTH(9)", 1))
    command = _command((tmp_path / "README.md").read_text(), "verilator")
    done = subprocess.run(
        command, check=False, cwd=tmp_path, env=verilator_env(), capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "WIDTH" in done.stderr
