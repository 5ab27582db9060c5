"""Foreign networks -> Graph. The packages they come from are imported when first needed."""

from hpq_hls.frontends.onnx import from_onnx
from hpq_hls.frontends.pt2_archive import load_exported
from hpq_hls.frontends.torch_export import from_exported, from_torch

__all__ = ["from_exported", "from_onnx", "from_torch", "load_exported"]
