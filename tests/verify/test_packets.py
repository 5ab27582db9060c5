"""Packets of a wrong size at the inputs of the C++: each makes one frame, and the flag tells; word by word as
the RTL's port is certified to do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.errors import ToolError
from hpq_hls.resources import templates_dir
from hpq_hls.tools.toolchain import find_ap_types, find_gxx
from hpq_hls.verify.csim import FLAGS, run_selfcheck
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
    bool error = false, dropping = false;
    for (int count : counts) {
        hls::stream<word_t> port;
        hls::stream<beat_t> out;
        for (int i = 0; i < count; ++i) {
            word_t word;
            word.data = 257 * (i + 1);
            word.last = i == count - 1;
            port.write(word);
        }
        CALL
        std::printf("%d:", int(error));
        while (!out.empty()) {
            const beat_t beat = out.read();
            std::printf(" %d", int(beat.data[0]) * 256 + int(beat.data[1]));
        }
        std::printf("\\n");
    }
}
"""
SINGLE = "do hpq::from_checked_axis_beat(port, out, dropping, error); while (dropping);"


@pytest.mark.parametrize("beats", [1, 2, 5])
def test_each_packet_makes_one_frame(beats: int, tmp_path: Path) -> None:
    counts = [beats, 1, beats, beats + 1, beats, 2 * beats + 3, beats]
    call = SINGLE if beats == 1 else f"hpq::from_checked_axis<{beats}>(port, out, error);"
    main = MAIN.replace("COUNTS", ", ".join(map(str, counts))).replace("CALL", call)
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


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("src/hpq/axis.h", "error = error || ended", "error = ended", "s_axis_packet_error is 0"),
        ("src/hpq/axis.h", "ended != (i == BEATS - 1)", "ended", "s_axis_packet_error is 1"),
        ("src/net.cpp", "packet_error = error", "packet_error = 0", "s_axis_packet_error is 0"),
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
    edit(project / "src/hpq/axis.h", "i < BEATS || !ended", "i < BEATS")
    with pytest.raises(ToolError, match="stream s_axis still holds data at the end"):
        run_selfcheck(project)
