"""Every scenario against a right design, and against one that is wrong in each way we could think of."""

import re
from pathlib import Path

import numpy as np
import pytest

from hpq_hls.codegen.manifest import Manifest, Port
from hpq_hls.errors import ConfigError, VerificationError
from hpq_hls.verify.cosim import SCENARIOS, run_cosim

AFFINE = Path(__file__).parent / "designs" / "affine"
PACKETS_RTL = Path(__file__).parent / "designs" / "packets"
PACKETS = 4
X = np.random.default_rng(7).integers(-32, 32, (PACKETS, 5, 3))

MANIFEST = Manifest(
    name="axis_affine",
    format=1,
    io="stream",
    part="",
    clock_ns=5.0,
    inputs=(Port("s_axis", 6, 6, True, 3, 5, 3, (15,), tuple(range(15))),),
    outputs=(Port("m_axis", 9, 9, True, 3, 5, 4, (15,), tuple(range(15))),),
)


def reference(x):
    words = [int(line, 16) for line in (AFFINE / "affine_weights.mem").read_text().split()]
    weights = np.array([[(word >> 4 * lane) & 15 for lane in range(3)] for word in words])
    weights -= (weights >> 3) << 4
    return (x * weights + 1) >> 1


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cosim")


@pytest.fixture
def simulate(build_dir):
    def run(*plusargs, rtl_dir=AFFINE, x=X, expected=None, scenarios=SCENARIOS, **options):
        settings = {"watchdog": 500, "build_dir": build_dir, **options}
        expected = reference(x) if expected is None else expected
        return run_cosim(rtl_dir, MANIFEST, x, expected, scenarios=scenarios, plusargs=plusargs, **settings)

    return run


