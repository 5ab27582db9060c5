"""How the testbench packs beats, and what it makes of files that are wrong."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_sim.design import Port, check_frames, read_design, read_frames


def a_port(width=5, signed=True, lanes=3, beats=2):
    return Port("s_axis", width, signed, lanes, beats, (width * lanes + 7) // 8)


def test_element_0_is_lowest_and_padding_is_zero_on_top():
    port = a_port()
    words = list(port.pack(np.array([[[1, -1, 2], [0, 0, -16]]])))
    assert words == ["0" + "00010" + "11111" + "00001", "0" + "10000" + "00000" + "00000"]


@settings(max_examples=50)
@given(st.integers(1, 32), st.booleans(), st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32))
def test_unpack_undoes_pack(width, signed, lanes, beats, seed):
    port = a_port(width, signed, lanes, beats)
    low, high = (-(1 << (width - 1)), 1 << (width - 1)) if signed else (0, 1 << width)
    frames = np.random.default_rng(seed).integers(low, high, (3, beats, lanes))
    words = list(port.pack(frames))
    assert {len(word) for word in words} == {8 * port.tdata_bytes}
    raw, padded = port.unpack(words)
    assert (raw.reshape(frames.shape) == frames).all()
    assert padded.all()


def test_unpack_sees_dirty_padding_and_undefined_bits():
    port = a_port()
    clean, dirty = "0" * 16, "1" + "0" * 15
    assert port.unpack([clean, dirty])[1].tolist() == [True, False]
    with pytest.raises(ValueError, match="X or Z"):
        port.unpack(["0" * 15 + "X"])


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((1, 2, 3)), "give raw integers"),
        (np.zeros((1, 3, 2), dtype=int), "shape"),
        (
            np.pad(np.full((1, 1, 1), 16), ((2, 0), (1, 0), (0, 2))),
            r"s_axis hold 16 in packet 2, beat 1, element 0, outside -16\.\.15",
        ),
        (np.full((1, 2, 3), -17), "outside -16..15"),
    ],
)
def test_frames_that_do_not_fit_are_refused(array, complaint):
    with pytest.raises(ValueError, match=complaint):
        check_frames(a_port(), array)


def test_frames_come_from_npy_or_npz(tmp_path):
    frames = np.arange(6).reshape(1, 2, 3)
    np.save(tmp_path / "x.npy", frames)
    np.savez(tmp_path / "x.npz", s_axis=frames)
    np.savez(tmp_path / "other.npz", other=frames)
    for name in ("x.npy", "x.npz"):
        assert (read_frames(tmp_path / name, [a_port()])["s_axis"] == frames).all()
    with pytest.raises(ValueError, match="no array 's_axis'"):
        read_frames(tmp_path / "other.npz", [a_port()])


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "design.json"
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(ValueError, match="format 2"):
        read_design(path)
