"""Metrics: what they score, what they take, and a function of the user's own."""

# ruff: noqa: E501  # a row of a table of mistakes reads best on one line

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.externals.loky import get_reusable_executor
from sklearn.metrics import mean_absolute_error, mean_squared_error, roc_auc_score, top_k_accuracy_score
from torch import nn

from hpq_hls.errors import ConfigError, DataError
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph
from hpq_hls.search import search
from hpq_hls.search.metric import (
    Kind,
    area_under_roc,
    check_targets,
    find_metric,
    kind_of,
    shown,
    title,
)

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def problem() -> tuple[Graph, Array, Array]:
    torch.manual_seed(1)
    graph = from_torch(nn.Sequential(nn.Linear(5, 4)).eval(), torch.zeros(2, 5))
    x = RNG.normal(size=(120, 5))
    return graph, x, graph.predict(x).argmax(1)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k_is_scikit_learn_s(k: int) -> None:
    outputs, labels = RNG.normal(size=(200, 10)), RNG.integers(0, 10, 200)
    assert find_metric(f"top{k}")(outputs, labels) == top_k_accuracy_score(
        labels, outputs, k=k, labels=range(10)
    )


@given(st.data())
def test_of_equal_outputs_the_first_counts(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=1, max_size=8))
    labels = data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows)))
    for k in (1, 2, 3, 4):
        first = [sorted(range(5), key=lambda index, row=row: (-row[index], index))[:k] for row in rows]
        expected = sum(label in best for label, best in zip(labels, first, strict=True)) / len(rows)
        assert find_metric(f"top{k}")(np.array(rows, float), np.array(labels)) == expected


def test_losses_are_minus_what_scikit_learn_says() -> None:
    outputs, targets = RNG.normal(size=(50, 3, 2)), RNG.normal(size=(50, 6))
    flat = outputs.reshape(50, 6)
    # means of 300 numbers, summed in another order
    assert find_metric("mse")(outputs, targets) == pytest.approx(
        -mean_squared_error(targets, flat), rel=1e-13
    )
    assert find_metric("mae")(outputs, targets) == pytest.approx(
        -mean_absolute_error(targets, flat), rel=1e-13
    )
    assert find_metric("mse")(np.array([[1.0], [3.0]]), np.array([0.0, 0.0])) == -5.0
    assert find_metric("mae")(np.array([[1.0], [-3.0]]), np.array([0, 0])) == -2.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_the_area_is_the_share_of_pairs_in_order(samples: list[tuple[int, bool]]) -> None:
    ups, downs = ([score for score, kind in samples if kind is wanted] for wanted in (True, False))
    if not ups or not downs:
        return
    points = sum(2 * (up > down) + (up == down) for up in ups for down in downs)
    found = area_under_roc(
        np.array([float(score) for score, _ in samples]), np.array([kind for _, kind in samples])
    )
    assert found == points / 2 / (len(ups) * len(downs))


def test_auc_is_scikit_learn_s() -> None:
    metric = find_metric("auc")
    labels = RNG.integers(0, 2, 300)
    scores = np.round(RNG.normal(size=300) + labels, 1)  # with many ties
    # sums of trapezoids against ranks
    assert metric(scores[:, None], labels) == pytest.approx(roc_auc_score(labels, scores), rel=1e-13)
    both = np.stack([-scores, scores], axis=1)
    assert metric(both, labels) == pytest.approx(roc_auc_score(labels, scores), rel=1e-13)
    classes = RNG.integers(0, 4, 300)
    raw = np.round(RNG.normal(size=(300, 4)) + 2 * np.eye(4)[classes], 1)
    share = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    expected = roc_auc_score(classes, share, multi_class="ovr", average="macro")
    assert metric(share, classes) == pytest.approx(expected, rel=1e-13)


def test_classes_that_do_not_occur_have_no_area() -> None:
    outputs = np.eye(3)[[0, 0, 2]]
    assert find_metric("auc")(outputs, np.array([0, 0, 2])) == 1.0
    assert find_metric("auc")(outputs, np.array([0, 2, 2])) == 0.75


