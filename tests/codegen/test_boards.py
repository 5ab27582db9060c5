"""Boards: the table, the settings, and what the scripts of a system build in a Vivado that only answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.billing.parts import BOARDS
from hpq_hls.codegen.base import Design
from hpq_hls.codegen.block_design import beat_bytes, board_refusal, tcl_quoted
from hpq_hls.codegen.boards import Board, find_board
from hpq_hls.codegen.manifest import manifest_of
from hpq_hls.codegen.registry import find_backend
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import Dataflow, Ip, System, system_of
from hpq_hls.hardware.dataflow import Terminal
from hpq_hls.kernels import Cast, Stream
from hpq_hls.settings.board import board_of
from hpq_hls.settings.config import load_config
from tests.codegen.block_design_model import Built, run_script
from tests.codegen.flows import parse

NAMES = ("Pynq-Z2", "ZCU104", "KV260")
OWN = """\
boards:
  Zybo "Z7"$[exit 5]{:
    part: xc7z020clg400-1
    board_parts: ['digilentinc.com:zybo"z7$[exit 6]{:part0:*']
    ps: processing_system7
    control_port: GP1
    memory_ports: [HP2]
    memory_bits: 32
"""


def wires(ports: Mapping[str, tuple[int, int, int]], name: str = "net", checked: bool = True) -> Dataflow:
    """A network that casts each input to an output; ports: width, lanes and beats by name."""
    streams, kernels, inputs, outputs = {}, [], [], []
    many = len(ports) > 1
    for port, (width, lanes, beats) in ports.items():
        x, y = f"x_{port}", f"y_{port}"
        for stream in (x, y):
            streams[stream] = Stream(stream, parse(f"s{width}.{width}"), lanes, beats, 2)
        kernels.append(Cast(f"cast_{port}", f"layer {port}", (x,), (y,), Epilogue()))
        shape, order = (lanes * beats,), np.arange(min(lanes * beats, 1 << 20))
        suffix = f"_{port}" if many else ""
        inputs.append(Terminal(port, f"s_axis{suffix}", x, shape, order, checked))
        outputs.append(Terminal(f"{port}_out", f"m_axis{suffix}", y, shape, order))
    return Dataflow(name, tuple(kernels), streams, tuple(inputs), tuple(outputs))


def made_for(flow: Dataflow, board: Board, clock_ns: float = 5.0) -> Design:
    """Without test vectors."""
    empty = {
        end.port: np.zeros((0, flow.streams[end.stream].beats, flow.streams[end.stream].lanes), np.int64)
        for end in (*flow.inputs, *flow.outputs)
    }
    return Design(flow, "stream", board.part, clock_ns, empty, empty, board=board)


def written(design: Design, backend: str, folder: Path) -> Path:
    """The folder board/ of a project."""
    for name, content in find_backend(backend).files(design).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    name = design.dataflow.name
    (folder / "board" / "run").mkdir()
    (folder / "board" / "run" / f"{name}_system_wrapper.bit").write_text("bits")
    handoff = folder / f"board/vivado/{name}_system.gen/sources_1/bd/{name}_system/hw_handoff"
    handoff.mkdir(parents=True)
    (handoff / f"{name}_system.hwh").write_text("handoff")
    return folder / "board"


def built(design: Design, calls: list[list[str]], suffix: str = "") -> Built:
    """The block design of a script's calls."""
    made = manifest_of(design)
    return Built(
        calls,
        {port.port: port.tdata_bytes for port in made.inputs},
        {port.port: port.tdata_bytes for port in made.outputs},
        tuple(f"{port.packet_error}{suffix}" for port in made.inputs if port.packet_error),
    )


# ---------------------------------------------------------------------------------------------
# The table


def test_the_boards_that_come_with_the_package() -> None:
    for name in NAMES:
        board = find_board(name.upper())
        assert board.name == name
        assert BOARDS[name.lower()].lower() == board.part.lower()
        board.check_part(board.part.upper())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pinq-z2", "did you mean 'Pynq-Z2'"),
        ("kv", "did you mean 'KV260'"),
        ("qqq", "Pynq-Z2, ZCU104, KV260"),
    ],
)
def test_an_unknown_board(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find_board(name)


def test_boards_of_ones_own_come_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = OWN.split("\n", 2)[2]
    file.write_text(f"boards:\n  kv260:\n{text}")
    assert find_board("KV260", file).ps == "processing_system7"
    assert find_board("zcu104", file).ps == "zynq_ultra_ps_e"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("boards:", "board:", "must hold one key, `boards`"),
        ("part: xc7z020clg400-1", "part: xc7q", r"line 3: .*part is 'xc7q': .*catalogue"),
        ("    ps: processing_system7\n", "", r"line 2: .* has no ps"),
        ("GP1", "HPM0", "has GP0, GP1"),
        ("[HP2]", "[HP2, HP9]", "holds 'HP9'"),
        ("[HP2]", "[HP2, HP2]", "twice"),
        ("[HP2]", "[]", "a list of names"),
        ("[HP2]", "[1]", "a list of names"),
        ("32", "128", "have 32, 64 bits"),
        ("32", "true", "whole number"),
        ("memory_bits", "memory_bytes", r"line 8: .*memory_bytes is no key of a board"),
        ("processing_system7", "zynq", "choose processing_system7 or zynq_ultra_ps_e"),
    ],
)
def test_mistakes_in_a_file_of_boards(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(OWN.replace(old, new, 1))
    with pytest.raises(ConfigError, match=words) as caught:
        find_board("zybo", file)
    assert "\n" not in str(caught.value)


SETTINGS = "model: {{source: net.onnx}}\ndata: {{calibration: c.npz}}\nhardware:\n  board: {board}\n{more}"


def test_the_board_sets_the_part(tmp_path: Path) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(SETTINGS.format(board="kv260", more=""))
    project = load_config(path)
    assert project.settings.hardware.part == "xck26-sfvc784-2LV-c"
    faster = project.with_settings({"hardware.target_interval": 9})
    assert faster.settings.hardware.part == "xck26-sfvc784-2LV-c"
    board = board_of(project)
    assert board is not None
    assert board.name == "KV260"
    path.write_text(SETTINGS.format(board="Mine", more="  boards: more/mine.yaml\n"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.yaml").write_text("boards:\n  mine:\n" + OWN.split("\n", 2)[2])
    assert load_config(path).settings.hardware.part == "xc7z020clg400-1"


@pytest.mark.parametrize(
    ("board", "more", "words"),
    [
        (
            "KV260",
            "  part: xc7z020clg400-1\n",
            r"line 4: hardware.board: part .* does not match board 'KV260'",
        ),
        ("KV261", "", r"line 4: hardware.board: there is no board 'KV261'; did you mean 'KV260'\?"),
        ("null", "  boards: mine.yaml\n", r"line 5: hardware.boards has no board"),
        ("KV260", "  boards: none.yaml\n", r"none.yaml does not exist"),
    ],
)
def test_settings_that_do_not_go_together(tmp_path: Path, board: str, more: str, words: str) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(SETTINGS.format(board=board, more=more))
    with pytest.raises(ConfigError, match=words):
        load_config(path)


# ---------------------------------------------------------------------------------------------
# The scripts


@pytest.mark.parametrize(
    ("tdata", "memory"), [(1, 1), (3, 4), (5, 8), (64, 64), (65, 128), (128, 128), (129, 256), (511, 512)]
)
def test_a_beat_in_memory(tdata: int, memory: int) -> None:
    assert beat_bytes(tdata) == memory


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ({"a": (32, 129, 1)}, "beats of 516 bytes, .* at most 512"),
        ({"a": (8, 1, 1 << 26)}, "a frame of port s_axis takes 67,108,864 bytes"),
        ({f"a{n}": (8, 1, 1) for n in range(16)}, "16 inputs and 16 outputs, .* DMAs for 15"),
    ],
)
def test_what_no_system_can_serve(ports: dict[str, tuple[int, int, int]], words: str) -> None:
    flow = wires(ports)
    refused = board_refusal(flow, find_board("KV260"))
    assert refused is not None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(refused)


PORTS = {
    "even": {"a": (8, 4, 5)},
    "odd": {"a": (7, 3, 5_000)},
    "wide": {"a": (9, 160, 3)},
    "many": {
        "a": (7, 3, 2),
        "b": (1, 1, 9),
        "c": (12, 90, 1),
        "d": (9, 160, 2),
        "e": (16, 64, 4),
        "f": (3, 5, 7),
    },
    "most": {f"p{n}": (3 + n, 1 + 2 * n, 2) for n in range(15)},
}


@pytest.mark.parametrize("backend", ["vitis", "vivado", "rtl"])
@pytest.mark.parametrize("name", NAMES)
def test_block_designs_are_whole(backend: str, name: str, tmp_path: Path) -> None:
    board = find_board(name)
    for kind, ports in PORTS.items():
        design = made_for(wires(ports, checked=kind != "even"), board, 6.4 if kind == "odd" else 5.0)
        place = tmp_path / f"a {kind}" / "[it] $x"
        folder = written(design, backend, place)
        old = backend == "vivado"
        calls, error = run_script(folder / "block_design.tcl", **{"OLD" if old else "NEW": "1"})
        assert error == ""
        system = built(design, calls, "_V" if old else "")
        dmas = [cell for cell in system.cells.values() if cell.kind == "axi_dma"]
        assert len(dmas) == len(ports)
        for flow_port in manifest_of(design).inputs:
            size = beat_bytes(flow_port.tdata_bytes) * flow_port.beats
            number = int(list(ports).index(flow_port.port.removeprefix("s_axis_"))) if len(ports) > 1 else 0
            assert size < 1 << system.cells[f"axi_dma_{number}"].number("c_sg_length_width")
        asked = next(
            words for words in reversed(calls) if words[0] == "set_property" and words[1].endswith("FREQMHZ")
        )
        assert float(asked[2]) <= 200.0
        if kind == "odd":  # PLLs would make 166.7 of 156.25
            assert 1000 / round(1000 / float(asked[2])) < 156.25
        assert (folder / "driver" / "net.bit").read_text() == "bits"
        assert (folder / "driver" / "net.hwh").read_text() == "handoff"
        created = next(words for words in calls if words[0] == "create_project")
        assert created[created.index("-part") + 1] == board.part
        repository = next(words for words in calls if words[:2] == ["set_property", "ip_repo_paths"])
        expected = folder / "ip" if backend == "rtl" else folder.parent / "hls_net"
        assert repository[2] == "{" + str(expected) + "}" or repository[2].replace("\\", "") == str(expected)


def test_a_line_that_is_missing_is_found(tmp_path: Path) -> None:
    design = made_for(wires({"a": (7, 3, 4), "b": (9, 160, 3)}), find_board("ZCU104"))
    calls, _ = run_script(written(design, "rtl", tmp_path) / "block_design.tcl")
    built(design, calls)
    matters = re.compile(
        r"CONFIG\.(c_include_|c_m_axis|c_s_axis|[SM]_TDATA|TDATA|NUM_|PSU__USE__M_AXI_GP[12])"
    )
    looked = 0
    for at, (name, *words) in enumerate(calls):
        if name.startswith("connect") or name == "create_bd_cell" or (words and matters.match(words[0])):
            if words[0].endswith("_dre"):
                continue
            looked += 1
            with pytest.raises((AssertionError, KeyError)):
                through(built(design, calls[:at] + calls[at + 1 :]))
    assert looked > 80


def through(system: Built) -> None:
    """Send a beat through all converters."""
    for source in system.links:
        cell, _, port = source.partition("/")
        if port in ("M_AXIS_MM2S", "m_axis_a", "m_axis_b"):
            bytes_ = 2 * system.interfaces(cell)[port].bytes
            system.follow(source, np.zeros((2, bytes_ // 2), np.uint8))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"NO_BOARD": "1"}, "board files of .*kv260.* are not installed"),
        ({"NO_IP": "1"}, "there is no IP net yet"),
        ({"SLACK": "-0.5"}, "too fast by 0.5 ns"),
    ],
)
def test_what_a_script_stops_at(environment: dict[str, str], words: str, tmp_path: Path) -> None:
    folder = written(made_for(wires(PORTS["odd"]), find_board("KV260")), "vitis", tmp_path)
    _, error = run_script(folder / "block_design.tcl", **environment)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(error)
    assert not (folder / "driver" / "net.bit").exists()


@pytest.mark.parametrize(
    ("around", "words"),
    [
        ({"control": "s_axilite"}, "control is s_axilite; choose control none"),
        ({"control": "s_axilite", "memory": "m_axi"}, "memory is m_axi; choose memory axis"),
    ],
)
def test_what_no_dma_starts(around: dict[str, str], words: str) -> None:
    refused = board_refusal(wires(PORTS["odd"]), find_board("KV260"), system_of(clock_ns=5.0, **around))  # type: ignore[arg-type]
    assert refused is not None
    assert words in refused


@pytest.mark.parametrize("found", [False, True])
def test_the_packaging_of_the_rtl(found: bool, tmp_path: Path) -> None:
    design = made_for(wires(PORTS["many"]), find_board("ZCU104"), 4.0)
    if found:
        design = replace(design, system=System(ip=Ip("example.com", "nets", "2.1", "Net (a)")))
    folder = written(design, "rtl", tmp_path / "a place")
    (folder.parent / "rtl" / "net_rom.mem").write_text("0\n")
    calls, error = run_script(folder / "package_ip.tcl", **({"FOUND": "1"} if found else {}))
    assert error == ""
    added = [words for words in calls if words[0] == "add_files"]
    listed = (folder.parent / "rtl" / "files.f").read_text().split()
    paths = [str(folder.parent / name) for name in listed] + [str(folder.parent / "rtl" / "net_rom.mem")]
    assert len(added) == 1
    assert all(path in added[0][2] for path in paths)
    assert all((folder.parent / name).is_file() for name in listed)
    packaged = next(words for words in calls if words[0] == "ipx::package_project")
    vendor = packaged[packaged.index("-vendor") + 1]
    assert vendor == ("example.com" if found else "hpq_hls")
    assert ["set_property", "version", "2.1" if found else "1.0", "core"] in calls
    assert ["set_property", "display_name", "Net (a)" if found else "net", "core"] in calls
    ports = [port.port for side in (manifest_of(design).inputs, manifest_of(design).outputs) for port in side]
    inferred = [words for words in calls if words[0] == "ipx::infer_bus_interface"]
    assert len(inferred) == (0 if found else 2 + len(ports))
    associated = [words[1:] for words in calls if words[0] == "ipx::associate_bus_interfaces"]
    assert [words[1] for words in associated[:-1]] == ports
    assert associated[-1] == ["-clock", "ap_clk", "-reset", "ap_rst_n", "core"]
    assert ["set_property", "value", "250000000", "ap_clk FREQ_HZ"] in calls
    assert [words[0] for words in calls[-2:]] == ["ipx::save_core", "close_project"]


def test_names_of_the_users_stay_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(OWN)
    board = find_board('zybo "z7"$[exit 5]{', file)
    ports = {"a": (7, 3, 4)}
    flow = wires(ports)
    odd = 'in"put\\${x}[exit 7]\n""" # é\U0001f600'
    flow = replace(flow, inputs=tuple(replace(end, name=odd) for end in flow.inputs))
    folder = written(made_for(flow, board), "rtl", tmp_path / "out")
    for script in ("package_ip.tcl", "block_design.tcl"):
        calls, error = run_script(folder / script, HPQ_BOARD_FILES="/some where")
        assert error == ""
    assert calls[0] == ["set_param", "board.repoPaths", "{/some where}"]
    asked = [words for words in calls if words[0] == "get_board_parts"]
    assert asked == [["get_board_parts", "-quiet", board.board_parts[0]]]
    compile((folder / "driver" / "net_overlay.py").read_text(), "net_overlay.py", "exec")
    assert json.loads((folder / "driver" / "net.json").read_text())["inputs"][0]["name"] == odd
    assert board.name in "".join(notebook(folder / "driver" / "net.ipynb")[0]["source"])


@pytest.mark.parametrize("text", ['a"b', "$x", "[exit]", "{", "}", "\\", "é", "\U0001f600", "a b;#c", "\n\t"])
def test_a_word_of_tcl(text: str, tmp_path: Path) -> None:
    script = tmp_path / "word.tcl"
    script.write_text(f"add_files {tcl_quoted(text)}\n")
    assert run_script(script) == ([["add_files", text]], "")


def notebook(path: Path) -> list[dict[str, list[str]]]:
    """The cells of a notebook in format 4."""
    content = json.loads(path.read_text())
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 4)
    assert set(content) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    for cell in content["cells"]:
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "metadata", "source"} | code
        assert all(isinstance(line, str) for line in cell["source"])
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        if code:
            assert cell["execution_count"] is None
            assert cell["outputs"] == []
            compile("".join(cell["source"]), "cell", "exec")
    cells: list[dict[str, list[str]]] = content["cells"]
    return cells
