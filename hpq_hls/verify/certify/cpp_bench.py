"""The kernels of a generated C++ project alone, compiled by g++ from the project's own files.

The sources are copied; in the copy of ``hpq/number.h`` the function that every cast goes through,
``hpq::finish``, gets another name and is called by one that can also hand out what is cast
(``hw_sim/examine/finish.h``). In that of ``hpq/beat.h`` the elements of a beat look at their indices. Nothing
else of them changes.
"""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hpq_hls.errors import DataError, ToolError, VerificationError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray, Kernel, Stream
from hpq_hls.resources import hw_sim_dir
from hpq_hls.templating import render
from hpq_hls.tools.sealed import is_sealed, seal
from hpq_hls.tools.toolchain import find_gxx, run_tool
from hpq_hls.verify.certify.bench import BoolArray, Progress
from hpq_hls.verify.certify.certificate import KernelCertificate
from hpq_hls.verify.certify.plan import Proof
from hpq_hls.verify.certify.unseen import unseen, written
from hpq_hls.verify.csim import FLAGS
from hpq_hls.verify.vendor_headers import vendor_headers

PORTS = "// The AXI4-Stream ports\n"
"""What the part of the top file begins with that connects kernels."""
COMPILE_S = 3600.0
_BOUNDS = ("-fsanitize=bounds", "-fsanitize-undefined-trap-on-error")
"""With which a program ends that leaves an array, whatever may lie behind it."""
_TRAPS = (-signal.SIGILL, -signal.SIGTRAP)
_DRIVER_FAILED = 4
_LEAST_S, _STEP_S = 20, 1e-6
"""Seconds of processor time that a run may take: at least, and for each product or element of it."""
_FINISH = re.compile(r"(\binline Y )finish\(const Sum& sum\)")
_CAST = re.compile(r"\d+ -?\d+ [01] \d+")
_BODY_END = "\n}\n"
_BEAT = "template <class T, unsigned N>\nstruct beat {\n    T data[N];\n};\n"
_ERROR_LINES = 10


