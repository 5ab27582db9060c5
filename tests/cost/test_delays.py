"""The model of delays: what a part's name says of it, and that more takes longer."""

from __future__ import annotations

import pytest

from hpq_hls.billing.delays import delays_of
from hpq_hls.billing.parts import find_part


def _scale(part: str) -> float:
    return delays_of(find_part(part).family, part).scale


def test_speed_grades_are_read_from_names() -> None:
    assert _scale("xc7z020clg400-1") == _scale("xc7z020-1clg400c") == _scale("xc7z020") == 1.0
    assert _scale("xc7z020clg400-3") < _scale("xc7z020clg400-2") < 1.0
    assert (
        _scale("xczu7ev-ffvc1156-2-e") < _scale("xczu7ev-ffvc1156-1-e") < _scale("xcku040-ffva1156-1-c") < 1
    )


def test_voltages_and_lines_of_other_makers_are_read_too() -> None:
    versal = [_scale(f"xcve2802-vsvh1760-{grade}-e-S") for grade in ("2HP", "2MP", "1MP", "2LLP", "1LP")]
    assert versal == sorted(versal) and len(set(versal)) == 5
    assert _scale("xcve2802") == _scale("xcve2802-vsvh1760-1LP-e-S")
    ecp5 = [_scale(f"LFE5U-85F-{grade}BG381C") for grade in (8, 7, 6)]
    assert ecp5 == sorted(ecp5) and _scale("lfe5u-85f") == ecp5[-1]
    assert _scale("iCE40HX8K-CT256") == 1.0 < _scale("iCE40LP8K-CM81")
    level = [delays_of(find_part(part).family, part).logic(1) for part in ("ice40hx8k", "ice40up5k")]
    assert level[0] < level[1]


@pytest.mark.parametrize(
    "part", ["xc7z020clg400-1", "xcve2802", "LFE5U-25F-6BG256C", "iCE40HX8K-CT256", "iCE40UP5K"]
)
def test_more_takes_longer(part: str) -> None:
    delays = delays_of(find_part(part).family, part)
    times = [delays.adder(bits) for bits in (1, 4, 5, 8, 9, 40)]
    assert times == sorted(times)
    assert times[0] < times[4] < times[5]
    assert times[2] <= times[4]
    assert delays.logic(1) < delays.logic(2)


@pytest.mark.parametrize("clock_ns", [2.0, 5.0, 13.0])
def test_what_is_left_of_a_period_fills_it(clock_ns: float) -> None:
    delays = delays_of(find_part("xc7z020").family, "xc7z020clg400-1")
    assert delays.period(delays.left(clock_ns)) == pytest.approx(clock_ns, abs=0.002)  # whole picoseconds


def test_one_level_of_logic_is_the_least() -> None:
    delays = delays_of(find_part("xc7z020").family, "xc7z020clg400-1")
    assert delays.left(0.5) == delays.logic(1)
