"""Ways through the space of precision combinations."""

from hpq_hls.search.strategies.evolutionary import Evolutionary
from hpq_hls.search.strategies.exhaustive import Exhaustive
from hpq_hls.search.strategies.greedy import Greedy
from hpq_hls.search.strategies.protocol import BudgetSpent, Evaluator, Strategy
from hpq_hls.search.strategies.sensitivity import Sensitivity

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy for strategy in (Sensitivity(), Exhaustive(), Greedy(), Evolutionary())
}

__all__ = [
    "STRATEGIES",
    "BudgetSpent",
    "Evaluator",
    "Evolutionary",
    "Exhaustive",
    "Greedy",
    "Sensitivity",
    "Strategy",
]
