"""Raw TensorFlow operators in the language: products, windows, images, what moves numbers. NumPy is the oracle."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_graph import IMAGE, call, const, ints, node, read, tensor
from tensorflow_nodes import (
    SHAPE,
    computed,
    constant,
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

from harness.artifact.tensorflow.rules import RULES
from harness.language.sizes import N

ONES = [1, 1, 1, 1]


def test_a_bias_becomes_part_of_its_layer():
    found = translated(convolution("t0", "t1"), held("t0", 3, 3, 1, 4), held("t1", 4))
    assert operators(found) == ["Conv"]
    assert only(found, "Conv").inputs[2] == "t1"
    assert found.origins[only(found, "Conv").name] == 1


def test_a_layer_that_is_read_twice_keeps_its_bias_apart():
    nodes = [*convolution("t0", "t1"), call("AddV2", node(3), node(1))]
    assert operators(translated(nodes, held("t0", 3, 3, 1, 4), held("t1", 4))) == ["Conv", "Reshape", "Add", "Add"]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [
        (28, 3, 1, (1, 1)),
        (28, 3, 2, (0, 1)),
        (28, 5, 3, (2, 2)),
        (28, 4, 3, (1, 2)),
        (28, 2, 2, (0, 0)),
        (28, 1, 5, (0, 0)),
    ],
)
def test_same_padding_has_its_larger_half_at_the_end(size, kernel, stride, pads):
    pooled = call("MaxPool", IMAGE, ksize=[1, kernel, kernel, 1], strides=[1, stride, stride, 1], padding="SAME")
    found = translated([pooled])
    assert only(found, "MaxPool").attributes["pads"] == (pads, pads)
    assert found.graph.values[found.graph.output].shape == (N, -(-size // stride), -(-size // stride), 1)


def test_explicit_pads_are_those_of_the_image():
    settings = {"strides": ONES, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 3, 0, 0, 0]}
    nodes = [read("t0"), call("Conv2D", IMAGE, node(0), **settings)]
    assert only(translated(nodes, held("t0", 3, 3, 1, 4)), "Conv").attributes["pads"] == ((1, 2), (3, 0))
    settings["explicit_paddings"] = [1, 0, 1, 2, 3, 0, 0, 0]
    refused([read("t0"), call("Conv2D", IMAGE, node(0), **settings)], held("t0", 3, 3, 1, 4))


def test_channels_of_groups_and_of_depthwise_filters():
    grouped = [*convolution("t0"), read("t1"), call("Conv2D", node(1), node(2), strides=ONES, padding="VALID")]
    found = translated(grouped, held("t0", 3, 3, 1, 4), held("t1", 3, 3, 2, 8))
    assert [each.attributes["group"] for each in found.graph.nodes if each.operator == "Conv"] == [1, 2]
    deep = [
        *convolution("t0"),
        read("t1"),
        call("DepthwiseConv2dNative", node(1), node(2), strides=ONES, padding="VALID"),
    ]
    found = translated(deep, held("t0", 3, 3, 1, 4), held("t1", 3, 3, 4, 2))
    assert [each.attributes["group"] for each in found.graph.nodes if each.operator == "Conv"] == [1, 4]
    assert found.graph.values[found.graph.output].shape == (N, 24, 24, 8)


def dilated(pads, crops, block=(2, 2), **conv):
    attributes = {"strides": ONES, "padding": "VALID"} | conv
    return [
        read("t0"),
        call("SpaceToBatchND", IMAGE, ints(*block), const("int32", [2, 2], *pads)),
        call("Conv2D", node(1), node(0), **attributes),
        call("BatchToSpaceND", node(2), ints(*block), const("int32", [2, 2], *crops)),
    ]


def test_a_convolution_of_images_that_are_apart_is_one_with_dilations():
    found = only(translated(dilated([2, 3, 2, 2], [0, 1, 0, 0]), held("t0", 3, 3, 1, 4)), "Conv")
    assert (found.attributes["dilations"], found.attributes["pads"]) == ((2, 2), ((2, 2), (2, 2)))


@pytest.mark.parametrize(
    "nodes",
    [
        dilated([0, 0, 0, 0], [0, 1, 0, 0]),
        dilated([0, 0, 0, 0], [0, 0, 0, 0], strides=[1, 2, 2, 1]),
        dilated([0, 0, 0, 0], [0, 0, 0, 0], padding="SAME"),
        dilated([0, 0, 0, 0], [0, 0, 0, 0])[:2],
        [*dilated([0, 0, 0, 0], [0, 0, 0, 0])[:3], call("Relu", node(2))],
        [*dilated([0, 0, 0, 0], [0, 0, 0, 0])[:3], call("Shape", node(2)), call("Reshape", IMAGE, node(3))],
    ],
)
def test_images_that_are_apart_are_nothing_else(nodes):
    refused(nodes, held("t0", 3, 3, 1, 4))


def transposed(size, padding, strides=(1, 2, 2, 1)):
    sized = [call("Shape", IMAGE), call("StridedSlice", node(0), ints(0), ints(1), ints(1), shrink_axis_mask=1)]
    sizes = call("Pack", [node(1), whole(size), whole(size), whole(4)])
    back = call("Conv2DBackpropInput", node(2), node(3), IMAGE, strides=list(strides), padding=padding)
    return [*sized, sizes, read("t0"), back]


@pytest.mark.parametrize(
    ("size", "padding", "pads", "more"),
    [(57, "VALID", (0, 0), 0), (58, "VALID", (0, 0), 1), (56, "SAME", (0, 1), 0), (55, "SAME", (1, 1), 0)],
)
def test_a_transposed_convolution_gives_the_size_that_was_asked_for(size, padding, pads, more):
    found = translated(transposed(size, padding), held("t0", 3, 3, 4, 1))
    layer = only(found, "ConvTranspose")
    assert (layer.attributes["pads"][0], layer.attributes["output_padding"][0]) == (pads, more)
    assert found.graph.values[found.graph.output].shape == (N, size, size, 4)


@pytest.mark.parametrize(("size", "padding"), [(59, "VALID"), (56, "VALID"), (57, "SAME"), (54, "SAME")])
def test_a_transposed_convolution_to_another_size_is_refused(size, padding):
    refused(transposed(size, padding), held("t0", 3, 3, 4, 1))


@pytest.mark.parametrize(
    "equation", ["nijc,nkjc->nik", "nijc,nkjc->nkij", "nijc,nkjd->ncidk", "nijc,abcd->nijabd", "nijc,nijd->nicd"]
)
def test_einsum_of_two_is_a_product(equation):
    fixed = "abcd" in equation
    nodes = [read("t0"), call("Einsum", [IMAGE, node(0) if fixed else IMAGE], equation=equation)]
    weights = np.random.default_rng(1).random((2, 3, 1, 4))
    found = translated(nodes, held("t0", 2, 3, 1, 4))
    second = weights if fixed else pictures()
    np.testing.assert_allclose(computed(found, t0=weights), np.einsum(equation, pictures(), second), rtol=1e-12)


@pytest.mark.parametrize(
    "equation",
    [
        "nijc,nkjc",
        "nijc->nij",
        "nijj,nkjc->nik",
        "nijc,nkjc->nk",
        "n...,n...->n",
        "nijc,nkjc->nikz",
        "",
        "->",
        "a,b->ab",
    ],
)
def test_other_equations_are_refused(equation):
    refused([call("Einsum", [IMAGE, IMAGE], equation=equation)])


def test_a_product_with_a_transposed_matrix_needs_no_transpose():
    nodes = [call("Reshape", IMAGE, ints(-1, 784)), read("t0"), call("MatMul", node(0), node(1), transpose_b=True)]
    found = translated(nodes, held("t0", 10, 784))
    assert [each.operator for each in found.graph.nodes] == ["Reshape", "Gemm"]
    assert only(found, "Gemm").attributes["transB"] is True


index_part = st.one_of(
    st.tuples(st.just("slice"), st.integers(-40, 40), st.integers(-40, 40), st.sampled_from([1, 2, 3, -1, -2, -5])),
    st.tuples(st.just("from"), st.integers(-28, 27), st.just(0), st.sampled_from([1, 2, -1, -3])),
    st.tuples(st.just("to"), st.just(0), st.integers(-28, 28), st.sampled_from([1, 2, -1])),
    st.tuples(st.just("at"), st.integers(-28, 27), st.just(0), st.just(1)),
    st.tuples(st.just("new"), st.just(0), st.just(0), st.just(1)),
)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(parts=st.lists(index_part, max_size=4), dots=st.integers(0, 4))
def test_strided_slices_are_numpys_indices(parts, dots):
    """On one image's rows and columns; the ellipsis stands at any place."""
    images = pictures()[..., 0]
    taking = [part for part in parts if part[0] != "new"]
    if len(taking) > 2:
        return
    parts = [("all", 0, 0, 1), *parts]
    dots = min(dots + 1, len(parts))
    parts.insert(dots, ("dots", 0, 0, 1))
    index = tuple(numpy_index(*part) for part in parts)
    expected = images[index]
    masks = {
        "begin_mask": mask(parts, "all", "to"), "end_mask": mask(parts, "all", "from"), "ellipsis_mask": mask(parts, "dots"),
        "new_axis_mask": mask(parts, "new"), "shrink_axis_mask": mask(parts, "at"),
    }  # fmt: skip
    flat = call("Squeeze", IMAGE, axis=[3])
    sliced = call("StridedSlice", node(0), *(ints(*(part[k] for part in parts)) for k in (1, 2, 3)), **masks)
    if 0 in expected.shape:
        assert refused([flat, sliced]).unsupported
    else:
        np.testing.assert_array_equal(computed(translated([flat, sliced])), expected)


