"""Control, memory and the IP block from project.yaml to the files."""

from __future__ import annotations

import json

KERNEL = """\
hardware:
  control: s_axilite
  memory: m_axi
  clock_uncertainty: 15%
  export: syn
  ip: {vendor: example.com, version: "2.1"}
"""


def test_a_kernel_beside_its_twin(run, project):
    project.write(project.file.read_text() + KERNEL)
    outcome = run("generate", project.folder, "--json")
    assert outcome.status == 0, outcome.err
    assert "control s_axilite are those of the HLS project; backend rtl has the core" in outcome.out
    hls, rtl = (
        json.loads((project.folder / "build" / name / "design.json").read_text()) for name in ("vitis", "rtl")
    )
    assert (hls["memory"], rtl["memory"]) == ("m_axi", "axis")
    assert hls["kernel"]["name"] == f"{hls['name']}_kernel"
    assert (
        hls["ip"]
        == rtl["ip"]
        == {"vendor": "example.com", "library": None, "version": "2.1", "display_name": None}
    )
    assert "packet_error" not in (project.folder / "build" / "rtl" / "rtl" / f"{rtl['name']}.sv").read_text()
    script = (project.folder / "build" / "vitis" / "run_hls.tcl").read_text()
    for words in ("-format xo", "-vendor {example.com}", "set_clock_uncertainty 15%", "{csim csynth syn}"):
        assert words in script
    outcome = run("verify", project.folder, "--samples", 4)
    assert outcome.status == 0, outcome.err


def test_what_excludes_each_other_is_one_sentence(run, project):
    project.write(project.file.read_text() + "hardware: {memory: m_axi}\n")
    outcome = run("generate", project.folder)
    assert outcome.status != 0
    assert "memory m_axi and control none exclude each other" in outcome.err
    assert outcome.err.count("\n") <= 2
    assert not (project.folder / "build").exists()
