"""The kernels of a C++ project alone: as its files have them, and with faults put into the files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hpq_hls as hpq
from hpq_hls.errors import VerificationError
from hpq_hls.project import Project
from hpq_hls.verify.certify.kept import kept
from tests.verify.words import every_nature


@pytest.fixture(scope="module")
def project(tmp_path_factory: Any) -> Project:
    folder = tmp_path_factory.mktemp("certify") / "vitis"
    return hpq.generate(every_nature(), folder, backend="vitis", target_interval=300)


def test_every_kernel_is_shown_right(project: Project) -> None:
    certificate = project.certify()
    assert certificate.passed, certificate.first_failure
    own = [kernel.name for kernel in certificate.kernels if kernel.layer]
    assert own == [kernel.name for kernel in project.dataflow.kernels]
    assert {kernel.proof for kernel in certificate.kernels} == {"all inputs", "exhaustive", "sampled"}
    assert kept(project.path) == certificate
    source = project.path / "src" / "model.cpp"
    text = source.read_text()
    source.write_text(text + "// looked at\n")
    assert kept(project.path) is None
    source.write_text(text)
    programs = [path for path in (project.path / "build" / "certify").glob("examine-*") if not path.suffix]
    assert programs
    for program in programs:
        program.write_bytes(program.read_bytes()[:4096])  # a copy that was not finished
    assert project.certify() == certificate
    assert kept(project.path) == certificate


def test_images_that_no_window_sees_all_of(tmp_path: Path) -> None:
    """A kernel behind a window is right for any values of all its taps, of which some are always padding."""
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, padding=1, groups=2), torch.nn.AvgPool2d(3, 1, 1))
    x = np.random.default_rng(3).normal(size=(20, 4, 2, 2))
    q = hpq.quantize(hpq.from_torch(net.eval(), torch.zeros(2, 4, 2, 2)), x, 5)
    certificate = hpq.generate(q, tmp_path / "p", backend="vitis").certify()
    assert certificate.passed, certificate.first_failure


def one_more(text: str, *, last: bool = False) -> str:
    """A table with an element that is one off: the lowest of a word, which is not all ones."""
    found = list(re.finditer(r"(?<={)0x([0-9a-f]+)", text))[-1 if last else 0]
    return text[: found.start()] + f"0x{int(found[1], 16) ^ 1:x}" + text[found.end(1) :]


def once(old: str, new: str) -> Callable[[str], str]:
    def changed(text: str) -> str:
        assert text.count(old) >= 1, old
        return text.replace(old, new, 1)

    return changed


def in_kernel(kernel: str, old: str, new: str) -> Callable[[str], str]:
    """The first such words behind a kernel's name."""

    def changed(text: str) -> str:
        at = text.index(f"struct {kernel} ")
        return text[:at] + once(old, new)(text[at:])

    return changed


def one_less(text: str) -> str:
    """The last table word one off."""
    return one_more(text, last=True)


FAULTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "conv_window": ("model.cpp", in_kernel("conv_window", "pad_value = 0", "pad_value = 1")),
    "conv_matvec": ("tables/conv_matvec_slope.inc", one_less),
    "maxpool2d_window": ("model.cpp", in_kernel("maxpool2d_window", "first_x = 1", "first_x = 0")),
    "deep_channelmac": ("tables/deep_channelmac_weight.inc", one_more),
    "sigmoid_table": ("tables/sigmoid_table_values.inc", one_less),
    "add_add": ("model.cpp", in_kernel("add_add", "no_clip", "relu")),
    "fc_matvec": (
        "model.cpp",
        in_kernel("fc_matvec", "ap_fixed<13,3> accumulator_t", "ap_fixed<10,0> accumulator_t"),
    ),
}
"""By the kernel that has it: file and change."""
HIDDEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "src/hpq/axis_word.h": ("hpq/axis_word.h", once("ap_uint<1> last", "ap_uint<2> last")),
    "src/*": ("hpq/matvec.h", once("HLS pipeline II=1", "HLS pipeline II=2")),
}
"""By what is said to be wrong: what no kernel shows."""
UNREAD = re.compile(r"static void mul_mul\(hls::stream<([\w:]+)>& (\w+)[^{]*\{")
BEYOND = {
    "fc_matvec": ("hpq/matvec.h", once("p < PE;", "p <= PE;")),
    "sigmoid_table": ("hpq/table.h", once("i < LANES;", "i <= LANES;")),
}
"""By kernel: what it does behind the end of an array."""


def test_faults_in_the_files_are_found(project: Project, tmp_path: Path) -> None:
    """Several at once, each in another kernel."""
    shutil.copytree(project.path, tmp_path / "vitis", ignore=shutil.ignore_patterns("build"))
    wrong = replace(project, path=tmp_path / "vitis")
    kernels = {kernel.name for kernel in project.dataflow.kernels}
    for file, change in (*FAULTS.values(), *HIDDEN.values(), *BEYOND.values()):
        path = wrong.path / "src" / file
        path.write_text(change(path.read_text()))
    path = wrong.path / "src" / "model.cpp"
    path.write_text(UNREAD.sub(r"\g<0> \2.write(\1());", path.read_text()))
    certificate = wrong.certify()
    failed = {kernel.name for kernel in certificate.kernels if not kernel.passed}
    assert failed & kernels == {*FAULTS, "mul_mul"}
    assert failed - kernels == set(HIDDEN)
    told = {kernel.name: kernel.first for kernel in certificate.kernels}
    assert "does not read all beats of a frame" in told["mul_mul"]
    for kernel in BEYOND:
        assert f"{kernel} reads or writes beyond the end of an array" in told[kernel]
    assert certificate.first_failure is not None
    assert certificate.first_failure.name == "conv_window"
    with pytest.raises(VerificationError, match="conv_window of layer 'conv' is wrong"):
        certificate.check()
