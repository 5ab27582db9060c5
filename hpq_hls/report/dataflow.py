"""The kernels of a design and the streams between them, as a picture."""

from __future__ import annotations

from typing import Any

from hpq_hls.report import text
from hpq_hls.report.layered import Drawing, draw

Plain = dict[str, Any]
WIDE, HIGH = 212, 74
"""A kernel's box, in pixels."""
PITCH_X, PITCH_Y = 244, 128
MARGIN = 10
LETTERS = 27
"""That fit into a box."""
BREAK = "\N{ZERO WIDTH SPACE}"
"""Where a line may end."""


def dataflow_chart(flow: Plain) -> Plain:
    """Boxes and lines of a design. flow: the plain form of a Flow.

    ``boxes``: kernels, and ports as smaller ones, with the rows of what is known of them; ``lines``: streams;
    ``width``, ``height`` of the picture in pixels.
    """
    names = [kernel["name"] for kernel in flow["kernels"]]
    ends = [_ends(stream) for stream in flow["streams"]]
    ports = dict.fromkeys(end for pair in ends for end in pair if end.startswith("port:"))
    drawing = draw([*ports, *names], ends)
    busiest = max(kernel["cycles"] for kernel in flow["kernels"])
    boxes = [_kernel(kernel, flow, busiest, drawing) for kernel in flow["kernels"]]
    given = {f"port:{stream['port']}": stream for stream in flow["streams"] if stream["port"]}
    boxes += [_port(name, given[name], drawing) for name in ports]
    return {
        "boxes": boxes,
        "lines": [
            _line(stream, way, alone=[start for start, _ in ends].count(end[0]) == 1)
            for stream, end, way in zip(flow["streams"], ends, drawing.edges, strict=True)
        ],
        "width": round(drawing.columns * PITCH_X) + 2 * MARGIN,
        "height": (drawing.layers - 1) * PITCH_Y + HIGH + 2 * MARGIN,
    }


def _ends(stream: Plain) -> tuple[str, str]:
    port = f"port:{stream['port']}"
    return stream["source"] or port, stream["target"] or port


def _at(place: tuple[float, int]) -> tuple[float, float]:
    """The middle of a place, in pixels."""
    return MARGIN + place[0] * PITCH_X, MARGIN + place[1] * PITCH_Y + HIGH / 2


def _cut(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _kernel(kernel: Plain, flow: Plain, busiest: int, drawing: Drawing) -> Plain:
    x, y = _at(drawing.nodes[kernel["name"]])
    folds = (kernel["pe"], kernel["simd"]) != (1, 1)
    folding = f"PE {kernel['pe']} × SIMD {kernel['simd']}" if folds else ""
    slowest = kernel["name"] in flow["slowest"]
    reads = [stream for stream in flow["streams"] if stream["target"] == kernel["name"]]
    writes = [stream for stream in flow["streams"] if stream["source"] == kernel["name"]]
    cycles = "1 cycle" if kernel["cycles"] == 1 else f"{text.count(kernel['cycles'])} cycles"
    return {
        "x": round(x - WIDE / 2, 1),
        "y": round(y - HIGH / 2, 1),
        "name": kernel["name"],
        "title": _cut(kernel["name"]),
        "second": " · ".join(filter(None, (kernel["kind"], folding))),
        "third": cycles,
        "busy": round(100 * kernel["cycles"] / busiest, 1),
        "slowest": slowest,
        "port": False,
        "rows": [
            ("layer", kernel["layer"] or "between layers"),
            ("kind", kernel["kind"]),
            *([("folding", folding)] if folds else []),
            ("cycles per frame", text.count(kernel["cycles"]) + (", sets the interval" if slowest else "")),
            *(
                (label, text.count(kernel[key]))
                for key, label in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"))
            ),
            ("BRAM (18 kbit)", text.count(kernel["bram"])),
            *(("reads", _stream(stream)) for stream in reads),
            *(("writes", _stream(stream)) for stream in writes),
        ],
    }


def _port(name: str, stream: Plain, drawing: Drawing) -> Plain:
    x, y = _at(drawing.nodes[name])
    port = name.removeprefix("port:")
    rows = [("AXI4-Stream port", port), ("stream", _stream(stream))]
    return {
        "x": round(x - WIDE / 2, 1),
        "y": round(y - HIGH / 2, 1),
        "name": port,
        "title": _cut(port),
        "second": "AXI4-Stream",
        "third": "",
        "busy": 0,
        "slowest": False,
        "port": True,
        "rows": rows,
    }


def _stream(stream: Plain) -> str:
    fifo = "wires" if stream["depth"] is None else f"FIFO of {text.count(stream['depth'])}"
    beats = "1 beat" if stream["beats"] == 1 else f"{text.count(stream['beats'])} beats"
    kind = stream["type"].replace(",", f",{BREAK}")
    return f"{beats} of {stream['lanes']} × {kind} ({stream['bits']} bits), {fifo}"


def _line(stream: Plain, way: tuple[tuple[float, int], ...], *, alone: bool) -> Plain:
    """A stream as a curve, with what it carries beside its beginning where that is its own (alone), else
    where its first part ends."""
    places = [_at(place) for place in way]
    half, last = HIGH / 2, len(places) - 1
    x, y = places[0]
    path = f"M{x:.1f} {y + half:.1f}"
    y += half
    for number, (to_x, middle) in enumerate(places[1:], 1):
        to_y = middle - half
        between = (y + to_y) / 2
        end = to_y - (4 if number == last else 0)  # room for the tip of the arrow
        path += f"C{x:.1f} {between:.1f} {to_x:.1f} {between:.1f} {to_x:.1f} {end:.1f}"
        if number < last:  # past the layer
            path += f"V{middle + half:.1f}"
        x, y = to_x, middle + half
    width = stream["bits"] // stream["lanes"]
    depth = "wires" if stream["depth"] is None else f"FIFO {stream['depth']}"
    if alone:
        at_x, at_y = places[0][0], places[0][1] + half + 16
    else:
        at_x, at_y = places[1][0], places[1][1] - half - 10
    left = not alone and at_x < places[0][0]  # on the side that the curve does not come from
    return {
        "name": stream["name"],
        "path": path,
        "label": f"{stream['lanes']} × {width} bit · {depth}",
        "x": round(at_x + (-8 if left else 8), 1),
        "y": round(at_y, 1),
        "anchor": "end" if left else "start",
    }
