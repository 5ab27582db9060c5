"""Where a sliding window lies on its input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowGeometry:
    """A sliding window over a (channels, height, width) tensor.

    Output row ``oy`` looks at input rows ``oy * stride[0] - pad_top + ky * dilation[0]``; positions
    outside the input read as ``pad_value`` (a raw value). out_height/out_width are given, not
    derived, so that ceil_mode and asymmetric padding need nothing more.
    """

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad_top: int
    pad_left: int
    out_height: int
    out_width: int
    pad_value: int = 0

    @property
    def taps(self) -> int:
        """Elements of one channel in one window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def span(self) -> tuple[int, int]:
        """Height and width of the input area one window covers, dilation included."""
        return (
            (self.kernel[0] - 1) * self.dilation[0] + 1,
            (self.kernel[1] - 1) * self.dilation[1] + 1,
        )

    @property
    def scan(self) -> tuple[int, int]:
        """Rows and columns of the padded area that is scanned: all of the input, all of every window."""
        return (
            max((self.out_height - 1) * self.stride[0] + self.span[0], self.pad_top + self.height),
            max((self.out_width - 1) * self.stride[1] + self.span[1], self.pad_left + self.width),
        )

    @property
    def positions(self) -> int:
        """Windows per frame."""
        return self.out_height * self.out_width
