"""Numbers as people read them."""

from hpq_hls.report import text


def test_scores():
    assert text.score(0.98611, "top1") == "98.61 %"
    assert text.score(-0.00123456789, "mse") == "0.00123457"


def test_memory():
    assert text.bits(8191) == "8,191 bits"
    assert text.bits(8192) == "8,192 bits (1.0 KiB)"


def test_shares_and_ratios():
    assert text.share(1, 8) == "12.5 %"
    assert text.share(1, 0) == "-"
    assert text.ratio(2, 5) == "2.50 x"
    assert text.ratio(0, 5) == "-"


def test_durations():
    assert text.duration(1000, 5.0) == "1,000 cycles (5.00 us)"
    assert text.duration(1, 5.0) == "1 cycle (5.0 ns)"
    assert text.duration(3, 1.0) == "3 cycles (3.0 ns)"
    assert text.duration(None, 5.0) == "-"
