"""The audit of exported PyTorch graphs, on a graph written by hand: nothing of PyTorch is imported."""

import copy
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.artifact.audit import MAX_GRAPH, answers_alone, audit
from harness.model.layers import layer_table
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import INPUT, ModelGraph, TensorKind, Window

INPUT_REF = {"input": 0}
SHAPES = {
    "t0": [6, 1, 5, 5],
    "t1": [6],
    "t2": [10, 1176],
    "t3": [10],
    "t4": [6],
}
MEASURED = {
    "n0": (6, 28, 28),
    "n1": (6, 28, 28),
    "n2": (6, 14, 14),
    "n3": (1176,),
    "n4": (1176, 10),
    "n5": (10,),
    "n6": (10,),
}
LABELS = {"t0": "conv.weight", "t1": "conv.bias", "t2": "fc.weight", "t3": "fc.bias"}


def call(op: str, *args: object, **kwargs: object) -> dict[str, Any]:
    return {"op": f"aten.{op}", "args": list(args), "kwargs": kwargs}


def node(index: int, position: int = 0) -> dict[str, Any]:
    return {"node": [index, position]}


def tensor(name: str) -> dict[str, Any]:
    return {"tensor": name}


def small_net() -> dict[str, Any]:
    """Convolution, ReLU, max-pooling, flatten, dense, softmax; training also counts in the buffer t4."""
    nodes = [
        call("convolution.default", INPUT_REF, tensor("t0"), tensor("t1"), [1, 1], [2, 2], [1, 1], False, [0, 0], 1),
        call("relu.default", node(0)),
        call("max_pool2d_with_indices.default", node(1), [2, 2], [2, 2]),
        call("view.default", node(2), [{"batch": [1, 0]}, 1176]),
        call("t.default", tensor("t2")),
        call("addmm.default", tensor("t3"), node(3), node(4)),
        call("_softmax.default", node(5), 1, False),
    ]
    kinds = dict.fromkeys(SHAPES, "parameter") | {"t4": "buffer"}
    tensors = {
        name: {"kind": kinds[name], "trainable": kinds[name] == "parameter", "shape": shape, "dtype": "F32"}
        for name, shape in SHAPES.items()
    }
    training = [*nodes, {**call("add_.Tensor", tensor("t4"), 1.5), "no_grad": True}]
    graph = {
        "format": 1,
        "framework": "torch",
        "input": [1, 28, 28],
        "tensors": tensors,
        "train": {"nodes": training, "output": node(6)},
        "eval": {"nodes": nodes, "output": node(6)},
    }
    return json.loads(json.dumps(graph))


def weights(shapes: dict[str, list[int]]) -> bytes:
    header, position = {}, 0
    for name, shape in shapes.items():
        end = position + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(position)


WEIGHTS = weights(SHAPES)


def artifact(graph: object, blobs: tuple[bytes, ...] = (WEIGHTS, WEIGHTS), labels: object = LABELS) -> Artifact:
    graph_bytes = graph if isinstance(graph, bytes) else json.dumps(graph).encode()
    label_bytes = labels if isinstance(labels, bytes) else json.dumps(labels).encode()
    return Artifact(Framework.TORCH, graph_bytes, label_bytes, blobs, "Net()")


def refusal(*arguments: Any) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        audit(artifact(*arguments))
    return caught.value


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


