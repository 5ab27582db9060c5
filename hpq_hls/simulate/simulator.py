"""Many networks on the same data: each starts where it first differs from one that ran before."""

from __future__ import annotations

import functools
import itertools
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from hpq_hls.fixed import Interval
from hpq_hls.graph import Inputs, check_inputs, plain
from hpq_hls.ops.base import IntArray, Shape
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.simulate.engine import Schedule, real_source, result_type
from hpq_hls.simulate.layer import QuantizedLayer
from hpq_hls.simulate.quantized_graph import QuantizedGraph

MEMORY_MIB = 256
"""Memory for kept values unless told otherwise."""
MAX_NUMBERS = 1 << 20
"""Values that are told apart; after so many everything is forgotten."""


class Simulator:
    """Runs networks on the same data and keeps what the layers computed.

    A value is computed again only if its layer, or a layer before it, is another one. Networks that one
    ``Quantizer`` made share every layer that has the same types, weights and input, so a network that
    differs from an earlier one only from some layer on starts there.

    Parameters
    ----------
    x : (batch, *input_shape), the data, of several inputs by name or in order; it must not change afterwards.
    memory_mib : most memory that kept values take; what does not fit is computed again. 0 keeps nothing.

    Attributes
    ----------
    layers_run, layers_reused : over all calls, the layers that were computed, and those that were not
        because a kept value made it unnecessary.
    """

    def __init__(self, x: Any, *, memory_mib: float = MEMORY_MIB) -> None:
        self._x = x
        self._checked: Inputs | None = None
        self._fits: dict[str, Shape] = {}
        self._kept: OrderedDict[int, Array] = OrderedDict()  # by value; the least recently used first
        self._room = int(memory_mib * 2**20)
        self._layers: WeakKeyDictionary[QuantizedLayer, int] = WeakKeyDictionary()
        self._layer_numbers = itertools.count()
        self._values: dict[object, int] = {}
        self.layers_run = 0
        self.layers_reused = 0

    @property
    def kept_bytes(self) -> int:
        """Memory that kept values take now."""
        return sum(array.nbytes for array in self._kept.values())

    def predict(self, q: QuantizedGraph) -> Any:
        """The exact outputs of ``q`` as float64 (batch, *output_shape); several by name."""
        return q.scaled(self.predict_raw(q))

    def predict_raw(self, q: QuantizedGraph) -> Any:
        """The exact integer outputs of ``q``, int64 (batch, *output_shape); several by name.

        Raises:
            DataError: the data does not fit the network, is empty, or is not finite.
        """
        if self._checked is None or self._fits != dict(q.graph.inputs):
            self._checked, self._fits = check_inputs(self._x, q.graph.inputs), dict(q.graph.inputs)
        x, graph, schedule = self._checked, q.graph, Schedule.of(q)
        if len(self._values) > MAX_NUMBERS:
            self._values.clear()
            self._kept.clear()
        values = self._identify(q)
        names = self._missing(q, values)
        start = {
            given: self._kept[values[given]]
            for name in names
            for given in q.layers[name].inputs
            if given not in names and values[given] in self._kept
        }
        made = [name for name in graph.inputs if self._needs_input(q, name, names, start)]
        keep = self._make_room(q, values, [*made, *names], schedule.channels_last)
        result: dict[str, IntArray] = {
            name: np.empty((len(x), *graph.shapes[name]), result_type(q, name)) for name in graph.results
        }
        source = real_source(schedule, x)

        def store(rows: slice, name: str, value: Array) -> None:
            if name in keep:
                np.copyto(keep[name][..., rows], value, casting="unsafe")
            if name in result:
                np.copyto(result[name][rows], batch_first(value), casting="unsafe")

        def run(share: Sequence[slice], work: dict[object, Array]) -> None:
            for rows in share:
                given = {name: array[..., rows] for name, array in start.items()}
                for name in made:
                    given[name] = source(name, rows, Scratch(work, name, schedule.channels_last))
                    store(rows, name, given[name])
                schedule.run(names, given, work, functools.partial(store, rows))

        schedule.share(run, len(x), names)
        for name, array in keep.items():
            self._kept[values[name]] = array
        self._touch(q, values)
        self.layers_run += len(names)
        self.layers_reused += len(q.layers) - len(names)
        return plain({name: result[value] for name, value in graph.outputs.items()})

    def _identify(self, q: QuantizedGraph) -> dict[str, int]:
        """A number for every value of the network; equal numbers, equal values."""
        numbers = {name: self._number((name, kind)) for name, kind in q.input_types.items()}
        for name, layer in q.layers.items():
            own = self._layers.get(layer)
            if own is None:
                own = self._layers[layer] = next(self._layer_numbers)
            numbers[name] = self._number((own, *(numbers[given] for given in layer.inputs)))
        return numbers

    def _number(self, key: object) -> int:
        return self._values.setdefault(key, len(self._values))

    def _missing(self, q: QuantizedGraph, values: dict[str, int]) -> list[str]:
        """The layers to run, in order: those that the outputs need and whose value is not kept."""
        needed = set(q.graph.results)
        for name in reversed(tuple(q.layers)):
            if name in needed and (name in q.graph.results or values[name] not in self._kept):
                needed.update(q.layers[name].inputs)
            else:
                needed.discard(name)
        return [name for name in q.layers if name in needed]

    @staticmethod
    def _needs_input(q: QuantizedGraph, name: str, names: Sequence[str], start: dict[str, Array]) -> bool:
        read = any(name in q.layers[layer].inputs for layer in names)
        return name in q.graph.results or (read and name not in start)

    def _make_room(
        self, q: QuantizedGraph, values: dict[str, int], names: Sequence[str], channels_last: bool
    ) -> dict[str, Array]:
        """Arrays for those of the named values that are to be kept.

        These are what layers with widths of their own read. Where not all fit, the first ones of the
        network are kept, because more depends on them; values of other networks make way for them.
        """
        assert self._checked is not None
        read = {given for layer in q.layers.values() if layer.op.casts for given in layer.inputs}
        own = set(values.values())
        others = [value for value in self._kept if value not in own]
        used = self.kept_bytes
        free = self._room - sum(array.nbytes for value, array in self._kept.items() if value in own)
        arrays: dict[str, Array] = {}
        for name in names:
            dtype = _storage(q.edges[name].interval)
            shape = q.graph.shapes[name]
            size = len(self._checked) * math.prod(shape) * dtype.itemsize
            if name not in read or values[name] in self._kept or dtype.kind == "O" or size > free:
                continue
            while used + size > self._room:
                used -= self._kept.pop(others.pop(0)).nbytes
            used += size
            free -= size
            arrays[name] = _new_array((len(self._checked), *shape), dtype, channels_last)
        return arrays

    def _touch(self, q: QuantizedGraph, values: dict[str, int]) -> None:
        """Mark the values of a network as used; what others were computed from is always used later."""
        for name in (*reversed(tuple(q.layers)), *q.graph.inputs):
            if values[name] in self._kept:
                self._kept.move_to_end(values[name])


def _storage(values: Interval) -> np.dtype[Any]:
    """The narrowest number type that holds an interval."""
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.int64):
        limits = np.iinfo(dtype)
        if limits.min <= values.lo and values.hi <= limits.max:
            return np.dtype(dtype)
    return np.dtype(object)


def _new_array(shape: Shape, dtype: np.dtype[Any], channels_last: bool) -> Array:
    """An array of a (batch, ...) shape, batch last."""
    template = batch_last(np.empty(shape, np.bool_)[:0])
    return Scratch(channels_last=channels_last).array("kept", (*template.shape[:-1], shape[0]), dtype)
