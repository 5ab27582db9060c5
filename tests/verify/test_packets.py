"""Packets of a wrong size at the inputs of the C++: each makes one frame, and the flag tells; word by word as
the RTL's port is certified to do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import read_manifest
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.hardware import system_of
from hpq_hls.resources import templates_dir
from hpq_hls.tools.toolchain import find_ap_types, find_gxx
from hpq_hls.verify.clocked.design import write_clocked
from hpq_hls.verify.cosim import run_cosim
from hpq_hls.verify.csim import FLAGS, run_selfcheck
from hpq_hls.verify.schedule import record
from tests.codegen.flows import small_design, write
from tests.verify.test_csim import edit

MAIN = """\
#include <ap_fixed.h>
#include <cstdio>
#include "hpq/axis.h"
#include "hpq/axis_word.h"
typedef hpq::axis_word<16> word_t;
typedef hpq::beat<ap_ufixed<8, 8>, 2> beat_t;
int main() {
    const int counts[] = {COUNTS};
    bool ended = false, dropping = false, error = false, flag = false;
    hpq::counter<BEATS>::type at = 0;
    for (int count : counts) {
        hls::stream<word_t> port;
        hls::stream<beat_t> out;
        for (int i = 0; i < count; ++i) {
            word_t word;
            word.data = 257 * (i + 1);
            word.last = i == count - 1;
            port.write(word);
        }
        hpq::from_checked_axis<BEATS>(port, out, at, ended, dropping, error, flag);
        while (dropping) hpq::from_checked_axis_beat<BEATS>(port, out, at, ended, dropping, error);
        std::printf("%d:", int(flag));
        while (!out.empty()) {
            const beat_t beat = out.read();
            std::printf(" %d", int(beat.data[0]) * 256 + int(beat.data[1]));
        }
        std::printf("\\n");
    }
}
"""


STEADY = """\
        hpq::from_checked_axis<BEATS>(port, out, at, ended, dropping, error, flag);
        while (dropping) hpq::from_checked_axis_beat<BEATS>(port, out, at, ended, dropping, error);
"""
STARTED = "        hpq::from_checked_axis_packet<BEATS>(port, out, error, flag);\n"


@pytest.mark.parametrize("port", [STEADY, STARTED], ids=["steady", "started"])
@pytest.mark.parametrize("beats", [1, 2, 5])
def test_each_packet_makes_one_frame(beats: int, port: str, tmp_path: Path) -> None:
    counts = [beats, 1, beats, beats + 1, beats, 2 * beats + 3, beats]
    assert STEADY in MAIN
    main = MAIN.replace(STEADY, port)
    main = main.replace("COUNTS", ", ".join(map(str, counts))).replace("BEATS", str(beats))
    (tmp_path / "main.cpp").write_text(main)
    vitis = templates_dir() / "vitis"
    command = [find_gxx().require(), *FLAGS, "-isystem", find_ap_types(), "-I", vitis]
    command += ["-idirafter", vitis / "standin", "main.cpp", "-o", "main"]
    subprocess.run(command, check=True, cwd=tmp_path)
    told = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    wanted, error = [], False
    for count in counts:
        error |= count != beats
        frame = [257 * (i + 1) if i < count else 0 for i in range(beats)]
        wanted.append(" ".join([f"{int(error)}:", *map(str, frame)]))
    assert told.splitlines() == wanted


@pytest.fixture(scope="module")
def checked() -> Design:
    made = small_design()
    flow = made.dataflow
    return replace(made, dataflow=replace(flow, inputs=tuple(replace(t, checked=True) for t in flow.inputs)))


@pytest.mark.parametrize("backend", [VitisBackend(), VivadoBackend()], ids=lambda backend: backend.name)
def test_the_testbench_sends_wrong_packets(checked: Design, backend: VitisBackend, tmp_path: Path) -> None:
    project = write(backend, checked, tmp_path)
    top = (project / "src" / "net.h").read_text()
    assert "ap_uint<1>& s_axis_packet_error);" in top
    assert "ap_none port=s_axis_packet_error" in (project / "src" / "net.cpp").read_text()
    assert run_selfcheck(project).passed


@pytest.fixture(scope="module")
def started(checked: Design) -> Design:
    """The same, started for each frame."""
    return replace(checked, system=system_of(control="s_axilite", clock_ns=5.0))


@pytest.mark.parametrize("backend", [VitisBackend(), VivadoBackend()], ids=lambda backend: backend.name)
def test_a_start_takes_a_packet(started: Design, backend: VitisBackend, tmp_path: Path) -> None:
    """A call of a started design ends with its packet, in hardware too: nothing is left to C simulation."""
    project = write(backend, started, tmp_path)
    top = (project / "src" / "net.cpp").read_text()
    assert "#ifndef __SYNTHESIS__" not in top
    assert "ap_ctrl_none" not in top
    begin = "#pragma HLS interface mode=" if backend.name == "vitis" else "#pragma HLS INTERFACE "
    for port in ("return", "s_axis_packet_error"):
        assert f"{begin}s_axilite port={port} bundle=control\n" in top
    assert f"{begin}ap_ctrl_hs port=return\n" in top
    assert run_selfcheck(project).passed
    assert read_manifest(project).control == "s_axilite"
    edit(project / "src/hpq/axis.h", "more = dropping || at != 0", "more = at != 0")
    check = run_selfcheck(project)
    assert check.message.startswith("stream s_axis still holds data at the end")


def test_a_started_design_as_clocked_hardware(started: Design, tmp_path: Path) -> None:
    """What the model of the schedule and clang make of its port."""
    project = write(VitisBackend(), started, tmp_path / "p")
    course = record(project)
    for depth in (2, 8, 24):
        found = course.schedules([depth])[0]
        assert found.deadlock is None
    write_clocked(project, tmp_path / "clocked")
    manifest = read_manifest(project)
    result = run_cosim(
        tmp_path / "clocked", manifest, started.vectors, started.golden,
        scenarios=("random_gaps", "wrong_packets"), build_dir=tmp_path / "build",
    )  # fmt: skip
    assert result.mismatches == 0
    np.testing.assert_array_equal(result.outputs["m_axis"], started.golden["m_axis"])


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("src/hpq/axis.h", "error = error || last", "error = last", "s_axis_packet_error is 0"),
        ("src/hpq/axis.h", "last != full", "last", "s_axis_packet_error is 1"),
        ("src/hpq/axis.h", "flag = error", "flag = 0", "s_axis_packet_error is 0"),
    ],
)
def test_what_the_testbench_finds(
    checked: Design, file: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    project = write(VitisBackend(), checked, tmp_path)
    edit(project / file, old, new)
    check = run_selfcheck(project)
    assert not check.passed
    assert message in check.message, check.message


def test_what_is_too_much_and_stays(checked: Design, tmp_path: Path) -> None:
    project = write(VitisBackend(), checked, tmp_path)
    edit(project / "src/hpq/axis.h", "dropping = full && !last", "dropping = false")
    check = run_selfcheck(project)
    assert not check.passed
    assert check.message.startswith("stream s_axis still holds data at the end")
