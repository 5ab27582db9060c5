"""Reports as a table: kernels of any generator, each described by the kernel of ours that is like it.

A CSV file with a heading. Needed: rows, cols, input, weight, lut, ff, dsp. The rest has defaults:

| column | what |
|---|---|
| design | name; rows of one name are one design (each row one) |
| kind | ``matvec``, folded, weights in a memory; or ``unrolled``, weights are constants (``matvec``) |
| rows, cols | of the matrix: outputs, and inputs of one output |
| groups, vectors | matrices (1), and vectors per frame (1) |
| pe, simd | rows and columns at once (1): multipliers are pe * simd |
| input, weight | types, such as ``ap_fixed<16,6>`` |
| output, accumulator | types (the input's; wide enough for every sum) |
| nonzeros | weights that are not zero (all) |
| multipliers | ``auto``, or ``lut`` (``fabric``), in LUTs (``auto``) |
| lut, ff, dsp | as reported |
| tool, version, stage, part | of the report (HLS tool, none, C synthesis, a 7-series part) |
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hpq_hls.billing.parts import Family, find_part
from hpq_hls.calibrate.samples import Reports, Sample, joined
from hpq_hls.cost.kernels import bill_kernel, passed
from hpq_hls.errors import ConfigError, DataError, PrecisionError
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels import Kernel, MatVec, Stream, UnrolledMatVec
from hpq_hls.reading import read_text
from hpq_hls.synth.vitis import tool_of

NEEDED = ("rows", "cols", "input", "weight", "lut", "ff", "dsp")
KNOWN = (
    *NEEDED,
    *(
        "design",
        "kind",
        "groups",
        "vectors",
        "pe",
        "simd",
        "output",
        "accumulator",
        "nonzeros",
        "multipliers",
    ),
    *("bram", "tool", "version", "stage", "part"),
)
MAX_BYTES = 1 << 26
MOST_WEIGHTS = 1 << 22
MOST_ROWS = 10_000
MOST = 1 << 40
BIAS = FixedType(16, 6)


def read_table(path: Path) -> Reports:
    """The samples of a file.

    Raises:
        DataError: it cannot be read, or a row says something impossible.
    """
    try:
        text = read_text(path, MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from error
    lines = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in lines.fieldnames or ()]
    missing, odd = (
        [name for name in NEEDED if name not in names],
        [name for name in names if name not in KNOWN],
    )
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; see docs/estimates.md")
    if odd:
        raise DataError(f"{path} has a column {odd[0]!r} that nothing is known of; rename or remove it")
    parts: list[Reports] = []
    for number, row in enumerate(lines, 2):
        if len(parts) == MOST_ROWS:
            raise DataError(f"{path} has more than {MOST_ROWS:,} rows; some tens are enough")
        parts.append(_read(path, number, row))
    if not parts:
        raise DataError(f"{path} has a heading and nothing below it")
    return joined(parts, str(path))


def _read(path: Path, number: int, row: Mapping[str | None, object]) -> Reports:
    where = f"{path}, line {number}"
    if None in row or any(value is None for value in row.values()):
        raise DataError(f"{where} has another number of columns than the heading")
    given = {str(name).strip(): str(value).strip() for name, value in row.items()}
    try:
        kernel, streams = comparable(given)
        reported = {name: _figure(name, given[name]) for name in ("lut", "ff", "dsp")}
        family = find_part(given["part"]).family if given.get("part") else Family.SERIES_7
    except (ValueError, ConfigError, PrecisionError) as error:
        raise DataError(f"{where}: {error}") from error
    version = given.get("version", "")
    tool = given.get("tool") or tool_of(version)
    bill = bill_kernel(kernel, streams, family)
    sample = Sample(
        given.get("design") or f"line {number}", kernel.kind, bill, *passed(kernel, streams), reported
    )
    return Reports(
        str(path),
        (sample,),
        (tool,),
        (version,) if version else (),
        (given.get("stage") or "C synthesis",),
        ("vivado" if tool.startswith("Vivado") else "vitis",),
    )


def comparable(given: Mapping[str, str]) -> tuple[Kernel, dict[str, Stream]]:
    """The kernel that a row describes, and the streams around it; its weights are drawn, always the same.

    Raises:
        ValueError: a value is missing or impossible. ConfigError: a type is.
    """
    kind = given.get("kind") or "matvec"
    if kind not in ("matvec", "unrolled"):
        raise ValueError(f"kind is {kind!r}; choose matvec or unrolled")
    rows, cols, groups, vectors = (_count(given, name) for name in ("rows", "cols", "groups", "vectors"))
    pe, simd = (_count(given, name) for name in ("pe", "simd"))
    if kind == "matvec" and (rows % pe or cols % simd):
        raise ValueError(f"pe {pe} and simd {simd} have to divide {rows} rows and {cols} columns")
    if rows * cols * groups > MOST_WEIGHTS:
        raise ValueError(f"{rows * cols * groups:,} weights are more than {MOST_WEIGHTS:,}")
    x, weight = (FixedType.parse(given[name]) for name in ("input", "weight"))
    y = FixedType.parse(given["output"]) if given.get("output") else x
    total = FixedType.parse(given["accumulator"]) if given.get("accumulator") else _total(x, weight, cols)
    multipliers = given.get("multipliers") or "auto"
    if multipliers not in ("auto", "lut", "fabric"):
        raise ValueError(f"multipliers is {multipliers!r}; choose auto or lut")
    values = _weights(given, weight, (groups, rows, cols))
    lanes = (simd, pe) if kind == "matvec" else (groups * cols, groups * rows)
    streams = {
        "x": Stream("x", x, lanes[0], max(vectors * groups * cols // lanes[0], 1)),
        "y": Stream("y", y, lanes[1], max(vectors * groups * rows // lanes[1], 1)),
    }
    bias = np.ones((groups, rows), dtype=np.int64)
    ends = ("kernel", "kernel", ("x",), ("y",), values, bias, weight, BIAS, total, Epilogue())
    kernel: Kernel
    if kind == "matvec":
        kernel = MatVec(*ends, vectors, pe, simd, in_luts=multipliers != "auto")
    else:
        kernel = UnrolledMatVec(*ends, 1, vectors, in_luts=multipliers != "auto")
    return kernel, streams


def _total(x: FixedType, weight: FixedType, cols: int) -> FixedType:
    width = x.width + weight.width + (cols - 1).bit_length()
    return FixedType(width, width - x.fraction - weight.fraction)


def _weights(given: Mapping[str, str], kind: FixedType, shape: tuple[int, int, int]) -> np.ndarray:
    size = int(np.prod(shape))
    rng = np.random.default_rng(size)
    values = rng.integers(kind.min_raw, kind.max_raw, size, endpoint=True, dtype=np.int64)
    values[values == 0] = 1
    if given.get("nonzeros"):
        kept = round(_figure("nonzeros", given["nonzeros"]))
        if kept > size:
            raise ValueError(f"nonzeros is {kept:,} of {size:,} weights")
        values[rng.permutation(size)[kept:]] = 0
    return values.reshape(shape)


def _count(given: Mapping[str, str], name: str) -> int:
    text = given.get(name) or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise ValueError(f"{name} is {text!r}; give a whole number from 1")
    return int(text)


def _figure(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST:
        raise ValueError(f"{name} is {text!r}; give a number from 0")
    return value
