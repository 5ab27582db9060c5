"""``bill.json`` of a generated project: what its estimate rests on, kernel by kernel, for later
calibration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.calibration import STREAMS
from hpq_hls.billing.parts import Family, find_part
from hpq_hls.cost.kernels import bill_kernel, bill_ports, bill_stream, passed, port_bits
from hpq_hls.errors import DataError
from hpq_hls.hardware import Dataflow
from hpq_hls.reading import read_text

FILE_NAME = "bill.json"
FORMAT = 1
MOST = 1 << 40
"""Of any amount."""


@dataclass(frozen=True, eq=False)
class Billed:
    """A kernel, or all FIFOs and ports (name ""): its bill, and ``taken`` and ``made`` of ``AMOUNTS``."""

    name: str
    kind: str
    bill: Bill
    taken: int
    made: int


def billed_of(flow: Dataflow, family: Family) -> tuple[Billed, ...]:
    """Everything of a design: its kernels, then its FIFOs and ports as one."""
    found = [
        Billed(
            kernel.name, kernel.kind, bill_kernel(kernel, flow.streams, family), *passed(kernel, flow.streams)
        )
        for kernel in flow.kernels
    ]
    rest, bits = bill_ports(flow, family), sum(stream.bits for stream in flow.streams.values())
    for name, stream in flow.streams.items():
        rest.take(bill_stream(stream, flow.links[name], family))
    taken, made = port_bits(flow)
    return (*found, Billed("", STREAMS, rest, bits + taken, bits + made))


def bill_json(flow: Dataflow, backend: str, part: str, top: str = "", *, alone: bool = True) -> str:
    """Text of the file. top: the function that the tool builds; "": the design's. alone: whether it has only
    kernels, FIFOs and stream ports.
    """
    family = find_part(part).family
    billed = [one for one in billed_of(flow, family) if alone or one.kind != STREAMS]
    lines = ",\n".join(f"    {json.dumps(_plain(one))}" for one in billed)
    head = {"format": FORMAT, "top": top or flow.name, "backend": backend, "family": family.value}
    first = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return "{\n" + first + '  "kernels": [\n' + lines + "\n  ]\n}\n"


def _plain(one: Billed) -> dict[str, Any]:
    bill = one.bill
    products = [
        [left, right, in_luts, count] for (left, right, in_luts), count in sorted(bill.products.items())
    ]
    return {
        "name": one.name,
        "kind": one.kind,
        "terms": {term.name: amount for term, amount in sorted(bill.terms.items(), key=lambda t: t[0].name)},
        "ff": bill.ff,
        "dsp": bill.dsp,
        "bram": bill.bram,
        "products": products,
        "bound": [[left, right, count] for (left, right), count in sorted(bill.bound.items())],
        "taken": one.taken,
        "made": one.made,
    }


def read_billed(folder: Path) -> tuple[str, str, tuple[Billed, ...]]:
    """The top function, the backend, and what is billed of a project.

    Raises:
        DataError: the file is missing or is not one of ours.
    """
    path = folder / FILE_NAME
    try:
        data = json.loads(read_text(path))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, expected {FORMAT}")
        family = Family(data["family"])
        found = tuple(_billed(one, family) for one in data["kernels"])
        return str(data["top"]), str(data["backend"]), found
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); generate the project again") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is no bill of a project ({error}); generate it again") from error


def _billed(data: dict[str, Any], family: Family) -> Billed:
    bill = Bill(family, {Term[name]: _amount(amount) for name, amount in data["terms"].items()})
    bill.ff, bill.dsp, bill.bram = (_amount(data[name]) for name in ("ff", "dsp", "bram"))
    for left, right, in_luts, count in data["products"]:
        bill.multiply(_amount(left), _amount(right), _amount(count), in_luts=bool(in_luts))
    bill.bound = {
        (_amount(left), _amount(right)): _amount(count) for left, right, count in data.get("bound", ())
    }
    return Billed(str(data["name"]), str(data["kind"]), bill, _amount(data["taken"]), _amount(data["made"]))


def _amount(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise ValueError(f"{value!r} is no amount")
    return value
