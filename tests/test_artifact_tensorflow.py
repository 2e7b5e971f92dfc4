"""The audit of exported TensorFlow graphs, on a graph written by hand: no framework is imported."""

from typing import Any

import pytest
from tensorflow_graph import IMAGE, WEIGHTS, artifact, call, changed, const, ints, node, read, small_net, tensor

from harness.artifact.audit import audit
from harness.artifact.tensorflow_operators import KINDS
from harness.model.layers import layer_table
from harness.records.artifact import Artifact
from harness.records.framework import Framework
from harness.records.graph import INPUT, Operation, TensorKind, Window


def translated(*nodes: dict[str, Any]) -> dict[str, Operation]:
    """The operations of an evaluation graph whose last node is its output."""
    graph = small_net()
    graph["eval"] = {"nodes": list(nodes), "output": node(len(nodes) - 1)}
    return {operation.name: operation for operation in audit(artifact(graph)).operations}


def test_valid_graph_becomes_operations_of_both_frameworks():
    model = audit(artifact(small_net()))
    assert [(op.name, op.kind, op.inputs) for op in model.operations] == [
        ("n0", "identity", ("t0",)),
        ("n1", "conv2d", (INPUT, "n0")),
        ("n2", "identity", ("t1",)),
        ("n3", "add", ("n1", "n2")),
        ("n4", "max_pool", ("n3",)),
        ("n8", "reshape", ("n4", "n7")),
        ("n9", "identity", ("t2",)),
        ("n10", "dense", ("n8", "n9")),
        ("n11", "identity", ("t3",)),
        ("n12", "add", ("n10", "n11")),
        ("n13", "mul", ("n12", "t4")),
        ("n14", "softmax", ("n13",)),
    ]
    assert (model.input_shape, model.output) == ((28, 28, 1), "n14")
    assert [op.label for op in model.operations if op.label] == ["c1", "pool"]


def test_tensors_and_what_training_does_to_them():
    model = audit(artifact(small_net()))
    assert {t.name: str(t.kind) for t in model.tensors if t.kind is not TensorKind.PARAMETER} == {
        "t4": "constant",
        "t5": "buffer",
    }
    assert model.updated == {"t5"}
    assert model.used == {"t0", "t1", "t2", "t3", "t4"}


def test_layer_table_of_the_valid_graph():
    shapes = {"n1": (6, 28, 28), "n3": (6, 28, 28), "n4": (6, 14, 14), "n8": (1176,), "n10": (10,), "n12": (10,)}
    table = layer_table(audit(artifact(small_net())).with_shapes(shapes))
    assert [(layer.kind, layer.label, layer.parameters) for layer in table.layers] == [
        ("conv2d", "c1", 156),
        ("max_pool", "pool", 0),
        ("flatten", "", 0),
        ("dense", "fc", 11_770),
        ("mul", "", 0),
    ]
    assert (table.layers[0].window, table.constants) == (Window((5, 5), padding=(2, 2, 2, 2)), 10)


def test_fingerprint_ignores_the_names_of_the_student():
    plain = audit(artifact(small_net()))
    assert audit(artifact(changed("eval.nodes.4.op", "AvgPool"))).fingerprint != plain.fingerprint
    named = Artifact(Framework.TENSORFLOW, artifact(small_net()).graph, b'{"n1": "mine"}', (WEIGHTS,), "")
    assert audit(named).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("attributes", "window"),
    [
        ({"padding": "SAME"}, Window((0, 0), same=True)),
        ({"padding": "VALID", "strides": [1, 2, 3, 1]}, Window((0, 0), (2, 3))),
        (
            {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 4, 0, 0]},
            Window((0, 0), padding=(1, 2, 3, 4)),
        ),
        (
            {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 0, 0, 1, 2, 3, 4], "data_format": "NCHW"},
            Window((0, 0), padding=(1, 2, 3, 4)),
        ),
        (
            {"padding": "SAME", "dilations": [1, 1, 2, 3], "data_format": "NCHW"},
            Window((0, 0), (1, 1), dilation=(2, 3), same=True),
        ),
    ],
)
def test_windows_have_height_and_width_of_each_setting(attributes, window):
    operation = call("Conv2D", IMAGE, node(0), **{"strides": [1, 1, 1, 1]} | attributes)
    assert translated(read("t0"), operation)["n1"].window == window


