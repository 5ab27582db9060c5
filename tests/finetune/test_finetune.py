"""Fine-tuning: what it gains, what it leaves alone, and what it refuses."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import hpq_hls as hpq
from hpq_hls.errors import ConfigError, DataError
from hpq_hls.finetune import FinetuneProgress
from hpq_hls.simulate import QuantizedGraph

Data = tuple[np.ndarray, np.ndarray]
WIDTHS = {"default": {"weight": 2, "activation": 6}}


@pytest.fixture(scope="module")
def data() -> tuple[Data, Data]:
    """Digits of 8x8 pixels: training and validation."""
    digits = load_digits()
    x, y = (digits.images / 16)[:, None], digits.target
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order[:1200]], y[order[:1200]]), (x[order[1200:]], y[order[1200:]])


@pytest.fixture(scope="module")
def graph(data: tuple[Data, Data]) -> hpq.Graph:
    """A small network, trained."""
    (x, y), _ = data
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(54, 24),
            nn.ReLU(),
            nn.Linear(24, 10),
        )
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        inputs, labels = torch.from_numpy(x).float(), torch.from_numpy(y)
        for _ in range(8):
            for rows in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
                optimizer.step()
    return hpq.from_torch(net.eval(), torch.zeros(1, 1, 8, 8))


@pytest.fixture(scope="module")
def q(graph: hpq.Graph, data: tuple[Data, Data]) -> QuantizedGraph:
    return hpq.quantize(graph, data[0][0][:200], WIDTHS)


def accuracy(q: QuantizedGraph, data: Data) -> float:
    return float((q.predict(data[0]).argmax(1) == data[1]).mean())


def integers(q: QuantizedGraph) -> list[bytes]:
    found = [(layer.weight_raw, layer.bias_raw) for layer in q.layers.values()]
    return [array.tobytes() for pair in found for array in pair if array is not None]


def types(q: QuantizedGraph) -> list[str]:
    return [
        f"{layer.weight_type} {layer.bias_type} {layer.output_type} {layer.weight_shift}"
        for layer in q.layers.values()
    ]


def test_two_bits_come_closer_to_the_float_network(graph, q, data) -> None:
    train, validation = data
    steps: list[FinetuneProgress] = []
    result = hpq.finetune(q, train[0], validation, epochs=8, batch_size=32, progress=steps.append)
    floats = float((graph.predict(validation[0]).argmax(1) == validation[1]).mean())
    assert result.accuracy_before == accuracy(q, validation)
    assert result.accuracy_after == accuracy(result.best, validation)
    assert result.accuracy_after >= floats - 0.05
    assert result.accuracy_after > result.accuracy_before
    assert types(result.best) == types(q)
    assert result.best.weight_bits == q.weight_bits
    assert result.best.input_type == q.input_type
    assert result.best.graph is q.graph
    assert [epoch.number for epoch in result.history] == list(range(1, 9))
    assert result.history[result.best_epoch - 1].accuracy == result.accuracy_after
    assert max(epoch.accuracy for epoch in result.history) == result.accuracy_after
    assert result.history[-1].loss < result.history[0].loss
    assert [step.step for step in steps] == list(range(1, 8 * 38 + 1))
    assert {(step.steps, step.epochs) for step in steps} == {(8 * 38, 8)}
    assert steps[0].accuracy == result.accuracy_before
    assert steps[-1].accuracy == max(result.accuracy_before, *(e.accuracy for e in result.history[:-1]))
    assert "top1" in repr(result)
    close = np.abs(result.graph.predict(validation[0]) - q.graph.predict(validation[0])).max()
    assert close > 0  # the parameters have moved; what they compute without casts is judged by its classes
    tuned = float((result.graph.predict(validation[0]).argmax(1) == validation[1]).mean())
    assert tuned >= floats - 0.1


def test_signs_are_trained_and_stay_signs(graph, data) -> None:
    train, validation = data
    q = hpq.quantize(graph, train[0], {"default": {"weight": 1, "activation": 6}})
    result = hpq.finetune(q, train[0], validation, epochs=3, batch_size=32)
    assert result.accuracy_after == accuracy(result.best, validation) > result.accuracy_before
    assert result.best.weight_bits == q.weight_bits
    for layer in result.best.layers.values():
        if layer.weight_raw is not None:
            assert layer.weight_signs
            assert (np.abs(layer.weight_codes) == 1).all()
    assert integers(result.best) != integers(q)


@pytest.mark.parametrize("keep", [True, False])
def test_pruned_weights_stay_pruned(keep: bool, graph, data) -> None:
    """Unless the quantizer was told to give them up."""
    train, validation = data
    node = max((node for node in graph.nodes if node.op.weight is not None), key=lambda n: n.op.weight.size)
    weight = node.op.weight.copy()
    zeros = np.abs(weight) <= np.quantile(np.abs(weight), 0.75)
    weight[zeros] = 0.0
    thin = replace(node, op=node.op.with_parameters(weight, node.op.bias))
    pruned = replace(graph, nodes=tuple(thin if each is node else each for each in graph.nodes))
    start = hpq.quantize(pruned, train[0], 3, keep_zeros=keep)
    found = hpq.finetune(start, train, validation, epochs=2, learning_rate=0.1)
    assert found.best_epoch > 0  # it was trained
    assert (not found.best.layers[node.name].weight_raw[zeros].any()) == keep


@pytest.mark.parametrize("strategy", ["folded", "unrolled", "da"])
def test_memory_stays_and_logic_follows_the_integers(strategy: str, q, data) -> None:
    (x, _), validation = data
    best = hpq.finetune(q, x, validation, epochs=2).best
    before, after = (hpq.estimate(each, strategy=strategy, io="parallel") for each in (q, best))
    assert [layer.weight_bits for layer in best.layers.values()] == [
        layer.weight_bits for layer in q.layers.values()
    ]
    assert after.weight_bits == before.weight_bits
    assert after.lut != before.lut


def test_what_was_tuned_is_a_network_like_any_other(q, data, tmp_path) -> None:
    train, validation = data
    best = hpq.finetune(q, train[0], validation, epochs=2).best
    best.save(tmp_path / "q.hpq")
    loaded = hpq.load(tmp_path / "q.hpq")
    assert np.array_equal(loaded.predict_raw(validation[0]), best.predict_raw(validation[0]))
    again = hpq.finetune(loaded, train[0], validation, epochs=1)  # goes on from its integers
    assert again.accuracy_before == accuracy(best, validation)


@pytest.mark.parametrize("loss", ["cross_entropy", "imitation", "distillation", "combined"])
def test_losses(loss: str, q, data) -> None:
    result = hpq.finetune(q, data[0], data[1], loss=loss, epochs=4, batch_size=32)
    assert result.accuracy_after > result.accuracy_before


@pytest.mark.parametrize("loss", ["mse", None])
def test_regression(loss: str | None) -> None:
    """One output; without a loss the float network's outputs are followed."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 6))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
    graph = hpq.from_torch(net, torch.zeros(1, 6))
    q = hpq.quantize(graph, x[:100], {"default": {"weight": 3, "activation": 6}})
    pair = (x[500:], graph.predict(x[500:]))
    train = (x[:500], graph.predict(x[:500])) if loss == "mse" else x[:500]
    result = hpq.finetune(q, train, pair, loss=loss, metric="mse", epochs=20, batch_size=16)
    assert result.accuracy_after > 0.7 * result.accuracy_before  # both are negative
    error = result.best.predict(pair[0]) - pair[1]
    assert result.accuracy_after == -float(np.square(error).mean())
    with pytest.raises(ConfigError, match="loss distillation compares classes"):
        hpq.finetune(q, x, pair, loss="distillation", metric="mse")


