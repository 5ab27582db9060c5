"""Histograms count every value once, and what saturates as the types do."""

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import FixedType
from hpq_hls.workflow.histogram import BINS, histogram, thinned, weight_histogram

KIND = FixedType.parse("ap_fixed<4,2,AP_RND,AP_SAT>")


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0, 1000.0])
def test_every_value_is_in_a_bin_and_what_saturates_is_outside(spread):
    values = np.random.default_rng(3).normal(0, spread, 5000)
    held = histogram(values, KIND)
    assert sum(held.counts) == values.size
    assert (held.least, held.most, held.step) == (-2.0, 1.75, 0.25)
    wide = (held.high - held.low) / len(held.counts)
    middles = held.low + wide * (np.arange(len(held.counts)) + 0.5)
    beyond = (middles < held.least - held.step / 2) | (middles > held.most + held.step / 2)
    if spread < 1000:  # there the range of the type is narrower than a bin
        assert np.array(held.counts)[beyond].sum() == round(held.outside * values.size)
    # Counted again by the cast itself: what is one step beyond comes back at the end of the range.
    wider = FixedType.parse("ap_fixed<40,30,AP_RND,AP_SAT>")
    exact = np.round(values / 0.25 + 1e-12) * 0.25
    assert held.outside == np.mean((exact < -2) | (exact > 1.75))
    assert histogram(values, wider).outside == 0
    assert len(held.counts) <= BINS + 2


def test_values_that_are_all_equal_have_a_histogram():
    held = histogram(np.zeros(7), KIND)
    assert sum(held.counts) == 7
    assert held.outside == 0


def test_so_many_are_taken_evenly():
    assert thinned(np.arange(10).reshape(2, 5), 4).tolist() == [0, 3, 6, 9]
    assert thinned(np.arange(3), 10).tolist() == [0, 1, 2]


def test_weights_are_seen_as_they_are_stored():
    """In a channel with a scale of its own, without that."""
    net = nn.Linear(16, 2).eval()
    with torch.no_grad():
        net.weight[0] *= 8
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(2)).numpy()
    graph = hpq.from_torch(net, torch.zeros(1, 16))
    q = hpq.quantize(graph, x, precision=4, per_channel=True)
    (name,) = q.layers
    layer = q.layers[name]
    held = weight_histogram(q.graph.by_name[name].op.weight, layer)
    assert layer.weight_shift is not None
    assert held is not None
    assert held.most == layer.stored_weight_type.max_raw * 2.0**-layer.stored_weight_type.fraction
    scaled = q.graph.by_name[name].op.weight / 2.0 ** layer.weight_shift[:, None]
    assert held.low <= scaled.min()
    assert held.high >= scaled.max()
    assert sum(held.counts) == 32
    assert weight_histogram(None, layer) is None
