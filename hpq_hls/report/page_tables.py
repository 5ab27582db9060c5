"""Rows of the page's tables."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from hpq_hls.report import text as t
from hpq_hls.report.pareto import widths_of
from hpq_hls.report.tables import UNITS

Plain = dict[str, Any]
DIGEST = 16
"""Digits of a SHA-256 that are shown."""


def as_json(value: Any) -> Markup:
    """Data for the page's program; nothing in it can end the element that it is in."""
    held = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&":
        held = held.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(held)  # escaped above


def front_rows(search: Plain) -> list[tuple[str, ...]]:
    """The Pareto front, a row for each point."""
    metric, names = search["metric"], search["explored"]["variables"]
    return [
        (
            str(number),
            t.score(point["accuracy"], metric),
            t.drop(search["float_accuracy"] - point["accuracy"], metric),
            t.count(point["cost"]),
            widths_of(point, names),
        )
        for number, point in enumerate(search["pareto"], 1)
    ]


def kernel_rows(boxes: list[Plain]) -> list[Plain]:
    """What the page's program shows of a box that is chosen."""
    return [{"name": box["name"], "rows": box["rows"]} for box in boxes]


def kernel_table(kernels: list[Plain]) -> list[tuple[str, ...]]:
    """Kernels, a row each."""
    return [
        (
            kernel["name"],
            kernel["kind"],
            kernel["layer"] or "-",
            f"{kernel['pe']} × {kernel['simd']}",
            *(t.count(kernel[key]) for key in ("cycles", "lut", "ff", "dsp", "bram")),
        )
        for kernel in kernels
    ]


def stream_table(streams: list[Plain]) -> list[tuple[str, ...]]:
    """Streams, a row each."""
    return [
        (
            stream["name"],
            stream["source"] or stream["port"],
            stream["target"] or stream["port"],
            stream["type"],
            *(t.count(stream[key]) for key in ("lanes", "bits", "beats")),
            "wires" if stream["depth"] is None else t.count(stream["depth"]),
        )
        for stream in streams
    ]


def synthesis_table(summary: Plain) -> list[tuple[str, ...]]:
    """The estimate, then what each tool reports, with how far the estimate is from it."""
    estimate = summary["estimate"]["estimate"]
    rows: list[tuple[str, ...]] = [
        (
            "estimate",
            estimate["stage"],
            *(t.count(estimate[key]) for key, _ in UNITS),
            f"{1000 / summary['clock_ns']:.1f} MHz wanted",
        )
    ]
    for item in summary["synth"]:
        report = item["report"]
        cells = [
            f"{t.count(report[key])} {_against(estimate[key], report[key])}".rstrip() for key, _ in UNITS
        ]
        clock = "-" if report["fmax_mhz"] is None else f"{report['fmax_mhz']:.1f} MHz"
        rows.append((f"{report['tool']} {report['version']}", report["stage"], *cells, clock))
    return rows


def _against(estimate: float, reported: float) -> str:
    said = t.change(estimate, reported)
    return f"({said})" if said else ""


def compared_table(kernels: list[Plain]) -> list[tuple[str, ...]]:
    """Kernels in a report beside their estimates."""
    return [
        (
            kernel["kernel"],
            kernel["kind"],
            *(f"{kernel['reported'][key]:,} / {kernel['estimated'][key]:,}" for key, _ in UNITS),
        )
        for kernel in kernels
    ]


def digest_table(sources: Plain) -> list[tuple[str, ...]]:
    """What the page shows: what it is, the file, its digest."""
    return [
        (name, sources["files"].get(name, "-"), digest[:DIGEST])
        for name, digest in sources["digests"].items()
    ]