def test_the_start_stays_where_nothing_is_better(q, data) -> None:
    train, validation = data
    result = hpq.finetune(q, train[0][:64], validation, epochs=2, learning_rate=1e-9)
    assert result.best is q
    assert result.best_epoch == 0
    assert result.accuracy_after == result.accuracy_before
    assert [epoch.accuracy for epoch in result.history] == [result.accuracy_before] * 2


def test_nothing_else_changes_and_nothing_else_matters(q, data) -> None:
    """Torch's and numpy's generators, threads and modes stay, and have no influence."""
    train, validation = data
    threads = torch.get_num_threads()
    call = {"epochs": 1, "batch_size": 100, "seed": 5}
    first = hpq.finetune(q, train[0], validation, **call)
    torch.set_num_threads(2)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002  (the generator that others may use)
    random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    try:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            second = hpq.finetune(q, train[0], validation, **call)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]
    assert first.history == second.history
    assert integers(first.best) == integers(second.best)
    other = hpq.finetune(q, train[0], validation, epochs=1, batch_size=100, seed=6)
    assert other.history != first.history


def test_the_loss_that_is_usual(q, data) -> None:
    """Labels count where there are some."""
    (x, y), validation = data
    pairs = (((x[:200], y[:200]), "combined"), (x[:200], "distillation"))
    for train, loss in pairs:
        usual = hpq.finetune(q, train, validation, epochs=1)
        named = hpq.finetune(q, train, validation, epochs=1, loss=loss)
        assert usual.history == named.history
    with pytest.raises(DataError, match="class numbers from 0 to 9"):
        hpq.finetune(q, (x, y + 1), validation)


