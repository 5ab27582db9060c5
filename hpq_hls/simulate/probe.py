"""What samples reach inside of a layer: sums, both sides of activations, rounding, saturation, memory words.

Sums are exact: the layer runs with a type for its output that holds every sum, so that nothing is rounded,
clipped or saturated; what its epilogue and its cast make of them is looked at in integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from hpq_hls.fixed import Epilogue, FixedType, Interval, Overflow, Rounding
from hpq_hls.ops.base import IntArray, Shape
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.ops.matrices import Matrices
from hpq_hls.simulate.layer import (
    LayerSpec,
    QuantizedLayer,
    WideArray,
    aligned_parameters,
    epilogue_of,
    quantized_layer,
)
from hpq_hls.simulate.plan import LayerPlan, integer_plan, number_plan

BoolArray = npt.NDArray[np.bool_]

WIDEST = 64
"""Bits of the type that values are rounded to, to see what does not fit the layer's own."""


class Goal(Enum):
    """What can be reached, in each channel of a layer, at each weight or in each word of a table.

    BELOW, ABOVE: a sum on that side of the bounds of the activation, or below zero where that has a slope.
    THROUGH: a sum between the bounds. LOW, HIGH: a value beyond that end of the output's type, rounded.
    UP, DOWN: bits were dropped, and the last place was counted up, or was not. WEIGHT: it met an input other
    than zero in a sum that came through, and did not saturate. ENTRY: the word was read.
    """

    BELOW = "below"
    THROUGH = "through"
    ABOVE = "above"
    LOW = "low"
    HIGH = "high"
    UP = "up"
    DOWN = "down"
    WEIGHT = "weight"
    ENTRY = "entry"


@dataclass(frozen=True, eq=False)
class Hits:
    """What each of some samples reaches in a layer.

    goals: (samples, channels), weights in torch's order, or words of the table. lowest, highest: the least
    and the largest exact sum of each channel, (samples, channels); None where there are no sums.
    """

    goals: Mapping[Goal, BoolArray]
    lowest: WideArray | None
    highest: WideArray | None


