"""What does nothing to a trained network, and what makes constants: neither is a layer."""

from __future__ import annotations

from typing import Any

from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch


@spelled_in_torch("Dropout in eval mode", "dropout", "feature_dropout", "native_dropout")
def _dropout(call: TorchCall) -> Value:
    if call.arguments["train"] and call.arguments["p"] != 0:
        call.refuse(
            "it drops elements at random also in eval mode; pass training=self.training to it, or call "
            "model.eval() before exporting"
        )
    return call.value("input")


@spelled_in_torch("Identity", "clone", "alias", "detach", "contiguous", "lift_fresh_copy", "to", "_to_copy")
def _identity(call: TorchCall) -> Value:
    if not call.widening:
        call.refuse("it converts to a narrower number type, which rounds")
    return call.value("self" if "self" in call.arguments else "input")


@spelled_in_onnx("Dropout")
def _onnx_dropout(call: OnnxCall) -> Value:
    training = call.optional(2)
    if training is not None and training.any() and call.setting("ratio", 1, 0.5) != 0:
        call.refuse("it is in training mode; export the model in evaluation mode")
    return call.value()


@spelled_in_onnx("Identity")
def _onnx_identity(call: OnnxCall) -> Value:
    return call.value()


@spelled_in_onnx("Cast")
def _onnx_cast(call: OnnxCall) -> Value:
    if not call.widening:
        call.refuse("it converts to a narrower number type, which rounds")
    return call.value()


@spelled_in_torch("", "zeros", "zeros_like", "new_zeros", "ones", "ones_like", "new_ones")
def _zeros_or_ones(call: TorchCall) -> Any:
    return _filled(call, 0.0 if "zeros" in call.name else 1.0)


@spelled_in_torch("", "full", "full_like", "new_full")
def _full(call: TorchCall) -> Any:
    return _filled(call, float(call.constant("fill_value")))


def _filled(call: TorchCall, number: float) -> Any:
    """A constant for one sample: it is the same for all."""
    import torch

    return torch.full((1, *call.static_shape()), number)
