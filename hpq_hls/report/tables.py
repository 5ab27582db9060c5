"""Results as tables for the terminal. Each function takes the plain form of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpq_hls.report import text as t
from hpq_hls.simulate.coverage import HEADER, coverage_rows

Plain = dict[str, Any]
UNITS = (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram", "BRAM (18 kbit)"))


def make_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, *, header: bool = True
) -> RenderableType:
    """A table whose first ``left`` columns are text and the others numbers."""
    table = Table(header_style="bold", show_header=header)
    for index, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return Group(Text(f"\n{title}", style="bold"), table)  # a title of the table would wrap at its width


def precision_lines(result: Plain) -> list[Text]:
    """Which precision a command worked with, and what is not used and why."""
    said = result["precision"]
    folding = said["target_interval"]
    folded = "" if folding is None else f", folded for {folding:,} cycles"
    lines = [f"Precision: {said['sentence']}{folded}.", *(f"Note: {note}." for note in said["notes"])]
    return [Text(line) for line in lines]


def misfit_lines(result: Plain) -> list[Text]:
    """What the part has too little of, and what would fit; targets that are missed."""
    short, missed = result["misfit"], result.get("notes", result.get("estimate", {}).get("notes", []))
    said = [*missed, *([] if short is None else [short["sentence"]])]
    return [Text(f"Warning: {sentence}.", style="bold") for sentence in said]


def layers_table(network: Plain, saturation: Plain) -> RenderableType:
    """Types and memory of every layer, and how many values did not fit its output's type."""
    rows = [
        (
            layer["name"],
            layer["kind"],
            t.weight_type(layer),
            layer["activation_type"],
            t.count(layer["parameters"]) if layer["parameters"] else "-",
            t.count(layer["weight_bits"]) if layer["weight_bits"] else "-",
            *(t.saturated(counts[layer["name"]]) for counts in saturation.values()),
        )
        for layer in network["layers"]
    ]
    columns = ["layer", "operator", "weights", "output", "parameters", "bits stored"]
    columns += [f"saturated, {split}" for split in saturation]
    return make_table(f"Network {network['name']}", columns, rows, left=4)


def unseen_rows(known: Plain | None, of: str = "") -> list[tuple[str, str]]:
    """The drop on unseen data: of a search's result, or of a network that one found. of: which network."""
    if known is None:
        return []
    rows = [(f"drop on unseen data{of}", t.unseen(known))]
    return rows if known["confidence"] is None else [*rows, ("  guarantee", t.verdict(known))]


def quality_rows(scores: Plain | None, network: Plain, known: Plain | None = None) -> list[tuple[str, str]]:
    """Quality and memory beside float and uniform 8 bit. known: the guarantee of a search."""
    rows: list[tuple[str, str]] = []
    if scores is not None:
        metric = scores["metric"]
        unseen = f"{scores['split']} split, {scores['samples']:,} samples"
        rows += [
            (f"float {t.metric_name(metric)} ({unseen})", t.score(scores["float_score"], metric)),
            (f"quantized {t.metric_name(metric)} ({unseen})", t.score(scores["quantized_score"], metric)),
            ("  drop", drop_text(scores["comparison"], metric)),
        ]
        rows += [("  warning", scores["warning"])] if scores["warning"] else []
        rows.append((f"uniform 8 bit {t.metric_name(metric)}", t.score(scores["uniform8_score"], metric)))
    rows += unseen_rows(known)
    if network["origin"] != "trained":
        rows.append(("parameters", network["origin"]))
    held, uniform, floats = network["weight_bits"], network["uniform8_bits"], network["float32_bits"]
    rows += [
        ("weight memory", t.bits(held)),
        ("  of float32", f"{t.bits(floats)}, {t.ratio(held, floats)} larger"),
        ("  of uniform 8 bit", f"{t.bits(uniform)}, {t.ratio(held, uniform)} larger"),
    ]
    return rows


def drop_text(test: Plain, metric: str) -> str:
    """A drop with its confidence interval and its significance."""
    interval = t.drop_bounds(test["drop_interval"], metric)
    chance = t.probability(test["p_value"])
    return f"{t.drop(test['drop'], metric)} ({test['confidence']:.0%}: {interval}; p = {chance})"


def quantize_tables(result: Plain) -> RenderableType:
    """What ``hpq quantize`` shows."""
    rows = [*quality_rows(result["scores"], result["network"]), ("saved as", result["file"])]
    layers = layers_table(result["network"], result["saturation"])
    return Group(*precision_lines(result), layers, make_pairs("Quality and memory", rows))


