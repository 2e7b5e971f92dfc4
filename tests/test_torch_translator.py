"""Raw PyTorch graphs written by hand, and what becomes of them in the language. Nothing of PyTorch is imported."""

import numpy as np
import pytest
from torch_graph import INPUT_REF, call, node, small_net, tensor
from torch_hand_graphs import BATCH, IMAGES, VALUES, computed, operators, refused, translated

from harness.artifact.torch.translator import translate
from harness.language.sizes import N
from harness.records.graph import Tensor, TensorKind


def test_a_small_network_has_an_operator_for_each_layer():
    content = small_net()
    tensors = {
        name: Tensor(name, TensorKind(s["kind"]), s["trainable"], tuple(s["shape"]), s["dtype"])
        for name, s in content["tensors"].items()
    }
    graph = translate(content["eval"], tensors, (1, 28, 28), is_training=False).graph
    assert [n.operator for n in graph.nodes] == ["Conv", "Relu", "MaxPool", "Reshape", "Gemm", "Softmax"]
    assert graph.nodes[4].inputs == ("v3", "t2", "t3")
    assert graph.nodes[4].attributes == {"transB": True}
    assert graph.values[graph.output].shape == (N, 10)
    training = translate(content["train"], tensors, (1, 28, 28), is_training=True).graph
    assert [n.inputs[3:] for n in training.nodes if n.operator == "BatchNormalization"] == [("t4", "t5")]


def test_nodes_name_the_operators_that_they_come_from():
    found = translated(call("relu.default", INPUT_REF), call("silu.default", node(0)), call("tanh.default", node(1)))
    assert [n.operator for n in found.graph.nodes] == ["Relu", "Sigmoid", "Mul", "Tanh"]
    assert [found.origins[n.name] for n in found.graph.nodes] == [0, 1, 1, 2]


def test_an_argument_means_the_same_by_name_as_by_position():
    by_name = call("leaky_relu.default", self=INPUT_REF, negative_slope=0.25)
    assert translated(by_name).graph.nodes == translated(call("leaky_relu.default", INPUT_REF, 0.25)).graph.nodes


@pytest.mark.parametrize(
    "name",
    """view.dtype _reshape_alias.default as_strided.default empty.memory_format add.out relu.out native_batch_norm.out
    mm.dtype bmm.out rand.generator set_.source_Tensor resize_.default add relu.default.default made_up.default""".split(),
)
def test_overloads_without_a_rule_are_not_supported_and_named(name):
    error = refused(call(name, INPUT_REF, INPUT_REF))
    assert error.unsupported
    assert error.found.startswith(f"operator aten.{name} ")


@pytest.mark.parametrize(
    "wrong",
    [
        call("relu.default"),
        call("relu.default", INPUT_REF, 1),
        call("relu.default", INPUT_REF, out=INPUT_REF),
        call("relu.default", INPUT_REF, self=INPUT_REF),
        call("relu.default", 1.0),
        call("relu.default", [INPUT_REF]),
        call("relu.default", {"batch": [1, 0]}),
        call("leaky_relu.default", INPUT_REF, "steep"),
        call("leaky_relu.default", INPUT_REF, [0.1]),
        call("leaky_relu.default", INPUT_REF, {"float": "nan"}),
        call("leaky_relu.default", INPUT_REF, 1 << 70),
        call("mean.dim", INPUT_REF, [1.0]),
        call("mean.dim", INPUT_REF, [True]),
        call("mean.dim", INPUT_REF, [1], 1),
        call("mean.dim", INPUT_REF, [BATCH]),
        call("view.default", INPUT_REF, [{"batch": [1]}, 32]),
        call("view.default", INPUT_REF, [0] * 5000),
        call("gelu.default", INPUT_REF, approximate=1),
        call("zeros.default", [4], layout={"layout": "sparse"}),
        call("zeros.default", [4], device={"device": "cuda"}),
        call("zeros.default", [4], pin_memory=True),
        call("zeros.default", [4], dtype="float32"),
        call("clone.default", INPUT_REF, memory_format={"memory_format": "other"}),
        call("bernoulli_.float", INPUT_REF, 0.5, generator=1),
        call("cat.default", INPUT_REF),
        call("cat.default", [INPUT_REF, None]),
    ],
)
def test_arguments_that_an_operator_does_not_take_are_refused(wrong):
    error = refused(wrong)
    assert error.expected == "operators called with the arguments they take"
    assert error.found == f"other arguments of {wrong['op']}"