def test_another_teacher(graph, q, data) -> None:
    """The outputs that training follows are the teacher's."""
    train, validation = data
    same = hpq.finetune(q, train[0][:100], validation, epochs=1, teacher=q.graph)
    default = hpq.finetune(q, train[0][:100], validation, epochs=1)
    other = hpq.finetune(q, train[0][:100], validation, epochs=1, teacher=default.graph)
    assert same.history == default.history
    assert other.history != default.history
    wrong = hpq.from_torch(nn.Sequential(nn.Flatten(), nn.Linear(64, 9)), torch.zeros(1, 1, 8, 8))
    with pytest.raises(ConfigError, match=r"the teacher returns \(9,\) and the quantized network \(10,\)"):
        hpq.finetune(q, train[0], validation, teacher=wrong)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"loss": "hinge"},
            "loss is 'hinge'; choose one of distillation, combined, imitation, cross_entropy, mse",
        ),
        ({"epochs": 0}, "epochs is 0; give a whole number of at least 1"),
        ({"epochs": True}, "epochs is True"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"seed": -1}, "seed is -1; give a whole number of at least 0"),
        ({"learning_rate": 0}, "learning_rate is 0; give a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"metric": "f7"}, "f7"),
    ],
)
def test_settings_that_are_refused(settings: dict, reason: str, q, data) -> None:
    with pytest.raises(ConfigError, match=reason):
        hpq.finetune(q, data[0], data[1], **settings)


def test_data_that_is_refused(q, data) -> None:
    (x, y), validation = data
    for train, loss, reason in (
        (x, "cross_entropy", "loss cross_entropy needs labels; give the training data as a pair"),
        ((x, y[:-1]), "cross_entropy", "1200 samples"),
        ((x, y + 1), "cross_entropy", "class numbers from 0 to 9"),
        ((x, y), "mse", "output is"),
        (x[:, :, :7], None, "network takes"),
        (np.where(x == 0, np.nan, x), None, "NaN"),
    ):
        with pytest.raises(DataError, match=reason):
            hpq.finetune(q, train, validation, loss=loss)
    with pytest.raises(DataError, match="validation must be a pair"):
        hpq.finetune(q, x, x)
    with pytest.raises(DataError, match="samples"):
        hpq.finetune(q, x, (x, y[:-1]))


def test_a_network_without_weights_is_refused(data) -> None:
    pool = hpq.from_torch(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), torch.zeros(1, 1, 8, 8))
    (x, _), (x_val, _) = data
    with pytest.raises(ConfigError, match="has no weights, so there is nothing to fine-tune"):
        hpq.finetune(hpq.quantize(pool, x[:50], 8), x, (x_val, np.zeros(len(x_val), int)))


def test_a_loss_that_diverges(q, data) -> None:
    (x, y), validation = data
    targets = np.full((len(y), 10), 1e30)
    with pytest.raises(
        ConfigError, match=r"the loss is inf in epoch 1 of fine-tuning; lower learning_rate \(0.01\)"
    ):
        hpq.finetune(q, (x, targets), validation, loss="mse")
