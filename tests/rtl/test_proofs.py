"""The library's stream modules keep every beat, in order and unchanged: proved for the parameters in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import hpq_hls as hpq
from benchmarks.sim_networks import LeNet
from hpq_hls.codegen.rtl import RtlBackend
from hpq_hls.cost import build_design
from hpq_hls.demo.network import DigitsNet
from hpq_hls.hardware import HardwareConfig, Io
from tests.networks import Residual
from tests.ports.networks import SHAPES, heads, samples
from tests.rtl import proofs
from tests.rtl.harness import design_of
from tests.rtl.proofs import Instance, axis_in, axis_out, converter, fifo, fork, ram, weld

# A FIFO of at most 32 beats is a shift register. Data comes as many cycles late as the kernel has registers.
PROVED: dict[str, tuple[Instance, ...]] = {
    "FIFOs that shift": tuple(fifo(depth, "shift") for depth in (*range(2, 9), 17, 32)),
    "FIFOs in LUTs": tuple(fifo(depth, "distributed") for depth in (2, 5, 8, 33, 128)),
    "FIFOs in block RAM": tuple(fifo(depth, "block") for depth in (2, 5, 8, 33)),
    "memories": tuple(ram(depth, style) for style in ("distributed", "block") for depth in (5, 8)),
    "FIFOs behind kernels": tuple(fifo(latency + 2, "shift", latency) for latency in (1, 2, 3, 5, 8)),
    "FIFOs behind slow kernels": tuple(fifo(3, "shift", latency) for latency in (2, 4, 7)),
    "deep FIFOs behind kernels": tuple(
        fifo(depth, style, 3) for depth in (5, 8, 33) for style in ("distributed", "block")
    ),
    "FIFOs in slices": tuple(
        fifo(5, style, latency, slices=2) for latency in (0, 1, 3) for style in ("shift", "distributed")
    ),
    "converters in slices": tuple(converter(*lanes, slices=3) for lanes in ((5, 1), (1, 5))),
    "to narrow beats": tuple(converter(ratio, 1) for ratio in (2, 3, 4, 5, 8, 32)),
    "to narrow beats with a rest": tuple(converter(*lanes) for lanes in ((3, 2), (5, 2), (7, 3))),
    "to wide beats": tuple(converter(1, ratio) for ratio in (1, 2, 3, 4, 5, 8, 32)),
    "forks": tuple(fork(outputs) for outputs in (2, 3, 4, 7)),
    "joins": tuple(weld(inputs) for inputs in (2, 3)),
    "inputs": tuple(axis_in(beats) for beats in (None, 1, 2, 3, 8, 784)),
    "outputs": tuple(axis_out(beats) for beats in (1, 2, 3, 8, 784)),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return dict(zip(PROVED, proofs.models([(group, None) for group in PROVED.values()], folder), strict=True))


@pytest.mark.parametrize("group", PROVED)
def test_keep_their_promises(group: str, models: dict[str, Path]) -> None:
    proofs.prove(models[group])


# ---------------------------------------------------------------------------------------------
# Parameters in use


class _Digits(nn.Module):
    """A residual block between a convolution and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
        first = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.body = nn.Sequential(first, Residual(body, relu=True), nn.AvgPool2d(2))
        self.last = nn.Linear(4 * 16, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.body(x).flatten(1))


def _networks() -> dict[str, tuple[hpq.Graph, object, dict[str, object]]]:
    """Sequential, residual, of several ports, and all at once; graph, calibration data, configuration."""
    torch.manual_seed(0)
    image, row = torch.rand(20, 1, 8, 8), torch.rand(20, 16)
    ports = {name: torch.zeros(1, *shape) for name, shape in SHAPES.items()}
    digit = torch.rand(4, 1, 28, 28)
    dense = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 5))
    return {
        "sequential": (
            hpq.from_torch(DigitsNet().eval(), image[:1]),
            image.numpy(),
            {"target_interval": 600},
        ),
        "residual": (hpq.from_torch(_Digits().eval(), image[:1]), image.numpy(), {"target_interval": 300}),
        "lenet": (hpq.from_torch(LeNet().eval(), digit[:1]), digit.numpy(), {"target_interval": 5000}),
        "ports": (hpq.from_torch(heads(), ports), samples(20), {}),
        "parallel": (hpq.from_torch(dense.eval(), row[:1]), row.numpy(), {"io": Io.PARALLEL}),
    }


def _used() -> set[Instance]:
    found: set[Instance] = set()
    for graph, data, config in _networks().values():
        flow = build_design(hpq.quantize(graph, data, 5), HardwareConfig(**config))
        top = RtlBackend().files(design_of(flow))[f"rtl/{flow.name}.sv"]
        assert isinstance(top, str)
        found |= proofs.used(top)
    return found


