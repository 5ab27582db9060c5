"""Whether a compiler makes the same program of a project's files with and without a change.

What is equal here is equal for every input: it differs in names, or in code that this design does not have.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from hpq_hls.project import Project
from hpq_hls.tools.toolchain import find_ap_types
from hpq_hls.verify.cosim_build import find_toolchain
from hpq_hls.verify.csim import FLAGS

_DECLARED = re.compile(r"^\s*(?:VL_\w+|CData|SData|IData|QData|VlWide<\d+>)[^;=]*;\s*$|//.*$", re.MULTILINE)


def program(project: Project) -> str:
    """A digest of the program that a project's files are translated to; "" if they are not."""
    with tempfile.TemporaryDirectory(prefix="hpq_same_") as name:
        folder = Path(name)
        return _verilated(project, folder) if project.backend == "rtl" else _assembled(project, folder)


def _verilated(project: Project, folder: Path) -> str:
    """Verilator's C++ and the words of memories, but for declarations of variables, which do nothing."""
    tools = find_toolchain()
    files = sorted((project.path / "rtl").glob("*.sv"))
    command = [
        str(tools.verilator),
        "--cc",
        "--no-timing",
        "-Wno-fatal",
        "-Wno-lint",
        "-Wno-style",
        "--quiet",
    ]
    command += ["--x-assign", "unique", "--x-initial", "unique"]  # as for the certificate
    command += ["--flatten", "--top-module", project.dataflow.name, "--prefix", "Vtop", "--Mdir", str(folder)]
    done = subprocess.run(
        [*command, *map(str, files)], env=tools.env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return ""
    digest = hashlib.sha256()
    for path in sorted((*folder.glob("*.cpp"), *folder.glob("*.h"))):
        digest.update(_DECLARED.sub("", path.read_text(encoding="utf-8")).encode())
    for path in sorted((project.path / "rtl").glob("*.mem")):
        digest.update(path.read_text(encoding="utf-8").encode())
    return digest.hexdigest()


def _assembled(project: Project, folder: Path) -> str:
    """The assembler text of the top function; nothing in it stands for a line of the source."""
    source, made = project.path / "src" / f"{project.dataflow.name}.cpp", folder / "top.s"
    flags = [flag for flag in FLAGS if not flag.startswith("-O")]
    command = ["g++", *flags, "-O1", "-g0", "-S", "-isystem", str(find_ap_types())]
    command += ["-idirafter", str(project.path / "tb" / "include"), str(source), "-o", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return ""
    return hashlib.sha256(made.read_bytes()).hexdigest()
