"""Resources and cycles of a Dataflow, without any tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpq_hls.billing.bill import Bill
from hpq_hls.billing.calibration import Calibration
from hpq_hls.billing.coefficients import luts
from hpq_hls.billing.inference import Figures, Inference, Tool
from hpq_hls.billing.parts import Family, Part, find_part
from hpq_hls.cost.clock import clock_note, fastest_clock
from hpq_hls.cost.kernels import bill_kernel, bill_ports, bill_stream
from hpq_hls.cost.modelled import DEPTHS, modelled_cycles
from hpq_hls.cost.timing import time_dataflow
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel
from hpq_hls.shown import Shown


@dataclass(frozen=True)
class LayerEstimate:
    """What one layer of the network costs, the FIFOs behind its kernels included.

    name: the layer as the user knows it; kinds: its kernels in order; lut, ff, dsp: cells;
    bram: block RAMs of 18 kbit; cycles: clock cycles per frame of its slowest kernel; pe, simd: rows
    and columns its matrix-vector unit works on at once (1 without one); weight_bits: bits of its
    weights and biases.
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


@dataclass(frozen=True, repr=False)
class ResourceEstimate(Shown):
    """What a network costs on a part.

    lut, ff, dsp: cells; bram: block RAMs of 18 kbit (a 36-kbit one counts as two). latency_cycles: from the
    first beat of a frame going in to its last coming out, in an otherwise empty design. interval_cycles: from
    frame to frame when frames follow each other without a gap. weight_bits: bits of all weights and biases.
    layers: in the order of the network; their sum is the total but for the input FIFOs and the ports. part,
    clock_ns: what it was made for. stage: which step of the flow the resources stand for; calibrated: by the
    user's own reports. tool: whose rules decide which products are in DSP blocks. backend: whose FIFO
    depths they have. cycles_of: what the cycles are of; latency_range, interval_range: of a project of
    C++, least and most cycles in a model of what a tool may make of it; None for the RTL. limited_by: the
    kernel with the most cycles per frame, which sets the interval. fmax_mhz: the fastest clock at which
    every stage has time for its logic, by the model of delays (``hpq_hls.billing.delays``), without
    placing or routing; fmax_limited_by: the kernel with the longest stage. notes: a sentence on each
    target that is missed.
    """

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
    limited_by: str
    fmax_mhz: float
    fmax_limited_by: str
    notes: tuple[str, ...] = ()
    calibrated: bool = False
    tool: str = Tool.YOSYS.value
    backend: str = "rtl"
    cycles_of: str = ""
    latency_range: tuple[int, int] | None = None
    interval_range: tuple[int, int] | None = None

    def facts(self) -> Mapping[str, str]:
        return {
            "part": self.part,
            "fits": "yes" if self.fits else "no",
            "LUT": f"{self.lut:,}",
            "FF": f"{self.ff:,}",
            "DSP": f"{self.dsp:,}",
            f"BRAM ({self.device.family.fabric.bram_kbit} kbit)": f"{self.bram:,}",
            "latency": f"{self.latency_cycles:,} cycles",
            "interval": f"{self.interval_cycles:,} cycles",
            "limited by": self.limited_by,
        }

    @property
    def device(self) -> Part:
        """The catalogue entry of the part."""
        return find_part(self.part)

    @property
    def lut_utilization(self) -> float:
        """Share of the part's LUTs, 1.0 for all of them; above 1 the design does not fit."""
        return _share(self.lut, self.device.lut)

    @property
    def ff_utilization(self) -> float:
        """Share of the part's flip-flops."""
        return _share(self.ff, self.device.ff)

    @property
    def dsp_utilization(self) -> float:
        """Share of the part's DSP blocks."""
        return _share(self.dsp, self.device.dsp)

    @property
    def bram_utilization(self) -> float:
        """Share of the part's block RAMs."""
        return _share(self.bram, self.device.bram)

    @property
    def fits(self) -> bool:
        """Whether the part has enough of everything, by these figures."""
        shares = (self.lut_utilization, self.ff_utilization, self.dsp_utilization, self.bram_utilization)
        return max(shares) <= 1

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types, with the shares of the part."""
        shares = {name: getattr(self, f"{name}_utilization") for name in ("lut", "ff", "dsp", "bram")}
        layers = [{**asdict(layer), "kinds": list(layer.kinds)} for layer in self.layers]
        return {
            **asdict(self),
            "layers": layers,
            "notes": list(self.notes),
            "latency_range": None if self.latency_range is None else list(self.latency_range),
            "interval_range": None if self.interval_range is None else list(self.interval_range),
            "utilization": shares,
            "fits": self.fits,
        }


def _share(used: int, available: int) -> float:
    """Of what a part has; of nothing at all, each counts as one more than there is."""
    return used / available if available else float(used + 1 if used else 0)


def estimate_dataflow(
    flow: Dataflow,
    part: str,
    clock_ns: float,
    *,
    weight_bits: int,
    backend: str = "rtl",
    calibration: Figures | None = None,
) -> ResourceEstimate:
    """Estimate what the RTL twin of ``flow`` takes after synthesis, and its cycles; with a calibration what
    its tool would report instead.

    part: as the vendor tool names it. clock_ns: what the registers of ``flow`` were placed for; a sentence in
    ``notes`` says if it cannot be met. weight_bits: of the whole network, only noted. backend: whose project
    has these FIFOs; for one of C++ cycles are given as ranges too (``modelled_cycles``).

    Raises:
        ConfigError: the part is unknown.
    """
    device = find_part(part)
    kernels = _by_layer(flow)
    layers, rest = _bills(flow, device.family, calibration)
    total = Bill(device.family)
    for bill in (rest, *layers.values()):
        total.take(bill)
    timing = time_dataflow(flow)
    lut, ff, dsp = counted(total, calibration)
    ranges = None if backend == "rtl" else modelled_cycles(flow)
    fastest = fastest_clock(flow)
    return ResourceEstimate(
        lut=lut,
        ff=ff,
        dsp=dsp,
        bram=total.bram,
        latency_cycles=timing.latency,
        interval_cycles=timing.interval,
        weight_bits=weight_bits,
        layers=tuple(_layer(name, kernels[name], flow, bill, calibration) for name, bill in layers.items()),
        part=part,
        clock_ns=clock_ns,
        stage=stage_of(device.family, calibration, backend),
        limited_by=max(flow.kernels, key=lambda kernel: kernel.cycles(flow.streams)).name,
        fmax_mhz=fastest.mhz,
        fmax_limited_by=fastest.kernel.name,
        notes=tuple(filter(None, [clock_note(flow, part, clock_ns)])),
        calibrated=isinstance(calibration, Calibration),
        tool=calibration.tool.value if isinstance(calibration, Inference) else Tool.YOSYS.value,
        backend=backend,
        cycles_of=CYCLES_OF_RTL if ranges is None else CYCLES_OF_CPP,
        latency_range=None if ranges is None else ranges.latency,
        interval_range=None if ranges is None else ranges.interval,
    )


CYCLES_OF_RTL = "RTL twin, exact"
CYCLES_OF_CPP = (
    f"RTL twin, exact; of the C++ as a tool schedules it a range, modelled for pipelines of {DEPTHS[0]} to "
    f"{DEPTHS[1]} stages"
)


def stage_of(family: Family, calibration: Figures | None, backend: str = "rtl") -> str:
    """What resources are an estimate of."""
    if calibration is None or isinstance(calibration, Inference):
        twin = f"estimate of the RTL twin after Yosys synthesis, {family.value}"
        if not family.fabric.yosys:
            twin = f"estimate of the RTL twin, {family.value} (Yosys has no library of its cells)"
        twin = twin if calibration is None else f"{twin}, {calibration.sentence}"
        return twin if backend == "rtl" else f"{twin}, with the FIFOs of the {backend} project"
    return f"estimate of what {calibration.stage} of the {backend} project reports, {calibration.sentence}"


def counted(bill: Bill, calibration: Figures | None) -> tuple[int, int, int]:
    """LUTs, flip-flops and DSP blocks of a bill: the RTL twin's, or as the calibration has it that was in the
    bill's making."""
    return (luts_of(bill), bill.ff, bill.dsp) if calibration is None else bill.reported


