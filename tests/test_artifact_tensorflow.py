"""The audit of exported TensorFlow graphs, on a graph written by hand: no framework is imported."""

from typing import Any

import pytest
from tensorflow_graph import (
    IMAGE,
    WEIGHTS,
    artifact,
    call,
    changed,
    const,
    ints,
    node,
    read,
    refusal,
    small_net,
    tensor,
)

from harness.artifact.audit import audit
from harness.artifact.tensorflow.rules import rule
from harness.language.dependence import statistics
from harness.language.graph import ModelGraph, Node
from harness.language.sizes import N
from harness.model.table import layer_table
from harness.records.artifact import Artifact
from harness.records.framework import Framework
from harness.records.graph import TensorKind, Window

CONVOLUTION = call("Conv2D", IMAGE, node(0), strides=[1, 1, 1, 1], padding="SAME")


def model(graph: object = None) -> ModelGraph:
    return audit(artifact(small_net() if graph is None else graph)).model


def translated(*nodes: dict[str, Any]) -> tuple[Node, ...]:
    """The nodes of an evaluation graph whose last raw node is its output, without transposes."""
    graph = small_net()
    graph["eval"] = {"nodes": list(nodes), "output": node(len(nodes) - 1)}
    return tuple(node for node in model(graph).evaluation.nodes if node.operator != "Transpose")


def test_valid_graph_becomes_operators_of_the_language():
    found = model()
    assert [(node.operator, node.inputs) for node in found.evaluation.nodes] == [
        ("Transpose", ("t0",)),
        ("Transpose", ("images",)),
        ("Conv", ("v1", "v0", "t1")),
        ("MaxPool", ("v2",)),
        ("Transpose", ("v3",)),
        ("Reshape", ("v4",)),
        ("Gemm", ("v5", "t2", "t3")),
        ("Mul", ("v6", "t4")),
        ("Softmax", ("v7",)),
    ]
    assert (found.input_shape, found.evaluation.output) == ((28, 28, 1), "v8")
    assert (found.labels["v2"], found.labels["v3"]) == ("c1", "pool")


def test_every_value_has_a_shape_that_was_never_measured():
    graph = model().evaluation
    shapes = {node.operator: graph.values[node.name].shape for node in graph.nodes}
    assert (shapes["Conv"], shapes["MaxPool"]) == ((N, 6, 28, 28), (N, 6, 14, 14))
    assert (shapes["Reshape"], shapes["Softmax"]) == ((N, 1176), (N, 10))


def test_tensors_and_what_training_does_to_them():
    found = model()
    assert {t.name: str(t.kind) for t in found.tensors if t.kind is not TensorKind.PARAMETER} == {
        "t4": "constant",
        "t5": "buffer",
        "t6": "buffer",
    }
    assert found.used == {f"t{k}" for k in range(7)}
    assert statistics(found) == set()  # evaluation does not read them


def test_averages_of_a_batch_are_one_operator():
    *_, norm = model().training.nodes
    assert (norm.operator, norm.inputs[1:]) == ("BatchNormalization", ("t1", "t1", "t5", "t6"))
    assert {k: norm.attributes[k] for k in ("training", "momentum", "unbiased")} == {
        "training": True,
        "momentum": 0.75,
        "unbiased": True,
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train.nodes.17.args.1", const("float32", [], 0.5)),
        ("train.nodes.18.args.0", node(15, 2)),
        ("train.nodes.20.args.1", node(18)),
        ("train.nodes.25.args.0", tensor("t5")),
        ("train.nodes.20.op", "AssignAddVariableOp"),
    ],
)
def test_any_other_write_to_a_tensor_of_the_model_is_not_supported(path, value):
    error = refusal(changed(path, value))
    assert error.unsupported
    assert "tensor" in error.found


