"""Every kernel of RTL alone: right ones pass, and whatever is changed in the files is found and named."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.codegen.registry import find_backend
from hpq_hls.errors import VerificationError
from hpq_hls.kernels import WidthConverter
from hpq_hls.project import Project
from hpq_hls.verify.certify.certificate import examine_on
from hpq_hls.verify.certify.intervals import stream_intervals
from hpq_hls.verify.certify.rtl_bench import RtlBench
from tests.codegen.flows import blank_design, dataflow, stream, write


class Several(nn.Module):
    """Two inputs, two outputs: windows, sums, forks, a splice that casts, averages, a table, products."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.fc = nn.Linear(5, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, a, b):
        x = torch.relu(self.conv(a))
        h = torch.sigmoid(self.fc(torch.cat([x, b], 1).mean((2, 3))))
        return self.head(h) * h[:, :2], nn.functional.max_pool2d(x, 2)


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """By name: beats after beats, and everything at once."""
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("projects")
    shape = (2, 6, 5)
    graph = hpq.from_torch(Several().eval(), (torch.zeros(1, *shape), torch.zeros(1, *shape)))
    samples = {name: rng.normal(0, 1, (8, *shape)).astype(np.float32) for name in "ab"}
    several = hpq.quantize(graph, samples, precision=6)
    module = nn.Sequential(nn.Linear(6, 5), nn.PReLU(5), nn.Linear(5, 3)).eval()
    with torch.no_grad():
        module[1].weight.uniform_(-0.2, 0.5)
    samples = rng.normal(0, 1, (32, 6)).astype(np.float32)
    flat = hpq.quantize(hpq.from_torch(module, torch.zeros(1, 6)), samples, precision=5)
    layers = {"2": {"strategy": "unrolled"}}
    return {
        "several": hpq.generate(several, root / "several", backend="rtl", target_interval=200),
        "flat": hpq.generate(flat, root / "flat", backend="rtl", io="parallel", strategy="da", layers=layers),
    }


def bench_of(project: Project) -> RtlBench:
    printed = find_backend("rtl").files(project.design)
    return RtlBench(project.path, project.dataflow, printed, lambda _: None)


@pytest.mark.parametrize("name", ["several", "flat"])
def test_what_was_generated_passes(projects, name):
    project = projects[name]
    certificate = project.certify()
    certificate.check()
    kernels = project.dataflow.kernels
    assert [kernel.name for kernel in certificate.kernels[: len(kernels)]] == [k.name for k in kernels]
    proofs = {kernel.name: kernel.proof for kernel in certificate.kernels[: len(kernels)]}
    assert set(proofs.values()) <= {"all inputs", "exhaustive", "sampled"}
    assert [kernel for kernel, proof in proofs.items() if proof == "sampled"] == (
        ["maxpool2d_pool"] if name == "several" else ["n_0_matvec"]
    )
    kinds = [kernel.kind for kernel in certificate.kernels[len(kernels) :]]
    assert kinds[0] == "text"
    assert set(kinds) == {"text", "fifo", "port"}


@pytest.mark.parametrize("kind", ["s62.20", "u1.1", "s33.0"])
def test_elements_of_every_width_and_beats_of_thousands_of_bits(tmp_path, kind):
    x, y = stream("x", kind, 40, 3), stream("y", kind, 5, 24)
    kernel = WidthConverter("narrow", "a layer", ("x",), ("y",))
    made = blank_design(dataflow([kernel], [x, y]))
    backend = find_backend("rtl")
    folder = write(backend, made, tmp_path)
    bench = RtlBench(folder, made.dataflow, backend.files(made), lambda _: None)
    intervals = {one.name: one.type.code_interval for one in (x, y)}
    found = examine_on(bench, kernel, made.dataflow.streams, intervals)
    assert (found.passed, found.proof) == (True, "all inputs"), found.first
    assert not [part.first for part in bench.streams() if not part.passed]


