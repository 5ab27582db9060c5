"""Every pragma, Tcl line and configuration key that is emitted, against what each version's tool reads."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hpq_hls.codegen.vitis import VitisBackend
from hpq_hls.codegen.vivado import VivadoBackend
from hpq_hls.hardware import Dataflow
from tests.codegen.flows import blank_design
from tests.codegen.golden_kernels import FLOWS
from tests.codegen.hls_grammar import CFG, CFG_VERSIONS, PRAGMAS, TCL, VIVADO, check_pragma, misplaced
from tests.codegen.test_vitis import cnn_design, texts

VITIS_BACKEND, VIVADO_BACKEND = VitisBackend(), VivadoBackend()
VERSIONS = [
    (VIVADO_BACKEND if grammar is VIVADO else VITIS_BACKEND, version) for version, grammar in PRAGMAS.items()
]


def checked(flow: Dataflow) -> Dataflow:
    """The flow with ports that look at TLAST."""
    return replace(flow, inputs=tuple(replace(terminal, checked=True) for terminal in flow.inputs))


DESIGNS = [
    cnn_design(),
    *map(blank_design, FLOWS.values()),
    *(blank_design(checked(FLOWS[name])) for name in ("matvec", "gather")),
]


@functools.cache
def sources(backend: VitisBackend) -> frozenset[tuple[str, str]]:
    """Every C++ file of all designs, each text once."""
    files = (item for design in DESIGNS for item in texts(design, backend).items())
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
        assert not list(misplaced(text, "net", version)), name
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


@pytest.mark.parametrize(("backend", "version"), VERSIONS, ids=lambda item: str(getattr(item, "name", item)))
def test_the_script_calls_what_the_tool_knows(backend: VitisBackend, version: str, tmp_path: Path) -> None:
    files = texts(cnn_design(), backend)
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
        order = [name for name, *_ in calls]
        assert order[0] == "open_project"
        assert order.index("open_solution") < order.index("set_part") < order.index("create_clock")
        added = [
            words[-1] if words[-1] in files else words[-3] for name, *words in calls if name == "add_files"
        ]
        assert set(added) <= set(files)
    calls = run_tcl(tmp_path, list(known), "csyn")
    assert calls[-1] == ["EXIT 1"]


@pytest.mark.parametrize("version", CFG_VERSIONS)
def test_the_configuration_has_known_keys(version: str) -> None:
    section = ""
    for line in texts(cnn_design(), VitisBackend())["hls_config.cfg"].splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            assert section in CFG, version
            continue
        key, _, value = line.partition("=")
        assert re.fullmatch(CFG[section][key], value), f"{version}: {line}"


def test_no_word_is_wider_than_the_tool_takes() -> None:
    """Reshaped arrays of all kernels, by their declarations and the pragmas for them."""
    sizes = {"unsigned char": 8, "unsigned short": 16, "unsigned": 32, "unsigned long long": 64}
    seen = 0
    for name, text in sources(VIVADO_BACKEND) | sources(VITIS_BACKEND):
        for kind, table, parts in re.findall(r"static const ([a-z ]+) (\w+)\[\d+\]\[\d+\]\[(\d+)\]", text):
            assert sizes[kind] * int(parts) <= 4096, (name, table)
            seen += 1
    assert seen > 20
