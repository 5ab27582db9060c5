"""Precision combinations -> Pareto front."""

from hpq_hls.namesakes import unite_namesakes
from hpq_hls.search.limits import Limits
from hpq_hls.search.point import Point
from hpq_hls.search.result import SearchProgress, SearchResult
from hpq_hls.search.run import search

__all__ = ["Limits", "Point", "SearchProgress", "SearchResult", "search"]

unite_namesakes(__name__)
