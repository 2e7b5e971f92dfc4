"""The audit of exported PyTorch graphs, on a graph written by hand: nothing of PyTorch is imported."""

from typing import Any

import pytest
from torch_graph import ARGUMENTS, SHAPES, artifact, call, changed, node, refusal, small_net, tensor, weights

from harness.artifact.audit import audit, read_artifact
from harness.language.batch import mixing
from harness.language.dependence import statistics
from harness.language.graph import ModelGraph, Node
from harness.language.sizes import N
from harness.model.table import layer_table
from harness.records.graph import TensorKind


def model(graph: object = None) -> ModelGraph:
    return audit(artifact(small_net() if graph is None else graph)).model


def ending(index: int, last: dict[str, Any]) -> Node:
    """The last node of the evaluation graph of a small net that ends with this call, the one at `index`."""
    graph = small_net()
    graph["eval"] = {"nodes": [*graph["eval"]["nodes"][:index], last], "output": node(index)}
    return model(graph).evaluation.nodes[-1]


def test_valid_graph_becomes_operators_of_the_language():
    found = model()
    assert [(node.operator, node.inputs) for node in found.evaluation.nodes] == [
        ("Conv", ("images", "t0", "t1")),
        ("Relu", ("v0",)),
        ("MaxPool", ("v1",)),
        ("Reshape", ("v2",)),
        ("Gemm", ("v3", "t2", "t3")),
        ("Softmax", ("v4",)),
    ]
    assert (found.input_shape, found.evaluation.output) == ((1, 28, 28), "v5")


def test_every_value_has_a_shape_that_was_never_measured():
    graph = model().evaluation
    assert [graph.values[node.name].shape for node in graph.nodes] == [
        (N, 6, 28, 28),
        (N, 6, 28, 28),
        (N, 6, 14, 14),
        (N, 1176),
        (N, 10),
        (N, 10),
    ]


def test_windows_have_height_and_width_of_each_setting():
    convolution, _, pool, *_ = model().evaluation.nodes
    window = {"strides": (1, 1), "pads": ((2, 2), (2, 2)), "dilations": (1, 1), "group": 1}
    assert convolution.attributes == window
    assert {k: pool.attributes[k] for k in ("kernel_shape", "strides")} == {"kernel_shape": (2, 2), "strides": (2, 2)}


def test_tensors_keep_kind_shape_and_the_name_of_the_student():
    tensors = {t.name: t for t in model().tensors}
    assert (tensors["t0"].kind, tensors["t0"].trainable, tensors["t0"].size) == (TensorKind.PARAMETER, True, 150)
    assert (tensors["t4"].kind, tensors["t4"].trainable) == (TensorKind.BUFFER, False)
    assert [t.label for t in tensors.values()] == ["conv.weight", "conv.bias", "fc.weight", "fc.bias", "", ""]


def test_what_is_stored_is_read_as_what_was_audited():
    audited = audit(artifact(small_net()))
    again = read_artifact(audited.artifact)
    assert (again.fingerprint, again.tensors, again.labels) == (
        audited.model.fingerprint,
        audited.model.tensors,
        audited.model.labels,
    )


STATISTICS = [tensor("t1"), tensor("t1"), tensor("t4"), tensor("t5")]


def test_statistics_that_training_writes_and_evaluation_reads_are_known():
    assert statistics(model()) == set()
    read = call("native_batch_norm.default", node(0), *STATISTICS, False, 0.1, 1e-5)
    found = model(changed(small_net(), "eval.nodes.1", read))
    assert statistics(found) == {"t4", "t5"}
    assert found.used == {"t0", "t1", "t2", "t3", "t4", "t5"}


def test_momentum_is_the_share_of_the_old_statistics():
    *_, norm = model().training.nodes
    assert (norm.operator, norm.inputs) == ("BatchNormalization", ("v0", "t1", "t1", "t4", "t5"))
    assert {k: norm.attributes[k] for k in ("training", "momentum", "unbiased")} == {
        "training": True,
        "momentum": 0.875,
        "unbiased": True,
    }


@pytest.mark.parametrize("where", ["train", "eval"])
def test_any_other_write_to_a_tensor_of_the_model_is_not_supported(where):
    graph = small_net()
    graph[where]["nodes"].append({**call("add_.Tensor", tensor("t4"), 1.5), "no_grad": True})
    error = refusal(graph)
    assert (error.unsupported, error.found) == (True, "a model that writes to its own tensors is not supported yet")


def test_layer_table_of_the_valid_graph():
    table = layer_table(model())
    assert [layer.kind for layer in table.layers] == ["conv2d", "max_pool", "flatten", "dense"]
    assert table.parameters == 156 + 11_770
    assert table.softmax_count == 1