@pytest.mark.parametrize("raw", [call("Softmax", node(15, 1)), call("AddN", [node(15, 2), node(15, 2)])])
def test_statistics_of_a_batch_are_averaged_and_nothing_else(raw):
    graph = small_net()
    graph["train"]["nodes"].append(raw)
    error = refusal(graph)
    assert (error.unsupported, error.found) == (True, "computing with a batch's statistics is not supported yet")


def test_layer_table_of_the_valid_graph():
    table = layer_table(model())
    assert [(layer.kind, layer.label, layer.parameters) for layer in table.layers] == [
        ("conv2d", "c1", 156),
        ("max_pool", "pool", 0),
        ("flatten", "", 0),
        ("dense", "fc", 11_770),
        ("mul", "", 0),
    ]
    assert table.layers[0].window == Window((5, 5), padding=(2, 2, 2, 2))
    assert table.constants == 10 + 12  # the scale, and what training averages for nothing


def test_fingerprint_ignores_the_names_of_the_student():
    plain = model()
    assert model(changed("eval.nodes.4.op", "AvgPool")).fingerprint != plain.fingerprint
    named = Artifact(Framework.TENSORFLOW, artifact(small_net()).graph, b'{"n1": "mine"}', (WEIGHTS,), "")
    assert audit(named).model.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("attributes", "settings"),
    [
        ({"padding": "SAME"}, {"pads": ((2, 2), (2, 2)), "strides": (1, 1)}),
        ({"padding": "VALID", "strides": [1, 2, 3, 1]}, {"pads": ((0, 0), (0, 0)), "strides": (2, 3)}),
        ({"padding": "SAME", "strides": [1, 2, 3, 1]}, {"pads": ((1, 2), (2, 2)), "strides": (2, 3)}),
        (
            {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 4, 0, 0]},
            {"pads": ((1, 2), (3, 4)), "strides": (1, 1)},
        ),
        ({"padding": "SAME", "dilations": [1, 2, 3, 1]}, {"pads": ((4, 4), (6, 6)), "dilations": (2, 3)}),
    ],
)
def test_windows_have_height_and_width_of_each_setting(attributes, settings):
    convolution = call("Conv2D", IMAGE, node(0), **{"strides": [1, 1, 1, 1]} | attributes)
    (found,) = translated(read("t0"), convolution)
    assert {name: found.attributes[name] for name in settings} == settings


def test_windows_of_images_with_channels_first():
    flat = call("Reshape", IMAGE, ints(-1, 1, 28, 28))
    settings = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 0, 0, 1, 2, 3, 4], "data_format": "NCHW"}
    convolution = call("Conv2D", node(1), node(0), strides=[1, 1, 2, 3], dilations=[1, 1, 1, 2], **settings)
    *_, found = translated(read("t0"), flat, convolution)
    assert (found.attributes["pads"], found.attributes["strides"]) == (((1, 2), (3, 4)), (2, 3))
    assert found.attributes["dilations"] == (1, 2)


@pytest.mark.parametrize(
    ("operator", "args", "pads", "value"),
    [
        ("Pad", [const("int32", [4, 2], 0, 0, 1, 2, 3, 4, 0, 0)], ((0, 0), (0, 0), (1, 2), (3, 4)), 0.0),
        (
            "PadV2",
            [const("int32", [4, 2], 0, 0, 1, 1, 1, 1, 0, 0), const("float32", [], 1.0)],
            ((0, 0), (0, 0), (1, 1), (1, 1)),
            1.0,
        ),
        ("Pad", [const("int32", [4, 2], 0, 0, 1, 1, 1, 1, 2, 2)], ((0, 0), (2, 2), (1, 1), (1, 1)), 0.0),
    ],
)
def test_padding_has_each_axis_and_its_number(operator, args, pads, value):
    *_, pad = translated(read("t0"), CONVOLUTION, call(operator, node(1), *args))
    assert (pad.operator, pad.attributes["pads"], pad.attributes["value"]) == ("Pad", pads, value)


