"""The sections of project.yaml that say which network, which data and which widths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from hpq_hls.fixed import Rounding
from hpq_hls.quantize import Precision, parse_precision
from hpq_hls.settings.fields import Bits, Empty, FileName, Section, Text, nothing, one_of


class ModelSettings(Section):
    """The network: ``source``, or ``factory`` with its ``weights``."""

    source: FileName | None = None
    """A `.pt2` file from `torch.export.save`, or an `.onnx` file."""
    factory: Text | None = None
    """Instead of source: `package.module:function`, which returns the torch module."""
    weights: FileName | None = None
    """State dict for factory, from `torch.save(model.state_dict(), ...)`."""
    drop_final_ranking: bool = False
    """Leave out a softmax or sigmoid at the end, which only ranks."""

    @model_validator(mode="after")
    def _complete(self) -> ModelSettings:
        if (self.source is None) == (self.factory is None):
            raise ValueError("needs either source (a .pt2 or .onnx file) or factory (pkg.mod:make), not both")
        if self.source is not None and Path(self.source).suffix.lower() not in (".pt2", ".onnx"):
            raise ValueError(
                f"has source {self.source!r}; give a .pt2 file from torch.export.save or an .onnx file, or "
                "use factory and weights for a state dict"
            )
        if self.weights is not None and self.factory is None:
            raise ValueError(
                "has weights without factory; add factory: pkg.mod:make, the function that builds it"
            )
        if self.factory is not None and not all(self.factory.partition(":")):
            raise ValueError(f"has factory {self.factory!r}; write it as package.module:function")
        return self


class DataSettings(Section):
    """Files with ``x``, and ``y`` where something is scored."""

    calibration: FileName
    """Representative inputs; they decide the integer bits. `.npz` with `x`, or `.npy`."""
    validation: FileName | None = None
    """What `hpq search` measures accuracy on; `x` and `y`."""
    test: FileName | None = None
    """Reported on and never searched on; hardware is verified with it."""
    train: FileName | None = None
    """What fine-tuning trains on; null: the calibration data."""


def _both(value: Any) -> Any:
    """A single width for weights and activations."""
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return {"weight": value, "activation": value}
    return value


def short_precision(value: Any) -> Any:
    """The short forms: one width for everything, or the path of a file."""
    if isinstance(value, str) and not value.strip().startswith("ap_"):
        return {"file": value}
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        return {"default": value}
    return nothing(value)


class WidthSettings(Section):
    """Widths of one layer, and how its output is rounded."""

    weight: Bits | None = None
    """Bits of the weights, or a whole type such as `ap_fixed<4,1>`."""
    activation: Bits | None = None
    """Bits of the layer's output, or a whole type."""
    bias: Bits | None = None
    """Bits of the bias, or a whole type; null: as many as are exact."""
    rounding: Annotated[Text, one_of(mode.value for mode in Rounding)] | None = None
    """How the layer's output is rounded; null: as `quantizer.rounding` says."""


Widths = Annotated[WidthSettings, BeforeValidator(_both)]


class PrecisionSettings(Section):
    """Widths of the network, here or in a ``file``."""

    file: FileName | None = None
    """A file with widths, instead of the other keys."""
    default: Widths = WidthSettings(weight=8, activation=8)
    """Widths of every layer that layers does not name; one number stands for both."""
    layers: Annotated[dict[str, Widths], Empty] = Field(default_factory=dict)
    """Widths by layer."""

    @model_validator(mode="after")
    def _one_place(self) -> PrecisionSettings:
        if self.file is not None and self.model_fields_set != {"file"}:
            raise ValueError("names a file and widths too; keep one of them")
        return self

    def to_precision(self) -> Precision:
        """The widths as ``hpq_hls.quantize`` takes them; those of a file are not read."""
        return parse_precision(self.model_dump(exclude={"file"}))
