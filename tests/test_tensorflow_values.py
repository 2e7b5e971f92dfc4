"""Where a TensorFlow graph draws, what it counts, what is known of it without computing, and what its numbers are."""

import numpy as np
import pytest
from tensorflow_graph import IMAGE, call, const, ints, node, read, tensor
from tensorflow_nodes import (
    Nodes,
    computed,
    convolution,
    held,
    number,
    only,
    operators,
    pictures,
    refused,
    translated,
    whole,
)

from harness.artifact.translation import Draw
from harness.language.graph import Kind
from harness.language.sizes import N

FILTERS = held("t0", 3, 3, 1, 4)


def generator(nodes):
    """The state of a Keras generator, which the graph changes, and a key from it."""
    seed = nodes("Mul", nodes("ReadVariableOp", tensor("seed"), dtype={"type": "int64"}), const("int64", [], 1))
    more = nodes("AddV2", nodes("ReadVariableOp", tensor("seed"), dtype={"type": "int64"}), const("int64", [2], 0, 1))
    nodes("AssignVariableOp", tensor("seed"), more)
    seed = nodes("Cast", nodes("FloorMod", seed, const("int64", [], 2147483646)), DstT={"type": "int32"})
    return nodes("StatelessRandomGetKeyCounter", seed)


SEED = held("seed", 2, dtype="I64")


def uniform(nodes, shape):
    key = generator(nodes)
    drawn = nodes("StatelessRandomUniformV2", shape, key, node(key["node"][0], 1), whole(3))
    scaled = nodes("Mul", drawn, nodes("Sub", number(1.0), number(0.0)))
    return drawn, nodes("AddV2", scaled, number(0.0))


def dropout(nodes, x, shape, rate=0.25, scale=4 / 3):
    drawn, numbers = uniform(nodes, shape)
    kept = nodes("Mul", x, number(scale))
    return drawn, nodes("SelectV2", nodes("GreaterEqual", numbers, number(rate)), kept, number(0.0))


def test_dropout_draws_where_the_graph_does():
    nodes = Nodes()
    drawn, _ = dropout(nodes, IMAGE, nodes("Shape", IMAGE))
    found = translated(nodes, SEED)
    assert operators(found) == ["Dropout"]
    assert only(found, "Dropout").attributes == {"ratio": 0.25}
    assert list(found.draws.values()) == [Draw(drawn["node"][0], 0, 0.25)]


def test_dropout_of_channels():
    nodes = Nodes(convolution("t0"))
    rows = nodes("StridedSlice", nodes("Shape", node(1)), ints(0), ints(1), ints(1), shrink_axis_mask=1)
    dropout(nodes, node(1), nodes("Pack", [rows, whole(1), whole(1), whole(4)]))
    found = translated(nodes, FILTERS, SEED)
    assert found.graph.values[only(found, "Dropout").name].shape == (N, 1, 1, 4)
    assert operators(found) == ["Conv", "Expand", "Dropout", "Mul"]


@pytest.mark.parametrize("settings", [{"scale": 2.0}, {"rate": 1.5, "scale": -2.0}])
def test_another_choice_of_numbers_is_no_dropout(settings):
    nodes = Nodes()
    dropout(nodes, IMAGE, nodes("Shape", IMAGE), **settings)
    found = translated(nodes, SEED)
    assert "Dropout" not in operators(found)
    assert [draw.kept_from for draw in found.draws.values()] == [None]


def test_what_is_drawn_once_and_used_twice_stays_one_draw():
    nodes = Nodes()
    drawn, dropped = dropout(nodes, IMAGE, nodes("Shape", IMAGE))
    nodes("AddV2", dropped, drawn)
    found = translated(nodes, SEED)
    assert "Dropout" not in operators(found)
    assert list(found.draws.values()) == [Draw(drawn["node"][0])]


