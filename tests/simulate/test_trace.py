"""Every layer's values, integers and floats."""

import numpy as np

from tests.verify.words import every_nature


def test_a_trace_is_both_networks_layer_by_layer() -> None:
    q = every_nature()
    x = np.random.default_rng(3).normal(size=(70, 2, 8, 8)).astype(np.float32)
    found = q.trace(x)
    assert list(found) == list(q.layers)
    last = found["fc"]
    np.testing.assert_array_equal(last.raw, q.predict_raw(x))
    np.testing.assert_array_equal(last.value, q.predict(x))
    np.testing.assert_allclose(last.float, q.graph.predict(x), rtol=0, atol=1e-12)
    floats = q.graph.values(x)
    for name, layer in q.layers.items():
        each = found[name]
        assert each.raw.dtype == np.int64
        assert each.raw.shape == each.float.shape == (len(x), *q.graph.shapes[name])
        assert each.raw.min() >= layer.output_interval.lo
        assert each.raw.max() <= layer.output_interval.hi
        np.testing.assert_array_equal(each.value, each.raw * 2.0**-layer.output_type.fraction)
        np.testing.assert_array_equal(each.float, floats[name])
        np.testing.assert_array_equal(each.error, each.value - each.float)
