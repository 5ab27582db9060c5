"""Ways through the space of precision combinations."""

from hpq_hls.search.strategies.exhaustive import Exhaustive
from hpq_hls.search.strategies.greedy import Greedy
from hpq_hls.search.strategies.protocol import BudgetSpent, Evaluator, Strategy

STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in (Exhaustive(), Greedy())}

__all__ = ["STRATEGIES", "BudgetSpent", "Evaluator", "Exhaustive", "Greedy", "Strategy"]