def test_a_fixed_seed_is_refused():
    nodes = Nodes()
    key = nodes("StatelessRandomGetKeyCounter", ints(1, 2))
    nodes("StatelessRandomNormalV2", nodes("Shape", IMAGE), key, node(0, 1), whole(3))
    assert "fixed seed" in refused(nodes).found


@pytest.mark.parametrize("operator", ["AssignVariableOp", "AssignAddVariableOp"])
def test_counters_are_dropped_and_nobody_reads_them(operator):
    counted = [call(operator, tensor("n"), const("int64", [], 1))]
    reading = call("ReadVariableOp", tensor("n"), dtype={"type": "int64"})
    found = translated([*counted, call("Relu", IMAGE)], held("n", dtype="I64"))
    assert operators(found) == ["Relu"]
    used = [reading, call("Cast", node(0), DstT={"type": "float32"}), call("Mul", IMAGE, node(1))]
    assert operators(translated(used, held("n", dtype="I64"))) == ["Cast", "Mul"]
    refused([*used, *counted], held("n", dtype="I64"), output=node(2))


def test_shapes_are_folded_and_know_the_number_of_images():
    nodes = Nodes()
    sizes = nodes("Shape", IMAGE)
    images = nodes("StridedSlice", sizes, ints(0), ints(1), ints(1), shrink_axis_mask=1)
    rest = nodes("Prod", nodes("StridedSlice", sizes, ints(1), ints(0), ints(1), end_mask=1), ints(0))
    doubled = nodes("Mul", images, whole(2))
    half = nodes("FloorDiv", rest, nodes("Maximum", whole(2), whole(-1)))
    nodes("Reshape", IMAGE, nodes("ConcatV2", [nodes("Pack", [doubled]), nodes("Pack", [half])], whole(0)))
    found = translated(nodes)
    assert [(each.operator, each.attributes) for each in found.graph.nodes] == [("Reshape", {"shape": (N * 2, 392)})]


@pytest.mark.parametrize(
    "nodes",
    [
        [call("Cast", node(1), DstT={"type": "float32"}), call("Mul", IMAGE, node(2))],
        [call("Minimum", node(1), whole(10)), call("Pack", [node(2), whole(784)]), call("Reshape", IMAGE, node(3))],
        [call("Greater", node(1), whole(10)), call("SelectV2", node(2), IMAGE, number(0.0))],
        [call("Mul", node(1), node(1)), call("Pack", [node(2), whole(784)]), call("Reshape", IMAGE, node(3))],
        [call("Range", whole(0), node(1), whole(1)), call("Reshape", IMAGE, node(2))],
        [call("GatherV2", IMAGE, node(1), whole(1))],
        [call("Unpack", IMAGE, num=3)],
    ],
)
def test_the_number_of_images_is_no_number_to_compute_with(nodes):
    first = [call("Shape", IMAGE), call("StridedSlice", node(0), ints(0), ints(1), ints(1), shrink_axis_mask=1)]
    refused([*first, *nodes])


@pytest.mark.parametrize(
    "nodes",
    [
        [call("Fill", ints(1 << 20), whole(7)), call("Reshape", IMAGE, node(0))],
        [call("Fill", ints(1 << 40, 1 << 40), whole(7)), call("Reshape", IMAGE, node(0))],
        [call("Range", whole(0), whole(1 << 30), whole(1)), call("Reshape", IMAGE, node(0))],
        [call("Mul", whole(3), whole(3)), *(call("Mul", node(k), node(k)) for k in range(99))],
        [call("Fill", ints(8000), whole(7)), *(call("Mul", node(k), whole(1)) for k in range(4000))],
        [call("ExpandDims", ints(1), whole(0)), *(call("ExpandDims", node(k), whole(0)) for k in range(40))],
        [call("Unpack", IMAGE, num=28, axis=1), *(call("Unpack", node(0), num=28, axis=1) for _ in range(4000))],
    ],
)
def test_known_numbers_and_results_are_few(nodes):
    refused([*nodes, call("Relu", IMAGE)])


