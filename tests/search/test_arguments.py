"""What is said of arguments that a search cannot use: one sentence each."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.search.errors import SettingError

WHOLE = "give a whole number of at least"
JOBS = "give a number of jobs, or -1 for one per processor"
MIB = "give a number of MiB from 0 on"
SURE = "give a probability from 0.5 to 0.995, or None (null) for the drop on the validation data alone"
NS = "give the clock's period in nanoseconds, 0.1 to 1,000,000"


@pytest.fixture(scope="module")
def problem() -> tuple[hpq.Graph, np.ndarray, np.ndarray]:
    torch.manual_seed(0)
    graph = hpq.from_torch(nn.Sequential(nn.Linear(4, 3)).eval(), torch.zeros(1, 4))
    x = np.random.default_rng(0).normal(size=(30, 4))
    return graph, x, graph.predict(x).argmax(1)


def searched(problem: tuple[hpq.Graph, np.ndarray, np.ndarray], **settings: Any) -> hpq.SearchResult:
    graph, x, y = problem
    usual = {"objective": "weight_bits", "weight_bits": (2, 8), "activation_bits": (8,), "max_drop": 0.1}
    return hpq.search(graph, x, (x, y), **(usual | settings))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"evaluations": 0}, f"evaluations is 0; {WHOLE} 1"),
        ({"evaluations": -1}, f"evaluations is -1; {WHOLE} 1"),
        ({"evaluations": 1.5}, f"evaluations is 1.5; {WHOLE} 1"),
        ({"evaluations": True}, f"evaluations is True; {WHOLE} 1"),
        ({"evaluations": "x"}, f"evaluations is 'x'; {WHOLE} 1"),
        ({"evaluations": math.nan}, f"evaluations is nan; {WHOLE} 1"),
        ({"seed": -1}, f"seed is -1; {WHOLE} 0"),
        ({"seed": 1.5}, f"seed is 1.5; {WHOLE} 0"),
        ({"seed": True}, f"seed is True; {WHOLE} 0"),
        ({"seed": None}, f"seed is None; {WHOLE} 0"),
        ({"seed": "x"}, f"seed is 'x'; {WHOLE} 0"),
        ({"confidence": 1.5}, f"confidence is 1.5; {SURE}"),
        ({"confidence": 1}, f"confidence is 1; {SURE}"),
        ({"confidence": 0}, f"confidence is 0; {SURE}"),
        ({"confidence": -0.9}, f"confidence is -0.9; {SURE}"),
        ({"confidence": math.nan}, f"confidence is nan; {SURE}"),
        ({"confidence": True}, f"confidence is True; {SURE}"),
        ({"confidence": "high"}, f"confidence is 'high'; {SURE}"),
        ({"effort": "fats"}, "effort is 'fats'; choose fast or full"),
        ({"effort": None}, "effort is None; choose fast or full"),
        ({"effort": ["fast"]}, "effort is ['fast']; choose fast or full"),
        ({"n_jobs": 0}, f"n_jobs is 0; {JOBS}"),
        ({"n_jobs": 1.5}, f"n_jobs is 1.5; {JOBS}"),
        ({"n_jobs": True}, f"n_jobs is True; {JOBS}"),
        ({"n_jobs": "x"}, f"n_jobs is 'x'; {JOBS}"),
        ({"memory_mib": -1}, f"memory_mib is -1; {MIB}"),
        ({"memory_mib": math.nan}, f"memory_mib is nan; {MIB}"),
        ({"memory_mib": math.inf}, f"memory_mib is inf; {MIB}"),
        ({"memory_mib": True}, f"memory_mib is True; {MIB}"),
        ({"memory_mib": None}, f"memory_mib is None; {MIB}"),
        ({"memory_mib": "1e3"}, f"memory_mib is '1e3'; {MIB}"),
        ({"clock_ns": 0}, f"clock_ns is 0; {NS}"),
        ({"clock_ns": -1}, f"clock_ns is -1; {NS}"),
        ({"clock_ns": math.nan}, f"clock_ns is nan; {NS}"),
        ({"clock_ns": math.inf}, f"clock_ns is inf; {NS}"),
        ({"clock_ns": 1e-9}, f"clock_ns is 1e-09; {NS}"),
        ({"clock_ns": "fast"}, f"clock_ns is 'fast'; {NS}"),
        ({"max_drop": math.nan}, "max_drop is nan; it is a share of accuracy from 0 to 1"),
        ({"max_drop": "x"}, "max_drop is x; it is a share of accuracy from 0 to 1"),
        ({"layers": [1]}, "layers is [1]; give a mapping of names of layers to rules"),
        ({"quantizer": 3}, "quantizer is 3; give QuantizerOptions or None"),
        ({"hardware": "xc7z020"}, "hardware is 'xc7z020'; give a HardwareConfig or None"),
        ({"journal": 3}, "journal is 3; give the name of a file, or None"),
        ({"resume": 1}, "resume is 1; give True or False"),
        ({"uniform": "x"}, "uniform is 'x'; give True or False"),
        ({"progress": 3}, "progress is 3; give a function, or None"),
    ],
)
def test_an_argument_that_cannot_be_used(
    problem: tuple[hpq.Graph, np.ndarray, np.ndarray], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingError) as caught:
        searched(problem, **settings)
    assert str(caught.value) == sentence
    assert caught.value.keys == tuple(settings)
    assert str(pickle.loads(pickle.dumps(caught.value))) == sentence


def test_a_strategy_that_is_no_name(problem: tuple[hpq.Graph, np.ndarray, np.ndarray]) -> None:
    with pytest.raises(hpq.HpqError, match=r"there is no strategy \['greedy'\]; choose auto, sensitivity"):
        searched(problem, strategy=["greedy"])


def test_numbers_of_numpy_are_numbers(problem: tuple[hpq.Graph, np.ndarray, np.ndarray]) -> None:
    given = {"seed": np.int64(3), "evaluations": np.int32(9), "n_jobs": np.int64(1)}
    given |= {"memory_mib": np.float32(64), "clock_ns": np.float64(4), "uniform": np.bool_(False)}
    expected = searched(problem, seed=3, evaluations=9, memory_mib=64, clock_ns=4.0)
    assert searched(problem, **given).best_point.precision == expected.best_point.precision


@pytest.mark.parametrize("strategy", ["sensitivity", "evolutionary"])
def test_a_seed_may_be_large(problem: tuple[hpq.Graph, np.ndarray, np.ndarray], strategy: str) -> None:
    assert searched(problem, strategy=strategy, seed=1 << 70).evaluations > 0
