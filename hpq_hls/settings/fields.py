"""What values in project.yaml may be: the fields that its sections are made of."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import FixedType
from hpq_hls.hardware import MIN_DEPTH
from hpq_hls.quantize.precision import MAX_WIDTH, MIN_WIDTH
from hpq_hls.search.errors import SettingError
from hpq_hls.settings.errors import Misplaced

MAX_TEXT, MAX_NAME = 4096, 255
"""Characters of any text, and bytes of one name in a path, as on Linux."""


def _bits(value: Any) -> Any:
    """A number of bits, or the text of a whole type."""
    if isinstance(value, str):
        try:
            width = FixedType.parse(value).width
        except PrecisionError as error:
            raise ValueError(
                f"is {value!r}, which is neither a number of bits nor an ap_fixed type"
            ) from error
    elif isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"is {value!r}; give a whole number of bits from {MIN_WIDTH} to {MAX_WIDTH}")
    else:
        width = value
    if not MIN_WIDTH <= width <= MAX_WIDTH:
        raise ValueError(f"asks for {width} bits; widths go from {MIN_WIDTH} to {MAX_WIDTH}")
    return value


def one_of(known: Iterable[str]) -> AfterValidator:
    """One of some names."""
    names = tuple(known)

    def check(value: str) -> str:
        if value not in names:
            close = difflib.get_close_matches(value, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}"
            raise ValueError(f"is {value!r}; {hint}")
        return value

    return AfterValidator(check)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"is {value!r}; give a number")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"is {value!r}, which has control characters in it; write it without")
    return value


def _file_name(value: str) -> str:
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"is {value!r}, and there is no such user; write the path out") from None
    if any(len(os.fsencode(part)) > MAX_NAME for part in Path(value).parts):
        raise ValueError(f"is {value:.40}..., which is longer than the name of a file can be")
    return value


def nothing(value: Any) -> Any:
    """A section whose keys are all commented out."""
    return {} if value is None else value


def _switch(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError(f"is {value!r}; write true or false")
    return value


def each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list without repetition."""
    if len(set(values)) < len(values):
        raise ValueError(f"is [{', '.join(map(str, values))}]; list each one only once")
    return values


Bits = Annotated[int | str, BeforeValidator(_bits)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Depth = Annotated[int, Field(strict=True, ge=MIN_DEPTH)]
Plain = Annotated[int, BeforeValidator(_bits)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_TEXT), AfterValidator(_printable)]
FileName = Annotated[Text, AfterValidator(_file_name)]
Real = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
WidthList = Annotated[tuple[Plain, ...], Field(min_length=1), AfterValidator(each_once)]
Empty = BeforeValidator(nothing)


class Section(BaseModel):
    """A mapping whose keys are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def accepted(check: Callable[[Any], Any]) -> BeforeValidator:
    """A value that ``check`` returns; its SettingError starts with the field's own key."""

    def validate(value: Any) -> Any:
        try:
            return check(value)
        except SettingError as error:
            raise Misplaced(error.keys[1:], error.problem) from None

    return BeforeValidator(validate)
