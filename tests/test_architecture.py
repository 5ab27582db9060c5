"""The packages import one way: from the left of docs/architecture.md's list, never from the right."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import hpq_hls
from hpq_hls import kernels
from hpq_hls.kernels import Kernel
from hpq_hls.resources import templates_dir

ROOT = Path(hpq_hls.__file__).parent
TOOLS = {
    "errors",
    "identity",
    "importing",
    "lazy",
    "namesakes",
    "npyfile",
    "reading",
    "resources",
    "shown",
    "settings.errors",
    "yamlfile",
    "templating",
    "tools",
    "tools.console",
    "tools.files",
    "tools.process",
    "tools.progress",
    "tools.toolchain",
    "version",
}
ORDER = [
    TOOLS,
    {"fixed"},
    {"billing"},
    {"kernels"},
    {"ops"},
    {"extend"},
    {"graph"},
    {"frontends"},
    {"simulate"},
    {"quantize"},
    {"hardware"},
    {"cost"},
    {"search"},
    {"finetune"},
    {"codegen"},
    {"verify"},
    {"synth"},
    {"calibrate"},
    {"project", "tools.doctor"},
    {"compiling", "exploring"},
    {"settings"},
    {"workflow"},
    {"report"},
    {"demo"},
    {"cli", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}


def _imports(path: Path) -> set[str]:
    """Packages of hpq_hls that a module imports; those it needs for annotations alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hpq_hls"):
            inside = node.module.split(".")[1:]
            found.update(".".join((*inside, alias.name)) for alias in node.names)  # a name, or a module
            found.update([".".join(inside)] if inside else [])
        elif isinstance(node, ast.Import):
            found.update(
                alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("hpq_hls.")
            )
    return found


def _level(module: str) -> int | None:
    """Of a module ("settings.yamlfile.x"): that of the longest part of its path which has a place."""
    parts = module.split(".")
    known = (LEVEL.get(".".join(parts[:depth])) for depth in range(len(parts), 0, -1))
    return next((level for level in known if level is not None), None)


def test_every_package_has_its_place() -> None:
    names = {path.stem for path in ROOT.glob("*.py")} | {p.name for p in ROOT.iterdir() if p.is_dir()}
    assert names - {"__init__", "__pycache__", "_data"} == {name.partition(".")[0] for name in LEVEL}


def test_imports_go_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        own = _level(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if own is None:  # the public API
            continue
        for other in _imports(path):
            known = _level(other)
            if known is not None and known > own:
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert wrong == []


def test_imports_make_no_circle() -> None:
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items() if name != "__init__"}
    graph = {name: {other for other in _imports(path) if other in modules} for name, path in modules.items()}
    # What a package offers at its top is for others; its own modules name each other.
    graph = {
        name: {other for other in read if not name.startswith(f"{other}.")} for name, read in graph.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_operators_know_no_streams() -> None:
    for path in (ROOT / "ops").glob("*.py"):
        assert not any(name.startswith("hardware") for name in _imports(path))


NAMED = {
    "calibrate/table.py": {"MatVec", "UnrolledMatVec"},  # a row says which of them it is like
    "hardware/builder.py": {"Constant", "Fork", "WidthConverter", "Pool", "Reduce", "Weighted"},
    "hardware/stream_builder.py": {
        "ChannelMac",
        "Gather",
        "MatVec",
        "Reorder",
        "Splice",
        "UnrolledMatVec",
        "Weld",
        "WidthConverter",
        "Window",
    },
    "hardware/parallel_builder.py": {"Gather", "UnrolledMatVec", "Weld"},
    "hardware/probe.py": {"Weighted"},
}
"""Who may name kernels: the builders, which put forks and width converters between layers and turn what
operators ask for in general (weights, a pool, a reduction, another order) into kernels, by io and folding."""


def _kernel_classes() -> set[str]:
    found, left = set(), [Kernel]
    while left:
        for one in left.pop().__subclasses__():
            if one.__module__.startswith("hpq_hls."):
                found.add(one.__name__)
                left.append(one)
    return found


def test_only_builders_name_kernels() -> None:
    classes, wrong = _kernel_classes(), []
    assert {"MatVec", "Fork"} <= classes
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT)
        if own.parts[0] in ("kernels", "ops"):
            continue
        allowed = NAMED.get(own.as_posix(), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hpq_hls.kernels"):
                names = {alias.name for alias in node.names} & classes
                wrong += [f"{own} imports {name}" for name in sorted(names - allowed)]
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
                asked = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
                if asked & allowed:
                    wrong.append(f"{own} asks whether a kernel is a {', '.join(sorted(asked & allowed))}")
    assert wrong == []


def test_a_kernel_states_everything() -> None:
    """What it is built from, what it computes, and its templates, found by its kind."""
    for kernel in (getattr(kernels, name) for name in sorted(_kernel_classes() & set(kernels.__all__))):
        if not hasattr(kernel, "kind"):  # a base
            continue
        assert kernel.bill is not Kernel.bill
        assert kernel.run is not Kernel.run
        assert (templates_dir() / "vitis" / "hpq" / f"{kernel.header}.h").is_file()
        for template in (f"rtl/kernels/{kernel.kind}.sv.j2", f"vitis/kernels/{kernel.kind}.cpp.j2"):
            assert (templates_dir() / template).is_file()
