"""What does nothing to a trained network: it is left out."""

from __future__ import annotations

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
