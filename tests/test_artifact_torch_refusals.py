"""The audit of PyTorch graphs: what it refuses, on a graph written by hand and then corrupted."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_graph import (
    ARGUMENTS,
    INPUT_REF,
    SHAPES,
    WEIGHTS,
    artifact,
    call,
    changed,
    node,
    refusal,
    small_net,
    tensor,
    weights,
)

from harness.artifact.audit import MAX_GRAPH, audit
from harness.language.graph import ModelGraph
from harness.language.text import model_text, read_model
from harness.model.table import layer_table
from harness.records.errors import ArtifactError


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
    "no_grad off": ("train.nodes.7.no_grad", False, "op, args and kwargs in node 7", "no_grad"),
    "arguments as object": ("eval.nodes.1.args", {}, "arguments to be a list", "a dict"),
    "too many arguments": ("eval.nodes.1.args", [0] * 65, "arguments to be a list", "65 items"),
    "keywords as list": ("eval.nodes.1.kwargs", [], "keyword arguments to be an object", "a list"),
    "keyword name": ("eval.nodes.1.kwargs", {"__class__!": 1}, ARGUMENTS, "aten.relu.default"),
    "list bomb": ("eval.nodes.1.args.1", [0] * 4097, ARGUMENTS, "aten.relu.default"),
    "nesting": ("eval.nodes.1.args.1", NEST, ARGUMENTS, "aten.relu.default"),
    "long text": ("eval.nodes.1.args.1", "x" * 33, ARGUMENTS, "aten.relu.default"),
    "text of another kind": ("eval.nodes.1.args.1", "\ud800", ARGUMENTS, "aten.relu.default"),
    "huge number": ("eval.nodes.1.args.1", 1 << 62, ARGUMENTS, "aten.relu.default"),
    "huge negative number": ("eval.nodes.1.args.1", -(1 << 70), ARGUMENTS, "aten.relu.default"),
    "unknown reference": ("eval.nodes.1.args.0", {"tensor": "t77"}, REFERENCE, "t77"),
    "unhashable reference": ("eval.nodes.1.args.0", {"tensor": ["t0"]}, REFERENCE, "t0"),
    "foreign kind of reference": ("eval.nodes.1.args.0", {"file": "/etc/passwd"}, ARGUMENTS, "aten.relu.default"),
    "two references": ("eval.nodes.1.args.0", {"tensor": "t0", "input": 0}, ARGUMENTS, "aten.relu.default"),
    "no reference": ("eval.nodes.1.args.0", {}, ARGUMENTS, "aten.relu.default"),
    "second input": ("eval.nodes.1.args.0", {"input": 1}, REFERENCE, "1"),
    "reference to itself": ("eval.nodes.1.args.0", node(1), REFERENCE, "1"),
    "forward reference": ("eval.nodes.1.args.0", node(2), REFERENCE, "2"),
    "negative reference": ("eval.nodes.1.args.0", node(-1), REFERENCE, "-1"),
    "input by bool": ("eval.nodes.1.args.0", {"input": False}, REFERENCE, "False"),
    "batch size beyond reason": (
        "eval.nodes.3.args.1",
        [{"batch": [1, 1 << 31]}],
        "a shape of as many numbers",
        "N+2147483648",
    ),
    "batch size of three": ("eval.nodes.3.args.1", [{"batch": [1, 0, 0]}], ARGUMENTS, "aten.view.default"),
    "reference by bool": ("eval.nodes.1.args.0", {"node": [False, 0]}, REFERENCE, "False"),
    "negative result": ("eval.nodes.1.args.0", node(0, -1), "one of 1 results of aten.convolution.default", "-1"),
    "data type of another language": (
        "eval.nodes.1.kwargs",
        {"dtype": {"dtype": "os.system"}},
        ARGUMENTS,
        "aten.relu.default",
    ),
    "float by name": ("eval.nodes.1.args.1", {"float": "1e5"}, ARGUMENTS, "aten.relu.default"),
    "output missing": ("eval.output", None, "one output", "None"),
    "output as list": ("eval.output", [node(6)], "one output", "node"),
    "output as number": ("train.output", {"float": "nan"}, "one output", "nan"),
    "output as batch size": ("train.output", {"batch": [1, 0]}, "one output", "batch"),
    "output beyond the end": ("train.output", node(8), REFERENCE, "8"),
    "convolution of one argument": ("eval.nodes.0.args", [INPUT_REF], ARGUMENTS, "aten.convolution.default"),
    "pooling without kernel": ("eval.nodes.2.args", [node(1)], ARGUMENTS, "aten.max_pool2d_with_indices.default"),
    "pooling with an empty kernel": ("eval.nodes.2.args.1", [], "a window of 2 axes", "0"),
    "pooling with three strides": ("eval.nodes.2.args.2", [2, 2, 2], "a window of 2 axes", "3"),
    "pooling of batch size": ("eval.nodes.2.args.1", {"batch": [1, 0]}, ARGUMENTS, "max_pool2d"),
    "dense without arguments": ("eval.nodes.5.args", [], ARGUMENTS, "aten.addmm.default"),
    "stride as text": ("eval.nodes.0.args.3", "ab", ARGUMENTS, "convolution"),
    "stride of zero": ("eval.nodes.0.args.3", [1, 0], "a whole number from 1", "0"),
    "negative stride": ("eval.nodes.0.args.3", [-1, 1], "a whole number from 1", "-1"),
    "fractional stride": ("eval.nodes.0.args.3", [1.5, 1], ARGUMENTS, "convolution"),
    "stride as bool": ("eval.nodes.0.args.3", [True, True], ARGUMENTS, "convolution"),
    "stride as number": ("eval.nodes.0.args.3", 1, ARGUMENTS, "convolution"),
    "negative padding": ("eval.nodes.0.args.4", [-2, -2], "a whole number from 0", "-2"),
    "dilation of zero": ("eval.nodes.0.args.5", [0, 0], "a whole number from 1", "0"),
    "transposed as number": ("eval.nodes.0.args.6", 1, ARGUMENTS, "convolution"),
    "no arguments in place": ("eval.nodes.1", call("relu_.default"), ARGUMENTS, "aten.relu_.default"),
    "number in the place of what is written": (
        "eval.nodes.1",
        call("add_.Tensor", 1.5, 1),
        ARGUMENTS,
        "aten.add_.Tensor",
    ),
    "argument given twice": (
        "eval.nodes.1",
        call("relu.default", node(0), self=INPUT_REF),
        ARGUMENTS,
        "aten.relu.default",
    ),
    "one argument more": ("eval.nodes.1.args", [node(0), node(0)], ARGUMENTS, "aten.relu.default"),
    "number where a word belongs": (
        "eval.nodes.1",
        call("gelu.default", node(0), approximate=2),
        ARGUMENTS,
        "aten.gelu.default",
    ),
    "bias as number": ("eval.nodes.0.args.2", 1.5, ARGUMENTS, "convolution"),
    "stride from a tensor": ("eval.nodes.0.args.3", [tensor("t4"), 1], ARGUMENTS, "convolution"),
    "weights as list": ("eval.nodes.5.args.2", [node(4)], ARGUMENTS, "addmm"),
    "no groups": ("eval.nodes.0.args.8", 0, "a whole number from 1", "0"),
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
        (TEXT.replace("0.125", "NaN").encode(), "not JSON"),
        (TEXT.replace("0.125", "-Infinity").encode(), "not JSON"),
        (TEXT.replace("0.125", "9" * 5000).encode(), "not JSON"),
        (b"\xff" + TEXT.encode(), "not JSON"),
        (TEXT.replace("0.125", "1e999").encode(), "not JSON"),
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
    model = audit(artifact(small_net(), (WEIGHTS,), labels)).model
    assert model.tensors[0].label == "?[31m??" + "x" * 73
    assert [t.label for t in model.tensors[1:]] == [""] * 5


@pytest.mark.parametrize(
    ("blobs", "reason"),
    [
        ((weights({**SHAPES, "t0": [6, 1, 3, 3]}),), "t0"),
        ((weights({name: SHAPES[name] for name in ("t0", "t1", "t2", "t3")}),), "t4"),
        ((weights({**SHAPES, "t6": [1]}),), "t6"),
        ((WEIGHTS, weights({**SHAPES, "t3": [9]})), "t3"),
        ((WEIGHTS, WEIGHTS[:-1]), "beyond the end"),
        ((WEIGHTS, b""), "0 bytes"),
    ],
)
def test_weights_of_any_seed_that_are_not_the_graphs_are_refused(blobs, reason):
    assert reason in refusal(small_net(), blobs).found


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
    """The model of a graph, which is read again as it is written; None for a graph that is refused in words."""
    try:
        model = audit(artifact(graph)).model
    except ArtifactError as error:
        assert error.found
        assert len(str(error)) < 600
        return None
    assert read_model(model_text(model)).fingerprint == model.fingerprint
    return model


def in_a_table(model: ModelGraph) -> int:
    """The numbers in the layer table of a model; 0 for a model whose table is refused in words."""
    try:
        table = layer_table(model, max_hidden_numbers=1 << 20)
    except ArtifactError as error:
        assert error.found
        return 0
    return table.parameters + table.constants


MUTATIONS = st.tuples(
    st.sampled_from(PLACES) | st.sampled_from(NODES),
    VALUES | OPERATORS,
    st.sampled_from(["replace", "replace", "drop", "repeat"]),
)


@given(st.lists(MUTATIONS, min_size=1, max_size=3))
@settings(deadline=None, max_examples=200)
def test_mutated_graph_is_refused_or_gives_a_layer_table(mutations):
    graph = small_net()
    for place, value, how in mutations:
        mutate(graph, place, value, how)
    model = audited(graph)
    if model is not None:
        assert in_a_table(model) <= sum(t.size for t in model.tensors)


@given(st.lists(st.tuples(OPERATORS, st.lists(VALUES, max_size=9)), max_size=6))
@settings(deadline=None, max_examples=200)
def test_arbitrary_calls_are_refused_or_give_a_layer_table(calls):
    graph = small_net()
    graph["eval"]["nodes"] += [{"op": op, "args": args, "kwargs": {}} for op, args in calls]
    graph["eval"]["output"] = node(6 + len(calls))
    model = audited(graph)
    if model is not None:
        in_a_table(model)


@pytest.mark.parametrize("operator", ["_reshape_alias", "as_strided"])
def test_view_beyond_the_end_of_a_tensor_is_not_in_the_language(operator):
    beyond = call(f"{operator}.default", tensor("t4"), [200_000], [1])
    assert refusal(changed(small_net(), "eval.nodes.1", beyond)).unsupported


@pytest.mark.parametrize("where", ["train.nodes.7.args", "eval.nodes.1.args"])
@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_normalization_has_one_number_for_each_channel(where, position):
    """PyTorch itself reads and writes beyond the end of a tensor of fewer."""
    graph = small_net()
    graph["tensors"] |= {"t6": {**graph["tensors"]["t4"], "shape": [1]}}
    graph["eval"]["nodes"][1] = {**graph["train"]["nodes"][7]}
    graph["eval"]["nodes"][1]["args"] = [*graph["train"]["nodes"][7]["args"][:5], False, 0.1, 1e-5]
    changed(graph, f"{where}.{position}", tensor("t6"))
    error = refusal(graph, (weights({**SHAPES, "t6": [1]}),))
    assert (error.expected, error.unsupported) == ("one number for each channel", False)


@given(st.text(alphabet='{}[],:"0123456789eE+-.tnaInfy\\ ', max_size=60), st.integers(0, len(TEXT) - 1))
@settings(deadline=None, max_examples=100)
def test_text_inserted_anywhere_raises_nothing_but_the_refusal(text, place):
    audited((TEXT[:place] + text + TEXT[place:]).encode())
