"""What synthesis tools report, and what is fitted to it, as tables for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from hpq_hls.report import text as t
from hpq_hls.report.tables import UNITS, Plain, make_table, precision_lines, resource_rows


def calibrate_table(result: Plain) -> RenderableType:
    """What ``hpq calibrate`` shows."""
    rows = [
        (label, *(f"{100 * result['held_out'][key][name]:.1f} %" for name in ("before", "median", "ninety")))
        for key, label in UNITS[:3]
    ]
    columns = ("held-out error", "before", "median", "nine of ten below")
    kinds = ", ".join(f"{count} {name}" for name, count in result["kinds"].items())
    rule = result["dsp"]
    products = "No report has a product, so that DSP blocks are those of the RTL twin."
    if rule is not None:
        products = (
            f"Products are in DSP blocks from {rule['min_operand']} bits of the narrower operand and "
            f"{rule['min_product']} of both, {rule['per_block']} in a block."
        )
    return Group(
        *(Text(f"Note: {note}.") for note in result["notes"]),
        make_table(f"Estimates {result['sentence']}", columns, rows),
        Text(f"Fitted to {kinds}."),
        Text(products),
        Text(f"Written to {result['file']}; name it in project.yaml under hardware.calibration."),
    )


def synth_tables(result: Plain) -> RenderableType:
    """What ``hpq synth`` shows."""
    report = result["report"]
    parts = [synth_table(result)]
    if result["kernels"]:
        rows = [
            (
                kernel["kernel"],
                *(
                    f"{kernel['reported'][key]:,} / {kernel['estimated'][key]:,}"
                    for key in ("lut", "ff", "dsp", "bram")
                ),
            )
            for kernel in result["kernels"]
        ]
        columns = ("reported / estimated", *(label for _, label in UNITS))
        parts += [make_table("Per kernel", columns, rows), Text(f"Estimated: {result['stage']}.")]
    slow = [loop for loop in report["loops"] if loop["ii"] is not None]
    if slow:
        rows = [
            (
                loop["module"],
                loop["name"],
                *(_known(loop[key]) for key in ("ii", "depth", "trip_count")),
            )
            for loop in slow
        ]
        parts.append(make_table("Pipelined loops", ("module", "loop", "II", "depth", "trips"), rows, 2))
    for one in report["violations"]:
        why = f" ({one['why']})" if one["why"] else ""
        where = one["module"] if one["place"] in ("", one["module"]) else f"{one['module']}, {one['place']}"
        parts.append(Text(f"Violation: {where}: {one['issue']}{why}.", style="bold"))
    return Group(*parts)


def _known(value: object) -> str:
    return "-" if value is None else f"{value:,}"


def _later_rows(result: Plain) -> list[tuple[str, str, str]]:
    """What co-simulation and implementation by the tool found."""
    report, capacity = result["report"], result["capacity"]
    rows: list[tuple[str, str, str]] = []
    cosim = report["cosim"]
    if cosim is not None:
        rows.append(("co-simulation by the tool", "passed" if cosim["passed"] else "failed", ""))
        for key, label in (("latency_cycles", "latency"), ("interval_cycles", "interval")):
            if cosim[key][2] is not None:
                rows.append((f"  {label}", f"{cosim[key][0]:,} to {cosim[key][2]:,} cycles", ""))
    for made in report["implementations"]:
        name = {"syn": "synthesized by Vivado", "impl": "placed and routed"}[made["run"]]
        for key, label in UNITS:
            rows.append((f"{label}, {name}", f"{made[key]:,}", t.share(made[key], capacity[key])))
        if made["uram"]:
            rows.append((f"URAM, {name}", f"{made['uram']:,}", ""))
        if made["slack_ns"] is not None:
            met = "" if made["met"] is None else ("met" if made["met"] else "missed")
            rows.append((f"slack, {name}", f"{made['slack_ns']:.3f} ns", met))
    return rows


def synth_table(result: Plain) -> RenderableType:
    """The figures of the whole design."""
    report = result["report"]
    # Only figures for the user's own part can be put in relation to it.
    capacity = None if report["tool"].startswith("nextpnr") else result["capacity"]
    rows = resource_rows(report, capacity)
    if report["fmax_mhz"] is not None:
        rows.append(("clock", f"{report['fmax_mhz']:.1f} MHz", ""))
    if report["uram"]:
        rows.append(("URAM", f"{report['uram']:,}", ""))
    if report["slack_ns"] is not None:
        rows.append(("slack", f"{report['slack_ns']:.3f} ns", "met" if report["slack_ns"] >= 0 else "missed"))
    for key, label in (("latency_cycles", "latency"), ("interval_cycles", "interval")):
        if report[key] is not None:
            modelled = result[key.replace("cycles", "range")]
            span = "" if modelled is None else f"modelled {modelled[0]:,} to {modelled[1]:,}"
            rows.append((label, f"{report[key]:,} cycles", span))
    rows += _later_rows(result)
    title = f"{report['tool']} {report['version']}: {report['stage']}"
    table = make_table(title, ("resource", "used", f"of {result['capacity']['part']}"), rows)
    return Group(*precision_lines(result), table)
