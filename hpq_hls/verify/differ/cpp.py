"""C++ once more, with every stream noted: the project's own sources and testbench, compiled with an
``hls_stream.h`` that writes down what it carries (``hw_sim/probe``)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ToolError
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray
from hpq_hls.resources import hw_sim_dir
from hpq_hls.tools.sealed import is_sealed, seal, sweep
from hpq_hls.tools.toolchain import find_gxx, run_tool
from hpq_hls.verify.csim import FLAGS, Progress, program_files, write_frames
from hpq_hls.verify.differ.seen import IN, End, Run, Seen, Written
from hpq_hls.verify.vendor_headers import vendor_headers

_STREAM_ERROR = 3  # exit status where a stream is read while it is empty, or holds data at the end


def probe(
    project_dir: Path,
    manifest: Manifest,
    flow: Dataflow,
    inputs: Mapping[str, IntArray],
    frame: int,
    progress: Progress | None = None,
) -> tuple[Run, str]:
    """What each stream carries in one of the frames; and what the program says of a stream that is read while
    it is empty or is left with beats, "" if there is none.

    Raises:
        ToolError: a tool is missing or fails.
    """
    program = _build(project_dir, manifest, progress)
    with tempfile.TemporaryDirectory(prefix="run-", dir=program.parent) as name:
        folder = Path(name)
        sources = [folder / f"{port.port}.in" for port in manifest.inputs]
        for path, port in zip(sources, manifest.inputs, strict=True):
            write_frames(path, inputs[port.port][: frame + 1])
        targets = [folder / f"{port.port}.out" for port in manifest.outputs]
        noted = folder / "noted"
        env = {**os.environ, "HPQ_PROBE_FILE": str(noted), "HPQ_PROBE_FRAME": str(frame)}
        done = run_tool([program, *sources, "-", *targets], env=env, check=False)
        if done.returncode not in (0, 1, _STREAM_ERROR):
            raise ToolError(f"The C++ of {manifest.name} ends with exit status {done.returncode}.")
        said = done.stdout.strip().removeprefix("ERROR: ") if done.returncode else ""
        return Run(_read(noted, flow), 0, True), said


def _read(path: Path, flow: Dataflow) -> dict[End, Seen]:
    """By stream, what was written to it; of beats of another size none, because they are another stream's."""
    lines: dict[str, list[list[int]]] = defaultdict(list)
    for line in path.read_text(encoding="ascii").splitlines():
        name, *values = line.split()
        lines[name].append([int(value) for value in values])
    ends: dict[End, Seen] = {}
    for name, stream in flow.streams.items():
        beats = [beat for beat in lines[name] if len(beat) == stream.lanes]
        array = np.array(beats, dtype=np.int64).reshape(len(beats), stream.lanes)
        ends[name, IN] = Written(len(beats), beats=array)
    return ends


def _build(project_dir: Path, manifest: Manifest, progress: Progress | None) -> Path:
    """The compiled program; compiled only if something that goes into it has changed."""
    compiler, own = find_gxx(), hw_sim_dir() / "probe"
    main = f'#include "{manifest.name}.cpp"\n#include "note.h"\n'
    command: list[str | Path] = [compiler.require(), *FLAGS, "-I", own, "-I", "src"]
    command += vendor_headers(project_dir / "src", FLAGS)
    identity = hashlib.sha256(f"{command} {compiler.version} {main}".encode())
    for path in (*program_files(project_dir), *sorted(own.iterdir())):
        identity.update(f"\n{path.name}\n".encode())
        identity.update(path.read_bytes())
    home = project_dir.resolve() / "build" / "probe"
    program = home / f"probe-{identity.hexdigest()[:16]}"
    if is_sealed(program):
        return program
    if progress is not None:
        progress(f"compiling the C++ of {manifest.name} so that its streams can be seen")
    home.mkdir(parents=True, exist_ok=True)
    sweep(home, "compiling-*", "run-*")
    with tempfile.TemporaryDirectory(prefix="compiling-", dir=home) as name:
        scratch = Path(name)
        (scratch / "probe.cpp").write_text(main, encoding="utf-8")
        made, bench = scratch / "probe", f"tb/{manifest.name}_tb.cpp"
        command += ["-idirafter", "tb/include", scratch / "probe.cpp", bench, "-o", made]
        run_tool(command, cwd=project_dir)
        made.replace(program)
    seal(program)
    return program