def numpy_index(kind, begin, end, step):
    choices = {"all": slice(None), "from": slice(begin, None, step), "to": slice(None, end, step), "at": begin}
    return {**choices, "slice": slice(begin, end, step), "new": None, "dots": Ellipsis}[kind]


def mask(parts, *kinds):
    return sum(1 << k for k, part in enumerate(parts) if part[0] in kinds)


@pytest.mark.parametrize(
    ("begin", "end", "is_known"),
    [([0], [1], True), ([1], [0], False), ([0], [2], False), ([-1], [0], False)],
)
def test_of_the_batch_only_what_every_batch_has_is_taken(begin, end, is_known):
    taken = [call("StridedSlice", IMAGE, ints(*begin), ints(*end), ints(1))]
    assert translated(taken) if is_known else refused(taken)
    last = call("StridedSlice", IMAGE, ints(-1), ints(0), ints(1), end_mask=1)
    np.testing.assert_array_equal(computed(translated([last])), pictures()[-1:])


MOVES = {
    "Transpose": ([call("Transpose", IMAGE, ints(0, 3, 2, 1))], lambda x: x.transpose(0, 3, 2, 1)),
    "ReverseV2": ([call("ReverseV2", IMAGE, ints(1, -2))], lambda x: x[:, ::-1, ::-1]),
    "Slice": ([call("Slice", IMAGE, ints(0, 3, 4, 0), ints(-1, 5, -1, 1))], lambda x: x[:, 3:8, 4:]),
    "Pad": ([call("Pad", IMAGE, const("int32", [4, 2], 0, 0, 1, 2, 3, 4, 0, 0))],
            lambda x: np.pad(x, ((0, 0), (1, 2), (3, 4), (0, 0)))),
    "PadV2": ([call("PadV2", IMAGE, const("int32", [4, 2], 0, 0, 1, 2, 3, 4, 0, 0), number(0.5))],
              lambda x: np.pad(x, ((0, 0), (1, 2), (3, 4), (0, 0)), constant_values=0.5)),
    "MirrorPad": ([call("MirrorPad", IMAGE, const("int32", [4, 2], 0, 0, 2, 1, 0, 3, 0, 0), mode="REFLECT")],
                  lambda x: np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="reflect")),
    "GatherV2": ([call("GatherV2", IMAGE, ints(3, 1, 3), whole(-2))], lambda x: x[:, :, [3, 1, 3]]),
    "Tile": ([call("Tile", IMAGE, ints(1, 2, 1, 3))], lambda x: np.tile(x, (1, 2, 1, 3))),
    "BroadcastTo": ([call("Shape", IMAGE), call("BroadcastTo", number(2.0), node(0))], lambda x: np.full(x.shape, 2.0)),
    "Split": ([call("Split", whole(2), IMAGE, num_split=4), call("Sub", node(0, 3), node(0, 1))],
              lambda x: x[:, :, 21:] - x[:, :, 7:14]),
    "SplitV": ([call("SplitV", IMAGE, ints(3, -1, 5), whole(1), num_split=3)], lambda x: x[:, :3]),
    "Unpack": ([call("Unpack", IMAGE, num=28, axis=2), call("Pack", [node(0, 5), node(0, 2)], axis=1)],
               lambda x: np.stack([x[:, :, 5], x[:, :, 2]], 1)),
    "ConcatV2": ([call("ConcatV2", [IMAGE, IMAGE], whole(-1))], lambda x: np.concatenate([x, x], -1)),
    "ExpandDims": ([call("ExpandDims", IMAGE, whole(-2))], lambda x: x[:, :, :, None]),
    "SpaceToDepth": ([call("SpaceToDepth", IMAGE, block_size=4)],
                     lambda x: x.reshape(3, 7, 4, 7, 4, 1).transpose(0, 1, 3, 2, 4, 5).reshape(3, 7, 7, 16)),
    "OnesLike": ([call("OnesLike", IMAGE)], np.ones_like),
    "Reshape": ([call("Reshape", IMAGE, ints(-1, 7, 112))], lambda x: x.reshape(-1, 7, 112)),
    "EuclideanNorm": ([call("EuclideanNorm", IMAGE, ints(1, -1))], lambda x: np.sqrt((x * x).sum((1, 3)))),
    "AddN": ([call("AddN", [IMAGE, IMAGE, IMAGE])], lambda x: 3 * x),
    "Erfc": ([call("Erfc", number(0.0)), call("Mul", node(0), IMAGE)], lambda x: x),
    "Expm1": ([call("Expm1", IMAGE)], np.expm1),
    "Log1p": ([call("Log1p", IMAGE)], np.log1p),
    "Tan": ([call("Tan", IMAGE)], np.tan),
    "Rsqrt": ([call("AddV2", IMAGE, number(1.0)), call("Rsqrt", node(0))], lambda x: 1 / np.sqrt(x + 1)),
    "SquaredDifference": ([call("SquaredDifference", IMAGE, number(0.5))], lambda x: (x - 0.5) ** 2),
    "ClipByValue": ([call("ClipByValue", IMAGE, number(0.25), number(0.75))], lambda x: x.clip(0.25, 0.75)),
}  # fmt: skip


