"""Which variables of a search meet in one kernel, as far as the graph tells."""

from __future__ import annotations

import itertools

from hpq_hls.graph import Graph
from hpq_hls.search.space import Part, Space


def interactions_of(space: Space, graph: Graph) -> tuple[tuple[int, int], ...]:
    """The pairs of variables i < j, ascending, that decide the kernels of one layer.

    A layer's kernels follow from its own variables and from the types that come in, which are chosen where
    its inputs were last cast: layers that cast nothing, such as a maximum, hand them on.
    """
    own: dict[str, set[int]] = {name: set() for name in graph.shapes}
    for index, variable in enumerate(space.variables):
        for site in variable.sites:
            own[site.layer].add(index)
    typed = {name: own[name] for name in graph.inputs}  # what decides the type of each value
    weights = {index for index, variable in enumerate(space.variables) if variable.part is Part.WEIGHT}
    pairs: set[tuple[int, int]] = set()
    for node in graph.nodes:
        given = set().union(*(typed[name] for name in node.inputs))
        deciding = own[node.name if node.inner is None else node.inner.of]
        pairs.update(itertools.combinations(sorted(given | deciding), 2))
        typed[node.name] = deciding - weights if node.op.casts else given
    return tuple(sorted(pairs))
