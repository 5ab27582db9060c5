"""Sizes of counters."""

from __future__ import annotations


def count_bits(states: int) -> int:
    """Bits of a counter with so many states; none for a single state."""
    return (states - 1).bit_length()


def wrapping_counter(states: int) -> int:
    """LUTs of a counter with an enable that goes through so many states, and says when it is at the last.

    From three bits on it has a carry chain. A power of two wraps by itself.
    """
    bits = count_bits(states)
    if bits < 3:
        return min(2 * bits - 1, 3) if bits else 0
    return 3 + (bits > 6) if states & (states - 1) == 0 else 4 + bits // 2