@pytest.mark.parametrize(
    "argument",
    [node(0), node(-1), node(7), tensor("t99"), tensor("images"), {"input": 1}, {"input": False}, {"node": [0.0, 0]}],
)
def test_references_are_to_what_is_there_already(argument):
    assert "an earlier node" in refused(call("relu.default", argument)).expected


@pytest.mark.parametrize("position", [-1, 1, 5])
def test_a_result_that_an_operator_does_not_have_is_refused(position):
    assert (
        "results of aten.relu.default"
        in refused(call("relu.default", INPUT_REF), call("relu.default", node(0, position))).expected
    )


def test_indices_of_maxima_are_not_in_the_language():
    error = refused(call("max.dim", INPUT_REF, 1), call("relu.default", node(0, 1)))
    assert error.unsupported
    assert "result 1 of aten.max.dim" in error.found


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([call("add.Tensor", INPUT_REF, tensor("t0"), alpha=-0.5)], IMAGES - 0.5 * VALUES["t0"]),
        ([call("sub.Tensor", INPUT_REF, 3, alpha=2)], IMAGES - 6),
        ([call("rsub.Scalar", INPUT_REF, 3, 2)], 3 - 2 * IMAGES),
        ([call("elu.default", INPUT_REF, 2.0, 3.0)], 3 * IMAGES),
        ([call("softplus.default", INPUT_REF, 2.0)], np.log1p(np.exp(2 * IMAGES)) / 2),
        ([call("var.correction", INPUT_REF, [1, 2])], IMAGES.var((1, 2), ddof=1)),
        ([call("var.correction", INPUT_REF, [3], correction=0, keepdim=True)], IMAGES.var(3, keepdims=True)),
        ([call("slice.Tensor", INPUT_REF, 3, -3, 1 << 62, 2)], IMAGES[:, :, :, -3::2]),
        ([call("select.int", INPUT_REF, -1, -2)], IMAGES[:, :, :, -2]),
        ([call("constant_pad_nd.default", INPUT_REF, [-1, 1, 0, -2], 5.0)], np.pad(IMAGES[:, :, :2, 1:], ((0, 0),) * 3 + ((0, 1),), constant_values=5)),
        ([call("roll.default", INPUT_REF, [1, -1], [2, 3])], np.roll(IMAGES, (1, -1), (2, 3))),
        ([call("flip.default", INPUT_REF, [1, -1])], IMAGES[:, ::-1, :, ::-1]),
        ([call("rot90.default", INPUT_REF, -1, [2, 3])], np.rot90(IMAGES, -1, (2, 3))),
        ([call("repeat.default", INPUT_REF, [2, 1, 1, 3])], np.tile(IMAGES, (2, 1, 1, 3))),
        ([call("index.Tensor", INPUT_REF, [None, tensor("t5")])], IMAGES[:, VALUES["t5"]]),
        ([call("pow.Tensor_Scalar", INPUT_REF, 2.5)], IMAGES**2.5),
        ([call("_to_copy.default", tensor("t6"), dtype={"dtype": "float32"}), call("div.Tensor", node(0), 4)], VALUES["t6"] / 4),
        ([call("arange.start_step", 5, 0, -2, dtype={"dtype": "float32"})], np.arange(5, 0, -2)),
        ([call("arange.start_step", 0.0, 1.0, 0.25)], np.arange(0, 1, 0.25)),
        ([call("linspace.default", 1, 2, 5)], np.linspace(1, 2, 5)),
        ([call("tril.default", INPUT_REF, -1)], np.tril(IMAGES, -1)),
        ([call("linalg_vector_norm.default", INPUT_REF, 1, [1], True)], np.abs(IMAGES).sum(1, keepdims=True)),
        ([call("where.self", tensor("t9"), INPUT_REF, tensor("t0"))], np.where(VALUES["t9"], IMAGES, VALUES["t0"])),
    ],
)  # fmt: skip
def test_what_arguments_mean(nodes, expected):
    np.testing.assert_allclose(computed(*nodes), expected, rtol=1e-6)


