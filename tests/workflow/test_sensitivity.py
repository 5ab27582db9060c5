"""What each width does alone, out of the points of a search."""

import itertools

from hpq_hls.quantize.precision import parse_precision
from hpq_hls.search import Point
from hpq_hls.workflow.sensitivity import explored, sensitivity


def point(accuracy=1.0, error=0.0, **layers) -> Point:
    return Point(accuracy, 1.0, parse_precision({"layers": layers}), 1, error=error)


def test_single_steps_from_the_widest_are_found_and_nothing_else():
    wide, narrow = {"weight": 8, "activation": 6}, {"weight": 4, "activation": 6}
    points = [
        point(0.9, 0.1, a=wide, b=wide),
        point(0.7, 0.2, a=narrow, b=wide),
        point(0.6, 0.3, a=wide, b=narrow),
        point(0.1, 0.9, a=narrow, b=narrow),
    ]
    found = sensitivity(points)
    assert [(one.variables, one.width, round(one.lost, 9), one.error) for one in found] == [
        (("a.weight",), 8, 0.0, 0.1),
        (("a.weight",), 4, 0.2, 0.2),
        (("b.weight",), 8, 0.0, 0.1),
        (("b.weight",), 4, 0.3, 0.3),
    ]


def test_layers_that_share_a_width_are_one():
    found = sensitivity([point(a={"weight": w}, b={"weight": w}) for w in (8, 4)])
    assert {one.variables for one in found} == {("a.weight", "b.weight")}
    assert [one.width for one in found] == [8, 4]


def test_without_the_widest_nothing_is_said():
    assert (
        sensitivity([point(a={"weight": 8}, b={"weight": 4}), point(a={"weight": 4}, b={"weight": 8})]) == ()
    )
    assert sensitivity([]) == ()


def test_rounding_modes_are_no_widths():
    chosen = itertools.product((8, 4), ("AP_RND", "AP_TRN"))
    points = [point(a={"activation": width, "rounding": mode}) for width, mode in chosen]
    assert {one.variables for one in sensitivity(points)} == {("a.activation",)}


def test_widths_of_all_points_are_kept_in_order():
    points = [point(error=0.123456, a={"weight": 8, "activation": 5}), point(b={"activation": 3})]
    held = explored(points)
    assert held.variables == ("a.weight", "a.activation", "b.activation")
    assert held.widths == ("8 5 -", "- - 3")
    assert held.errors == (0.1235, 0.0)