def changed(graph: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The graph with the value at a path like `eval.nodes.0.args` replaced, or added."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = graph
    for part in parents:
        place = place[part]
    if isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return graph


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


@pytest.mark.parametrize(
    "operator",
    [
        "aten.fft_fft.default",
        "aten._local_scalar_dense.default",
        "aten.convolution",
        "aten.relu.default.out",
        "aten.relu.default\n",
        "aten.set_.source_Storage",
        "aten.__init__.default",
        "ATEN.relu.default",
        "prims.convert_element_type.default",
        "torchvision.nms.default",
        "aten.relu.out",
        "aten.add.out",
        "aten.relu",
        "os.system",
        "",
    ],
)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_operator_off_the_list_is_not_supported_which_is_no_fault_of_the_student(operator, mode):
    error = refusal(changed(small_net(), f"{mode}.nodes.1.op", operator))
    assert error.unsupported
    assert error.found == f"operator {ascii(operator)[1:-1]} is not supported yet"


def test_name_of_an_unsupported_operator_is_cut_and_spelled_in_ascii():
    error = refusal(changed(small_net(), "eval.nodes.1.op", "\x1b[31m" + "é" * 5000))
    assert len(error.found) < 100
    assert error.found.isascii()
    assert error.found.isprintable()


REFERENCE = "arguments that name a known tensor, the input or an earlier node"
ARGUMENTS = "operators called with the arguments they take"
NEST: list[Any] = []
for _ in range(8):
    NEST = [NEST]

CORRUPTIONS = {
    "extra key": ("more", 1, "the graph with the keys", "more"),
    "format": ("format", 2, "graph of format 1", "2"),
    "framework": ("framework", "tensorflow", "torch graph", "tensorflow"),
    "framework as list": ("framework", ["torch"], "torch graph", "torch"),
    "input form": ("input", [3, 32, 32], "known input form", "(3, 32, 32)"),
    "input as bool": ("input", [True, 28, 28], "shape of the input", "True"),
    "input as text": ("input", "28x28", "shape of the input", "a str"),
    "tensors as list": ("tensors", [], "tensors to be an object", "a list"),
    "too many tensors": ("tensors", dict.fromkeys(map(str, range(5001))), "at most 5,000 tensors", "5,001"),
    "tensor as list": ("tensors.t0", [], "tensor t0 to be an object", "a list"),
    "tensor without shape": ("tensors.t0", {"kind": "parameter"}, "tensor t0 with the keys", "kind"),
    "tensor of a foreign name": ("tensors.\x1b[2J", small_net()["tensors"]["t0"], "tensors named t0", r"\x1b[2J"),
    "kind": ("tensors.t0.kind", "secret", "known kind of tensor", "secret"),
    "kind as list": ("tensors.t0.kind", [], "known kind of tensor", "[]"),
    "trainable as number": ("tensors.t0.trainable", 1, "known kind of tensor", "1"),
    "data type": ("tensors.t0.dtype", "F8", "known data type", "F8"),
    "data type as object": ("tensors.t0.dtype", {}, "known data type", "{}"),
    "trainable buffer": ("tensors.t4.trainable", True, "only float32 parameters", "a trainable buffer"),
    "trainable half": ("tensors.t0.dtype", "F16", "only float32 parameters", "a trainable parameter of F16"),
    "shape": ("tensors.t0.shape", [6, 1, 5, -5], "shape of t0", "-5"),
    "shape nested": ("tensors.t0.shape", NEST, "shape of t0", "[["),
    "unknown tensor": ("tensors.t9", small_net()["tensors"]["t0"], "weights that the graph names", "t9"),
    "other shape": ("tensors.t0.shape", [6, 1, 3, 3], "weights that the graph names", "t0"),
    "mode as list": ("eval", [], "a graph to be an object", "a list"),
    "mode with a key more": ("train.code", "print()", "a graph with the keys", "code"),
    "nodes as object": ("eval.nodes", {}, "nodes of a graph", "a dict"),
    "too many nodes": ("eval.nodes", [{}] * 5001, "nodes of a graph", "5,001 items"),
    "node as text": ("eval.nodes.0", "relu", "node 0 to be an object", "a str"),
    "node without kwargs": ("eval.nodes.0", {"op": "x", "args": []}, "op, args and kwargs in node 0", "args"),
    "node with a key more": ("eval.nodes.0.code", "", "op, args and kwargs in node 0", "code"),
    "operator as list": ("eval.nodes.0.op", NEST, "name of an operator in node 0", "[["),
    "no_grad off": ("train.nodes.7.no_grad", False, "no_grad to be true or absent", "False"),
    "arguments as object": ("eval.nodes.1.args", {}, "arguments to be a list", "a dict"),
    "too many arguments": ("eval.nodes.1.args", [0] * 65, "arguments to be a list", "65 items"),
    "keywords as list": ("eval.nodes.1.kwargs", [], "keyword arguments to be an object", "a list"),
    "keyword name": ("eval.nodes.1.kwargs", {"__class__!": 1}, ARGUMENTS, "aten.relu.default"),
    "list bomb": ("eval.nodes.1.args.1", [0] * 4097, "a list argument", "4,097 items"),
    "nesting": ("eval.nodes.1.args.1", NEST, "at most six deep", "deeper"),
    "long text": ("eval.nodes.1.args.1", "x" * 33, "short words", "xxx"),
    "text of another kind": ("eval.nodes.1.args.1", "\ud800", "short words", "ud800"),
    "huge number": ("eval.nodes.1.args.1", 1 << 62, "62 bits", "larger"),
    "huge negative number": ("eval.nodes.1.args.1", -(1 << 70), "62 bits", "larger"),
    "unknown reference": ("eval.nodes.1.args.0", {"tensor": "t77"}, REFERENCE, "t77"),
    "unhashable reference": ("eval.nodes.1.args.0", {"tensor": ["t0"]}, REFERENCE, "t0"),
    "foreign kind of reference": ("eval.nodes.1.args.0", {"file": "/etc/passwd"}, REFERENCE, "/etc/passwd"),
    "two references": ("eval.nodes.1.args.0", {"tensor": "t0", "input": 0}, REFERENCE, "input"),
    "no reference": ("eval.nodes.1.args.0", {}, REFERENCE, "{}"),
    "second input": ("eval.nodes.1.args.0", {"input": 1}, REFERENCE, "1"),
    "reference to itself": ("eval.nodes.1.args.0", node(1), REFERENCE, "1"),
    "forward reference": ("eval.nodes.1.args.0", node(2), REFERENCE, "2"),
    "negative reference": ("eval.nodes.1.args.0", node(-1), REFERENCE, "-1"),
    "input by bool": ("eval.nodes.1.args.0", {"input": False}, REFERENCE, "False"),
    "batch size beyond reason": ("eval.nodes.3.args.1", [{"batch": [1, 1 << 31]}], REFERENCE, "batch"),
    "batch size of three": ("eval.nodes.3.args.1", [{"batch": [1, 0, 0]}], REFERENCE, "batch"),
    "reference by bool": ("eval.nodes.1.args.0", {"node": [False, 0]}, REFERENCE, "False"),
    "negative result": ("eval.nodes.1.args.0", node(0, -1), REFERENCE, "-1"),
    "data type of another language": ("eval.nodes.1.kwargs", {"dtype": {"dtype": "os.system"}}, REFERENCE, "os.system"),
    "float by name": ("eval.nodes.1.args.1", {"float": "1e5"}, REFERENCE, "1e5"),
    "output missing": ("eval.output", None, "one output", "None"),
    "output as list": ("eval.output", [node(6)], "one output", "node"),
    "output as number": ("train.output", {"float": "nan"}, "one output", "nan"),
    "output as batch size": ("train.output", {"batch": [1, 0]}, "one output", "batch"),
    "output beyond the end": ("train.output", node(8), REFERENCE, "8"),
    "convolution of one argument": ("eval.nodes.0.args", [INPUT_REF], ARGUMENTS, "aten.convolution.default"),
    "pooling without kernel": ("eval.nodes.2.args", [node(1)], ARGUMENTS, "aten.max_pool2d_with_indices.default"),
    "pooling with an empty kernel": ("eval.nodes.2.args.1", [], ARGUMENTS, "max_pool2d"),
    "pooling with three strides": ("eval.nodes.2.args.2", [2, 2, 2], ARGUMENTS, "max_pool2d"),
    "pooling of batch size": ("eval.nodes.2.args.1", {"batch": [1, 0]}, ARGUMENTS, "max_pool2d"),
    "dense without arguments": ("eval.nodes.5.args", [], ARGUMENTS, "aten.addmm.default"),
    "stride as text": ("eval.nodes.0.args.3", "ab", ARGUMENTS, "convolution"),
    "stride of zero": ("eval.nodes.0.args.3", [1, 0], ARGUMENTS, "convolution"),
    "negative stride": ("eval.nodes.0.args.3", [-1, 1], ARGUMENTS, "convolution"),
    "fractional stride": ("eval.nodes.0.args.3", [1.5, 1], ARGUMENTS, "convolution"),
    "stride as bool": ("eval.nodes.0.args.3", [True, True], ARGUMENTS, "convolution"),
    "stride as number": ("eval.nodes.0.args.3", 1, ARGUMENTS, "convolution"),
    "stride of batch size": ("eval.nodes.0.args.3", [{"batch": [1, 0]}, 1], ARGUMENTS, "convolution"),
    "negative padding": ("eval.nodes.0.args.4", [-2, -2], ARGUMENTS, "convolution"),
    "dilation of zero": ("eval.nodes.0.args.5", [0, 0], ARGUMENTS, "convolution"),
    "transposed as number": ("eval.nodes.0.args.6", 1, ARGUMENTS, "convolution"),
    "no arguments in place": ("train.nodes.7.args", [], ARGUMENTS, "aten.add_.Tensor"),
    "number in the place of what is written": ("train.nodes.7.args.0", 1.5, ARGUMENTS, "aten.add_.Tensor"),
    "argument by keyword": ("eval.nodes.1", call("relu.default", self=INPUT_REF), ARGUMENTS, "aten.relu.default"),
    "one argument more": ("eval.nodes.1.args", [node(0), node(0)], ARGUMENTS, "aten.relu.default"),
    "division without its mode": ("eval.nodes.1", call("div.Tensor_mode", node(0), 2), ARGUMENTS, "Tensor_mode"),
    "bias as number": ("eval.nodes.0.args.2", 1.5, ARGUMENTS, "convolution"),
    "stride from a tensor": ("eval.nodes.0.args.3", [tensor("t4"), 1], ARGUMENTS, "convolution"),
    "weights as list": ("eval.nodes.5.args.2", [node(4)], ARGUMENTS, "addmm"),
    "no groups": ("eval.nodes.0.args.8", 0, ARGUMENTS, "convolution"),
    "groups as list": ("eval.nodes.0.args.8", [1], ARGUMENTS, "convolution"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_corrupted_graph_is_refused_with_the_reason(corruption):
    path, value, expected, found = CORRUPTIONS[corruption]
    error = refusal(changed(small_net(), path, value))
    assert expected in error.expected
    assert found in error.found
    assert error.found.isprintable()
    assert not error.unsupported


TEXT = json.dumps(small_net())


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (b"", "not JSON"),
        (TEXT[:-1].encode(), "not JSON"),
        (TEXT.replace("1.5", "NaN").encode(), "not JSON"),
        (TEXT.replace("1.5", "-Infinity").encode(), "not JSON"),
        (TEXT.replace("1.5", "9" * 5000).encode(), "not JSON"),
        (b"\xff" + TEXT.encode(), "not JSON"),
        (TEXT.replace("1.5", "1e999").encode(), "not JSON"),
        (TEXT.replace('"format"', '"format": 1, "format"').encode(), "a name given twice"),
        (b"[" * 200_000, "nested 200,000 deep"),
        (b'{"a":' * 17 + b"0" + b"}" * 17, "nested 17 deep"),
        (b'{"a":["]}]}"' + b",[]" * 150_000 + b"]}", "300,003 brackets, commas and colons, nested 3 deep"),
        (b"[]", "a list"),
        (b" " * (MAX_GRAPH + 1), f"{MAX_GRAPH + 1:,} bytes"),
    ],
)
def test_graph_that_is_no_plain_json_object_is_refused(graph, reason):
    assert reason in refusal(graph).found


@pytest.mark.parametrize("depth", range(850, 1000, 7))
def test_nesting_near_the_limit_of_the_interpreter_is_refused(depth):
    bomb = "[" * depth + "]" * depth
    for path in ("tensors.t0.shape", "eval.nodes.0.op", "eval.nodes.1.args.0", "framework"):
        text = json.dumps(changed(small_net(), path, "BOMB")).replace('"BOMB"', bomb)
        assert refusal(text.encode()).found


@pytest.mark.parametrize(
    ("labels", "reason"),
    [(b"{", "not JSON"), (b"[]", "a list"), (b'"' + b"x" * (1 << 19) + b'"', "524,290 bytes")],
)
def test_improper_labels_are_refused(labels, reason):
    assert reason in refusal(small_net(), (WEIGHTS,), labels).found


def test_labels_are_cut_and_made_printable():
    labels = {"t0": "\x1b[31m\u202eé" + "x" * 500, "t1": ["list"], "t2": None}
    model = audit(artifact(small_net(), (WEIGHTS,), labels))
    assert model.tensors[0].label == "?[31m??" + "x" * 73
    assert [t.label for t in model.tensors[1:]] == [""] * 4


@pytest.mark.parametrize(
    ("blobs", "reason"),
    [
        ((weights({**SHAPES, "t0": [6, 1, 3, 3]}),), "t0"),
        ((weights({name: SHAPES[name] for name in ("t0", "t1", "t2", "t3")}),), "t4"),
        ((weights({**SHAPES, "t5": [1]}),), "t5"),
        ((WEIGHTS, weights({**SHAPES, "t3": [9]})), "t3"),
        ((WEIGHTS, WEIGHTS[:-1]), "beyond the end"),
        ((WEIGHTS, b""), "0 bytes"),
    ],
)
def test_weights_of_any_seed_that_are_not_the_graphs_are_refused(blobs, reason):
    assert reason in refusal(small_net(), blobs).found


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


VALUES = st.sampled_from(
    [
        None, True, False, -1, 0, 1, 2, 1 << 40, 1.5, 1e308, "", "t0", "same", [], [0, 0], [2], [1, 2, 3], [[1], [1]],
        {}, INPUT_REF, {"input": 0.0}, tensor("t0"), tensor("t2"), tensor("t4"), node(0), node(3), node(6), node(0, 1),
        {"batch": [1, 0]}, {"batch": [0, 3]}, {"float": "nan"}, {"dtype": "float32"}, [node(0), node(1)],
        [tensor("t0")], {"node": "0"}, {"tensor": 0}, "parameter", "buffer", "constant", "unregistered", "F16", "I64",
    ]
)  # fmt: skip
OPERATORS = st.sampled_from(
    [
        "aten.convolution.default", "aten.addmm.default", "aten.mm.default", "aten.bmm.default", "aten.add.Tensor",
        "aten.max_pool2d_with_indices.default", "aten.avg_pool2d.default", "aten._adaptive_avg_pool2d.default",
        "aten.constant_pad_nd.default", "aten.native_batch_norm.default", "aten.view.default", "aten.clone.default",
        "aten.log.default", "aten._log_softmax.default", "aten.cat.default", "aten.mean.dim", "aten.randn.default",
        "aten.embedding.default", "aten.mul_.Tensor", "aten.split.Tensor",
    ]
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *places(item, (*path, key))]]


