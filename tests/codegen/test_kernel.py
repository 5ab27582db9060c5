"""A design as a kernel with memory of its own: every bit of what it reads and writes, nothing beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import hpq_hls as hpq
from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import read_manifest
from hpq_hls.codegen.memory import MemoryArgument
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import system_of
from hpq_hls.kernels import Cast
from hpq_hls.tools.toolchain import find_gxx
from hpq_hls.verify.csim import FLAGS, run_csim, run_selfcheck
from hpq_hls.verify.vendor_headers import vendor_headers
from tests.codegen.compilers import clang_warnings, sanitizer_reports
from tests.codegen.flows import dataflow, design, small_design, stream, write
from tests.ports.networks import SHAPES, heads, samples

KERNEL = system_of(control="s_axilite", memory="m_axi", clock_ns=5.0)
PART = "xcvu9p-flga2104-2-i"
LAYOUTS = {
    # element types in and out, lanes, beats: bytes of a slot, of a word, of a frame
    ("s5.2", "u7.1,AP_RND,AP_SAT", 3, 5): ((2, 16, 16), (4, 32, 32)),
    ("u1.1", "s2.2", 1, 70): ((1, 64, 128), (1, 64, 128)),
    ("s8.3", "s16.4", 64, 2): ((64, 64, 128), (128, 64, 256)),
    ("s8.3", "u9.4,AP_TRN,AP_SAT", 70, 3): ((128, 64, 384), (128, 64, 384)),
    ("s3.1", "s2.1,AP_TRN,AP_SAT", 1, 1): ((1, 4, 4), (1, 4, 4)),
}


def cast_design(given: str, made: str, lanes: int, beats: int, frames: int = 6) -> Design:
    """A design that only changes a type."""
    x, y = stream("x", given, lanes, beats), stream("y", made, lanes, beats)
    flow = dataflow([Cast("cast", "cast", ("x",), ("y",), epilogue=Epilogue())], [x, y])
    return replace(design(flow, frames), system=KERNEL)


def spelled(argument: MemoryArgument, frame: np.ndarray) -> bytes:
    """A frame as the documentation has it, bit by bit; independent of what packs it."""
    bits = [0] * (8 * argument.frame_bytes)
    for beat in range(argument.beats):
        for lane in range(argument.lanes):
            for bit in range(argument.element_bits):
                place = 8 * beat * argument.slot_bytes + lane * argument.element_bits + bit
                bits[place] = int(frame[beat, lane]) >> bit & 1
    value = sum(bit << place for place, bit in enumerate(bits))
    return value.to_bytes(argument.frame_bytes, "little")


MAIN = """\
#include "../src/net_kernel.h"
#include <cstring>
int main(int argc, char** argv) {
    using namespace hpq_net;
    const unsigned frames = unsigned(std::atoi(argv[1])), guard = 5;
    std::vector<memory_word_input> x(frames * input_frame_words + 1);
    std::vector<memory_word_output> y(frames * output_frame_words + guard);
    const auto move = [](std::FILE* file, auto& word, bool out) {
        for (int i = 0; i < word.width; i += 8) {
            if (out) std::fputc(int(word.range(i + 7, i).to_uint()), file);
            else word.range(i + 7, i) = std::fgetc(file);
        }
    };
    std::FILE* in = std::fopen(argv[2], "rb");
    for (auto& word : x) move(in, word, false);
    for (auto& word : y) for (int i = 0; i < word.width; i += 8) word.range(i + 7, i) = 0xa5;
    net_kernel(x.data(), y.data(), frames);
    std::FILE* out = std::fopen(argv[3], "wb");
    for (auto& word : y) move(out, word, true);
    return std::fclose(out);
}
"""


@pytest.mark.parametrize("case", LAYOUTS, ids=lambda case: "-".join(map(str, case)))
def test_every_bit_of_memory(case: tuple[str, str, int, int], tmp_path: Path) -> None:
    """The layout that is documented, for batches of each size, none too; what lies behind stays as it is."""
    made = cast_design(*case)
    folder = write(VitisBackend(), made, tmp_path)
    if case[2:] in ((3, 5), (64, 2)):  # several beats in a word, and several words for a beat
        check = run_selfcheck(folder)
        assert check.passed and check.words == made.golden["m_axis"].size
    kernel = read_manifest(folder).kernel
    assert kernel is not None
    given, taken = kernel.arguments
    sizes = tuple((one.slot_bytes, one.word_bytes, one.frame_bytes) for one in kernel.arguments)
    assert sizes == LAYOUTS[case]
    packed = given.to_memory(made.vectors["s_axis"])
    assert [row.tobytes() for row in packed] == [spelled(given, one) for one in made.vectors["s_axis"]]
    packed |= ~given.to_memory(np.full_like(made.vectors["s_axis"], -1))  # what is between is not looked at
    (folder / "tb" / "main.cpp").write_text(
        f"#include <cstdio>\n#include <cstdlib>\n#include <vector>\n{MAIN}"
    )
    sources = ["src/net.cpp", "src/net_kernel.cpp", "tb/main.cpp"]
    subprocess.run([*compiler(folder), *sources, "-o", "main"], cwd=folder, check=True)
    for frames in (0, 1, 5):
        (folder / "x").write_bytes(packed[:frames].tobytes() + b"\xff" * given.word_bytes)
        subprocess.run([folder / "main", str(frames), folder / "x", folder / "y"], check=True)
        found = (folder / "y").read_bytes()
        end = frames * taken.frame_bytes
        golden = made.golden["m_axis"][:frames]
        assert found[:end] == b"".join(spelled(taken, one) for one in golden)
        assert found[end:] == b"\xa5" * (5 * taken.word_bytes)
        rows = np.frombuffer(found[:end], np.uint8).reshape(frames, taken.frame_bytes)
        np.testing.assert_array_equal(taken.from_memory(rows, case[1].startswith("s")), golden)


@pytest.mark.parametrize("width", [1, 7, 63, 64])
def test_elements_of_every_width_come_back(width: int) -> None:
    one = MemoryArgument.of("y_memory", "m_axis", "gmem_y", width, 3, 2)
    codes = np.array([-(1 << (width - 1)), -1, 0, (1 << (width - 1)) - 1], dtype=np.int64)
    frames = np.random.default_rng(width).choice(codes, (4, 2, 3))
    np.testing.assert_array_equal(one.from_memory(one.to_memory(frames), True), frames)
    if width < 64:
        right = frames & ((1 << width) - 1)
        np.testing.assert_array_equal(one.from_memory(one.to_memory(frames), False), right)


@dataclass(frozen=True)
class Built:
    """A project, and the objects of what memory.h and the kernel's own file have no part in."""

    folder: Path
    objects: tuple[Path, ...]


