"""The HTML page: complete, escaped, and sufficient unto itself."""

import re
from html.parser import HTMLParser

import pytest

from hpq_hls.report.page import render_page, write_page

LARGEST = 500_000
"""Bytes of a page."""


class _Checker(HTMLParser):
    """Collects what a browser would fetch, the visible text, and tags that are not closed."""

    VOID = frozenset({"meta", "br", "path", "rect", "link", "img", "circle", "line"})

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.fetched, self.text, self.open, self.scripts = [], [], [], 0

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def parsed(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(parsed(page).text))


def text(summary) -> str:
    return text_of(render_page(summary))


def test_nothing_is_fetched_from_anywhere(summary):
    page = parsed(render_page(summary))
    assert [url for url in page.fetched if not url.startswith("#")] == ["data:,"]  # no request for an icon
    whole = render_page(summary)
    assert "@import" not in whole
    assert "url(" not in whole.replace("url(#arrow", "")
    assert "://" not in whole


def test_the_figures_are_there(summary):
    shown = text(summary)
    for figure in (
        "98.61 %", "float 99.17 %", "uniform 8 bit 98.89 %", "272 bits", "9.41 x below float32",
        "2.50 x below 8 bit", "2,345 LUT", "3,456 FF", "7 DSP", "5 BRAM", "452 cycles (2.26 us)",
        "one inference every 146 cycles (0.73 us)", "0 different",
        "of 6,321 words, all checks passed",
        "A model of Yosys", "4.4 %", "3.2 %", "1.8 %", "3 combinations tried", "4 × 9",
        "98,765 bit operations", "counts LUT + 55 DSP", "Cost: LUT + 55 DSP",
        "hpq_hls 1.2.3", "23.4 dB", "0.032", "0.43",  # error of a layer
        "1.2 % saturate", "none saturates",
        "1.23", "4.56", "error -40.0 dB", "-10.0 dB",  # sensitivity
        "2 × 4 bit · FIFO 57", "2 × 4 bit · wires", "PE 4 × SIMD 9", "Kernel conv1_matvec: the most cycles",
        "118", "97.5 %",  # confusion
        "torch 9.8.7", "hpq search project.yaml", "test.npz 0123456789abcdef",
        "Not synthesized since the last change",
    ):  # fmt: skip
        assert figure in shown, figure


def test_the_bound_on_unseen_data_and_drops_that_are_too_large_are_said(summary):
    bound = "at most 1.87 points (90 %)"
    sentence = "not certified: 120 samples are too few; about 460 would do"
    shown = text(summary)
    assert f"Drop on unseen data: {bound}; {sentence}." in shown
    assert "Warning" not in shown
    summary["guarantee"] = summary["search"]
    assert "drop on unseen data at most 1.87 points with 90 % confidence not certified" in text(summary)
    summary["scores"]["warning"] = "the drop on the test data is <more>"
    summary["search"]["warnings"] = ["the best drop is <more>"]
    shown = text(summary)
    assert "Warning: the drop on the test data is <more>." in shown
    assert "Warning: the best drop is <more>." in shown


def test_what_fine_tuning_costs_is_there(summary):
    summary["search"]["tuned"] = {
        "best_epoch": 2,
        "cost": 1300.0,
        "limits": ["2,400 LUTs"],
        "exceeded": "",
        "used": True,
        "test": None,
    }
    shown = text(summary)
    assert "Fine-tuned LUT + 55 DSP: 1,300 +5.3 %." in shown
    assert "Limit: 2,400 LUTs." in shown
    assert "Drop on unseen data before fine-tuning: " in shown
    summary["search"]["tuned"].update(exceeded="limits.lut: 2,400 LUTs of at most 2,350", used=False)
    assert "not used: exceeds limits.lut: 2,400 LUTs of at most 2,350; the network before" in text(summary)


def test_saturated_values_stand_beside_their_layers(summary):
    shown = text(summary)
    assert "saturated, calibration saturated, test" in shown
    assert "ap_ufixed<5,1,AP_RND,AP_SAT> 0 0 0 2.2 %" in shown
    assert "272 0.012 % 100.0 %" in shown


def test_a_failure_is_not_hidden(failed):
    shown = text(failed)
    assert "3 different" in shown
    assert "CHECKS FAILED" in shown
    assert "all checks passed" not in shown
    assert "expected</b> 7" not in render_page(failed).replace("&lt;/b&gt;", "")


def test_what_did_not_run_is_called_so(summary):
    summary.update(search=None, verify=None, scores=None)
    shown = text(summary)
    assert "not run" in shown
    assert "not verified yet" in shown
    assert "latency (estimate)" in shown
    assert "450 cycles" in shown
    assert "Pareto" not in shown
    assert "Sensitivity" not in shown


