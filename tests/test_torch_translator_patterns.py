"""What PyTorch writes with several operators, or with one that means something else: normalizations and dropout."""

import numpy as np
import pytest
from torch_graph import INPUT_REF, call, node, tensor
from torch_hand_graphs import BATCH, IMAGES, VALUES, computed, operators, refused, translated

from harness.language.interpreter import run
from harness.language.sizes import N
from harness.records.draw import Draw

NORM = [INPUT_REF, tensor("t1"), None]
STATISTICS = [tensor("t2"), tensor("t3")]


def test_batch_normalization_updates_two_tensors_of_the_model():
    nodes = [call("native_batch_norm.default", *NORM, *STATISTICS, True, 0.1, 1e-5)]
    graph = translated(*nodes).graph
    norm = graph.nodes[-1]
    assert norm.inputs[3:] == ("t2", "t3")
    assert norm.attributes == {"epsilon": 1e-5, "momentum": 0.9, "training": True, "unbiased": True}
    updates = run(graph, VALUES, IMAGES).updates
    np.testing.assert_allclose(updates["t2"], 0.9 * VALUES["t2"] + 0.1 * IMAGES.mean((0, 2, 3)))
    np.testing.assert_allclose(updates["t3"], 0.9 * VALUES["t3"] + 0.1 * IMAGES.var((0, 2, 3), ddof=1))
    (evaluated,) = (
        n
        for n in translated(call("native_batch_norm.default", *NORM, *STATISTICS, False, 0.1, 1e-5)).graph.nodes
        if n.operator == "BatchNormalization"
    )
    assert not evaluated.attributes["training"]  # fmt: skip


@pytest.mark.parametrize(
    ("statistics", "more"),
    [
        ([tensor("t2"), tensor("t2")], []),
        ([tensor("t1"), tensor("t3")], []),
        ([node(0), tensor("t3")], []),
        (STATISTICS, [call("mul.Tensor", node(1), tensor("t2"))]),
        (STATISTICS, [call("add_.Tensor", tensor("t2"), 1)]),
    ],
)
def test_statistics_are_two_tensors_that_nothing_else_reads_or_writes(statistics, more):
    nodes = call("relu.default", tensor("t2")), call("native_batch_norm.default", *NORM, *statistics, True, 0.1, 1e-5)
    assert refused(*nodes, *more, output=node(1)).unsupported


def test_an_instance_normalization_is_recognized():
    view = call("view.default", INPUT_REF, [1, {"batch": [2, 0]}, 4, 4])
    weights = call("repeat.default", tensor("t1"), [BATCH]), call("repeat.default", tensor("t2"), [BATCH])
    plain = view, call("native_batch_norm.default", node(0), None, None, None, None, True, 0.1, 1e-5)
    assert operators(*plain)[-2:] == ["GroupNormalization", "Reshape"]
    scaled = view, *weights, call("native_batch_norm.default", node(0), node(1), node(2), None, None, True, 0.1, 1e-5)
    graph = translated(*scaled).graph
    norm = next(n for n in graph.nodes if n.operator == "GroupNormalization")
    assert norm.inputs == ("images", "t1", "t2")
    deviation = IMAGES - IMAGES.mean((2, 3), keepdims=True)
    expected = deviation / np.sqrt(IMAGES.var((2, 3), keepdims=True) + 1e-5)
    scale, shift = (VALUES[name].reshape(2, 1, 1) for name in ("t1", "t2"))
    np.testing.assert_allclose(computed(*scaled)[0].reshape(IMAGES.shape), expected * scale + shift)


def mask(like, place, keep=0.75):
    return [
        call("empty_like.default", like),
        call("bernoulli_.float", node(place), keep),
        call("div_.Scalar", node(place + 1), keep),
    ]


def test_dropout_is_recognized_with_the_place_where_it_draws():
    found = translated(*mask(INPUT_REF, 0), call("mul.Tensor", INPUT_REF, node(2)))
    (dropout,) = found.graph.nodes
    assert (dropout.operator, dropout.inputs, dropout.attributes) == ("Dropout", ("images",), {"ratio": 0.25})
    assert found.draws == {dropout.name: Draw(1)}
    kept = np.random.default_rng(1).integers(0, 2, IMAGES.shape)
    result = run(found.graph, VALUES, IMAGES, {dropout.name: kept}).output
    np.testing.assert_allclose(result, IMAGES * kept / 0.75)


def test_a_mask_that_is_used_twice_is_drawn_once():
    nodes = *mask(INPUT_REF, 0), call("mul.Tensor", INPUT_REF, node(2)), call("mul.Tensor", node(3), node(2))
    found = translated(*nodes)
    (dropout,) = (n for n in found.graph.nodes if n.operator == "Dropout")
    assert [n.operator for n in found.graph.nodes] == ["Expand", "Dropout", "Mul", "Mul"]
    assert found.draws == {dropout.name: Draw(1)}


def test_a_mask_for_whole_channels_multiplies():
    empty = call("new_empty.default", INPUT_REF, [BATCH, 2, 1, 1])
    nodes = empty, *mask(INPUT_REF, 0, 0.8)[1:], call("mul.Tensor", INPUT_REF, node(2))
    graph = translated(*nodes).graph
    assert [n.operator for n in graph.nodes] == ["Expand", "Dropout", "Mul"]
    assert graph.nodes[1].attributes == {"ratio": 0.2}
    assert graph.values["v1"].shape == (N, 2, 1, 1)


@pytest.mark.parametrize("more", ["read", "other divisor"])
def test_what_is_drawn_and_read_besides_stays_what_it_is(more):
    empty, draw, divide = mask(INPUT_REF, 0)
    if more == "read":
        nodes = empty, draw, call("neg.default", node(1)), divide, call("mul.Tensor", node(2), node(3))
    else:
        nodes = empty, draw, call("div_.Scalar", node(1), 0.5), call("mul.Tensor", INPUT_REF, node(2))
    found = translated(*nodes)
    assert [n.operator for n in found.graph.nodes if n.operator in ("Dropout", "Bernoulli")] == ["Bernoulli"]
    assert list(found.draws.values()) == [Draw(1)]


def test_random_slopes_are_drawn_into_the_noise():
    nodes = call("empty_like.default", INPUT_REF), call("rrelu_with_noise.default", INPUT_REF, node(0), 0.1, 0.3, True)
    found = translated(*nodes)
    assert [n.operator for n in found.graph.nodes] == ["RandomUniform", "PRelu"]
    assert list(found.draws.values()) == [Draw(1, 1)]
    assert "written before they are read" in refused(*nodes, call("relu.default", node(0))).expected
    assert operators(nodes[0], call("rrelu_with_noise.default", INPUT_REF, node(0), 0.1, 0.3, False)) == ["LeakyRelu"]
