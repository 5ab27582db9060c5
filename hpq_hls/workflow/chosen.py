"""Which precision the commands work with: what a search found, unless the user says otherwise.

The first that applies: the option ``--precision``; ``precision:`` in project.yaml; the last search, if its
model, data and settings are still those of the project; 8 bits everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from hpq_hls.errors import ConfigError, HpqError
from hpq_hls.quantize import Precision, parse_precision
from hpq_hls.settings.config import ProjectFile, read_precision
from hpq_hls.workflow.digests import folding_inputs, search_inputs
from hpq_hls.workflow.records import read_record, save_record
from hpq_hls.yamlfile import KeyPath, YamlFile

RECORD = "chosen"
PRECISION_FILE = "precision.yaml"
SEARCH = "search"
"""As ``--precision``: what the last search found."""


class Source(Enum):
    """Who chose a precision."""

    SEARCH = "search"
    PROJECT = "project.yaml"
    OPTION = "option"
    DEFAULT = "default"


@dataclass(frozen=True)
class Statement:
    """Which precision a command worked with.

    origin: who chose it. sentence: that in words. notes: a sentence each on what is not used, and why.
    target_interval: the folding that goes with it, None where none does.
    """

    origin: Source
    sentence: str
    notes: tuple[str, ...] = ()
    target_interval: int | None = None


@dataclass(frozen=True)
class Found:
    """What a search found, as it is kept. row: of the Pareto front, None: the search's own choice."""

    searched: str
    strategy: str
    objective: str
    cost: float
    feasible: bool
    interrupted: bool
    row: int | None
    precision: Mapping[str, Any]
    target_interval: int | None
    inputs: Mapping[str, str]
    folding: str

    @property
    def words(self) -> str:
        """What it is."""
        which = "" if self.row is None else f"row {self.row} of the Pareto front, "
        end = ", interrupted" if self.interrupted else ""
        return (
            f"{which}hpq search of {self.searched} ({self.strategy}, {self.objective} {self.cost:,.0f}{end})"
        )


@dataclass(frozen=True, eq=False)
class Chosen:
    """A precision with where it stands, for messages. found: the search's result, where it is just that."""

    precision: Precision
    source: YamlFile
    keys: KeyPath
    statement: Statement
    found: Found | None = None


MAX_DIGITS = 9
"""Of a width; what is longer would be a file's name."""


def now() -> str:
    """The time, to the minute."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def keep(output: Path, found: Found) -> None:
    """Let the commands that follow use what a search found."""
    save_record(output, RECORD, "", found)


def last_found(output: Path) -> Found | None:
    """What the last search found, whatever it belongs to."""
    kept = read_record(output, RECORD, "")
    try:
        return None if kept is None else Found(**kept)
    except TypeError:
        return None


def choose(project: ProjectFile, model: str, option: str | Chosen | None = None) -> Chosen:
    """The precision of a project.

    model: fingerprint of the network. option: ``SEARCH``, a width, or the path of a precision file; or a
    choice that has been made.

    Raises:
        ConfigError, PrecisionError: a file that cannot be read, a width out of range, or a search that
            cannot be used.
    """
    if isinstance(option, Chosen):
        return option
    found = last_found(project.output)
    unusable = None if found is None else _unusable(project, found, model)
    usable = found if unusable is None else None
    if option == SEARCH:
        if usable is None:
            raise ConfigError(
                f"--precision is search, but {unusable or 'there is none yet'}; run `hpq search`"
            )
        return _searched(project, usable)
    if option is not None:
        return _matched(project, _optional(option), usable)
    if project.settings.precision.model_fields_set:
        return _matched(project, _written(project), usable)
    if usable is not None:
        return _searched(project, usable)
    sentence = "8 bits everywhere, the default"
    note = () if unusable is None else (f"{unusable}; run `hpq search` again",)
    if found is None:
        sentence += ": neither project.yaml nor a search says another one"
    return Chosen(Precision(), project.source, ("precision",), Statement(Source.DEFAULT, sentence, note))


def _unusable(project: ProjectFile, found: Found, model: str) -> str | None:
    """Why what was found is not used, in words."""
    if not found.feasible:
        return f"hpq search of {found.searched} found nothing that is accurate enough within the limits"
    inputs = search_inputs(project, model)
    changed = [what for what, digest in inputs.items() if found.inputs.get(what) != digest]
    if not changed:
        return None
    return f"what hpq search of {found.searched} found is not used, as {' and '.join(changed)} changed since"


def _searched(project: ProjectFile, found: Found) -> Chosen:
    target, notes = _folding(project, found)
    source = YamlFile(project.output / PRECISION_FILE, None, {})
    statement = Statement(Source.SEARCH, found.words, notes, target)
    return Chosen(parse_precision(dict(found.precision)), source, (), statement, found)


def _folding(project: ProjectFile, found: Found) -> tuple[int | None, tuple[str, ...]]:
    """The folding of a search, and why it is not used."""
    if found.target_interval is None or project.settings.hardware.target is not None:
        return None, ()
    if found.folding == folding_inputs(project):
        return found.target_interval, ()
    return None, (
        f"the folding of hpq search of {found.searched}, for {found.target_interval:,} cycles, is not used, "
        "as the hardware settings changed since",
    )


def _matched(project: ProjectFile, chosen: Chosen, usable: Found | None) -> Chosen:
    """A precision that the user asked for, with the folding of the search where that found just this."""
    if usable is None:
        return chosen
    said = chosen.statement
    if parse_precision(dict(usable.precision)).to_dict() == chosen.precision.to_dict():
        target, notes = _folding(project, usable)
        words = Statement(said.origin, f"{said.sentence}, found by {usable.words}", notes, target)
        return Chosen(chosen.precision, chosen.source, chosen.keys, words, usable)
    if said.origin is Source.OPTION:
        return chosen
    note = (
        f"what {usable.words} found is not used, as {project.where('precision')} says another one; remove "
        "that, or give `--precision search`"
    )
    return Chosen(
        chosen.precision, chosen.source, chosen.keys, Statement(said.origin, said.sentence, (note,))
    )


def _written(project: ProjectFile) -> Chosen:
    precision, source, keys = project.precision()
    where = project.source.where(("precision",))
    file = project.settings.precision.file
    sentence = where if file is None else f"{file}, named in {where}"
    return Chosen(precision, source, keys, Statement(Source.PROJECT, sentence))


def _optional(option: str) -> Chosen:
    if option.isdecimal() and len(option) < MAX_DIGITS:
        source = YamlFile(Path("--precision"), None, {})
        sentence = f"{option} bits everywhere, by --precision"
        return Chosen(parse_precision(int(option)), source, (), Statement(Source.OPTION, sentence))
    try:
        precision, source, keys = read_precision(option)
    except HpqError as error:
        raise ConfigError(f"--precision: {error}") from error
    return Chosen(precision, source, keys, Statement(Source.OPTION, f"{option}, by --precision"))
