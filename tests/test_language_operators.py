"""The table of operators: each has a meaning, shapes that hold for every batch, and attributes within their bounds."""

import inspect
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_graphs import CASES, Case, Made, graph_of, is_allowed, is_random, numbers_for

from harness.artifact.tensorflow import translator as tensorflow_translator
from harness.artifact.torch import translator as torch_translator
from harness.language.attributes import Choice, Extent, Flag, Pads, Real, Sizes, Whole, Wholes
from harness.language.builder import Builder
from harness.language.graph import Kind
from harness.language.interpreter import MEANINGS, run
from harness.language.operators import OPERATORS, REQUIRED
from harness.language.sizes import MAX_SIZE, N, Size, at, broadcast, is_in_every_batch, product, size
from harness.records.errors import ArtifactError
from harness.reports.left_out import LEFT_OUT
from harness.reports.operators import operators_page


def test_every_operator_has_a_meaning_and_there_are_no_more():
    assert MEANINGS.keys() == OPERATORS.keys()


@pytest.mark.parametrize("row", OPERATORS.values(), ids=lambda row: row.name)
def test_a_meaning_takes_what_the_row_lists(row):
    parameters = inspect.signature(MEANINGS[row.name]).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        assert row.is_variadic
    else:
        inputs = [p.default is p.empty for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert inputs == [not i.is_optional for i in row.inputs] + [True] * row.is_random
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    listed = {attribute.name for attribute in row.attributes}
    assert named <= listed and (named == listed or any(p.kind is p.VAR_KEYWORD for p in parameters))


def test_every_operator_is_tried():
    assert {case.operator for case in CASES} == OPERATORS.keys()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_shape_holds_for_every_batch(case):
    graph, tensors = graph_of(case)
    value = graph.values[graph.output]
    for count in (1, 2, 5):
        weights, images, draws = numbers_for(case, graph, tensors, count)
        output = run(graph, weights, images, draws).output
        assert output.shape == at(value.shape, count)
        assert output.dtype == {Kind.FLOAT: "float64", Kind.INT: "int64", Kind.BOOL: "bool"}[value.kind]


def has_images_in_front(case):
    """Whether the images are in front of the first input and of the result, and not mixed by what the row says."""
    shapes = [getattr(i, "shape", i) for i in case.inputs]
    graph = graph_of(case)[0]
    mixed = OPERATORS[case.operator].mixed(shapes, graph.by_name[graph.output].attributes)
    return 0 not in mixed and all(shape[:1] == (N,) for shape in (*shapes[:1], graph.values[graph.output].shape))


@pytest.mark.parametrize("case", [c for c in CASES if not is_random(c) and has_images_in_front(c)], ids=str)
def test_an_image_has_the_same_result_alone_where_the_row_mixes_none(case):
    graph, tensors = graph_of(case)
    weights, images, _ = numbers_for(case, graph, tensors, 3)
    alone = [run(graph, weights, image[None]).output for image in images]
    assert np.allclose(np.concatenate(alone), run(graph, weights, images).output)


OUTSIDE = {
    Whole: lambda t: [t.least - 1, t.most + 1, float(t.least), str(t.least), None, True, Size(1), [t.least]],
    Real: lambda t: [math.nan, "0", True, [0.5], 10**400, *(() if t.may_be_absent else [None]), *beyond(t)],
    Flag: lambda t: [0, 1, "true", None],
    Choice: lambda t: ["", "other", t.words[0].upper(), None, 0, [t.words[0]]],
    Wholes: lambda t: [0, None, "0", [t.least - 1], [t.most + 1], [0.5], [True], [Size(1)], [t.least] * 9],
    Pads: lambda t: [0, None, [0, 0], [[0]], [[0, 0, 0]], [[-1, 0]], [[0, t.most + 1]], [[0, 0.0]], [[0, 0]] * 9],
    Sizes: lambda t: [0, None, "N", [-1], [MAX_SIZE + 1], ["N"], [None], [1.0], [1] * 9],
    Extent: lambda t: [-1, MAX_SIZE + 1, "N", None, 0.0, True, [0]],
}


def beyond(real):
    return [] if math.isinf(real.most) else [real.least - 1, real.most + 1, math.inf, -math.inf]


ATTRIBUTES = [
    pytest.param(case, attribute, id=f"{case.operator}-{attribute.name}")
    for case in {case.operator: case for case in CASES}.values()
    for attribute in OPERATORS[case.operator].attributes
]


@pytest.mark.parametrize(("case", "attribute"), ATTRIBUTES)
def test_attributes_outside_their_bounds_are_refused(case, attribute):
    assert is_allowed(case)
    for value in OUTSIDE[type(attribute.type)](attribute.type):
        with pytest.raises(ArtifactError):
            changed(case, attribute.name, value)


def changed(case, name, value):
    return graph_of(Case(case.operator, case.inputs, {**case.attributes, name: value}))


def without(case, name):
    return Case(case.operator, case.inputs, {other: value for other, value in case.attributes.items() if other != name})


@pytest.mark.parametrize(("case", "attribute"), ATTRIBUTES)
def test_an_attribute_can_be_left_out_only_if_it_has_a_default(case, attribute):
    left_out = [without(other, attribute.name) for other in CASES if other.operator == case.operator]
    allowed = [graph_of(other)[0].nodes[-1] for other in left_out if is_allowed(other)]
    assert bool(allowed) == (attribute.default is not REQUIRED)
    for node in allowed:
        assert node.attributes[attribute.name] == attribute.default == attribute.type.read(attribute.default)


@pytest.mark.parametrize("row", OPERATORS.values(), ids=lambda row: row.name)
def test_what_is_usual_is_allowed(row):
    for attribute in row.attributes:
        assert all(attribute.type.read(value) == value for value in attribute.usual)
        assert attribute.hides or not attribute.usual


def test_an_attribute_that_is_not_in_the_row_is_refused():
    for case in {case.operator: case for case in CASES}.values():
        with pytest.raises(ArtifactError, match="found"):
            changed(case, "out_dtype", 0)


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes"),
    [
        ("Identity", [(N, 3)], {}),
        ("Relu", [], {}),
        ("Relu", [(N, 3), (N, 3)], {}),
        ("Relu", [Made(Kind.INT, (N, 3))], {}),
        ("Add", [(N, 3), (N, 4)], {}),
        ("Add", [(N, 3), (5, 3)], {}),
        ("Add", [(N, 3), Made(Kind.INT, (N, 3))], {}),
        ("Concat", [(N, 3), Made(Kind.BOOL, (N, 3))], {"axis": 1}),
        ("Concat", [], {"axis": 0}),
        ("Div", [Made(Kind.INT, (N, 3)), Made(Kind.INT, (N, 3))], {}),
        ("Where", [(N, 3), (N, 3), (N, 3)], {}),
        ("Where", [Made(Kind.BOOL, (N, 3)), (N, 3), Made(Kind.INT, (N, 3))], {}),
        ("Gather", [(N, 3), (N,)], {"axis": 0}),
        ("Gather", [(N, 3), Made(Kind.INT, (2,))], {"axis": 2}),
        ("Range", [], {"start": 0, "limit": 3, "delta": 0}),
        ("Range", [], {"start": 3, "limit": 0, "delta": 1}),
        ("Range", [], {"start": -(1 << 31), "limit": 1 << 31, "delta": 1}),
        ("Slice", [(N, 3)], {"axis": 0, "start": 0, "end": 4}),
        ("Slice", [(N, 3)], {"axis": 0, "start": 0, "end": N + 1}),
        ("Slice", [(N, 3)], {"axis": 0, "start": 2, "end": N}),
        ("Slice", [(N, 3)], {"axis": 0, "start": 0, "end": N, "step": 2}),
        ("Slice", [(N, 3)], {"axis": 1, "start": 0, "end": 4}),
        ("Slice", [(N, 3)], {"axis": 1, "start": 2, "end": 1}),
        ("Slice", [(N, 3)], {"axis": 1, "start": 1, "end": 1}),
        ("Slice", [(N, 3)], {"axis": 1, "start": 0, "end": 2, "step": -1}),
        ("Slice", [(N, 3)], {"axis": 1, "start": 0, "end": 3, "step": 0}),
        ("Reshape", [(N, 6)], {"shape": (N, 5)}),
        ("Reshape", [(N, 6)], {"shape": (6,)}),
        ("Reshape", [(N, 6)], {"shape": (N, N)}),
        ("Expand", [(1, 1)], {"shape": (N, N)}),
        ("Expand", [(1, 1)], {"shape": (1 << 20, 1 << 20)}),
        ("Expand", [(1, 1)], {"shape": (1, 1 << 25)}),
        ("Expand", [(1,)], {"shape": (1,) * 8 + (2,)}),
        ("Expand", [(1, 1)], {"shape": (N - 2, 3)}),
        ("Expand", [(1, 1)], {"shape": (N * -1 + 9, 3)}),
        ("Expand", [(1, 1)], {"shape": (0, 3)}),
        ("Tile", [(N, 3)], {"repeats": (1, 1, 1)}),
        ("Transpose", [(N, 3)], {"perm": (0, 0)}),
        ("ReduceSum", [(N, 3)], {"axes": (1, 1)}),
        ("ReduceSum", [(N, 3)], {"axes": (2,)}),
        ("MatMul", [(N, 3), (4, 3)], {}),
        ("Gemm", [(N, 3), (3, 4), (5,)], {}),
        ("BatchNormalization", [(N, 3), (3,), (3,)], {"epsilon": 1e-5}),
        ("BatchNormalization", [(N, 3), (3,), (3,), (3,)], {"epsilon": 1e-5, "training": True}),
        ("GroupNormalization", [(N, 3, 2), (3,), (3,)], {"epsilon": 1e-5, "num_groups": 2}),
        ("MaxPool", [(N, 1, 4)], {"kernel_shape": (2,), "strides": (2,), "pads": ((2, 0),), "dilations": (1,)}),
        ("MaxPool", [(N, 1, 4)], {"kernel_shape": (5,), "strides": (2,), "pads": ((0, 0),), "dilations": (1,)}),
        ("AdaptiveMaxPool", [(N, 1, 4)], {"sizes": (5,)}),
        ("AdaptiveMaxPool", [(2, 1, N)], {"sizes": (1,)}),
    ],
)
def test_what_no_row_allows_is_refused(operator, shapes, attributes):
    build = Builder((9,), [])
    values = []
    for shape in shapes:
        dimensions = getattr(shape, "shape", shape)
        value = build.emit("Expand", build.constant(1.0), shape=dimensions)
        values.append(value if dimensions is shape else build.emit("Cast", value, to=shape.kind))
    with pytest.raises(ArtifactError):
        build.emit(operator, *values, **attributes)


