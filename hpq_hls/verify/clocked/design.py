"""Writes the clocked form of a C++ project: SystemVerilog with the ports of its RTL twin.

It shows that the C++ can be made into hardware as it stands (no recursion, no memory of unknown size), that
its processes mean the same when they run at once, clocked, and that packets, reset and FIFOs work. It says
nothing of pragmas and times: a process does a block of clang's code in a cycle.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.codegen.manifest import Manifest, read_manifest
from hpq_hls.errors import VerificationError
from hpq_hls.resources import hw_sim_dir, templates_dir
from hpq_hls.templating import render
from hpq_hls.tools.toolchain import Clang, find_ap_types, find_clang, run_tool
from hpq_hls.verify.clocked.assembly import read_module
from hpq_hls.verify.clocked.kernel import ENDED, STARTED, split_kernel
from hpq_hls.verify.clocked.machine import Machine, machine_of
from hpq_hls.verify.clocked.sources import RAW, Split, bytes_of, headers_unrolled, split, unrolled

PORT_DEPTH = 2
"""Beats that a port's registers hold."""
BATCH = 3
"""Frames of every other call of a kernel with memory; the others have one."""
_TARGET = ("-target", "x86_64-linux-gnu", "-S", "-emit-llvm", "-O2", "-w", "-g0", "-fno-sanitize=all")
_FRONT = (
    *_TARGET,
    *(
        "-std=c++14",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-threadsafe-statics",
        "-Xclang",
        "-disable-llvm-passes",
    ),
    # The headers open std themselves, for complex numbers, where a library has an inline namespace.
    *("-D__AP_INT_SPECIAL_H__", "-D__AP_FIXED_SPECIAL_H__"),
)
_BACK = (
    *_TARGET,
    *("-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops"),
    *("-mllvm", "-inline-threshold=100000000"),
)
_LINES = 10
_COMPILE_S = 1800.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Fifo:
    size: int
    depth: int


def write_clocked(project_dir: Path, folder: Path, *, progress: Progress | None = None) -> None:
    """Write the clocked form of a project's C++, as it is on disk, into an empty folder: ``rtl/*.sv``,
    memories. A kernel with memory (m_axi) stands between memories that take and give packets as the design
    inside does.

    Raises:
        VerificationError: the C++ is no hardware, or does not compile.
        ToolError: clang is missing or fails.
    """
    manifest = read_manifest(project_dir)
    if progress is not None:
        progress(f"compiling the C++ of {manifest.name} with clang")
    text, parts = _assembly(project_dir.resolve(), manifest)
    module = read_module(text)
    machines = {}
    for function in parts.processes:
        found = module.functions.get(f"@{function}")
        if found is None:
            raise VerificationError(f"process {parts.processes[function]} is missing in what clang made")
        machines[function] = machine_of(found, module, [f"@{name}" for name in parts.memories])
    _check_variables(machines.values(), parts)
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    for name, machine in machines.items():
        content = _process_text(machine, parts.processes[name], parts.signals)
        (rtl / f"{name}.sv").write_text(content, encoding="utf-8")
        (rtl / f"{name}.mem").write_text(
            "".join(f"{byte:02x}\n" for byte in machine.memory), encoding="ascii"
        )
    top_text = _top_text if manifest.kernel is None else _kernel_text
    (rtl / f"{manifest.name}.sv").write_text(top_text(machines, parts, manifest), encoding="utf-8")
    for library in ("hpq_fifo.sv", "hpq_ram.sv"):
        shutil.copy(templates_dir() / "rtl" / "lib" / library, rtl / library)
    if manifest.kernel is not None:
        for path in (hw_sim_dir() / "clocked").glob("*.sv"):
            shutil.copy(path, rtl / path.name)


def _assembly(project_dir: Path, manifest: Manifest) -> tuple[str, Split]:
    """What clang makes of the processes."""
    clang = find_clang()
    with tempfile.TemporaryDirectory(prefix="hpq_clocked_") as name:
        scratch = Path(name)
        shutil.copytree(project_dir / "src", scratch / "src")
        for path in sorted((scratch / "src").rglob("*")):
            if path.suffix in (".h", ".cpp"):
                path.write_text(unrolled(path.read_text(encoding="utf-8")), encoding="utf-8")
        top = scratch / "src" / f"{manifest.name}.cpp"
        text = top.read_text(encoding="utf-8")
        if manifest.kernel is None:
            parts = split(text, manifest)
        else:
            around = (scratch / "src" / f"{manifest.kernel.name}.cpp").read_text(encoding="utf-8")
            parts = split_kernel(text, around, manifest, manifest.kernel)
        top.write_text(parts.text, encoding="utf-8")
        numbers = scratch / "numbers"
        shutil.copytree(find_ap_types(), numbers)
        for path in sorted(numbers.rglob("*.h")):
            path.write_text(headers_unrolled(path.read_text(encoding="utf-8")), encoding="utf-8")
        include: list[str | Path] = ["-I", hw_sim_dir() / "clocked", "-isystem", numbers]
        include += ["-idirafter", project_dir / "tb" / "include"]
        plain, made = scratch / "plain.ll", scratch / "made.ll"
        _run(clang, [*_FRONT, *include, top, "-o", plain], scratch)
        # Copies of the headers' numbers are volatile, which would keep every one of them in memory.
        text = re.sub(r"\b(load|store) volatile\b", r"\1", plain.read_text(encoding="utf-8"))
        plain.write_text(text, encoding="utf-8")
        _run(clang, [*_BACK, plain, "-o", made], scratch)
        return made.read_text(encoding="utf-8"), parts


