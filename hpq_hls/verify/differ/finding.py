"""Finds the first thing, as data flows, that goes wrong in one frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpq_hls.kernels import Frame
from hpq_hls.verify.differ.difference import Difference, Fault
from hpq_hls.verify.differ.look import Look, owners, short_of, too_many
from hpq_hls.verify.differ.seen import IN, OUT, PORT
from hpq_hls.verify.differ.standing import standing


def first_difference(look: Look) -> Difference | None:
    """A wrong word; else what stands still, if something is missing; else what gives too much, or a port."""
    found = _wrong_word(look)
    if found is None and look.still:
        found = standing(look) if look.run.has_states else short_of(look)
    return found or (too_many(look) if look.still and look.final else None) or _at_ports(look)


def wrong_word(owner: Difference, got: Frame, wanted: Frame) -> Difference | None:
    """The first word of a frame, or of its beginning, that is not what it has to be."""
    wrong = np.argwhere(got != wanted[: len(got)])
    if not len(wrong):
        return None
    beat, lane = (int(number) for number in wrong[0])
    right, seen = int(wanted[beat, lane]), int(got[beat, lane])
    return replace(
        owner, fault=Fault.VALUE, beat=beat, beats=len(wanted), lane=lane, expected=right, seen=seen
    )


def _wrong_word(look: Look) -> Difference | None:
    for owner, end in owners(look.flow):
        seen = look.seen(end)
        if seen is None:
            continue
        got = look.part(end)
        found = wrong_word(owner, got, look.expected[end[0]])
        if found is not None:
            assert found.beat is not None
            time = seen.time(look.frame * found.beats + found.beat)
            return replace(found, time=time, note=_belongs(look, end[0], got))
    return None


def _belongs(look: Look, stream: str, got: Frame) -> str:
    """Words that are another stream's: it is connected wrongly."""
    names = (name for name, wanted in look.expected.items() if name != stream and np.array_equal(wanted, got))
    other = next(names, None)
    return f"it carries the words of stream {other}" if other else ""


def _at_ports(look: Look) -> Difference | None:
    """What passes a port has to be the same on both sides."""
    for terminal, end in [
        *((one, IN) for one in look.flow.inputs),
        *((one, OUT) for one in look.flow.outputs),
    ]:
        outer = look.seen((terminal.port, PORT))
        if outer is None or (end == IN and not look.sized):
            continue
        beats = look.flow.streams[terminal.stream].beats
        begin = look.frame * beats
        beyond = outer.part(begin, begin + beats)
        owner = Difference(Fault.VALUE, f"port_{terminal.port}", "port", "", terminal.stream)
        if end == IN:
            inner = look.part((terminal.stream, IN))
            found = wrong_word(owner, inner[: len(beyond)], beyond)
            seen = look.run[terminal.stream, IN]
        else:
            found = wrong_word(replace(owner, stream=terminal.port), beyond, look.expected[terminal.stream])
            seen = outer
        if found is not None:
            assert found.beat is not None
            return replace(found, time=seen.time(begin + found.beat))
    return None
