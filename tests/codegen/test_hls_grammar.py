"""Every pragma, Tcl line and configuration key that is emitted, against what each version's tool reads."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.hardware import Dataflow, system_of
from tests.codegen.flows import blank_design
from tests.codegen.golden_kernels import FLOWS
from tests.codegen.hls_grammar import (
    CFG,
    CFG_VERSIONS,
    COMPONENT,
    PRAGMAS,
    TCL,
    UNCERTAINTY,
    VIVADO,
    check_pragma,
    misplaced,
)
from tests.codegen.test_vitis import cnn_design, texts

VITIS_BACKEND, VIVADO_BACKEND = VitisBackend(), VivadoBackend()
VERSIONS = [
    (VIVADO_BACKEND if grammar is VIVADO else VITIS_BACKEND, version) for version, grammar in PRAGMAS.items()
]


def checked(flow: Dataflow) -> Dataflow:
    """The flow with ports that look at TLAST."""
    return replace(flow, inputs=tuple(replace(terminal, checked=True) for terminal in flow.inputs))


NAMES = {"vendor": "example.com", "library": "nets", "version": "1.2.3", "display_name": "My net (v1)"}
SYSTEMS = {
    "core": system_of(clock_ns=5.0),
    "named": system_of(ip=NAMES, clock_uncertainty=0.25, export="impl", clock_ns=5.0),
    "started": system_of(control="s_axilite", clock_uncertainty="12.5%", clock_ns=5.0),
    "kernel": system_of(
        control="s_axilite", memory="m_axi", ip=NAMES, clock_uncertainty="15%", export="syn", clock_ns=5.0
    ),
}


def systems(backend: VitisBackend) -> dict[str, Design]:
    """A network with several kernels in each system that the tool has."""
    own = {name: system for name, system in SYSTEMS.items() if backend.name == "vitis" or name != "kernel"}
    return {name: replace(cnn_design(), system=backend.built(system)) for name, system in own.items()}


DESIGNS = [
    *map(blank_design, FLOWS.values()),
    *(blank_design(checked(FLOWS[name])) for name in ("matvec", "gather")),
    *(
        replace(blank_design(checked(FLOWS[name])), system=SYSTEMS["started"])
        for name in ("matvec", "gather", "unrolled")
    ),
]


@functools.cache
def sources(backend: VitisBackend) -> frozenset[tuple[str, str]]:
    """Every C++ file of all designs, each text once."""
    designs = (*DESIGNS, *systems(backend).values())
    files = (item for design in designs for item in texts(design, backend).items())
    return frozenset((name, text) for name, text in files if name.endswith((".cpp", ".h")))


TCL_STUBS = """
proc answer {name args} { puts [list CALL $name {*}$args] }
foreach name {%s} { proc $name args "answer $name {*}\\$args" }
rename exit leave
proc exit {{code 0}} { puts [list EXIT $code]; leave $code }
set argv0 run_hls.tcl
set script [lindex $argv 0]
info script $script
source $script
"""


@pytest.mark.parametrize(("backend", "version"), VERSIONS, ids=lambda item: str(getattr(item, "name", item)))
def test_pragmas_are_known_and_where_they_belong(backend: VitisBackend, version: str) -> None:
    found = 0
    for name, text in sources(backend):
        top = "net_kernel" if name == "src/net_kernel.cpp" else "net"
        assert not list(misplaced(text, top, version)), name
        found += text.count("#pragma HLS")
    assert found > 300


@pytest.mark.parametrize(
    "text",
    [
        "pipeline II=1 style=frp rewind",
        "pipeline II=0",
        "pipelin II=1",
        "bind_storage variable=a type=rom_1p impl=uram",
        "bind_storage variable=a impl=bram",
        "array_partition variable=a complete dim=1",
        "dependence variable=a type=inter direction=RAW distance=3 dependent=false",
        "RESOURCE variable=a core=ROM_1P_BRAM",
        "interface mode=axis port=a offset=slave",
        "interface mode=m_axi port=a max_read_burst_length=100",
        "interface mode=m_axi port=a max_widen_bitwidth=48",
        "interface mode=ap_ctrl_handshake port=return",
    ],
)
def test_what_no_vitis_reads_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check_pragma(text, "2023.2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#pragma HLS inline\n    const beat", "    const beat"),
        (" rewind", " rewind rewind"),
        ("        if (i == 0) {", "        ++i;\n#pragma HLS unroll\n        if (i == 0) {"),
        ("variable=vector type=ram", "variable=vektor type=ram"),
        ("#pragma HLS dataflow", "#pragma HLS dataflow\n#pragma HLS pipeline II=1 rewind"),
    ],
)
def test_what_is_misplaced_is_found(old: str, new: str) -> None:
    files = texts(cnn_design(), VitisBackend())
    changed = {
        name: text.replace(old, new)
        for name, text in files.items()
        if old in text and name.startswith("src/")
    }
    assert changed
    bad = any(list(misplaced(text, "net", "2023.2")) for text in changed.values())
    assert bad == ("inline" not in old)


def run_tcl(folder: Path, commands: list[str], steps: str | None) -> list[list[str]]:
    """What a script calls, under a Tcl in which the tool's commands only say that they were called: tclsh, or
    the Tcl that comes with Python."""
    stubs = folder / "stubs.tcl"
    stubs.write_text(TCL_STUBS % " ".join(commands))
    environment = {"PATH": "/usr/bin:/bin"} | ({} if steps is None else {"HPQ_STEPS": steps})
    shell = shutil.which("tclsh")
    command = [shell, str(stubs), "run_hls.tcl"] if shell else [*_python_tcl(), str(stubs), "run_hls.tcl"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    assert lines[-1] == f"EXIT {done.returncode}", done.stderr
    return [_tcl_words(line)[1:] for line in lines[:-1]] + [[f"EXIT {done.returncode}"]]


def _python_tcl() -> list[str]:
    lines = ("import sys, tkinter", "tcl = tkinter.Tcl()", "tcl.setvar('argv', tuple(sys.argv[2:]))")
    body = "\n".join((*lines, "tcl.evalfile(sys.argv[1])"))
    return [sys.executable, "-c", body]


def _tcl_words(line: str) -> list[str]:
    return [braced or plain for braced, plain in re.findall(r"\{([^}]*)\}|(\S+)", line)]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("backend", "version"), VERSIONS, ids=lambda item: str(getattr(item, "name", item)))
def test_the_script_calls_what_the_tool_knows(
    backend: VitisBackend, version: str, system: str, tmp_path: Path
) -> None:
    design = systems(backend).get(system)
    if design is None:
        assert (backend.name, system) == ("vivado", "kernel")
        return
    files = texts(design, backend)
    (tmp_path / "run_hls.tcl").write_text(files["run_hls.tcl"])
    known = TCL[version]
    for steps, last in (
        (None, "export_design"),
        ("csim csynth cosim impl", "export_design"),
        ("csim", "csim_design"),
    ):
        calls = run_tcl(tmp_path, list(known), steps)
        assert calls.pop() == ["EXIT 0"]
        assert calls[-1][0] == last
        for name, *words in calls:
            count, options = known[name]
            plain = []
            words = iter(words)  # type: ignore[assignment]
            for word in words:
                if not word.startswith("-"):
                    plain.append(word)
                    continue
                assert word in options, f"{version}: {name} {word}"
                pattern = options[word]
                if pattern is not None:
                    value = next(words)  # type: ignore[call-overload]
                    assert re.fullmatch(pattern, value), f"{version}: {name} {word} {value}"
            assert len(plain) == count, f"{version}: {name} {plain}"
            assert name != "set_clock_uncertainty" or re.fullmatch(UNCERTAINTY, plain[0])
        order = [name for name, *_ in calls]
        assert order[0] == "open_project"
        assert order.index("open_solution") < order.index("set_part") < order.index("create_clock")
        told = "set_clock_uncertainty" in order
        assert told == (design.system.clock_uncertainty is not None)
        assert not told or order.index("create_clock") < order.index("set_clock_uncertainty")
        added = [
            words[-1] if words[-1] in files else words[-3] for name, *words in calls if name == "add_files"
        ]
        assert set(added) <= set(files)
    calls = run_tcl(tmp_path, list(known), "csyn")
    assert calls[-1] == ["EXIT 1"]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("version", CFG_VERSIONS)
def test_the_configuration_has_known_keys(version: str, system: str) -> None:
    section = ""
    files = texts(systems(VITIS_BACKEND)[system], VITIS_BACKEND)
    for line in files["hls_config.cfg"].splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            assert section in CFG, version
            continue
        key, _, value = line.partition("=")
        assert re.fullmatch(CFG[section][key], value), f"{version}: {line}"
        assert key not in ("syn.file", "tb.file") or value in files


def options_of(calls: list[list[str]], name: str) -> dict[str, str]:
    """The options of the last call of a command."""
    words = next(words for called, *words in reversed(calls) if called == name)
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("system", SYSTEMS)
def test_script_and_configuration_say_the_same(system: str, tmp_path: Path) -> None:
    files = texts(systems(VITIS_BACKEND)[system], VITIS_BACKEND)
    (tmp_path / "run_hls.tcl").write_text(files["run_hls.tcl"])
    calls = run_tcl(tmp_path, list(TCL["2023.2"]), None)[:-1]
    pairs = [line.partition("=")[::2] for line in files["hls_config.cfg"].splitlines() if "=" in line]
    keys = dict(pairs)
    said = {name: words for name, *words in calls}
    export = options_of(calls, "export_design")
    assert said["set_top"] == [keys["syn.top"]]
    assert said["set_part"] == [keys["part"]]
    assert said["open_solution"][:2] == ["-flow_target", keys["flow_target"]]
    assert said["create_clock"][1] + "ns" == keys["clock"]
    margin = keys.get("clock_uncertainty", "").removesuffix("ns")
    assert said.get("set_clock_uncertainty", [""]) == [margin]
    added = [words for name, *words in calls if name == "add_files"]
    assert [words[0] for words in added if words[0] != "-tb"] == [v for k, v in pairs if k == "syn.file"]
    assert [words[1] for words in added if words[0] == "-tb"] == [v for k, v in pairs if k == "tb.file"]
    assert export["-format"] == keys["package.output.format"]
    assert export.get("-flow") == keys.get("vivado.flow")
    for name in ("vendor", "library", "version", "display_name"):
        assert export.get(f"-{name}") == keys.get(f"package.ip.{name}")


@pytest.mark.parametrize("backend", [VITIS_BACKEND, VIVADO_BACKEND], ids=lambda backend: backend.name)
def test_the_readme_has_every_file_and_the_commands(backend: VitisBackend) -> None:
    for name, design in systems(backend).items():
        files = texts(design, backend)
        said = files["README.md"]
        shown = [path for path in files if not path.startswith(("src/hpq/", "src/tables/", "tb/include/"))]
        assert [path for path in shown if f"`{path}`" not in said] == ["README.md"], name
        for line in files.get("hls_config.cfg", "").splitlines():
            if line.startswith("#   "):
                assert line.removeprefix("#   ") in said
        assert ("v++ -l" in said) == ("s_axi_control" not in said and name == "kernel")
        assert ("s_axi_control" in said) == (name == "started")


def test_the_component_is_as_the_ide_writes_it() -> None:
    def check(value: object, pattern: object) -> None:
        if isinstance(pattern, dict):
            assert isinstance(value, dict)
            assert list(value) == list(pattern)
            for key, one in pattern.items():
                check(value[key], one)
        elif isinstance(pattern, list):
            assert isinstance(value, list)
            for one in value:
                check(one, pattern[0])
        else:
            assert re.fullmatch(str(pattern), str(value))

    files = texts(cnn_design(), VITIS_BACKEND)
    component = json.loads(files["vitis-comp.json"])
    check(component, COMPONENT)
    assert component["configuration"]["configFiles"] == ["hls_config.cfg"]
    assert f"--work_dir {component['configuration']['work_dir']}" in files["hls_config.cfg"]
    assert "vitis-comp.json" not in texts(cnn_design(), VIVADO_BACKEND)


def test_no_word_is_wider_than_the_tool_takes() -> None:
    """Reshaped arrays of all kernels, by their declarations and the pragmas for them."""
    sizes = {"unsigned char": 8, "unsigned short": 16, "unsigned": 32, "unsigned long long": 64}
    seen = 0
    for name, text in sources(VIVADO_BACKEND) | sources(VITIS_BACKEND):
        for kind, table, parts in re.findall(r"static const ([a-z ]+) (\w+)\[\d+\]\[\d+\]\[(\d+)\]", text):
            assert sizes[kind] * int(parts) <= 4096, (name, table)
            seen += 1
    assert seen > 20
