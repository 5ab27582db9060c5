"""Checks of single arguments of a search; each refusal is one sentence."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import numpy as np

from hpq_hls.search.errors import SettingError

LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.995
"""Below, a bound says less than a guess; above, the exact test has no room (see ``paired.UNLIKELY``)."""

MAX_JOBS = 256
"""Each is a process."""

RAY = "ray"
"""What stands for the Ray cluster that this machine belongs to."""
_SCHEDULER = re.compile(r"(tcp|tls|ws|wss|ucx|ucxx)://\S+")


def check_whole(name: str, given: Any, least: int) -> None:
    """A whole number, of Python or numpy, of at least ``least``.

    Raises:
        SettingError: it is none.
    """
    if _whole(given) is None or operator.index(given) < least:
        raise SettingError((name,), f"is {given!r}; give a whole number of at least {least}")


def check_jobs(name: str, given: Any) -> None:
    """A number of jobs as joblib takes it; None leaves it to joblib.

    Raises:
        SettingError: it is none.
    """
    if given is not None and not _whole(given):
        raise SettingError((name,), f"is {given!r}; give a number of jobs, or -1 for one per processor")
    if given is not None and operator.index(given) > MAX_JOBS:
        raise SettingError((name,), f"is {given}; give at most {MAX_JOBS} jobs, or -1 for one per processor")


def check_cluster(name: str, given: Any) -> None:
    """The address of a cluster, a ``distributed.Client``, or None.

    Raises:
        SettingError: it is something else.
    """
    address = isinstance(given, str) and (given == RAY or _SCHEDULER.fullmatch(given))
    if given is not None and not address and not is_client(given):
        raise SettingError(
            (name,),
            f"is {given!r}; give the address of a Dask scheduler, as tcp://host:8786, or {RAY} for the Ray "
            "cluster that this machine belongs to",
        )


def is_client(given: Any) -> bool:
    """Whether it is a ``distributed.Client``; without having to import that."""
    kinds = type(given).__mro__
    return any((kind.__module__, kind.__name__) == ("distributed.client", "Client") for kind in kinds)


def check_number(name: str, given: Any, wanted: str, least: float = 0.0, most: float = math.inf) -> None:
    """A finite number from ``least`` to ``most``.

    wanted: what to give instead, as "a number of MiB from 0 on".

    Raises:
        SettingError: it is none.
    """
    try:
        number = math.nan if isinstance(given, (bool, str)) else float(given)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not least <= number <= most or number == math.inf:
        raise SettingError((name,), f"is {given!r}; give {wanted}")


def check_confidence(name: str, given: Any) -> None:
    """A probability that can be shown, or None.

    Raises:
        SettingError: it is neither.
    """
    number = isinstance(given, (int, float, np.number)) and not isinstance(given, bool)
    if given is not None and not (number and LEAST_CONFIDENCE <= given <= MOST_CONFIDENCE):
        raise SettingError(
            (name,),
            f"is {given!r}; give a probability from {LEAST_CONFIDENCE:g} to {MOST_CONFIDENCE:g}, or None "
            "(null) for the drop on the validation data alone",
        )


def check_kind(name: str, given: Any, kind: type | tuple[type, ...], wanted: str) -> None:
    """An object of a kind.

    wanted: what to give instead, as "True or False".

    Raises:
        SettingError: it is of another one.
    """
    if not isinstance(given, kind):
        raise SettingError((name,), f"is {given!r}; give {wanted}")


def _whole(given: Any) -> int | None:
    """The number, if it is a whole one."""
    try:
        return None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        return None
