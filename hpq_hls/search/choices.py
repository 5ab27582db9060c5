"""What a search may choose from: lists of widths and of rounding modes, pins and bounds.

The functions here are the same for keyword arguments and for project.yaml. What is wrong is a ValueError
whose text is the rest of a sentence that starts with the setting's name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpq_hls.fixed import Rounding
from hpq_hls.quantize.precision import MAX_WIDTH, MIN_WIDTH

Choice = int | Rounding
"""A width in bits, or a rounding mode."""

WEIGHT_BITS = tuple(range(1, 17))
"""One bit is a sign: every weight is plus or minus the same power of two, see ``round_weights``."""
ACTIVATION_BITS = tuple(range(2, 17))

BY_COST = (
    Rounding.TRN,
    Rounding.TRN_ZERO,
    Rounding.RND,
    Rounding.RND_MIN_INF,
    Rounding.RND_ZERO,
    Rounding.RND_INF,
    Rounding.RND_CONV,
)
"""Rounding modes, cheapest hardware first: a wire, a look at the sign, an adder, an adder and more logic."""


def widths_of(given: Any) -> tuple[int, ...]:
    """A list of widths, ascending.

    Raises:
        ValueError: it is no list, empty, or holds something that is no width.
    """
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise ValueError(f"is {given!r}; list the widths that the search may choose, such as [4, 6, 8]")
    widths = list(given)
    if not widths:
        raise ValueError("is empty; list the widths that the search may choose")
    for width in widths:
        if not _is_width(width):
            raise ValueError(f"holds {width!r}; widths are whole numbers from {MIN_WIDTH} to {MAX_WIDTH}")
    return tuple(sorted({int(width) for width in widths}))


def modes_of(given: Any) -> tuple[Rounding, ...]:
    """A list of rounding modes (or their Vitis names), cheapest first; it may be empty.

    Raises:
        ValueError: it is no list, or holds something that is no rounding mode.
    """
    if isinstance(given, (str, Rounding)):
        given = [given]
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise ValueError(f"is {given!r}; list rounding modes, such as [AP_TRN, AP_RND]")
    return tuple(sorted({_mode(item) for item in given}, key=BY_COST.index))


def _mode(given: Any) -> Rounding:
    try:
        return Rounding(given)
    except ValueError:
        names = [mode.value for mode in BY_COST]
        close = difflib.get_close_matches(str(given), names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"rounding modes are {', '.join(names)}"
        raise ValueError(f"holds {given!r}; {hint}") from None


def narrowed(given: Any, default: Sequence[int]) -> tuple[int, ...]:
    """What one layer's setting makes of the list for all layers.

    given: a width (a pin); a list, instead of ``default``; or ``{"min": ..., "max": ...}``, either or both:
    bounds on ``default``.

    Raises:
        ValueError: it is none of these, no width, or the bounds leave nothing.
    """
    if not isinstance(given, Mapping):
        return widths_of([given] if isinstance(given, int) and _pin(given) else given)
    low, high = (given.get(name, end) for name, end in (("min", MIN_WIDTH), ("max", MAX_WIDTH)))
    unknown = [str(name) for name in given if name not in ("min", "max")]
    if unknown or not given:
        holds = f"has the unknown key {unknown[0]!r}" if unknown else "is empty"
        raise ValueError(f"{holds}; bounds are written {{min: 3, max: 6}}")
    for name, width in (("min", low), ("max", high)):
        if not _is_width(width):
            raise ValueError(
                f"has {name} {width!r}; widths are whole numbers from {MIN_WIDTH} to {MAX_WIDTH}"
            )
    if low > high:
        raise ValueError(f"has min {low} above max {high}; swap them")
    left = tuple(width for width in default if low <= width <= high)
    if not left:
        raise ValueError(
            f"leaves none of the widths {listed(default)} between {low} and {high}; widen the bounds or the "
            "list"
        )
    return left


def _pin(given: int) -> bool:
    if not _is_width(given):
        raise ValueError(f"is {given!r}; widths are whole numbers from {MIN_WIDTH} to {MAX_WIDTH}")
    return True


def _is_width(given: Any) -> bool:
    whole = hasattr(given, "__index__") and not isinstance(given, bool)
    return whole and MIN_WIDTH <= int(given) <= MAX_WIDTH


def listed(choices: Iterable[Choice]) -> str:
    """Choices as they are written in project.yaml."""
    return f"[{', '.join(map(str, choices))}]"
