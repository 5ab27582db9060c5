"""What a waveform viewer opens beside an FST: the signals of what differs first, and the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hpq_hls.codegen.manifest import Manifest
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import Dataflow
from hpq_hls.verify.differ.difference import Difference
from hpq_hls.verify.differ.seen import IN, OUT, PORT, End, Tap

SUFFIX = ".fst"
_PERIOD = 10_000  # ps, of the testbench's clock
_SHOWN = 40  # clock cycles in the window
_FRAMES = 5  # in a window, of 200 pixels, of which GTKWave's zoom tells the length
_HEX, _BIT, _COMMENT = (
    0x22,
    0x28,
    0x200,
)  # flags of a trace in GTKWave's save file: right-aligned, hex or binary


@dataclass(frozen=True)
class Wave:
    """A wave file that was written.

    file: the FST. save: a save file of GTKWave; commands: a command file of Surfer. time: where both open it,
    in ps. who: what differs first, in short; "" if nothing does. scenario: of the co-simulation.
    """

    derived: ClassVar[tuple[str, ...]] = ("sentence",)

    file: Path
    save: Path
    commands: Path
    time: int
    who: str
    scenario: str

    @property
    def sentence(self) -> str:
        """Where it is, and how it is opened."""
        what = f"at {self.time / 1000:,.0f} ns: {self.who}" if self.who else "nothing differs"
        return (
            f"{self.file} shows {self.scenario} ({what}); open it with `gtkwave {self.save}` or "
            f"`surfer --command-file {self.commands}`"
        )


def wave_file(path: str | Path) -> Path:
    """The path of an FST.

    Raises:
        ConfigError: its name does not end in .fst.
    """
    if Path(path).suffix != SUFFIX:
        raise ConfigError(f"wave is {str(path)!r}; name a file that ends in {SUFFIX}")
    return Path(path)


def write_views(
    file: Path,
    manifest: Manifest,
    flow: Dataflow | None,
    taps: Sequence[Tap],
    found: Difference | None,
    scenario: str,
    end: int,
) -> Wave:
    """Write the save files of an FST. flow: None where its streams are not in it. end: of the run, in ps."""
    inside = {tap.end: tap for tap in taps}
    shown = [(title, inside[end]) for title, end in _ends(manifest, flow, found) if end in inside]
    time = 0 if found is None or found.time is None else found.time
    title = _title(found) if found is not None else [f"nothing differs in {scenario}"]
    save, commands = file.with_suffix(".gtkw"), file.with_suffix(".sucl")
    save.write_text(_gtkwave(file, manifest.name, shown, title, time), encoding="utf-8")
    commands.write_text(_surfer(file, manifest.name, shown, time, end), encoding="utf-8")
    return Wave(file, save, commands, time, found.who if found is not None else "", scenario)


def _ends(manifest: Manifest, flow: Dataflow | None, found: Difference | None) -> list[tuple[str, End]]:
    """What to show, each with a title: what goes into the kernel that differs first, and what comes out."""
    ports = [(f"port {port.port}", (port.port, PORT)) for port in (*manifest.inputs, *manifest.outputs)]
    if flow is None or found is None or not found.kernel:
        return ports
    kernel = next((one for one in flow.kernels if one.name == found.kernel), None)
    if kernel is not None:
        ends = [(f"in: stream {name}", (name, OUT)) for name in kernel.inputs]
        return [*ends, *((f"out: stream {name}", (name, IN)) for name in kernel.outputs)]
    if found.kind == "fifo":
        return [
            (f"in: stream {found.stream}", (found.stream, IN)),
            (f"out: stream {found.stream}", (found.stream, OUT)),
        ]
    for terminal in (*flow.inputs, *flow.outputs):
        if f"port_{terminal.port}" == found.kernel:
            side = IN if terminal in flow.inputs else OUT
            return [
                (f"port {terminal.port}", (terminal.port, PORT)),
                (f"stream {terminal.stream}", (terminal.stream, side)),
            ]
    return ports


def _title(found: Difference) -> list[str]:
    """In short lines, because the longest makes a viewer's column of names wide."""
    lines = [f"{found.kind} {found.kernel}".strip() or found.who or found.fault.value]
    lines += [f"layer {found.layer}"] if found.layer else []
    if found.sample is not None:
        lines.append(f"sample {found.sample}")
    if found.beat is not None:
        lines += [f"beat {found.beat}, lane {found.lane}", f"{found.seen}, not {found.expected}"]
    return lines


def _gtkwave(file: Path, top: str, shown: Sequence[tuple[str, Tap]], title: Sequence[str], time: int) -> str:
    window = _SHOWN * _PERIOD
    zoom = (window // _FRAMES).bit_length()
    lines = [
        f'[dumpfile] "{file.resolve()}"',
        f"[timestart] {max(0, time - window // 2)}",
        f"*-{zoom}.000000 {time}" + " -1" * 26,
        f"[treeopen] {top}.",
        f"@{_COMMENT:x}",
        *(f"-{line}" for line in title),
        f"@{_BIT:x}",
        f"{top}.ap_clk",
        f"{top}.ap_rst_n",
    ]
    for name, tap in shown:
        lines += [f"@{_COMMENT:x}", f"-{name}", f"@{_HEX:x}", f"{top}.{tap.data}" + _range(tap)]
        lines += [f"@{_BIT:x}", f"{top}.{tap.valid}", f"{top}.{tap.ready}"]
    return "\n".join(lines) + "\n"


def _range(tap: Tap) -> str:
    return f"[{tap.bits - 1}:0]"


def _surfer(file: Path, top: str, shown: Sequence[tuple[str, Tap]], time: int, end: int) -> str:
    lines = [f"load_file {file.resolve()}", f"variable_add {top}.ap_clk", f"variable_add {top}.ap_rst_n"]
    for name, tap in shown:
        lines.append(f"divider_add {name}")
        lines += [f"variable_add {top}.{signal}" for signal in (tap.data, tap.valid, tap.ready)]
    lines += ["zoom_fit", f"cursor_set {time}"]
    lines += ["zoom_in"] * max(0, (end // (_SHOWN * _PERIOD)).bit_length())
    return "\n".join([*lines, "goto_cursor"]) + "\n"
