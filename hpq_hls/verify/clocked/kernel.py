"""A kernel with memory of its own around a design (memory: m_axi), taken apart for clang as the design is.

Its pointers become variables that nobody defines, which state machines use as ports of memory. The processes
that read and write memory take as many frames as a start says; those in between take frame after frame, as
the region that they stand in does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.codegen.memory import MemoryKernel
from hpq_hls.errors import VerificationError
from hpq_hls.verify.clocked.sources import (
    Split,
    function_head,
    names_of,
    parameters_of,
    processes_text,
    streams_of,
)
from hpq_hls.verify.schedule_sources import calls_of

STARTED, ENDED = "hpq_started_", "hpq_ended_"
"""In front of a process's name: streams of how many frames it is to take, and has taken."""

_REGION, _COUNT = "run_frames", "hls::stream<unsigned>"
_FRAMES = re.compile(
    r"\n(?:\w+:\n)?    for \(unsigned frame = 0; frame < frames; \+\+frame\) \{\n"
    r"(?:#pragma HLS loop_tripcount .*\n)?#pragma HLS dataflow\n"
)
_POINTER = re.compile(r"(?:const\s+)?(?P<type>[\w:]+)\*\s*(?P<name>\w+)")
_ARGUMENTS = re.compile(r"[\w:]+\((.*)\)", re.DOTALL)


def split_kernel(core: str, around: str, manifest: Manifest, kernel: MemoryKernel) -> Split:
    """Take a kernel and the design inside of it apart. core, around: their files.

    Raises:
        VerificationError: one is not as it was emitted.
    """
    top = function_head(core, f"void {manifest.name}")
    region = function_head(around, "static void run_frames")
    outer = function_head(around, f"void {kernel.name}")
    loop = _FRAMES.match(around, region.end())
    if loop is None:
        raise VerificationError("run_frames does not take one frame after the other; generate the C++ again")
    memories = [(found["type"], found["name"]) for found in _POINTER.finditer(outer[1])]
    if [name for _, name in memories] != [one.name for one in kernel.arguments]:
        raise VerificationError(f"{kernel.name} has other pointers than design.json; generate the C++ again")

    within, whole = list(calls_of(around, loop.end())), list(calls_of(around, outer.end()))
    _check_arguments(within, manifest.name, [name for _, name in parameters_of(top)])
    _check_arguments(whole, _REGION, [one.split()[-1] for one in region[1].split(",")])
    started = [(name, call) for name, call in whole if name != _REGION]
    calls = [
        *calls_of(core, top.end()),
        *((name, call) for name, call in within if name != manifest.name),
        *((name, _started(name, call)) for name, call in started),
    ]
    parts = [
        streams_of(manifest.name, core[top.end() :]),
        streams_of(_REGION, around[loop.end() : outer.start()]),
        streams_of(kernel.name, around[outer.end() :]),
    ]
    streams = [stream for declared, _ in parts for stream in declared]
    streams += [(_COUNT, f"{begin}{name}") for name, _ in started for begin in (STARTED, ENDED)]
    processes = processes_text(calls, streams, memories=memories)
    # Where run_frames stood, so that its names mean the same.
    closing = f"}}  // namespace hpq_{manifest.name}\n"
    return Split(
        "\n".join([core[: top.start()], around[: region.start()], processes, closing]),
        names_of(calls),
        {name: depth for _, depths in parts for name, depth in depths.items()},
        memories=tuple(name for _, name in memories),
        calls=tuple(name for name, _ in started),
    )


def _started(name: str, call: str) -> str:
    """A process that begins when it is told of how many frames, and tells when it is through."""
    return f"const unsigned frames = {STARTED}{name}.read(); {call}; {ENDED}{name}.write(frames)"


def _check_arguments(calls: Sequence[tuple[str, str]], name: str, wanted: Sequence[str]) -> None:
    """Whether a region is called with what its parameters are called."""
    texts = [call for called, call in calls if called == name]
    found = _ARGUMENTS.fullmatch(texts[0]) if len(texts) == 1 else None
    if found is None or [one.strip() for one in found[1].split(",")] != list(wanted):
        raise VerificationError(f"{name} is not called with {', '.join(wanted)}; generate the C++ again")
