"""Layers that look their output up: the table's words forwards, the function's gradients backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from hpq_hls.simulate import QuantizedLayer


@dataclass(frozen=True, eq=False)
class TrainableTable:
    """A table over all codes of its input's type, so that training may reach any of them.

    words: the values, lowest code first. fraction: of the codes. lowest: the first of them.
    """

    words: torch.Tensor
    fraction: int
    lowest: int

    @classmethod
    def of(cls, layer: QuantizedLayer, dtype: torch.dtype) -> TrainableTable:
        """The table of a layer, its values in a number type."""
        given = layer.input_edges[0].type
        codes = given.code_interval
        (raw,) = layer.op.tables([given], [codes], layer.output_type).values()
        known = layer.input_edges[0].interval
        (held,) = layer.tables.values()  # of codes that can occur already, what the layer holds
        whole = torch.from_numpy(raw.copy())
        whole[known.lo - codes.lo : known.hi - codes.lo + 1] = torch.from_numpy(held.copy())
        return cls((whole * layer.output_type.scale).to(dtype), given.fraction, codes.lo)

    def look_up(self, x: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
        """The words at the codes of ``x``; gradients flow through ``smooth``."""
        places = (x.detach() * 2.0**self.fraction).round().to(torch.int64) - self.lowest
        return _Looked.apply(smooth, self.words[places])  # type: ignore[no-any-return, no-untyped-call]


class _Looked(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, _smooth: torch.Tensor, word: torch.Tensor) -> torch.Tensor:
        return word

    @staticmethod
    def backward(_ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradients[0], None
