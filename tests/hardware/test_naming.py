"""Identifiers made from the names of users."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpq_hls.hardware.naming import RESERVED, Namer, legal_identifier


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("features.0", "features_0"),
        ("0", "n_0"),
        ("", "n"),
        ("while", "n_while"),
        ("Module", "n_Module"),
        ("a  b--c", "a_b_c"),
        ("__init__", "init"),
        ("größe", "gr_e"),
        ("'; rm -rf /", "rm_rf"),
        ("ap_clk", "n_ap_clk"),
        ("x" * 500, "x" * 96),
    ],
)
def test_examples(wish: str, name: str) -> None:
    assert legal_identifier(wish) == name


@given(st.lists(st.text(max_size=120), max_size=30))
def test_always_legal_and_unique(wishes: list[str]) -> None:
    namer = Namer()
    names = [namer.unique(wish) for wish in wishes + wishes]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert "__" not in name
        assert name not in RESERVED
