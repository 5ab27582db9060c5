"""C simulation: the emitted C++ compiled by g++ and run on frames of integers.

The programs are the project's own testbenches, so what runs here is what an HLS tool runs: that of the
design, and where it is a kernel with memory that of the kernel as well, which has to give the same
words. They are kept in ``build/csim`` of the project under names made from everything that goes into them.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpq_hls.codegen.base import Frames, by_port
from hpq_hls.codegen.manifest import Manifest, Port, read_manifest
from hpq_hls.codegen.vitis import OPTIMISATION, data_file
from hpq_hls.errors import DataError, OutputError, ToolError, VerificationError
from hpq_hls.graph import plain
from hpq_hls.tools.sealed import is_sealed, seal, sweep
from hpq_hls.tools.toolchain import find_gxx, run_tool
from hpq_hls.verify.frames import checked_frames
from hpq_hls.verify.vendor_headers import vendor_headers

IntArray = npt.NDArray[np.int64]
Progress = Callable[[str], None]

FLAGS = ("-std=c++14", OPTIMISATION, "-w", "-pthread")

_ERROR_LINES = 15
_DIFFERENCE = 1  # exit status of the testbench where a word differs, or a rule of the bus is broken
_STREAM_ERROR = 3  # where a stream is read while it is empty, or holds data at the end
_COMPARED = re.compile(r"(\d+) words were compared")
_PASSED = re.compile(r"PASS: (\d+) frames, (\d+) words equal")


@dataclass(frozen=True)
class SelfCheck:
    """What the emitted testbench says about its own golden values.

    words: output words compared.
    mismatches: 0 or 1, because it stops at the first difference.
    message: what it printed; where it stopped, frame, beat, lane, expected and got; or what it did not print.
    complete: whether it said at its end that it compared just the words that there are to compare.
    """

    words: int
    mismatches: int
    message: str
    complete: bool

    @property
    def passed(self) -> bool:
        """Whether every word was compared and equal."""
        return self.mismatches == 0 and self.complete


def run_csim(project_dir: Path, frames: Frames, *, progress: Progress | None = None) -> Any:
    """Run frames through the C++ of an HLS project.

    Parameters
    ----------
    project_dir
        Folder of a generated "vitis" or "vivado" project.
    frames
        Raw input in transmission order, shape (frames, beats, lanes), at least one frame; a mapping by port
        where there are several.
    progress
        Called with a phrase at each step that takes time.

    Returns
    -------
    numpy.ndarray or dict
        Raw output, int64, shape (frames, beats, lanes); a dict by port where there are several.

    Raises
    ------
    DataError
        The frames do not fit the input port, or the folder holds no project.
    ToolError
        g++ or the headers are missing, the C++ does not compile, or the program fails.
    VerificationError
        A stream is read while it is empty or keeps beats, or an output port breaks a rule of the bus.
    OutputError
        The project folder cannot be written.
    """
    project_dir = Path(project_dir)
    manifest = read_manifest(project_dir)
    given = by_port(frames, [port.port for port in manifest.inputs])
    values = {port.port: checked_frames(given[port.port], port) for port in manifest.inputs}
    counts = {len(array) for array in values.values()}
    if len(counts) > 1:
        raise DataError(f"The ports get {sorted(counts)} frames; give equally many to each.")
    (count,) = counts
    core, *around = _parts(manifest)
    found = _run_part(project_dir, manifest, core, values, count, progress)
    for part in around:
        _compare(found, _run_part(project_dir, manifest, part, values, count, progress), part.name)
    return plain(found)


@dataclass(frozen=True)
class _Part:
    """What a testbench of a project tests. name: of its function. sources: what it is compiled with."""

    name: str
    sources: tuple[str, ...]


def _parts(manifest: Manifest) -> list[_Part]:
    """The design, and the kernel around it where there is one."""
    top = f"src/{manifest.name}.cpp"
    parts = [_Part(manifest.name, (top,))]
    if manifest.kernel is not None:
        parts.append(_Part(manifest.kernel.name, (top, f"src/{manifest.kernel.name}.cpp")))
    return parts


def _run_part(
    project_dir: Path,
    manifest: Manifest,
    part: _Part,
    values: Mapping[str, IntArray],
    count: int,
    progress: Progress | None,
) -> dict[str, IntArray]:
    """What comes of frames by port, by port."""
    program = _build(project_dir, part, progress)
    _report(progress, f"running {count} frames through the C++ of {part.name}")
    with tempfile.TemporaryDirectory(prefix="run-", dir=program.parent) as folder:
        sources = [Path(folder) / f"{name}.in" for name in values]
        targets = [Path(folder) / f"{port.port}.out" for port in manifest.outputs]
        for source, array in zip(sources, values.values(), strict=True):
            write_frames(source, array)
        done = run_tool([program, *sources, "-", *targets], check=False)
        if done.returncode in (_DIFFERENCE, _STREAM_ERROR):
            raise VerificationError(f"The C++ of {part.name} breaks off: {_reason(done.stdout)}")
        if done.returncode != 0:
            raise ToolError(
                f"The C++ of {part.name} failed with exit status {done.returncode}: {done.stdout.strip()}"
            )
        return {
            port.port: _read_frames(path, port, count, part.name)
            for port, path in zip(manifest.outputs, targets, strict=True)
        }


def _compare(core: Mapping[str, IntArray], made: Mapping[str, IntArray], name: str) -> None:
    """A kernel gives what the design inside of it gives."""
    for port, right in core.items():
        wrong = np.argwhere(made[port] != right)
        if len(wrong):
            frame, beat, lane = (int(at) for at in wrong[0])
            raise VerificationError(
                f"The C++ of {name} gives other words than the design inside of it, first of port {port} "
                f"in frame {frame} beat {beat} lane {lane}: {made[port][frame, beat, lane]} instead of "
                f"{right[frame, beat, lane]}"
            )


def run_selfcheck(
    project_dir: Path, frames: int | None = None, *, progress: Progress | None = None
) -> SelfCheck:
    """Run the emitted testbench on the emitted golden values, and then that of the kernel where there is one.

    frames: how many there must be; None: as many as the files hold.

    Raises the errors of `run_csim`; a difference is a result, not an error.
    """
    project_dir = Path(project_dir)
    manifest = read_manifest(project_dir)
    core, *around = _parts(manifest)
    check = _selfcheck(project_dir, manifest, core, frames, progress)
    for part in around:
        if check.passed:
            check = _selfcheck(project_dir, manifest, part, frames, progress)
    return check


def _selfcheck(
    project_dir: Path, manifest: Manifest, part: _Part, frames: int | None, progress: Progress | None
) -> SelfCheck:
    program = _build(project_dir, part, progress)
    _report(progress, f"running the testbench of {part.name}")
    files = [data_file(manifest, port.port) for port in (*manifest.inputs, *manifest.outputs)]
    data = [(project_dir / "tb" / name).resolve() for name in files]
    result = run_tool([program, *data], check=False)
    message = result.stdout.strip()
    if result.returncode == _STREAM_ERROR:
        return SelfCheck(0, 0, _reason(message), False)
    if result.returncode not in (0, _DIFFERENCE):
        raise ToolError(
            f"The testbench of {project_dir} failed with exit status {result.returncode}: {message}"
        )
    size = sum(port.beats * port.lanes for port in manifest.outputs)
    if frames is None:
        frames = (
            sum(len(path.read_text(encoding="ascii").split()) for path in data[-len(manifest.outputs) :])
            // size
        )
    wanted = frames * size
    if result.returncode == _DIFFERENCE:
        compared = _COMPARED.search(message)
        return SelfCheck(int(compared[1]) if compared else 0, 1, message, False)
    passed = _PASSED.fullmatch(message.rpartition("\n")[2])
    words = int(passed[2]) if passed else 0
    complete = bool(passed) and (int(passed[1]) if passed else 0, words) == (frames, wanted)
    if not complete:
        said = f"it ended with {message.splitlines()[-1]!r:.100}" if message else "it printed nothing"
        message = f"the testbench did not say that it compared {frames} frames of {wanted} words: {said}"
    return SelfCheck(words, 0, message, complete)


def _reason(output: str) -> str:
    """What the testbench says of a failure."""
    lines = output.strip().splitlines()
    said = next(
        (line for line in lines if line.startswith(("FAIL: ", "ERROR: "))), lines[-1] if lines else ""
    )
    return said.removeprefix("FAIL: ").removeprefix("ERROR: ")


def _read_frames(path: Path, port: Port, count: int, name: str) -> IntArray:
    """What the program wrote, which must be all that it was asked for."""
    try:
        words = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    except (OSError, ValueError, OverflowError) as error:
        raise ToolError(
            f"The C++ of {name} ended without the words of port {port.port} ({error}); generate it again."
        ) from error
    shape = (count, port.beats, port.lanes)
    if words.size != math.prod(shape):
        raise ToolError(
            f"The C++ of {name} gave {words.size} words of port {port.port} instead of {math.prod(shape)}; "
            "generate it again."
        )
    return words.reshape(shape)


def write_frames(path: Path, frames: IntArray) -> None:
    """As the testbench reads them: a beat a line."""
    beats = frames.reshape(-1, frames.shape[-1]).tolist()
    path.write_text("".join(" ".join(map(str, beat)) + "\n" for beat in beats), encoding="ascii")


def _build(project_dir: Path, part: _Part, progress: Progress | None) -> Path:
    """The compiled testbench; compiled only if something that goes into it has changed."""
    compiler = find_gxx()
    command: list[str | Path] = [compiler.require(), *FLAGS, *vendor_headers(project_dir / "src", FLAGS)]
    sources = [*part.sources, f"tb/{part.name}_tb.cpp"]
    identity = hashlib.sha256(f"{command} {compiler.version}".encode())
    for path in program_files(project_dir):
        identity.update(f"\n{path.relative_to(project_dir).as_posix()}\n".encode())
        identity.update(path.read_bytes())
    folder = project_dir.resolve() / "build" / "csim"
    program = folder / f"{part.name}_tb-{identity.hexdigest()[:16]}"
    if is_sealed(program):
        return program
    if program.exists():
        _report(progress, "the program kept from earlier is incomplete or was changed: compiling it again")
    _report(progress, f"compiling the C++ of {part.name}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, "compiling-*", "run-*")
        handle, name = tempfile.mkstemp(prefix="compiling-", dir=folder)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror}); make it writable, or copy the project elsewhere."
        ) from error
    os.close(handle)
    half_built = Path(name)
    try:
        result = run_tool(
            [*command, "-idirafter", "tb/include", *sources, "-o", half_built], cwd=project_dir, check=False
        )
        if result.returncode != 0:
            raise ToolError(_compiler_message(project_dir, result.stdout))
        half_built.chmod(0o755)
        half_built.replace(program)
        seal(program)
    finally:
        half_built.unlink(missing_ok=True)
    return program


def program_files(project_dir: Path) -> Iterator[Path]:
    """What the compiled testbench depends on."""
    for folder, pattern in (("src", "**/*"), ("tb", "*.cpp"), ("tb/include", "*")):
        yield from sorted(path for path in (project_dir / folder).glob(pattern) if path.is_file())


def _compiler_message(project_dir: Path, output: str) -> str:
    lines = output.splitlines()
    first = next((index for index, line in enumerate(lines) if "error" in line), 0)
    shown = lines[first : first + _ERROR_LINES]
    return "\n  ".join([f"The C++ of {project_dir} does not compile; the compiler's first words:", *shown])


def _report(progress: Progress | None, phrase: str) -> None:
    if progress is not None:
        progress(phrase)