@pytest.mark.parametrize("operator", MOVES)
def test_an_operator_computes_what_numpy_does(operator):
    nodes, expected = MOVES[operator]
    last = node(len(nodes) - 1, 0)
    np.testing.assert_allclose(computed(translated(nodes, output=last)), expected(pictures()), rtol=1e-12)


def test_images_stay_channels_first_between_layers():
    window = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    nodes = [*convolution("t0", "t1"), call("Relu", node(3)), call("MaxPool", node(4), **window)]
    nodes += [read("t2"), call("Conv2D", node(5), node(6), strides=ONES, padding="SAME"), call("Tanh", node(7))]
    found = translated(nodes, held("t0", 3, 3, 1, 4), held("t1", 4), held("t2", 3, 3, 4, 4)).graph.nodes
    of_images = [each.operator for each in found if not each.inputs[0].startswith("t") and each.inputs != ("images",)]
    assert of_images == ["Conv", "Relu", "MaxPool", "Conv", "Tanh", "Transpose"]


@pytest.mark.parametrize("operator", sorted(RULES))
def test_no_operator_has_attributes_or_inputs_that_its_rule_does_not_read(operator):
    """Neither a further attribute nor another number of inputs is ever ignored."""
    rule = RULES[operator]
    inputs = [[IMAGE] if letter == "N" else IMAGE for letter in rule.inputs]
    message = f"other arguments of {operator}"
    assert refused([call(operator, *inputs, surprise=1)]).found == message
    assert refused([call(operator, *inputs, IMAGE)]).found == message
    if rule.inputs:
        other = IMAGE if rule.inputs[-1] == "N" else [IMAGE]
        assert refused([call(operator, *inputs[:-1], other)]).found == message