@pytest.mark.parametrize(
    ("path", "value", "differs"),
    [
        ("eval.nodes.1.op", "aten.tanh.default", True),
        ("eval.nodes.2.args.5", True, True),
        ("tensors.t0.trainable", False, True),
        ("eval.nodes.6.args.1", -1, False),
        ("format", 1, False),
    ],
)
def test_fingerprint_tells_two_graphs_apart(path, value, differs):
    before = model().fingerprint
    after = model(changed(small_net(), path, value)).fingerprint
    assert (before != after) is differs


def test_fingerprint_ignores_names_of_the_student_and_weights():
    other = weights(SHAPES)[:-4] + b"\x01\0\0\0"
    before = model().fingerprint
    assert audit(artifact(small_net(), (other,), {"t0": "layer1.kernel"})).model.fingerprint == before


def test_transposed_convolution_is_told_from_a_convolution():
    settings = [[1, 1], [2, 2], [1, 1], True, [0, 0], 1]
    convolution = ending(1, call("convolution.default", node(0), tensor("t0"), None, *settings))
    assert (convolution.operator, convolution.attributes["output_padding"]) == ("ConvTranspose", (0, 0))


@pytest.mark.parametrize(
    ("arguments", "window"),
    [
        ([[2, 2]], ((2, 2), (2, 2), (0, 0), (1, 1))),
        ([[3, 2], []], ((3, 2), (3, 2), (0, 0), (1, 1))),
        ([[3], [2]], ((3, 3), (2, 2), (0, 0), (1, 1))),
        ([2, 1, 1], ((2, 2), (1, 1), (1, 1), (1, 1))),
        ([[3, 3], [2, 2], [1, 0], [2, 1]], ((3, 3), (2, 2), (1, 0), (2, 1))),
    ],
)
def test_pooling_window_has_the_defaults_of_pytorch(arguments, window):
    settings = ending(2, call("max_pool2d_with_indices.default", node(1), *arguments)).attributes
    kernel, stride, padding, dilation = window
    assert (settings["kernel_shape"], settings["strides"], settings["dilations"]) == (kernel, stride, dilation)
    assert settings["pads"] == tuple((p, p) for p in padding)


@pytest.mark.parametrize(
    ("arguments", "pads", "value"),
    [
        ([[1, 2, 3, 4]], ((0, 0), (0, 0), (3, 4), (1, 2)), 0.0),
        ([[2, 2, 2, 2], 0.0], ((0, 0), (0, 0), (2, 2), (2, 2)), 0.0),
        ([[2, 2, 2, 2], 1.0], ((0, 0), (0, 0), (2, 2), (2, 2)), 1.0),
        ([[2, 2]], ((0, 0), (0, 0), (0, 0), (2, 2)), 0.0),
    ],
)
def test_padding_is_given_from_the_last_axis_on(arguments, pads, value):
    pad = ending(1, call("constant_pad_nd.default", node(0), *arguments))
    assert (pad.operator, pad.attributes["pads"], pad.attributes["value"]) == ("Pad", pads, value)


BATCH_NORM = [node(0), *STATISTICS, False, 0.1, 1e-5]


@pytest.mark.parametrize("count", range(8))
def test_batch_normalization_with_arguments_left_out_is_refused(count):
    refused = call("native_batch_norm.default", *BATCH_NORM[:count])
    assert refusal(changed(small_net(), "eval.nodes.1", refused)).expected == ARGUMENTS


@pytest.mark.parametrize("name", ["training", "momentum", "eps"])
def test_batch_normalization_with_settings_by_keyword_is_the_same(name):
    at = ["training", "momentum", "eps"].index(name) + 5
    settings = dict(zip(["training", "momentum", "eps"][at - 5 :], BATCH_NORM[at:], strict=True))
    by_keyword = call("native_batch_norm.default", *BATCH_NORM[:at], **settings)
    graphs = [
        changed(small_net(), "eval.nodes.1", c) for c in (by_keyword, call("native_batch_norm.default", *BATCH_NORM))
    ]
    assert len({model(graph).fingerprint for graph in graphs}) == 1


@pytest.mark.parametrize(("training", "alone"), [(False, True), (True, False), (0, None), (None, None)])
def test_batch_normalization_says_whether_it_uses_the_batch(training, alone):
    norm = call("native_batch_norm.default", *BATCH_NORM)
    graph = changed(changed(small_net(), "eval.nodes.1", norm), "eval.nodes.1.args.5", training)
    if alone is None:
        assert refusal(graph).expected == ARGUMENTS
    else:
        assert (mixing(model(graph).evaluation) is None) is alone


def test_noise_of_a_random_slope_is_kept_in_no_tensor_of_the_model():
    slope = call("rrelu_with_noise.default", tensor("t1"), tensor("t4"), 0.1, 0.3, True, None)
    error = refusal(changed(small_net(), "train.nodes.1", slope))
    assert (error.unsupported, error.found[:12]) == (True, "random slope")
