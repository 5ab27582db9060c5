"""Which sample a run goes wrong in, and what goes wrong in it first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.hardware import Dataflow, NarrowedGraph
from hpq_hls.kernels import Frame, IntArray
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.engine import simulate_all
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.finding import first_difference, wrong_word
from hpq_hls.verify.differ.look import Look
from hpq_hls.verify.differ.seen import IN, PORT, End, Run

_ENOUGH = 0.9
"""Share of the cycles that count as a deadlock after which nothing more can come."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A design and what it is given.

    inputs, expected: raw frames by port, (samples, beats, lanes). flow: None where only ports can be seen.
    quiet: cycles without a beat after which nothing more can come.
    """

    q: QuantizedGraph
    manifest: Manifest
    flow: Dataflow | None
    inputs: Mapping[str, IntArray]
    expected: Mapping[str, IntArray]
    quiet: int
    _known: dict[int, dict[str, Frame]] = field(default_factory=dict)

    def first(self, runs: Sequence[Run], *, sized: bool = True) -> Difference | None:
        """The first difference of the runs of one scenario; None where all words that came are right, and
        none is missing. sized: whether all packets that were sent have the size that they should."""
        for run in runs:
            still = run.last or run.idle >= _ENOUGH * self.quiet
            packets = self._packets(run, sized)
            for known in (True, False) if sized else (True,):
                for frame, sample in enumerate(packets):
                    if (sample is not None) is known and self._suspicious(
                        run, frame, len(packets), sample, still
                    ):
                        final = frame == len(packets) - 1
                        found = self._in_frame(run, frame, sample, final, still, sized)
                        if found is not None:
                            return found
        return None

    def of_program(self, run: Run, sample: int) -> Difference | None:
        """The first difference of a program's run of one frame."""
        assert self.flow is not None
        given = {port: frames[sample] for port, frames in self.inputs.items()}
        expected = self._streams(given, sample)
        found = first_difference(Look(self.flow, run, expected, 0, True, True))
        if found is None:
            return None
        return replace(self._indexed(found, given, expected), sample=sample)

    def of_outputs(self, made: Mapping[str, IntArray], sample: int) -> Difference:
        """Where every stream is right and what leaves an output port is not."""
        for terminal in self.flow.outputs if self.flow is not None else ():
            wanted = self.expected[terminal.port][sample]
            owner = Difference(
                Fault.VALUE, f"port_{terminal.port}", "port", stream=terminal.port, sample=sample
            )
            found = wrong_word(owner, made[terminal.port][sample], wanted)
            if found is not None:
                return self._indexed(found, {}, {})
        return Difference(Fault.UNSEEN)

    # ------------------------------------------------------------------ samples

    def _entrances(self) -> list[tuple[str, End]]:
        """Input ports, and where their beats can be seen: inside, if there."""
        if self.flow is None:
            return [(port.port, (port.port, PORT)) for port in self.manifest.inputs]
        return [(terminal.port, (terminal.stream, IN)) for terminal in self.flow.inputs]

    def _packets(self, run: Run, sized: bool) -> list[int | None]:
        """For each frame that has begun to enter, which sample it is of; None: of none."""
        places = [(self.inputs[port], run[end]) for port, end in self._entrances()]
        outside = [run[port, PORT] for port, _ in self._entrances()]
        count = max(
            math.ceil(max(seen.count, sized * (beyond.count + bool(beyond.valid))) / frames.shape[1])
            for (frames, seen), beyond in zip(places, outside, strict=True)
        )
        samples = len(places[0][0])
        found: list[int | None] = []
        follows = 0
        for frame in range(count):
            parts = [
                (frames, seen.part(frame * frames.shape[1], (frame + 1) * frames.shape[1]))
                for frames, seen in places
            ]
            order = ((follows + step) % samples for step in range(samples))
            sample = next((n for n in order if _begins(parts, n)), None)
            found.append(sample)
            follows = 0 if sample is None else sample + 1
        return found

    def _suspicious(self, run: Run, frame: int, frames: int, sample: int | None, still: bool) -> bool:
        """Whether what leaves the design in a frame, or behind the last one, is not what has to; so is a
        frame of no sample."""
        if sample is None:
            return True
        for port in self.manifest.outputs:
            begin, seen = frame * port.beats, run[port.port, PORT]
            got = seen.part(begin, begin + port.beats)
            if (got != self.expected[port.port][sample][: len(got)]).any():
                return True
            if still and (len(got) < port.beats or (frame == frames - 1 and seen.count > begin + port.beats)):
                return True
        return False

    # ------------------------------------------------------------------ one frame

    def _in_frame(
        self, run: Run, frame: int, sample: int | None, final: bool, still: bool, sized: bool
    ) -> Difference | None:
        if self.flow is None:
            found = self._at_outputs(run, frame, sample)
        else:
            given = self._given(run, frame, sample)
            if given is None:
                return None
            expected = self._streams(given, sample)
            found = first_difference(Look(self.flow, run, expected, frame, final, still, sized))
            if found is not None:
                found = self._indexed(found, given, expected)
        if found is None:
            return None
        return replace(found, sample=frame if sample is None else sample)

    def _given(self, run: Run, frame: int, sample: int | None) -> dict[str, Frame] | None:
        """The frame that entered, whole, by port; None where it did not, and is of no sample."""
        if sample is not None:
            return {port: frames[sample] for port, frames in self.inputs.items()}
        given = {}
        for port, end in self._entrances():
            beats = self.inputs[port].shape[1]
            given[port] = run[end].part(frame * beats, (frame + 1) * beats)
            if len(given[port]) < beats:
                return None
        return given

    def _streams(self, given: Mapping[str, Frame], sample: int | None) -> dict[str, Frame]:
        """What every stream has to carry of a frame; of a sample worked out once."""
        assert self.flow is not None
        if sample is not None and sample in self._known:
            return self._known[sample]
        found = self.flow.every_stream({one.stream: given[one.port] for one in self.flow.inputs})
        if sample is not None:
            self._known[sample] = found
        return found

    def _at_outputs(self, run: Run, frame: int, sample: int | None) -> Difference | None:
        if sample is None:
            return None
        for port in self.manifest.outputs:
            seen, begin, wanted = run[port.port, PORT], frame * port.beats, self.expected[port.port][sample]
            got = seen.part(begin, begin + port.beats)
            owner = Difference(Fault.VALUE, stream=port.port, note="only its ports can be seen")
            found = wrong_word(owner, got, wanted)
            if found is not None:
                assert found.beat is not None
                assert found.lane is not None
                flat = port.order[found.beat * port.lanes + found.lane]
                index = tuple(int(i) for i in np.unravel_index(flat, port.shape))
                time = seen.time(begin + found.beat)
                return replace(found, index=index, tensor=f"port {port.port}", time=time)
            if len(got) < port.beats:
                time = seen.time(seen.count - 1)
                return replace(
                    owner,
                    fault=Fault.MISSING,
                    seen=len(got),
                    expected=port.beats,
                    beats=port.beats,
                    time=time,
                )
        return None

    # ------------------------------------------------------------------ torch layout

    def _indexed(
        self, found: Difference, given: Mapping[str, Frame], expected: Mapping[str, Frame]
    ) -> Difference:
        """With the place in a tensor, where a stream carries just that."""
        if found.fault is not Fault.VALUE or found.beat is None or found.lane is None:
            return found
        assert self.flow is not None
        for terminal in (*self.flow.inputs, *self.flow.outputs):
            if found.stream in (terminal.stream, terminal.port):
                at = found.beat * self.flow.streams[terminal.stream].lanes + found.lane
                index = tuple(int(i) for i in np.unravel_index(int(terminal.order[at]), terminal.shape))
                return replace(found, index=index, tensor=f"{terminal.name!r}")
        if found.layer not in self.q.layers:
            return found
        raw = {
            terminal.name: port.from_frames(given[terminal.port][None])
            for terminal, port in zip(self.flow.inputs, self.manifest.inputs, strict=True)
        }
        tensor = simulate_all(self.q, raw)[found.layer][0]
        frame = expected[found.stream]
        at = found.beat * frame.shape[1] + found.lane
        for order in _orders(tensor.shape):
            if frame.size == tensor.size and np.array_equal(tensor.reshape(-1)[order], frame.reshape(-1)):
                index = tuple(int(i) for i in np.unravel_index(int(order[at]), tensor.shape))
                if isinstance(self.q, NarrowedGraph):
                    index = self.q.place(found.layer, index)
                return replace(found, index=index, tensor=f"{found.layer!r}")
        return found


def _begins(parts: Sequence[tuple[IntArray, Frame]], sample: int) -> bool:
    return all(np.array_equal(frames[sample][: len(part)], part) for frames, part in parts)


def _orders(shape: tuple[int, ...]) -> Iterator[IntArray]:
    """In which order a tensor may travel: channels last, or as it is."""
    places = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    yield np.moveaxis(places, 0, -1).reshape(-1)
    yield places.reshape(-1)