@pytest.mark.parametrize(
    ("operator", "arguments", "attributes"),
    [
        ("Softmax", [IMAGE], {"axis": 1}),
        ("MaxPool", [IMAGE], {"ksize": [2, 2, 2, 1], "strides": ONES, "padding": "VALID"}),
        ("MaxPool", [IMAGE], {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 2], "padding": "VALID"}),
        ("MaxPool", [IMAGE], {"ksize": [1, 2, 2, 1], "strides": ONES, "padding": "FULL"}),
        (
            "MaxPool",
            [IMAGE],
            {"ksize": [1, 2, 2, 1], "strides": ONES, "padding": "VALID", "data_format": "NCHW_VECT_C"},
        ),
        ("MaxPool", [IMAGE], {"ksize": [1, 2, 2, 1], "strides": ONES}),
        ("GatherV2", [IMAGE, ints(0), whole(1)], {"batch_dims": 1}),
        ("MatMul", [IMAGE, IMAGE], {}),
        ("MatMul", [tensor("t0"), tensor("t0")], {"grad_a": True}),
        ("Squeeze", [IMAGE], {"axis": [1]}),
        ("Transpose", [IMAGE, ints(0, 1, 1, 3)], {}),
        ("Cast", [IMAGE], {"DstT": {"type": "float16"}}),
        ("Cast", [IMAGE], {"DstT": {"type": "uint8"}}),
        ("Cast", [IMAGE], {"DstT": {"type": "int32"}, "Truncate": True}),
        ("MirrorPad", [IMAGE, const("int32", [4, 2], *[0] * 8)], {"mode": "SYMMETRIC"}),
        ("BiasAdd", [IMAGE, tensor("t0")], {}),
        ("LeakyRelu", [IMAGE], {"alpha": "0.1"}),
        ("Reshape", [IMAGE, ints(-1, 10)], {}),
        ("GatherV2", [IMAGE, ints(28), whole(1)], {}),
        ("FusedBatchNormV3", [IMAGE, *[tensor("t0")] * 4], {"exponential_avg_factor": 0.5}),
    ],
)
def test_other_settings_are_refused(operator, arguments, attributes):
    refused([call(operator, *arguments, **attributes)], constant("t0", 4, 4))


def test_an_unknown_operator_is_named():
    error = refused([call("FFT2D", IMAGE, secret=[{"a": 1}])])
    assert error.unsupported
    assert "operator FFT2D is not supported yet" in error.found


@pytest.mark.parametrize(
    ("operator", "attributes"), [("MaxPool", {"ksize": ONES, "strides": ONES, "padding": "SAME"}), ("Rsqrt", {})]
)
def test_the_longest_graph_is_translated_in_linear_time(operator, attributes):
    nodes = [call(operator, node(k - 1) if k else IMAGE, **attributes) for k in range(5000)]
    started = time.process_time()
    assert translated(nodes).graph.values["images"].shape == (N, *SHAPE)
    assert time.process_time() - started < 20  # whatever else the machine does