def test_a_gradient_is_stopped_where_there_is_one():
    nodes = [read("t0"), call("Mul", IMAGE, node(0)), call("StopGradient", node(1)), call("Add", node(1), node(2))]
    assert operators(translated(nodes, held("t0", 1))) == ["Mul", "StopGradient", "Add"]
    assert operators(translated(nodes, held("t0", 1, trainable=False))) == ["Mul", "Add"]


def test_indices_are_whole_numbers_and_masks_are_bool():
    nodes = Nodes()
    places = nodes("Cast", nodes("Mul", IMAGE, number(9.0)), DstT={"type": "int32"})
    rows = nodes("GatherV2", nodes.read("t0"), places, whole(0))
    nodes("SelectV2", nodes("Less", rows, number(0.5)), rows, number(0.0))
    table = np.random.default_rng(3).random((10, 2))
    found = translated(nodes, held("t0", 10, 2))
    kinds = {each.operator: found.graph.values[each.name].kind for each in found.graph.nodes}
    assert (kinds["Cast"], kinds["Gather"], kinds["Less"]) == (Kind.INT, Kind.FLOAT, Kind.BOOL)
    taken = table[(pictures() * 9).astype(int)]
    np.testing.assert_allclose(computed(found, t0=table), np.where(taken < 0.5, taken, 0.0))


def test_numbers_have_as_few_digits_as_float32_needs():
    leaky = only(translated([call("LeakyRelu", IMAGE, alpha=0.10000000149011612)]), "LeakyRelu")
    assert leaky.attributes["alpha"] == 0.1
    response = {"depth_radius": 2, "bias": 1.0, "alpha": 9.999999747378752e-05, "beta": 0.75}
    lrn = only(translated([*convolution("t0"), call("LRN", node(1), **response)], FILTERS), "LRN")
    assert lrn.attributes == {"size": 5, "alpha": 5e-4, "beta": 0.75, "bias": 1.0}


def affine(nodes, last):
    """Six numbers for each image, computed from it, with two more behind them."""
    flat = nodes("Reshape", IMAGE, ints(-1, 784))
    return nodes("ConcatV2", [nodes("MatMul", flat, nodes.read("t0")), last], whole(1))


@pytest.mark.parametrize(("fill_mode", "around"), [("CONSTANT", "zeros"), ("NEAREST", "border"), ("REFLECT", "border")])
def test_affine_maps_of_images_are_a_grid(fill_mode, around):
    nodes = Nodes()
    images = nodes("StridedSlice", nodes("Shape", IMAGE), ints(0), ints(1), ints(1), shrink_axis_mask=1)
    zeros = nodes("Fill", nodes("Pack", [images, whole(2)]), number(0.0))
    settings = {"interpolation": "BILINEAR", "fill_mode": fill_mode}
    nodes("ImageProjectiveTransformV3", IMAGE, affine(nodes, zeros), ints(20, 24), number(0.0), **settings)
    found = translated(nodes, held("t0", 784, 6))
    assert only(found, "GridSample").attributes["padding_mode"] == around
    assert found.graph.values[found.graph.output].shape == (N, 20, 24, 1)
    nodes[-1] = call(
        "ImageProjectiveTransformV3",
        IMAGE,
        node(len(nodes) - 2),
        ints(20, 24),
        number(0.0),
        interpolation="BILINEAR",
        fill_mode="WRAP",
    )
    refused(nodes, held("t0", 784, 6))


def test_other_maps_of_images_are_refused():
    nodes = Nodes()
    flat = nodes("Reshape", IMAGE, ints(-1, 784))
    last = nodes("MatMul", flat, nodes.read("t1"))
    nodes("ImageProjectiveTransformV3", IMAGE, affine(nodes, last), ints(20, 24), number(0.0), interpolation="BILINEAR")
    assert "affine map" in refused(nodes, held("t0", 784, 6), held("t1", 784, 2)).found