PLACES = places(small_net())
NODES = [place for place in PLACES if place[0] == "eval" and "nodes" in place]
MADE_UP = st.lists(st.integers(0, 30), max_size=5).map(tuple)


def mutate(graph: dict[str, Any], place: tuple[Any, ...], value: object, how: str) -> None:
    """Replace, drop or repeat what is at a place, if an earlier mutation left it there."""
    try:
        parent: Any = graph
        for key in place[:-1]:
            parent = parent[key]
        if how == "drop":
            del parent[place[-1]]
        elif how == "repeat":
            parent.insert(place[-1], copy.deepcopy(parent[place[-1]]))
        else:
            parent[place[-1]] = copy.deepcopy(value)
    except (LookupError, TypeError, AttributeError):
        return


def audited(graph: object) -> ModelGraph | None:
    try:
        return audit(artifact(graph))
    except ArtifactError as error:
        assert error.found
        assert len(str(error)) < 600
        return None


MUTATIONS = st.tuples(
    st.sampled_from(PLACES) | st.sampled_from(NODES),
    VALUES | OPERATORS,
    st.sampled_from(["replace", "replace", "drop", "repeat"]),
)


@given(st.lists(MUTATIONS, min_size=1, max_size=3), st.data())
@settings(deadline=None, max_examples=200)
def test_mutated_graph_is_refused_or_gives_a_layer_table(mutations, data):
    graph = small_net()
    for place, value, how in mutations:
        mutate(graph, place, value, how)
    model = audited(graph)
    if model is not None:
        names = [operation.name for operation in model.operations]
        shapes = data.draw(st.dictionaries(st.sampled_from(names), MADE_UP, max_size=3)) if names else {}
        table = layer_table(model.with_shapes(MEASURED | shapes))
        assert table.parameters + table.constants <= sum(t.size for t in model.tensors)


@given(st.lists(st.tuples(OPERATORS, st.lists(VALUES, max_size=9)), max_size=6), st.data())
@settings(deadline=None, max_examples=200)
def test_arbitrary_calls_are_refused_or_give_a_layer_table(calls, data):
    graph = small_net()
    graph["eval"]["nodes"] += [{"op": op, "args": args, "kwargs": {}} for op, args in calls]
    graph["eval"]["output"] = node(6 + len(calls))
    model = audited(graph)
    if model is not None:
        shapes = data.draw(st.fixed_dictionaries({f"n{7 + i}": MADE_UP for i in range(len(calls))}))
        layer_table(model.with_shapes(MEASURED | shapes))


@given(st.text(alphabet='{}[],:"0123456789eE+-.tnaInfy\\ ', max_size=60), st.integers(0, len(TEXT) - 1))
@settings(deadline=None, max_examples=100)
def test_text_inserted_anywhere_raises_nothing_but_the_refusal(text, place):
    audited((TEXT[:place] + text + TEXT[place:]).encode())
