"""What nobody reads is not billed, and products with constants are billed as synthesis sees them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.billing.bill import Bill
from hpq_hls.billing.constdot import Products, constant_dots
from hpq_hls.billing.parts import Family
from hpq_hls.cost.estimate import bill_dataflow
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import HardwareConfig, Io, Strategy, build_dataflow
from hpq_hls.kernels.adder_positions import left_of
from hpq_hls.resources import templates_dir
from hpq_hls.synth.cells import count_cells
from hpq_hls.synth.yosys import STATISTICS, read_cells, run_script

WEIGHT = FixedType(6, 6)


def quantized(module: nn.Module, *shape: int) -> hpq.QuantizedGraph:
    x = torch.randn(16, *shape, generator=torch.Generator().manual_seed(0))
    return hpq.quantize(hpq.from_torch(module.eval(), x[:1]), x.numpy(), precision=5)


def two_layers(*, pruned: bool) -> hpq.QuantizedGraph:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    if pruned:
        with torch.no_grad():
            module[2].weight[:, [1, 4]] = 0
    return quantized(module, 6)


@pytest.mark.parametrize("strategy", [Strategy.UNROLLED, Strategy.DA])
def test_neurons_that_nobody_reads(strategy: Strategy) -> None:
    config = HardwareConfig(io=Io.PARALLEL, strategy=strategy)
    flows = [build_dataflow(two_layers(pruned=pruned), config) for pruned in (False, True)]
    first = [next(kernel for kernel in flow.kernels if kernel.layer == "0") for flow in flows]
    assert [flow.streams[kernel.outputs[0]].unread for flow, kernel in zip(flows, first, strict=True)] == [
        (),
        (1, 4),
    ]
    whole, part = [Bill(Family.SERIES_7) for _ in flows]
    for bill, flow, kernel in zip((whole, part), flows, first, strict=True):
        kernel.bill(bill, flow.streams)
    made = flows[0].streams[first[0].outputs[0]].type.width
    assert part.ff <= whole.ff - 2 * made
    assert part.dsp <= whole.dsp


def test_weights_do_not_say_what_is_read_where_a_ledger_remembers_layers() -> None:
    flow = build_dataflow(two_layers(pruned=True), HardwareConfig(strategy=Strategy.UNROLLED))
    assert not any(stream.unread for stream in flow.streams.values())


TAPS = {
    "lines that stay": ((2, 2, 3), {"padding": 1}, [(0, 0, 1, 1), (0, 1, 2, 0), (1, 1, 0, 2)], 9),
    "no rows above": ((2, 1, 3), {}, [(0, 0, 2, 1), (0, 1, 2, 2)], 9),
    "lines in memories": ((1, 2, 3), {"stride": 2}, [(0, 0, 2, 2), (1, 0, 1, 1)], 40),
}
"""Channels in and out and kernel, what else says where windows lie, the weights that are not zero (output,
input, row, column), and the width of the image."""


@pytest.mark.parametrize("part", ["xc7z020clg400-1", "xczu7ev-ffvc1156-2-e"])
@pytest.mark.parametrize("case", TAPS)
def test_pixels_of_windows_that_weights_of_zero_meet(case: str, part: str, tmp_path: Path) -> None:
    """Neither lines of rows, nor columns, nor the FIFO in front of the layer keep them."""
    torch.manual_seed(5)
    (channels, rows, size), where, taps, width = TAPS[case]
    conv = nn.Conv2d(channels, rows, size, bias=False, **where)
    with torch.no_grad():
        conv.weight[:] = 0
        for place in taps:
            conv.weight[place] = 0.3 + torch.rand(())
    q = quantized(nn.Sequential(conv), channels, 6, width)
    hardware = {"part": part, "io": "stream", "strategy": "da"}
    said = hpq.estimate(q, **hardware)
    built = hpq.generate(q, tmp_path / "rtl", backend="rtl", **hardware).synth(tool="yosys")
    assert (said.dsp, said.bram) == (built.dsp, built.bram)
    assert said.ff == built.ff
    # Logic optimisation finds equal LUTs that no rule of the bill knows.
    assert said.lut == pytest.approx(built.lut, rel=0.05)


@pytest.mark.parametrize("strategy", [Strategy.UNROLLED, Strategy.DA])
def test_pixels_that_windows_leave_out(strategy: Strategy) -> None:
    torch.manual_seed(2)
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    flow = build_dataflow(quantized(module, 1, 5, 5), HardwareConfig(io=Io.PARALLEL, strategy=strategy))
    pool = next(kernel for kernel in flow.kernels if kernel.kind == "pool")
    gather = next(kernel for kernel in flow.kernels if kernel.outputs == pool.inputs)
    left_out = {
        (row * 5 + column) * 2 + channel for row in range(5) for column in range(5) for channel in (0, 1)
    }
    left_out -= {
        (row * 5 + column) * 2 + channel for row in range(4) for column in range(4) for channel in (0, 1)
    }
    assert set(flow.streams[gather.inputs[0]].unread) == left_out
    bill_dataflow(flow, Family.SERIES_7)


def test_one_position_has_all_registers_of_the_pipeline() -> None:
    config = HardwareConfig(io=Io.PARALLEL, strategy=Strategy.DA)
    flow = build_dataflow(two_layers(pruned=False), config)
    for kernel in flow.kernels:
        one = getattr(kernel, "pipelined", None)
        if one is None:
            continue
        inputs, rows = len(one.graph.inputs) - one.constants, len(one.graph.outputs)
        left = left_of(one, [list(range(inputs))], [[True] * rows])
        assert left.adder_luts > 0
        twice = left_of(one, [list(range(inputs))] * 2, [[True] * rows] * 2)
        assert twice.adder_luts == left.adder_luts  # the same inputs: one graph does for both
        nothing = left_of(one, [[-1] * inputs], [[True] * rows])
        assert (nothing.adder_luts, nothing.flip_flops, nothing.sums) == (0, 0, ())


@pytest.mark.parametrize(
    ("signed", "width", "weights", "dsp"),
    [
        (False, 6, [5], 1),  # 6 bits by 3, neither with a sign: 9
        (False, 5, [5], 0),
        (True, 5, [5], 1),  # 5 bits by 4 with their signs
        (True, 4, [5], 0),
        (False, 5, [-5], 1),  # 6 by 4
        (False, 5, [20], 0),  # its zeros are wires
        (False, 8, [3, 6], 2),  # merged too late
        (False, 8, [3, 3], 1),
        (False, 8, [0, 8], 0),
    ],
)
def test_blocks_of_constants(signed: bool, width: int, weights: list[int], dsp: int) -> None:
    bill = Bill(Family.SERIES_7)
    column = np.zeros((len(weights), 1), dtype=np.int64)
    kind = FixedType(width, width, signed=signed)
    given = column, np.array(weights)[:, None], (kind, WEIGHT), 24
    constant_dots(bill, *given, Products(1, 1, 2, False))
    assert bill.dsp == dsp
    small = Bill(Family.SERIES_7)
    constant_dots(small, *given, Products(2, 1, 2, False))
    assert small.dsp == 0  # they are sums of two shifted copies


def test_rows_without_weights_cost_nothing() -> None:
    bill = Bill(Family.SERIES_7)
    zeros = np.zeros((3, 4), dtype=np.int64)
    sums = constant_dots(bill, zeros, zeros, (FixedType(8, 8), WEIGHT), 24, Products(6, 1, 2, False))
    assert sums == [None] * 3
    assert (bill.ff, bill.dsp, bill.terms) == (0, 0, {})


PAIRS = [(1, 2), (-1, -2), (-1, 1), (3, 6), (-3, -6), (-1, -4), (5, -5), (7, -7), (1, -8), (11, -13)]
"""Two constants for each of some inputs."""


@pytest.mark.parametrize(
    ("signed", "width", "digits", "stages", "every"),
    [(True, 3, 6, 1, 2), (False, 3, 6, 1, 2), (True, 8, 6, 2, 1), (False, 8, 6, 2, 1), (True, 8, 2, 2, 2)],
)
def test_registers_of_products_are_those_of_yosys(
    signed: bool, width: int, digits: int, stages: int, every: int, tmp_path: Path
) -> None:
    """Multiples by powers of two and by signs are one product, but in DSP blocks."""
    limit, kind = 24, FixedType(width, width, signed=signed)
    weights = np.array(PAIRS).reshape(-1, 1)
    columns = np.repeat(np.arange(len(PAIRS)), 2)[:, None]
    bill = Bill(Family.SERIES_7)
    constant_dots(bill, columns, weights, (kind, WEIGHT), limit, Products(digits, stages, every, False))
    known = f".X_W({width}), .X_SIGNED({int(signed)}), .W_W({WEIGHT.width}), .DIGITS({digits}), "
    known += f".STAGES({stages}), .EVERY({every}), .OUT_W({limit})"
    dots = [
        f"hpq_constdot #(.N(1), {known}, .WEIGHTS({WEIGHT.width}'d{weight % 2**WEIGHT.width}))"
        f" dot{row} (.clk(clk), .x(x[{row // 2 * width}+:{width}]), .y(y[{row * limit}+:{limit}]));"
        for row, weight in enumerate(weights[:, 0].tolist())
    ]
    ports = f"input clk, input [{len(PAIRS) * width - 1}:0] x, output [{len(dots) * limit - 1}:0] y"
    (tmp_path / "dots.sv").write_text("\n".join([f"module dots({ports});", *dots, "endmodule"]))
    library = [f"hpq_{name}.sv" for name in ("constdot", "constproduct", "addtree", "registers")]
    for name in library:
        shutil.copy(templates_dir() / "rtl" / "lib" / name, tmp_path)
    script = [f"read_verilog -sv -defer dots.sv {' '.join(library)}", "hierarchy -top dots"]
    script += ["synth_xilinx -flatten -noiopad -noclkbuf", f"tee -q -o {STATISTICS} stat -json"]
    version = run_script("\n".join(script), tmp_path, "yosys", lambda _: None)
    built = count_cells(read_cells(tmp_path / STATISTICS), version, Family.SERIES_7)
    assert (bill.dsp, bill.ff) == (built.dsp, built.ff)


LAYERS = {
    "rows that differ in width": ((6, 9), [nn.ReLU()], 6, 0.0),
    "results that saturate": ((7, 5), [], 8, 0.2),
    "a constant below each sum": ((4, 8), [nn.ReLU()], 10, 1.0),
}
"""Columns and rows, what follows, bits of results, and how much larger each row's weights are."""


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("rows that differ in width", "xc7z020clg400-1"),
        ("results that saturate", "xczu7ev-ffvc1156-2-e"),
        ("a constant below each sum", "xc7z020clg400-1"),
    ],
)
def test_layers_of_adders_are_what_yosys_builds(what: str, part: str, tmp_path: Path) -> None:
    """With the FIFOs around them: shift registers do not hold bits that are known or equal to others."""
    torch.manual_seed(7)
    (columns, rows), behind, bits, spread = LAYERS[what]
    module, x = nn.Sequential(nn.Linear(columns, rows), *behind), torch.randn(24, columns)
    with torch.no_grad():
        module[0].weight *= 1 + spread * torch.arange(rows)[:, None]
    precision = {"input": 4, "0": {"weight": 4, "activation": bits}}
    q = hpq.quantize(hpq.from_torch(module.eval(), x[:1]), x.numpy(), precision)
    hardware = {"part": part, "io": "parallel", "strategy": "da"}
    said = hpq.estimate(q, **hardware)
    built = hpq.generate(q, tmp_path / "rtl", backend="rtl", **hardware).synth(tool="yosys")
    assert said.ff == built.ff
    # Logic optimisation finds equal LUTs that no rule of the bill knows.
    assert said.lut == pytest.approx(built.lut, rel=0.05)


