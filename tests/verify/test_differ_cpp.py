"""C++ with one thing changed: what is found first is what was changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hpq_hls as hpq
from hpq_hls.project import Project
from hpq_hls.verify.differ.difference import Fault
from tests.verify.residual import edit, network, samples

X = samples(6, 5)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: Any) -> Project:
    folder = tmp_path_factory.mktemp("differ") / "vitis"
    return hpq.generate(network(), folder, backend="vitis", tlast="ignored")


@pytest.fixture
def project(generated: Project, tmp_path: Path) -> Project:
    """A copy to break."""
    shutil.copytree(generated.path, tmp_path / "vitis", ignore=shutil.ignore_patterns("build"))
    return replace(generated, path=tmp_path / "vitis")


def top(project: Project) -> Path:
    return project.path / "src" / f"{project.dataflow.name}.cpp"


def weight(project: Project) -> None:
    path = project.path / "src" / "tables" / "second_matvec_weight.inc"
    title, words = path.read_text().split("\n", 1)
    number = re.search(r"0x[0-9a-f]+", words)
    assert number is not None
    path.write_text(f"{title}\n{words.replace(number[0], hex(int(number[0], 16) ^ 16), 1)}")


def cast(project: Project) -> None:
    """The type of a stream is that of the cast in front of it."""
    edit(top(project), "AP_RND,AP_SAT>, 3> second_out;", "AP_TRN,AP_SAT>, 3> second_out;")


def swapped(project: Project) -> None:
    """A sum reads one side of the shortcut twice."""
    edit(
        top(project),
        "second_out_fifo, first_copy1_fifo, add_out",
        "second_out_fifo, first_copy0_fifo, add_out",
    )


def short(project: Project) -> None:
    """A port that does not pass on the last beat."""
    edit(top(project), "hpq::from_axis<input_z_beats>", "hpq::from_axis<input_z_beats - 1>")


def at_the_port(project: Project) -> None:
    edit(project.path / "src" / "hpq" / "axis.h", "to_bits(y.data[i]);", "to_bits(y.data[LANES - 1 - i]);")


CHANGES: dict[Callable[[Project], None], tuple[str, Fault, str]] = {
    weight: ("second_matvec", Fault.VALUE, "(element ["),
    swapped: ("add_add", Fault.MISSING, "stream first_copy0 is read while it is empty (0 beats), frame 0"),
    cast: ("second_matvec", Fault.VALUE, "matvec second_matvec of layer 'second' is the first that differs"),
    short: (
        "port_s_axis_z",
        Fault.MISSING,
        "port s_axis_z is the first that stands still: stream z: 15 of 16 beats",
    ),
    at_the_port: ("port_m_axis", Fault.VALUE, "port m_axis is the first that differs"),
}


@pytest.mark.parametrize(
    "change",
    [pytest.param(one, marks=[] if one in (weight, swapped) else pytest.mark.slow) for one in CHANGES],
)
def test_what_was_changed_is_found(project: Project, change: Callable[[Project], None]) -> None:
    kernel, fault, said = CHANGES[change]
    change(project)
    found = project.first_difference(X)
    assert found is not None
    assert (found.kernel, found.fault) == (kernel, fault), found.sentence
    assert said in found.sentence
    if change is weight:
        one = {name: x[found.sample : found.sample + 1] for name, x in X.items()}
        assert found.index is not None
        assert project.q.trace(one)["second"].raw[(0, *found.index)] == found.expected != found.seen
        assert found.time is None


@pytest.mark.slow
def test_where_nothing_is_changed_nothing_is_found(generated: Project) -> None:
    assert generated.first_difference() is None
