"""The terminal tables: every figure of a result is in them."""

import io
import re

from rich.console import Console

from hpq_hls.report import search_tables, tables, tool_tables

UNASKED = {"confidence": None, "certified": False, "drop_bound": None, "confirmation": None}
TUNED = {
    "accuracy_before": 0.95,
    "accuracy_after": 0.96,
    "epochs": 5,
    "best_epoch": 3,
    "seconds": 1.0,
    "cost": 1300.0,
    "limits": ["2,400 LUTs of at most 42,560 (80 % of xc7z020)"],
    "exceeded": "",
    "used": True,
    "file": "build/finetuned.hpq",
    "test": None,
}


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


def test_a_reason_is_shown_once(failed):
    """What it explains is not said again, whatever else failed is."""
    verify = failed["verify"]
    checks = verify["checks"]
    checks.append({**checks[1], "scenario": "random_gaps", "failures": ["packet 2, beat 0: and again"]})
    checks.append(
        {**checks[1], "what": "kernels alone", "scenario": None, "failures": ["fc1_matvec is wrong"]}
    )
    checks.append({**checks[1], "scenario": "reset_mid_stream", "failures": ["TVALID is high"]})
    sentence = "rtl: matvec fc1_matvec is the first that differs"
    labels = ["back_to_back", "random_gaps", "kernels alone"]
    verify["reasons"] = [{"backend": "rtl", "checks": labels, "sentence": sentence}]
    assert tables.failure_lines(verify) == [sentence, "rtl: TVALID is high"]
    verify["wave"] = {"sentence": "wave.fst shows it"}
    table = shown(tables.verify_table(verify))
    assert table.count("fc1_matvec is") == 1
    assert "wave.fst shows it" in table
    verify["reasons"] = []
    checks[2]["failures"] = checks[1]["failures"]
    assert len(tables.failure_lines(verify)) == 3


def test_what_frames_reach_is_shown_and_what_they_do_not(summary):
    table = shown(tables.verify_table(summary["verify"]))
    assert "What the 64 chosen frames reach" in table
    assert re.search(r"conv1 +│ +100 % +│ +- +│ +- +│ +- +│ +0 % +│ +- +│ +- +│ +98 % +│ +- +│ +62 %", table)
    assert "conv1: high saturation never reached" in table
    assert "note: co-simulation runs 3 of the 64 chosen frames" in table
    coverage = summary["verify"]["coverage"]
    coverage["unreached"] *= 6
    assert "and 4 more" in shown(tables.verify_table(summary["verify"]))
    summary["verify"]["coverage"] = None
    assert "chosen frames reach" not in shown(tables.verify_table(summary["verify"]))


def test_a_check_that_failed_without_a_wrong_word_is_shown(summary):
    summary["verify"]["checks"][1].update(passed=False, failures=["TLAST is missing"])
    assert "0 different, FAILED" in shown(tables.summary_table(summary))


def test_without_verification_the_summary_says_so(summary):
    summary["verify"] = None
    table = shown(tables.summary_table(summary))
    assert "not run since the last change" in table
    assert "not measured by co-simulation" in table


def test_the_front_marks_what_was_chosen(summary):
    lines = shown(search_tables.search_tables(summary["search"])).splitlines()
    (chosen,) = [line for line in lines if "<- chosen" in line]
    assert "95.00 %" in chosen
    assert "1.00 points" in chosen
    assert "1,234" in chosen


def test_a_choice_beside_the_front_is_marked_too(summary):
    """It has narrower widths than the front's point of the same cost."""
    best = {**summary["search"]["best"], "accuracy": 0.94, "precision": {"layers": {"conv1": {"weight": 2}}}}
    lines = shown(search_tables.front_table({**summary["search"], "best": best})).splitlines()
    (chosen,) = [line for line in lines if "<- chosen" in line]
    assert "94.00 %" in chosen
    assert sum("1,234" in line for line in lines) == 2


def test_a_long_front_is_cut_around_the_choice(summary):
    search = summary["search"]
    search["pareto"] = [{**search["best"], "cost": float(cost)} for cost in range(1000)]
    for cost, point in enumerate(search["pareto"]):
        point["precision"] = {"layers": {"conv1": {"weight": cost}}}
    search["best"] = search["pareto"][500]
    table = shown(search_tables.front_table(search))
    assert "Pareto front, 24 of 1000 points" in table
    assert "<- chosen" in table
    assert len(table.splitlines()) < 32


