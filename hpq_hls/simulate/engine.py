"""Exact and fast execution of a QuantizedGraph.

Samples go through the network in blocks that fit the processor's cache, blocks are shared among threads,
and every layer runs by its plan (see ``plan``): products of bytes, float32 or float64 matrix products where
the proved bounds make them exact, int64 or Python integers elsewhere. ``reference`` is the plain version in
integers only; both give the same integers, always.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.graph import Inputs, named, plain
from hpq_hls.ops.base import IntArray
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.simulate.byte_kernels import byte_dtype
from hpq_hls.simulate.layer import QuantizedLayer
from hpq_hls.simulate.plan import BytePlan, InputPlan, Plan, integer_plan, plan_input, plan_layer
from hpq_hls.simulate.threads import in_threads, thread_count, torch_alone, with_arrays

if TYPE_CHECKING:  # that class runs these functions
    from hpq_hls.simulate.quantized_graph import QuantizedGraph

BLOCK_BYTES = 1 << 21
BYTE_BLOCK_BYTES = 1 << 22
"""Size of the largest array of a block, about a core's second-level cache; twice that for kernels for
bytes, which take longer to call and less to run."""
MIN_BLOCK = 8
"""Samples in a block; fewer waste vector registers."""
MAX_BLOCK, MAX_BYTE_BLOCK = 2048, 16384
"""Samples in a block; more gain nothing."""
THREADED = 1 << 15
"""Multiplications per sample from which blocks are shared among threads."""
SMALL = 1 << 25
"""Multiplications in all up to which one thread does everything: about a millisecond."""


@dataclass(frozen=True)
class Schedule:
    """How a network runs.

    plans: of every layer, in order. channels_last: how images lie in memory (see ``Scratch``).
    """

    q: QuantizedGraph
    plans: Mapping[str, Plan]
    channels_last: bool

    @classmethod
    def of(cls, q: QuantizedGraph, plan: Callable[[QuantizedLayer], Plan] = plan_layer) -> Schedule:
        """The schedule in which every layer runs by ``plan``."""
        plans = {name: plan(layer) for name, layer in q.layers.items()}
        return cls(q, plans, any(isinstance(item, BytePlan) for item in plans.values()))

    @property
    def input_plans(self) -> dict[str, InputPlan]:
        """How inputs become raw values, by name."""
        return {
            name: plan_input(kind, as_bytes=self.channels_last) for name, kind in self.q.input_types.items()
        }

    def share(
        self,
        run: Callable[[Sequence[slice], dict[object, Array]], None],
        samples: int,
        names: Iterable[str] | None = None,
    ) -> None:
        """``run(blocks, work arrays)`` for all samples, in several threads where that pays.

        names: the layers that will run; all of them unless told.
        """
        blocks = self.blocks(samples)
        shapes = self.q.graph.shapes
        multiplications = sum(
            weight.size * math.prod(shapes[name][1:])
            for name in (self.plans if names is None else names)
            if (weight := self.q.layers[name].weight_raw) is not None
        )
        if samples * multiplications < SMALL:
            with torch_alone():
                with_arrays(run, blocks)
        elif multiplications < THREADED:  # most of the time goes into moving data: torch's threads do that
            with_arrays(run, blocks)
        else:
            in_threads(run, blocks)

    def blocks(self, samples: int) -> list[slice]:
        """Blocks of about equal size, as many for every thread, that cover all samples."""
        shapes = self.q.graph.shapes
        most, memory = (MAX_BYTE_BLOCK, BYTE_BLOCK_BYTES) if self.channels_last else (MAX_BLOCK, BLOCK_BYTES)
        largest = 1
        for name, plan in self.plans.items():
            read = [shapes[given] for given in self.q.layers[name].inputs]
            if isinstance(plan, BytePlan):
                size = max(math.prod(shape) for shape in (*read, shapes[name]))
            else:
                size = plan.op.work_elements(read) * (plan.dtype.itemsize if plan.op.casts else 1)
            largest = max(largest, size)
        size = min(max(memory // largest // MIN_BLOCK, 1) * MIN_BLOCK, most)
        count = -(-samples // size)
        threads = thread_count()
        if samples >= threads * MIN_BLOCK:
            count = -(-count // threads) * threads
        size = -(-samples // (count * MIN_BLOCK)) * MIN_BLOCK
        return [slice(start, min(start + size, samples)) for start in range(0, samples, size)]

    def run(
        self,
        names: Iterable[str],
        values: dict[str, Array],
        work: dict[object, Array],
        keep: Callable[[str, Array], None],
    ) -> None:
        """Run the named layers, in order, on one block.

        values: what they read and none of them gives, by name; changed. work: arrays used again for the
        next block. keep: is given every value that is made; it must copy what it keeps.
        """
        layers = [self.q.layers[name] for name in names]
        last_use = {given: layer for layer in layers for given in layer.inputs}
        for layer in layers:
            inputs = [values[given] for given in layer.inputs]
            scratch = Scratch(work, layer.name, self.channels_last)
            values[layer.name] = self._narrowed(layer, self.plans[layer.name].run(inputs, scratch), scratch)
            keep(layer.name, values[layer.name])
            for given in layer.inputs:
                if last_use[given] is layer:
                    values.pop(given, None)

    def _narrowed(self, layer: QuantizedLayer, value: Array, scratch: Scratch) -> Array:
        """In bytes, if that is what others will want."""
        if not self.channels_last or value.dtype.kind != "f":
            return value
        dtype = byte_dtype(layer.output_interval)
        if dtype is None:
            return value
        narrow = scratch.array(f"bytes of {layer.name}", value.shape, dtype)
        np.copyto(narrow, value, casting="unsafe")
        return narrow


Source = Callable[[str, slice, Scratch], Array]
"""Raw values of one input, by name, for some samples, batch last."""


def simulate(q: QuantizedGraph, x_raw: Any) -> Any:
    """Raw outputs (batch, *output_shape) for raw inputs (batch, *input_shape); several of either by name."""
    schedule = Schedule.of(q)
    given = named(x_raw, q.graph.inputs)
    return _outputs(schedule, raw_source(schedule, given), _samples(given))


def predict_raw(q: QuantizedGraph, x: Inputs) -> Any:
    """Raw outputs (batch, *output_shape) for inputs (batch, *input_shape) in float32 or float64, as
    ``check_inputs`` gives them."""
    schedule = Schedule.of(q)
    return _outputs(schedule, real_source(schedule, x), len(x))


def simulate_all(q: QuantizedGraph, x_raw: Any) -> dict[str, IntArray]:
    """Raw values of every edge by name, int64 (batch, *shape), inputs included; x_raw: as ``simulate``."""
    schedule = Schedule.of(q)
    given = named(x_raw, q.graph.inputs)
    return _simulate(schedule, raw_source(schedule, given), _samples(given), q.graph.shapes)


def reference(q: QuantizedGraph, x_raw: Any) -> Any:
    """The same as ``simulate`` in int64 and Python integers only."""
    schedule = Schedule.of(q, integer_plan)
    given = named(x_raw, q.graph.inputs)
    return _outputs(schedule, lambda name, rows, _: batch_last(given[name][rows]), _samples(given))


def raw_source(schedule: Schedule, x_raw: Mapping[str, IntArray]) -> Source:
    """Raw integers as the number type that the network starts in."""
    plans = schedule.input_plans
    return lambda name, rows, scratch: plans[name].copy(x_raw[name][rows], scratch)


def real_source(schedule: Schedule, x: Inputs) -> Source:
    """Real numbers cast to the input types."""
    plans, given = schedule.input_plans, named(x, schedule.q.graph.inputs)
    return lambda name, rows, scratch: plans[name].run(given[name][rows], scratch)


def _samples(given: Mapping[str, IntArray]) -> int:
    return len(next(iter(given.values())))


def _outputs(schedule: Schedule, source: Source, samples: int) -> Any:
    """The network's raw outputs, batch first."""
    graph = schedule.q.graph
    values = _simulate(schedule, source, samples, graph.results)
    return plain({name: values[value] for name, value in graph.outputs.items()})


def _simulate(schedule: Schedule, source: Source, samples: int, names: Iterable[str]) -> dict[str, IntArray]:
    """Raw values of the named edges, batch first."""
    graph = schedule.q.graph
    results: dict[str, Array] = {
        name: np.empty((samples, *graph.shapes[name]), result_type(schedule.q, name)) for name in names
    }

    def run(share: Sequence[slice], work: dict[object, Array]) -> None:
        for rows in share:

            def keep(name: str, value: Array, rows: slice = rows) -> None:
                if name in results:
                    np.copyto(results[name][rows], batch_first(value), casting="unsafe")

            given: dict[str, Array] = {}
            for name in graph.inputs:
                given[name] = source(name, rows, Scratch(work, name, schedule.channels_last))
                keep(name, given[name])
            schedule.run(schedule.plans, given, work, keep)

    schedule.share(run, samples)
    return results


def result_type(q: QuantizedGraph, name: str) -> np.dtype[np.generic]:
    """int64, or object for a value that int64 does not hold."""
    interval = q.edges[name].interval
    return np.dtype(np.int64 if interval.lo >= -(2**63) and interval.hi < 2**63 else object)