def test_a_product_with_factors_is_written_out():
    flat = call("select.int", INPUT_REF, 1, 0), call("select.int", node(0), 1, 2), call("t.default", tensor("t7"))
    rows, bias, weight = IMAGES[:, 0, 2], VALUES["t8"], VALUES["t7"].T
    found = computed(*flat, call("addmm.default", tensor("t8"), node(1), node(2), beta=0.5, alpha=2))
    np.testing.assert_allclose(found, 0.5 * bias + 2 * rows @ weight)
    assert operators(*flat, call("addmm.default", tensor("t8"), node(1), node(2)))[-1] == "Gemm"


def test_images_are_in_the_rows_of_a_product():
    columns = call("select.int", INPUT_REF, 1, 0), call("select.int", node(0), 1, 2), call("t.default", node(1))
    graph = translated(*columns, call("mm.default", tensor("t7"), node(2))).graph
    (product,) = (n for n in graph.nodes if n.operator == "Gemm")
    assert graph.values[product.inputs[0]].shape == (N, 4)
    np.testing.assert_allclose(
        computed(*columns, call("mm.default", tensor("t7"), node(2))), VALUES["t7"] @ IMAGES[:, 0, 2].T
    )


COPY = call("mul.Tensor", INPUT_REF, tensor("t0"))


def test_a_write_through_views_changes_what_they_share():
    views = (
        call("slice.Tensor", node(0), 2, 1, 3),
        call("transpose.int", node(1), 2, 3),
        call("select.int", node(2), 1, 1),
    )
    nodes = COPY, *views, call("add_.Tensor", node(3), 10), call("neg.default", node(1))
    expected = IMAGES * VALUES["t0"]
    expected[:, 1, 1:3] += 10
    np.testing.assert_allclose(computed(*nodes, output=node(0)), expected)
    np.testing.assert_allclose(computed(*nodes), -expected[:, :, 1:3])
    np.testing.assert_allclose(computed(*nodes, output=node(3)), expected[:, 1, 1:3].swapaxes(1, 2))


def test_a_view_shows_what_is_written_later_and_a_copy_does_not():
    nodes = (
        COPY,
        call("view.default", node(0), [BATCH, 32]),
        call("clone.default", node(0)),
        call("zero_.default", node(0)),
    )
    assert not computed(*nodes, output=node(1)).any()
    np.testing.assert_allclose(computed(*nodes, output=node(2)), IMAGES * VALUES["t0"])


def test_parts_that_are_written_one_by_one_stay_parts():
    """As in the gates of a recurrent layer: no part is taken from the whole that others were written to."""
    split = COPY, call("unsafe_split.Tensor", node(0), 1, 3)
    gates = [call("sigmoid_.default", node(1, k)) for k in range(4)]
    nodes = *split, *gates, call("mul.Tensor", node(2), node(5))
    assert operators(*nodes) == ["Mul", "Slice", "Sigmoid", "Slice", "Sigmoid", "Mul"]
    whole = computed(*nodes, output=node(0))
    np.testing.assert_allclose(whole, 1 / (1 + np.exp(-IMAGES * VALUES["t0"])))


