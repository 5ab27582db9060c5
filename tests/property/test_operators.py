"""numpy = g++ = Verilator on every word of random networks over all operators;
benchmarks/random_networks.py runs as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dags import differences, drawn


@pytest.mark.parametrize("seed", range(3))
def test_both_backends_equal_the_simulator(tmp_path: Path, seed: int) -> None:
    network = drawn(seed)
    assert differences(network, tmp_path) == [], network.described
