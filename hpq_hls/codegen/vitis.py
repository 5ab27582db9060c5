"""The "vitis" backend: a Dataflow as an HLS C++ project.

The C++ stands in ``templates/vitis``: ``hpq/`` is the kernel library, copied as it is; ``kernels/`` has one
template per kind of kernel, which binds a kernel's numbers and tables to the library; ``project/`` has the
files around them. This module computes what the templates print.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2
import numpy as np

from hpq_hls.billing.memory import fifo_style, memory_style
from hpq_hls.codegen.base import Design, Files, IntArray
from hpq_hls.codegen.block_design import board_files
from hpq_hls.codegen.limits import refusal
from hpq_hls.codegen.manifest import FILE_NAME, Manifest, id_of, manifest_of
from hpq_hls.codegen.memory import MemoryArgument
from hpq_hls.codegen.sources import Sources
from hpq_hls.codegen.vitis_kernels import KernelView, TableView, comment, plain, view_of
from hpq_hls.codegen.words import MAX_WORD_BITS, Split
from hpq_hls.hardware import Control, Dataflow, Export, Memory, System, Terminal
from hpq_hls.kernels import Stream
from hpq_hls.resources import templates_dir

MAX_PARTITION = 65536
"""Elements of one array that Vivado HLS may take apart; its own limit is 1,024."""

OPTIMISATION = "-O1"
"""Of C simulation. CPU seconds to compile and to run 33 million multiplications: -O0 3.9 + 10.1,
-O1 4.1 + 0.5, -O2 4.9 + 0.5."""

STAGES = 24
"""Of a pipeline, read to write, for which FIFOs have room. The tool chooses them by clock and part."""


BATCH = 4
"""Frames that the testbench gives a kernel at most, so that co-simulation sees what a batch does."""


class VitisBackend:
    """Prints projects for Vitis HLS 2022.2 and later."""

    name: str = "vitis"
    stages: int = STAGES
    dialect: str = "dialect_vitis.j2"

    def built(self, system: System) -> System:
        """See ``Backend``."""
        return system

    def refusal(self, flow: Dataflow, io: str) -> str | None:
        """See ``Backend``."""
        return refusal(flow, io)

    def files(self, design: Design) -> Files:
        """Every file of the project; see README.md among them for what each is."""
        flow = design.dataflow
        sources = Sources("vitis", flow.kernels, ".cpp.j2", "hpq/*.h")
        environment = sources.environment({"comment": comment, "plain": plain})
        top = flow.name
        kernels = [view_of(kernel, flow.streams) for kernel in flow.kernels]
        context = self._context(design, flow, kernels)
        files: dict[str, str | bytes] = {}
        for template, path in self._project_files(top, design.system):
            files[path] = environment.get_template(f"project/{template}.j2").render(context)
        for kernel in kernels:
            for table in kernel.tables.values():
                files[f"src/{table.include}"] = _table_text(environment, table)
        ports = manifest_of(design)
        for port, frames in {**design.vectors, **design.golden}.items():
            files[f"tb/{data_file(ports, port)}"] = _frames_text(frames)
        files |= {
            path: self._in_dialect(text)
            for path, text in _copies(sources.library.values(), "src/hpq").items()
        }
        files |= _copies((templates_dir() / "vitis" / "standin").glob("*.h"), "tb/include")
        files[FILE_NAME] = manifest_of(design).to_json()
        files |= board_files(design, self.name)
        return dict(sorted(files.items()))

    def _in_dialect(self, text: str) -> str:
        """A file of the library, whose pragmas are those of Vitis HLS, in this backend's dialect."""
        return text

    def _project_files(self, top: str, system: System) -> list[tuple[str, str]]:
        """(template, path in the project)."""
        files = [
            ("top.h", f"src/{top}.h"),
            ("top.cpp", f"src/{top}.cpp"),
            ("tb.cpp", f"tb/{top}_tb.cpp"),
            ("run_hls.tcl", "run_hls.tcl"),
            ("Makefile", "Makefile"),
            ("README.md", "README.md"),
        ]
        if self.name == "vitis":
            files += [("hls_config.cfg", "hls_config.cfg"), ("vitis-comp.json", "vitis-comp.json")]
        if system.memory is Memory.M_AXI:
            files += [
                ("kernel.h", f"src/{top}_kernel.h"),
                ("kernel.cpp", f"src/{top}_kernel.cpp"),
                ("kernel_tb.cpp", f"tb/{top}_kernel_tb.cpp"),
            ]
        return files

    def _context(self, design: Design, flow: Dataflow, kernels: list[KernelView]) -> dict[str, object]:
        inputs = [_Port.of(flow, terminal, "s_axis", len(flow.inputs)) for terminal in flow.inputs]
        outputs = [_Port.of(flow, terminal, "m_axis", len(flow.outputs)) for terminal in flow.outputs]
        port_bits = [port.bits for port in (*inputs, *outputs)]
        manifest, system = manifest_of(design), design.system
        frames = len(next(iter(design.vectors.values())))
        return {
            "system": system,
            "started": system.control is Control.S_AXILITE and system.memory is Memory.AXIS,
            "kernel": manifest.kernel,
            "names": {key: value for key, value in asdict(system.ip).items() if value is not None},
            "steps": "export" if system.export is Export.NONE else system.export.value,
            "sides": []
            if manifest.kernel is None
            else _sides([*inputs, *outputs], manifest.kernel.arguments),
            "batch": max(1, min(frames, BATCH)),
            "vitis": self.name == "vitis",
            "dialect": self.dialect,
            "top": flow.name,
            "part": design.part,
            "board": design.board,
            "clock_ns": f"{design.clock_ns:g}",
            "frames": frames,
            "kernels": kernels,
            "streams": list(flow.streams.values()),
            "headers": sorted({"axis"} | {kernel.header for kernel in flow.kernels if kernel.header}),
            "inputs": inputs,
            "outputs": outputs,
            "errors": [port.error for port in inputs if port.error],
            "max_bits": -(-max(port_bits) // 1024) * 1024,
            "widest": max(*port_bits, *(stream.bits for stream in flow.streams.values())),
            "max_word_bits": MAX_WORD_BITS,
            "max_partition": MAX_PARTITION,
            "memory_style": memory_style,
            "fifo_style": fifo_style,
            "split": Split.of,
            "optimisation": OPTIMISATION,
        }


@dataclass(frozen=True)
class _Port:
    """A port as the templates print it.

    port: prefix of its signals. id: what the names of its types begin with. suffix: what tells it from others
    on its side, "" where it is the only one. bits: of TDATA. data: file of its test vectors. error: the flag
    of packets of a wrong size; "" where there is none.
    """

    port: str
    id: str
    suffix: str
    stream: Stream
    bits: int
    data: str
    error: str

    @classmethod
    def of(cls, flow: Dataflow, terminal: Terminal, prefix: str, count: int) -> _Port:
        stream, suffix = flow.streams[terminal.stream], terminal.port.removeprefix(prefix)
        assert bool(suffix) == (count > 1), "the only port on a side has the plain name"
        data = f"{_DATA[prefix]}{suffix}.dat"
        bits, error = _port_bits(stream), terminal.packet_error
        return cls(terminal.port, id_of(terminal.port), suffix, stream, bits, data, error)


def _sides(ports: Iterable[_Port], arguments: Iterable[MemoryArgument]) -> list[tuple[_Port, MemoryArgument]]:
    """Each port with its argument of the kernel."""
    return list(zip(ports, arguments, strict=True))


def data_file(manifest: Manifest, port: str) -> str:
    """Name of the file with the test vectors of a port."""
    prefix = "s_axis" if port in {item.port for item in manifest.inputs} else "m_axis"
    return f"{_DATA[prefix]}{port.removeprefix(prefix)}.dat"


_DATA = {"s_axis": "input", "m_axis": "golden"}
"""What the files of test vectors are called, by prefix of the port."""


def _port_bits(stream: Stream) -> int:
    """Width of TDATA: whole bytes."""
    return (stream.bits + 7) // 8 * 8


def _table_text(environment: jinja2.Environment, table: TableView) -> str:
    return environment.get_template("project/table.inc.j2").render(title=table.title, rows=table.rows())


def _frames_text(frames: IntArray) -> str:
    """One beat per line, its lanes in order."""
    beats = np.asarray(frames).reshape(-1, frames.shape[-1])
    return "".join(" ".join(map(str, beat)) + "\n" for beat in beats.tolist())


def _copies(files: Iterable[Path], target: str) -> dict[str, str]:
    return {f"{target}/{path.name}": path.read_text(encoding="utf-8") for path in files}
