"""Block designs without Vivado: what a script calls, and what comes of it.

The script runs in a Tcl whose commands of Vivado say what they are called with. `Built` replays that on a
model of the IP blocks that are used: which pins each has in which configuration (PG021, PG082, PG085, PG144,
PG164, PG201, PG247), written down here without a look at the script.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

STUBS = r"""
proc say {args} {
    set words {}
    foreach word $args { lappend words [binary encode hex [encoding convertto utf-8 x$word]] }
    puts [join $words { }]
}
proc stub {name answer} {
    proc ::$name args "say $name {*}\$args\n$answer"
}
namespace eval ipx {}
foreach name {set_param create_project
    update_ip_catalog create_bd_design apply_bd_automation connect_bd_intf_net
    connect_bd_net assign_bd_address validate_bd_design save_bd_design add_files update_compile_order
    launch_runs wait_on_run ipx::package_project ipx::infer_bus_interface ipx::associate_bus_interfaces
    ipx::add_bus_parameter ipx::create_xgui_files ipx::update_checksums ipx::check_integrity
    ipx::save_core close_project} {
    stub $name {}
}
stub create_bd_cell {return [lindex $args end]}
stub make_wrapper {return wrapper.v}
stub get_board_parts {
    if {[info exists ::env(NO_BOARD)]} { return {} }
    return [list tul:part0:1.2 [lindex $args end] tul:part0:1.10]
}
stub get_ipdefs {
    if {[string match *ilconcat* $args]} { return [expr {[info exists ::env(NEW)] ? {concat} : {}}] }
    return [expr {[info exists ::env(NO_IP)] ? {} : {vendor:lib:network:1.0 xilinx.com:ip:network:9.0}}]
}
proc get_bd_cells args { lindex $args end }
proc get_bd_pins args {
    set pin [lindex $args end]
    if {"-quiet" in $args && [info exists ::env(OLD)] && [string match *packet_error $pin]} { return {} }
    return $pin
}
proc get_bd_intf_pins args { lindex $args end }
proc current_project {} { return project }
proc current_fileset {} { return fileset }
proc get_files args { list files {*}$args }
proc get_runs args { lindex $args end }
proc ipx::current_core {} { return core }
proc ipx::get_bus_interfaces args {
    if {"-quiet" in $args} { return [expr {[info exists ::env(FOUND)] ? [lindex $args 1] : {}}] }
    return [lindex $args 0]
}
proc ipx::get_bus_parameters args {
    if {"-quiet" in $args} { return {} }
    return [list [lindex $args end] [lindex $args 0]]
}
set asked 0
proc set_property args {
    if {[lindex $args 0] eq "-dict"} {
        foreach {name value} [lindex $args 1] { say set_property $name $value [lindex $args 2] }
    } else {
        say set_property {*}$args
    }
    foreach {name value} [expr {[lindex $args 0] eq "-dict" ? [lindex $args 1] : [lrange $args 0 1]}] {
        if {[regexp {FPGA0_PERIPHERAL_FREQMHZ$|PL0_REF_CTRL__FREQMHZ$} $name]} { set ::asked $value }
    }
}
proc get_property {name args} {
    switch -glob $name {
        CONFIG.*ACT_* { return [expr {1000.0 / round(1000.0 / $::asked)}] }
        PROGRESS { return 100% }
        STATS.WNS { return [expr {[info exists ::env(SLACK)] ? $::env(SLACK) : 0.125}] }
        DIRECTORY { return [file dirname [file normalize [info script]]]/run }
    }
}
set script [lindex $argv 0]
if {[catch {source $script} message]} { puts stderr $message }
"""


def run_script(script: Path, **environment: str) -> tuple[list[list[str]], str]:
    """What a script calls, and its error; "" where there is none."""
    stubs = script.parent / "stubs.tcl"
    stubs.write_text(STUBS)
    shell = shutil.which("tclsh")
    python = "import sys, tkinter; tcl = tkinter.Tcl(); tcl.setvar('argv', tuple(sys.argv[2:]))"
    command = [shell] if shell else [sys.executable, "-c", f"{python}; tcl.evalfile(sys.argv[1])"]
    done = subprocess.run(
        [*command, str(stubs), script.name],
        cwd=script.parent,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    stubs.unlink()
    calls = [
        [bytes.fromhex(word).decode()[1:] for word in line.split(" ")]
        for line in done.stdout.splitlines()
        if re.fullmatch(r"[0-9a-f ]+", line)
    ]
    assert done.returncode == 0, done.stderr
    return calls, done.stderr.strip()


# ---------------------------------------------------------------------------------------------
# The blocks


@dataclass
class Cell:
    """A block: its kind, and its configuration as text."""

    kind: str
    config: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        return int(self.config[name])


@dataclass(frozen=True)
class Interface:
    """master: it begins the transfers. protocol: "axis" or "axi". bytes: of an axis."""

    master: bool
    protocol: str
    bytes: int = 0


KEYS = {
    "processing_system7": r"PCW_(EN_CLK0_PORT|EN_RST0_PORT|USE_M_AXI_GP[01]|USE_S_AXI_HP[0-3]"
    r"|S_AXI_HP[0-3]_DATA_WIDTH|FPGA0_PERIPHERAL_FREQMHZ)",
    "zynq_ultra_ps_e": r"PSU__(FPGA_PL0_ENABLE|USE__FABRIC__RST|USE__M_AXI_GP[012]|USE__S_AXI_GP[2-5]"
    r"|SAXIGP[2-5]__DATA_WIDTH|CRL_APB__PL0_REF_CTRL__FREQMHZ)",
    "axi_dma": r"c_(include_(sg|mm2s|s2mm|mm2s_dre|s2mm_dre)|sg_include_stscntrl_strm|sg_length_width"
    r"|addr_width|(mm2s|s2mm)_burst_size|m_axi_(mm2s|s2mm)_data_width|m_axis_mm2s_tdata_width|s_axis_s2mm_tdata_width)",
    "axis_subset_converter": r"[SM]_TDATA_NUM_BYTES|[SM]_HAS_T(LAST|KEEP)|T(DATA|KEEP|LAST)_REMAP",
    "axis_dwidth_converter": r"[SM]_TDATA_NUM_BYTES|HAS_TLAST|HAS_TKEEP",
    "smartconnect": r"NUM_SI|NUM_MI",
    "proc_sys_reset": "",
    "axi_gpio": r"C_GPIO_WIDTH|C_ALL_INPUTS",
    "xlconcat": r"NUM_PORTS",
    "ilconcat": r"NUM_PORTS",
    "network": "",
}
POWERS = tuple(1 << n for n in range(3, 11))
CLOCKS, RESETS, OUTPUTS, INPUTS = "clock", "reset", "output", "input"


@dataclass
class Built:
    """What a script built. inputs, outputs: the network's ports, bytes by name; errors: its flags."""

    calls: list[list[str]]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    errors: tuple[str, ...]
    cells: dict[str, Cell] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    drivers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        done = False
        for name, *words in self.calls:
            if name == "create_bd_cell":
                assert not done
                vlnv, cell = words[-2], words[-1]
                assert cell not in self.cells
                assert re.fullmatch(r"[a-z]\w*", cell, re.IGNORECASE)
                kind = "network" if vlnv.startswith("vendor:") else vlnv.split(":")[2]
                assert kind in KEYS
                self.cells[cell] = Cell(kind)
            elif name == "set_property" and words[0].startswith("CONFIG."):
                key, value, cell = words[0].removeprefix("CONFIG."), words[1], words[2]
                assert re.fullmatch(KEYS[self.cells[cell].kind], key), (cell, key)
                self.cells[cell].config[key] = value
            elif name == "connect_bd_intf_net":
                self._link(*words)
            elif name == "connect_bd_net":
                self._wire(*words)
            elif name == "assign_bd_address":
                done = True
        assert done
        self._complete()

    def interfaces(self, name: str) -> Mapping[str, Interface]:
        """The interfaces that a block has in its configuration."""
        cell = self.cells[name]
        one = cell.config.get
        found: dict[str, Interface] = {}
        if cell.kind == "processing_system7":
            found |= {f"M_AXI_GP{n}": AXI_M for n in range(2) if one(f"PCW_USE_M_AXI_GP{n}", "1") == "1"}
            found |= {f"S_AXI_HP{n}": AXI_S for n in range(4) if one(f"PCW_USE_S_AXI_HP{n}", "0") == "1"}
        elif cell.kind == "zynq_ultra_ps_e":
            masters = enumerate(("M_AXI_HPM0_FPD", "M_AXI_HPM1_FPD", "M_AXI_HPM0_LPD"))
            found |= {port: AXI_M for n, port in masters if one(f"PSU__USE__M_AXI_GP{n}", "1") == "1"}
            found |= {
                f"S_AXI_HP{n}_FPD": AXI_S for n in range(4) if one(f"PSU__USE__S_AXI_GP{n + 2}", "0") == "1"
            }
        elif cell.kind == "axi_dma":
            found |= {"S_AXI_LITE": AXI_S, "M_AXI_SG": AXI_M}
            if one("c_include_mm2s") == "1":
                found["M_AXI_MM2S"] = AXI_M
                found["M_AXIS_MM2S"] = Interface(True, "axis", cell.number("c_m_axis_mm2s_tdata_width") // 8)
            if one("c_include_s2mm") == "1":
                found["M_AXI_S2MM"] = AXI_M
                found["S_AXIS_S2MM"] = Interface(False, "axis", cell.number("c_s_axis_s2mm_tdata_width") // 8)
        elif cell.kind in ("axis_subset_converter", "axis_dwidth_converter"):
            found["S_AXIS"] = Interface(False, "axis", cell.number("S_TDATA_NUM_BYTES"))
            found["M_AXIS"] = Interface(True, "axis", cell.number("M_TDATA_NUM_BYTES"))
        elif cell.kind == "smartconnect":
            found |= {f"S{n:02d}_AXI": AXI_S for n in range(cell.number("NUM_SI"))}
            found |= {f"M{n:02d}_AXI": AXI_M for n in range(cell.number("NUM_MI"))}
        elif cell.kind == "axi_gpio":
            found["S_AXI"] = AXI_S
        elif cell.kind == "network":
            found |= {port: Interface(False, "axis", size) for port, size in self.inputs.items()}
            found |= {port: Interface(True, "axis", size) for port, size in self.outputs.items()}
        return found

    def pins(self, name: str) -> Mapping[str, str]:
        """The pins that a block has in its configuration, and what each is."""
        cell = self.cells[name]
        ports = self.interfaces(name)
        if cell.kind == "processing_system7":
            return {f"{port}_ACLK": CLOCKS for port in ports} | dict.fromkeys(
                ("FCLK_CLK0", "FCLK_RESET0_N"), OUTPUTS
            )
        if cell.kind == "zynq_ultra_ps_e":
            clocks = (re.sub(r"^([MS])_AXI_", r"\1axi", port).lower() + "_aclk" for port in ports)
            return dict.fromkeys(clocks, CLOCKS) | dict.fromkeys(("pl_clk0", "pl_resetn0"), OUTPUTS)
        if cell.kind == "axi_dma":
            sides = [f"m_axi_{side}_aclk" for side in ("mm2s", "s2mm") if f"M_AXI_{side.upper()}" in ports]
            return {"axi_resetn": RESETS} | dict.fromkeys(
                ("s_axi_lite_aclk", "m_axi_sg_aclk", *sides), CLOCKS
            )
        if cell.kind in ("axis_subset_converter", "axis_dwidth_converter", "smartconnect"):
            return {"aclk": CLOCKS, "aresetn": RESETS}
        if cell.kind == "axi_gpio":
            return {"s_axi_aclk": CLOCKS, "s_axi_aresetn": RESETS, "gpio_io_i": INPUTS}
        if cell.kind == "proc_sys_reset":
            made = dict.fromkeys(("peripheral_aresetn", "interconnect_aresetn"), OUTPUTS)
            return {"slowest_sync_clk": CLOCKS, "ext_reset_in": INPUTS} | made
        if cell.kind in ("xlconcat", "ilconcat"):
            return {f"In{n}": INPUTS for n in range(cell.number("NUM_PORTS"))} | {"dout": OUTPUTS}
        return {"ap_clk": CLOCKS, "ap_rst_n": RESETS} | dict.fromkeys(self.errors, OUTPUTS)

    def _link(self, source: str, sink: str) -> None:
        ends = []
        for place in (source, sink):
            cell, _, port = place.partition("/")
            assert port in self.interfaces(cell), place
            assert place not in self.links and place not in self.links.values(), place
            ends.append(self.interfaces(cell)[port])
        assert ends[0].master and not ends[1].master, (source, sink)
        assert (ends[0].protocol, ends[0].bytes) == (ends[1].protocol, ends[1].bytes), (source, sink)
        self.links[source] = sink

    def _wire(self, source: str, sink: str) -> None:
        cell, _, pin = source.partition("/")
        assert self.pins(cell)[pin] == OUTPUTS, source
        cell, _, pin = sink.partition("/")
        assert self.pins(cell)[pin] != OUTPUTS, sink
        assert sink not in self.drivers, sink
        self.drivers[sink] = source

    def _complete(self) -> None:
        """Nothing is left open, every clock is the clock, every reset a reset, every width legal."""
        used = {*self.links, *self.links.values()}
        for name, cell in self.cells.items():
            for port in self.interfaces(name):
                assert f"{name}/{port}" in used, f"{name}/{port}"
            for pin, kind in self.pins(name).items():
                driver = self.drivers.get(f"{name}/{pin}")
                if kind is CLOCKS:
                    assert driver in ("ps/FCLK_CLK0", "ps/pl_clk0"), f"{name}/{pin}"
                elif kind is RESETS:
                    assert driver in ("reset/peripheral_aresetn", "reset/interconnect_aresetn"), name
                elif kind is INPUTS:
                    assert driver is not None, f"{name}/{pin}"
            self._legal(cell)
        for error in self.errors:
            assert f"network/{error}" in self.drivers.values()

    def _legal(self, cell: Cell) -> None:
        if cell.kind == "axi_dma":
            assert cell.config["c_include_sg"] == "1"
            assert 8 <= cell.number("c_sg_length_width") <= 26
            for stream, memory in (
                ("c_m_axis_mm2s_tdata_width", "c_m_axi_mm2s_data_width"),
                ("c_s_axis_s2mm_tdata_width", "c_m_axi_s2mm_data_width"),
            ):
                if stream in cell.config:
                    assert cell.number(stream) in POWERS
                    assert cell.number(memory) in POWERS[2:]
                    assert cell.number(stream) <= cell.number(memory)
                    burst = 16 * cell.number(memory) // 8
                    assert burst <= 4096
        elif cell.kind in ("axis_subset_converter", "axis_dwidth_converter"):
            assert 1 <= cell.number("S_TDATA_NUM_BYTES") <= 512
            assert 1 <= cell.number("M_TDATA_NUM_BYTES") <= 512
        elif cell.kind == "smartconnect":
            assert 1 <= cell.number("NUM_SI") <= 16
            assert 1 <= cell.number("NUM_MI") <= 16
        elif cell.kind == "processing_system7":
            assert 0 < float(cell.config["PCW_FPGA0_PERIPHERAL_FREQMHZ"]) <= 250

    # ------------------------------------------------------------------------- streams

    def follow(self, source: str, beats: Bytes) -> tuple[str, Bytes]:
        """Where the beats of a packet, (beats, bytes), come to from an interface, and what they are there."""
        while True:
            place = self.links[source]
            name = place.partition("/")[0]
            cell = self.cells[name]
            if cell.kind == "axis_dwidth_converter":
                beats = beats.reshape(-1, cell.number("M_TDATA_NUM_BYTES"))
            elif cell.kind == "axis_subset_converter":
                size = cell.number("M_TDATA_NUM_BYTES")
                words = [int.from_bytes(beat.tobytes(), "little") for beat in beats]
                inner = {"tdata": 8 * cell.number("S_TDATA_NUM_BYTES")}
                made = [
                    remapped(cell.config["TDATA_REMAP"], {"tdata": word}, inner, 8 * size) for word in words
                ]
                beats = np.array([list(word.to_bytes(size, "little")) for word in made], dtype=np.uint8)
                keep = {"tkeep": cell.number("S_TDATA_NUM_BYTES")}
                full = {"tkeep": (1 << keep["tkeep"]) - 1}
                assert remapped(cell.config["TKEEP_REMAP"], full, keep, size) == (1 << size) - 1
                assert cell.config["TLAST_REMAP"] == "tlast[0]"
                assert {cell.config[f"{side}_HAS_T{what}"] for side in "SM" for what in ("LAST", "KEEP")} == {
                    "1"
                }
            else:
                return place, beats
            source = f"{name}/M_AXIS"


AXI_M, AXI_S = Interface(True, "axi"), Interface(False, "axi")


def remapped(text: str, values: Mapping[str, int], widths: Mapping[str, int], width: int) -> int:
    """What a remap string makes of signals (PG085, "Extra Settings")."""

    def parts() -> Iterator[tuple[int, int]]:
        for part in text.split(","):
            constant = re.fullmatch(r"(\d+)'b([01]+)", part)
            if constant:
                assert len(constant[2]) == int(constant[1])
                yield int(constant[2], 2), int(constant[1])
                continue
            slice_ = re.fullmatch(r"(t\w+)\[(\d+):(\d+)\]", part)
            assert slice_ is not None, part
            high, low = int(slice_[2]), int(slice_[3])
            assert low <= high < widths[slice_[1]]
            yield values[slice_[1]] >> low & (1 << high - low + 1) - 1, high - low + 1

    value = total = 0
    for part, bits in parts():
        value, total = value << bits | part, total + bits
    assert total == width
    return value
