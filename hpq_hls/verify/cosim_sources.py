"""Finds the files of a design: our own file list, or every Verilog file of a vendor tool's folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hpq_hls.errors import DataError

FILE_LIST = "files.f"
_SOURCE_SUFFIXES = frozenset({".v", ".sv"})
_HEADER_SUFFIXES = frozenset({".vh", ".svh"})
_DATA_SUFFIXES = frozenset({".mem", ".dat", ".hex", ".txt"})


@dataclass(frozen=True)
class Sources:
    """The files of a design.

    root: the folder that holds them.
    verilog: sources in compilation order, packages first.
    headers: files that sources include; include_dirs: their folders.
    data: memory contents, which ``$readmemh`` reads when the simulation starts.
    """

    root: Path
    verilog: tuple[Path, ...]
    headers: tuple[Path, ...]
    data: tuple[Path, ...]

    @property
    def include_dirs(self) -> tuple[Path, ...]:
        """Folders to search for included files."""
        return tuple(dict.fromkeys([self.root, *(path.parent for path in self.headers)]))

    def links(self) -> dict[Path, Path]:
        """Return where each data file must appear, relative to the folder a simulation runs in.

        A path in ``$readmemh`` is relative to that folder, and designs are written to be simulated
        from the project folder, from the folder of the sources, or from the file's own folder;
        each file is found in all three ways.
        """
        links: dict[Path, Path] = {}
        names = Counter(path.name for path in self.data)
        for path in self.data:
            inside = path.relative_to(self.root)
            links[inside] = path
            links[Path(self.root.name) / inside] = path
            if names[path.name] == 1:
                links.setdefault(Path(path.name), path)
        return links


def find_sources(rtl_dir: Path, ignore: Path | None = None) -> Sources:
    """Find the sources under `rtl_dir`, a generated project, its ``rtl`` folder, or a vendor tool's folder.

    ignore
        A folder inside to leave out, e.g. where we build.

    Raises
    ------
    DataError
        There is no Verilog, or the file list is wrong.
    """
    folder = rtl_dir.resolve()
    if not folder.is_dir():
        raise DataError(f"{rtl_dir} is not a folder; name the folder that holds the Verilog files")
    for root in (folder, folder / "rtl"):
        if (root / FILE_LIST).is_file():
            return _listed(root, ignore)
    shallow = _by_suffix(folder.iterdir(), _SOURCE_SUFFIXES)
    everything = sorted(shallow if shallow else _walk(folder, ignore))
    verilog = _by_suffix(everything, _SOURCE_SUFFIXES)
    if not verilog:
        raise DataError(f"{rtl_dir} holds no .v or .sv file; name the folder with the exported Verilog")
    around = sorted(_walk(folder, ignore))
    # Modules may come in any order, packages must come before their users.
    verilog.sort(key=lambda path: not path.stem.endswith(("_pkg", "_package")))
    return Sources(
        root=folder,
        verilog=tuple(verilog),
        headers=tuple(_by_suffix(around, _HEADER_SUFFIXES)),
        data=tuple(_by_suffix(around, _DATA_SUFFIXES)),
    )


def _listed(root: Path, ignore: Path | None) -> Sources:
    path = root / FILE_LIST
    verilog: list[Path] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        entry = line.split("//")[0].split("#")[0].strip()
        if not entry:
            continue
        if entry.startswith(("+", "-")):
            raise DataError(
                f"{path}, line {number}: only file names are understood, not {entry!r}; remove it"
            )
        # Lists are written relative to themselves or to the project folder.
        found = [folder / entry for folder in (root, root.parent) if (folder / entry).is_file()]
        if not found:
            raise DataError(f"{path}, line {number}: {entry} does not exist; generate the project again")
        verilog.append(found[0])
    if not verilog:
        raise DataError(f"{path} lists no file; generate the project again")
    around = sorted(_walk(root, ignore))
    return Sources(
        root=root,
        verilog=tuple(verilog),
        headers=tuple(_by_suffix(around, _HEADER_SUFFIXES)),
        data=tuple(_by_suffix(around, _DATA_SUFFIXES)),
    )


def _walk(folder: Path, ignore: Path | None) -> Iterator[Path]:
    skipped = None if ignore is None else ignore.resolve()
    for path in folder.rglob("*"):
        if skipped is None or skipped not in path.parents:
            yield path


def _by_suffix(paths: Iterator[Path] | list[Path], suffixes: frozenset[str]) -> list[Path]:
    return [path for path in paths if path.suffix.lower() in suffixes and path.is_file()]