def test_what_is_alike_is_built_once_and_found_again(projects, monkeypatch):
    project = projects["flat"]
    project.certify()
    monkeypatch.setattr("hpq_hls.verify.cosim_build._verilate", None)
    assert project.certify().passed


@dataclass(frozen=True)
class Change:
    """Of one file: ``old`` becomes ``new``, the first time behind ``behind``.

    kernel: which one is examined; "" for what connects them, of which ``found`` is wrong. told: what is said.
    """

    project: str
    file: str
    old: str
    new: str
    kernel: str
    told: str
    behind: str = ""
    found: str = ""


TOP = "model.sv"
CHANGES = {
    "saturation's upper end": Change(
        "several",
        "hpq_cast.sv",
        "{OUT_W{1'b1}} >> 1 :",
        "({OUT_W{1'b1}} >> 1) - 1'b1 :",
        "fc_matvec",
        "not",
    ),
    "saturation's ends": Change(
        "several",
        "hpq_cast.sv",
        "(below && !ZEROED) ? LOW : HIGH",
        "(below && !ZEROED) ? HIGH : LOW",
        "fc_matvec",
        "cast from|not",
    ),
    "rounding": Change(
        "several", "hpq_cast.sv", "RND ? half &&", "RND ? rest &&", "head_matvec", "cast from|frame"
    ),
    "accumulator": Change(
        "several",
        TOP,
        "ACC_W         (",
        "ACC_W         (-1 + ",
        "conv_matvec",
        "cast from|what is cast",
        ": matvec",
    ),
    "cast's shift": Change(
        "several", TOP, "CAST_SHIFT    (", "CAST_SHIFT    (1 + ", "conv_matvec", "cast from|frame", ": matvec"
    ),
    "a splice's cast": Change(
        "several", TOP, "CAST_SHIFT(", "CAST_SHIFT(1 + ", "concat_join", "cast|frame", ": splice"
    ),
    "window's columns": Change(
        "several", TOP, "OUT_COLUMNS (", "OUT_COLUMNS (-1 + ", "conv_window", "stands still|frame", ": window"
    ),
    "fold counter": Change(
        "several",
        "hpq_matvec.sv",
        "SYNAPSE_FOLDS - 1)",
        "SYNAPSE_FOLDS - 2)",
        "conv_matvec",
        "stands still|what is|more than",
    ),
    "beats without a place": Change(
        "several",
        "hpq_table.sv",
        "in_ready  = out_ready",
        "in_ready  = 1'b1",
        "sigmoid_table",
        "withdrawn|changed|stands",
    ),
    "a kernel at another's stream": Change(
        "several",
        TOP,
        "concat_regrouped_out_data",
        "conv_copy1_out_data",
        "concat_join",
        "reads from stream conv_copy1",
        ": splice",
    ),
    "a shift among adders": Change(
        "flat", "model_n_0_matvec.sv", ") <<< ", ") <<< 1 + ", "n_0_matvec", "what is cast"
    ),
    "bits of a sum of adders": Change(
        "flat",
        "model_n_0_matvec.sv",
        "11'(y0_r1)",
        "11'($signed(10'(y0_r1)))",
        "n_0_matvec",
        "what is cast",
    ),
    "unrolled weights": Change(
        "flat", TOP, "'h", "'h1", "n_2_matvec", "what is cast|compile", "n_2_matvec_weights"
    ),
    "a FIFO that is too small": Change(
        "flat", TOP, ".DEPTH(3)", ".DEPTH(2)", "", "holds 2 beats, not 3", found="n_input"
    ),
    "a FIFO that overflows": Change(
        "flat",
        "hpq_fifo.sv",
        "ready  = !full[0]",
        "ready  = 1'b1",
        "",
        "stands still|changed|holds",
        found="n_input",
    ),
    "ready during reset": Change(
        "flat",
        "hpq_axis_in_checked.sv",
        "running && !filling && (",
        "!filling && (",
        "",
        "during reset",
        found="s_axis",
    ),
    "packets too long": Change(
        "several",
        "hpq_axis_in_checked.sv",
        "(at_end || dropping)",
        "at_end",
        "",
        "flag of wrong packets|stands still|more than",
        found="s_axis_a",
    ),
    "packets too short": Change(
        "several",
        "hpq_axis_in_checked.sv",
        "!at_end && (filling || tlast)",
        "1'b0",
        "",
        "flag of wrong packets|stands still|more than",
        found="s_axis_a",
    ),
    "a flag that does not rise": Change(
        "flat",
        "hpq_axis_in_checked.sv",
        "packet_error <= 1'b1",
        "packet_error <= 1'b0",
        "",
        "flag of wrong packets",
        found="s_axis",
    ),
    "TLAST": Change(
        "several", "hpq_axis_out.sv", "(BEATS - 1)", "(BEATS - 2)", "", "changed", found="m_axis_output_1"
    ),
    "what another tool reads": Change(
        "flat", "hpq_rom.sv", "PATH = FILE;", 'PATH = "";', "", "where other tools read it", found="rtl/*"
    ),
    "a wire at a port": Change(
        "flat", TOP, "(n_input_in_ready)", "(1'b1)", "", "differ", "port_s_axis", found="rtl/model.sv"
    ),
    "something else": Change(
        "flat", TOP, "endmodule", "  assign n_input_in_valid = 1'b0;\nendmodule", "n_2_matvec", "n_input"
    ),
}


