"""Precision combinations -> Pareto front."""

from hpq_hls.search.result import Point, SearchProgress, SearchResult
from hpq_hls.search.run import search

__all__ = ["Point", "SearchProgress", "SearchResult", "search"]