@pytest.mark.parametrize(
    ("bias", "clock"), [(False, 10.0), (True, 10.0), (False, 2.5)], ids=["to the result", "to a bias", "fast"]
)
def test_registers_in_a_row_become_shift_registers(bias: bool, clock: float, tmp_path: Path) -> None:
    """A row of one weight has nothing to add up, and passes its product from register to register."""
    torch.manual_seed(9)
    module, x = nn.Sequential(nn.Linear(9, 5, bias=bias)), torch.randn(24, 9)
    with torch.no_grad():
        module[0].weight[:] = 0
        for row, columns in enumerate([[2], [2, 7], [4], [0, 8], [5]]):
            module[0].weight[row, columns] = 0.5
    q = hpq.quantize(
        hpq.from_torch(module.eval(), x[:1]), x.numpy(), {"default": {"weight": 2, "activation": 7}}
    )
    hardware = {"part": "xc7z020clg400-1", "io": "parallel", "strategy": "unrolled", "clock_ns": clock}
    said = hpq.estimate(q, **hardware)
    built = hpq.generate(q, tmp_path / "rtl", backend="rtl", **hardware).synth(tool="yosys")
    assert said.ff == built.ff
    # Logic optimisation finds equal LUTs that no rule of the bill knows.
    assert said.lut == pytest.approx(built.lut, rel=0.05)


