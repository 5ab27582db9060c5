"""What HLS tools read, written down from their documentation: pragmas, Tcl commands and configuration keys.

Sources: UG902 2019.2 and 2020.1 (Vivado HLS), UG1399 2022.2, 2023.2, 2024.1, 2025.1 and 2025.2 (Vitis HLS):
the chapters on pragmas, Tcl commands and configuration files; UG1448 for where ``rewind`` is taken. Nothing
here knows what is emitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

INTEGER = r"[1-9]\d*"
NAME = r"[A-Za-z_]\w*"
COUNT = f"{INTEGER}|{NAME}"


@dataclass(frozen=True)
class Pragma:
    """One pragma: options with values, flags that stand alone (what must be there, where it may stand."""

    options: Mapping[str, str]
    flags: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    places: tuple[str, ...] = ("function", "loop")


def _one_of(*words: str) -> str:
    return "|".join(words)


_POWERS = tuple(str(1 << power) for power in range(3, 11))
_BURST = "|".join(str(1 << power) for power in range(1, 9))
"""Of AXI4: up to 256."""

_INTERFACES: Mapping[str, frozenset[str]] = {
    "axis": frozenset({"register_mode", "depth"}),
    "ap_none": frozenset(),
    "ap_ctrl_none": frozenset(),
    "ap_ctrl_hs": frozenset({"bundle"}),
    "ap_ctrl_chain": frozenset({"bundle"}),
    "s_axilite": frozenset({"bundle", "offset"}),
    "m_axi": frozenset({"bundle", "offset", "depth", "latency", "max_widen_bitwidth", "max_read_burst_length",
                        "max_write_burst_length", "num_read_outstanding", "num_write_outstanding"}),
}  # fmt: skip
"""UG1399, pragma HLS interface: what goes with a mode besides its port."""

_MEMORIES: Mapping[str, tuple[str, ...]] = {
    "fifo": ("bram", "lutram", "uram", "srl", "memory"),
    "ram_1p": ("bram", "lutram", "uram"),
    "ram_1wnr": ("bram", "lutram", "uram"),
    "ram_2p": ("bram", "lutram", "uram"),
    "ram_s2p": ("bram", "lutram", "uram"),
    "ram_t2p": ("bram", "uram"),
    "rom_1p": ("bram", "lutram"),
    "rom_2p": ("bram", "lutram"),
    "rom_np": ("bram", "lutram"),
}
"""UG1399, pragma HLS bind_storage: implementations by type."""

_CORES = {
    *(f"{kind}_{place}" for kind in ("RAM_1P", "RAM_2P", "RAM_S2P") for place in ("BRAM", "LUTRAM", "URAM")),
    *("RAM_T2P_BRAM", "RAM_T2P_URAM"),
    *(f"{kind}_{place}" for kind in ("ROM_1P", "ROM_2P", "ROM_nP") for place in ("BRAM", "LUTRAM")),
    *("FIFO_BRAM", "FIFO_LUTRAM", "FIFO_SRL", "FIFO_URAM"),
    *("Mul_LUT", "MulnS", "DSP48"),
}
"""UG902, "Vivado HLS cores"."""

VITIS: Mapping[str, Pragma] = {
    "interface": Pragma(
        {"mode": _one_of(*_INTERFACES), "port": NAME,
         "register_mode": _one_of("both", "forward", "reverse", "off"), "bundle": NAME,
         "offset": _one_of("slave", "direct", "off"), "depth": INTEGER, "latency": INTEGER,
         "max_widen_bitwidth": _one_of("0", *_POWERS), "max_read_burst_length": _BURST,
         "max_write_burst_length": _BURST, "num_read_outstanding": INTEGER, "num_write_outstanding": INTEGER},
        required=("mode", "port"), places=("top",),
    ),
    "dataflow": Pragma({}, ("disable_start_propagation",), places=("function", "top", "loop")),
    "stream": Pragma(
        {"variable": NAME, "type": _one_of("fifo", "pipo", "shared", "unsync"), "depth": INTEGER},
        required=("variable",), places=("function", "top", "loop"),
    ),
    "bind_storage": Pragma(
        {"variable": NAME, "type": _one_of(*_MEMORIES),
         "impl": _one_of("bram", "lutram", "uram", "srl", "memory"),
         "latency": r"-?\d+"},
        required=("variable", "type"), places=("function", "top", "loop"),
    ),
    "bind_op": Pragma(
        {"variable": NAME, "op": _one_of("mul", "add", "sub"), "impl": _one_of("fabric", "dsp"),
         "latency": r"-?\d+"},
        required=("variable", "op"), places=("function", "loop"),
    ),
    "array_partition": Pragma(
        {"variable": NAME, "type": _one_of("complete", "cyclic", "block"), "factor": INTEGER, "dim": r"\d"},
        required=("variable",), places=("function", "top", "loop"),
    ),
    "array_reshape": Pragma(
        {"variable": NAME, "type": _one_of("complete", "cyclic", "block"), "factor": INTEGER, "dim": r"\d"},
        required=("variable",), places=("function", "top", "loop"),
    ),
    "pipeline": Pragma({"II": INTEGER, "style": _one_of("stp", "frp", "flp")}, ("rewind", "off")),
    "unroll": Pragma({"factor": INTEGER}, ("skip_exit_check",), places=("loop",)),
    "loop_tripcount": Pragma({"min": COUNT, "max": COUNT, "avg": COUNT}, places=("loop",)),
    "reset": Pragma({"variable": NAME}, ("off",), ("variable",), ("function", "top")),
    "inline": Pragma({}, ("off", "recursive"), places=("function",)),
    "dependence": Pragma(
        {"variable": NAME, "class": _one_of("array", "pointer"), "type": _one_of("inter", "intra"),
         "direction": _one_of("RAW", "WAR", "WAW"), "distance": INTEGER,
         "dependent": _one_of("true", "false")},
        required=("variable", "dependent"),
    ),
}  # fmt: skip

VIVADO: Mapping[str, Pragma] = {
    "interface": Pragma(
        {"port": NAME, "bundle": NAME},
        ("axis", "ap_none", "ap_ctrl_none", "ap_ctrl_hs", "ap_ctrl_chain", "s_axilite", "register", "both",
         "forward", "reverse", "off"),
        ("port",), ("top",),
    ),
    "dataflow": Pragma({}, places=("function", "top", "loop")),
    "data_pack": Pragma(
        {"variable": NAME, "instance": NAME}, ("struct_level", "field_level"), ("variable",),
        ("function", "top"),
    ),
    "stream": Pragma(
        {"variable": NAME, "depth": INTEGER, "dim": r"\d"}, ("off",), ("variable",), ("function", "top")
    ),
    "array_partition": Pragma(
        {"variable": NAME, "factor": INTEGER, "dim": r"\d"}, ("complete", "cyclic", "block"), ("variable",),
        ("function", "top", "loop"),
    ),
    "array_reshape": Pragma(
        {"variable": NAME, "factor": INTEGER, "dim": r"\d"}, ("complete", "cyclic", "block"), ("variable",),
        ("function", "top", "loop"),
    ),
    "resource": Pragma(
        {"variable": NAME, "core": _one_of(*sorted(_CORES)), "latency": r"-?\d+"}, (), ("variable", "core"),
        ("function", "top", "loop"),
    ),
    "pipeline": Pragma({"II": INTEGER}, ("enable_flush", "rewind", "off")),
    "unroll": Pragma({"factor": INTEGER}, ("region", "skip_exit_check"), places=("loop",)),
    "loop_tripcount": Pragma({"min": COUNT, "max": COUNT, "avg": COUNT}, places=("loop",)),
    "reset": Pragma({"variable": NAME}, ("off",), ("variable",), ("function", "top")),
    "inline": Pragma({}, ("off", "region", "recursive"), places=("function",)),
    "dependence": Pragma(
        {"variable": NAME, "distance": INTEGER},
        ("array", "pointer", "inter", "intra", "RAW", "WAR", "WAW", "true", "false"), ("variable",),
    ),
}  # fmt: skip

PRAGMAS: Mapping[str, Mapping[str, Pragma]] = {
    **dict.fromkeys(("2019.2", "2020.1"), VIVADO),
    **dict.fromkeys(("2022.2", "2023.2", "2024.1", "2025.1", "2025.2"), VITIS),
}

TCL: Mapping[str, Mapping[str, tuple[int, Mapping[str, str | None]]]] = {}
"""By version: of each command how many arguments it takes beside its options, and of each option the pattern
of its value, None for those without one."""

_TCL_BOTH: Mapping[str, tuple[int, Mapping[str, str | None]]] = {
    "open_project": (1, {"-reset": None}),
    "set_top": (1, {}),
    "add_files": (1, {"-tb": None, "-cflags": r".*", "-csimflags": r".*"}),
    "set_part": (1, {}),
    "create_clock": (0, {"-period": r"[\d.]+(ns|MHz)?", "-name": NAME}),
    "set_clock_uncertainty": (1, {}),
    "csim_design": (0, {"-O": None, "-clean": None, "-argv": r".*", "-ldflags": r".*", "-setup": None}),
    "csynth_design": (0, {}),
    "cosim_design": (0, {"-rtl": "verilog|vhdl", "-O": None, "-trace_level": "none|all|port", "-tool": NAME}),
    "export_design": (
        0,
        {"-flow": "syn|impl|none", "-rtl": "verilog|vhdl", "-format": "ip_catalog|sysgen|syn_dcp|xo|rtl",
         "-vendor": r"[\w.-]+", "-library": r"[\w.-]+", "-version": r"\d+\.\d+(\.\d+)?", "-ipname": NAME,
         "-display_name": r"[^{}\[\]$\"\\;#]+", "-description": r"[^{}\[\]$\"\\;#]+", "-taxonomy": r"[\w/]+"},
    ),
}  # fmt: skip
_TCL_VIVADO = {
    **_TCL_BOTH,
    "open_solution": (1, {"-reset": None}),
    "config_array_partition": (0, {"-maximum_size": INTEGER, "-auto_partition_threshold": INTEGER}),
}
_TCL_VITIS = {
    **_TCL_BOTH,
    "open_solution": (1, {"-reset": None, "-flow_target": "vivado|vitis"}),
    "export_design": (0, {**_TCL_BOTH["export_design"][1], "-output": r"[\w./-]+"}),
}
TCL = {
    **dict.fromkeys(("2019.2", "2020.1"), _TCL_VIVADO),
    **dict.fromkeys(("2022.2", "2023.2", "2024.1", "2025.1", "2025.2"), _TCL_VITIS),
}

CFG_VERSIONS = ("2023.2", "2024.1", "2025.1", "2025.2")
CFG: Mapping[str, Mapping[str, str]] = {
    "": {"part": r"[\w-]+"},
    "hls": {
        "flow_target": "vivado|vitis", "clock": r"[\d.]+(ns|MHz)", "clock_uncertainty": r"[\d.]+(ns|%)",
        "syn.top": NAME, "syn.file": r"[\w./-]+", "tb.file": r"[\w./-]+",
        "package.output.format": "ip_catalog|xo|rtl|syn_dcp|sysgen", "package.output.syn": "true|false",
        "package.output.file": r"[\w./-]+", "package.ip.vendor": r"[\w.-]+", "package.ip.library": r"[\w.-]+",
        "package.ip.version": r"\d+\.\d+(\.\d+)?", "package.ip.display_name": r"[^#;=]+",
        "vivado.flow": "syn|impl", "vivado.rtl": "verilog|vhdl",
    },
}  # fmt: skip
"""By section: the pattern of each key's value."""

COMPONENT = {
    "name": NAME,
    "type": "HLS",
    "configuration": {"componentType": "HLS", "configFiles": [r"[\w./-]+\.cfg"], "work_dir": NAME},
}
"""vitis-comp.json of an HLS component, as the Vitis IDE writes it: what all of those seen in public
repositories have."""

UNCERTAINTY = r"\d+(\.\d+)?%?"
"""What set_clock_uncertainty takes: nanoseconds, or a share."""


def check_pragma(text: str, version: str) -> tuple[str, dict[str, str], set[str]]:
    """Name, options and flags of a pragma, ``#pragma HLS`` cut off. AssertionError where the tool of that
    version does not know it."""
    name, *words = text.split()
    known = PRAGMAS[version].get(name.lower())
    assert known is not None, f"{version} has no pragma {name}"
    options = dict(word.split("=", 1) for word in words if "=" in word)
    flags = {word for word in words if "=" not in word}
    assert len(options) + len(flags) == len(words), f"{text}: said twice"
    for key, value in options.items():
        assert key in known.options, f"{version}: {name} has no option {key}"
        assert re.fullmatch(known.options[key], value), f"{version}: {text}: {value}"
    assert flags <= set(known.flags), f"{version}: {text}"
    assert set(known.required) <= set(options), f"{version}: {text} lacks {known.required}"
    if name == "interface" and "mode" in options:
        assert set(options) <= {"mode", "port"} | _INTERFACES[options["mode"]], f"{version}: {text}"
    if name == "bind_storage" and "impl" in options:
        assert options["impl"] in _MEMORIES[options["type"]], text
    if name == "pipeline":
        assert not (options.get("style") == "frp" and "rewind" in flags), "HLS 207-5512"
    if "distance" in options:
        assert options.get("dependent", "true" if "true" in flags else "false") == "true", text
    return name.lower(), options, flags


@dataclass
class Scope:
    """Where a line of C++ stands: kind "namespace", "struct", "function", "top", "loop" or "block"."""

    kind: str
    opened_by: str
    names: set[str] = field(default_factory=set)
    lines: int = 0


def misplaced(text: str, top: str, version: str) -> Iterator[str]:
    """What is wrong with the pragmas of a C++ file, which is laid out as the emitted ones are: a brace that
    opens a block ends its line."""
    scopes: list[Scope] = [Scope("namespace", "")]
    statement = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("//")[0].strip()
        if not line:
            continue
        here = scopes[-1]
        if line.startswith("#pragma HLS "):
            try:
                name, options, flags = check_pragma(line.removeprefix("#pragma HLS "), version)
            except AssertionError as error:
                yield f"{number}: {error}"
                continue
            yield from (f"{number}: {said}" for said in _out_of_place(name, options, flags, here, version))
            variable = options.get("variable")
            if variable and not any(variable in scope.names for scope in scopes):
                yield f"{number}: there is no {variable}"
            continue
        if line.startswith("#"):
            continue
        here.lines += 1
        statement += " " + line
        while scopes[1:] and line.startswith("}"):
            scopes.pop()
            line = line[1:].lstrip()
            statement = line
        if line.endswith("{") and not statement.rstrip().endswith("= {"):
            scopes.append(Scope(_kind(statement.strip(), scopes, top), statement, set(_declared(statement))))
            statement = ""
        elif line.endswith(("{", "}", ";")):
            scopes[-1].names |= set(_declared(statement))
            if line.endswith("{"):
                scopes.append(Scope("block", statement))
            statement = ""


def _out_of_place(
    name: str, options: Mapping[str, str], flags: set[str], here: Scope, version: str
) -> Iterator[str]:
    """What is wrong with where a pragma stands."""
    if here.kind not in PRAGMAS[version][name].places:
        yield f"{name} in a {here.kind}"
    if name in ("pipeline", "unroll", "inline", "dataflow") and here.lines and here.kind != "top":
        yield f"{name} is not the first thing in its {here.kind}"
    if name == "pipeline" and ("rewind" in flags) > (here.kind == "loop"):
        yield "rewind without a loop"
    if name == "pipeline" and "rewind" in flags and "while (" in here.opened_by:
        yield "rewind in a loop whose end is not known, HLS 200-959"
    if name == "interface" and options["port"] not in {"return", *here.names}:
        yield f"there is no port {options['port']}"


def _kind(statement: str, scopes: list[Scope], top: str) -> str:
    if "namespace" in statement.split() or statement == 'extern "C" {':
        return "namespace"
    if re.search(r"(?:^|> )struct \w", statement):
        return "struct"
    if re.search(r"\b(for|while) \(", statement):
        return "loop"
    if re.match(r"(else|if|switch|\}|case|default)", statement):
        return "block"
    if scopes[-1].kind in ("namespace", "struct"):
        return "top" if f" {top}(" in statement else "function"
    return "block"


def _declared(statement: str) -> Iterator[str]:
    """Names that a declaration introduces, or the parameters of a function."""
    yield from re.findall(r"(?<=[\w>&*] )(\w+)(?=\s*(?:\[|;|,|\)|=|\())", statement)
    yield from re.findall(r"\(&(\w+)\)", statement)
    yield from re.findall(r">& (\w+)", statement)
    yield from re.findall(r"\w\* (\w+)", statement)
