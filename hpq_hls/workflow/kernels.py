"""What single kernels take: estimated, and in the reports of an HLS tool."""

from __future__ import annotations

from hpq_hls.billing.inference import Figures
from hpq_hls.billing.parts import Family, find_part
from hpq_hls.calibrate.projects import modules_of
from hpq_hls.cost.estimate import counted
from hpq_hls.cost.kernels import bill_kernel
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Kernel
from hpq_hls.synth import ResourceReport
from hpq_hls.workflow.results import ComparedKernel


def estimated_kernel(
    kernel: Kernel, flow: Dataflow, family: Family, calibration: Figures | None
) -> dict[str, int]:
    """Cells and block RAMs of a kernel, without the FIFOs around it."""
    bill = bill_kernel(kernel, flow.streams, family, calibration=calibration)
    lut, ff, dsp = counted(bill, calibration)
    return {"lut": lut, "ff": ff, "dsp": dsp, "bram": bill.bram}


def compared(
    flow: Dataflow, part: str, report: ResourceReport, calibration: Figures | None
) -> tuple[ComparedKernel, ...]:
    """The kernels that a report has as a module, in the order of the design."""
    modules = modules_of([kernel.name for kernel in flow.kernels], {one.name: one for one in report.modules})
    family = find_part(part).family
    found = []
    for kernel in flow.kernels:
        if kernel.name not in modules:
            continue
        module = modules[kernel.name]
        there = (made.modules.get(module.name) for made in reversed(report.implementations))
        found.append(
            ComparedKernel(
                kernel.name,
                kernel.kind,
                module.name,
                estimated_kernel(kernel, flow, family, calibration),
                {"lut": module.lut, "ff": module.ff, "dsp": module.dsp, "bram": module.bram},
                next((cells for cells in there if cells is not None), None),
            )
        )
    return tuple(found)
