"""Which variables may interact in a price: known from the graph."""

from __future__ import annotations

import torch
from torch import nn

from hpq_hls.fixed import FixedType
from hpq_hls.frontends import from_torch
from hpq_hls.graph import prepare
from hpq_hls.search.interactions import interactions_of
from hpq_hls.search.space import space_of


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.first(x)), 2)
        return self.last((x + self.second(x)).mean((2, 3)))


GRAPH = prepare(from_torch(Residual().eval(), torch.zeros(1, 2, 8, 8)))


def named(**settings: object) -> set[tuple[str, str]]:
    space = space_of(GRAPH, (2, 4), (3, 6), **settings)  # type: ignore[arg-type]
    names = [variable.name for variable in space.variables]
    pairs = interactions_of(space, GRAPH)
    assert list(pairs) == sorted(set(pairs))
    assert all(i < j for i, j in pairs)
    return {(names[i], names[j]) for i, j in pairs}


def test_variables_meet_in_the_layers_that_they_decide() -> None:
    layers = [node.name for node in GRAPH.nodes if node.op.casts]
    first, second, add, pool, last = layers
    act, weight = "{}.activation".format, "{}.weight".format
    assert named() == {
        (act("x"), weight(first)),
        (act("x"), act(first)),
        (weight(first), act(first)),
        (act(first), weight(second)),  # the maximum between them casts nothing
        (act(first), act(second)),
        (weight(second), act(second)),
        (act(first), act(add)),
        (act(second), act(add)),
        (act(add), act(pool)),
        (act(pool), weight(last)),
        (act(pool), act(last)),
        (weight(last), act(last)),
    }


def test_rounding_belongs_to_the_type() -> None:
    pairs = named(rounding=("AP_TRN", "AP_RND"))
    assert ("first.rounding", "second.weight") in pairs
    assert ("first.weight", "first.rounding") in pairs
    assert ("first.weight", "second.weight") not in pairs


def test_a_shared_type_meets_what_each_of_its_layers_meets() -> None:
    def type_of(layer: str, part: str, width: int) -> FixedType:
        return FixedType(width, 1)

    pairs = named(groups=[["first.weight", "second.weight"]], type_of=type_of)
    shared = "first.weight = second.weight"
    assert {("x.activation", shared), (shared, "first.activation"), (shared, "second.activation")} <= pairs
