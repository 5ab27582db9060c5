"""How much of what people have is imported, and computed right.

    python benchmarks/coverage.py [--group NAME] [--only TEXT] [--out rows.jsonl] [--workers N] [--dynamic]

Each case of coverage_features.py and coverage_networks.py goes through from_torch, and torch.onnx.export
and from_onnx; it is quantized to 20 bits and run on the samples that it was calibrated with. A verdict is

    ok          the outputs are torch's, to within 1e-3 of their range
    refused     the import or the quantization said in one sentence why not
    WRONG       accepted, and the outputs are others
    traceback   any other exception
    -           torch itself cannot run it, or cannot export it to ONNX

Of what may be refused (recurrent layers, attention, ...), a refusal is as good as an import.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import logging
import multiprocessing
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from coverage_features import Case, features
from coverage_networks import hls4ml, networks

import hpq_hls as hpq

TOLERANCE = 1e-3
SAMPLES = 48
LIMIT_S = 90
Row = dict[str, Any]


def settled(made: Any) -> Any:
    """In evaluation mode, with statistics of batch-norm that are not those of a new network."""
    if not isinstance(made, torch.fx.GraphModule):
        made.eval()
    for name, buffer in made.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn_like(buffer) * 0.2)
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return made


def samples(case: Case) -> list[torch.Tensor]:
    """Inputs of ``SAMPLES`` samples."""
    draw = torch.Generator().manual_seed(1)
    made = (torch.Size((SAMPLES, *shape)) for shape in case.shapes)
    if case.positive:
        return [torch.rand(size, generator=draw) * 2 + 0.1 for size in made]
    return [torch.randn(size, generator=draw) for size in made]


def flat(value: Any) -> list[np.ndarray]:
    """The arrays in what a network gives: a tensor, or any tuple, list or dictionary of them."""
    if isinstance(value, Mapping):
        return [array for part in value.values() for array in flat(part)]
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in flat(part)]
    array = value.detach().float().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return [array.astype(np.float64)]


def compared(graph: Any, inputs: Sequence[torch.Tensor], wanted: Sequence[np.ndarray]) -> Row:
    """What the network gives at 20 bits, against torch."""
    arrays = [x.float().numpy() for x in inputs]
    given = arrays[0] if len(arrays) == 1 else tuple(arrays)
    q = hpq.quantize(graph, given, precision=20)
    found = flat(q.predict(given))
    if [one.shape for one in found] != [one.shape for one in wanted]:
        shapes = f"shapes {[one.shape for one in found]} instead of {[one.shape for one in wanted]}"
        return {"verdict": "WRONG", "said": shapes}
    errors = [
        float(np.abs(a - b).max(initial=0) / (np.ptp(b) or np.abs(b).max(initial=0) or 1))
        for a, b in zip(found, wanted, strict=True)
    ]
    error = max(errors)
    return {"verdict": "ok" if error < TOLERANCE else "WRONG", "error": error, "said": f"error {error:.2g}"}


def tried(action: Any) -> Row:
    """The row of an action that imports and compares."""
    try:
        row: Row = action()
    except hpq.HpqError as error:
        return {"verdict": "refused", "said": " ".join(str(error).split())}
    except Exception as error:
        return {
            "verdict": "traceback",
            "said": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
        }
    return row


def exported(made: Any, inputs: Sequence[torch.Tensor], dynamic: bool) -> bytes | None:
    """The network as ONNX for one sample at a time, or None where torch cannot."""
    memory = io.BytesIO()
    names = [f"x{index}" for index in range(len(inputs))]
    axes = {name: {0: "batch"} for name in names} if dynamic else None
    one = tuple(x[:1] for x in inputs)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints the graph where it fails
            torch.onnx.export(made, one, memory, input_names=names, dynamic_axes=axes, dynamo=False)
    except Exception:
        return None
    return memory.getvalue()


def measured(task: tuple[Case, bool]) -> Row:
    """All that is seen of one case."""
    case, dynamic = task
    torch.manual_seed(0)
    start = time.perf_counter()
    row: Row = {"group": case.group, "name": case.name, "optional": case.optional}
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError(f"over {LIMIT_S} s")))
    signal.alarm(LIMIT_S)
    try:
        made = settled(case.make())
        first = next((p for p in made.parameters()), None)
        inputs = samples(case)
        own = [x.to(first.dtype) if first is not None else x for x in inputs]
        with torch.no_grad():
            wanted = flat(made(*(x.clone() for x in own)))
            if first is not None and first.dtype in (
                torch.float16,
                torch.bfloat16,
            ):  # exactly, not as they round
                wanted = flat(copy.deepcopy(made).float()(*(x.float() for x in own)))
    except Exception as error:
        signal.alarm(0)
        said = {"verdict": "-", "said": f"torch: {error}"[:200]}
        return row | {"torch": said, "onnx": said, "seconds": 0.0}
    example = tuple(x[:1] for x in own)
    row["torch"] = tried(
        lambda: compared(hpq.from_torch(made, example if len(example) > 1 else example[0]), inputs, wanted)
    )
    content = exported(made, own, dynamic)
    if content is None:
        row["onnx"] = {"verdict": "-", "said": "torch.onnx.export cannot"}
    else:
        row["onnx"] = tried(lambda: compared(_from_onnx(content), inputs, wanted))
        if row["onnx"]["verdict"] == "WRONG" and not _same_in_onnx(content, inputs, wanted):
            row["onnx"] = {"verdict": "-", "said": "torch.onnx.export made another network of it"}
    signal.alarm(0)
    return row | {"seconds": round(time.perf_counter() - start, 2)}


def _from_onnx(content: bytes) -> Any:
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(content)
        file.flush()
        return hpq.from_onnx(file.name)


def _same_in_onnx(content: bytes, inputs: Sequence[torch.Tensor], wanted: Sequence[np.ndarray]) -> bool:
    """Whether the file means what torch computed, for the first samples, by onnx's own interpreter."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(content)
    for number in range(4):
        given = [x[number : number + 1].float().numpy() for x in inputs]
        found = evaluator.run(None, dict(zip(evaluator.input_names, given, strict=True)))
        for a, b in zip(found, wanted, strict=True):
            if np.abs(np.asarray(a, np.float64).reshape(-1) - b[number].reshape(-1)).max(initial=0) > 1e-4 * (
                np.ptp(b) or 1
            ):
                return False
    return True