def generate_table(result: Plain) -> RenderableType:
    """What ``hpq generate`` shows."""
    rows = [(item["backend"], item["path"], item["top"], str(item["files"])) for item in result["projects"]]
    table = make_table("Generated", ("backend", "folder", "top", "files"), rows, left=3)
    return Group(*precision_lines(result), table, *misfit_lines(result))


def run_table(result: Plain) -> RenderableType:
    """What ``hpq run`` shows."""
    taken = [(step["name"], step["sentence"]) for step in result["steps"]]
    steps = make_table("Steps", ("step", "result"), taken, left=2)
    found, scores = result["estimate"]["estimate"], result["scores"]
    rows = [(label, t.count(found[key])) for key, label in UNITS]
    rows.append(("interval (cycles)", t.count(found["interval_cycles"])))
    if scores is not None:
        name = f"quantized {t.metric_name(scores['metric'])} ({scores['split']})"
        rows.append((name, t.score(scores["quantized_score"], scores["metric"])))
    rows.append(("hardware against the simulator", f"{result['words']:,} words, all equal"))
    rows.append(("kernels verified alone", t.count(result["kernels"])))
    rows.append(("page", result["file"]))
    return Group(*precision_lines(result), steps, make_pairs("Result, resources estimated", rows))


def verify_table(result: Plain) -> RenderableType:
    """What ``hpq verify`` shows."""
    rows = [
        (
            check["what"],
            check["backend"],
            check["scenario"] or "-",
            t.count(check["samples"]),
            t.count(check["words_compared"]),
            t.count(check["words_different"]),
            "passed" if check["passed"] else "FAILED",
        )
        for check in result["checks"]
    ]
    columns = ("check", "backend", "scenario", "inferences", "words compared", "words different", "verdict")
    table = make_table("Hardware against the simulator", columns, rows, left=3)
    reasons = [f"  {reason}" for reason in failure_lines(result)]
    timing = Text("")
    if result["latency_cycles"] is not None:
        latency = t.duration(result["latency_cycles"], result["clock_ns"])
        interval = t.duration(result["interval_cycles"], result["clock_ns"])
        timing = Text(f"latency {latency}, interval {interval}, measured by co-simulation")
    alone = [certificate_table(certificate) for certificate in result["certificates"]]
    reached = coverage_tables(result)
    lines = [Text(reason) for reason in reasons]
    wave = result.get("wave")
    lines += [Text(f"  {wave['sentence']}")] if wave else []
    modelled = [Text(schedule_sentence(schedule)) for schedule in result["schedules"]]
    return Group(*precision_lines(result), table, *alone, *reached, *lines, timing, *modelled)


def schedule_sentence(schedule: Plain) -> str:
    """The modelled schedule of a C++ project."""
    backend, depths = schedule["backend"], f"{schedule['depths'][0]} to {schedule['depths'][-1]} stages"
    if schedule["deadlock"] is not None:
        return f"{backend}: by the modelled schedule, pipelines of {depths}, deadlock {schedule['deadlock']}"
    latency, interval = (
        " to ".join(dict.fromkeys(t.count(cycles) for cycles in schedule[key]))
        for key in ("latency_cycles", "interval_cycles")
    )
    return (
        f"{backend}: latency {latency}, interval {interval} cycles, by the modelled schedule of the C++ with "
        f"pipelines of {depths}; not measured"
    )


UNREACHED_SHOWN = 8
"""Sentences on what was never reached that the terminal shows; the page and JSON have all."""


def coverage_tables(result: Plain) -> list[RenderableType]:
    """What the frames of a verification reach, layer by layer, and what they never reach."""
    coverage = result["coverage"]
    if coverage is None:
        return []
    title = f"What the {coverage['samples']} chosen frames reach"
    table = make_table(title, HEADER, coverage_rows(coverage["layers"]))
    never, more = coverage["unreached"], len(coverage["unreached"]) - UNREACHED_SHOWN
    lines = [*(f"  {sentence}" for sentence in never[:UNREACHED_SHOWN])]
    lines += [f"  and {more} more: --json, and coverage.json beside the project's files"] if more > 0 else []
    return [table, *(Text(line) for line in (*lines, *(f"  note: {note}" for note in result["notes"])))]


