"""Calibration on a table of kernels of any generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hpq_hls as hpq
from hpq_hls.billing.calibration import DspRule
from hpq_hls.calibrate.table import comparable, read_table
from hpq_hls.errors import DataError

HEAD = "design,rows,cols,pe,simd,input,weight,lut,ff,dsp,version"


def _rows(seed: int = 0, count: int = 30) -> list[str]:
    """Kernels whose tool takes 300 LUTs a multiplier, and one DSP block from 14 bits on."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(count):
        rows, cols = (int(2 ** rng.integers(1, 6)) for _ in range(2))
        pe, simd = (int(2 ** rng.integers(0, size.bit_length())) for size in (rows, cols))
        width = int(rng.integers(3, 12))
        dsp = pe * simd if 2 * width >= 14 else 0
        lut = 300 * dsp + (0 if dsp else 2 * pe * simd * width * width) + 9 * cols * width + 100
        kind = f'"ap_fixed<{width},2>"'
        lines.append(
            f"d{number},{rows},{cols},{pe},{simd},{kind},{kind},{lut},{4 * cols * width + 200},{dsp},2019.2"
        )
    return lines


def test_factors_are_found_again(tmp_path: Path) -> None:
    file = tmp_path / "kernels.csv"
    file.write_text("\n".join([HEAD, *_rows()]) + "\n")
    calibration = hpq.calibrate(file)
    assert calibration == hpq.calibrate(tmp_path)  # all tables of a folder
    assert calibration.dsp == DspRule(2, 13, 1)  # no width tells 13 from 14; 13 is nearer to the twin's 9
    assert (calibration.tool, calibration.backend, calibration.designs) == ("Vivado HLS", "vivado", 30)
    assert calibration.held_out["lut"].median < 0.15
    assert calibration.held_out["ff"].median < 0.15
    assert calibration.held_out["dsp"].ninety == 0
    for factors in (*calibration.kinds.values(), calibration.other):
        assert min(*factors.lut, *factors.ff) >= 0


def test_kernels_are_as_described() -> None:
    given = {
        "rows": "8",
        "cols": "6",
        "pe": "4",
        "simd": "3",
        "input": "ap_fixed<8,3>",
        "weight": "ap_fixed<5,1>",
    }
    kernel, streams = comparable(given)
    assert (kernel.kind, kernel.multipliers, kernel.cycles(streams)) == ("matvec", 12, 4)
    unrolled, streams = comparable({**given, "kind": "unrolled", "nonzeros": "20"})
    assert (unrolled.kind, unrolled.multipliers, unrolled.cycles(streams)) == ("unrolled", 20, 1)


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("rows,cols", "1,2", "no column input, weight, lut, ff, dsp"),
        (f"{HEAD},colour", "", "column 'colour'"),
        (HEAD, "", "nothing below it"),
        (HEAD, "a,1,2", "line 2 has another number of columns"),
        (HEAD, 'a,x,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2', "line 2: rows is 'x'"),
        (HEAD, 'a,4,2,3,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2', "have to divide 4 rows"),
        (HEAD, "a,4,2,1,1,float,float,1,1,1,2022.2", "line 2: .*float"),
        (HEAD, 'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",-1,1,1,2022.2', "lut is '-1'"),
        (HEAD, 'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",nan,1,1,2022.2', "lut is 'nan'"),
        (HEAD, 'a,9999999,9999,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2', "weights are more than"),
        (HEAD, 'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2', "reports of 1 designs"),
        (
            f"{HEAD},stage,part",
            'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2,C synthesis,xc7z020\n'
            'b,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2,Vivado synthesis,xc7z020',
            "which do not compare",
        ),
        (
            f"{HEAD},part",
            'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2,virtex',
            "line 2: part 'virtex' is not in the catalogue",
        ),
        (
            f"{HEAD},kind",
            'a,4,2,1,1,"ap_fixed<8,2>","ap_fixed<8,2>",1,1,1,2022.2,lstm',
            "line 2: kind is 'lstm'; choose matvec or unrolled",
        ),
    ],
)
def test_impossible_tables(head: str, row: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "kernels.csv"
    file.write_text(f"{head}\n{row}\n")
    with pytest.raises(DataError, match=said):
        hpq.calibrate(file)


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "a.csv")
