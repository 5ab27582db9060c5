"""The terminal tables: every figure of a result is in them."""

import io

from rich.console import Console

from hpq_hls.report import tables


def shown(renderable) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def test_the_summary_has_the_line_for_everything(summary):
    table = shown(tables.summary_table(summary))
    for figure in (
        "float accuracy (test split, 360 samples)", "99.17 %", "98.61 %", "272 bits",
        "2,560 bits, 9.41 x larger",
        "680 bits, 2.50 x larger", "pixels -/5, conv1 3/4", "2,345  (4.4 % of xc7z020)", "a model of Yosys",
        "452 cycles (2.26 us) by co-simulation; 450 cycles (2.25 us) estimated", "146 cycles (0.73 us)",
        "2,000 words compared, 0 different", "4,321 words compared, 0 different",
    ):  # fmt: skip
        assert figure in table, figure
    assert "FAILED" not in table


def test_a_failure_is_shown(failed):
    assert "4,321 words compared, 3 different, FAILED" in shown(tables.summary_table(failed))
    table = shown(tables.verify_table(failed["verify"]))
    assert "FAILED" in table
    assert "rtl: packet 2, beat 0: <b>expected</b> 7, got 8" in table


def test_a_check_that_failed_without_a_wrong_word_is_shown(summary):
    summary["verify"]["checks"][1].update(passed=False, failures=["TLAST is missing"])
    assert "0 different, FAILED" in shown(tables.summary_table(summary))


def test_without_verification_the_summary_says_so(summary):
    summary["verify"] = None
    table = shown(tables.summary_table(summary))
    assert "not run since the last change" in table
    assert "not measured by co-simulation" in table


def test_the_front_marks_what_was_chosen(summary):
    lines = shown(tables.search_tables(summary["search"])).splitlines()
    (chosen,) = [line for line in lines if "<- chosen" in line]
    assert "95.00 %" in chosen
    assert "1,234" in chosen


def test_estimates_name_their_stage_and_part(summary):
    table = shown(tables.estimate_tables(summary["estimate"]))
    for figure in ("a model of Yosys", "of xc7z020", "4.4 %", "4 x 9", "450 cycles (2.25 us)"):
        assert figure in table


def test_combinations_stand_side_by_side(summary):
    row = {
        "network": summary["network"],
        "scores": summary["scores"],
        "estimate": summary["estimate"]["estimate"],
    }
    table = shown(
        tables.compare_table(
            {"rows": [{**row, "label": "a.yaml"}, {**row, "label": "b.yaml", "scores": None}]}
        )
    )
    assert "a.yaml" in table
    assert "98.61 %" in table
    assert "3/4" in table


def test_names_with_brackets_are_not_taken_for_markup(summary):
    summary["network"]["layers"][1]["name"] = "[bold]x[/bold]"
    assert "[bold]x[/bold]" in shown(tables.layers_table(summary["network"]))


def test_other_metrics_have_no_percent(summary):
    summary["scores"]["metric"] = "mse"
    assert "-0.0125" in shown(
        tables.summary_table({**summary, "scores": {**summary["scores"], "float_score": -0.0125}})
    )
