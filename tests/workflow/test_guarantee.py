"""What is said of a drop that is larger than was asked for."""

from dataclasses import replace

import pytest

from hpq_hls.search.significance import BOOTSTRAP, SCORE, TestScore
from hpq_hls.workflow.guarantee import beyond

TEST = TestScore(360, 0.98, 0.9689, 0.0111, (0.96, 0.99), (0.95, 0.98), (-0.0041, 0.0263), 0.2, 6, 2, SCORE)


def test_a_drop_that_is_larger_is_one_sentence() -> None:
    assert beyond(TEST, 0.005, "top1", "test") == (
        "the drop on the test data, 1.11 points, is more than the 0.50 allowed (95 %: -0.41 to 2.63 points); "
        "search with more validation data, or ask for a smaller max_drop"
    )
    assert beyond(TEST, 0.005, "top1", "test", "fine-tuned network's ").startswith(
        "the fine-tuned network's drop on the test data, 1.11 points, is"
    )


@pytest.mark.parametrize(("drop", "said"), [(0.5, False), (0.5 + 1e-12, False), (0.51, True), (-1.0, False)])
def test_what_is_allowed_is_allowed(drop: float, said: bool) -> None:
    assert bool(beyond(replace(TEST, drop=drop), 0.5, "top1", "test")) == said


def test_errors_have_no_points() -> None:
    errors = replace(TEST, drop=0.25, drop_interval=(0.1, 0.4), lost=None, gained=None, method=BOOTSTRAP)
    assert beyond(errors, 0.2, "mse", "validation").startswith(
        "the drop on the validation data, 0.25, is more than the 0.2 allowed (95 %: 0.1 to 0.4); search with "
    )
