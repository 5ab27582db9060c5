"""How a network is quantized at given widths: everything that can be switched, with its sources."""

from __future__ import annotations

import difflib
import enum
from dataclasses import dataclass, fields, replace
from typing import Any

from hpq_hls.errors import PrecisionError
from hpq_hls.fixed import Overflow, Rounding


class Scaling(enum.Enum):
    """How integer bits are chosen.

    RANGE: the fewest that hold the largest value.
    ERROR: the number with the least mean squared rounding and clipping error on the values seen.
    OUTPUT: the number with the least mean squared error on calibration data of the outputs of the layers
        that use the values.
    """

    RANGE = "range"
    ERROR = "error"
    OUTPUT = "output"


class WeightRounding(enum.Enum):
    """How weights become integers.

    NEAREST: each weight by itself.
    COMPENSATED: together, so that the layer's output is close (GPTQ/OBQ, arXiv 2210.17323, 2208.11580, and
        coordinate descent).
    """

    NEAREST = "nearest"
    COMPENSATED = "compensated"


@dataclass(frozen=True)
class QuantizerOptions:
    """What a Quantizer does besides obeying the widths. Modes may be given as their text ("AP_RND").

    rounding, overflow: modes of the input's and every layer's output type, where a layer's precision says
        nothing else about rounding.
    scaling: how integer bits are chosen.
    per_channel: a power-of-two scale for each output channel instead of one for the layer.
    equalize: move scale between the channels of consecutive layers (cross-layer equalization, arXiv
        1906.04721).
    bias_correction: put the mean error that rounding makes into the biases (arXiv 1906.04721), and half an
        LSB where the output is cast with AP_TRN.
    weight_rounding: how weights become integers.
    keep_zeros: weights that are exactly zero in a layer that was visibly pruned (see ``pruned``) stay zero.

    Raises:
        PrecisionError: an unknown mode, or a switch that is neither true nor false.
    """

    rounding: Rounding = Rounding.RND
    overflow: Overflow = Overflow.SAT
    scaling: Scaling = Scaling.OUTPUT
    per_channel: bool = False
    equalize: bool = False
    bias_correction: bool = True
    weight_rounding: WeightRounding = WeightRounding.COMPENSATED
    keep_zeros: bool = True

    def __post_init__(self) -> None:
        for name, kind in (
            ("rounding", Rounding),
            ("overflow", Overflow),
            ("scaling", Scaling),
            ("weight_rounding", WeightRounding),
        ):
            object.__setattr__(self, name, _mode(kind, getattr(self, name), name))
        for name in ("per_channel", "equalize", "bias_correction", "keep_zeros"):
            if not isinstance(getattr(self, name), bool):
                raise PrecisionError(f"{name} is {getattr(self, name)!r}; write true or false")

    def changed(self, **settings: Any) -> QuantizerOptions:
        """The same options with some settings changed.

        Raises:
            PrecisionError: an unknown setting or value.
        """
        known = [field.name for field in fields(self)]
        for name in settings:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                raise PrecisionError(f"the quantizer has no setting {name!r}; {hint}")
        return replace(self, **settings)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain data, as they are written in project.yaml."""
        return {
            field.name: value.value if isinstance(value := getattr(self, field.name), enum.Enum) else value
            for field in fields(self)
        }


def _mode(kind: Any, given: Any, what: str) -> Any:
    try:
        return kind(given)
    except ValueError as error:
        names = ", ".join(str(item.value) for item in kind)
        raise PrecisionError(f"{what} is {given!r}; choose one of {names}") from error
