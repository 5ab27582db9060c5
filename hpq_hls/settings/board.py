"""The board of a project.yaml, and the part that it sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpq_hls.codegen.boards import Board, find_board
from hpq_hls.errors import ConfigError

if TYPE_CHECKING:
    from hpq_hls.settings.config import ProjectFile


def boards_file(project: ProjectFile) -> Path | None:
    """The user's own file of boards; None where there is none."""
    written = project.settings.hardware.boards
    return None if written is None else project.path(written)


def board_of(project: ProjectFile) -> Board | None:
    """The board of the settings; None where there is none.

    Raises:
        ConfigError: it is unknown, its file cannot be read, or it does not match the part.
    """
    given = project.settings.hardware
    if given.board is None:
        if given.boards is not None:
            raise ConfigError(f"{project.where('hardware', 'boards')} has no board to find in it; add board")
        return None
    try:
        found = find_board(given.board, boards_file(project))
        if "part" in given.model_fields_set:
            found.check_part(given.part)
    except ConfigError as error:
        raise ConfigError(f"{project.where('hardware', 'board')}: {error}") from error
    return found


def on_board(project: ProjectFile) -> ProjectFile:
    """The project with the part of its board, if it has one.

    Raises:
        ConfigError: as ``board_of``.
    """
    board = board_of(project)
    if board is None:
        return project
    hardware = project.settings.hardware.model_copy(update={"part": board.part})
    return replace(project, settings=project.settings.model_copy(update={"hardware": hardware}))
