"""What a package with operators and kernels of its own imports; the names here are public and stay.

A project names the package under ``extensions`` in its project.yaml; a script imports it before it reads a
network. docs/extending.md walks through one.
"""

from hpq_hls.billing.bill import Bill, Term
from hpq_hls.billing.blocks import cast as bill_cast
from hpq_hls.billing.blocks import dsp_blocks, in_dsp
from hpq_hls.billing.products import soft_product
from hpq_hls.billing.stages import tree_registers
from hpq_hls.errors import UnsupportedOperatorError
from hpq_hls.fixed import Epilogue, FixedType, Interval
from hpq_hls.kernels.base import Frame, Kernel, Stream, Table
from hpq_hls.kernels.contract import Contract, StageKind, pipeline, wiring
from hpq_hls.kernels.meaning import finish
from hpq_hls.ops.base import Constant, Lowering, Operator, Padding, Part, Product, Shape, dot_range, operator
from hpq_hls.ops.layout import Array, Scratch, batch_first, batch_last
from hpq_hls.ops.spelling import OnnxCall, TorchCall, Value, spelled_in_onnx, spelled_in_torch
from hpq_hls.ops.window import WindowSpec

__all__ = [
    "Array",
    "Bill",
    "Constant",
    "Contract",
    "Epilogue",
    "FixedType",
    "Frame",
    "Interval",
    "Kernel",
    "Lowering",
    "OnnxCall",
    "Operator",
    "Padding",
    "Part",
    "Product",
    "Scratch",
    "Shape",
    "StageKind",
    "Stream",
    "Table",
    "Term",
    "TorchCall",
    "UnsupportedOperatorError",
    "Value",
    "WindowSpec",
    "batch_first",
    "batch_last",
    "bill_cast",
    "dot_range",
    "dsp_blocks",
    "finish",
    "in_dsp",
    "operator",
    "pipeline",
    "soft_product",
    "spelled_in_onnx",
    "spelled_in_torch",
    "tree_registers",
    "wiring",
]