def failure_lines(result: Plain) -> list[str]:
    """Why checks failed, each reason once: what was found; of checks of which nothing was, what they say."""
    reasons = result.get("reasons", [])
    known = {(reason["backend"], label) for reason in reasons for label in reason["checks"]}
    lines = [reason["sentence"] for reason in reasons]
    for check in result["checks"]:
        if (check["backend"], check["scenario"] or check["what"]) not in known:
            lines += [f"{check['backend']}: {failure}" for failure in check["failures"]]
    return list(dict.fromkeys(lines))


def certificate_rows(certificate: Plain) -> list[tuple[str, ...]]:
    """Of each kernel: name, layer, kind, what was shown, words compared, words different; then, together,
    what connects them."""
    own = [kernel for kernel in certificate["kernels"] if kernel["layer"]]
    between = [kernel for kernel in certificate["kernels"] if not kernel["layer"]]
    rows: list[tuple[str, ...]] = [
        (*(kernel[key] for key in ("name", "layer", "kind", "proof")), *_words_of([kernel])) for kernel in own
    ]
    if between:
        kinds = ", ".join(dict.fromkeys(kernel["kind"] for kernel in between))
        rows.append(("between them", "-", kinds, "sampled", *_words_of(between)))
    return rows


def _words_of(kernels: Sequence[Plain]) -> tuple[str, str]:
    checked, different = (sum(kernel[key] for kernel in kernels) for key in ("checked", "different"))
    return t.count(checked), t.count(different)


def certificate_table(certificate: Plain) -> RenderableType:
    """What was shown of the kernels of a project."""
    columns = ("kernel", "layer", "kind", "shown for", "words compared", "words different")
    title = f"Kernels alone ({certificate['backend']})"
    return make_table(title, columns, certificate_rows(certificate), left=4)


TRACE_COLUMNS = ("layer", "operator", "output", "float values", "rms error", "max error", "SQNR", "saturated")


def trace_rows(result: Plain) -> list[tuple[str, ...]]:
    """Of each layer: name, operator, type, range of float values, errors, signal to noise, saturation."""
    return [
        (
            *(layer[key] for key in ("name", "kind", "type")),
            f"{layer['low']:.3g} .. {layer['high']:.3g}",
            f"{layer['rms_error']:.2g}",
            f"{layer['max_error']:.2g}",
            "-" if layer["sqnr_db"] is None else f"{layer['sqnr_db']:.1f} dB",
            "0" if not layer["saturated"] else f"{100 * layer['saturated']:.2g} %",
        )
        for layer in result["layers"]
    ]


def trace_table(result: Plain) -> RenderableType:
    """What ``hpq trace`` shows."""
    title = f"Quantized against float, {result['samples']} samples of the {result['split']} split"
    table = make_table(title, TRACE_COLUMNS, trace_rows(result), left=3)
    return Group(*precision_lines(result), table)


def resource_rows(used: Plain, capacity: Plain | None) -> list[tuple[str, str, str]]:
    """LUT, FF, DSP and BRAM, and their share of the part."""
    return [
        (label, t.count(used[key]), "-" if capacity is None else t.share(used[key], capacity[key]))
        for key, label in UNITS
    ]


def estimate_tables(result: Plain) -> RenderableType:
    """What ``hpq estimate`` shows."""
    estimate = result["estimate"]
    rows = [
        (
            layer["name"],
            f"{layer['pe']} x {layer['simd']}",
            *(t.count(layer[key]) for key, _ in UNITS),
            t.count(layer["cycles"]),
        )
        for layer in estimate["layers"]
    ]
    columns = ("layer", "PE x SIMD", *(label for _, label in UNITS), "cycles")
    cycles = [
        ("latency", t.duration(estimate["latency_cycles"], estimate["clock_ns"]), ""),
        ("interval", t.duration(estimate["interval_cycles"], estimate["clock_ns"]), ""),
        *modelled_rows(estimate, estimate["backend"]),
    ]
    if result["modelled"] is not None:
        cycles += modelled_rows(result["modelled"], result["modelled"]["backend"])
    total = make_table(
        f"Estimate: {estimate['stage']}",
        ("resource", "used", f"of {result['capacity']['part']}"),
        [*resource_rows(estimate, result["capacity"]), *cycles],
    )
    limited = Text(
        f"The interval is set by {estimate['limited_by']}, the clock by {estimate['fmax_limited_by']} "
        f"({estimate['fmax_mhz']:,.1f} MHz, modelled)."
    )
    layers = make_table("Per layer", columns, rows)
    return Group(*precision_lines(result), layers, total, limited, *misfit_lines(result))