def test_products_of_which_few_bits_are_read_take_no_block(tmp_path: Path) -> None:
    """Five bits by four are nine, but the sum has eight."""
    torch.manual_seed(2)
    conv = nn.Conv2d(1, 1, 2, padding=1, stride=2)
    with torch.no_grad():
        conv.weight.mul_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    x = torch.randn(16, 1, 6, 8)
    q = hpq.quantize(
        hpq.from_torch(conv.eval(), x[:1]), x.numpy(), {"default": {"weight": 4, "activation": 5}}
    )
    (layer,) = q.layers.values()
    assert layer.accumulator_type.width == 8
    said = hpq.estimate(q)
    built = hpq.generate(q, tmp_path / "rtl", backend="rtl").synth(tool="yosys")
    assert said.dsp == built.dsp == 0


def test_tables_that_nobody_reads_are_not_counted(tmp_path: Path) -> None:
    """A window leaves out 9 of 25 pixels, and ROMs are mapped apart from what is around them."""
    counted = {}
    for side in (4, 5):
        torch.manual_seed(3)
        module = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sigmoid(), nn.MaxPool2d(2))
        q = quantized(module, 1, side, side)
        project = hpq.generate(q, tmp_path / str(side), backend="rtl", io="parallel", strategy="da")
        counted[side] = project.synth(tool="yosys")
    assert counted[5].cells == counted[4].cells


@pytest.mark.parametrize("strategy", [Strategy.UNROLLED, Strategy.DA])
@pytest.mark.parametrize("slopes", [[0.5, 0.37, 0.3], [0.37, 0.3, 0.5]])
def test_slopes_of_channels_are_billed_one_by_one(strategy: Strategy, slopes: list[float]) -> None:
    """A slope that is a power of two is wires, wherever it stands."""

    def products(each: list[float]) -> int:
        torch.manual_seed(4)
        module = nn.Sequential(nn.Linear(4, 3), nn.PReLU(3))
        with torch.no_grad():
            module[1].weight[:] = torch.tensor(each)
        flow = build_dataflow(quantized(module, 4), HardwareConfig(io=Io.PARALLEL, strategy=strategy))
        bill = Bill(Family.SERIES_7)
        next(kernel for kernel in flow.kernels if kernel.kind == "unrolled").bill(bill, flow.streams)
        return sum(bill.products.values())

    assert products(slopes) - products([0.5] * 3) == 2
