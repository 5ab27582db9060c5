"""Single changes of a generated project: does the certificate refuse them?

    python benchmarks/mutations.py --backend vitis --count 40 --seed 1

One word of one source file is changed at a time: a number by one, a bit of a memory, a comparison, a sign,
a logical operator, a rounding or overflow mode. Files count alike, so that tables and the library are changed
as often as the top. Prints one line a change, and at the end how many survived; why no input can tell of a
survivor is for people to say: code that this design does not use, or bits beyond a word.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import hpq_hls as hpq
from hpq_hls.project import Project
from tests.verify.words import every_nature

TOKEN = re.compile(
    r"(?<![\w.'])-?\d+(?![\w.'])|(?<=')[0-9a-f]+\b|<=|>=|(?<!\+)\+(?!\+)|&&|\|\||AP_RND\b|AP_SAT\b|\btrue\b|\bfalse\b"
)
HEX = re.compile(r"\b[0-9a-f]+\b")
SWAPS = {
    "<=": "<",
    ">=": ">",
    "+": "-",
    "&&": "||",
    "||": "&&",
    "AP_RND": "AP_TRN",
    "AP_SAT": "AP_WRAP",
    "true": "false",
    "false": "true",
}


@dataclass(frozen=True)
class Change:
    """A word of a line of a file, and what stands there instead."""

    path: Path
    line: int
    start: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The file's text with the change."""
        lines = text.splitlines(keepends=True)
        row = lines[self.line]
        lines[self.line] = row[: self.start] + self.new + row[self.start + len(self.old) :]
        return "".join(lines)


def changes(folder: Path, rng: random.Random) -> dict[Path, list[Change]]:
    """Every change that could be made, by file."""
    found: dict[Path, list[Change]] = {}
    for path in sorted((*folder.glob("src/**/*"), *folder.glob("rtl/*"))):
        if not path.is_file() or path.suffix == ".f":
            continue
        pattern = HEX if path.suffix == ".mem" else TOKEN
        for number, row in enumerate(path.read_text(encoding="utf-8").splitlines()):
            code = row.split("//")[0]
            if code.lstrip().startswith(("#", "parameter ")):  # pragmas, defaults
                continue
            for match in pattern.finditer(code):
                new = _instead(match[0], path.suffix == ".mem", rng)
                if new is not None:
                    found.setdefault(path, []).append(Change(path, number, match.start(), match[0], new))
    return found


def _instead(word: str, memory: bool, rng: random.Random) -> str | None:
    if memory:
        return f"{int(word, 16) ^ 1 << rng.randrange(4 * len(word)):0{len(word)}x}"
    if re.fullmatch(r"-?\d+", word):
        return str(int(word) + rng.choice([-1, 1]))
    return SWAPS.get(word)


def verdict(project: Project) -> str:
    """What is said against a project, "" if nothing is."""
    try:
        wrong = project.certify().first_failure
    except hpq.HpqError as error:
        return f"{type(error).__name__}: {error}"
    return "" if wrong is None else wrong.sentence


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=("vitis", "vivado", "rtl"), default="rtl")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, survivors = random.Random(options.seed), 0
    with tempfile.TemporaryDirectory(prefix="hpq_mutations_") as home:
        project = hpq.generate(every_nature(), Path(home) / "p", backend=options.backend, target_interval=300)
        unchanged = verdict(project)
        if unchanged:
            sys.exit(f"the unchanged project is refused: {unchanged}")
        possible = changes(project.path, rng)
        for _ in range(options.count):
            change = rng.choice(possible[rng.choice(list(possible))])
            text, begin = change.path.read_text(encoding="utf-8"), time.monotonic()
            change.path.write_text(change.apply(text), encoding="utf-8")
            said = verdict(project)
            change.path.write_text(text, encoding="utf-8")
            survivors += not said
            place = f"{change.path.name}:{change.line + 1}: {change.old} -> {change.new}"
            row = text.splitlines()[change.line].strip()
            told = " ".join(said.split())[:100] if said else f"SURVIVES in {row[:80]!r}"
            print(f"{time.monotonic() - begin:5.1f} s  {place:<50} {told}", flush=True)
    print(f"{survivors} of {options.count} survive")


if __name__ == "__main__":
    main()
