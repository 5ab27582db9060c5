"""What shares out the work of a search."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from hpq_hls.search.evaluation import Found, Task
from hpq_hls.search.space import Combination

Answer = tuple[dict[Combination, Found], float]
"""What a worker found, and the seconds that it took."""


class Executor(Protocol):
    """Runs chunks of combinations, many at a time; which worker gets which chunk decides no value."""

    @property
    def pace(self) -> Pace:
        """How long combinations took until now."""
        ...

    @property
    def size(self) -> int:
        """How many chunks run at a time; of a cluster it may change from one moment to the next."""
        ...

    def worthwhile(self, count: int) -> bool:
        """Whether so many combinations are worth sending away."""
        ...

    def run(
        self, task: Task, chunks: Iterable[Sequence[Combination]], *, accuracy: bool
    ) -> Generator[Answer, None, None]:
        """The answer to each chunk, in the order in which they are done; an answer without combinations only
        says that time went by. Whoever does not want the rest closes the generator. A chunk is taken from
        ``chunks`` when it is sent.

        accuracy: measure, or else price only.

        Raises:
            ToolError: the workers ended before their time, or cannot do the work.
        """
        ...


class Pace:
    """Seconds that a combination takes, as the last chunk has shown; None until there was one."""

    def __init__(self) -> None:
        self._seconds: dict[bool, float] = {}

    def __getitem__(self, accuracy: bool) -> float | None:
        return self._seconds.get(accuracy)

    def took(self, accuracy: bool, count: int, seconds: float) -> None:
        """Learn how long a chunk of this many combinations took."""
        if count:
            self._seconds[accuracy] = seconds / count
