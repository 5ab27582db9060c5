"""What is said of a difference."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar


class Fault(enum.Enum):
    """What is wrong.

    VALUE: a word. MISSING, EXCESS: the number of beats. CONTROL: all words are right, the signals around them
    are not. UNSEEN: it was there once, but not when it was looked for.
    """

    VALUE = "value"
    MISSING = "missing"
    EXCESS = "excess"
    CONTROL = "control"
    UNSEEN = "unseen"


_DOES = {
    Fault.VALUE: "differs",
    Fault.MISSING: "stands still",
    Fault.EXCESS: "gives too much",
}


@dataclass(frozen=True)
class Difference:
    """The first place, as data flows, where hardware does not do what it has to.

    kernel, kind, layer: of what is wrong: a kernel of a layer, a "fifo" or a "port", which belong to none; ""
    where only the ports of the design can be seen, and for UNSEEN. stream: what it writes, or the port.
    sample: of the input, from 0. beat, lane: in the frame of that sample, which has ``beats``. index: of the
    element in that layer's output, or the port's tensor, in torch layout; None where it is none of it.
    tensor: what it belongs to. expected, seen: raw integers; of MISSING and EXCESS, numbers of beats. time:
    of the simulation, in ps, when the word is there; None where there is no clock. note: one more thing to
    know. scenario: of the co-simulation.
    """

    derived: ClassVar[tuple[str, ...]] = ("who", "sentence")

    fault: Fault
    kernel: str = ""
    kind: str = ""
    layer: str = ""
    stream: str = ""
    sample: int | None = None
    beat: int | None = None
    beats: int = 0
    lane: int | None = None
    index: tuple[int, ...] | None = None
    tensor: str = ""
    expected: int | None = None
    seen: int | None = None
    time: int | None = None
    note: str = ""
    scenario: str = ""

    @property
    def who(self) -> str:
        """What is wrong, in short; "" of UNSEEN."""
        if not self.kernel:
            return f"port {self.stream}" if self.stream else ""
        if self.kind == "fifo":
            return f"the FIFO of stream {self.stream}"
        if self.kind == "port":
            return f"port {self.kernel.removeprefix('port_')}"
        return f"{self.kind} {self.kernel}" + (f" of layer {self.layer!r}" if self.layer else "")

    @property
    def reason(self) -> tuple[str, str, Fault]:
        """Differences of which this is the same have one reason."""
        return self.kernel, self.stream, self.fault

    @property
    def sentence(self) -> str:
        """All of it."""
        said = [self._said]
        if self.time is not None and self.fault is not Fault.UNSEEN:
            said.append(f"at {self.time / 1000:,.0f} ns" + (f" of {self.scenario}" if self.scenario else ""))
        if self.note:
            said.append(self.note)
        return "; ".join(said)

    @property
    def _said(self) -> str:
        if self.fault is Fault.UNSEEN:
            return "it was not seen again when it was looked for"
        if self.fault is Fault.CONTROL:
            who = self.who or "a port"
            return f"every word of every stream is right, and {who} does not keep to the protocol"
        does = _DOES[self.fault]
        head = f"{self.who} is the first that {does}" if self.kernel else f"{self.who} {does}"
        if self.fault is not Fault.VALUE:
            return f"{head}: stream {self.stream}: {self.seen} of {self.expected} beats came{self._where}"
        return f"{head}: stream {self.stream}{self._where}: {self.seen}, not {self.expected}"

    @property
    def _where(self) -> str:
        if self.sample is None:
            return ""
        text = f", sample {self.sample}"
        if self.beat is not None:
            text += f", beat {self.beat} of {self.beats}"
        if self.lane is not None:
            text += f", lane {self.lane}"
        if self.index is not None:
            text += f" (element {list(self.index)} of {self.tensor})"
        return text
