"""What is tried with kernels finds faults in them; here the kernels' own words stand for hardware."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpq_hls.cost import build_design, fold
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import IntArray, Kernel, Nature
from hpq_hls.project import hardware_config
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.certify.certificate import Certificate, KernelCertificate, certify, examine_on
from hpq_hls.verify.certify.intervals import stream_intervals
from tests.verify.words import Words, every_nature


@pytest.fixture(scope="module")
def network() -> QuantizedGraph:
    return every_nature()


@pytest.fixture(scope="module", params=["stream", "parallel"])
def flow(network: QuantizedGraph, request: Any) -> Dataflow:
    return build_design(network, fold(network, hardware_config(io=request.param)).config)


def examined(
    flow: Dataflow, q: QuantizedGraph, kernel: Kernel, fault: Callable[[Kernel], Kernel] = lambda k: k
) -> KernelCertificate:
    return examine_on(Words(flow.streams, fault), kernel, flow.streams, stream_intervals(flow, q))


def test_right_kernels_pass(flow: Dataflow, network: QuantizedGraph) -> None:
    found = certify(Words(flow.streams), flow, stream_intervals(flow, network), backend="rtl", digest="none")
    assert found.passed, found.first_failure
    assert [kernel.name for kernel in found.kernels] == [kernel.name for kernel in flow.kernels]
    proofs = {k.name: c.proof for k, c in zip(flow.kernels, found.kernels, strict=True)}
    for kernel in flow.kernels:
        epilogue = getattr(kernel, "epilogue", None)
        if kernel.nature in (Nature.ROUTES, Nature.PRODUCTS):
            assert proofs[kernel.name] == "all inputs"
        elif kernel.nature is Nature.SUMS:
            assert proofs[kernel.name] == ("sampled" if epilogue.slopes else "all inputs")
        elif kernel.nature is Nature.ELEMENTWISE:
            assert proofs[kernel.name] == "exhaustive"
    assert Certificate.from_json(found.to_json()) == found


def summing(flow: Dataflow) -> list[Kernel]:
    return [kernel for kernel in flow.kernels if hasattr(kernel, "weight")]


def test_every_bit_of_every_weight_is_seen(flow: Dataflow, network: QuantizedGraph) -> None:
    rng = np.random.default_rng(0)
    for kernel in summing(flow):
        width = kernel.weight_type.width
        for _ in range(6):
            place, bit = (
                tuple(rng.integers(0, size) for size in kernel.weight.shape),
                rng.integers(0, width - 1),
            )

            def flipped(kernel: Any, place: Any = place, bit: Any = bit) -> Any:
                weight = kernel.weight.copy()
                weight[place] ^= 1 << int(bit)
                return replace(kernel, weight=weight)

            found = examined(flow, network, kernel, flipped)
            assert not found.passed
            assert "what is cast" in found.first or "not" in found.first


def test_a_bias_one_off_is_seen(flow: Dataflow, network: QuantizedGraph) -> None:
    for kernel in summing(flow):
        if kernel.bias is not None:
            bias = kernel.bias.copy()
            bias.reshape(-1)[-1] += 1
            assert not examined(flow, network, kernel, lambda k, bias=bias: replace(k, bias=bias)).passed


def narrow(values: IntArray, width: int) -> IntArray:
    """What is left of integers in ``width`` bits."""
    half = 1 << width - 1
    return (values + half) % (2 * half) - half


def test_an_accumulator_one_bit_narrower_is_seen(flow: Dataflow, network: QuantizedGraph) -> None:
    """The extremes of each row drive its sum to both ends of what it can be."""

    class Narrow(Words):
        def _exact(self, kernel: Kernel, inputs: Any, window: int) -> IntArray:
            width = kernel.finishes[0].width
            whole = sum(
                super(Narrow, self)._exact(kernel, inputs, low).astype(np.int64) << low
                for low in range(0, 60, self.wires[kernel.outputs[0]].type.width)
            )
            return self._bits(narrow(narrow(whole, 60), width - 1) >> window, kernel.outputs[0])

    intervals, seen = stream_intervals(flow, network), 0
    for kernel in summing(flow):
        held, epilogue = kernel.finishes
        layer = network.layers[kernel.layer]
        needed = max(layer.accumulator_interval.hi, -layer.accumulator_interval.lo - 1).bit_length() + 1
        if needed == held.width and not epilogue.slopes:
            seen += 1
            assert not examine_on(Narrow(flow.streams), kernel, flow.streams, intervals).passed
    assert seen


def test_a_table_one_off_is_seen(flow: Dataflow, network: QuantizedGraph) -> None:
    (kernel,) = (kernel for kernel in flow.kernels if kernel.kind == "table")
    codes = stream_intervals(flow, network)[kernel.inputs[0]]
    for code in (codes.lo, codes.hi, 0):
        values = kernel.values.copy()
        values[code & len(values) - 1] ^= 1
        found = examined(flow, network, kernel, lambda k, values=values: replace(k, values=values))
        assert (found.proof, found.passed) == ("sampled", False)


@pytest.mark.parametrize("what", ["rounding", "range", "slope"])
def test_another_cast_is_seen(flow: Dataflow, network: QuantizedGraph, what: str) -> None:
    """Right sums, and a cast that is wrong of a few numbers only."""

    class Wrong(Words):
        def casts(self, kernel: Kernel, kinds: Any, codes: Any) -> Any:
            found = super().casts(kernel, kinds, codes)
            if what == "range":  # one number at the upper end
                return [
                    (i, fits, np.where(codes[i][fits] == codes[i].max(), 0, made)) for i, fits, made in found
                ]
            if what == "rounding":  # one boundary
                return [
                    (i, fits, np.where(np.diff(made, append=made[-1]) != 0, made ^ 1, made))
                    for i, fits, made in found
                ]
            return found

        def run(self, kernel: Kernel, *given: Any, **more: Any) -> Any:
            if what == "slope" and len(kernel.epilogue.slopes):  # the last slope by one
                words = [list(word) for word in kernel.epilogue.slopes]
                words[-1][-1] += 1
                slopes = tuple(map(tuple, words))
                kernel = replace(kernel, epilogue=replace(kernel.epilogue, slopes=slopes))
            return super().run(kernel, *given, **more)

    intervals, seen = stream_intervals(flow, network), 0
    for kernel in flow.kernels:
        if kernel.nature is not Nature.SUMS or (what == "slope" and not kernel.epilogue.slopes):
            continue
        seen += 1
        assert not examine_on(Wrong(flow.streams), kernel, flow.streams, intervals).passed, kernel.name
    assert seen


def test_elements_in_another_order_are_seen(flow: Dataflow, network: QuantizedGraph) -> None:
    class Swapped(Words):
        def run(self, kernel: Kernel, *given: Any, **more: Any) -> Any:
            made = super().run(kernel, *given, **more)
            first = made[0].reshape(len(made[0]), -1)
            other = np.flatnonzero((first != first[:, :1]).any(axis=0))
            if other.size:
                first[:, [0, other[-1]]] = first[:, [other[-1], 0]]
            return [first.reshape(made[0].shape), *made[1:]]

    intervals = stream_intervals(flow, network)
    for kernel in flow.kernels:
        if kernel.nature is Nature.ROUTES and flow.streams[kernel.outputs[0]].elements > 1:
            assert not examine_on(Swapped(flow.streams), kernel, flow.streams, intervals).passed, kernel.name
