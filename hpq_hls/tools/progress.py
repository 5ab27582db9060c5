"""How long work tells what it is doing, to whoever shows it or to nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Step(Protocol):
    """One step of the work that is going on."""

    def __call__(self, phrase: str) -> None:
        """Say what the step is doing now."""
        ...

    def advance(self, done: int, total: int | None, phrase: str) -> None:
        """Say how far the step is, of how much where that is known, and what it is doing now."""
        ...

    def note(self, text: str) -> None:
        """Say something that stays to be read."""
        ...

    def conclude(self, result: str) -> None:
        """Say, in a few words, what came out; shown when the step ends."""
        ...


class Reporter(Protocol):
    """Shows steps."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Begin a step, which ends with the block."""
        ...


class QuietStep:
    """Shows nothing."""

    def __call__(self, phrase: str) -> None:
        """Say nothing."""

    def advance(self, done: int, total: int | None, phrase: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def conclude(self, result: str) -> None:
        """Say nothing."""


class Quiet:
    """Shows nothing."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """See Reporter."""
        return nullcontext(QuietStep())
