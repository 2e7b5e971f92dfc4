"""The audit of exported TensorFlow graphs, on a graph written by hand: no framework is imported."""

import copy
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.artifact.audit import audit
from harness.artifact.reading import MAX_NODES, MAX_REFERENCES
from harness.artifact.tensorflow_operators import KINDS
from harness.artifact.tensorflow_reader import MAX_INLINE
from harness.model.layers import layer_table
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import INPUT, Operation, TensorKind, Window

IMAGE = {"input": 0}
SHAPES = {"t0": [5, 5, 1, 6], "t1": [6], "t2": [1176, 10], "t3": [10], "t4": [10], "t5": [6]}
LABELS = {"t0": "c1/kernel", "t2": "fc/kernel", "n1": "c1", "n4": "pool"}


def node(index: int, output: int = 0) -> dict[str, Any]:
    return {"node": [index, output]}


def tensor(name: str) -> dict[str, Any]:
    return {"tensor": name}


def const(dtype: str, shape: list[int], *items: object) -> dict[str, Any]:
    return {"const": {"dtype": dtype, "shape": shape, "items": list(items)}}


def ints(*items: int) -> dict[str, Any]:
    return const("int32", [len(items)], *items)


def call(op: str, *args: object, **attrs: object) -> dict[str, Any]:
    return {"op": op, "args": list(args), "attrs": attrs}


def read(name: str) -> dict[str, Any]:
    return call("ReadVariableOp", tensor(name), dtype={"type": "float32"})