@pytest.mark.parametrize(
    ("name", "y", "shape", "message"),
    [
        ("top3", np.zeros(4), (3,), "metric top3 is always 1 for a network with 3 outputs; choose a smaller k"),
        ("top2", np.full(4, 3), (3,), "y must hold class numbers from 0 to 2"),
        ("auc", np.zeros(4), (1,), "y holds class 0 only; metric auc needs samples of two classes or more"),
        ("auc", np.array([0, 1, 2, 1]), (1,), "y must hold class numbers from 0 to 1"),
        ("auc", np.array([0, 0.5, 1, 1]), (1,), "y must hold class numbers from 0 to 1"),
        ("mae", np.zeros((4, 2)), (3,), r"y has shape \(4, 2\) but the network's output is \(batch, \(3,\)\)"),
        ("nets:score", np.zeros(3), (3,), "y has shape .* but x has 4 samples"),
        ("nets:score", np.array([0, 1, np.inf, 0]), (3,), "y must hold finite numbers"),
    ],
)  # fmt: skip
def test_unsuitable_targets_are_refused(name: str, y: Array, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_targets(name, y, 4, shape)


def test_a_function_takes_targets_as_they_are() -> None:
    y = np.arange(12.0).reshape(4, 3)
    assert check_targets("nets:score", y, 4, (7,)) is y


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            "f1",
            "metric is 'f1'; choose one of top1, mse, mae, auc, top5 (any number), or package.module:function",
        ),
        ("msee", "metric is 'msee'; did you mean 'mse'?"),
        ("top0", "metric is 'top0'; did you mean 'top1'?"),
        ("a:", "metric is 'a:'; choose one of"),
        (7, "metric is 7; give a name or a function"),
        ("no_such_module:score", "metric names no_such_module:score, which cannot be imported"),
        ("math:nothing", "metric names math:nothing, which cannot be imported"),
        ("math:pi", "metric names math:pi, which is a float and no function"),
    ],
)
def test_what_is_no_metric_is_refused(metric: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_metric(metric)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("metric", "drop", "message"),
    [
        ("top5", 1.5, "max_drop is 1.5; it is a share of accuracy from 0 to 1"),
        ("auc", -0.1, "max_drop is -0.1; it is a part of the area under the curve from 0 to 1"),
        ("mae", -1, "max_drop is -1; it is by how much the error may grow, from 0 on"),
        (max, float("nan"), "max_drop is nan; it is by how much the score may fall, from 0 on"),
        ("mse", float("inf"), "max_drop is inf; it is by how much"),
        ("top1", True, "max_drop is True; it is a share"),
    ],
)
def test_a_drop_that_cannot_be_is_refused(metric: Any, drop: float, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_metric(metric).check_drop(drop)
    assert str(caught.value) == message or str(caught.value).startswith(message)
    find_metric("mse").check_drop(50.0)


def balanced(outputs: Array, targets: Array) -> float:
    """Mean over the classes of the share of right answers."""
    right = outputs.argmax(axis=1) == targets
    return float(np.mean([right[targets == number].mean() for number in np.unique(targets)]))


def test_a_function_is_a_metric(problem: tuple[Graph, Array, Array]) -> None:
    graph, x, y = problem
    found = search(
        graph, x[:40], (x, y), metric=balanced, max_drop=0.1, objective="weight_bits",
        weight_bits=(2, 3, 5), activation_bits=(6,),
    )  # fmt: skip
    assert found.metric == f"{__name__}:balanced"
    assert found.float_accuracy == 1.0
    assert found.best_point.accuracy == balanced(found.best.predict(x), y) >= 0.9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_helpers.py").write_text("def right(a, b):\n    return (a.argmax(1) == b)\n")
    (tmp_path / "own_scores.py").write_text(
        "from own_helpers import right\n\n\nclass Scores:\n    @staticmethod\n"
        "    def half(outputs, targets):\n        return right(outputs, targets).mean() / 2\n"
    )
    return tmp_path


def test_a_function_is_found_in_the_project_s_folder_and_by_workers(
    problem: tuple[Graph, Array, Array], folder: Path
) -> None:
    graph, x, y = problem
    metric = find_metric("own_scores:Scores.half", folder)
    assert metric.name == "own_scores:Scores.half"
    assert "own_scores" not in sys.modules
    assert str(folder) not in sys.path
    assert pickle.loads(pickle.dumps(metric))(graph.predict(x), y) == 0.5
    try:
        found = search(
            graph, x[:40], (x, y), metric=metric, max_drop=0.1, objective="weight_bits",
            weight_bits=(2, 3, 5), activation_bits=(6,), n_jobs=2,
        )  # fmt: skip
    finally:
        get_reusable_executor().shutdown()
    assert found.float_accuracy == 0.5
    assert found.metric == "own_scores:Scores.half"


def failing(outputs: Array, targets: Array) -> float:
    raise RuntimeError("no idea\nat all")


def undefined(outputs: Array, targets: Array) -> float:
    return float("nan")


def silent(outputs: Array, targets: Array) -> None:
    return None


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (failing, "which fails with RuntimeError: no idea; it must return a number for (outputs, targets)"),
        (undefined, "which returned nan; it must be finite"),
        (silent, "which fails with TypeError: "),
    ],
)
def test_a_function_that_fails_is_one_sentence(
    problem: tuple[Graph, Array, Array], function: Callable[[Array, Array], Any], message: str
) -> None:
    graph, x, y = problem
    with pytest.raises(ConfigError) as caught:
        search(graph, x[:40], (x, y), metric=function)
    assert str(caught.value).startswith(f"metric is {__name__}:{function.__name__}, {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "heading", "text"),
    [
        ("top1", Kind.SHARE, "accuracy", "98.76 %"),
        ("top5", Kind.SHARE, "top-5 accuracy", "98.76 %"),
        ("auc", Kind.AREA, "ROC-AUC", "0.9876"),
        ("pkg.mod:own", Kind.FREE, "score (pkg.mod:own, larger is better)", "0.98764"),
    ],
)
def test_scores_are_shown_as_people_read_them(name: str, kind: Kind, heading: str, text: str) -> None:
    assert (kind_of(name), title(name), shown(name, 0.98764)) == (kind, heading, text)


def test_an_error_is_shown_without_its_sign() -> None:
    assert title("mse") == "MSE (smaller is better)"
    assert shown("mse", -0.25) == "0.25"
    assert shown("mae", 0.0) == shown("mae", -0.0) == "0"
