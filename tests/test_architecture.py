"""The packages import one way: from the left of docs/architecture.md's list, never from the right."""

from __future__ import annotations

import ast
from pathlib import Path

import hpq_hls

ROOT = Path(hpq_hls.__file__).parent
TOOLS = {
    "errors",
    "importing",
    "namesakes",
    "process",
    "resources",
    "templating",
    "toolchain",
    "yamlfile",
}
ORDER = [
    TOOLS,
    {"fixed"},
    {"ops"},
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
    {"project", "doctor"},
    {"config", "config_errors", "config_fields", "config_search"},
    {"workflow"},
    {"report"},
    {"demo"},
    {"cli", "cli_session"},
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
            parts = node.module.split(".")
            found.update([parts[1]] if len(parts) > 1 else [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            found.update(
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("hpq_hls.")
            )
    return found


def test_every_package_has_its_place() -> None:
    names = {path.stem for path in ROOT.glob("*.py")} | {p.name for p in ROOT.iterdir() if p.is_dir()}
    assert names - {"__init__", "__pycache__", "_data"} == set(LEVEL)


def test_imports_go_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for other in _imports(path):
            known = LEVEL.get(other)
            if known is not None and known > LEVEL[own]:
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert wrong == []


def test_operators_know_no_streams() -> None:
    for path in (ROOT / "ops").glob("*.py"):
        assert "hardware" not in _imports(path)