@dataclass(frozen=True, eq=False)
class Probe:
    """Looks at the inside of one layer.

    possible: which of each goal the intervals allow; a goal that they allow nowhere is not there. ends: of
    the sums of each channel, (2, channels), or None. sums: of raw inputs, batch first, exactly.
    """

    layer: QuantizedLayer
    axis: int
    possible: Mapping[Goal, BoolArray]
    ends: WideArray | None
    epilogue: Epilogue
    matrices: Matrices | None
    sums: Callable[[Sequence[IntArray]], WideArray]

    @classmethod
    def of(cls, layer: QuantizedLayer, inputs: Sequence[Shape], output: Shape) -> Probe | None:
        """None for a layer that has nothing to look at: it moves or compares whole values."""
        if layer.op.looks_up:
            (words,) = layer.tables.values()
            possible = {Goal.ENTRY: np.ones(words.size, np.bool_)}
            return cls(layer, 0, possible, None, Epilogue(), None, lambda given: given[0])
        epilogue, sums = _inside(layer)
        if sums is None:
            return None
        axis = layer.op.channel_axis(output)
        weighted = layer.weight_raw is not None
        ends, grains = _ends(layer, output[axis])
        possible = _possible(layer, epilogue, ends, grains)
        if layer.weight_raw is not None:
            possible[Goal.WEIGHT] = np.ones(layer.weight_raw.size, np.bool_)
        matrices = Matrices.of(layer.op, inputs[0]) if weighted else None
        return cls(layer, axis, possible, ends, epilogue, matrices, sums)

    def look(self, inputs: Sequence[IntArray]) -> Hits:
        """inputs: raw, (samples, *shape), in torch layout."""
        if self.layer.op.looks_up:
            return Hits({Goal.ENTRY: self._entries(inputs[0])}, None, None)
        sums = self.sums(inputs)
        seen = self.casts(sums)
        goals: dict[Goal, BoolArray] = {}
        for goal in self.possible:
            if goal is Goal.WEIGHT:
                goals[goal] = self._weights(inputs[0], live(seen))
            else:
                goals[goal] = np.asarray(self._by_channel(seen[goal]).any(axis=2), np.bool_)
        values = self._by_channel(sums)
        return Hits(goals, values.min(axis=2), values.max(axis=2))

    def _by_channel(self, value: Array) -> Array:
        """(samples, *shape) as (samples, channels, others)."""
        moved = np.moveaxis(value, self.axis + 1, 1)
        return moved.reshape(*moved.shape[:2], -1)

    def _entries(self, codes: IntArray) -> BoolArray:
        found = np.zeros((len(codes), len(self.possible[Goal.ENTRY])), np.bool_)
        places = codes.reshape(len(codes), -1) - self.layer.input_edges[0].interval.lo
        np.put_along_axis(found, places, True, axis=1)
        return found

    def casts(self, sums: WideArray) -> dict[Goal, BoolArray]:
        """What becomes of each sum."""
        layer, epilogue = self.layer, self.epilogue
        below = sums < (0 if epilogue.slopes else epilogue.low) if _has_low(epilogue) else None
        above = None if epilogue.high is None else sums > epilogue.high
        seen = {
            goal: np.asarray(found, np.bool_)
            for goal, found in ((Goal.BELOW, below), (Goal.ABOVE, above))
            if found is not None
        }
        cut = np.zeros(sums.shape, np.bool_) if epilogue.slopes else seen.get(Goal.BELOW, np.False_)
        seen[Goal.THROUGH] = np.broadcast_to(~(cut | seen.get(Goal.ABOVE, np.False_)), sums.shape)
        if not layer.op.casts:
            return seen
        slopes = None
        if len(epilogue.slopes) > 1:
            slopes = epilogue.words.reshape(-1, *(1,) * (sums.ndim - 2 - self.axis))
        values, fraction = epilogue.apply(sums, slopes), layer.sum_fraction + epilogue.fraction
        kind = layer.output_type
        rounded = widest(kind).from_raw(values, fraction)
        floor = widest(kind, Rounding.TRN).from_raw(values, fraction)
        seen[Goal.LOW], seen[Goal.HIGH] = rounded < kind.min_raw, rounded > kind.max_raw
        shift = fraction - kind.fraction
        if shift > 0:
            up = np.asarray(rounded != floor, np.bool_)
            rest = values.astype(object) if shift > WIDEST - 2 else values
            seen[Goal.UP] = up
            seen[Goal.DOWN] = np.asarray((rest & ((1 << shift) - 1)) != 0, np.bool_) & ~up
        return seen

    def _weights(self, given: IntArray, through: BoolArray) -> BoolArray:
        """The weights that met an input other than zero in a live sum, (samples, weights)."""
        assert self.matrices is not None
        sums = self.matrices.outputs(through).astype(np.float32)  # (samples, positions, groups, rows)
        samples, positions = sums.shape[:2]
        met = (given != 0).astype(np.float32)
        patches = self.matrices.patches(met, positions, np.arange(samples * positions))
        patches = patches.reshape(samples, positions, *patches.shape[1:]).transpose(0, 2, 1, 3)
        counts = np.matmul(sums.transpose(0, 2, 3, 1), patches)  # ones: none cancels another
        return np.asarray(counts.reshape(samples, -1) > 0, np.bool_)


def live(seen: Mapping[Goal, BoolArray]) -> BoolArray:
    """Which sums came through and did not saturate."""
    found = seen[Goal.THROUGH].copy()
    for goal in (Goal.LOW, Goal.HIGH):
        if goal in seen:
            found &= ~seen[goal]
    return found


def widest(kind: FixedType, rounding: Rounding | None = None) -> FixedType:
    """A type that rounds like another one, to the same places, and that clips next to nothing."""
    mode = kind.rounding if rounding is None else rounding
    return FixedType(WIDEST, WIDEST - kind.fraction, True, mode, Overflow.SAT)


def _has_low(epilogue: Epilogue) -> bool:
    return bool(epilogue.slopes) or epilogue.low is not None


def _inside(layer: QuantizedLayer) -> tuple[Epilogue, Callable[[Sequence[IntArray]], WideArray] | None]:
    """What becomes of the sums of a layer, and how to get them; an activation alone has its input as sum."""
    if layer.op.casts:
        return layer.epilogue, _exact_sums(layer)
    if layer.op.clips is None and layer.op.leaks is None:
        return Epilogue(), None
    (edge,) = layer.input_edges
    return epilogue_of(layer.op, edge.type.fraction, layer.output_type), lambda given: given[0]


def _exact_sums(layer: QuantizedLayer) -> Callable[[Sequence[IntArray]], WideArray]:
    kind = layer.accumulator_type
    assert kind is not None
    if kind.width > WIDEST:
        plan = integer_plan(layer)
        assert isinstance(plan, LayerPlan)
        make = plan.sums
    else:
        spec = LayerSpec(
            layer.weight_raw,
            layer.weight_type,
            layer.bias_raw,
            layer.bias_type,
            kind,
            layer.weight_shift,
            layer.weight_signs,
        )
        opened = quantized_layer(layer.name, layer.op, layer.inputs, None, layer.input_edges, spec)
        make = number_plan(opened).run

    def sums(inputs: Sequence[IntArray]) -> WideArray:
        given = [np.ascontiguousarray(batch_last(x)) for x in inputs]
        made = batch_first(make(given, Scratch()))
        return made.astype(np.int64) if made.dtype.kind == "f" else np.array(made)

    return sums


