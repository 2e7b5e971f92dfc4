"""The audit of exported PyTorch graphs, on a graph written by hand: nothing of PyTorch is imported."""

import json

import pytest
from torch_graph import ARGUMENTS, MEASURED, SHAPES, artifact, call, changed, node, refusal, small_net, tensor, weights

from harness.artifact.audit import answers_alone, audit
from harness.model.layers import layer_table
from harness.records.graph import INPUT, TensorKind, Window


def test_valid_graph_becomes_operations_of_both_frameworks():
    model = audit(artifact(small_net()))
    assert [(op.name, op.kind, op.inputs) for op in model.operations] == [
        ("n0", "conv2d", (INPUT, "t0", "t1")),
        ("n1", "activation", ("n0",)),
        ("n2", "max_pool", ("n1",)),
        ("n3", "reshape", ("n2",)),
        ("n4", "transpose", ("t2",)),
        ("n5", "dense", ("n3", "n4", "t3")),
        ("n6", "softmax", ("n5",)),
    ]
    assert (model.input_shape, model.output) == ((1, 28, 28), "n6")


def test_windows_have_height_and_width_of_each_setting():
    model = audit(artifact(small_net()))
    assert model.operations[0].window == Window((0, 0), (1, 1), (2, 2, 2, 2))
    assert model.operations[2].window == Window((2, 2), (2, 2))
    assert [op.window for op in model.operations[3:]] == [None] * 4


def test_tensors_keep_kind_shape_and_the_name_of_the_student():
    tensors = {t.name: t for t in audit(artifact(small_net())).tensors}
    assert (tensors["t0"].kind, tensors["t0"].trainable, tensors["t0"].size) == (TensorKind.PARAMETER, True, 150)
    assert (tensors["t4"].kind, tensors["t4"].trainable) == (TensorKind.BUFFER, False)
    assert [t.label for t in tensors.values()] == ["conv.weight", "conv.bias", "fc.weight", "fc.bias", ""]


def test_buffer_that_training_writes_is_known():
    model = audit(artifact(small_net()))
    assert model.updated == {"t4"}
    assert model.used >= {"t0", "t1", "t2", "t3"}


def test_layer_table_of_the_valid_graph():
    table = layer_table(audit(artifact(small_net())).with_shapes(MEASURED))
    assert [layer.kind for layer in table.layers] == ["conv2d", "max_pool", "flatten", "dense"]
    assert table.parameters == 156 + 11_770
    assert table.softmax_count == 1


@pytest.mark.parametrize(
    ("path", "value", "differs"),
    [
        ("eval.nodes.1.op", "aten.tanh.default", True),
        ("eval.nodes.0.args.4", [0, 0], True),
        ("tensors.t0.trainable", False, True),
        ("input", [28, 28, 1], True),
        ("format", 1, False),
    ],
)
def test_fingerprint_tells_two_graphs_apart(path, value, differs):
    before = audit(artifact(small_net())).fingerprint
    after = audit(artifact(changed(small_net(), path, value))).fingerprint
    assert (before != after) is differs


def test_fingerprint_ignores_names_of_the_student_and_weights():
    other = weights(SHAPES)[:-4] + b"\x01\0\0\0"
    before = audit(artifact(small_net())).fingerprint
    assert audit(artifact(small_net(), (other,), {"t0": "layer1.kernel"})).fingerprint == before


def test_transposed_convolution_is_told_from_a_convolution():
    model = audit(artifact(changed(small_net(), "eval.nodes.0.args.6", True)))
    assert (model.operations[0].kind, model.operations[0].window) == ("transposed_convolution", None)


def test_convolution_of_one_dimension_has_no_window():
    model = audit(artifact(changed(small_net(), "eval.nodes.0.args.3", [1])))
    assert (model.operations[0].kind, model.operations[0].window) == ("convolution", None)


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ([[2, 2]], Window((2, 2), (2, 2))),
        ([[3, 2], []], Window((3, 2), (3, 2))),
        ([[3], [2]], Window((3, 3), (2, 2))),
        ([2, 1, 1], Window((2, 2), (1, 1), (1, 1, 1, 1))),
        ([[3, 3], [2, 2], [1, 0], [2, 1]], Window((3, 3), (2, 2), (1, 1, 0, 0), (2, 1))),
    ],
)
def test_pooling_window_has_the_defaults_of_pytorch(arguments, window):
    model = audit(artifact(changed(small_net(), "eval.nodes.2.args", [node(1), *arguments])))
    assert model.operations[2].window == window


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ([[1, 2, 3, 4]], Window((1, 1), padding=(3, 4, 1, 2))),
        ([[2, 2, 2, 2], 0.0], Window((1, 1), padding=(2, 2, 2, 2))),
        ([[2, 2, 2, 2], 1.0], None),
        ([[2, 2]], None),
    ],
)
def test_padding_is_a_window_only_with_zeros_around_the_image(arguments, window):
    model = audit(artifact(changed(small_net(), "eval.nodes.1", call("constant_pad_nd.default", node(0), *arguments))))
    assert (model.operations[1].kind, model.operations[1].window) == ("pad", window)


BATCH_NORM = [node(0), tensor("t1"), tensor("t1"), tensor("t4"), tensor("t4"), False, 0.1, 1e-5]


@pytest.mark.parametrize("count", range(8))
def test_batch_normalization_with_arguments_left_out_is_refused(count):
    refused = call("native_batch_norm.default", *BATCH_NORM[:count])
    assert refusal(changed(small_net(), "eval.nodes.1", refused)).expected == ARGUMENTS


@pytest.mark.parametrize("name", ["training", "momentum", "eps"])
def test_batch_normalization_with_a_setting_by_keyword_is_refused(name):
    at = ["training", "momentum", "eps"].index(name) + 5
    refused = call("native_batch_norm.default", *BATCH_NORM[:at], **{name: BATCH_NORM[at]})
    assert refusal(changed(small_net(), "eval.nodes.1", refused)).expected == ARGUMENTS


@pytest.mark.parametrize(("training", "alone"), [(False, True), (True, False), (0, None), (None, None)])
def test_batch_normalization_says_whether_it_uses_the_batch(training, alone):
    made = artifact(changed(small_net(), "eval.nodes.1", call("native_batch_norm.default", *BATCH_NORM)))
    graph = changed(json.loads(made.graph), "eval.nodes.1.args.5", training)
    if alone is None:
        assert refusal(graph).expected == ARGUMENTS
    else:
        audit(artifact(graph))
        assert answers_alone(artifact(graph)) is alone


def test_noise_of_a_random_slope_is_written():
    slope = call("rrelu_with_noise.default", node(0), tensor("t4"), 0.1, 0.3, True, None)
    model = audit(artifact(changed(small_net(), "train.nodes.1", slope)))
    assert model.updated == {"t4"}