NORMALIZATION = (
    read("t0"),
    CONVOLUTION,
    *map(read, ("t1", "t5", "t6")),
    call("AddV2", node(2), const("float32", [], 0.001)),
    call("Rsqrt", node(5)),
    call("Mul", node(6), node(3)),
    call("Mul", node(1), node(7)),
    call("Mul", node(4), node(7)),
    call("Sub", node(2), node(9)),
    call("AddV2", node(8), node(10)),
)


def test_batch_normalization_is_one_operator_with_its_four_tensors():
    _, norm = translated(*NORMALIZATION)
    assert (norm.operator, norm.inputs[1:]) == ("BatchNormalization", ("t5", "t1", "t6", "t1"))
    assert (norm.attributes["epsilon"], norm.attributes["training"]) == (0.001, False)


def test_a_layer_cannot_be_hidden_inside_of_a_normalization():
    hidden = (
        *small_net()["eval"]["nodes"][:9],
        *map(read, ("t2", "t3")),
        call("AddV2", node(10), const("float32", [], 0.001)),
        call("Rsqrt", node(11)),
        call("MatMul", node(8), node(9)),
        call("Mul", node(13), node(12)),
        call("MatMul", node(8), node(9)),
        call("Mul", node(15), node(12)),
        call("Sub", node(10), node(16)),
        call("AddV2", node(14), node(17)),
    )
    operators = [node.operator for node in translated(*hidden)]
    assert "Gemm" in operators
    assert "BatchNormalization" not in operators


def test_dilated_convolution_is_one_operator():
    found = translated(
        call("SpaceToBatchND", IMAGE, ints(2, 2), const("int32", [2, 2], 4, 4, 4, 4)),
        read("t0"),
        call("Conv2D", node(0), node(1), strides=[1, 1, 1, 1], padding="VALID"),
        call("BatchToSpaceND", node(2), ints(2, 2), const("int32", [2, 2], 0, 0, 0, 0)),
    )
    assert [node.operator for node in found] == ["Conv"]
    assert (found[0].attributes["dilations"], found[0].attributes["pads"]) == ((2, 2), ((4, 4), (4, 4)))


@pytest.mark.parametrize(
    ("raw", "operators"),
    [
        ((call("ConcatV2", [IMAGE, IMAGE], const("int32", [], 1)),), ["Concat"]),
        ((call("RealDiv", IMAGE, const("float32", [], 2.0)),), ["Div"]),
        ((read("t3"), call("Reshape", IMAGE, ints(-1, 1)), call("AddV2", node(0), node(1))), ["Reshape", "Add"]),
        ((call("Relu6", IMAGE),), ["Clip"]),
        (
            (read("t0"), call("DepthwiseConv2dNative", IMAGE, node(0), strides=[1, 1, 1, 1], padding="SAME")),
            ["Reshape", "Conv"],
        ),
        (
            (
                read("t0"),
                CONVOLUTION,
                call("Shape", IMAGE),
                call("Conv2DBackpropInput", node(2), node(0), node(1), strides=[1, 1, 1, 1], padding="SAME"),
            ),
            ["Conv", "ConvTranspose"],
        ),
    ],
)
def test_operators_have_the_names_of_both_frameworks(raw, operators):
    assert [node.operator for node in translated(*raw)] == operators


def test_what_is_known_without_images_is_in_no_graph():
    shape = (call("Shape", IMAGE), call("StridedSlice", node(0), ints(0), ints(1), ints(1), shrink_axis_mask=1))
    found = translated(*shape, call("Pack", [node(1), const("int32", [], 784)]), call("Reshape", IMAGE, node(2)))
    assert [(node.operator, node.attributes["shape"]) for node in found] == [("Reshape", (N, 784))]


def test_no_operator_is_translated_by_two_rules():
    with pytest.raises(AssertionError):
        rule("Relu", "1")(lambda making, x: x)