class CppBench:
    """``Bench`` of a "vitis" or "vivado" project.

    printed: the files as they were generated for this design, by path.
    """

    def __init__(
        self, project_dir: Path, flow: Dataflow, printed: Mapping[str, str | bytes], progress: Progress
    ) -> None:
        self._project, self._flow, self._printed = Path(project_dir), flow, printed
        compiler = find_gxx()
        self.tools: tuple[str, ...] = (f"g++ {compiler.version}",)
        self.pauses = False
        self._program = self._build(compiler.require(), progress)
        self._wrong_streams = self._check_streams()

    # ------------------------------------------------------------------ running

    def run(
        self, kernel: Kernel, inputs: Sequence[IntArray], *, window: int | None = None, stalls: int = 0
    ) -> list[IntArray]:
        self._refuse_wrong_streams(kernel)
        count = len(inputs[0])
        with tempfile.TemporaryDirectory(prefix="run-", dir=self._program.parent) as name:
            folder = Path(name)
            files = self._write(folder, inputs)
            outs = [folder / f"{index}.out" for index in range(len(kernel.outputs))]
            place = -1 if window is None else window
            self._call(kernel, "run", count, [str(place), str(count), *files, *outs])
            found = [np.fromfile(path, dtype=np.int64) for path in outs]
        streams = [self._flow.streams[name] for name in kernel.outputs]
        return [
            part.reshape(count, stream.beats, stream.lanes)
            for part, stream in zip(found, streams, strict=True)
        ]

    def casts(
        self, kernel: Kernel, kinds: Sequence[FixedType], codes: Sequence[IntArray]
    ) -> list[tuple[int, BoolArray, IntArray]]:
        self._refuse_wrong_streams(kernel)
        streams = [self._flow.streams[name] for name in kernel.inputs]
        blank = [np.zeros((1, stream.beats, stream.lanes), dtype=np.int64) for stream in streams]
        found: list[tuple[int, BoolArray, IntArray]] = []
        for index, each in enumerate(codes):
            with tempfile.TemporaryDirectory(prefix="run-", dir=self._program.parent) as name:
                folder = Path(name)
                given, made = folder / "codes", folder / "results"
                each.astype(np.int64).tofile(given)
                told = self._call(kernel, "casts", 1, [given, made, *self._write(folder, blank)])
                results = np.fromfile(made, dtype=np.int64).reshape(-1, len(each))
            casts = [tuple(map(int, line.split())) for line in told.splitlines()]
            for (width, fraction, signed, _), result in zip(casts, results, strict=True):
                if _chosen(kinds, codes, (width, fraction, bool(signed)), kernel) == index:
                    found.append((index, np.ones(len(each), dtype=bool), result))
        return found

    def streams(self) -> list[KernelCertificate]:
        """What connects the kernels: its text, against what is generated."""
        top = f"src/{self._flow.name}"
        around = (f"{top}_kernel.h", f"{top}_kernel.cpp", "src/hpq/memory.h")
        found = []
        for path, begin in (
            (f"{top}.h", ""),
            (f"{top}.cpp", PORTS),
            ("src/hpq/axis.h", ""),
            ("src/hpq/axis_word.h", ""),
            *((path, "") for path in around if f"{top}_kernel.cpp" in self._printed),
        ):
            right = _words(str(self._printed[path]), begin)
            there = _words(written(self._project, path), begin)
            differ = sum(a != b for a, b in zip(right, there, strict=False)) + abs(len(right) - len(there))
            place = next((a for a, b in zip(right, there, strict=False) if a != b), "the end")
            first = f"{path} is not as generated, from {place!r} on" if differ else ""
            found.append(
                KernelCertificate(
                    path, "", "text", Proof.ALL_INPUTS.value, "as generated", len(right), differ, first
                )
            )
        return [*found, unseen(self._project, self._printed, "src")]

    def _call(self, kernel: Kernel, what: str, frames: int, arguments: Sequence[str | Path]) -> str:
        streams = [self._flow.streams[name] for name in (*kernel.inputs, *kernel.outputs)]
        steps = kernel.cycles(self._flow.streams) * kernel.multipliers + sum(s.elements for s in streams)
        seconds = math.ceil(_LEAST_S + frames * steps * _STEP_S)
        command = [self._program, what, str(seconds), kernel.name, *arguments]
        result = run_tool(command, check=False)
        if result.returncode == -signal.SIGXCPU:
            raise VerificationError(f"kernel {kernel.name} does not end within {seconds} s")
        if result.returncode in _TRAPS:
            raise VerificationError(f"kernel {kernel.name} reads or writes beyond the end of an array")
        if result.returncode == _DRIVER_FAILED:
            raise ToolError(f"files of kernel {kernel.name} cannot be written in {self._program.parent}")
        if result.returncode != 0:
            said = result.stdout.strip() or f"status {result.returncode}"
            raise VerificationError(f"kernel {kernel.name} fails: {said}")
        warned = [line for line in result.stdout.splitlines() if not _CAST.fullmatch(line)]
        if warned:  # of a stream, that it is read while it is empty, or not read
            raise VerificationError(f"kernel {kernel.name} fails: {warned[0]}")
        return result.stdout

    @staticmethod
    def _write(folder: Path, inputs: Sequence[IntArray]) -> list[Path]:
        files = [folder / f"{index}.in" for index in range(len(inputs))]
        for path, values in zip(files, inputs, strict=True):
            values.astype(np.int64).tofile(path)
        return files

    def _check_streams(self) -> dict[str, str]:
        """Streams whose beats are not those of the design, and what they are."""
        told = run_tool([self._program, "streams"]).stdout.split("\n")
        wrong = {}
        for line in filter(None, told):
            name, *numbers = line.split()
            stream = self._flow.streams[name]
            kind = stream.type
            if list(map(int, numbers)) != [stream.lanes, kind.width, kind.fraction, int(kind.signed)]:
                lanes, width, fraction, _ = numbers
                wrong[name] = f"{lanes} elements of {width} bits, {fraction} of them behind the point"
        return wrong

    def _refuse_wrong_streams(self, kernel: Kernel) -> None:
        for name in (*kernel.inputs, *kernel.outputs):
            if name in self._wrong_streams:
                raise VerificationError(f"stream {name} carries {self._wrong_streams[name]}")

    # ------------------------------------------------------------------ building

    def _build(self, compiler: Path, progress: Progress) -> Path:
        """The program that runs each kernel; compiled if anything that goes into it has changed."""
        flow = self._flow
        kernels = [
            {"name": kernel.name, "inputs": self._of(kernel.inputs), "outputs": self._of(kernel.outputs)}
            for kernel in flow.kernels
        ]
        values = {"top": flow.name, "kernels": kernels, "streams": list(flow.streams.values())}
        main = render("verify/examine.cpp.j2", values)
        own = hw_sim_dir() / "examine"
        headers = vendor_headers(self._project / "src", [*FLAGS, *_BOUNDS])
        digest = hashlib.sha256(f"{FLAGS} {_BOUNDS} {compiler} {self.tools} {headers}".encode())
        digest.update(main.encode())
        for folder in (own, self._project / "src", self._project / "tb" / "include"):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    digest.update(f"\n{path.relative_to(folder).as_posix()}\n".encode())
                    digest.update(path.read_bytes())
        home = self._project.resolve() / "build" / "certify"
        program = home / f"examine-{digest.hexdigest()[:16]}"
        if is_sealed(program):
            return program
        progress(f"compiling the kernels of {flow.name} one by one")
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="compiling-", dir=home) as name:
            scratch = Path(name)
            shutil.copytree(self._project / "src", scratch / "src")
            self._open_finish(scratch / "src" / "hpq" / "number.h", own / "finish.h")
            self._guard_elements(scratch / "src" / "hpq" / "beat.h", own / "elements.h")
            (scratch / "examine.cpp").write_text(main, encoding="utf-8")
            include: list[str | Path] = [*headers, "-I", scratch / "src", "-I", own]
            made = scratch / "examine"
            command: list[str | Path] = [compiler, *FLAGS, *_BOUNDS, *include]
            command += ["-idirafter", self._project / "tb" / "include", scratch / "examine.cpp", "-o", made]
            result = run_tool(command, check=False, timeout=COMPILE_S)
            if result.returncode != 0:
                lines = [line for line in result.stdout.splitlines() if "error" in line][:_ERROR_LINES]
                raise VerificationError(
                    "\n  ".join(["the kernels of the C++ do not compile one by one:", *lines])
                )
            made.replace(program)
        seal(program)
        return program

    @staticmethod
    def _open_finish(path: Path, replacement: Path) -> None:
        """Give ``finish`` of a copied number.h another name, and put ours in its place."""
        text = path.read_text(encoding="utf-8")
        found = list(_FINISH.finditer(text))
        if len(found) != 1:
            raise DataError(f"{path.name} of the project has no function finish; generate the project again")
        end = text.index(_BODY_END, found[0].end()) + len(_BODY_END)
        opened = _FINISH.sub(r"\1finish_as_written(const Sum& sum)", text[:end])
        path.write_text(f'{opened}\n#include "{replacement}"\n{text[end:]}', encoding="utf-8")

    @staticmethod
    def _guard_elements(path: Path, guard: Path) -> None:
        """Let a copied beat.h look at each index of a beat's elements."""
        text = path.read_text(encoding="utf-8")
        if text.count(_BEAT) != 1:
            raise VerificationError(f"{path.name} has no struct beat with an array of its elements")
        struct = f'#include "{guard}"\n\n{_BEAT.replace("T data[N]", "elements<T, N> data")}'
        path.write_text(text.replace(_BEAT, struct), encoding="utf-8")

    def _of(self, names: Sequence[str]) -> list[Stream]:
        return [self._flow.streams[name] for name in names]


def _words(text: str, begin: str) -> list[str]:
    """The words of a text from a line on."""
    return text[max(text.find(begin), 0) :].split()


def _chosen(
    kinds: Sequence[FixedType], codes: Sequence[IntArray], cast: tuple[int, int, bool], kernel: Kernel
) -> int:
    """Which of ``kinds`` a cast from (width, fraction, signed) is there for: the very type, else the one
    whose codes use most of what it takes."""
    width, fraction, signed = cast
    for index, kind in enumerate(kinds):
        if (kind.width, kind.fraction, kind.signed) == cast:
            return index
    holds = FixedType(width, width - fraction, signed).code_interval
    fits = [
        (int(each.max()) - int(each.min()), -index)
        for index, (kind, each) in enumerate(zip(kinds, codes, strict=True))
        if kind.fraction == fraction and int(each.min()) in holds and int(each.max()) in holds
    ]
    if fits:
        return -max(fits)[1]
    raise VerificationError(
        f"kernel {kernel.name} casts from {width} bits, {fraction} of them behind the point: too few, or of "
        "another scale"
    )
