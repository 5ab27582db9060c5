"""Which elements of streams nobody reads: pixels that windows leave out, and what only these are made of."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from hpq_hls.kernels import Kernel, Stream


def with_unread(
    kernels: Sequence[Kernel], streams: Mapping[str, Stream], *, constants: bool
) -> dict[str, Stream]:
    """The streams, with what is ``unread`` of each.

    kernels: in topological order. constants: as of ``Kernel.unread``; without, they count in streams that are
    ``inside`` a layer, and no further. Of the streams that no kernel takes, which are ports, all is read.
    """
    found = dict(streams)

    def note(kernel: Kernel, among: Container[str], *, constants: bool) -> None:
        for name, unread in zip(kernel.inputs, kernel.unread(found, constants=constants), strict=True):
            if unread and name in among:
                found[name] = replace(found[name], unread=tuple(sorted(unread)))

    for kernel in reversed(kernels):
        note(kernel, streams, constants=constants)
    if not constants:
        for kernel in kernels:
            note(kernel, inside(kernel, kernels), constants=True)
    return found


def inside(kernel: Kernel, kernels: Iterable[Kernel]) -> Mapping[str, Kernel]:
    """The inputs of a kernel of which its layer alone decides what is read and, but for types, nothing else;
    by their names the kernels that write them, which are among ``kernels``."""
    own = (other for other in kernels if other.layer == kernel.layer and other.by_types)
    return {name: other for other in own for name in other.outputs if name in kernel.inputs}
