"""The page for everybody: contrast, names for what is not text, tables that say what their cells are of."""

import re
from html.parser import HTMLParser

import pytest

from hpq_hls.report.page import render_page
from hpq_hls.resources import templates_dir

AA = 4.5
"""Contrast of text, at least (WCAG 2.2, 1.4.3); of lines and marks 3 (1.4.11)."""
AA_MARKS = 3.0
BEHIND = ("back", "card", "pressed")
TEXT = {
    **dict.fromkeys(("ink", "soft"), BEHIND),
    **dict.fromkeys(("blue", "green", "amber", "red"), ("card", "back")),
    "card": ("ink",),
    **{f"on-heat{shade}": (f"heat{shade}",) for shade in range(8)},
}
"""Colours of text, and those behind it."""
MARKS = {
    **dict.fromkeys(("frame", "dot", "blue", "sky", "green", "amber", "red"), ("card", "back")),
    **dict.fromkeys(("blue", "sky", "red"), ("band",)),
}


def colours() -> dict[str, tuple[str, str]]:
    """By name, for light and for dark."""
    css = (templates_dir() / "report" / "style.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    assert len(found) == len(re.findall(r"^\s*--|; --", css, re.MULTILINE))  # none is written in another way
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    """Relative, of sRGB (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, AA), (MARKS, AA_MARKS)], ids=["text", "marks"])
def test_contrast(mode, pairs, least):
    known = colours()
    found = {
        (name, behind): round(contrast(known[name][mode], known[behind][mode]), 2)
        for name, behinds in pairs.items()
        for behind in behinds
    }
    assert {pair: value for pair, value in found.items() if value < least} == {}


def test_every_colour_of_the_page_is_one_of_those() -> None:
    """So that none escapes the test above: outside of the list there are no colours."""
    css = (templates_dir() / "report" / "style.css").read_text(encoding="utf-8")
    rest = css[css.index("}") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl", rest) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", css)) <= set(colours())


class _Structure(HTMLParser):
    def __init__(self):
        super().__init__()
        self.all, self.tables = [], []

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif self.tables:
            self.tables[-1].append((tag, dict(attrs)))


@pytest.fixture
def structure(summary):
    found = _Structure()
    found.feed(render_page(summary))
    return found


def test_tables_have_a_caption_and_heads_with_a_scope(structure):
    assert len(structure.tables) >= 8
    for table in structure.tables:
        assert [tag for tag, _ in table].count("caption") >= 1
        heads = [attrs for tag, attrs in table if tag == "th"]
        assert heads
        assert all(attrs.get("scope") in ("col", "row") for attrs in heads)


def test_references_lead_to_something_and_names_are_given_once(structure):
    names = [attrs["id"] for _, attrs in structure.all if "id" in attrs]
    assert len(names) == len(set(names))
    for _, attrs in structure.all:
        for key in ("aria-labelledby", "aria-controls", "aria-describedby"):
            assert attrs.get(key) is None or attrs[key] in names
        if attrs.get("href", "").startswith("#"):
            assert attrs["href"][1:] in names


def test_what_is_no_text_has_a_name_or_is_hidden(structure):
    for tag, attrs in structure.all:
        if tag == "svg" and "viewBox" in attrs and "preserveAspectRatio" not in attrs:
            assert attrs.get("aria-hidden") or "width" in attrs  # the dataflow, whose boxes have names
        if attrs.get("role") in ("img", "group", "region", "button"):
            assert attrs.get("aria-label") or attrs.get("aria-labelledby"), (tag, attrs)
        if tag == "g" and "kernel" in attrs.get("class", "").split():
            assert attrs["aria-label"]


def test_what_scrolls_can_be_scrolled_by_keys(structure):
    for _, attrs in structure.all:
        if "class" in attrs and {"scroll", "canvas"} & set(attrs["class"].split()):
            assert attrs["tabindex"] == "0"
            assert attrs["role"] == "region"


def test_sections_have_headings_and_the_page_a_language(structure):
    tags = [tag for tag, _ in structure.all]
    assert tags.count("h1") == 1
    sections = [attrs for tag, attrs in structure.all if tag == "section"]
    assert len(sections) >= 8
    assert all(attrs["aria-labelledby"] for attrs in sections)
    assert dict(structure.all)["html"]["lang"] == "en"
