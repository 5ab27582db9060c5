"""Resources and cycles of a Dataflow, without any tool."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hpq_hls.cost.parts import Part, find_part
from hpq_hls.hardware.kernels import Dataflow

STAGE = "RTL twin after Yosys synthesis (estimated)"


@dataclass(frozen=True)
class LayerEstimate:
    """What one layer of the network costs.

    name: the layer as the user knows it; kinds: its kernels in order; lut, ff, dsp: cells;
    bram: 18-kbit blocks; cycles: clock cycles per frame of its slowest kernel; pe, simd: folding of
    its matrix-vector unit (1 without one); weight_bits: bits of its weights and biases.
    """

    name: str
    kinds: tuple[str, ...]
    lut: int
    ff: int
    dsp: int
    bram: int
    cycles: int
    pe: int
    simd: int
    weight_bits: int


@dataclass(frozen=True)
class ResourceEstimate:
    """What a network costs on a part."""

    lut: int
    ff: int
    dsp: int
    bram: int
    latency_cycles: int
    interval_cycles: int
    weight_bits: int
    layers: tuple[LayerEstimate, ...]
    part: str
    clock_ns: float
    stage: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def estimate_dataflow(flow: Dataflow, part: str, clock_ns: float, *, weight_bits: int) -> ResourceEstimate:
    chip: Part = find_part(part)
    cycles = max(kernel.cycles(flow.streams) for kernel in flow.kernels)
    return ResourceEstimate(0, 0, 0, 0, cycles, cycles, weight_bits, (), chip.name, clock_ns, STAGE)
