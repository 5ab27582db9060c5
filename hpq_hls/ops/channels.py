"""What of its inputs an operator needs for some of its output, and how it is without the rest.

Channels are what lies along the first axis of a tensor in torch layout: those of an image, the elements of a
vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hpq_hls.ops.base import Operator, Shape

IntArray = npt.NDArray[np.int64]


class Narrowable:
    """Base of what can be asked which channels belong together; the answers here are those of an operator
    that needs all of its inputs for any of its output, and always has all of that."""

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        """For each channel of the output, the one channel of every input that it is made of, so that it goes
        where that one goes; None where channels are made of several. shapes: of the inputs."""
        return None

    def narrowed(self, inputs: Sequence[IntArray], output: IntArray) -> Operator:
        """The operator between tensors that have some of the channels alone.

        inputs, output: which of the channels are left, ascending, at least one of each. It is only asked for
        where ``ties`` or ``product`` say what belongs together, and for what that leaves.
        """
        return self  # type: ignore[return-value]


class Channelwise(Narrowable):
    """Base of the operators that make each channel of the same channel of every input."""

    def ties(self, shapes: Sequence[Shape]) -> IntArray | None:
        return np.arange(math.prod(shapes[0][:1]), dtype=np.int64)


def narrowed_weights(weight: Any, groups: int, inputs: IntArray, output: IntArray) -> Any:
    """Weights (outputs, inputs / groups, ...) between some channels of the input and some of the output, as
    many of each in all groups that are left. Ascending."""
    rows, columns = len(weight) // groups, weight.shape[1]
    if groups == 1:
        return np.ascontiguousarray(weight[output][:, inputs])
    own = {group: inputs[inputs // columns == group] - group * columns for group in np.unique(output // rows)}
    return np.stack([weight[row][own[row // rows]] for row in output.tolist()])


def taken(values: Any, channels: IntArray) -> Any:
    """Those of an array's rows; None of None."""
    return None if values is None else np.ascontiguousarray(values[channels])
