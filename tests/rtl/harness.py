"""Many small designs in one Verilator build, driven by a C++ bench, compared with the Dataflow model."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import manifest_of
from hpq_hls.codegen.rtl import RtlBackend
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray
from hpq_hls.tools.compiled import compiled_header
from hpq_hls.tools.toolchain import find_verilator, verilator_env
from hpq_hls.verify import cosim_build
from tests.hardware.dataflow_model import run_dataflow

BENCH = Path(__file__).parent / "bench"
LINT = ["-Wall", "--x-assign", "unique", "--x-initial", "unique"]
_RUNTIME = ("verilated", "verilated_threads")
_UNIT_BYTES = 3_000_000


@dataclass(frozen=True)
class Traffic:
    """How frames are sent and results taken; see bench/streams.cpp. wrong_last: TLAST on every beat."""

    seed: int = 1
    valid: int = 100
    ready: int = 100
    reset_at: int = 0
    wrong_last: bool = False


@dataclass(frozen=True)
class Result:
    """What one design did.

    frames: (frames, beats, lanes) raw; in_cycles, out_cycles: (frames, beats) cycle of every transfer.
    """

    frames: IntArray
    in_cycles: IntArray
    out_cycles: IntArray


def design_of(flow: Dataflow) -> Design:
    nothing = np.zeros((0, 1, 1), dtype=np.int64)
    return Design(flow, "stream", "xc7z020clg400-1", 5.0, nothing, nothing)


def random_frames(flow: Dataflow, count: int, seed: int) -> IntArray:
    """Frames with every raw value of the input type, the ends of the range included."""
    stream = flow.streams[flow.input]
    bounds = stream.type.code_interval
    rng = np.random.default_rng(seed)
    shape = (count, stream.beats, stream.lanes)
    values = rng.integers(bounds.lo, bounds.hi, shape, endpoint=True)
    extremes = rng.choice([bounds.lo, bounds.hi], shape)
    return np.where(rng.random(shape) < 0.1, extremes, values)


class Batch:
    """Designs, their expected results and the simulator of all of them.

    sources: to be built instead of the generated ones.
    probes: exactly three streams of the first design, whose FIFOs' max_fill `probed` tells after a run.
    """

    def __init__(
        self,
        flows: list[Dataflow],
        folder: Path,
        probes: tuple[str, ...] = (),
        sources: Sequence[str] | None = None,
        frames: int = 3,
    ) -> None:
        self.flows = flows
        self.folder = folder
        self.inputs = [random_frames(flow, frames, seed) for seed, flow in enumerate(flows)]
        self._expected: list[IntArray] | None = None
        self._probes = probes
        write_projects(flows, folder)
        ports = [manifest_of(design_of(flow)) for flow in flows]
        self._in_bytes = [port.inputs[0].tdata_bytes for port in ports]
        self._out_bytes = [port.outputs[0].tdata_bytes for port in ports]
        self._render()
        if sources is None:
            sources = [f"rtl/{path.name}" for path in sorted((folder / "rtl").glob("*.sv"))]
        defines = ["HPQ_FIFO_PROBE"] if probes else []
        self.executable = build_bench(folder, BENCH / "streams.cpp", sources, defines)

    def _render(self) -> None:
        duts = [
            {
                "name": flow.name,
                "in_bytes": given,
                "out_bytes": made,
                "packet_error": flow.inputs[0].packet_error,
            }
            for flow, given, made in zip(self.flows, self._in_bytes, self._out_bytes, strict=True)
        ]
        slots = {
            "in_bytes": max(12, *((size + 3) // 4 * 4 for size in self._in_bytes)),
            "out_bytes": max(12, *((size + 3) // 4 * 4 for size in self._out_bytes)),
        }
        render_bench("streams.sv.j2", self.folder / "bench.sv", duts=duts, probes=self._probes, **slots)

    @property
    def expected(self) -> list[IntArray]:
        if self._expected is None:
            self._expected = [
                np.stack([run_dataflow(flow, frame) for frame in frames])
                for flow, frames in zip(self.flows, self.inputs, strict=True)
            ]
        return self._expected

    def run(self, traffic: Traffic) -> list[Result]:
        """Simulate every design under the same kind of traffic."""
        lines = []
        for i, (flow, frames) in enumerate(zip(self.flows, self.inputs, strict=True)):
            _write_frames(self.folder / f"{i}.in", flow, frames, self._in_bytes[i])
            source, sink = flow.streams[flow.input], flow.streams[flow.output]
            sizes = (
                self._in_bytes[i],
                self._out_bytes[i],
                len(frames) * source.beats,
                len(frames) * sink.beats,
            )
            pace = (traffic.seed * 1000 + i, traffic.valid, traffic.ready, traffic.reset_at)
            lines.append(
                " ".join(
                    map(
                        str, (*sizes, 1 if traffic.wrong_last else source.beats, *pace, f"{i}.in", f"{i}.out")
                    )
                )
            )
        (self.folder / "jobs").write_text("\n".join(lines) + "\n")
        command = [self.executable, "jobs", "+verilator+rand+reset+2", f"+verilator+seed+{traffic.seed}"]
        fills = _run(command, self.folder).split()
        self.probed = {name: int(fill) for name, fill in zip(reversed(self._probes), fills, strict=False)}
        return [self._result(i, len(frames)) for i, frames in enumerate(self.inputs)]

    def _result(self, i: int, count: int) -> Result:
        flow = self.flows[i]
        source, sink = flow.streams[flow.input], flow.streams[flow.output]
        raw = (self.folder / f"{i}.out").read_bytes()
        record = 8 + (self._out_bytes[i] + 3) // 4 * 4
        inputs = count * source.beats * 4
        assert len(raw) - inputs == count * sink.beats * record, f"{flow.name}: wrong number of beats"
        records = np.frombuffer(raw[: len(raw) - inputs], dtype=np.uint8).reshape(count * sink.beats, record)
        cycles = records[:, :4].copy().view("<u4").astype(np.int64).reshape(count, sink.beats)
        flags = records[:, 4].reshape(count, sink.beats)
        assert np.all(flags & 2), f"{flow.name}: TKEEP or TSTRB is not all ones"
        last = np.zeros_like(flags)
        last[:, -1] = 1
        np.testing.assert_array_equal(flags & 1, last, err_msg=f"{flow.name}: TLAST")
        taken = np.frombuffer(raw[len(raw) - inputs :], dtype="<u4").astype(np.int64)
        frames = _unpack(records[:, 8:], sink.lanes, sink.type.width, sink.type.signed)
        return Result(
            frames.reshape(count, sink.beats, sink.lanes), taken.reshape(count, source.beats), cycles
        )

    def check(self, traffic: Traffic) -> list[Result]:
        """Simulate and compare every word."""
        results = self.run(traffic)
        for flow, result, expected in zip(self.flows, results, self.expected, strict=True):
            np.testing.assert_array_equal(result.frames, expected, err_msg=f"{flow.name}, {traffic}")
        return results


def write_projects(flows: list[Dataflow], folder: Path) -> None:
    """Write all projects into one folder; tops and memory files have different names."""
    for flow in flows:
        for name, content in RtlBackend().files(design_of(flow)).items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)


def render_bench(template: str, target: Path, **values: object) -> None:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(BENCH),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    target.write_text(environment.get_template(template).render(**values))


def _write_frames(path: Path, flow: Dataflow, frames: IntArray, size: int) -> None:
    stream = flow.streams[flow.input]
    width = stream.type.width
    bits = (frames.reshape(-1, stream.lanes)[:, :, None] >> np.arange(width)) & 1
    beats = np.ones((len(bits), 8 * size), dtype=np.uint8)  # padding bits do not matter, so make them ones
    beats[:, : stream.bits] = bits.reshape(len(bits), -1)
    data = np.packbits(beats, axis=1, bitorder="little")
    path.write_bytes(data.tobytes())


def _unpack(data: np.ndarray, lanes: int, width: int, signed: bool) -> IntArray:
    """(beats, bytes) -> (beats, lanes) integers; the padding must be zero."""
    bits = np.unpackbits(data, axis=1, bitorder="little").astype(np.int64)
    assert not bits[:, lanes * width :].any(), "padding is not zero"
    raw = (bits[:, : lanes * width].reshape(len(bits), lanes, width) << np.arange(width)).sum(axis=2)
    return raw - ((raw >> (width - 1)) << width) if signed else raw


# ---------------------------------------------------------------------------------------------
# Building


def build_bench(folder: Path, main: Path, sources: Sequence[str], defines: Sequence[str] = ()) -> Path:
    """Verilate bench.sv with ``sources``, any lint warning being an error, and compile it with ``main``."""
    command = [find_verilator().require(), "--cc", *LINT, "--top-module", "bench", "--Mdir", "obj"]
    command += ["--output-split", "60000", "--output-split-cfuncs", "500"]
    command += [f"+define+{name}" for name in defines]
    log = _run([*command, *sources, "bench.sv"], folder, verilator_env())
    assert "%Warning" not in log, log
    return _compile(folder, main)


def _compile(folder: Path, main: Path) -> Path:
    """Everything without optimisation, in few translation units; Verilator's header, which takes longer to
    read than most of its files to compile, is compiled once, and so is its run-time library, that of
    co-simulation."""
    tools = cosim_build.find_toolchain()
    runtime = [tools.include / f"{name}.cpp" for name in _RUNTIME]
    kept = cosim_build._library(tools, runtime, cosim_build._VERILATED, folder, lambda _: None)
    library = [path for path in kept if path.suffix == ".o"]
    files = sorted([*(folder / "obj").glob("*.cpp"), main], key=lambda file: -file.stat().st_size)
    count = max(os.cpu_count() or 1, sum(file.stat().st_size for file in files) // _UNIT_BYTES)
    flags = [*cosim_build._flags(tools), "-O0"]
    header = compiled_header(f'#include "verilated.h"\n// {tools.identity}\n', flags, "bench")
    flags += ["-include", str(header), "-I", "obj"]

    def build(number: int) -> str:
        source = folder / f"unit{number}.cpp"
        source.write_text("".join(f'#include "{file}"\n' for file in files[number::count]))
        _run([tools.gxx, *flags, "-c", source, "-o", source.with_suffix(".o")], folder)
        return str(source.with_suffix(".o"))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(build, range(min(count, len(files)))))
    executable = folder / "simulate"
    _run([tools.gxx, *objects, *library, "-pthread", "-o", executable], folder)
    return executable


def _run(command: Sequence[str | Path], folder: Path, env: dict[str, str] | None = None) -> str:
    """Run a program to a good end and return what it printed."""
    done = subprocess.run(
        command, check=False, cwd=folder, env=env, timeout=900,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-4000:]}"
    return done.stdout
