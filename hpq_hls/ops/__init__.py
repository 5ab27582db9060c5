"""The operators, one file per family; each says everything about itself.

Every file here is imported, so that what it registers is there: nothing else has to name it.
"""

import importlib
import pkgutil

from hpq_hls.ops.activation import Relu
from hpq_hls.ops.arithmetic import Add, Div, Maximum, Minimum, Mul, Sub
from hpq_hls.ops.base import Constant, Lowering, Operator, Padding, Part, Product, Shape, operator
from hpq_hls.ops.clamp import Clamp
from hpq_hls.ops.concat import Concat
from hpq_hls.ops.conv import Conv1d, Conv2d
from hpq_hls.ops.conv_transpose import Bilinear, ConvTranspose
from hpq_hls.ops.leaky import LeakyRelu, PRelu
from hpq_hls.ops.linear import ChannelAffine, Linear
from hpq_hls.ops.norm import BatchNorm
from hpq_hls.ops.pad import Pad
from hpq_hls.ops.permute import ChannelShuffle, Flip, Permute, PixelShuffle, PixelUnshuffle, Roll
from hpq_hls.ops.pointwise import Pointwise, Where
from hpq_hls.ops.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from hpq_hls.ops.recast import Recast
from hpq_hls.ops.reduce import ArgMax, ArgMin, Max, Mean, Min, Sum
from hpq_hls.ops.reshape import Flatten, Reshape
from hpq_hls.ops.select import Border, Expand, Repeat, Take, Upsample
from hpq_hls.ops.softmax import Distance, ExactDistance, LogSoftmax, Softmax
from hpq_hls.ops.window import WindowSpec

__all__ = [
    "Add",
    "ArgMax",
    "ArgMin",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Bilinear",
    "Border",
    "ChannelAffine",
    "ChannelShuffle",
    "Clamp",
    "Concat",
    "Constant",
    "Conv1d",
    "Conv2d",
    "ConvTranspose",
    "Distance",
    "Div",
    "ExactDistance",
    "Expand",
    "Flatten",
    "Flip",
    "LeakyRelu",
    "Linear",
    "LogSoftmax",
    "Lowering",
    "Max",
    "MaxPool1d",
    "MaxPool2d",
    "Maximum",
    "Mean",
    "Min",
    "Minimum",
    "Mul",
    "Operator",
    "PRelu",
    "Pad",
    "Padding",
    "Part",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Pointwise",
    "Product",
    "Recast",
    "Relu",
    "Repeat",
    "Reshape",
    "Roll",
    "Shape",
    "Softmax",
    "Sub",
    "Sum",
    "Take",
    "Upsample",
    "Where",
    "WindowSpec",
    "operator",
]

for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")