@pytest.mark.parametrize("driver", ["axi", "lean"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_right_design_passes(simulate, driver, seed):
    result = simulate(driver=driver, seed=seed)
    assert result.failures == ()
    result.check()
    assert (result.raw == reference(X)).all()
    # It has no flag for wrong packets.
    assert [item.name for item in result.scenarios] == [name for name in SCENARIOS if name != "wrong_packets"]
    assert all(item.words_compared >= X.size for item in result.scenarios)
    assert result.mismatches == 0
    # One cycle in the FIFO, one in the output register, and the four beats after the first.
    assert result.latency_cycles == 6
    assert result.interval_cycles == 5
    assert result.scenarios[0].driver == driver


# What is wrong, and the scenarios that must notice. (The others may.)
BUGS = {
    "drop": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "duplicate": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "last_early": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "last_extra": {"back_to_back", "random_gaps", "ignored_signals"},
    "stale": {"reset_mid_stream"},
    "keep_state": {"reset_mid_stream"},
    "retract": {"random_gaps"},
    "change": {"random_gaps"},
    "hang": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "deaf": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "keep": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "strb": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "padding": {"back_to_back", "random_gaps", "ignored_signals", "reset_mid_stream"},
    "overrun": {"random_gaps"},
    "ghost": {"back_to_back", "random_gaps", "ignored_signals"},
}


def failed_scenarios(simulate, *plusargs, **options):
    try:
        return {item.name for item in simulate(*plusargs, **options).scenarios if not item.passed}
    except VerificationError as error:  # not even all packets came out
        return set(str(error).splitlines()[0].partition("failed scenarios: ")[2].split(", "))


@pytest.mark.parametrize("bug", BUGS)
def test_every_bug_is_noticed(simulate, bug):
    assert failed_scenarios(simulate, f"BUG={bug}") >= BUGS[bug]


@pytest.mark.parametrize("bug", ["retract", "last_early", "duplicate"])
def test_bugs_are_noticed_with_either_driver(simulate, bug):
    assert failed_scenarios(simulate, f"BUG={bug}", scenarios="random_gaps", driver="axi") == {"random_gaps"}


def test_a_deadlock_says_where_everything_stands(simulate):
    with pytest.raises(VerificationError) as caught:
        simulate("BUG=hang", scenarios="back_to_back")
    # 8 beats came out; 8 more fill the FIFO.
    assert "no handshake for 500 cycles: s_axis took 16 of 20 beats (TVALID=1, TREADY=0)" in str(caught.value)
    assert "m_axis gave 8 of 20 beats (TVALID=0, TREADY=1)" in str(caught.value)


def test_another_rounding_mode_is_noticed(simulate):
    result = simulate("ROUND=trn", scenarios="back_to_back")
    assert 0 < result.mismatches < X.size
    with pytest.raises(VerificationError, match=f"^{result.mismatches} of {X.size} words differ"):
        result.check()


def test_one_flipped_rom_bit_is_noticed_without_a_new_build(simulate, tmp_path):
    simulate(scenarios="back_to_back")
    text = (AFFINE / "affine_weights.mem").read_text()
    (tmp_path / "axis_affine.sv").write_bytes((AFFINE / "axis_affine.sv").read_bytes())
    (tmp_path / "affine_weights.mem").write_text(text.replace("25c", "25d"))
    result = simulate(rtl_dir=tmp_path, scenarios="back_to_back")
    assert result.build_seconds == 0
    assert not result.passed
    # Only element 0 of beat 2 uses that bit, and every x but 0 changes by it after rounding or not.
    wrong = result.raw != reference(X)
    assert wrong.sum() == result.mismatches > 0
    assert not np.delete(wrong.reshape(PACKETS, -1), 6, axis=1).any()


@pytest.mark.parametrize("place", [(0, 0, 0), (2, 3, 1), (PACKETS - 1, 4, 2)])
def test_one_flipped_expected_word_is_noticed(simulate, place):
    expected = reference(X)
    expected[place] ^= 1
    result = simulate(expected=expected, scenarios="back_to_back")
    assert result.mismatches == 1
    assert result.failures == (
        f"back_to_back: m_axis: packet {place[0]}, beat {place[1]} of 5: "
        f"element {place[2]} is {result.raw[place]}, expected {expected[place]}",
    )


def test_gaps_differ_by_seed_and_only_by_seed(simulate):
    runs = [simulate(scenarios="random_gaps", driver="lean", seed=seed) for seed in (3, 3, 4)]
    cycles = [run.scenarios[0].cycles for run in runs]
    assert cycles[0] == cycles[1] != cycles[2]
    assert all(run.latency_cycles is None for run in runs)


def test_one_packet_has_a_latency_but_no_interval(simulate):
    result = simulate(x=X[:1], scenarios="back_to_back")
    assert (result.latency_cycles, result.interval_cycles) == (6, None)


CHECKED = Manifest(
    name="axis_packets",
    format=1,
    io="stream",
    part="",
    clock_ns=5.0,
    inputs=(Port("s_axis", 8, 8, False, 2, 3, 2, (6,), tuple(range(6)), "s_axis_packet_error"),),
    outputs=(Port("m_axis", 8, 8, False, 2, 3, 2, (6,), tuple(range(6))),),
)
PACKETS_X = np.random.default_rng(3).integers(0, 256, (3, 3, 2))


@pytest.fixture
def send(build_dir):
    def run(*plusargs, scenarios=SCENARIOS):
        return run_cosim(
            PACKETS_RTL, CHECKED, PACKETS_X, PACKETS_X, scenarios=scenarios, plusargs=plusargs,
            watchdog=500, build_dir=build_dir,
        )  # fmt: skip

    return run


def test_wrong_packets_between_right_ones(send):
    result = send()
    assert result.failures == ()
    assert [item.name for item in result.scenarios] == list(SCENARIOS)
    assert {item.name: item.words_compared for item in result.scenarios}["wrong_packets"] == 6 * 6


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("silent", "s_axis_packet_error is 0 after wrong packets at s_axis"),
        ("hasty", "s_axis_packet_error is 1 though all packets were right"),
        ("falls", "s_axis_packet_error is 0 after"),
        ("survives", "s_axis_packet_error is 1 after reset"),
        ("misaligned", "differ|expected|after the last|failed"),
        ("unfilled", "differ|expected|never came|handshake"),
    ],
)
def test_bugs_of_wrong_packets(send, bug, told):
    try:
        failures = send(f"BUG={bug}", scenarios="wrong_packets").failures
    except VerificationError as error:
        failures = (str(error),)
    assert re.search(told, "\n".join(failures)), failures


def test_a_design_that_ignores_tlast_has_no_wrong_packets(simulate):
    with pytest.raises(ConfigError, match="no input of the design checks TLAST"):
        simulate(scenarios="wrong_packets")