def test_what_is_too_old_is_said(summary):
    assert "Too old" not in text(summary)
    summary["outdated"] = ["`hpq verify` ran on another network"]
    assert "Too old: `hpq verify` ran on another network." in text(summary)


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "</script>"]
)
def test_names_cannot_become_markup(summary, evil):
    before = parsed(render_page(summary))
    summary["project"] = summary["model"] = evil
    summary["network"]["layers"][1]["name"] = evil
    summary["network"]["layers"][1]["kind"] = evil
    summary["estimate"]["estimate"]["layers"][0]["name"] = evil
    summary["verify"]["checks"][0]["failures"] = [evil]
    summary["search"]["best"]["precision"]["layers"] = {evil: {"weight": 3}}
    summary["search"]["explored"]["variables"][0] = f"{evil}.weight"
    summary["search"]["sensitivity"][0]["variables"] = [f"{evil}.weight"]
    summary["trace"]["layers"][0]["name"] = evil
    summary["flow"]["kernels"][0]["layer"] = evil
    summary["sources"]["files"]["the model"] = evil
    summary["sources"]["commands"] = [evil]
    page = parsed(render_page(summary))
    assert page.scripts == before.scripts
    assert page.fetched == before.fetched
    assert evil in "".join(page.text)


def test_measured_resources_are_shown_with_their_stage(summary):
    report = {
        "lut": 1999,
        "ff": 1,
        "dsp": 2,
        "bram": 3,
        "tool": "yosys",
        "version": "9.9",
        "stage": "after mapping",
    }
    kernel = {
        "kernel": "conv1_matvec",
        "kind": "matvec",
        "reported": {"lut": 1500, "ff": 1, "dsp": 2, "bram": 3},
        "estimated": {"lut": 1600, "ff": 4, "dsp": 5, "bram": 6},
    }
    summary["synth"] = [
        {"backend": "rtl", "report": {**report, "fmax_mhz": 123.45}, "seconds": 1.0, "kernels": [kernel]}
    ]
    shown = text(summary)
    assert "1,999 (+17.3 %)" in shown
    assert "1,500 / 1,600" in shown
    assert "after mapping" in shown
    assert "123.5 MHz" in shown


def test_the_same_summary_gives_the_same_page(summary):
    assert render_page(summary) == render_page(summary)


def test_the_page_of_a_large_network_and_a_long_search_is_small(summary):
    """50 layers, 100 kernels, 5000 points of 100 widths each."""
    layers = [f"blocks.{number}.conv" for number in range(50)]
    search, trace, flow, network = (summary[key] for key in ("search", "trace", "flow", "network"))
    search["explored"]["variables"] = [
        f"{name}.{part}" for name in layers for part in ("weight", "activation")
    ]
    search["explored"]["widths"] = [" ".join(["8"] * 100)] * 5000
    search["explored"]["errors"] = [0.1] * 5000
    search["points"] = [[0.95, 1000.0 + number / 10] for number in range(5000)]
    search["sensitivity"] = [
        {**search["sensitivity"][0], "variables": [variable], "width": width}
        for variable in search["explored"]["variables"]
        for width in (8, 6, 5, 4, 3, 2)
    ]
    histogram = {**trace["layers"][0]["values"], "counts": list(range(48))}
    one = {**trace["layers"][0], "values": histogram, "weights": histogram}
    trace["layers"] = [{**one, "name": name} for name in layers]
    network["layers"] += [{**network["layers"][1], "name": name} for name in layers]
    estimate = summary["estimate"]["estimate"]
    estimate["layers"] = [{**estimate["layers"][0], "name": name} for name in layers]
    kernels = [f"blocks_{number}_kernel" for number in range(100)]
    flow["kernels"] = [{**flow["kernels"][1], "name": name} for name in kernels]
    stream = flow["streams"][1]
    ends = zip(["", *kernels], [*kernels, ""], strict=True)
    flow["streams"] = [
        {
            **stream,
            "name": f"s{number}",
            "source": start,
            "target": end,
            "port": "" if start and end else f"axis_{number}",
        }
        for number, (start, end) in enumerate(ends)
    ]
    for certificate in summary["verify"]["certificates"]:
        certificate["kernels"] = [{**certificate["kernels"][0], "name": name} for name in kernels]
    page = render_page(summary)
    assert len(page.encode()) <= LARGEST
    assert "blocks_99_kernel" in page


def test_the_page_is_written_whole(summary, tmp_path):
    write_page(tmp_path / "deep" / "page.html", summary)
    assert (tmp_path / "deep" / "page.html").read_text(encoding="utf-8").endswith("</html>\n")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["page.html"]


def test_the_page_says_what_frames_reach(summary):
    text = " ".join("".join(parsed(render_page(summary)).text).split())
    assert "What the 64 chosen frames reach" in text
    assert "conv1: 1 of 72 weights never counted." in text
    assert "Note: co-simulation runs 3 of the 64 chosen frames." in text
    summary["verify"]["coverage"] = None
    assert "chosen frames reach" not in "".join(parsed(render_page(summary)).text)
