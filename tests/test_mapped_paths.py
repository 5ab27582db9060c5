"""benchmarks/mapped_paths.py: paths in a netlist of 7-series cells."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hpq_hls.billing.delays import AMD, Delays

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def mapped_paths() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mapped_paths", BENCHMARKS / "mapped_paths.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cell(kind: str, inputs: dict[str, list[Any]], outputs: dict[str, list[int]]) -> dict[str, Any]:
    ways = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
    return {"type": kind, "port_directions": ways, "connections": inputs | outputs}


def adder(bits: int, first: int, given: list[int]) -> list[dict[str, Any]]:
    """A sum: a LUT of two inputs in front of each bit of a carry chain; its bits: nets from ``first`` on."""
    cells, carry = [], "0"
    for at in range(0, bits, 4):
        fronts = [first + 1000 + at + one for one in range(4)]
        for place, front in enumerate(fronts):
            operand = {"I0": [given[at + place]], "I1": [given[at + place]]}
            cells.append(cell("LUT2", operand, {"O": [front]}))
        out = [first + 2000 + at + one for one in range(4)]
        sums = [first + at + one for one in range(4)]
        ends = {"S": fronts, "DI": given[at : at + 4], "CI": [carry], "CYINIT": ["0"]}
        cells.append(cell("CARRY4", ends, {"O": sums, "CO": out}))
        carry = out[3]
    return cells


def written(folder: Path, cells: list[dict[str, Any]]) -> Path:
    netlist = folder / "netlist.json"
    named = {f"c{number}": one for number, one in enumerate(cells)}
    netlist.write_text(json.dumps({"modules": {"top": {"ports": {}, "cells": named}}}))
    return netlist


def flip_flop(data: int) -> dict[str, Any]:
    return cell("FDRE", {"C": [1], "D": [data]}, {"Q": [data + 5000]})


@pytest.mark.parametrize("bits", [4, 8, 16, 24])
def test_a_sum_takes_what_the_model_of_delays_says(
    bits: int, tmp_path: Path, mapped_paths: ModuleType
) -> None:
    cells = adder(bits, 100, list(range(10, 10 + bits)))
    cells += [flip_flop(100 + bit) for bit in range(bits)]
    found = mapped_paths.longest_path(written(tmp_path, cells), "top")
    assert found - AMD.clock_to_q == Delays().adder(bits)


def test_luts_in_a_row_and_registers_between(tmp_path: Path, mapped_paths: ModuleType) -> None:
    row = [cell("LUT1", {"I0": [10 + one]}, {"O": [11 + one]}) for one in range(3)]
    cells = [*row, flip_flop(13), cell("LUT1", {"I0": [5013]}, {"O": [20]}), flip_flop(20)]
    assert mapped_paths.longest_path(written(tmp_path, cells), "top") == AMD.clock_to_q + 3 * (
        AMD.lut + AMD.net
    )
