"""Command-line options that a project was generated with, for the commands that look at what was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpq_hls.settings.config import ProjectFile
from hpq_hls.workflow.digests import file_digest
from hpq_hls.workflow.records import read_record, save_record

RECORD = "options"


def keep_options(project: ProjectFile) -> None:
    """Remember the options of ``hpq generate``."""
    save_record(project.output, RECORD, file_digest(project.source.path), project.options)


def kept_options(project: ProjectFile) -> Mapping[str, Any]:
    """Those of the last ``hpq generate``, if project.yaml is still what it was then."""
    return read_record(project.output, RECORD, file_digest(project.source.path)) or {}