@pytest.mark.parametrize(
    ("operator", "args", "window"),
    [
        ("Pad", [const("int32", [4, 2], 0, 0, 1, 2, 3, 4, 0, 0)], Window((1, 1), padding=(1, 2, 3, 4))),
        ("PadV2", [const("int32", [4, 2], *[0] * 8), const("float32", [], 0.0)], Window((1, 1))),
        ("PadV2", [const("int32", [4, 2], *[0] * 8), const("float32", [], 1.0)], None),
        ("Pad", [const("int32", [4, 2], 0, 0, 1, 1, 1, 1, 2, 2)], None),
        ("MirrorPad", [const("int32", [4, 2], *[0] * 8)], None),
    ],
)
def test_padding_is_a_window_only_with_zeros_around_the_image(operator, args, window):
    mode = {"mode": "REFLECT"} if operator == "MirrorPad" else {}
    assert translated(call(operator, IMAGE, *args, **mode))["n0"].window == window


def test_batch_normalization_is_one_operation_with_its_four_tensors():
    operations = translated(
        call("Relu", IMAGE),
        read("t0"),
        read("t1"),
        call("AddV2", node(1), const("float32", [], 0.001)),
        call("Rsqrt", node(3)),
        call("Mul", node(4), node(2)),
        call("Mul", node(0), node(5)),
        call("Mul", tensor("t4"), node(5)),
        call("Sub", tensor("t5"), node(7)),
        call("AddV2", node(6), node(8)),
    )
    assert list(operations) == ["n0", "n9"]
    assert (operations["n9"].kind, operations["n9"].inputs) == ("normalization", ("n0", "t0", "t1", "t4", "t5"))


def test_a_layer_cannot_be_hidden_inside_of_a_normalization():
    operations = translated(
        call("Relu", IMAGE),
        read("t0"),
        call("Rsqrt", node(1)),
        call("Mul", node(0), node(2)),
        read("t2"),
        call("MatMul", node(0), node(4)),
        call("Mul", node(5), node(2)),
        call("AddV2", node(3), node(6)),
    )
    assert operations["n5"].kind == "dense"
    assert operations["n7"].kind == "add"


def test_dilated_convolution_is_one_operation():
    operations = translated(
        call("SpaceToBatchND", IMAGE, ints(2, 2), const("int32", [2, 2], 2, 2, 2, 2)),
        read("t0"),
        call("Conv2D", node(0), node(1), strides=[1, 1, 1, 1], padding="VALID"),
        call("BatchToSpaceND", node(2), ints(2, 2), const("int32", [2, 2], 0, 0, 0, 0)),
    )
    assert list(operations) == ["n1", "n3"]
    assert operations["n3"].inputs == (INPUT, "n1")
    assert operations["n3"].window == Window((0, 0), dilation=(2, 2), same=True)


@pytest.mark.parametrize(
    ("nodes", "kind", "inputs"),
    [
        ((read("t2"), call("MatMul", IMAGE, node(0))), "dense", (INPUT, "n0")),
        ((call("MatMul", IMAGE, IMAGE),), "matmul", (INPUT, INPUT)),
        ((read("t3"), call("AddV2", node(0), IMAGE)), "add", (INPUT, "n0")),
        ((call("GatherV2", tensor("t0"), IMAGE, ints(0)),), "embedding", (INPUT, "t0")),
        ((call("ConcatV2", [IMAGE, IMAGE], ints(1)),), "cat", (INPUT, INPUT)),
        ((call("RealDiv", IMAGE, const("float32", [], 2.0)),), "div", (INPUT,)),
        (
            (read("t0"), call("Conv2DBackpropInput", ints(1), node(0), IMAGE, strides=[1] * 4, padding="SAME")),
            "transposed_convolution",
            (INPUT, "n0"),
        ),
        (
            (read("t0"), call("DepthwiseConv2dNative", IMAGE, node(0), strides=[1, 1, 1, 1], padding="SAME")),
            "depthwise_conv2d",
            (INPUT, "n0"),
        ),
    ],
)
def test_kinds_are_the_words_of_both_frameworks_and_data_comes_first(nodes, kind, inputs):
    operation = list(translated(*nodes).values())[-1]
    assert (operation.kind, operation.inputs) == (kind, inputs)


def test_the_allow_list_names_each_operator_once():
    names = " ".join(KINDS.values()).split()
    assert len(names) == len(set(names))


def test_scaled_constant_is_no_normalization():
    operations = translated(
        read("t0"),
        call("Rsqrt", node(0)),
        call("Mul", const("float32", [], 0.5), node(1)),
        call("AddV2", node(2), IMAGE),
    )
    assert [operation.kind for operation in operations.values()] == ["identity", "rsqrt", "mul", "add"]
