"""Command-line options that a project was generated with, for the commands that look at what was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpq_hls.settings.config import ProjectFile, load_config
from hpq_hls.workflow.digests import text_digest
from hpq_hls.workflow.records import read_record, save_record

RECORD = "options"


def keep_options(project: ProjectFile) -> None:
    """Remember the options of ``hpq generate``."""
    about = text_digest(load_config(project.source.path).settings.to_yaml())
    save_record(project.output, RECORD, about, project.options)


def kept_options(project: ProjectFile) -> Mapping[str, Any]:
    """Those of the last ``hpq generate``, if project.yaml is still what it was then."""
    return read_record(project.output, RECORD, text_digest(project.settings.to_yaml())) or {}
