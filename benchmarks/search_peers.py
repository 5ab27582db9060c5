"""Mixed-precision searches of other tools as strategies: their ideas, this project's numerics and prices.

All of them measure each variable alone at each candidate width with the others at their widest, order or
optimize by that, and find by bisection on the real accuracy how far they may go. What differs is the measure
and the step from it to a combination:

flips           AIMET's automatic mixed precision: accuracy itself; flips in order of it, one after the other.
                quic.github.io/aimet-pages, "Automatic mixed precision"
kl              ModelOpt's ``auto_quantize`` with ``method="kl_div"``: divergence of the outputs'
                distributions; a linear program under a budget.
                nvidia.github.io/Model-Optimizer, modelopt.torch.quantization.model_quant
distance        Sony's Model Compression Toolkit: mean distance of the layers' activations; an integer program
                under a budget of resources, then what room is left is used up. arXiv 2109.09113
error_per_bit   TI's Tiny ML ModelZoo: error per bit saved, greedily, bisecting the average width.
                software-dl.ti.com/C2000/esd/mcu_ai, "Automatic Mixed Precision Quantization"

Where the original is coarser than need be (costs per layer, three widths, Hessians instead of measured
errors), the peer here gets the better figure: it is to be a strong opponent. ``register`` makes them known to
``hpq_hls.search`` for one network; kl and distance look at some of the validation inputs, without labels.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from peer_program import Floats, Levels, Program, Table, changed, measure_costs
from scipy.special import log_softmax

from hpq_hls.graph import Graph
from hpq_hls.quantize import Quantizer, QuantizerOptions
from hpq_hls.search.space import Combination, Space
from hpq_hls.search.strategies import STRATEGIES, Evaluator
from hpq_hls.simulate import Simulator, simulate_all

WIDEST_CANDIDATE = 8
"""Bits; wider than this is only the widest choice of all, which everything starts from."""
ROOM = 60
"""Evaluations for what comes after the singles."""
CORRECTIONS = 20
"""Flips behind the last good prefix that are tried one by one."""
WALK, BISECTIONS = 12, 5
"""Most budgets that are tried from the boldest on until one is feasible; then so many in between."""
BOLDER_HARM, BOLDER_COST = 2.0, 1.15
"""Factors between the budgets of that walk."""
SAMPLES = 512
"""Inputs that kl looks at."""
FEW_SAMPLES = 64
"""Inputs that distance looks at, which needs the values of all layers; the original takes 32."""


Inputs = npt.NDArray[np.floating]


def levels_of(space: Space) -> list[list[int]]:
    """The candidates of each variable, ascending; the last one is its widest choice."""
    return [
        [
            at
            for at, choice in enumerate(variable.choices[:-1])
            if not isinstance(choice, int) or choice <= WIDEST_CANDIDATE
        ]
        + [len(variable.choices) - 1]
        for variable in space.variables
    ]


class Singles:
    """Each variable alone at each candidate, evaluated."""

    def __init__(self, space: Space, evaluator: Evaluator) -> None:
        self.space, self.levels = space, levels_of(space)
        self.keys = [(index, at) for index, own in enumerate(self.levels) for at in own[:-1]]
        combinations = [self.combination(index, at) for index, at in self.keys]
        self.widest, *found = evaluator.evaluate([space.widest, *combinations])
        self.points = dict(zip(self.keys, found, strict=True))

    def combination(self, index: int, at: int) -> Combination:
        """Only this variable narrowed."""
        return changed(self.space.widest, {index: at})

    def table(self, harm: Callable[[int, int], float]) -> Table:
        """A harm of each candidate, none at the widest."""
        return [
            np.array([*(max(harm(index, at), 0.0) for at in own[:-1]), 0.0])
            for index, own in enumerate(self.levels)
        ]


def cumulative(start: Combination, flips: Sequence[tuple[int, int]]) -> list[Combination]:
    """The combination after each flip; one that would widen a variable does nothing."""
    found, current = [start], start
    for index, at in flips:
        current = changed(current, {index: min(at, current[index])})
        found.append(current)
    return found


def last_feasible(combinations: Sequence[Combination], evaluator: Evaluator) -> int:
    """Position of the last feasible one by bisection, as if all before it were feasible too; the first counts
    as feasible."""

    def fails(combination: Combination) -> bool:
        return not evaluator.feasible(evaluator.evaluate([combination])[0])

    return bisect.bisect_left(combinations, True, 1, key=fails) - 1


def boundary(boldest: float, factor: float, feasible: Callable[[float], bool]) -> None:
    """Walk from the boldest budget to safer ones, by a factor, until one is feasible; bisect there."""
    bold = safe = boldest
    for _ in range(WALK):
        if feasible(safe):
            break
        bold, safe = safe, safe * factor
    for _ in range(BISECTIONS if bold != safe else 0):
        middle = math.sqrt(bold * safe)
        if feasible(middle):
            safe = middle
        else:
            bold = middle


class Peer:
    """What the four have in common."""

    name: str

    def evaluations(self, space: Space) -> int:
        """See Strategy."""
        return 1 + sum(len(own) - 1 for own in levels_of(space)) + ROOM


class Flips(Peer):
    """AIMET: narrow in order of the accuracy that each narrowing leaves alone, of equals the one that saves
    more first; bisect how many; then try the next ones one by one."""

    name = "flips"

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        singles = Singles(space, evaluator)

        def order(key: tuple[int, int]) -> tuple[float, float]:
            point = singles.points[key]
            return -point.accuracy, point.cost

        flips = sorted(singles.keys, key=order)
        prefixes = cumulative(space.widest, flips)
        good = last_feasible(prefixes, evaluator)
        current, tried = prefixes[good], 0
        for index, at in flips[good:]:
            following = changed(current, {index: min(at, current[index])})
            if following == current:
                continue
            if tried == CORRECTIONS:
                break
            tried += 1
            if evaluator.feasible(evaluator.evaluate([following])[0]):
                current = following


class ErrorPerBit(Peer):
    """TI: take narrowings in the order of output error added per cost saved; bisect how many.

    Of each variable only the narrowings on the lower hull of error over saving count, which is what greedy
    steps amount to.
    """

    name = "error_per_bit"

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        singles = Singles(space, evaluator)
        costs = measure_costs(space, evaluator, singles.levels, pairs=False)
        harm = singles.table(lambda i, at: singles.points[i, at].error - singles.widest.error)
        steps = [
            (slope, index, at)
            for index, own in enumerate(singles.levels)
            for slope, at in self._hull(own, costs.alone[index][-1] - costs.alone[index], harm[index])
        ]
        order = sorted(steps, key=lambda step: (step[0], step[1], -step[2]))
        prefixes = cumulative(space.widest, [(index, at) for _, index, at in order])
        last_feasible(prefixes, evaluator)

    @staticmethod
    def _hull(levels: Sequence[int], saved: Floats, harm: Floats) -> Iterator[tuple[float, int]]:
        """From the widest level on, the level that adds least harm per saving, and so on: slopes, levels.
        What lies between two of them is on the way."""
        here = len(levels) - 1
        while True:
            further = np.flatnonzero(saved > saved[here] + 1e-9)
            if not len(further):
                return
            slopes = (harm[further] - harm[here]) / (saved[further] - saved[here])
            best = int(np.argmin(slopes))
            for level in range(here - 1, int(further[best]), -1):
                yield float(slopes[best]), levels[level]
            here = int(further[best])
            yield float(slopes[best]), levels[here]


class Probe:
    """Networks' values on some inputs.

    graph, calibration, options: what the search gets, so that its quantizer is the same. x: the inputs.
    """

    def __init__(
        self, graph: Graph, calibration: Inputs, x: Inputs, options: QuantizerOptions | None
    ) -> None:
        self._quantizer = Quantizer(graph, calibration, options)
        self._x = x
        self._simulator = Simulator(self._x)
        self._logits = self._log_shares(self._quantizer.graph.predict(self._x))
        self._few = x[:FEW_SAMPLES]
        values = self._quantizer.graph.values(self._few)
        self._layers = {name: values[name] for name in self._quantizer.layer_names}
        self._variances = {name: float(wanted.var()) or 1.0 for name, wanted in self._layers.items()}

    def divergence(self, space: Space, combination: Combination) -> float:
        """Mean Kullback-Leibler divergence of the outputs' softmax from the float network's."""
        q = self._quantizer.quantize(space.precision(combination))
        found = self._log_shares(self._simulator.predict(q))
        return float((np.exp(self._logits) * (self._logits - found)).sum(axis=1).mean())

    def distance(self, space: Space, combination: Combination) -> float:
        """Mean over all layers of the squared difference to the float network's values, as a share of their
        variance."""
        q = self._quantizer.quantize(space.precision(combination))
        raw = simulate_all(q, q.quantize_input(self._few))
        return float(
            np.mean(
                [
                    np.square(q.edges[name].type.to_float(raw[name]) - wanted).mean() / self._variances[name]
                    for name, wanted in self._layers.items()
                ]
            )
        )

    @staticmethod
    def _log_shares(outputs: Floats) -> Floats:
        return np.asarray(log_softmax(outputs.reshape(len(outputs), -1), axis=1))


class Divergence(Peer):
    """ModelOpt: the least cost with a summed divergence within a budget; bisect the budget."""

    name = "kl"

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        singles = Singles(space, evaluator)
        base = self._probe.divergence(space, space.widest)
        harm = singles.table(lambda i, at: self._probe.divergence(space, singles.combination(i, at)) - base)
        program = Program(measure_costs(space, evaluator, singles.levels), singles.levels)

        def feasible(budget: float) -> bool:
            found = program.cheapest(harm, budget)
            return found is not None and evaluator.feasible(evaluator.evaluate([found])[0])

        boundary(max(float(max(own.max() for own in harm)), 1e-9), 1 / BOLDER_HARM, feasible)


class Distance(Peer):
    """MCT: the least summed distance within a budget of cost, what room is left used up; bisect that."""

    name = "distance"

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def run(self, space: Space, evaluator: Evaluator) -> None:
        """See Strategy."""
        singles = Singles(space, evaluator)
        base = self._probe.distance(space, space.widest)
        harm = singles.table(lambda i, at: self._probe.distance(space, singles.combination(i, at)) - base)
        costs = measure_costs(space, evaluator, singles.levels)
        program = Program(costs, singles.levels)

        def feasible(budget: float) -> bool:
            found = program.least_harm(harm, budget)
            if found is None:
                return False
            widened = self._widened(found, budget, harm, singles.levels, program)
            return evaluator.feasible(evaluator.evaluate([widened])[0])

        boundary(BOLDER_COST * program.lowest_cost(), BOLDER_COST, feasible)

    @staticmethod
    def _widened(
        combination: Combination, budget: float, harm: Table, levels: Levels, program: Program
    ) -> Combination:
        """Each variable takes its next wider candidate as long as the cost as modelled stays within the
        budget, those that gain most first."""
        while True:
            fitting = []
            for index, own in enumerate(levels):
                here = own.index(combination[index])
                if here + 1 == len(own) or harm[index][here] <= harm[index][here + 1]:
                    continue
                step = changed(combination, {index: own[here + 1]})
                if program.cost(step) <= budget:
                    fitting.append((float(harm[index][here] - harm[index][here + 1]), step))
            if not fitting:
                return combination
            combination = max(fitting)[1]


NAMES = (Flips.name, Divergence.name, Distance.name, ErrorPerBit.name)


def register(graph: Graph, calibration: Inputs, x: Inputs, options: QuantizerOptions | None = None) -> None:
    """Make the peers strategies of ``hpq_hls.search``, for this network and these inputs.

    calibration, options: as the search gets them. x: what it validates on; kl and distance see some of it.
    """
    probe = Probe(graph, calibration, x[:SAMPLES], options)
    for strategy in (Flips(), Divergence(probe), Distance(probe), ErrorPerBit()):
        STRATEGIES[strategy.name] = strategy
