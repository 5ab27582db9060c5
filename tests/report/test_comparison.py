"""The page of several designs."""

from hpq_hls.report.comparison import comparison_chart, render_comparison
from tests.report.test_page import LARGEST, parsed, text_of


def test_figures_of_every_design_are_there(compared):
    shown = text_of(render_comparison(compared))
    for figure in (
        "2 designs side by side", "98.61 %", "95.00 %", "2,345 LUT", "1,111 -52.6 %", "Cost: LUT + 55 DSP",
        "3 / 4", "2 / 4", "23.4 dB", "12.3 dB", "conv1_matvec sets the interval", "2 × 4 bit · FIFO 57",
    ):  # fmt: skip
        assert figure in shown, figure


def test_names_cannot_become_markup(compared):
    page = parsed(render_comparison(compared))
    assert "<b>pareto</b>:1" in "".join(page.text)
    assert [url for url in page.fetched if not url.startswith("#")] == ["data:,"]


def test_places_go_by_the_cost_that_the_axis_names(compared):
    first, second = comparison_chart(compared["rows"])["points"]
    assert (first["cost"], second["cost"]) == ("2,730", "1,221")  # 2,345 + 7 * 55; 1,111 + 2 * 55
    assert first["x"] > second["x"]
    assert first["y"] < second["y"]  # higher on the page


def test_without_scores_or_details_it_is_a_page_too(compared):
    for row in compared["rows"]:
        row.update(scores=None, trace=None, flow=None)
    shown = text_of(render_comparison(compared))
    assert "Accuracy against cost" not in shown
    assert "Dataflow" not in shown


def test_it_is_small(compared):
    assert len(render_comparison(compared)) <= LARGEST
