"""What is found in runs that were made up: no tool runs here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpq_hls.codegen.base import Design
from hpq_hls.codegen.manifest import Manifest, frames_at, manifest_of
from hpq_hls.cost import build_design
from hpq_hls.errors import ToolError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import Dataflow
from hpq_hls.project import hardware_config
from hpq_hls.simulate import QuantizedGraph, simulate
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.scene import Scene
from hpq_hls.verify.differ.seen import IN, OUT, PORT, End, Run, Seen, Tap, Written, read_log
from tests.verify.residual import network, samples

COUNT = 3
QUIET = 1000


class Made:
    """A run of samples that is right, to be changed: beats by end, and handshakes at its end."""

    def __init__(self, q: QuantizedGraph, flow: Dataflow, manifest: Manifest) -> None:
        self.flow = flow
        raw = q.quantize_input(samples(COUNT, 1))
        self.inputs = frames_at(flow, flow.inputs, raw)
        self.expected = frames_at(flow, flow.outputs, simulate(q, raw))
        frames = [
            flow.every_stream({one.stream: self.inputs[one.port][i] for one in flow.inputs})
            for i in range(COUNT)
        ]
        self.beats: dict[End, np.ndarray] = {
            (name, end): np.concatenate([one[name] for one in frames])
            for name in flow.streams
            for end in (IN, OUT)
        }
        for terminal in (*flow.inputs, *flow.outputs):
            self.beats[terminal.port, PORT] = self.beats[terminal.stream, IN].copy()
        self.states: dict[End, tuple[bool, bool]] = dict.fromkeys(self.beats, (False, True))
        self.scene = Scene(q, manifest, flow, self.inputs, self.expected, QUIET)

    def change(self, name: str, end: str, beat: int, lane: int) -> None:
        self.beats[name, end][beat, lane] ^= 1

    def cut(self, lengths: Mapping[tuple[str, str], int]) -> None:
        for end, length in lengths.items():
            self.beats[end] = self.beats[end][:length]

    def run(self, *, idle: int = QUIET, last: bool = True) -> Run:
        ends: dict[End, Seen] = {
            end: Written(len(beats), *self.states[end], beats=beats) for end, beats in self.beats.items()
        }
        return Run(ends, idle, last, tuple(ends))

    def found(self, **how: Any) -> Difference | None:
        return self.scene.first([self.run(**how)])


@pytest.fixture(scope="module")
def design() -> tuple[QuantizedGraph, Dataflow, Manifest]:
    q = network()
    flow = build_design(q, hardware_config(target_interval=36))
    return q, flow, manifest_of(Design(flow, "stream", "", 5.0, {}, {}))


@pytest.fixture
def made(design: tuple[QuantizedGraph, Dataflow, Manifest]) -> Made:
    return Made(*design)


def downstream(made: Made, beat: int) -> None:
    """The output goes wrong too."""
    made.change("m_axis", PORT, beat, 0)


def test_nothing(made: Made) -> None:
    assert made.found() is None


def test_the_first_kernel_counts_not_the_first_beat(made: Made) -> None:
    for name, beat in (("add_out", 17), ("second_out", 20), ("head_out", 2)):
        for end in (IN, OUT):
            made.change(name, end, beat, 1)
    downstream(made, 2)
    found = made.found()
    assert found is not None
    assert (found.kernel, found.stream, found.sample) == ("second_matvec", "second_out", 1)
    assert (found.beat, found.lane, found.beats) == (4, 1, 16)
    assert found.index == (1, 1, 0)  # channel, row, column; pixels travel row by row


def test_samples_before_the_one_that_is_wrong_outside_do_not_count(made: Made) -> None:
    made.change("second_out", IN, 3, 0)
    made.change("side_out", IN, 40, 2)
    downstream(made, 5)
    found = made.found()
    assert found is not None
    assert (found.kernel, found.sample, found.beat) == ("side_matvec", 2, 8)


def test_a_fifo_that_changes_a_word(made: Made) -> None:
    made.change("second_out", OUT, 3, 0)
    downstream(made, 0)
    found = made.found()
    assert found is not None
    assert (found.kernel, found.kind, found.who) == (
        "fifo_second_out",
        "fifo",
        "the FIFO of stream second_out",
    )


@pytest.mark.parametrize(("port", "end"), [("s_axis_z", IN), ("m_axis", OUT)])
def test_a_port_that_changes_a_word(made: Made, port: str, end: str) -> None:
    made.change(port, PORT, 1, 0)
    if end == IN:  # what is inside belongs to no sample then, and everything behind it is right
        made.beats[port, PORT][:] = made.beats["z", IN]
        made.scene.inputs[port][0, 1, 0] ^= 1
        made.beats[port, PORT][1, 0] ^= 1
    found = made.found()
    assert found is not None
    assert (found.kernel, found.kind, found.beat, found.lane) == (f"port_{port}", "port", 1, 0)
    assert found.index is not None


def test_another_stream_s_words_are_recognized(made: Made) -> None:
    for end in (IN, OUT):
        made.beats["second_out", end] = made.beats["first_out", IN].copy()
    downstream(made, 0)
    found = made.found()
    assert found is not None
    assert found.kernel == "second_matvec"
    assert found.note == "it carries the words of stream first_out"


def starved(made: Made, *names: str) -> None:
    """Nothing comes out any more, and nothing is offered there."""
    for name in names:
        made.cut({(name, IN): 0, (name, OUT): 0})
    made.cut({("m_axis", PORT): 0})


BEHIND = ("add_1_out", "maxpool2d_windows", "maxpool2d_out", "head_regrouped", "head_out")


def test_a_kernel_that_stops(made: Made) -> None:
    starved(made, *BEHIND)
    found = made.found()
    assert found is not None
    assert (found.kernel, found.fault, found.seen, found.expected) == ("add_1_add", Fault.MISSING, 0, 16)
    assert "its inputs are there, and it does not go on" in found.sentence
    assert "the last that moved is port m_axis" in found.sentence


def test_a_fifo_that_gives_nothing(made: Made) -> None:
    starved(made, *BEHIND)
    made.cut({("add_out", OUT): 0})
    found = made.found()
    assert found is not None
    assert (found.kernel, found.fault) == ("fifo_add_out", Fault.MISSING)
    assert "and gives none" in found.sentence


def test_ports_that_stop(made: Made) -> None:
    for end in [end for end in made.beats if end[0] != "s_axis_z"]:
        made.cut({end: 0})
    found = made.found()
    assert found is not None
    assert (found.kernel, found.seen) == ("port_s_axis_z", 0)


def test_everything_waits_for_everything(made: Made) -> None:
    """The shortcut is full, and what would empty it waits for what the other way cannot have yet."""
    flow = made.flow
    depth = flow.links["first_copy1"].places
    given = flow.streams["first_copy0"].beats
    starved(made, "second_windows", "second_regrouped", "second_out", "add_out", *BEHIND)
    for name in ("first_copy0", "first_copy1"):
        made.cut({(name, IN): depth, (name, OUT): depth if name == "first_copy0" else 0})
    assert depth < given
    made.cut({("first_out", OUT): depth, ("first_out", IN): depth + flow.links["first_out"].places})
    for end in (IN, OUT):
        made.states["first_copy1", end] = (True, False)
        made.states["first_out", end] = (True, False)
    found = made.found()
    assert found is not None
    assert found.fault is Fault.MISSING
    # second_window has beats enough for some windows, and gave none: it, not the FIFO, is to blame.
    assert found.kernel == "second_window"
    assert "it has what it needs for" in found.note


def test_too_many_beats(made: Made) -> None:
    more = made.beats["add_out", IN]
    made.beats["add_out", IN] = made.beats["add_out", OUT] = np.concatenate([more, more[:1]])
    out = made.beats["m_axis", PORT]
    made.beats["m_axis", PORT] = np.concatenate([out, out[:1]])
    found = made.found()
    assert found is not None
    assert (found.kernel, found.fault, found.seen, found.expected) == ("add_add", Fault.EXCESS, 17, 16)
    assert "gives too much: stream add_out: 17 of 16 beats came, sample 2" in found.sentence


def test_what_a_reset_cut_off_is_not_missing(made: Made) -> None:
    starved(made, *BEHIND)
    assert made.found(idle=3, last=False) is None
    assert made.found(idle=QUIET, last=False) is not None


def test_records_are_read(tmp_path: Path, design: tuple[QuantizedGraph, Dataflow, Manifest]) -> None:
    kind = design[1].streams["second_out"].type  # six bits, signed
    tap = Tap(("s", IN), kind, 3, 18, "d", "v", "r")
    log = tmp_path / "log"
    word = (5 << 12) | (0x3F << 6) | 0x20
    lines = [
        f"0000 {7:016x} {word:05x}",
        f"REST {9:016x} {1:016x} 1 0",
        f"ENDS {12:016x} {4:016x} 0 1",
    ]
    log.write_text("\n".join(lines) + "\n")
    first, second = read_log(log, [tap])
    assert first["s", IN].part(0, 5).tolist() == [[-32, -1, 5]]
    assert first["s", IN].time(0) == 7
    assert first["s", IN].time(1) is None
    assert (first.idle, first.last, first["s", IN].valid, first["s", IN].ready) == (1, False, True, False)
    assert (second.last, second["s", IN].count, second.time) == (True, 0, 12)
    for kind, right in (
        (FixedType(64, 64), -2),
        (FixedType(62, 62), -2),
        (FixedType(62, 62, False), 2**62 - 2),
    ):
        tap = Tap(("s", IN), kind, 1, 64, "d", "v", "r")
        log.write_text(f"0000 {7:016x} {2**kind.width - 2:016x}\n{lines[2]}\n")
        assert read_log(log, [tap])[0]["s", IN].part(0, 1).tolist() == [[right]]
    log.write_text("strange\n")
    with pytest.raises(ToolError, match="no record of its streams"):
        read_log(log, [tap])