@pytest.fixture(scope="module")
def changed(projects, tmp_path_factory):
    """The project of a change, as copied with what was built from it, changed."""

    def made(change: Change) -> Project:
        project = projects[change.project]
        folder = tmp_path_factory.mktemp("changed") / "project"
        shutil.copytree(project.path, folder)
        path = folder / "rtl" / change.file
        text = path.read_text()
        start = text.index(change.behind)
        assert change.old in text[start:]
        path.write_text(text[:start] + text[start:].replace(change.old, change.new, 1))
        return Project(**{**vars(project), "path": folder})

    return made


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_found_and_named(changed, name):
    change = CHANGES[name]
    project = changed(change)
    bench = bench_of(project)
    flow = project.dataflow
    if change.kernel:
        (kernel,) = [kernel for kernel in flow.kernels if kernel.name == change.kernel]
        found = examine_on(bench, kernel, flow.streams, stream_intervals(flow, project.q))
    else:
        (found,) = [part for part in bench.streams() if part.name == change.found]
    assert not found.passed
    assert re.search(change.told, found.first), found.first


@pytest.mark.parametrize("place", ["weight", "bias", "values"])
def test_every_lowest_bit_of_a_memory_counts(projects, tmp_path, place):
    """Nothing is built again for it."""
    project = projects["several"]
    project.certify()
    shutil.copytree(project.path, tmp_path / "project")
    kernel = "sigmoid_table" if place == "values" else "conv_matvec"
    path = tmp_path / "project" / "rtl" / f"model_{kernel}_{place}.mem"
    lines = path.read_text().splitlines()
    lines[-1] = lines[-1][:-1] + f"{int(lines[-1][-1], 16) ^ 1:x}"
    path.write_text("\n".join(lines) + "\n")
    found = Project(**{**vars(project), "path": tmp_path / "project"}).certify()
    assert [part.name for part in found.kernels if not part.passed] == [kernel]
    with pytest.raises(VerificationError, match=f"{kernel} of layer"):
        found.check()


def test_a_memory_that_is_not_there(projects, tmp_path):
    project = projects["several"]
    shutil.copytree(project.path, tmp_path / "project")
    (tmp_path / "project" / "rtl" / "model_conv_matvec_bias.mem").unlink()
    bench = bench_of(Project(**{**vars(project), "path": Path(tmp_path / "project")}))
    (kernel,) = [kernel for kernel in project.dataflow.kernels if kernel.name == "conv_matvec"]
    found = examine_on(bench, kernel, project.dataflow.streams, stream_intervals(project.dataflow, project.q))
    assert "model_conv_matvec_bias.mem" in found.first