def test_a_search_says_everything_it_found(summary):
    table = " ".join(shown(search_tables.search_tables(summary["search"])).split())
    for figure in (
        "float accuracy (validation, 360 samples)", "95.00 %, drop 1.00 points of 1.00 points",
        "float accuracy (test, 360 samples)", "99.17 % (95%: 97.58 .. 99.72 %)",
        "98.61 % (95%: 96.79 .. 99.41 %)", "0.56 points (95%: -0.41 .. 1.78 points; p = 0.625)",
        "3.00 bits", "2.50 x below uniform 8 bit, 9.41 x below float32",
        "2,345 LUTs of at most 42,560", "3 combinations in 1.5 s (1 of them by an earlier run)",
        "no width can be one step narrower: 3 steps evaluated, none feasible",
        "build/precision.yaml", "build/pareto.csv and build/pareto.json",
        "ap_fixed<3,2,AP_RND,AP_SAT> << 0..2",
    ):  # fmt: skip
        assert figure in table, figure


def test_no_certificate_is_claimed_that_there_is_not(summary):
    search = summary["search"]
    search["certificate"].update(evaluated=2, minimal=False)
    assert "none: 2 of 3 steps narrower were evaluated" in shown(search_tables.search_tables(search))
    search["feasible"] = False
    assert "none: no combination is feasible" in shown(search_tables.search_tables(search))


def test_rounding_has_a_column_where_it_was_chosen(summary):
    search = summary["search"]
    assert "rounding" not in shown(search_tables.search_tables(search))
    search["best"]["precision"]["layers"]["conv1"]["rounding"] = "AP_TRN"
    table = shown(search_tables.search_tables(search))
    assert "rounding" in table
    assert "AP_TRN" in table


def test_estimates_name_their_stage_and_part(summary):
    table = shown(tables.estimate_tables(summary["estimate"]))
    for figure in ("a model of Yosys", "of xc7z020", "4.4 %", "4 x 9", "450 cycles (2.25 us)"):
        assert figure in table
    assert "latency of the vitis C++, modelled" in table
    assert "455 to 802 cycles" in table


def test_reports_of_an_hls_tool_stand_beside_the_estimate(summary):
    module = {"name": "fc_s", "lut": 5, "ff": 6, "dsp": 0, "bram": 0}
    report = {
        "lut": 1234,
        "ff": 5,
        "dsp": 6,
        "bram": 7,
        "uram": 3,
        "tool": "Vitis HLS",
        "version": "2023.2",
        "stage": "C synthesis",
        "fmax_mhz": 250.0,
        "slack_ns": -0.25,
        "latency_cycles": 600,
        "interval_cycles": 147,
        "modules": [module],
        "loops": [{"module": "fc_s", "name": "steps", "ii": 2, "depth": 9, "trip_count": 64}],
        "violations": [{"module": "fc_s", "place": "steps", "issue": "II", "why": "Memory Dependency"}],
        "cosim": {"passed": True, "latency_cycles": [601, 601, 603], "interval_cycles": [None, None, None]},
        "implementations": [
            {
                "run": "impl",
                "lut": 777,
                "ff": 5,
                "dsp": 6,
                "bram": 7,
                "uram": 0,
                "slack_ns": 0.125,
                "met": True,
            }
        ],
    }
    result = {
        "report": report,
        "capacity": summary["estimate"]["capacity"],
        "precision": summary["precision"],
        "stage": "a model of Yosys",
        "latency_range": [455, 802],
        "interval_range": [146, 148],
        "kernels": [
            {
                "kernel": "fc",
                "kind": "matvec",
                "module": "fc_s",
                "implemented": None,
                "estimated": {"lut": 3, "ff": 4, "dsp": 0, "bram": 0},
                "reported": {"lut": 5, "ff": 6, "dsp": 0, "bram": 0},
            }
        ],
    }
    table = shown(tool_tables.synth_tables(result))
    for figure in (
        *("Vitis HLS 2023.2: C synthesis", "-0.250 ns", "missed", "600 cycles", "modelled 455 to 802"),
        *(
            "co-simulation by the tool",
            "passed",
            "601 to 603 cycles",
            "LUT, placed and routed",
            "777",
            "0.125 ns",
        ),
        *("5 / 3", "a model of Yosys", "steps", "Violation: fc_s, steps: II (Memory Dependency)."),
    ):
        assert figure in table, figure


def test_combinations_stand_side_by_side(summary):
    row = {
        "network": summary["network"],
        "scores": summary["scores"],
        "estimate": summary["estimate"]["estimate"],
        "guarantee": None,
        "precision": summary["precision"],
        "misfit": None,
    }
    more = {**row, "network": {**row["network"], "weight_bits": 544}}
    table = shown(
        search_tables.compare_table(
            {"rows": [{**row, "label": "a.yaml"}, {**more, "label": "b.yaml", "scores": None}]}
        )
    )
    for figure in ("a.yaml", "98.61 %", "3/4", "96.79 .. 99.41 %", "-0.41 .. 1.78 points", "0.625", "3.00"):
        assert figure in table, figure
    (memory,) = [line for line in table.splitlines() if "weight memory" in line]
    assert "272" in memory
    assert "544 +100.0 %" in memory
    assert "unseen" not in table