def _run(clang: Clang, arguments: Sequence[str | Path], scratch: Path) -> None:
    command = [*clang.command, *arguments]
    result = run_tool(command, check=False, timeout=_COMPILE_S, env=clang.env(scratch / "cache"))
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if "error" in line][:_LINES]
        raise VerificationError("\n  ".join(["clang does not compile the C++:", *lines]))


def _check_variables(machines: Iterable[Machine], parts: Split) -> None:
    """A variable that two processes share is no hardware."""
    seen: dict[str, str] = {}
    for machine in machines:
        for variable in machine.variables:
            other = seen.setdefault(variable, machine.name)
            if other != machine.name:
                first, second = (parts.processes[name] for name in (other, machine.name))
                raise VerificationError(f"processes {first} and {second} share the variable {variable}")


def _process_text(machine: Machine, title: str, signals: Sequence[str]) -> str:
    waits: dict[str, list[str]] = {}
    guards = {}
    for state, stream, _ in machine.waits:
        waits.setdefault(stream, []).append(f"shown == {state}")
        guards[state] = f"{stream}_{'ready' if machine.uses[stream].writes else 'valid'}"
    for state, port in machine.accesses:
        waits.setdefault(port, []).append(f"shown == {state}")
        guards[state] = f"{port}_ready"
    restored = [
        (at + i, machine.memory[at + i])
        for name, (at, size) in machine.variables.items()
        for i in range(size)
    ]
    values = {
        "m": machine,
        "title": title,
        "uses": list(machine.uses.values()),
        "ports": list(machine.ports.values()),
        "waits": waits,
        "guards": guards,
        "restored": restored,
        "signals": _signals_of(machine, signals),
    }
    return render("verify/clocked_process.sv.j2", values)


def _signals_of(machine: Machine, signals: Sequence[str]) -> dict[str, tuple[int, int]]:
    return {
        name.strip('@"'): place for name, place in machine.variables.items() if name.strip('@"') in signals
    }


def _fifos(machines: Mapping[str, Machine], parts: Split) -> dict[str, _Fifo]:
    sizes: dict[str, int] = {}
    for machine in machines.values():
        for use in machine.uses.values():
            if sizes.setdefault(use.stream, use.size) != use.size:
                raise VerificationError(f"stream {use.stream} is written and read in different sizes")
    return {name: _Fifo(size, max(2, parts.depths.get(name, PORT_DEPTH))) for name, size in sizes.items()}


def _top_text(machines: Mapping[str, Machine], parts: Split, manifest: Manifest) -> str:
    ports: list[dict[str, Any]] = [
        {"name": port.port, "raw": f"{RAW}{port.port}", "bytes": bytes_of(port), "is_input": is_input}
        for is_input, side in ((True, manifest.inputs), (False, manifest.outputs))
        for port in side
    ]
    signals = dict[str, int]()
    for machine in machines.values():
        signals |= {name: 8 * size for name, (_, size) in _signals_of(machine, parts.signals).items()}
    values = {
        "top": manifest.name,
        "ports": ports,
        "signals": signals,
        "fifos": _fifos(machines, parts),
        "processes": _instances(machines, parts),
    }
    return render("verify/clocked_top.sv.j2", values)


def _instances(machines: Mapping[str, Machine], parts: Split) -> list[dict[str, Any]]:
    return [
        {
            "module": name,
            "title": parts.processes[name],
            "uses": list(machine.uses.values()),
            "ports": list(machine.ports.values()),
            "signals": _signals_of(machine, parts.signals),
        }
        for name, machine in machines.items()
    ]


def _kernel_text(machines: Mapping[str, Machine], parts: Split, manifest: Manifest) -> str:
    kernel = manifest.kernel
    assert kernel is not None
    used = {port.stream: port for machine in machines.values() for port in machine.ports.values()}
    bytes_at = {port.port: bytes_of(port) for port in (*manifest.inputs, *manifest.outputs)}
    given = {port.port for port in manifest.inputs}
    memories = []
    for one in kernel.arguments:
        use, is_input = used.get(one.name), one.port in given
        if use is None or use.writes == is_input:
            raise VerificationError(f"{one.name} is not {'read' if is_input else 'written'} by the C++")
        memories.append(
            {
                "name": one.name,
                "port": one.port,
                "is_input": is_input,
                "bytes": bytes_at[one.port],
                "beats": one.beats,
                "slot": one.slot_bytes,
                "frame": one.frame_bytes,
                "width": use.size,
            }
        )
    values = {
        "top": manifest.name,
        "memories": memories,
        "batch": BATCH,
        "calls": parts.calls,
        "started": STARTED,
        "ended": ENDED,
        "fifos": _fifos(machines, parts),
        "processes": _instances(machines, parts),
    }
    return render("verify/clocked_kernel.sv.j2", values)
