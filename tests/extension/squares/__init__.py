"""Squared distances and blends for hpq_hls, as a package of a user's own; importing it registers them."""

from squares import operators, spellings
from squares.functions import Blend, SquaredDistance, blend, distance

__all__ = ["Blend", "SquaredDistance", "blend", "distance", "operators", "spellings"]