sizes = st.builds(size, st.integers(-50, 50), st.integers(-50, 50))
counts = st.integers(1, 20)


def value_of(dimension, count):
    return at([dimension], count)[0]


@given(sizes, sizes, st.integers(-9, 9), counts)
def test_sizes_are_what_they_are_for_each_batch(a, b, factor, count):
    assert value_of(a + b, count) == value_of(a, count) + value_of(b, count)
    assert value_of(a - b, count) == value_of(a, count) - value_of(b, count)
    assert value_of(factor * a, count) == value_of(a * factor, count) == factor * value_of(a, count)
    assert isinstance(a - a, int) and a - a == 0
    assert (a == b) == all(value_of(a, n) == value_of(b, n) for n in (1, 2))


@given(sizes, st.integers(1, 9) | sizes.filter(lambda size: size != 0), counts)
def test_a_quotient_is_exact_or_refused(a, b, count):
    if isinstance(a, int):
        a = size(1, a)
    try:
        quotient = a // b
    except ArtifactError:
        return
    assert value_of(quotient, count) * value_of(b, count) == value_of(a, count)


@given(sizes, st.integers(1, 9))
def test_what_was_multiplied_can_be_divided(a, factor):
    assert isinstance(a, int) or (a * factor // factor == a and a * factor // a == factor)


@given(sizes)
def test_what_is_in_every_batch(a):
    assert is_in_every_batch(a) == (value_of(a, 1) >= 0 and value_of(a, 10**9) >= 0)


@given(st.lists(sizes | st.integers(0, 9), max_size=5), counts)
def test_a_product_has_at_most_one_size_in_n(dimensions, count):
    several = sum(isinstance(d, Size) for d in dimensions) > 1
    try:
        assert value_of(product(dimensions), count) == math.prod(at(dimensions, count))
    except ArtifactError:
        assert several


@given(st.lists(st.lists(st.sampled_from([1, 2, 3, N, N * 2]), max_size=4), min_size=1, max_size=3), counts)
def test_shapes_broadcast_as_in_numpy(shapes, count):
    try:
        common = broadcast([tuple(shape) for shape in shapes])
    except ArtifactError:
        with pytest.raises(ValueError, match="shape mismatch"):
            np.broadcast_shapes(*(at(shape, 7) for shape in shapes))
        return
    assert at(common, count) == np.broadcast_shapes(*(at(shape, count) for shape in shapes))


def test_sizes_have_a_bound():
    with pytest.raises(ArtifactError, match=r"below 2\^31"):
        Size(1 << 20) * (1 << 12)
    with pytest.raises(ArtifactError, match=r"fewer than 2\^31"):
        product([1 << 16] * 3)


RULES = {"ATen": torch_translator.rules(), "TensorFlow": tensorflow_translator.RULES}


@pytest.mark.parametrize("origin", RULES)
def test_what_is_listed_as_no_longer_taken_is_listed_once_and_has_no_rule(origin):
    names = [name for names in LEFT_OUT[origin].values() for name in names.split()]
    assert len(names) == len({*names})
    if origin == "ATen":
        names = [f"aten.{name}{'' if '.' in name else '.default'}" for name in names]
    assert RULES[origin].keys().isdisjoint(names)


def test_the_list_for_people_is_the_table():
    path = Path(__file__).parents[1] / "docs" / "operators.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(operators_page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == operators_page()
