"""What a search may choose from: lists, pins, bounds, rounding modes and groups."""

# ruff: noqa: E501  # a row of a table of mistakes reads best on one line

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hpq_hls.errors import ConfigError, PrecisionError
from hpq_hls.fixed import FixedType, Rounding
from hpq_hls.frontends import from_torch
from hpq_hls.graph import Graph, prepare
from hpq_hls.quantize import Quantizer, parse_precision, quantize
from hpq_hls.search import search
from hpq_hls.search.choices import BY_COST, modes_of, narrowed
from hpq_hls.search.errors import SettingError
from hpq_hls.search.space import ACTIVATION_BITS, WEIGHT_BITS, Part, Space, shared_type, space_of

CALIBRATION = np.random.default_rng(0).normal(size=(40, 6))


class Small(nn.Module):
    """Two layers of like size whose values differ in size by a factor of hundreds, and a third."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc3(self.fc2(torch.relu(self.fc1(x))))


@pytest.fixture(scope="module")
def graph() -> Graph:
    torch.manual_seed(3)
    net = Small().eval()
    with torch.no_grad():
        net.fc2.weight *= 300
    return from_torch(net, torch.zeros(2, 6))


@pytest.fixture(scope="module")
def quantizer(graph: Graph) -> Quantizer:
    return Quantizer(graph, CALIBRATION)


def made(quantizer: Quantizer, **rules: Any) -> Space:
    return space_of(quantizer.graph, type_of=quantizer.type_of, **rules)


def choices(space: Space) -> dict[str, tuple[Any, ...]]:
    return {variable.name: variable.choices for variable in space.variables}


def test_by_default_every_width_up_to_16_is_free(quantizer: Quantizer) -> None:
    space = made(quantizer)
    assert WEIGHT_BITS == (1, *ACTIVATION_BITS) == tuple(range(1, 17))
    assert list(choices(space)) == [
        "x.activation",
        "fc1.weight",
        "fc1.activation",
        "fc2.weight",
        "fc2.activation",
        "fc3.weight",
        "fc3.activation",
    ]
    assert choices(space) == {
        name: WEIGHT_BITS if name.endswith("weight") else ACTIVATION_BITS for name in choices(space)
    }
    assert space.size == 15**4 * 16**3
    assert space.widest == (14, 15, 14, 15, 14, 15, 14)


def test_choices_are_ascending_and_each_is_there_once(quantizer: Quantizer) -> None:
    space = made(
        quantizer, weight_bits=[8, 3, 8], activation_bits=(6,), rounding=["AP_RND", "AP_TRN", "AP_RND"]
    )
    assert choices(space)["fc1.weight"] == (3, 8)
    assert choices(space)["fc1.rounding"] == (Rounding.TRN, Rounding.RND)
    assert "x.rounding" not in choices(space)


def test_pins_bounds_and_lists_by_layer(quantizer: Quantizer) -> None:
    rules = {
        "fc1": {"weight": 20, "activation": {"min": 4}, "rounding": "AP_RND_CONV"},
        "fc2": {"weight": [9, 4], "activation": {"min": 3, "max": 5}},
        "x": {"activation": {"max": 3}, "rounding": ["AP_RND", "AP_TRN"]},
    }
    found = choices(made(quantizer, layers=rules, activation_bits=(2, 3, 4, 6)))
    assert found["fc1.weight"] == (20,)
    assert found["fc1.activation"] == (4, 6)
    assert found["fc1.rounding"] == (Rounding.RND_CONV,)
    assert found["fc2.weight"] == (4, 9)
    assert found["fc2.activation"] == (3, 4)
    assert found["x.activation"] == (2, 3)
    assert found["x.rounding"] == (Rounding.TRN, Rounding.RND)
    assert found["fc3.activation"] == (2, 3, 4, 6)
    assert "fc3.rounding" not in found


def test_a_combination_becomes_the_precision_it_stands_for(quantizer: Quantizer) -> None:
    space = made(quantizer, weight_bits=(2, 4), activation_bits=(3, 5), rounding=("AP_TRN", "AP_RND"))
    names = [variable.name for variable in space.variables]
    combination = [0] * len(names)
    combination[names.index("fc2.weight")] = 1
    combination[names.index("fc2.rounding")] = 1
    precision = space.precision(tuple(combination))
    assert precision.layers["fc2"].weight == 4
    assert precision.layers["fc2"].activation == 3
    assert precision.layers["fc2"].rounding is Rounding.RND
    assert precision.layers["fc1"].rounding is Rounding.TRN
    assert precision.layers["x"].rounding is None
    q = quantizer.quantize(precision)
    assert (q.layers["fc2"].output_type.rounding, q.layers["fc1"].output_type.rounding) == (
        Rounding.RND,
        Rounding.TRN,
    )
    assert q.input_type.rounding is Rounding.RND
    assert parse_precision(precision.to_dict()) == precision


def test_near_takes_the_nearest_width_the_wider_of_two(quantizer: Quantizer) -> None:
    space = made(quantizer, weight_bits=(2, 7, 9), activation_bits=(3, 4), rounding=("AP_TRN", "AP_RND"))
    layer = space.precision(space.near(8)).layers["fc1"]
    assert (layer.weight, layer.activation, layer.rounding) == (9, 4, Rounding.RND)


@pytest.mark.parametrize("options", [{}, {"per_channel": True}, {"scaling": "range"}, {"equalize": True}])
@pytest.mark.parametrize("width", [2, 3, 5, 8, 11])
def test_a_group_shares_one_type_that_holds_what_each_member_holds(
    graph: Graph, width: int, options: dict[str, Any]
) -> None:
    quantizer = Quantizer(graph, CALIBRATION, **options)
    space = made(quantizer, weight_bits=[width], activation_bits=[width], groups=[["fc1", "fc2"]])
    assert [variable.name for variable in space.variables] == [
        "x.activation",
        "fc1.weight = fc2.weight",
        "fc1.activation = fc2.activation",
        "fc3.weight",
        "fc3.activation",
    ]
    q = quantizer.quantize(space.precision(space.widest))
    one, two = q.layers["fc1"], q.layers["fc2"]
    assert one.stored_weight_type == two.stored_weight_type == one.weight_type == two.weight_type
    assert one.weight_shift is None and two.weight_shift is None
    assert one.output_type == two.output_type
    assert one.weight_type is not None
    assert one.weight_type.width == one.output_type.width == width
    assert one.output_type.signed  # fc2 has no ReLU
    for part, shared in (("weight", one.weight_type), ("activation", one.output_type)):
        alone = [quantizer.type_of(name, part, width) for name in ("fc1", "fc2")]
        most = max(kind.integer + (shared.signed and not kind.signed) for kind in alone)
        assert shared.integer == most
        if "equalize" not in options:  # which makes them alike
            assert alone[0].integer != alone[1].integer


def test_a_group_shares_no_signs_unless_nothing_else_is_left(quantizer: Quantizer) -> None:
    name = "fc1.weight = fc2.weight"
    groups = [["fc1.weight", "fc2.weight"]]
    found = {variable.name: variable for variable in made(quantizer, groups=groups).variables}
    assert found[name].choices == tuple(range(2, 17))
    assert [kind.width for kind in found[name].types] == list(range(2, 17))
    assert found["fc3.weight"].choices == tuple(range(1, 17))
    only = made(quantizer, weight_bits=(1,), groups=groups)
    assert choices(only)[name] == (1,)


def test_a_group_s_point_is_reproduced_by_quantize(graph: Graph) -> None:
    x = np.random.default_rng(1).normal(size=(60, 6))
    y = graph.predict(x).argmax(1)
    found = search(
        graph,
        CALIBRATION,
        (x, y),
        objective="weight_bits",
        max_drop=0.2,
        weight_bits=(3, 6),
        activation_bits=(6,),
        rounding=("AP_TRN", "AP_RND"),
        groups=[["fc1.weight", "fc2.weight"], ["x", "fc2.activation"]],
        strategy="exhaustive",
    )
    assert found.evaluations == 2 * 2 * 2**3
    for point in found.points[::5]:
        again = quantize(graph, CALIBRATION, point.precision.to_dict())
        assert float((again.predict(x).argmax(1) == y).mean()) == point.accuracy
        assert again.layers["fc1"].weight_type == again.layers["fc2"].weight_type
        assert again.input_type == again.layers["fc2"].output_type


def test_members_keep_their_own_part_free(quantizer: Quantizer) -> None:
    space = made(quantizer, groups=[["fc3.weight", "fc1.weight"], ["x", "fc2.activation"]])
    assert [variable.name for variable in space.variables] == [
        "x.activation = fc2.activation",
        "fc3.weight = fc1.weight",
        "fc1.activation",
        "fc2.weight",
        "fc3.activation",
    ]


def test_a_group_chooses_from_what_its_members_have_in_common(quantizer: Quantizer) -> None:
    rules = {"fc1": {"weight": [2, 4, 6], "rounding": ["AP_TRN", "AP_RND"]}, "fc2": {"weight": {"min": 4}}}
    space = made(quantizer, weight_bits=(2, 4, 5, 6), layers=rules, groups=[["fc1", "fc2"]])
    found = choices(space)
    assert found["fc1.weight = fc2.weight"] == (4, 6)
    assert found["fc1.rounding = fc2.rounding"] == (Rounding.TRN, Rounding.RND)
    lowest = space.precision(tuple(0 for _ in space.variables))
    assert isinstance(lowest.layers["fc1"].activation, FixedType)
    assert lowest.layers["fc1"].activation.rounding is Rounding.TRN
    assert lowest.layers["fc1"].activation == lowest.layers["fc2"].activation
    assert quantize_types(quantizer, lowest) == {"fc1": Rounding.TRN, "fc2": Rounding.TRN}


def quantize_types(quantizer: Quantizer, precision: Any) -> dict[str, Rounding]:
    q = quantizer.quantize(precision)
    return {name: q.layers[name].output_type.rounding for name in ("fc1", "fc2")}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"weight_bits": []}, "weight_bits is empty; list the widths"),
        ({"weight_bits": 4}, "weight_bits is 4; list the widths that the search may choose, such as [4, 6, 8]"),
        ({"activation_bits": [4, 40]}, "activation_bits holds 40; widths are whole numbers from 1 to 32"),
        ({"activation_bits": [True]}, "activation_bits holds True; widths are"),
        ({"rounding": ["AP_RND_CNV"]}, "rounding holds 'AP_RND_CNV'; did you mean AP_RND_CONV?"),
        ({"rounding": 5}, "rounding is 5; list rounding modes, such as [AP_TRN, AP_RND]"),
        ({"layers": {"fc9": {}}}, "layers.fc9 cannot be used: the network has no layer 'fc9' to set a precision for; did you mean"),
        ({"layers": {"fc1": 4}}, "layers.fc1 is 4; it must map weight, activation, rounding to what may be chosen"),
        ({"layers": {"fc1": {"wieght": 4}}}, "layers.fc1.wieght cannot be chosen; did you mean 'weight'?"),
        ({"layers": {"x": {"weight": 4}}}, "layers.x.weight cannot be chosen; known are activation, rounding"),
        ({"layers": {"fc1": {"weight": 33}}}, "layers.fc1.weight is 33; widths are whole numbers from 1 to 32"),
        ({"layers": {"fc1": {"weight": 0}}}, "layers.fc1.weight is 0; widths are whole"),
        ({"layers": {"fc1": {"weight": "4"}}}, "layers.fc1.weight is '4'; list the widths"),
        ({"layers": {"fc1": {"weight": {"min": 17}}}}, "layers.fc1.weight leaves none of the widths [1, 2, 3,"),
        ({"layers": {"fc1": {"weight": {"min": 6, "max": 3}}}}, "layers.fc1.weight has min 6 above max 3; swap them"),
        ({"layers": {"fc1": {"weight": {"least": 3}}}}, "layers.fc1.weight has the unknown key 'least'; bounds are written {min: 3, max: 6}"),
        ({"layers": {"fc1": {"weight": {}}}}, "layers.fc1.weight is empty; bounds are written"),
        ({"layers": {"fc1": {"weight": {"min": 2.5}}}}, "layers.fc1.weight has min 2.5; widths are whole"),
        ({"groups": "fc1"}, "groups is 'fc1'; give a list of lists of layers"),
        ({"groups": ["fc1"]}, "groups[0] is 'fc1'; list the layers that share a type"),
        ({"groups": [["fc1", "fc9"]]}, "groups[0][1] cannot be used: the network has no layer 'fc9'"),
        ({"groups": [["fc1", "fc9.weight"]]}, "groups[0][1] cannot be used: the network has no layer 'fc9'"),
        ({"groups": [["fc1.wait", "fc2"]]}, "groups[0][0] is 'fc1.wait', which cannot be shared; did you mean 'fc1.weight'?"),
        ({"groups": [["x.weight", "fc2"]]}, "groups[0][0] is 'x.weight', which cannot be shared"),
        ({"groups": [["fc1.weight"]]}, "groups[0] has no two members that could share a type"),
        ({"groups": [["fc1.weight", "fc2.activation"]]}, "groups[0] has no two members that could share a type"),
        ({"groups": [["fc1", "fc2"], ["fc2.weight", "fc3.weight"]]}, "groups[1][0] is 'fc2.weight', but fc2.weight is in a group already"),
        ({"groups": [["fc1", "fc1"]]}, "groups[0][1] is 'fc1', but fc1.weight is in a group already"),
        (
            {"groups": [["fc1", "fc2"]], "layers": {"fc1": {"weight": 4}, "fc2": {"weight": [5, 6]}}},
            "groups[0] has nothing in common to choose: fc1.weight [4], fc2.weight [5, 6]; change these lists",
        ),
    ],
)  # fmt: skip
def test_every_mistake_names_its_setting(quantizer: Quantizer, rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(quantizer, **rules)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_exact_layer_has_no_precision_to_choose() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)).eval()
    prepared = prepare(from_torch(net, torch.zeros(1, 1, 6, 6)))
    exact = next(node for node in prepared.nodes if not node.op.casts)
    with pytest.raises(
        SettingError, match=r"is exact and has no precision of its own; set the layer before it"
    ):
        space_of(prepared, layers={exact.name: {"activation": 4}})


widths = st.integers(1, 32)


@given(
    st.sets(widths, min_size=1).map(sorted),
    st.one_of(
        widths,
        st.lists(widths, min_size=1),
        st.fixed_dictionaries({}, optional={"min": widths, "max": widths}),
    ),
)
def test_what_is_left_is_ascending_and_asked_for(default: list[int], rule: Any) -> None:
    bounds = isinstance(rule, dict)
    low, high = (rule.get("min", 1), rule.get("max", 32)) if bounds else (0, 0)
    wanted = (
        [width for width in default if low <= width <= high]
        if bounds
        else sorted({rule} if isinstance(rule, int) else set(rule))
    )
    if rule == {} or not wanted:
        with pytest.raises(ValueError, match=r"bounds|swap|leaves none"):
            narrowed(rule, default)
    else:
        assert narrowed(rule, default) == tuple(wanted)


@given(st.lists(st.sampled_from(list(Rounding))))
def test_rounding_modes_are_in_the_order_of_their_cost(modes: list[Rounding]) -> None:
    assert set(BY_COST) == set(Rounding)
    found = modes_of([mode.value for mode in modes])
    assert set(found) == set(modes)
    assert list(found) == [mode for mode in BY_COST if mode in modes]


types = st.builds(FixedType, st.just(6), st.integers(-3, 9), st.booleans())


@settings(deadline=None)
@given(st.lists(types, min_size=1, max_size=4))
def test_a_shared_type_has_the_range_of_each(members: list[FixedType]) -> None:
    shared = shared_type(members)
    assert shared.width == 6
    for member in members:
        assert shared.min_raw * shared.scale <= member.min_raw * member.scale
        assert (shared.max_raw + 1) * shared.scale >= (member.max_raw + 1) * member.scale
    finer = FixedType(6, shared.integer - 1, shared.signed)
    assert any(
        (finer.max_raw + 1) * finer.scale < (member.max_raw + 1) * member.scale
        or finer.min_raw * finer.scale > member.min_raw * member.scale
        for member in members
    )


def test_parts_are_told_apart_as_text() -> None:
    assert [str(part) for part in Part] == ["weight", "activation", "rounding"]


def test_one_bit_is_not_offered_where_pruned_zeros_are_kept() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    with torch.no_grad():
        net[0].weight[:, 2] = 0
    graph = from_torch(net, torch.zeros(1, 6))
    x = np.random.default_rng(0).normal(size=(20, 6))
    for keeps, wanted in ((True, (2, 4)), (False, (1, 2, 4))):
        quantizer = Quantizer(graph, x, keep_zeros=keeps)
        space = space_of(quantizer.graph, (1, 2, 4), (4,), least_weight_width=quantizer.least_weight_width)
        choices = {variable.name: variable.choices for variable in space.variables}
        assert choices["0.weight"] == wanted
        assert choices["2.weight"] == (1, 2, 4)
    pinned = space_of(quantizer.graph, (1,), (4,), least_weight_width=Quantizer(graph, x).least_weight_width)
    with pytest.raises(PrecisionError, match="are exactly zero: pruned"):
        Quantizer(graph, x).quantize(pinned.precision(pinned.widest))
