"""The operators, one file per family; each says everything about itself."""

from hpq_hls.ops import nothing
from hpq_hls.ops.activation import Relu
from hpq_hls.ops.base import Constant, Lowering, Operator, Padding, Part, Product, Shape, operator
from hpq_hls.ops.concat import Concat
from hpq_hls.ops.conv import Conv2d
from hpq_hls.ops.conv_transpose import Bilinear, ConvTranspose
from hpq_hls.ops.linear import ChannelAffine, Linear
from hpq_hls.ops.merge import Add
from hpq_hls.ops.norm import BatchNorm
from hpq_hls.ops.pad import Pad
from hpq_hls.ops.permute import ChannelShuffle, Flip, Permute, PixelShuffle, PixelUnshuffle, Roll
from hpq_hls.ops.pool import AvgPool2d, MaxPool2d
from hpq_hls.ops.reshape import Flatten, Reshape
from hpq_hls.ops.rows import AvgPool1d, Conv1d, MaxPool1d
from hpq_hls.ops.select import Border, Expand, Repeat, Take, Upsample
from hpq_hls.ops.window import WindowSpec

__all__ = [
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Bilinear",
    "Border",
    "ChannelAffine",
    "ChannelShuffle",
    "Concat",
    "Constant",
    "Conv1d",
    "Conv2d",
    "ConvTranspose",
    "Expand",
    "Flatten",
    "Flip",
    "Linear",
    "Lowering",
    "MaxPool1d",
    "MaxPool2d",
    "Operator",
    "Pad",
    "Padding",
    "Part",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Product",
    "Relu",
    "Repeat",
    "Reshape",
    "Roll",
    "Shape",
    "Take",
    "Upsample",
    "WindowSpec",
    "nothing",
    "operator",
]
