"""The catalogue of parts."""

from __future__ import annotations

import pytest

from hpq_hls.billing.parts import BOARDS, Family
from hpq_hls.cost import PARTS, find_part
from hpq_hls.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("xc7z020clg400-1", "xc7z020"),
        ("XC7Z020CLG400-1", "xc7z020"),
        ("xc7z020", "xc7z020"),
        ("xa7z020clg400-1i", "xc7z020"),
        ("xq7z020cl484-1i", "xc7z020"),
        ("xc7z007sclg225-1", "xc7z007s"),
        ("xc7a35ticsg324-1L", "xc7a35t"),
        ("xc7a100tcsg324-1", "xc7a100t"),
        ("xczu3eg-sbva484-1-e", "xczu3eg"),
        ("xczu7ev-ffvc1156-2-e", "xczu7ev"),
        ("xck26-sfvc784-2LV-c", "xck26"),
        ("xcu50-fsvh2104-2-e", "xcu50"),
        ("xcu250-figd2104-2L-e", "xcu250"),
        ("xcku115-flva1517-2-e", "xcku115"),
        ("xcku3p-ffva676-1-e", "xcku3p"),
        ("xcvu9p-flga2104-2-e", "xcvu9p"),
        ("xcvu19p-fsva3824-2-e", "xcvu19p"),
        ("xcau25p-ffvb676-2-e", "xcau25p"),
        ("xaau10p-ffvb676-1-i", "xcau10p"),
        ("xck24-ubva530-2LV-c", "xck24"),
        ("xczu67dr-fsve1156-2-i", "xczu67dr"),
        ("xcve2302-sfva784-1LP-e-S", "xcve2302"),
        ("xqrve2302-ssra784-1MM-b-S", "xcve2302"),
        ("xcvc1902-vsva2197-2MP-e-S", "xcvc1902"),
        ("LFE5U-25F-6BG256C", "lfe5u-25f"),
        ("LFE5UM5G-85F-8BG756C", "lfe5um5g-85f"),
        ("iCE40HX8K-CT256", "ice40hx8k"),
        ("ICE40UP5K-SG48I", "ice40up5k"),
    ],
)
def test_names_of_all_kinds(given: str, name: str) -> None:
    assert find_part(given).name == name


def test_figures_of_well_known_parts() -> None:
    def figures(name: str) -> tuple[int, int, int, int]:
        part = find_part(name)
        return part.lut, part.ff, part.dsp, part.bram

    assert figures("xc7z020clg400-1") == (53200, 106400, 220, 280)
    assert figures("xc7a35tcpg236-1") == (20800, 41600, 90, 100)
    assert figures("xc7k325tffg900-2") == (203800, 407600, 840, 890)
    assert figures("xczu9eg-ffvb1156-2-e") == (274080, 548160, 2520, 1824)
    assert figures("xcu250-figd2104-2L-e") == (1728000, 3456000, 12288, 5376)
    assert figures("xcau7p") == (37440, 74880, 216, 216)
    assert figures("xcvu19p") == (4085760, 8171520, 3840, 4320)
    assert figures("xcve2802") == (520704, 1041408, 1312, 1200)
    assert figures("lfe5u-85f") == (83640, 83640, 156, 208)
    assert figures("ice40up5k") == (5280, 5280, 8, 30)
    assert find_part("xc7s50").family is Family.SERIES_7
    assert find_part("xcku060").family is Family.ULTRASCALE
    assert find_part("xcku5p").family is Family.ULTRASCALE_PLUS


def test_the_catalogue_is_sane() -> None:
    names = [part.name for part in PARTS]
    assert len(set(names)) == len(names) > 90
    for part in PARTS:
        assert find_part(part.name) is part
        assert part.source
        if part.family is Family.ICE40:  # most have no DSP block, the smallest no memory
            assert part.dsp == (0 if part.name[5:7] != "up" else 8 if part.name == "ice40up5k" else 4)
            assert part.bram <= 32 < part.lut == part.ff <= 7680
            continue
        assert min(part.lut, part.dsp, part.bram) > 0
        # A figure in the wrong column would be far outside what any device has.
        assert 50 < part.lut / part.dsp < 1500
        assert 40 < part.lut / part.bram < 1200


def test_boards_lead_to_known_parts() -> None:
    for board, part in BOARDS.items():
        find_part(part)
        with pytest.raises(ConfigError, match=f"for the board {board} give {part}"):
            find_part(board)
    with pytest.raises(ConfigError, match="for the board pynq-z2 give xc7z020clg400-1"):
        find_part("PYNQ_Z2")


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("xc7z021clg400-1", "xc7z020"),
        ("xczu3", "xczu3cg, xczu3eg"),
        ("xcu500", "xcu50"),
        ("xc7z0200", "xc7z020"),
        ("xc7z020; exec rm", "xc7z020"),
        ("", "xc7z020"),
        ("banana", "xc7z020"),
    ],
)
def test_unknown_parts_name_the_nearest(given: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"not in the catalogue; .*{near}"):
        find_part(given)
