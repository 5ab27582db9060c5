"""The page in a real browser, where there is one; the structure of its HTML is tested without one too
(test_page.py, test_access.py)."""

import pytest

from hpq_hls.report.comparison import render_comparison
from hpq_hls.report.page import write_page
from tests.report.browser import Browser, find_browser

pytestmark = pytest.mark.skipif(
    find_browser() is None,
    reason="no chromium, no google-chrome: the page is tested by its HTML alone (test_page, test_access)",
)


@pytest.fixture(scope="module")
def browser():
    with Browser(str(find_browser())) as running:
        yield running


@pytest.fixture
def page(summary, tmp_path):
    front = summary["search"]["pareto"]
    front.insert(1, {**front[0], "accuracy": 0.945, "cost": 1100.0})
    path = tmp_path / "report.html"
    write_page(path, summary)
    return path


def test_several_designs_fit_a_phone_too(browser, compared, tmp_path):
    page = tmp_path / "compare.html"
    page.write_text(render_comparison(compared), encoding="utf-8")
    for width in (390, 1280):
        browser.open(page, width)
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_screen_and_the_console_is_silent(browser, page, width, scheme):
    browser.open(page, width, scheme=scheme)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.body.innerText.length") > 2000
    assert browser.complaints == []
    dark = browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 24)"
    assert dark == (scheme == "dark")


def test_text_is_large_enough_on_a_phone(browser, page):
    browser.open(page, 390)
    least = browser.value(
        "Math.min(...[...document.querySelectorAll('body *')].filter(e => e.textContent.trim() && "
        "!['SCRIPT', 'STYLE'].includes(e.tagName)).map(e => parseFloat(getComputedStyle(e).fontSize) * "
        "(e.getScreenCTM ? e.getScreenCTM().d : 1)))"
    )
    assert least >= 12


def test_a_switch_turns_it_dark_and_light(browser, page):
    browser.open(page)
    shown = "getComputedStyle(document.body).backgroundColor"
    light = browser.value(shown)
    browser.value("document.querySelector('#theme').click()")
    assert browser.value(shown) != light
    browser.value("document.querySelector('#theme').click()")
    assert browser.value(shown) == light


def test_pointing_shows_a_point_and_a_click_pins_it(browser, page):
    browser.open(page)
    assert "1,234" in browser.value("document.querySelector('#pinned').innerText")
    browser.value("document.querySelector('#plot').scrollIntoView({block: 'center', behavior: 'instant'})")
    place = "JSON.stringify(document.querySelectorAll('.plot .p-front')[0].getBoundingClientRect())"
    box = browser.value(f"JSON.parse({place})")
    browser.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "LUT + 55 DSP 1,100, 94.50 %" in browser.value("document.querySelector('#tip').textContent")
    pinned = browser.value("document.querySelector('#pinned').innerText")
    assert "on the Pareto front" in pinned
    assert "1,100" in pinned


def test_keys_go_from_point_to_point(browser, page):
    browser.open(page)
    browser.value("document.querySelector('#plot').focus()")
    browser.press("Home")
    assert "1,100" in browser.value("document.querySelector('#pinned').innerText")
    browser.press("End")
    assert "1,500" in browser.value("document.querySelector('#pinned').innerText")


def test_the_precision_that_is_copied_is_one_that_hpq_reads(browser, page, tmp_path):
    from hpq_hls.quantize.precision import parse_precision

    browser.open(page)
    browser.value(
        "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }; "
        "document.querySelector('#pinned button').click()"
    )
    file = tmp_path / "precision.yaml"
    file.write_text(browser.value("window.copied"))
    layers = parse_precision(str(file)).to_dict()["layers"]
    assert layers == {"pixels": {"activation": 5}, "conv1": {"weight": 3, "activation": 4}}


def test_kernels_show_what_is_known_of_them(browser, page):
    browser.open(page)
    shown = "document.querySelector('.flow .panel').innerText"
    assert "sets the interval" in browser.value(shown)  # the slowest at first
    browser.value("document.querySelectorAll('.kernel')[0].focus()")
    browser.press("ArrowDown")
    assert browser.value(shown).startswith("conv1_window")


def test_what_is_folded_is_printed(browser, page, tmp_path):
    browser.open(page)
    browser.value("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.value("[...document.querySelectorAll('details')].every(each => each.open)")
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
