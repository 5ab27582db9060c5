"""The certificate beside a project, which goes with its files: one that was changed afterwards has none."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hpq_hls.codegen.writer import CERTIFICATE as FILE
from hpq_hls.tools.files import write_file
from hpq_hls.verify.certify.certificate import Certificate

_FOLDERS = ("src", "rtl")


def files_digest(project_dir: Path) -> str:
    """Of every source of a project: its name and its bytes."""
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted((project_dir / folder).rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                digest.update(f"{path.relative_to(project_dir).as_posix()} {len(data)}\n".encode())
                digest.update(data)
    return digest.hexdigest()


def keep(project_dir: Path, certificate: Certificate) -> Path:
    """Write it beside the project's files.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = project_dir / FILE
    write_file(path, certificate.to_json())
    return path


def kept(project_dir: Path) -> Certificate | None:
    """The certificate of a project as its files are now; None where there is none."""
    try:
        found = Certificate.from_json((project_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.digest == files_digest(project_dir) else None