def luts_of(bill: Bill) -> int:
    """The LUTs of a bill, all coefficients at their fitted values."""
    return round(luts(bill))


def bill_dataflow(flow: Dataflow, family: Family, calibration: Figures | None = None) -> Bill:
    """The bill of a whole design. calibration: says what a tool would report."""
    layers, total = _bills(flow, family, calibration)
    for bill in layers.values():
        total.take(bill)
    return total


def _bills(
    flow: Dataflow, family: Family, calibration: Figures | None = None
) -> tuple[dict[str, Bill], Bill]:
    """The bill of every layer, and that of the input FIFOs and the ports."""
    rest = bill_ports(flow, family, calibration)
    for terminal in flow.inputs:
        name = terminal.stream
        rest.take(bill_stream(flow.streams[name], flow.links[name], family, calibration))
    layers: dict[str, Bill] = {}
    for kernel in flow.kernels:
        bill = layers.setdefault(kernel.layer, Bill(family))
        made = bill_kernel(kernel, flow.streams, family, calibration=calibration)
        bill.take(made)
        for name in kernel.outputs:
            stream, link = flow.streams[name], flow.links[name]
            bill.take(bill_stream(stream, link, family, calibration, made.settled))
    return layers, rest


def _by_layer(flow: Dataflow) -> dict[str, list[Kernel]]:
    found: dict[str, list[Kernel]] = {}
    for kernel in flow.kernels:
        found.setdefault(kernel.layer, []).append(kernel)
    return found


def _layer(
    name: str, kernels: Sequence[Kernel], flow: Dataflow, bill: Bill, calibration: Figures | None
) -> LayerEstimate:
    lut, ff, dsp = counted(bill, calibration)
    folding = next((kernel.folding for kernel in kernels if kernel.folding != (1, 1)), (1, 1))
    return LayerEstimate(
        name=name,
        kinds=tuple(kernel.kind for kernel in kernels),
        lut=lut,
        ff=ff,
        dsp=dsp,
        bram=bill.bram,
        cycles=max(kernel.cycles(flow.streams) for kernel in kernels),
        pe=folding[0],
        simd=folding[1],
        weight_bits=sum(kernel.constant_bits for kernel in kernels),
    )