def compiler(folder: Path) -> list[str | Path]:
    command = [find_gxx().require(), *FLAGS, *vendor_headers(folder / "src", FLAGS)]
    return [*command, "-idirafter", "tb/include"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write(
        VitisBackend(), cast_design("s5.2", "u7.1,AP_RND,AP_SAT", 3, 35), tmp_path_factory.mktemp("built")
    )
    objects = []
    for name in ("src/net.cpp", "tb/net_kernel_tb.cpp"):
        assert "memory.h" not in (folder / name).read_text()
        objects.append((folder / name).with_suffix(".o"))
        subprocess.run([*compiler(folder), "-c", name, "-o", objects[-1]], cwd=folder, check=True)
    return Built(folder, tuple(objects))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("src/net_kernel.cpp", "hpq::take_beats<35, 16>", "hpq::take_beats<35, 16>"),
        ("src/hpq/memory.h", "if (i == 0) {\n            slot = 0;", "if (i == 1) {\n            slot = 0;"),
        ("src/hpq/memory.h", "word = 0;\n        }\n        for", "word = word;\n        }\n        for"),
        ("src/hpq/memory.h", "memory[i] = words.read();", "memory[i + 1] = words.read();"),
        ("src/hpq/memory.h", "i < frames * FRAME; ++i) {\n#pragma HLS loop_tripcount min=FRAME max=FRAME\n"
         "#pragma HLS pipeline II=1 style=flp\n        words", "i < FRAME; ++i) {\n        words"),
        ("src/net_kernel.cpp", "frame < frames", "frame + 1 < frames"),
    ],
)  # fmt: skip
def test_a_change_is_found_by_the_emitted_testbench(
    built: Built, file: str, old: str, new: str, tmp_path: Path
) -> None:
    """What is no change, the first, is none."""
    shutil.copytree(built.folder / "src", tmp_path / "src")
    (tmp_path / "tb").symlink_to(built.folder / "tb")
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    sources = ["src/net_kernel.cpp", *built.objects]
    subprocess.run([*compiler(tmp_path), *sources, "-o", "check"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [tmp_path / "check", "input.dat", "golden.dat"], cwd=tmp_path / "tb", capture_output=True, check=False
    )
    assert done.returncode in ((0,) if old == new else (1, 3)), done.stdout


def test_a_change_is_found_by_comparison_with_the_design(tmp_path: Path) -> None:
    made = cast_design("s5.2", "u7.1,AP_RND,AP_SAT", 3, 35)
    folder = write(VitisBackend(), made, tmp_path)
    path = folder / "src" / "net_kernel.cpp"
    path.write_text(path.read_text().replace("hpq::take_beats<35, 16>", "hpq::take_beats<35, 8>"))
    with pytest.raises(VerificationError, match="net_kernel"):
        run_csim(folder, made.vectors)


def test_the_core_is_the_same_and_no_port_of_the_tool_is_inside() -> None:
    """ap_axiu is for the ports of a top function; the design itself has none then."""
    plain = VitisBackend().files(small_design())
    files = VitisBackend().files(replace(small_design(), system=KERNEL))

    def code(text: str | bytes) -> list[str]:
        return [line for line in str(text).splitlines() if "#pragma HLS interface" not in line]

    assert code(files["src/net.cpp"]) == code(plain["src/net.cpp"])
    assert "interface" not in str(files["src/net.cpp"])
    sources = [
        str(text) for name, text in files.items() if name.endswith((".cpp", ".h")) and "tb/" not in name
    ]
    assert not any("ap_axiu" in line.split("//")[0] for text in sources for line in text.splitlines())
    body = str(files["src/net_kernel.cpp"])
    loop = re.search(r"static void run_frames\((.*?)\) \{\n(.*?)\n\}\n", body, re.DOTALL)
    assert loop is not None
    # Nothing but the loop, and in it nothing but streams and calls: UG1399, canonical body.
    head, *lines, end = [line for line in loop[2].splitlines()[1:] if not line.startswith("#pragma HLS ")]
    assert head == "    for (unsigned frame = 0; frame < frames; ++frame) {"
    assert end == "    }"
    stream, call = r'hls::stream<\w+> \w+\("\w+"\);', r"[\w:]+\([\w, ]+\);"
    assert all(re.fullmatch(f" {{8}}(?:{stream}|{call})", line) for line in lines)
    assert sum("hls::stream" not in line for line in lines) == 3


@pytest.mark.parametrize(
    "case", [("s5.2", "u7.1,AP_RND,AP_SAT", 3, 5), ("s8.3", "s16.4", 33, 2)], ids=["beats", "words"]
)
def test_a_kernel_has_no_warning_and_runs_clean(case: tuple[str, str, int, int], tmp_path: Path) -> None:
    """Several beats in a word, and several words for a beat."""
    folder = write(VitisBackend(), cast_design(*case), tmp_path)
    assert sanitizer_reports(folder) == ""  # and what g++ says
    if case[2] == 3:
        assert clang_warnings(folder) == ""


@pytest.mark.parametrize("io", ["stream", "parallel"])
def test_a_network_of_several_ports(io: str, tmp_path: Path) -> None:
    graph = hpq.from_torch(
        heads(), {name: np.zeros((1, *shape), np.float32) for name, shape in SHAPES.items()}
    )
    q = hpq.quantize(graph, samples(30), 5)
    options = {"control": "s_axilite", "memory": "m_axi", "io": io, "part": PART}
    project = hpq.generate(q, tmp_path / "p", **options)
    x = samples(6, seed=11)
    found, right = project.csim(x), q.predict_raw(x)
    assert all(np.array_equal(found[name], right[name]) for name in right)
    assert project.selfcheck().passed
    assert project.manifest == read_manifest(tmp_path / "p")
    if io == "parallel":
        return
    axis = hpq.generate(q, tmp_path / "axis", io=io, part=PART, tlast="ignored")
    assert project.schedule() == axis.schedule()  # of the design inside
    twin = hpq.generate(q, tmp_path / "rtl", "rtl", **options)
    assert twin.notes[-1].startswith("memory m_axi and control s_axilite are those of the HLS project")
    assert twin.manifest.memory == "axis"
    with pytest.raises(ConfigError, match="backend vivado and memory m_axi exclude each other"):
        hpq.generate(q, tmp_path / "v", "vivado", **options)