def modelled_rows(ranges: Plain, backend: str) -> list[tuple[str, str, str]]:
    """Cycles that a tool may make of the C++ of a backend; nothing for RTL."""
    keys = (("latency_range", "latency"), ("interval_range", "interval"))
    return [
        (f"{label} of the {backend} C++, modelled", f"{ranges[key][0]:,} to {ranges[key][1]:,} cycles", "")
        for key, label in keys
        if ranges[key] is not None
    ]


def summary_table(summary: Plain) -> RenderableType:
    """Everything about a project in one table."""
    estimate, verify, clock = summary["estimate"]["estimate"], summary["verify"], summary["clock_ns"]
    rows = quality_rows(summary["scores"], summary["network"], summary["guarantee"])
    rows.insert(0, ("precision", summary["precision"]["sentence"]))
    rows += [("  note", note) for note in summary["precision"]["notes"]]
    rows.append(("bits per layer (weight/activation)", t.layer_bits(summary["network"]["layers"])))
    for label, used, share in resource_rows(estimate, summary["estimate"]["capacity"]):
        rows.append((label, f"{used}  ({share} of {summary['estimate']['capacity']['part']})"))
    rows.append(("  stage of these figures", estimate["stage"]))
    if summary["estimate"]["misfit"] is not None:
        rows.append(("  warning", summary["estimate"]["misfit"]["sentence"]))
    for key, label in (("latency_cycles", "latency"), ("interval_cycles", "interval")):
        measured = "not measured" if verify is None else t.duration(verify[key], clock)
        rows.append((label, f"{measured} by co-simulation; {t.duration(estimate[key], clock)} estimated"))
    rows += _word_rows(verify)
    return make_pairs(f"{summary['project']} on {summary['part']}, {clock:g} ns, io {summary['io']}", rows)


def _word_rows(verify: Plain | None) -> list[tuple[str, str]]:
    if verify is None:
        return [("verification", "not run since the last change; run `hpq verify`")]
    rows: dict[str, tuple[int, int, bool]] = {}
    for check in verify["checks"]:
        label = f"{check['what']} ({check['backend']})"
        compared, different, passed = rows.get(label, (0, 0, True))
        rows[label] = (
            compared + check["words_compared"],
            different + check["words_different"],
            passed and check["passed"],
        )
    return [
        (label, f"{compared:,} words compared, {different:,} different{'' if passed else ', FAILED'}")
        for label, (compared, different, passed) in rows.items()
    ]


def init_note(result: Plain) -> RenderableType:
    """What ``hpq init`` shows."""
    return Text(
        f"Wrote {result['file']}; fill in model and data, then run `hpq search`, or `hpq quantize` (8 bits)."
    )


def report_table(result: Plain) -> RenderableType:
    """What ``hpq report`` shows."""
    return Group(summary_table(result["summary"]), Text(f"Page: {result['file']}"))


def age_note(result: Plain) -> RenderableType:
    """What ``hpq report --check`` shows of a page that is right."""
    return Text(f"{result['file']} shows the project as it is.")


def demo_table(result: Plain) -> RenderableType:
    """What ``hpq demo`` shows."""
    folder = result["folder"]
    where = f"Everything is in {folder} ({result['seconds']:.0f} s); start with {folder}/README.md, or open "
    return Group(summary_table(result["summary"]), Text(f"{where}{folder}/report.html"))


def doctor_table(result: Plain) -> RenderableType:
    """What ``hpq doctor`` shows."""
    rows = [
        (
            check["name"],
            check["status"],
            "required" if check["required"] else "optional",
            check["version"] or "-",
            _tried(check),
        )
        for check in result["checks"]
    ]
    return make_table(
        "Tools", ("tool", "state", "", "version", "what was tried, and what to do"), rows, left=5
    )


def _tried(check: Plain) -> str:
    """What was tried, and what to do."""
    detail, hint = check["detail"], check["hint"]
    return f"{detail}{': ' if hint[0].islower() else '. '}{hint}" if detail and hint else detail or hint


def make_pairs(title: str, rows: Sequence[tuple[str, str]]) -> RenderableType:
    """A table of names and what is known of them."""
    return make_table(title, ("", ""), rows, left=2, header=False)