def _ends(layer: QuantizedLayer, channels: int) -> tuple[WideArray, IntArray]:
    """The least and the largest sum of each channel, (2, channels), and the zeros at the end of every sum."""
    whole, zeros = layer.accumulator_interval, np.zeros(channels, np.int64)
    if not layer.op.casts:  # an activation alone
        whole = layer.input_edges[0].interval
    if layer.weight_raw is None:
        return np.array([[whole.lo] * channels, [whole.hi] * channels], dtype=object), zeros
    edges = layer.input_edges
    weight, bias = aligned_parameters(layer.op, [edge.type for edge in edges], layer, layer.sum_fraction)
    assert weight is not None
    op, seen = layer.op.scaled(layer.sum_fraction), [edge.interval for edge in edges]
    found: list[Interval] = []
    for row in range(len(weight)):
        own = None if bias is None else bias[row : row + 1]
        found.append(op.range(seen, weight[row : row + 1], own)[0])
        terms = [*weight[row].reshape(-1).tolist(), *([] if own is None else own.tolist())]
        bits = int(np.bitwise_or.reduce(np.array(terms, dtype=object)))
        zeros[row] = min((bits & -bits).bit_length() - 1, WIDEST) if bits else WIDEST
    return np.array([[each.lo for each in found], [each.hi for each in found]], dtype=object), zeros


def _rounds(values: Interval, kind: FixedType, fraction: int, grain: int) -> tuple[bool, bool]:
    """Whether a cast to ``kind`` drops bits of some of these values, multiples of ``2**grain``, and counts
    the last place up; and whether it drops some and does not. Nothing changes between what is tried."""
    shift = fraction - kind.fraction
    if shift <= grain:
        return False, False
    unit, least = 1 << shift, 1 << grain
    places = {(end // unit + at) * unit for end in (values.lo, 0, values.hi) for at in range(-1, 2)}
    steps = (least, unit // 2 - least, unit // 2, unit // 2 + least, unit - least)
    tried = {values.lo, values.hi, *(place + step for place in places for step in steps)}
    given = np.array(
        sorted(value for value in tried if values.lo <= value <= values.hi and value % unit), dtype=object
    )
    if not given.size:
        return False, False
    up = widest(kind).from_raw(given, fraction) != widest(kind, Rounding.TRN).from_raw(given, fraction)
    return bool(up.any()), not up.all()


def _possible(
    layer: QuantizedLayer, epilogue: Epilogue, ends: WideArray, grains: IntArray
) -> dict[Goal, BoolArray]:
    """The channels in which intervals allow each goal."""
    kind, wide = layer.output_type, widest(layer.output_type)
    found: dict[Goal, list[bool]] = {goal: [] for goal in Goal if goal not in (Goal.WEIGHT, Goal.ENTRY)}
    for lo, hi, grain in zip(*ends.tolist(), grains.tolist(), strict=True):
        after = epilogue.interval(Interval(lo, hi))
        low = 0 if epilogue.slopes else epilogue.low
        found[Goal.BELOW].append(low is not None and lo < low)
        found[Goal.ABOVE].append(epilogue.high is not None and hi > epilogue.high)
        passes = (low is None or hi >= low) and (epilogue.high is None or lo <= epilogue.high)
        found[Goal.THROUGH].append(passes or bool(epilogue.slopes))
        if not layer.op.casts:
            continue
        fraction = layer.sum_fraction + epilogue.fraction
        made = wide.from_raw(np.array([after.lo, after.hi], dtype=object), fraction).tolist()
        found[Goal.LOW].append(made[0] < kind.min_raw)
        found[Goal.HIGH].append(made[1] > kind.max_raw)
        up, down = _rounds(after, kind, fraction, 0 if epilogue.slopes else grain)
        found[Goal.UP].append(up)
        found[Goal.DOWN].append(down)
    arrays = {goal: np.array(held, np.bool_) for goal, held in found.items() if any(held)}
    sided = Goal.BELOW in arrays or Goal.ABOVE in arrays
    return {goal: held for goal, held in arrays.items() if sided or goal is not Goal.THROUGH}
