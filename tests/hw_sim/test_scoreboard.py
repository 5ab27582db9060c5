"""The scoreboard alone: what it counts and what it says, without a simulator."""

import numpy as np
import pytest

from hw_sim.design import Port
from hw_sim.scoreboard import Beat, FailureLog, Scoreboard

PORT = Port("m_axis", 4, True, 3, 2, 2)
PACKETS = 3
FRAMES = np.random.default_rng(1).integers(-8, 8, (PACKETS, PORT.beats, PORT.lanes))


def beats_of(frames):
    return [
        Beat(word, "01"[index % PORT.beats == PORT.beats - 1], "11", "11")
        for index, word in enumerate(PORT.pack(frames))
    ]


def judge(beats, expected=FRAMES, aborted=False):
    log = FailureLog()
    board = Scoreboard(PORT, PACKETS, expected, log)
    for beat in beats:
        board.add(beat)
    return board.report(aborted=aborted), log.summary()


def test_right_beats_pass():
    report, failures = judge(beats_of(FRAMES))
    assert failures == []
    assert (report.raw == FRAMES).all()
    assert (report.words_compared, report.mismatches) == (FRAMES.size, 0)


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 2), (2, 1, 2)])
def test_one_wrong_expected_word_is_found(place):
    expected = FRAMES.copy()
    expected[place] ^= 1
    report, failures = judge(beats_of(FRAMES), expected)
    assert report.mismatches == 1
    assert failures == [
        f"m_axis: packet {place[0]}, beat {place[1]} of 2: "
        f"element {place[2]} is {FRAMES[place]}, expected {expected[place]}"
    ]


@pytest.mark.parametrize("index", range(PACKETS * PORT.beats))
@pytest.mark.parametrize("field", ["last", "keep", "strb", "data"])
def test_one_wrong_bit_anywhere_is_found(index, field):
    beats = beats_of(FRAMES)
    text = getattr(beats[index], field)
    beats[index] = beats[index]._replace(**{field: "10"[int(text[0])] + text[1:]})
    report, failures = judge(beats)
    assert len(failures) == 1
    assert report.mismatches == 0  # the top bit of data is padding here


def test_ports_without_keep_and_strb_are_not_asked_for_them():
    assert judge([beat._replace(keep=None, strb=None) for beat in beats_of(FRAMES)])[1] == []


def test_missing_and_extra_beats_count_as_wrong_words():
    beats = beats_of(FRAMES)
    report, failures = judge(beats[:-1])
    assert (report.words_compared, report.mismatches) == (FRAMES.size, PORT.lanes)
    assert report.raw.shape == (PACKETS - 1, PORT.beats, PORT.lanes)
    assert failures == ["m_axis: 1 of 6 beats never came"]
    report, failures = judge([*beats, beats[-1]])
    assert report.mismatches == PORT.lanes
    assert failures == [
        "m_axis: packet 3, beat 0 of 2: TLAST is 1",
        "m_axis: 1 beats came after the last packet",
    ]


def test_after_an_abort_nothing_is_missing():
    report, failures = judge(beats_of(FRAMES)[:3], aborted=True)
    assert failures == []
    assert (report.words_compared, report.mismatches) == (3 * PORT.lanes, 0)


def test_without_expected_words_only_the_protocol_is_judged():
    report, failures = judge(beats_of(FRAMES), None)
    assert (report.words_compared, report.mismatches, failures) == (0, 0, [])


def test_many_failures_of_a_kind_are_counted_not_listed():
    report, failures = judge(beats_of(FRAMES), FRAMES ^ 1)
    assert report.mismatches == FRAMES.size
    assert len(failures) == 5
    assert failures[-1] == f"mismatch: {FRAMES.size} in all"


def test_undefined_bits_are_reported():
    beats = beats_of(FRAMES)
    beats[2] = beats[2]._replace(data="X" * 16)
    assert any("X or Z" in text for text in judge(beats)[1])
