"""How networks spell the operators: in torch as operators of the namespace ``squares``, in ONNX as those of
the domain ``squares``."""

from __future__ import annotations

from typing import Any

from squares.operators import Blend, SquaredDistance

from hpq_hls.extend import spelled_in_onnx, spelled_in_torch


@spelled_in_torch("squares.distance", "squares.distance")
def _torch_distance(call: Any) -> Any:
    return call.emit(SquaredDistance(), call.value("a"), call.value("b"))


@spelled_in_torch("squares.blend", "squares.blend")
def _torch_blend(call: Any) -> Any:
    return call.emit(Blend(), call.value("a"), call.value("b"))


@spelled_in_onnx("squares::Distance")
def _onnx_distance(call: Any) -> Any:
    return call.emit(SquaredDistance(), call.value(0), call.value(1))


@spelled_in_onnx("squares::Blend")
def _onnx_blend(call: Any) -> Any:
    return call.emit(Blend(), call.value(0), call.value(1))
