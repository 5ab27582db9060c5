"""The operators, one file per family; each says everything about itself."""

from hpq_hls.ops import functions, nothing
from hpq_hls.ops.activation import Relu
from hpq_hls.ops.base import Constant, Lowering, Operator, Padding, Part, Product, Shape, operator
from hpq_hls.ops.clamp import Clamp
from hpq_hls.ops.conv import Conv2d
from hpq_hls.ops.linear import ChannelAffine, Linear
from hpq_hls.ops.merge import Add
from hpq_hls.ops.norm import BatchNorm
from hpq_hls.ops.pad import Pad
from hpq_hls.ops.pointwise import Pointwise, Where
from hpq_hls.ops.pool import AvgPool2d, MaxPool2d
from hpq_hls.ops.prelu import PRelu
from hpq_hls.ops.recast import Recast
from hpq_hls.ops.reshape import Flatten, Reshape
from hpq_hls.ops.window import WindowSpec

__all__ = [
    "Add",
    "AvgPool2d",
    "BatchNorm",
    "ChannelAffine",
    "Clamp",
    "Constant",
    "Conv2d",
    "Flatten",
    "Linear",
    "Lowering",
    "MaxPool2d",
    "Operator",
    "PRelu",
    "Pad",
    "Padding",
    "Part",
    "Pointwise",
    "Product",
    "Recast",
    "Relu",
    "Reshape",
    "Shape",
    "Where",
    "WindowSpec",
    "functions",
    "nothing",
    "operator",
]