def test_a_combination_that_a_search_found_has_its_guarantee_beside_others(summary):
    row = {
        "network": summary["network"],
        "scores": {**summary["scores"], "warning": "the drop is more"},
        "estimate": summary["estimate"]["estimate"],
        "precision": {**summary["precision"], "sentence": "a search"},
        "misfit": None,
    }
    known = {**summary["search"]}
    rows = [
        {**row, "label": "a.yaml", "guarantee": None, "scores": None},
        {**row, "label": "b.yaml", "guarantee": known},
        {**row, "label": "c.yaml", "guarantee": {**known, "certified": True}, "scores": summary["scores"]},
        {**row, "label": "d.yaml", "guarantee": {**known, **UNASKED}, "scores": None},
    ]
    table = shown(search_tables.compare_table({"rows": rows})).splitlines()
    (bound,) = [line for line in table if "drop on unseen data" in line]
    assert bound.count("at most 1.87 points") == 2
    (certified,) = [line for line in table if "certified " in line and "│" in line]
    assert [cell.strip() for cell in certified.split("│")[2:6]] == ["-", "no", "yes", "-"]
    said = [line.strip() for line in table if ".yaml: " in line]
    assert said == [
        "a.yaml: a search",
        "b.yaml: a search",
        "b.yaml: not certified: 120 samples are too few; about 460 would do",
        "b.yaml: warning: the drop is more",
        "c.yaml: a search",
        "c.yaml: not certified: 120 samples are too few; about 460 would do",
        "d.yaml: a search",
    ]


def test_the_bound_on_unseen_data_is_stated(summary):
    bound = "drop on unseen data at most 1.87 points (90 %)"
    sentence = "guarantee not certified: 120 samples are too few; about 460 would do"
    search = summary["search"]
    for table in (
        search_tables.search_tables(search),
        tables.summary_table({**summary, "guarantee": search}),
    ):
        said = " ".join(shown(table).replace("│", " ").split())
        assert bound in said
        assert sentence in said
    assert "unseen" not in shown(tables.summary_table(summary))
    said = " ".join(shown(search_tables.search_tables({**search, **UNASKED})).replace("│", " ").split())
    assert "unknown: confidence is null, so that max_drop holds on the validation data alone" in said
    assert "guarantee" not in said


def test_a_drop_that_is_too_large_is_said(summary):
    assert "warning" not in shown(search_tables.search_tables(summary["search"]))
    assert "warning" not in shown(tables.summary_table(summary))
    summary["search"]["warnings"] = ["the drop on the test data is more"]
    summary["scores"]["warning"] = "the drop on the test data is more"
    for table in (search_tables.search_tables(summary["search"]), tables.summary_table(summary)):
        (line,) = [line for line in shown(table).splitlines() if "warning" in line]
        assert "the drop on the test data is more" in line


def test_fine_tuning_has_its_own_cost(summary):
    search = {**summary["search"], "tuned": TUNED}
    said = " ".join(shown(search_tables.search_tables(search)).replace("│", " ").split())
    assert "fine-tuned LUT + 55 DSP 1,300 +5.3 %" in said
    assert "limit 2,400 LUTs of at most 42,560" in said
    assert "drop on unseen data before fine-tuning at most 1.87 points (90 %)" in said
    over = {"exceeded": "limits.lut: 2,400 LUTs of at most 2,350, 2.13 % too many", "used": False}
    said = " ".join(
        shown(search_tables.search_tables({**search, "tuned": {**TUNED, **over}})).replace("│", " ").split()
    )
    assert "fine-tuned network not used: exceeds limits.lut: 2,400 LUTs of at most 2,350, 2.13 % too" in said
    assert "the network before fine-tuning stays" in said
    assert "before fine-tuning at most" not in said
    none = {**TUNED, "best_epoch": 0, "used": False}
    said = shown(search_tables.search_tables({**search, "tuned": none}))
    assert "no better" in said
    assert "fine-tuned lut" not in said


def test_names_with_brackets_are_not_taken_for_markup(summary):
    summary["network"]["layers"][1]["name"] = "[bold]x[/bold]"
    assert "[bold]x[/bold]" in shown(tables.layers_table(summary["network"], {}))


def test_saturated_values_stand_beside_their_layers(summary):
    table = shown(tables.layers_table(summary["network"], summary["saturation"]))
    (pixels,) = [line for line in table.splitlines() if "pixels" in line]
    (conv,) = [line for line in table.splitlines() if "conv1" in line]
    assert [cell.strip() for cell in pixels.split("│")[-3:-1]] == ["0", "2.2 %"]
    assert [cell.strip() for cell in conv.split("│")[-3:-1]] == ["0.012 %", "100.0 %"]


def test_other_metrics_have_no_percent(summary):
    summary["scores"]["metric"] = "mse"
    table = shown(tables.summary_table({**summary, "scores": {**summary["scores"], "float_score": -0.0125}}))
    assert "0.0125" in table
    assert " %: " not in table
