"""Which elements of streams nobody reads: pixels that windows leave out, and what only these are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hpq_hls.kernels import Kernel, Stream


def with_unread(
    kernels: Sequence[Kernel], streams: Mapping[str, Stream], *, constants: bool
) -> dict[str, Stream]:
    """The streams, with what is ``unread`` of each.

    kernels: in topological order. constants: as of ``Kernel.unread``. Of the streams that no kernel takes,
    which are ports, all is read.
    """
    found = dict(streams)
    for kernel in reversed(kernels):
        for name, unread in zip(kernel.inputs, kernel.unread(found, constants=constants), strict=True):
            if unread:
                found[name] = replace(found[name], unread=tuple(sorted(unread)))
    return found
