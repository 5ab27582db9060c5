"""What the windows of a pooling see at the border of the image."""

from __future__ import annotations

from hpq_hls.ops import WindowSpec

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
"""top, bottom, left, right"""

NO_PADDING: Padding = (0, 0, 0, 0)


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Total padding of one axis that gives ``ceil(size / stride)`` outputs."""
    outputs = -(-size // stride)
    return max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)


def average_divisor(window: WindowSpec, height: int, width: int, count_padding: bool) -> int | None:
    """Number of elements every window averages over, or None where windows differ.

    count_padding: padding counts as elements; what ceil_mode adds beyond it never does (torch's rule).
    """
    rows, columns = _element_counts(window, height, width, count_padding=count_padding)
    if not rows or not columns:
        return window.taps  # no window fits, which the operator itself reports
    return rows[0] * columns[0] if len(set(rows)) == len(set(columns)) == 1 else None


def sees_only_padding(window: WindowSpec, height: int, width: int) -> bool:
    """Whether a window covers no element of the image at all."""
    rows, columns = _element_counts(window, height, width, count_padding=False)
    return 0 in rows or 0 in columns


def _element_counts(
    window: WindowSpec, height: int, width: int, *, count_padding: bool
) -> tuple[list[int], list[int]]:
    """Elements each window covers vertically and horizontally."""
    top, bottom, left, right = window.padding
    outputs = window.output_size(height, width)
    axes = []
    for axis, (size, before, after) in enumerate(((height, top, bottom), (width, left, right))):
        low, high = (-before, size + after) if count_padding else (0, size)
        taps = [tap * window.dilation[axis] for tap in range(window.kernel[axis])]
        starts = (index * window.stride[axis] - before for index in range(outputs[axis]))
        axes.append([sum(low <= start + tap < high for tap in taps) for start in starts])
    return axes[0], axes[1]