def small_net() -> dict[str, Any]:
    """Convolution, bias, ReLU, max-pooling, flatten, dense, bias, softmax; training also writes the buffer t5."""
    nodes = [
        read("t0"),
        call("Conv2D", IMAGE, node(0), strides=[1, 1, 1, 1], padding="SAME"),
        read("t1"),
        call("BiasAdd", node(1), node(2)),
        call("MaxPool", node(3), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID"),
        call("Shape", node(4)),
        call("StridedSlice", node(5), ints(0), ints(1), ints(1), shrink_axis_mask=1),
        call("Pack", [node(6), const("int32", [], 1176)]),
        call("Reshape", node(4), node(7)),
        read("t2"),
        call("MatMul", node(8), node(9)),
        read("t3"),
        call("AddV2", node(10), node(11)),
        call("Mul", node(12), tensor("t4")),
        call("Softmax", node(13)),
    ]
    training = [
        *nodes,
        call("Mean", node(3), ints(0, 1, 2)),
        call("AssignVariableOp", tensor("t5"), node(15)),
    ]
    kinds = dict.fromkeys(SHAPES, "parameter") | {"t4": "constant", "t5": "buffer"}
    specs = {
        name: {"kind": kind, "trainable": kind == "parameter", "shape": SHAPES[name], "dtype": "F32"}
        for name, kind in kinds.items()
    }
    return copy.deepcopy(
        {
            "format": 1,
            "framework": "tensorflow",
            "input": [28, 28, 1],
            "tensors": specs,
            "train": {"nodes": training, "output": node(14)},
            "eval": {"nodes": nodes, "output": node(14)},
        }
    )


def weights() -> bytes:
    header, position = {}, 0
    for name, shape in SHAPES.items():
        end = position + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(position)


WEIGHTS = weights()


def artifact(graph: object) -> Artifact:
    text, labels = json.dumps(graph).encode(), json.dumps(LABELS).encode()
    return Artifact(Framework.TENSORFLOW, text, labels, (WEIGHTS,), "Net()")


def refusal(graph: object) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        audit(artifact(graph))
    return caught.value


def changed(path: str, value: object) -> dict[str, Any]:
    """The small net with the value at a path like `eval.nodes.1.args` replaced, or added."""
    graph = small_net()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = graph
    for part in parents:
        place = place[part]
    if isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return graph


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


@pytest.mark.parametrize(
    "operator",
    [
        "PyFunc",
        "EagerPyFunc",
        "ReadFile",
        "WriteFile",
        "If",
        "While",
        "StatefulPartitionedCall",
        "PartitionedCall",
        "VarHandleOp",
        "Placeholder",
        "Const",
        "Print",
        "PrintV2",
        "LoadLibrary",
        "MatMul\n",
        "os.system",
        "",
    ],
)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_operator_off_the_list_is_not_supported_which_is_no_fault_of_the_student(operator, mode):
    error = refusal(changed(f"{mode}.nodes.3.op", operator))
    assert error.unsupported
    assert error.found.startswith(f"operator {ascii(operator)[1:-1]} ")
    assert error.found.endswith("is not supported yet")


def test_the_allow_list_names_each_operator_once():
    names = " ".join(KINDS.values()).split()
    assert len(names) == len(set(names))


REFERENCE = "arguments that name a known tensor, the input or an earlier node"
ARGUMENTS = "operators called with the arguments they take"
PLAIN = "attributes that are numbers, short words or data types"
NUMBERS = "a constant of numbers"
NEST: list[Any] = []
for _ in range(8):
    NEST = [NEST]

CORRUPTIONS = {
    "mode with a key more": ("eval.library", [], "a graph with the keys", "library"),
    "too many nodes": ("eval.nodes", [{}] * (MAX_NODES + 1), "nodes of a graph", "5,001"),
    "node with a key more": ("eval.nodes.3.device", "/gpu:0", "node 3 with the keys", "device"),
    "node without attributes": ("eval.nodes.3", {"op": "Relu", "args": []}, "node 3 with the keys", "args"),
    "operator as list": ("eval.nodes.3.op", NEST, "name of an operator in node 3", "[["),
    "arguments as object": ("eval.nodes.3.args", {}, "arguments to be a list", "a dict"),
    "too many arguments": ("eval.nodes.3.args", [IMAGE] * 17, "arguments to be a list", "17 items"),
    "too long a list": ("eval.nodes.7.args.0", [IMAGE] * 257, "a list of inputs", "257 items"),
    "lists in lists": ("eval.nodes.7.args.0", [[IMAGE]], "an argument to be an object", "a list"),
    "argument as number": ("eval.nodes.3.args.0", 5, "an argument to be an object", "a int"),
    "unknown tensor": ("eval.nodes.0.args.0", tensor("t77"), REFERENCE, "t77"),
    "unhashable tensor": ("eval.nodes.0.args.0", {"tensor": ["t0"]}, REFERENCE, "t0"),
    "foreign kind of reference": ("eval.nodes.3.args.0", {"file": "/etc/passwd"}, REFERENCE, "/etc/passwd"),
    "two references": ("eval.nodes.3.args.0", {"tensor": "t0", "input": 0}, REFERENCE, "input"),
    "second input": ("eval.nodes.3.args.0", {"input": 1}, REFERENCE, "1"),
    "input by bool": ("eval.nodes.3.args.0", {"input": False}, REFERENCE, "False"),
    "reference to itself": ("eval.nodes.3.args.0", node(3), REFERENCE, "3"),
    "forward reference": ("eval.nodes.3.args.0", node(4), REFERENCE, "4"),
    "negative reference": ("eval.nodes.3.args.0", node(-1), REFERENCE, "-1"),
    "reference by bool": ("eval.nodes.3.args.0", {"node": [True, 0]}, REFERENCE, "True"),
    "reference of three": ("eval.nodes.3.args.0", {"node": [1, 0, 0]}, REFERENCE, "1"),
    "result out of range": ("eval.nodes.3.args.0", node(1, 256), REFERENCE, "256"),
    "text constant": ("eval.nodes.3.args.1", const("string", [], "/etc/passwd"), NUMBERS, "string"),
    "resource constant": ("eval.nodes.3.args.1", const("resource", [0]), NUMBERS, "resource"),
    "data type as list": ("eval.nodes.3.args.1", {"const": {"dtype": [], "shape": [], "items": []}}, NUMBERS, "[]"),
    "constant without shape": ("eval.nodes.3.args.1", {"const": {"dtype": "int32", "items": []}}, "shape", "items"),
    "weights in a constant": ("eval.nodes.3.args.1", const("float32", [6], *[0.5] * 6), "a constant to be", "6 items"),
    "many integers": ("eval.nodes.3.args.1", ints(*range(17)), "a constant to be", "17 items"),
    "constant of another size": ("eval.nodes.3.args.1", const("int32", [2, 2], 1, 2), "as large as its shape", "2"),
    "fraction among integers": ("eval.nodes.3.args.1", const("int32", [1], 0.5), NUMBERS, "0.5"),
    "text among integers": ("eval.nodes.3.args.1", const("int32", [1], "inf"), NUMBERS, "inf"),
    "text among floats": ("eval.nodes.3.args.1", const("float32", [1], "1e5"), NUMBERS, "1e5"),
    "list among floats": ("eval.nodes.3.args.1", const("float32", [1], []), NUMBERS, "[]"),
    "huge number": ("eval.nodes.3.args.1", const("int64", [], 1 << 64), NUMBERS, "18446"),
    "attributes as list": ("eval.nodes.3.attrs", [], "attributes to be an object", "a list"),
    "private attribute": ("eval.nodes.3.attrs", {"_gradient_op_type": "x"}, ARGUMENTS, "BiasAdd"),
    "function attribute": ("eval.nodes.3.attrs", {"f": {"func": "body"}}, PLAIN, "body"),
    "resource attribute": ("eval.nodes.0.attrs", {"dtype": {"type": "resource"}}, PLAIN, "resource"),
    "unhashable type": ("eval.nodes.0.attrs", {"dtype": {"type": []}}, PLAIN, "[]"),
    "missing attribute": ("eval.nodes.0.attrs", {"dtype": None}, PLAIN, "None"),
    "path attribute": ("eval.nodes.3.attrs", {"data_format": "/etc/passwd\n"}, PLAIN, "/etc"),
    "long attribute": ("eval.nodes.3.attrs", {"data_format": "N" * 65}, PLAIN, "NNN"),
    "nested attribute": ("eval.nodes.3.attrs", {"data_format": NEST}, PLAIN, "[["),
    "list bomb": ("eval.nodes.3.attrs", {"data_format": [0] * 257}, "an attribute", "257 items"),
    "read of an operation": ("eval.nodes.0.args.0", IMAGE, "a variable as the first input of ReadVariableOp", "none"),
    "write to nothing": ("train.nodes.16.args.0", IMAGE, "a variable as the first input of AssignVariableOp", "none"),
    "variable as constant": ("eval.nodes.13.args.1", tensor("t0"), "variables or constants", "t0"),
    "written constant": ("train.nodes.16.args.0", tensor("t4"), "variables or constants", "t4"),
    "output missing": ("eval.output", None, "one output", "none"),
    "output as constant": ("eval.output", ints(1), "one output", "none"),
    "output beyond the end": ("eval.output", node(15), REFERENCE, "15"),
    "node that nothing needs": ("eval.nodes.15", call("Relu", IMAGE), "the output or a write", "node 15"),
    "convolution without stride": ("eval.nodes.1.attrs", {"padding": "SAME"}, ARGUMENTS, "Conv2D"),
    "stride of zero": ("eval.nodes.1.attrs.strides", [1, 0, 0, 1], ARGUMENTS, "Conv2D"),
    "stride of two": ("eval.nodes.1.attrs.strides", [1, 1], ARGUMENTS, "Conv2D"),
    "stride as number": ("eval.nodes.1.attrs.strides", 1, ARGUMENTS, "Conv2D"),
    "fractional stride": ("eval.nodes.1.attrs.strides", [1, 0.5, 1, 1], ARGUMENTS, "Conv2D"),
    "unknown padding": ("eval.nodes.1.attrs.padding", "LOTS", ARGUMENTS, "Conv2D"),
    "negative padding": (
        "eval.nodes.1.attrs",
        {"strides": [1, 1, 1, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, -1, 0, 0, 0, 0, 0]},
        ARGUMENTS,
        "Conv2D",
    ),
    "pooling without kernel": ("eval.nodes.4.attrs", {"padding": "SAME", "strides": [1] * 4}, ARGUMENTS, "MaxPool"),
    "dense without arguments": ("eval.nodes.10.args", [], ARGUMENTS, "MatMul"),
    "dense of one argument": ("eval.nodes.10.args", [node(8)], ARGUMENTS, "MatMul"),
    "dense of three arguments": ("train.nodes.10.args", [node(8), node(9), node(9)], ARGUMENTS, "MatMul"),
    "list where one tensor belongs": ("train.nodes.8.args.0", [node(4)], ARGUMENTS, "Reshape"),
    "one tensor where a list belongs": ("train.nodes.7.args.0", node(6), ARGUMENTS, "Pack"),
    "empty list": ("train.nodes.7.args.0", [], ARGUMENTS, "Pack"),
    "read without its type": ("train.nodes.0.attrs", {}, ARGUMENTS, "ReadVariableOp"),
    "attribute of another operator": ("train.nodes.14.attrs", {"axis": 1}, ARGUMENTS, "Softmax"),
    "input by its name": (
        "train.nodes.14",
        {"op": "Softmax", "args": [], "attrs": {"logits": 1}},
        ARGUMENTS,
        "Softmax",
    ),
    "seed": ("train.nodes.14", call("RandomUniform", ints(1), dtype={"type": "float32"}, seed=1), ARGUMENTS, "Random"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_corrupted_graph_is_refused_with_the_reason(corruption):
    path, value, expected, found = CORRUPTIONS[corruption]
    error = refusal(changed(path, value))
    assert expected in error.expected
    assert found in error.found
    assert error.found.isprintable()
    assert not error.unsupported


def test_references_are_as_many_as_a_graph_needs():
    graph = small_net()
    sums = [call("AddN", [IMAGE] * 250) for _ in range(MAX_REFERENCES // 250)]
    graph["eval"] = {"nodes": [*sums, call("Relu", IMAGE)], "output": IMAGE}
    assert f"at most {MAX_REFERENCES:,} references" in refusal(graph).expected


def test_scaled_constant_is_no_normalization():
    operations = translated(
        read("t0"),
        call("Rsqrt", node(0)),
        call("Mul", const("float32", [], 0.5), node(1)),
        call("AddV2", node(2), IMAGE),
    )
    assert [operation.kind for operation in operations.values()] == ["identity", "rsqrt", "mul", "add"]


def test_numbers_cannot_be_smuggled_in_one_by_one():
    graph = small_net()
    packs = [call("Pack", [const("float32", [], 0.5)] * 256) for _ in range(MAX_INLINE // 256 + 1)]
    total = [call("AddN", [node(index) for index in range(len(packs))])]
    graph["eval"] = {"nodes": packs + total, "output": node(len(packs))}
    assert f"at most {MAX_INLINE:,} numbers outside the weights" in refusal(graph).expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["node", "tensor", "input", "const", "type", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)
PATHS = [
    f"{mode}.nodes.{index}.{part}"
    for mode in ("train", "eval")
    for index in (0, 1, 4, 7, 10, 13)
    for part in ("op", "args", "args.0", "attrs", "attrs.padding")
]


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from([*PATHS, "eval.output", "train.nodes.16.args.0"]), value=VALUES)
def test_whatever_stands_in_the_graph_it_is_read_or_refused(path, value):
    try:
        audit(artifact(changed(path, value)))
    except ArtifactError as error:
        assert error.found.isprintable()
