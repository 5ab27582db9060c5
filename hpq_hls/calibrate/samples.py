"""What a calibration is fitted to: bills, and what a tool reported of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpq_hls.billing.bill import Bill
from hpq_hls.errors import DataError

LEAST_DESIGNS = 5
RESOURCES = ("lut", "ff", "dsp")


@dataclass(frozen=True, eq=False)
class Sample:
    """A kernel, or the FIFOs and ports of a design. design: that it is part of. kind: of the kernel, or
    STREAMS. bill: of the RTL twin. taken, made: as of ``AMOUNTS``. reported: by "lut", "ff" and "dsp"."""

    design: str
    kind: str
    bill: Bill
    taken: int
    made: int
    reported: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Reports:
    """Samples, and whose they are. source: the folder or file that they come from."""

    source: str
    samples: tuple[Sample, ...]
    tools: tuple[str, ...]
    versions: tuple[str, ...]
    stages: tuple[str, ...]
    backends: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def designs(self) -> tuple[str, ...]:
        """Names, each once."""
        return tuple(dict.fromkeys(sample.design for sample in self.samples))


def joined(parts: Sequence[Reports], source: str) -> Reports:
    """All samples together.

    Raises:
        DataError: they are of different stages, which do not compare.
    """

    def each(name: str) -> tuple[str, ...]:
        return tuple(sorted({value for part in parts for value in getattr(part, name)}))

    stages = each("stages")
    if len(stages) > 1:
        raise DataError(f"{source} has reports of {' and of '.join(stages)}, which do not compare; keep one")
    samples = tuple(sample for part in parts for sample in part.samples)
    notes = tuple(note for part in parts for note in part.notes)
    return Reports(source, samples, each("tools"), each("versions"), stages, each("backends"), notes)