def test_parameters_in_use_are_proved(tmp_path: Path) -> None:
    used = _used()
    modules = {one.module for one in used}
    assert modules >= {"hpq_fifo", "hpq_fork", "hpq_widthconverter", "hpq_axis_in_checked", "hpq_axis_out"}
    others = sorted(used - {one for group in PROVED.values() for one in group}, key=str)
    for model in proofs.models([((one,), None) for one in others], tmp_path):
        proofs.prove(model)


# ---------------------------------------------------------------------------------------------
# Faults


@dataclass(frozen=True)
class Fault:
    """One change of a module's text; ``old`` stands there once."""

    instance: Instance
    old: str
    new: str

    @property
    def text(self) -> str:
        text = proofs.library(self.instance.module)
        assert text.count(self.old) == 1, f"{self.instance.module}: {self.old}"
        return text.replace(self.old, self.new)


_LATE = fifo(4, "shift", 3)
_SLICED = fifo(5, "shift", 1, slices=2)
_SHIFT, _LUTS, _BLOCK = fifo(5, "shift"), fifo(5, "distributed"), fifo(5, "block")
_NARROW, _WIDEN = converter(3, 1), converter(1, 3)
_LUT_RAM, _BLOCK_RAM = (
    f'"{style}" *) logic [WIDTH-1:0] words[0:DEPTH-1];\n    always_ff @(posedge clk) begin\n      '
    for style in ("distributed", "block")
)
_POINTER = "write_ptr <= (write_ptr == LAST) ? '0 : write_ptr + 1'b1;"
FAULTS: tuple[Fault, ...] = (
    Fault(_SHIFT, "oldest == ADDR_W'(DEPTH - 1)", "oldest == ADDR_W'(DEPTH - 2)"),
    Fault(_SHIFT, "ready  = !full[0]", "ready  = 1'b1"),
    Fault(_SHIFT, "push && !pop) begin\n          oldest", "push) begin\n          oldest"),
    Fault(_SHIFT, "end else if (pop && !push)", "end else if (pop && !in_valid)"),
    Fault(_SHIFT, "oldest + ADDR_W'(any)", "oldest + 1'b1"),
    Fault(_SHIFT, "if (oldest == '0) any <= 1'b0;\n          else oldest", "any <= 1'b0;\n          oldest"),
    Fault(_SHIFT, "          any    <= 1'b0;\n        end else if (push", "        end else if (push"),
    Fault(_SHIFT, "if (push) begin\n          words[0]", "if (in_valid) begin\n          words[0]"),
    Fault(_SHIFT, "words[d] <= words[d-1]", "words[d] <= words[0]"),
    Fault(_SHIFT, "words[d][b]", "words[d][0]"),
    Fault(_LATE, "held != COUNT_W'(DEPTH)", "held != COUNT_W'(DEPTH - 1)"),
    Fault(_LATE, "held != COUNT_W'(DEPTH)", "!full[0]"),
    Fault(_LATE, "going[LATENCY-1]", "going[LATENCY-2]"),
    Fault(_LATE, "going[i-1] && !rst", "going[i-1]"),
    Fault(_LATE, "coming && !rst", "coming"),
    Fault(_LATE, "going[0] = take", "going[0] = in_valid"),
    Fault(_LATE, "take && !pop", "take"),
    Fault(_LATE, "pop && !take", "pop && !in_valid"),
    Fault(_LATE, "if (rst) held <= '0;\n      else if", "if"),
    Fault(_SLICED, "words[0] <= in_data[FROM+:BITS]", "words[0] <= in_data[BITS-1:0]"),
    Fault(_SLICED, "pop = some[s] && out_ready", "pop = some[s] && out_ready && s == 0"),
    Fault(_LUTS, "if (rst) count <= '0;\n        else if", "if"),
    Fault(_LUTS, "count == COUNT_W'(DEPTH)", "count == COUNT_W'(DEPTH - 1)"),
    Fault(_LUTS, "= count != '0", "= count > 1"),
    Fault(_LUTS, "LAST = ADDR_W'(DEPTH - 1)", "LAST = ADDR_W'(DEPTH)"),
    Fault(_LUTS, "LAST = ADDR_W'(DEPTH - 1)", "LAST = ADDR_W'(DEPTH - 2)"),
    Fault(_LUTS, _POINTER, "write_ptr <= write_ptr + 1'b1;"),
    Fault(_LUTS, "if (pop) read_ptr", "if (out_ready) read_ptr"),
    Fault(_LUTS, "          read_ptr  <= '0;\n", ""),
    Fault(_LUTS, "if (push) ram[", "if (in_valid) ram["),
    Fault(_BLOCK, "bypassed ? bypass : fetched", "fetched"),
    Fault(_BLOCK, "pop ? read_next : read_ptr", "read_ptr"),
    Fault(_BLOCK, "push && (write_ptr == fetch_ptr)", "push && (write_ptr == read_ptr)"),
    Fault(_BLOCK, "push && (write_ptr == fetch_ptr)", "write_ptr == fetch_ptr"),
    Fault(ram(5, "block"), _BLOCK_RAM + "if (write_en) ", _BLOCK_RAM),
    Fault(ram(5, "distributed"), _LUT_RAM + "if (write_en) ", _LUT_RAM),
    Fault(_NARROW, "left == COUNT_W'(1) && out_ready", "left == COUNT_W'(1)"),
    Fault(_NARROW, "left <= COUNT_W'(RATIO)", "left <= COUNT_W'(RATIO - 1)"),
    Fault(_NARROW, "else if (out_ready) held", "else if (valid[s]) held"),
    Fault(_NARROW, "held >> OUT_W", "held >> (OUT_W + 1)"),
    Fault(_WIDEN, "filled == COUNT_W'(RATIO)", "filled >= COUNT_W'(RATIO - 1)"),
    Fault(_WIDEN, "filled <= COUNT_W'(push)", "filled <= '0"),
    Fault(_WIDEN, "ready[s] = !valid[s] || out_ready", "ready[s] = 1'b1"),
    Fault(_WIDEN, "{in_data, held[WIDE-1:IN_W]}", "{held[WIDE-IN_W-1:0], in_data}"),
    Fault(fork(3), "& ~served", ""),
    Fault(fork(3), "&(served | out_ready)", "|(served | out_ready)"),
    Fault(fork(3), "in_ready ? '0 : served | out_ready", "served | out_ready"),
    Fault(fork(3), "else if (in_valid) served", "else served"),
    Fault(weld(2), "all && out_ready", "out_ready"),
    Fault(weld(2), "always_ff @(posedge clk) out_data", "always_ff @(posedge clk) if (out_ready) out_data"),
    Fault(weld(2), "[FROM*WIDTH+:WIDTH]", "[i*WIDTH+:WIDTH]"),
    Fault(axis_in(None), "running <= !rst", "running <= 1'b1"),
    Fault(axis_in(None), "out_ready && running", "out_ready"),
    Fault(axis_in(3), "running <= !rst", "running <= 1'b1"),
    Fault(axis_in(3), "running && !filling && (", "!filling && ("),
    Fault(axis_in(3), "!filling && (out_ready || dropping)", "(out_ready || dropping)"),
    Fault(axis_in(3), "(out_ready || dropping)", "out_ready"),
    Fault(axis_in(3), "tvalid && running && !dropping", "tvalid && running"),
    Fault(axis_in(3), "!tlast && (at_end || dropping)", "!tlast && at_end"),
    Fault(axis_in(3), "else if (take) dropping", "else dropping"),
    Fault(axis_in(3), "take && tlast != at_end", "take && tlast && !at_end"),
    Fault(axis_in(3), "take && tlast != at_end", "tlast != at_end"),
    Fault(axis_in(3), "if (rst) packet_error <= 1'b0;\n    else if", "if"),
    Fault(axis_in(3), "COUNT_W'(BEATS - 1)", "COUNT_W'(BEATS - 2)"),
    Fault(axis_in(3), "tdata[WIDTH-1:0] & {WIDTH{!filling}}", "tdata[WIDTH-1:0]"),
    Fault(axis_in(3), "!at_end && (filling || tlast)", "filling || tlast"),
    Fault(axis_in(3), "!at_end && (filling || tlast)", "!at_end && tlast"),
    Fault(axis_in(3), "beat <= at_end ? '0 : beat + 1'b1", "beat <= tlast ? '0 : beat + 1'b1"),
    Fault(axis_in(1), "at_end   = 1'b1", "at_end   = 1'b0"),
    Fault(axis_out(5), "COUNT_W'(BEATS - 1)", "COUNT_W'(BEATS - 2)"),
    Fault(axis_out(5), "if (tvalid && tready) beat", "if (tvalid) beat"),
    Fault(axis_out(5), "tlast ? '0 : beat + 1'b1", "beat + 1'b1"),
    Fault(axis_out(5), "if (rst) beat <= '0;\n    else if", "if"),
    Fault(axis_out(5), "tkeep    = '1", "tkeep    = '0"),
)


def test_faults_are_refuted(tmp_path: Path) -> None:
    """Each has a run from reset that breaks a property; so none of the proofs says nothing."""
    found = proofs.models([((fault.instance,), fault.text) for fault in FAULTS], tmp_path)
    survivors = [fault for fault, model in zip(FAULTS, found, strict=True) if not proofs.refuted(model)]
    assert survivors == []
