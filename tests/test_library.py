"""The library as a person uses it: public names, how results show themselves, one call for everything."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.compiling import divide
from hpq_hls.errors import ConfigError, DataError, ToolError


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    x = np.random.default_rng(5).normal(size=(150, 1, 4, 4)).astype(np.float32)
    with torch.no_grad():
        y = net()(torch.from_numpy(x)).argmax(1).numpy()
    wish = {"weight_bits": (3, 6), "activation_bits": (4, 6), "max_drop": 0.2, "part": "xc7s6ftgb196-1"}
    return hpq.compile(net(), x, y, out=tmp_path_factory.mktemp("compiled"), **wish)


def test_the_table_of_names_is_what_types_and_documentation_see():
    tree = ast.parse(Path(hpq.__file__).read_text(encoding="utf-8"))
    seen = {
        (alias.name, node.module.removeprefix("hpq_hls."))
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hpq_hls.")
        for alias in node.names
    }
    seen.remove(("imported_when_asked", "lazy"))  # what imports the others
    lazily = {(name, home) for home, names in hpq._HOMES.items() for name in names}
    assert seen - {("__version__", "version")} == lazily | {(name, name) for name in hpq._NAMESAKES}
    assert {name for name, _ in seen} == set(hpq.__all__) <= set(dir(hpq))
    for name in hpq.__all__:
        assert getattr(hpq, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        hpq.serach  # noqa: B018


@pytest.mark.parametrize(
    ("program", "seconds"),
    [
        ("import hpq_hls", 0.5),
        ("import sys; from hpq_hls.cli import main; sys.argv = ['hpq', '--help']; main()", 0.4),
    ],
)
def test_start_up_is_quick(program, seconds):
    code = (
        "import atexit, sys, time; "
        f"atexit.register(lambda: print('seconds', time.process_time(), file=sys.stderr)); {program}"
    )
    spent = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        spent.append(float(done.stderr.split()[-1]))
    assert min(spent) <= seconds


def test_start_up_imports_nothing_heavy():
    code = (
        "import sys; from hpq_hls.cli import app; "
        "print({'torch', 'scipy', 'pydantic', 'yaml', 'numpy', 'plotly'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_results_show_themselves_in_a_line_and_in_a_table(compiled):
    shown = [
        compiled,
        compiled.network,
        compiled.network.graph,
        compiled.search,
        compiled.project,
        compiled.report,
        compiled.project.certify(),
    ]
    for result in shown:
        line, table = repr(result), result._repr_html_()
        name = type(result).__name__
        assert line.startswith(f"<{name} ") and len(line) < 800 and "\n" not in line
        assert table.startswith(f"<table><caption><b>{name}</b>")
        assert table.count("<tr>") == table.count("</tr>") == len(result.facts())
    assert f"LUT: {compiled.report.lut:,}" in repr(compiled.report)
    assert "passed: yes" in repr(shown[-1])


def test_words_of_a_table_are_text(compiled):
    odd = hpq.Graph(
        compiled.network.graph.inputs, compiled.network.graph.nodes, compiled.network.graph.outputs, "<b>"
    )
    assert "&lt;b&gt;" in odd._repr_html_()


def test_compile_does_everything(compiled):
    search, (x, y) = compiled.search, compiled.test
    assert search.feasible and compiled.network is search.best
    assert search.best_point.accuracy >= search.float_accuracy - 0.2
    assert len(x) == len(y) == 60 == search.test.samples
    assert compiled.report.part == "xc7s6ftgb196-1"
    assert compiled.report.interval_cycles == search.target_interval or compiled.report.fits
    assert compiled.project.path.name == "rtl"
    np.testing.assert_array_equal(compiled.project.cosim(x[:3]).raw, compiled.network.predict_raw(x[:3]))


def test_compile_says_what_is_wrong(tmp_path):
    x = np.ones((40, 1, 4, 4), np.float32)
    with pytest.raises(DataError, match="40 samples and y 39"):
        hpq.compile(net(), x, np.zeros(39), out=tmp_path)
    with pytest.raises(DataError, match="give at least 10"):
        hpq.compile(net(), x[:9], np.zeros(9), out=tmp_path)


def test_every_sample_is_in_one_part():
    for count in (10, 11, 4999, 20000):
        parts = divide(count, seed=3)
        assert sorted(np.concatenate(list(parts.values()))) == list(range(count))
        assert len(parts["calibration"]) == min(count // 5, 1000)
        assert 0 <= len(parts["test"]) - len(parts["validation"]) <= 1


def test_another_point_is_picked_by_drop_or_cost(compiled):
    search = compiled.search
    front = search.pareto
    assert search.pick() is search.best_point
    assert search.pick(max_cost=front[-1].cost) is front[-1]
    assert search.pick(max_cost=front[0].cost) is front[0]
    assert search.pick(max_drop=1.0) is front[0]
    for point in front:
        found = search.pick(max_drop=search.float_accuracy - point.accuracy)
        assert found.cost <= point.cost and found.accuracy >= point.accuracy
    with pytest.raises(
        ConfigError, match="no point of the Pareto front is within max_drop None and max_cost 0"
    ):
        search.pick(max_cost=0)


class Axes:
    """What matplotlib's axes would be told."""

    def __init__(self):
        self.lines, self.said = [], {}

    def plot(self, x, y, style, label):
        self.lines.append((label, tuple(x), tuple(y)))

    def __getattr__(self, name):
        return lambda *words, **_: self.said.update({name: words})


def test_a_plot_has_every_point(compiled):
    search, axes = compiled.search, Axes()
    assert search.plot(axes) is axes
    drawn = {label: list(zip(x, y, strict=True)) for label, x, y in axes.lines}
    assert drawn["Pareto front"] == [(point.cost, point.accuracy) for point in search.pareto]
    assert len(drawn["evaluated"]) == search.evaluations
    assert drawn["chosen"] == [(search.best_point.cost, search.best_point.accuracy)]
    assert axes.said["axhline"] == (search.float_accuracy,)


def test_a_missing_package_is_said(compiled, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match="pandas is not installed"):
        compiled.search.to_dataframe()
    with pytest.raises(ToolError, match="matplotlib is not installed"):
        compiled.search.plot()


def test_a_data_frame_has_the_rows_of_the_csv(compiled, monkeypatch):
    class Pandas:
        DataFrame = staticmethod(list)

    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    rows = compiled.search.to_dataframe()
    assert [row["cost"] for row in rows] == [point.cost for point in compiled.search.pareto]
    assert len(compiled.search.to_dataframe(everything=True)) == compiled.search.evaluations
