"""The kernel: all that is to be said of it, but for its two templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hpq_hls.extend import (
    Bill,
    Epilogue,
    FixedType,
    Frame,
    Kernel,
    Stream,
    Term,
    bill_cast,
    dsp_blocks,
    finish,
    in_dsp,
    soft_product,
)


def difference_type(a: FixedType, b: FixedType) -> FixedType:
    """Of ``a - b``: exact."""
    integer = max(kind.integer + (not kind.signed) for kind in (a, b)) + 1
    return FixedType(integer + max(a.fraction, b.fraction), integer)


@dataclass(frozen=True, eq=False)
class SquaredDifference(Kernel):
    """``y = cast(clip((a - b) ** 2))`` of two streams of equal lanes, one beat per cycle.

    difference_type, accumulator_type: of the difference and of its square, both exact.
    """

    kind: ClassVar[str] = "squareddifference"
    header: ClassVar[str] = "squares"
    templates: ClassVar[Path | None] = Path(__file__).parent / "templates"
    by_types: ClassVar[bool] = False
    per_beat: ClassVar[bool] = True

    difference_type: FixedType
    accumulator_type: FixedType
    epilogue: Epilogue

    @property
    def registers(self) -> int:
        return 3

    def bill(self, bill: Bill, streams: Mapping[str, Stream]) -> None:
        made, kind = streams[self.outputs[0]], self.difference_type
        lanes, width = made.lanes, kind.width
        bill.add(Term.ADD2, lanes * width)
        bill.ff += lanes * width + made.bits
        if in_dsp(width, width):
            bill.dsp += lanes * dsp_blocks(width, width, bill.family)
        else:
            bill.add(Term.PRODUCT, lanes * soft_product(kind, kind).lut)
            bill.ff += lanes * self.accumulator_type.width
        bill_cast(bill, self.accumulator_type, made.type, self.epilogue, lanes)

    @property
    def multipliers(self) -> int:
        return 1

    def summary(self, streams: Mapping[str, Stream]) -> str:
        return f"squared differences, {streams[self.outputs[0]].lanes} at a time"

    def run(self, frames: Sequence[Frame], streams: Mapping[str, Stream]) -> list[Frame]:
        made = streams[self.outputs[0]].type
        epilogue, accumulator = self.epilogue, self.accumulator_type
        fraction = self.difference_type.fraction
        a, b = (
            frame.astype(object) << (fraction - streams[name].type.fraction)
            for frame, name in zip(frames, self.inputs, strict=True)
        )
        return [finish((a - b) ** 2, 2 * fraction, made, epilogue=epilogue, accumulator=accumulator)]
