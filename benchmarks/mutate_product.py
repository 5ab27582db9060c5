"""Single changes of hpq_hls itself: do its tests fail?

    python benchmarks/mutate_product.py --count 25 --seed 1 --json product.jsonl

One word of one file of simulate/, hardware/, codegen/, verify/ or templates/ is changed at a time, in a
copy of the working tree: a number by one, a comparison, a sign, a logical operator, min and max, the
branches of a choice. Messages, docstrings, annotations, pragmas and comments stay. The five folders take
turns. Then the tests that are near run: those of the package's folder and those that name the module, until
one fails; where none does, those of other folders that run it (FAR). Prints what failed, or SURVIVES with
the change: whether that alters any result is for people to judge. `--all` runs the whole suite last, which
takes its time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.mutation_python import Edit, of_python, of_template

ROOT = Path(__file__).parents[1]
FOLDERS = ("hpq_hls/simulate", "hpq_hls/hardware", "hpq_hls/codegen", "hpq_hls/verify", "templates")
TEMPLATES = ("templates/rtl", "templates/vitis", "templates/verify")
FAR = {
    "hpq_hls/simulate": (
        "tests/property/test_operators.py",
        "tests/kernels",
        "tests/quantize",
        "tests/fixed",
    ),
    "hpq_hls/hardware": ("tests/cost", "tests/codegen", "tests/property", "tests/ports", "tests/rtl"),
    "hpq_hls/codegen": ("tests/test_project.py", "tests/workflow", "tests/synth", "tests/verify"),
    "hpq_hls/verify": ("tests/workflow", "tests/test_project.py", "tests/cli", "tests/rtl"),
    "templates": ("tests/verify", "tests/rtl", "tests/synth", "tests/ports"),
}
"""Tests of other folders that run much of one."""
NEAR = {"templates": ("tests/codegen/", "tests/kernels/")}
"""Tests of a folder that has none of its name."""
QUICK, SLOW = ("-m", "not slow"), ("-m", "slow")
STAGE_S = 900
STILL = "UNDECIDED: the tests did not end in time"
_NONE_CHOSEN = 5
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def copied(home: Path) -> Path:
    """The files of the working tree that git knows, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name)
    return home


def possible(tree: Path, only: Sequence[str], rng: random.Random) -> dict[str, dict[str, list[Edit]]]:
    """Every change, by folder and file."""
    found: dict[str, dict[str, list[Edit]]] = {}
    for folder in FOLDERS:
        files = sorted((tree / folder).rglob("*.py"))
        if folder == "templates":
            files = [p for part in TEMPLATES for p in sorted((tree / part).rglob("*")) if p.is_file()]
        for path in files:
            name = path.relative_to(tree).as_posix()
            if not only or any(part in name for part in only):
                text = path.read_text(encoding="utf-8")
                edits = list(of_python(text, rng) if path.suffix == ".py" else of_template(name, text, rng))
                if edits:
                    found.setdefault(folder, {})[name] = edits
    return found


def near(tree: Path, folder: str, name: str) -> list[str]:
    """Tests of the folder, those that name the module first, then those elsewhere that do."""
    module, stem = name.removesuffix(".py").replace("/", "."), Path(name).name.split(".")[0]
    own = NEAR.get(folder, (f"tests/{folder.split('/')[-1]}/",))
    found: list[tuple[bool, bool, str]] = []
    for test in sorted((tree / "tests").rglob("test_*.py")):
        path = test.relative_to(tree).as_posix()
        names = module in test.read_text(encoding="utf-8") or test.stem == f"test_{stem}"
        inside = path.startswith(own)
        if names or inside:
            found.append((not inside, not names, path))
    return [path for _, _, path in sorted(found)]


def failing(tree: Path, tests: Sequence[str], seconds: float) -> str:
    """The first test that fails, "" if none."""
    env = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", *tests]
    with subprocess.Popen(
        command, cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as running:
        try:
            said = running.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return STILL
    if running.returncode in (0, _NONE_CHOSEN):
        return ""
    found = _FAILED.search(said)
    return found[1] if found else f"pytest ended with {running.returncode}: {said[-300:]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="parts of paths of files that are changed")
    parser.add_argument("--stages", type=int, help="1: quick near tests; 2: slow ones too; 3, 4: far ones")
    parser.add_argument("--all", action="store_true", help="the whole suite where the tests above pass")
    parser.add_argument("--json", type=Path, help="a line for each change is added to this file")
    options = parser.parse_args()
    rng, survivors, undecided = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="hpq_product_") as home:
        tree = copied(Path(home))
        found = possible(tree, options.only, rng)
        for number in range(options.count):
            folder = sorted(found)[number % len(found)]
            names = [name for name, edits in found[folder].items() for _ in edits]
            name = rng.choice(names)
            edit, begin = rng.choice(found[folder][name]), time.monotonic()
            path = tree / name
            text = path.read_text(encoding="utf-8")
            path.write_text(edit.apply(text), encoding="utf-8")
            tests = near(tree, folder, name)
            stages = [[*tests, *QUICK], [*tests, *SLOW], [*FAR[folder], *QUICK], [*FAR[folder], *SLOW]]
            stages += [["tests"]] if options.all else []
            said = ""
            for stage in stages[: options.stages]:
                if said in ("", STILL):  # a slow machine tells as little as a change at which nothing ends
                    said = failing(tree, stage, STAGE_S) or said
            path.write_text(text, encoding="utf-8")
            survivors += not said
            undecided += said == STILL
            row = text[: edit.start].count("\n") + 1
            line = text.splitlines()[row - 1].strip()
            seconds = time.monotonic() - begin
            what = f"{name}:{row}: {edit.old} -> {edit.new}"
            print(f"{seconds:6.1f} s  {what:<80} {said or 'SURVIVES'}\n{'':10}in {line}", flush=True)
            if options.json is not None:
                record = {"file": name, "line": row, "row": line, "old": edit.old, "new": edit.new}
                with options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**record, "by": said, "seconds": round(seconds)}) + "\n")
    print(f"{survivors} of {options.count} survive, {undecided} undecided")


if __name__ == "__main__":
    main()
