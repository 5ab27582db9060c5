"""Reports that a made-up HLS tool would write of generated projects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.calibrate.billed import read_billed
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.synth.hls_reports import read_hls_reports

CSYNTH = """<profile>
<ReportVersion><Version>2023.2</Version></ReportVersion>
<UserAssignments><Part>xc7z020-clg400-1</Part><TopModelName>{top}</TopModelName>
<TargetClockPeriod>5.00</TargetClockPeriod><ClockUncertainty>1.35</ClockUncertainty></UserAssignments>
<PerformanceEstimates>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>3.5</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency><Worst-caseLatency>{latency}</Worst-caseLatency>
<DataflowPipelineThroughput>{interval}</DataflowPipelineThroughput></SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates><Resources><LUT>{lut}</LUT><FF>{ff}</FF><DSP>{dsp}</DSP><BRAM_18K>{bram}</BRAM_18K></Resources>
</AreaEstimates></profile>
"""


def mlp(hidden: int, width: int, inputs: int = 12) -> QuantizedGraph:
    torch.manual_seed(hidden)
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, 4)).eval()
    x = np.random.default_rng(hidden).normal(size=(20, inputs))
    return hpq.quantize(hpq.from_torch(net, torch.zeros(2, inputs)), x, width)


def reported(bill: object, kind: str) -> dict[str, int]:
    """What the tool says of a bill: products are in DSP blocks from 12 bits, two in each."""
    products = bill.products.items()  # type: ignore[attr-defined]
    dsp = sum(-(-count // 2) for (a, b, luts), count in products if not luts and a + b >= 12 and b >= 2)
    fabric = sum(count * a * b for (a, b, luts), count in products if luts or a + b < 12)
    lut = round(2 * fabric + 30 * dsp + (40 if kind == "streams" else 100) + 0.5 * bill.ff)  # type: ignore[attr-defined]
    return {"lut": lut, "ff": round(1.5 * bill.ff) + 20, "dsp": dsp}  # type: ignore[attr-defined]


def write_reports(project: Path, solution: str = "hls_net/solution") -> dict[str, int]:
    """Write reports of each module and the top; returns the figures of the top."""
    top, _, billed = read_billed(project)
    folder = project / solution / "syn" / "report"
    folder.mkdir(parents=True)
    total = {"lut": 0, "ff": 0, "dsp": 0}
    for one in billed:
        figures = reported(one.bill, one.kind)
        total = {name: total[name] + figures[name] for name in total}
        if one.name:
            text = CSYNTH.format(top=one.name, latency=9, interval=9, bram=0, **figures)
            (folder / f"{one.name}_s_csynth.xml").write_text(text)
    text = CSYNTH.format(top=top, latency=321, interval=64, bram=1, **total)
    (folder / "csynth.xml").write_text(text)
    (folder / f"{top}_csynth.xml").write_text(text)
    return total


def write_export(solution: Path, share: int) -> None:
    """What Vivado makes of a solution with reports: one in ``share`` of the LUTs."""
    found = read_hls_reports(solution)
    cells = "".join(
        f'<RtlModule CELL="inst/{module.name}" TYPE="function" MODULENAME="{module.name}">'
        f'<Resources LUT="{module.lut // share}" FF="{module.ff}" DSP="{module.dsp}"/></RtlModule>'
        for module in found.modules.values()
    )
    top = found.top
    folder = solution / "impl" / "report" / "verilog"
    folder.mkdir(parents=True)
    (folder / "export_syn.xml").write_text(
        "<profile><RunData><RUN_TYPE>synth</RUN_TYPE></RunData><AreaReport><Resources>"
        f"<LUT>{top.lut // share}</LUT><FF>{top.ff}</FF><DSP>{top.dsp}</DSP></Resources></AreaReport>"
        f"<RtlModules>{cells}</RtlModules></profile>"
    )
