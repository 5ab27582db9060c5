"""The small project of the command line's tests."""

from tests.cli.conftest import master, project

__all__ = ["master", "project"]
