"""Axes, the front, histograms, shades and the layout of the dataflow."""

import itertools
import random

import pytest

from hpq_hls.report.axes import Axis, padded
from hpq_hls.report.dataflow import PITCH_X, WIDE, dataflow_chart
from hpq_hls.report.heat import CLASSES, confusion_matrix, heat_map
from hpq_hls.report.histograms import histograms
from hpq_hls.report.layered import draw
from hpq_hls.report.pareto import pareto_chart


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (7_500, 16_900, ["8,000", "10,000", "12,000", "14,000", "16,000"]),
        (0.961, 0.987, ["0.965", "0.970", "0.975", "0.980", "0.985"]),
        (-0.3, 0.3, ["-0.2", "0.0", "0.2"]),
    ],
)
def test_ticks_are_round(low, high, labels):
    assert [label for _, label in Axis(low, high).ticks(4 if low < 0 else 5)] == labels


def test_places_are_in_percent_of_the_frame():
    assert [Axis(10, 20).place(value) for value in (10, 15, 20)] == [0, 50, 100]
    assert [Axis(10, 20, flipped=True).place(value) for value in (10, 12.5)] == [100, 75]


def test_one_value_has_an_axis_too():
    low, high = padded([5.0])
    assert low < 5 < high
    assert padded([0.0]) == (-1, 1)


def test_the_front_has_every_point_with_its_widths(summary):
    chart = pareto_chart(summary["search"])
    roles = [point["role"] for point in chart["points"]]
    assert roles == ["measured", "measured", "uniform", "front", "chosen"]
    assert chart["left_out"] == 2  # 20 % accuracy at a cost of 2,000, and 90 %, far below what is allowed
    best = chart["points"][-1]
    assert (best["widths"], best["cost"], best["score"], best["drop"]) == (
        "5 3 4",
        "1,234",
        "95.00 %",
        "1.00 points",
    )
    assert best["row"] == 2
    assert all(0 <= point["x"] <= 100 and 0 <= point["y"] <= 100 for point in chart["points"])
    assert chart["titles"] == ("Cost: LUT + 55 DSP", "accuracy on the validation split")


def test_the_front_goes_up_in_steps(summary):
    steps = pareto_chart(summary["search"])["steps"]
    for (x1, y1), (x2, y2) in itertools.pairwise(steps):
        assert (x1 == x2) != (y1 == y2)
        assert x2 >= x1
        assert y2 <= y1  # upwards


def test_a_search_that_found_nothing_says_so(summary):
    summary["search"]["feasible"] = False
    assert pareto_chart(summary["search"])["points"][-1]["role"] == "closest"


def test_bars_beyond_the_range_are_told_from_those_within(summary):
    weights, outputs = histograms(summary["trace"], summary["network"])
    assert (weights["what"], outputs["what"]) == ("weights", "output")
    assert outputs["band"] == [1, 6]  # -1.875 .. 1.875, in bars of 0.75 from -2.625 on
    assert outputs["inside"] == "M0 100V100h1V43h1V19h1V0h1V43h1V76h1V100h1V100z"
    assert outputs["beyond"] == "M0 100V76h1V100h1V100h1V100h1V100h1V100h1V61h1V100z"
    assert outputs["clips"]
    assert outputs["saturated"] == "1.2 % saturate"
    assert weights["saturated"] == "none saturates"
    assert weights["type"] == "ap_fixed<3,2,AP_RND,AP_SAT>"


def test_shades_go_by_the_error_and_cells_say_what_is_lost(summary):
    heat = heat_map(summary["search"])
    assert heat["widths"] == [8, 5, 3]
    (first, cells), (second, others) = heat["rows"]
    assert (first, second) == ("pixels.activation", "conv1.weight")
    assert [cell and (cell["shade"], cell["lost"], cell["chosen"]) for cell in cells] == [
        (0, "0.00", False),
        (5, "1.23", True),
        None,
    ]
    assert others[2]["shade"] == 7
    assert heat["unit"] == "points"
    summary["search"]["sensitivity"] = []
    assert heat_map(summary["search"]) is None


def test_a_confusion_matrix_counts_every_sample(summary):
    matrix = confusion_matrix(summary["confusion"])
    assert sum(cell["count"] for _, cells, _ in matrix["rows"] for cell in cells) == 360
    assert matrix["rows"][0][2] == "97.5 %"
    assert matrix["rows"][0][1][2] == {"count": 3, "float": 2, "right": False, "shade": 2}
    assert matrix["pairs"] == [(0, 2, 3, 2)]


def test_of_many_classes_the_confusions_are_listed(summary):
    summary["confusion"]["classes"] = CLASSES + 1
    matrix = confusion_matrix(summary["confusion"])
    assert matrix["rows"] == []
    assert matrix["pairs"] == [(0, 2, 3, 2)]


def test_a_chain_is_drawn_straight():
    drawing = draw(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert [drawing.nodes[name] for name in "abc"] == [(0.5, 0), (0.5, 1), (0.5, 2)]


def test_a_branch_that_jumps_passes_beside_the_other():
    drawing = draw(["fork", "work", "join"], [("fork", "work"), ("work", "join"), ("fork", "join")])
    way = drawing.edges[2]
    assert len(way) == 3
    assert abs(way[1][0] - drawing.nodes["work"][0]) > 0.5


@pytest.mark.parametrize("seed", range(20))
def test_boxes_never_overlap_and_every_edge_goes_down(seed):
    rng = random.Random(seed)
    count = rng.randint(2, 30)
    names = [f"k{number}" for number in range(count)]
    edges = [
        (f"k{rng.randrange(end)}", f"k{end}") for end in range(1, count) for _ in range(rng.randint(1, 2))
    ]
    drawing = draw(names, edges)
    for (start, end), way in zip(edges, drawing.edges, strict=True):
        assert way[0] == drawing.nodes[start]
        assert way[-1] == drawing.nodes[end]
        assert [layer for _, layer in way] == list(range(way[0][1], way[-1][1] + 1))
    for one in names:
        x, layer = drawing.nodes[one]
        assert x - 0.5 >= -1e-6
        assert x + 0.5 <= drawing.columns + 1e-6
        assert layer < drawing.layers
        for other in names:
            if other != one and drawing.nodes[other][1] == layer:
                assert abs(drawing.nodes[other][0] - x) * PITCH_X >= WIDE


def test_the_dataflow_marks_what_sets_the_interval_and_has_its_ports(summary):
    chart = dataflow_chart(summary["flow"])
    assert [box["name"] for box in chart["boxes"] if box["slowest"]] == ["conv1_matvec"]
    assert [box["name"] for box in chart["boxes"] if box["port"]] == ["s_axis", "m_axis"]
    assert len(chart["lines"]) == 6
    known = dict(next(box for box in chart["boxes"] if box["slowest"])["rows"])
    assert known["cycles per frame"] == "128, sets the interval"
    assert known["folding"] == "PE 4 × SIMD 9"