def test_axes_that_change_in_place_change_for_every_name():
    nodes = COPY, call("transpose_.default", node(0), 1, 3), call("relu.default", node(0))
    np.testing.assert_allclose(computed(*nodes), (IMAGES * VALUES["t0"]).swapaxes(1, 3))


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([call("add_.Tensor", tensor("t2"), 1)], "a model that writes to its own tensors"),
        ([call("mul_.Tensor", tensor("t0"), 2.0)], "a model that writes to its own tensors"),
        ([call("select.int", tensor("t0"), 0, 1), call("zero_.default", node(0))], "a model that writes to its own tensors"),
        ([call("detach.default", tensor("t0")), call("zero_.default", node(0))], "a model that writes to its own tensors"),
        ([call("unsqueeze_.default", tensor("t0"), 0)], "a model that writes to its own tensors"),
        ([call("add_.Tensor", tensor("t4"), 1), call("index_select.default", INPUT_REF, 1, tensor("t4"))], "a model that reads"),
        ([call("index_select.default", INPUT_REF, 1, tensor("t4")), call("add_.Tensor", tensor("t4"), 1)], "a model that writes"),
        ([COPY, call("expand.default", node(0), [2, BATCH, 2, 4, 4]), call("relu_.default", node(1))], "a write to an expanded"),
        ([COPY, call("slice.Tensor", node(0), 3, 0, 4, 2), call("relu_.default", node(1))], "a write to every other position"),
        ([call("_to_copy.default", INPUT_REF, dtype={"dtype": "float16"})], "a conversion to 'float16'"),
        ([call("add.Tensor", tensor("t6"), 200)], "arithmetic with numbers of 8 bits"),
        ([call("mul.Tensor", INPUT_REF, BATCH)], "a number that depends on the size of the batch"),
        ([call("constant_pad_nd.default", INPUT_REF, [0, BATCH], 1.0)], "a pad that depends on the size of the batch"),
        ([call("slice.Tensor", INPUT_REF, 0, 0, 2)], "a slice of the batch"),
        ([call("unbind.int", INPUT_REF, 0)], "one tensor for each position of an axis that depends on the size"),
        ([call("arange.default", BATCH)], "a number that depends on the size of the batch"),
        ([call("avg_pool2d.default", INPUT_REF, [2, 2], [2, 2], [0, 0], False, True, 3)], "a pooling with a divisor"),
        ([call("elu.default", INPUT_REF, 1, 1, 2)], "an ELU with a scaled input"),
        ([call("softplus.default", INPUT_REF, 1, 10)], "a softplus with a threshold other than 20"),
        ([call("embedding.default", tensor("t7"), tensor("t5"), 0)], "an embedding with a padding index"),
        ([call("index.Tensor", INPUT_REF, [tensor("t5"), tensor("t5")])], "an index of several tensors"),
        ([call("upsample_nearest2d.default", INPUT_REF, [9, 9], 2.3, 2.3)], "a scale that does not give a whole size"),
        ([call("gt.Scalar", INPUT_REF, 0.5)], "an answer that is no number"),
    ],
)  # fmt: skip
def test_what_the_language_has_no_words_for_is_not_supported(nodes, found):
    error = refused(*nodes, output=INPUT_REF if nodes[-1]["op"].split(".")[1].endswith("_") else None)
    assert error.unsupported
    assert error.found.startswith(found)


def test_a_counter_that_nothing_reads_is_left_out():
    nodes = call("add_.Tensor", tensor("t4"), 1), call("relu.default", INPUT_REF)
    graph = translated(*nodes).graph
    assert [n.operator for n in graph.nodes] == ["Relu"]
    assert "t4" not in graph.values


def test_empty_memory_is_not_read():
    empty = call("new_empty.default", INPUT_REF, [BATCH, 3])
    assert "written before they are read" in refused(empty, call("relu.default", node(0))).expected
    assert "written before they are read" in refused(empty).expected
    part = call("select.int", node(0), 1, 1), call("fill_.Scalar", node(1), 2.5)
    np.testing.assert_array_equal(computed(empty, *part, output=node(0)), [[0, 2.5, 0]] * 3)
    np.testing.assert_array_equal(computed(empty, call("fill_.Scalar", node(0), 2.5)), [[2.5] * 3] * 3)


def without_gradient(node):
    return {**node, "no_grad": True}


def test_gradients_stop_where_there_are_any():
    scaled = call("mul.Tensor", INPUT_REF, tensor("t0"))
    assert operators(call("detach.default", INPUT_REF), call("relu.default", node(0))) == ["Relu"]
    assert operators(scaled, call("detach.default", node(0))) == ["Mul", "StopGradient"]
    assert operators(without_gradient(scaled)) == ["Mul", "StopGradient"]
    assert operators(without_gradient(call("relu.default", INPUT_REF))) == ["Relu"]
    twice = call("detach.default", node(0)), call("detach.default", node(1))
    assert operators(scaled, *twice) == ["Mul", "StopGradient"]


def test_a_write_that_no_gradient_notices_keeps_the_gradient():
    nodes = COPY, without_gradient(call("clamp_min_.default", node(0), 1.0))
    assert operators(*nodes) == ["Mul", "Clip", "Sub", "StopGradient", "Add"]
    np.testing.assert_allclose(computed(*nodes), np.maximum(IMAGES * VALUES["t0"], 1))


def test_a_split_into_very_many_costs_only_what_is_read():
    wide = call("expand.default", INPUT_REF, [20_000, BATCH, 2, 4, 4])
    splits = [call("unbind.int", node(0), 0) for _ in range(4_000)]
    assert len(translated(wide, *splits, call("relu.default", node(4_000, 19_999))).graph.nodes) == 4
