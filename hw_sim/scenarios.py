"""The tests, for cocotb. Each resets the design, plays one scenario, and writes down what it saw.

Every scenario writes ``<scenario>.json`` and ``<scenario>.npz`` (what came out, one array per output port,
shape (packets, beats, lanes)) into the results folder, and fails if anything was wrong.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from hw_sim.bench import Bench, DeadlockError, Session, Sizes, Traffic
from hw_sim.design import IntArray
from hw_sim.fifos import max_fills
from hw_sim.settings import Driver, Settings

SHORT = 5_000
"""Clock cycles of a run that may be repeated, longer, to see its interval."""
MANY = 32
"""Packets of the longer run, or twice as many as there are; few designs take more to settle."""


@dataclass
class Result:
    """What a scenario saw; the content of its JSON file.

    scenario, driver: names. passed: no failures.
    failures: one sentence each.
    packets: packets sent and received in full.
    words_compared, mismatches: output elements that were expected, and of those how many differ, are
    missing, or came in excess; words_compared is 0 where nothing was expected.
    latency_cycles: clock cycles from the edge that hands over the first input beat of packet 0 to the edge
    that hands over its last output beat (0 if it is the same edge); None if the packet never came out.
    interval_cycles: clock cycles from one packet to the next in steady state, taken between their last output
    beats once these distances repeat; else the mean of the second half of the packets, rounded up; None with
    fewer than two packets. Where the packets are too few to see them repeat, and a run of them is short, they
    are sent again and again for that.
    Both are filled in by back_to_back only, where neither side ever waits of its own accord.
    cycles: simulated clock cycles. seconds: time it took.
    fifo_fill: largest fill of every FIFO that has a probe, by instance path.
    """

    scenario: str
    driver: str = ""
    passed: bool = False
    failures: list[str] = field(default_factory=list)
    packets: int = 0
    words_compared: int = 0
    mismatches: int = 0
    latency_cycles: int | None = None
    interval_cycles: int | None = None
    cycles: int = 0
    seconds: float = 0.0
    fifo_fill: dict[str, int] = field(default_factory=dict)


Frames = dict[str, IntArray]
Body = Callable[[Bench, Result], Awaitable[Frames]]

# Without expected frames, the first scenario that passes sets the standard for those after it.
_standard: Frames = {}


@cocotb.test()
async def back_to_back(dut: Any) -> None:
    """No gaps on either side: right words, TLAST, TKEEP, TSTRB, padding; nothing lost or added; timing."""
    await _play(dut, "back_to_back", _back_to_back)


@cocotb.test()
async def random_gaps(dut: Any) -> None:
    """TVALID and TREADY pause at random: the same words, and outputs hold while they wait."""
    await _play(dut, "random_gaps", _random_gaps)


@cocotb.test()
async def ignored_signals(dut: Any) -> None:
    """Random TKEEP, TSTRB, padding, and TLAST where it is not checked, on the inputs, which ignore these."""
    await _play(dut, "ignored_signals", _ignored_signals)


@cocotb.test()
async def wrong_packets(dut: Any) -> None:
    """Packets too short and too long between right ones: these are right, and the flags tell and stay."""
    await _play(dut, "wrong_packets", _wrong_packets)


@cocotb.test()
async def reset_mid_stream(dut: Any) -> None:
    """Reset in the middle of packets: the packets after it are right, and nothing stale comes out."""
    await _play(dut, "reset_mid_stream", _reset_mid_stream)


async def _back_to_back(bench: Bench, result: Result) -> Frames:
    traffic = Traffic(pace=bench.settings.pace)
    session = bench.session(range(bench.packets), traffic, result.scenario, bench.settings.driver)
    frames = await _complete(bench, session, result)
    starts, ends = session.first_in, session.last_out
    if ends:
        result.latency_cycles = ends[0] - starts[0]
    result.interval_cycles = _settled(starts, ends) or _mean(ends)
    longer = not bench.log and not bench.settings.pace and len(ends) > 1 and ends[-1] - starts[0] <= SHORT
    if longer and _settled(starts, ends) is None:
        result.interval_cycles = await _longer(bench, traffic, result)
    return frames


async def _longer(bench: Bench, traffic: Traffic, result: Result) -> int | None:
    """The interval of the same packets several times, from a reset on."""
    await bench.reset()
    numbers = [number % bench.packets for number in range(max(MANY, 2 * bench.packets))]
    session = bench.session(numbers, traffic, f"{result.scenario} again", Driver.LEAN)
    session.start()
    try:
        await session.finish()
    except DeadlockError as error:
        bench.log.add("deadlock", str(error))
        session.stop()
    session.judge()
    return _settled(session.first_in, session.last_out) or _mean(session.last_out)


async def _random_gaps(bench: Bench, result: Result) -> Frames:
    traffic = Traffic(source_gaps=True, sink_gaps=True)
    session = bench.session(range(bench.packets), traffic, result.scenario, bench.settings.driver)
    return await _complete(bench, session, result)


async def _ignored_signals(bench: Bench, result: Result) -> Frames:
    traffic = Traffic(source_gaps=True, noise=True)
    session = bench.session(range(bench.packets), traffic, result.scenario, Driver.LEAN)
    return await _complete(bench, session, result)


async def _wrong_packets(bench: Bench, result: Result) -> Frames:
    raised: set[str] = set()
    right: list[Frames] = []

    async def play(sizes: Sizes, count: int, when: str) -> None:
        numbers = [(result.packets + step) % bench.packets for step in range(count)]
        session = bench.session(numbers, Traffic(), f"{result.scenario} {len(right)}", Driver.LEAN, sizes)
        frames = await _complete(bench, session, result)
        # Every other packet is wrong, where any is.
        right.append({name: found[:: 2 if sizes else 1] for name, found in frames.items()})
        bench.check_flags(raised, when)

    bench.check_flags(raised, "after reset")
    await play({}, 1, "though all packets were right")
    for port in bench.design.inputs:
        if not port.packet_error:
            continue
        beats = port.beats
        raised.add(port.name)
        sizes = [beats, max(beats - 1, 1), beats, beats + 1, beats]
        await play({port.name: sizes}, len(sizes), f"after wrong packets at {port.name}")
    await play({}, 1, "after a right packet behind wrong ones")
    await bench.reset()
    raised.clear()
    bench.check_flags(raised, "after reset")
    await play({}, 1, "after reset and a right packet")
    return {name: np.concatenate([frames[name] for frames in right]) for name in right[0]}


async def _reset_mid_stream(bench: Bench, result: Result) -> Frames:
    entry, out = bench.design.inputs[0], bench.design.outputs[0]
    rng = bench.rng(result.scenario)

    def taken(beats: int) -> Callable[[Session], bool]:
        return lambda session: session.accepted[entry.name] >= beats

    def given(beats: int) -> Callable[[Session], bool]:
        return lambda session: session.boards[out.name].received >= beats

    def offered(_: Session) -> bool:
        return any(bench.signals[port.name].valid.value for port in bench.design.outputs)

    # In the middle of an input packet; while a beat waits for TREADY; in the middle of an output
    # packet; somewhere behind a whole input packet.
    aborts = (
        (Traffic(), taken(math.ceil(entry.beats / 2))),
        (Traffic(closed=True), offered),
        (Traffic(), given(math.ceil(out.beats / 2))),
        (Traffic(sink_gaps=True), taken(entry.beats + rng.randrange(entry.beats))),
    )
    fresh: list[Frames] = []
    for number, (traffic, reached) in enumerate(aborts):
        numbers = [(3 * number + step) % bench.packets for step in range(3)]
        doomed = bench.session(numbers, traffic, f"{result.scenario} {number}", Driver.LEAN)
        doomed.start()
        await _until(bench, doomed, reached)
        for _ in range(rng.randrange(4)):
            await bench.clock.rising_edge
        doomed.stop()
        _count(result, doomed, aborted=True)
        await bench.reset()
        session = bench.session(numbers[1:], Traffic(), f"{result.scenario} after {number}", Driver.LEAN)
        fresh.append(await _complete(bench, session, result))
    return {name: np.concatenate([frames[name] for frames in fresh]) for name in fresh[0]}


async def _until(bench: Bench, session: Session, reached: Callable[[Session], bool]) -> None:
    while not reached(session):
        await bench.clock.rising_edge
        if bench.cycle() - bench.last_move >= bench.settings.watchdog:
            raise DeadlockError(f"no handshake for {bench.settings.watchdog} cycles: {session.describe()}")


async def _complete(bench: Bench, session: Session, result: Result) -> Frames:
    """Run a session to its end; a deadlock ends it early, with what has come until then."""
    result.driver = session.driver.value
    session.start()
    try:
        await session.finish()
    except DeadlockError as error:
        bench.log.add("deadlock", str(error))
        session.stop()
    return _count(result, session)


def _count(result: Result, session: Session, *, aborted: bool = False) -> Frames:
    reports = session.judge(aborted=aborted)
    for report in reports.values():
        result.words_compared += report.words_compared
        result.mismatches += report.mismatches
    result.packets += len(session.last_out)
    return {name: report.raw for name, report in reports.items()}


def _settled(starts: Sequence[int], ends: Sequence[int]) -> int | None:
    """Cycles from packet to packet, the mean of a period, rounded up; None while nothing is known to repeat.

    It is known, as in hpq_hls/cost/actors.py, where the distances of the last beats have been the same for
    longer than a packet is under way and as many packets enter as leave; until then a FIFO may be filling.
    """
    last = len(ends) - 1
    under_way = sum(end >= starts[last] for end in ends) if ends else 0
    gaps = [after - before for before, after in pairwise(ends)]
    for period in range(1, last - under_way):
        recent = gaps[last - 1 - under_way :]
        before = gaps[last - 1 - under_way - period : last - period]
        if recent == before and starts[last] - starts[last - period] == ends[last] - ends[last - period]:
            return -((ends[last - period] - ends[last]) // period)
    return None


def _mean(ends: Sequence[int]) -> int | None:
    """Of the distances of the second half, rounded up."""
    if len(ends) < 2:
        return None
    half = (len(ends) - 1) // 2
    return math.ceil((ends[-1] - ends[half]) / (len(ends) - 1 - half))


async def _play(dut: Any, scenario: str, body: Body) -> None:
    settings = Settings.from_env()
    settings.results.mkdir(parents=True, exist_ok=True)
    result = Result(scenario)
    frames: Frames = {}
    begin = time.monotonic()
    bench: Bench | None = None
    try:
        bench = Bench(dut, settings)
        if bench.expected is None and _standard:
            bench.expected = dict(_standard)
        await bench.start()
        begin_cycle = bench.cycle()
        frames = await body(bench, result)
        bench.check_flags((), "though all packets since reset were right")
        result.cycles = bench.cycle() - begin_cycle
        result.fifo_fill = max_fills(dut)
    except (ValueError, DeadlockError) as error:
        result.failures.append(str(error))
    if bench is not None:
        result.failures += bench.log.summary()
    result.passed = not result.failures and not result.mismatches
    result.seconds = round(time.monotonic() - begin, 3)
    if result.passed and not _standard and scenario not in ("reset_mid_stream", "wrong_packets"):
        _standard.update(frames)
    _write(settings.results, result, frames)
    assert result.passed, "\n".join(
        [f"{result.mismatches} of {result.words_compared} words differ", *result.failures]
    )


def _write(folder: Path, result: Result, frames: Frames) -> None:
    np.savez(folder / f"{result.scenario}.npz", **frames)  # type: ignore[arg-type]
    text = json.dumps(asdict(result), indent=2)
    (folder / f"{result.scenario}.json").write_text(text + "\n", encoding="utf-8")