def table(rows: Sequence[Row]) -> str:
    """Totals per group."""
    verdicts = ("ok", "refused", "WRONG", "traceback", "-")
    lines = [f"{'':28}{'':7}{'torch':^46} {'ONNX':^46}"]
    lines.append(
        f"{'group':28}{'cases':>7}" + (" right" + "".join(f"{v:>10}" for v in verdicts)[5:]).rjust(46) * 2
    )
    groups = list(dict.fromkeys(row["group"] for row in rows))
    singles = [row for row in rows if row["group"] not in ("networks", "hls4ml")]
    parts = [(group, [row for row in rows if row["group"] == group]) for group in groups]
    for name, part in [*parts, ("single features", singles), ("all", list(rows))]:
        text = f"{name:28}{len(part):>7}"
        for way in ("torch", "onnx"):
            counts = Counter(row[way]["verdict"] for row in part)
            right = counts["ok"] + sum(row["optional"] and row[way]["verdict"] == "refused" for row in part)
            text += f"{right:>6}" + "".join(f"{counts[verdict] or '.':>8}" for verdict in verdicts)
        lines.append(text)
    return "\n".join([*lines, "right: ok, or refused where that is as good"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--group", help="only groups whose name contains this")
    parser.add_argument("--only", help="only cases whose name contains this")
    parser.add_argument("--out", type=Path, help="a file for all rows, one JSON object a line")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dynamic", action="store_true", help="ONNX files with a batch axis of any size")
    parser.add_argument("--quiet", action="store_true", help="only the totals")
    options = parser.parse_args()
    cases = [
        case
        for case in [*features(), *networks(), *hls4ml()]
        if (options.group or "") in case.group and (options.only or "") in case.name
    ]
    start, rows = time.perf_counter(), []
    context = multiprocessing.get_context("fork")
    places = {(case.group, case.name): number for number, case in enumerate(cases)}
    _CASES[:] = [(case, options.dynamic) for case in cases]
    with context.Pool(options.workers, _start) as pool:
        for row in pool.imap_unordered(_numbered, range(len(cases))):
            rows.append(row)
            bad = any(row[way]["verdict"] in ("WRONG", "traceback") for way in ("torch", "onnx"))
            if not options.quiet or bad:
                ways = "  ".join(
                    f"{way} {row[way]['verdict']:9} {row[way].get('said', '')[:110]}"
                    for way in ("torch", "onnx")
                )
                print(f"{row['group'][:16]:16} {row['name'][:44]:44} {ways}", flush=True)
    rows.sort(key=lambda row: places[row["group"], row["name"]])
    if options.out:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(table(rows))
    print(f"{time.perf_counter() - start:.0f} s")
    sys.exit(any(row[way]["verdict"] in ("WRONG", "traceback") for row in rows for way in ("torch", "onnx")))


_CASES: list[tuple[Case, bool]] = []


def _numbered(number: int) -> Row:
    return measured(_CASES[number])


def _start() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
