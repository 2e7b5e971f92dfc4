"""The audit of TensorFlow graphs: what it refuses, on a graph written by hand and then corrupted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_graph import IMAGE, artifact, call, changed, const, ints, node, refusal, small_net, tensor

from harness.artifact.audit import audit
from harness.artifact.reading import MAX_NODES, MAX_REFERENCES
from harness.artifact.tensorflow.raw import MAX_INLINE
from harness.records.errors import ArtifactError


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
    "huge number": ("eval.nodes.3.args.1", const("int64", [], 1 << 64), "whole numbers of at most 64 bits", "larger"),
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
    "read of an operation": ("eval.nodes.0.args.0", IMAGE, ARGUMENTS, "ReadVariableOp"),
    "write to nothing": ("train.nodes.20.args.0", IMAGE, ARGUMENTS, "AssignVariableOp"),
    "variable as constant": ("eval.nodes.13.args.1", tensor("t0"), ARGUMENTS, "Mul"),
    "written constant": ("train.nodes.20.args.0", const("float32", [], 0.5), ARGUMENTS, "AssignVariableOp"),
    "output missing": ("eval.output", None, "an argument to be an object", "a NoneType"),
    "output as constant": ("eval.output", ints(1), "one output", "a constant"),
    "output beyond the end": ("eval.output", node(15), REFERENCE, "15"),
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
    "empty list": ("train.nodes.7.args.0", [], "at least one input", "none"),
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


def test_node_that_nothing_needs_is_in_no_graph():
    more = changed("eval.nodes.15", call("Relu", IMAGE))
    assert audit(artifact(more)).model.fingerprint == audit(artifact(small_net())).model.fingerprint


def test_references_are_as_many_as_a_graph_needs():
    graph = small_net()
    sums = [call("AddN", [IMAGE] * 250) for _ in range(MAX_REFERENCES // 250)]
    graph["eval"] = {"nodes": [*sums, call("Relu", IMAGE)], "output": IMAGE}
    assert f"at most {MAX_REFERENCES:,} references" in refusal(graph).expected


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
@given(path=st.sampled_from([*PATHS, "eval.output", "train.nodes.20.args.0"]), value=VALUES)
def test_whatever_stands_in_the_graph_it_is_read_or_refused(path, value):
    try:
        audit(artifact(changed(path, value)))
    except ArtifactError as error:
        assert error.found.isprintable()
