"""The layer table of models put together by hand, in both frameworks' ways of holding weights."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_nets import Net, keras_lenet5, model_of, torch_lenet5

from harness.model.layers import conv2d, dense, pool
from harness.model.table import layer_table
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Window
from reference.lenet5 import LENET5


@pytest.mark.parametrize("net", [torch_lenet5(), keras_lenet5()], ids=["torch", "keras"])
def test_lenet5_gives_the_reference_table_in_both_frameworks(net):
    table = net.table()
    rows = [layer for layer in table.layers if layer.kind != "flatten"]
    assert table.parameters == 61_706
    assert table.macs == 416_520
    assert [(row.formula, row.output_shape, row.macs) for row in rows] == [
        (layer.formula, layer.output_shape, layer.macs) for layer in LENET5.layers
    ]
    assert [row.window for row in rows] == [layer.window for layer in LENET5.layers]
    assert all(row.bias for row in rows if row.parameters)
    assert not table.unused


def test_layers_have_the_names_that_their_author_gave():
    assert [row.label for row in torch_lenet5().table().layers] == ["conv1", "", "conv2", "", "", "fc1", "fc2", "fc3"]
    labels = [row.label for row in keras_lenet5().table().layers if row.label]
    assert labels == ["conv2d", "conv2d_1", "dense", "dense_1", "dense_2"]


def test_a_layer_without_weights_has_the_name_of_its_operator():
    assert [row.label for row in Net().pool().named("halved").table().layers] == ["halved"]


def test_bias_that_is_added_belongs_to_the_layer_before():
    net = Net().conv("c", 6, bias=False).then("StopGradient")
    (row,) = net.then("Add", net.tensor("b", 6, 1, 1)).table().layers
    assert (row.bias, row.formula, row.tensors) == (True, "156 = (5*5*1 + 1) * 6", ("t0", "t1"))


@pytest.mark.parametrize(
    ("operator", "kind", "shape"),
    [("Add", "add", (24,)), ("Add", "add", (6, 1, 24)), ("Mul", "mul", (6, 1, 1)), ("Add", "add", (6, 1))],
)
def test_what_is_no_bias_is_a_row_of_its_own(operator, kind, shape):
    net = Net(1, 10, 28).conv("c", 6, bias=False) if shape == (6, 1) else Net().conv("c", 6, bias=False)
    first, second = net.then(operator, net.tensor("extra", *shape)).table().layers
    size = np.prod(shape)
    assert (first.bias, first.formula) == (False, "150 = 5*5*1 * 6")
    assert (second.kind, second.formula) == (kind, f"{size} = {size}")


def test_second_bias_is_a_row_of_its_own():
    net = Net().conv("c", 6)
    assert [row.parameters for row in net.then("Add", net.tensor("again", 6, 1, 1)).table().layers] == [156, 6]


def test_grouped_convolution_is_counted_by_its_groups():
    (row,) = Net(6, 28, 28).conv("c", 12, 3, group=2).table().layers
    assert (row.formula, row.macs) == ("336 = (3*3*3 + 1) * 12", 26 * 26 * 12 * 27)


@pytest.mark.parametrize(
    ("kernel", "filters", "groups", "formula"),
    [
        ((3, 3, 6, 12), 12, 1, "660 = (3*3*6 + 1) * 12"),
        ((3, 3, 2, 12), 12, 3, "228 = (3*3*2 + 1) * 12"),
        ((3, 3, 1, 12), 12, 6, "120 = (3*3*1 + 1) * 12"),
    ],
)
def test_a_kernel_with_its_filters_last_is_counted_by_its_groups(kernel, filters, groups, formula):
    net = Net(28, 28, 6, framework=Framework.TENSORFLOW).transpose(0, 3, 1, 2)
    net.convolve(net.emit("Transpose", net.tensor("kernel", *kernel), perm=(3, 2, 0, 1)), group=groups)
    (row,) = net.transpose(0, 2, 3, 1).then("Add", net.tensor("bias", filters)).table().layers[1:]
    assert (row.kind, row.groups, row.formula, row.bias) == ("conv2d", groups, formula, True)
    assert row.output_shape == (filters, 26, 26)


def test_depthwise_kernels_are_counted_by_their_channels():
    net = Net(6, 28, 28)
    kernel = net.emit("Transpose", net.tensor("kernel", 3, 3, 6, 2), perm=(2, 3, 0, 1))
    (row,) = net.convolve(net.emit("Reshape", kernel, shape=(12, 1, 3, 3)), group=6).table().layers
    assert (row.kind, row.groups, row.formula) == ("conv2d", 6, "108 = 3*3*1 * 12")


@pytest.mark.parametrize("pads", [((2, 2), (2, 2)), ((0, 1), (0, 1)), ((1, 2), (0, 0))])
def test_the_window_has_the_padding_of_each_side(pads):
    net = Net()
    settings = {"strides": (1, 2), "pads": pads, "dilations": (2, 1)}
    (row,) = net.then("Conv", net.tensor("k", 3, 1, 5, 4), group=1, **settings).table().layers
    (top, bottom), (left, right) = pads
    assert row.window == Window((5, 4), (1, 2), (top, bottom, left, right), (2, 1))
    assert row.output_shape == (3, 28 + top + bottom - 8, (28 + left + right - 4) // 2 + 1)


def test_a_padding_with_zeros_has_a_window_wherever_the_channels_are():
    first = Net().then("Pad", pads=[(0, 0), (0, 0), (1, 2), (3, 4)]).table().layers
    last = Net(28, 28, 1).then("Pad", pads=[(0, 0), (1, 2), (3, 4), (0, 0)]).table().layers
    assert first == last
    assert (first[0].kind, first[0].window) == ("pad", Window((1, 1), padding=(1, 2, 3, 4)))
    assert first[0].output_shape == (1, 31, 35)


@pytest.mark.parametrize(
    "settings",
    [
        {"pads": [(0, 0), (0, 0), (1, 1), (1, 1)], "mode": "reflect"},
        {"pads": [(0, 0), (0, 0), (1, 1), (1, 1)], "value": 0.5},
        {"pads": [(0, 0), (1, 0), (1, 1), (1, 1)]},
    ],
    ids=["mirrored", "of another number", "of channels"],
)
def test_any_other_padding_is_a_row_without_window(settings):
    (row,) = Net().then("Pad", **settings).table().layers
    assert (row.kind, row.window) == ("pad", None)


def test_kernel_of_a_computed_weight_is_that_of_the_result():
    net = Net()
    (row,) = net.convolve(net.emit("Reshape", net.tensor("flat", 150), shape=(6, 1, 5, 5)), pad=2).table().layers
    assert (row.window.kernel, row.output_shape, row.formula) == ((5, 5), (6, 28, 28), "150 = 5*5*1 * 6")


def test_weight_computed_from_several_tensors_counts_them_all():
    net = Net()
    weight = net.emit("Mul", net.tensor("g", 6, 1, 1, 1), net.tensor("v", 6, 1, 5, 5))
    (row,) = net.convolve(weight).table().layers
    assert (row.parameters, row.formula, row.window.kernel) == (156, "156 = 6 + 150", (5, 5))


def test_shared_weights_are_counted_once_and_named_again():
    net = Net(4)
    weight = net.tensor("w", 4, 4)
    table = net.then("Gemm", weight).then("Gemm", weight).table()
    assert [(row.parameters, row.tensors, row.shared) for row in table.layers] == [(16, ("t0",), ()), (0, (), ("t0",))]
    assert table.parameters == 16


def test_trained_frozen_and_constant_numbers_are_counted_apart():
    net = Net(4)
    net.then("Gemm", net.tensor("w", 4, 3)).then("Mul", net.tensor("f", 3, trainable=False))
    for kind in ("buffer", "unregistered", "constant"):
        net.then("Mul", net.tensor(kind, 3, kind=kind))
    table = net.table()
    assert [(row.parameters, row.frozen, row.constants) for row in table.layers] == [
        (12, 0, 0),
        (0, 3, 0),
        (0, 0, 3),
        (0, 0, 3),
        (0, 0, 3),
    ]
    assert (table.parameters, table.constants) == (15, 9)


def test_statistics_that_training_updates_are_no_constants():
    (row,) = layer_table(model_of(lambda net: net.norm("n"), 6, 4, 4)).layers
    assert (row.parameters, row.constants, row.formula) == (12, 0, "12 = 6 + 6")
    (row,) = Net(6, 4, 4).norm("n").table().layers
    assert (row.parameters, row.constants) == (12, 12)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.norm("n", momentum=1.0),
        lambda net: net.norm("n").then("Mul", net.build.values["t2"]),
        lambda net: net.at(net.norm("n").emit("Add", net.last, of_weights(net))),
    ],
    ids=["never changed", "read by another operator", "of weights"],
)
def test_statistics_are_those_of_the_images_and_of_nothing_else(change):
    """Anything else could hold numbers under the name of a statistic."""
    table = layer_table(model_of(change, 6))
    assert table.constants >= 6


def of_weights(net):
    """The mean of weights over the batch, which are always the same: a copy of them."""
    weights = net.emit("Reshape", net.tensor("w", 12), shape=(2, 6))
    statistics = [net.tensor(name, 6, kind="buffer") for name in ("mean", "var")]
    scale = [net.constant(np.ones(6)), net.constant(np.zeros(6))]
    settings = {"epsilon": 1e-5, "training": net.is_training}
    normal = net.emit("BatchNormalization", weights, *scale, *statistics, **settings)
    return net.emit("ReduceSum", normal, axes=(0,))


def test_buffer_that_a_layer_reads_is_capacity():
    net = Net(4)
    assert net.then("Mul", net.tensor("hidden", 4, kind="buffer")).table().constants == 4


def test_output_shape_is_that_of_the_last_operator():
    assert torch_lenet5().table().output_shape == (10,)
    assert Net(4).table().output_shape == (4,)


@pytest.mark.parametrize(
    ("kind", "shape", "dtype", "counted"),
    [
        ("constant", (), "F32", 0),
        ("constant", (1,), "F32", 0),
        ("constant", (2,), "F32", 2),
        ("constant", (2,), "BF16", 2),
        ("constant", (2,), "I64", 0),
        ("buffer", (1,), "F32", 1),
        ("buffer", (8,), "BOOL", 0),
    ],
)
def test_single_numbers_and_whole_numbers_are_no_capacity(kind, shape, dtype, counted):
    net = Net(8).then("ReduceSum", axes=(1,), keepdims=True)
    tensor = net.emit("Cast", net.tensor("c", *shape, kind=kind, dtype=dtype), to="float")
    assert net.then("Mul", tensor).table().constants == counted


def test_single_numbers_and_whole_numbers_count_where_they_are_many():
    net = Net(4)
    for _ in range(70):
        net.then("Mul", net.tensor("c", kind="constant"))
    (beside,) = net.table().beside
    assert (beside.size, net.table(max_hidden_numbers=70).beside) == (70, ())
    assert beside.label == "written into the forward pass, most of them as a small tensor"


def test_tensors_that_no_operator_reads_are_unused_if_they_hold_numbers():
    net = Net(4)
    net.tensor("layer.weight", 3, 3)
    net.tensor("steps", 1, kind="buffer", dtype="I64")
    assert [t.label for t in net.then("Relu").table().unused] == ["layer.weight"]


def test_parameters_that_only_training_reads_are_counted_and_told():
    training, net = Net(4), Net(4)
    for each in (training, net):
        each.linear("a", 3)
        each.tensor("b.weight", 5, 3)
    training.at(training.emit("Gemm", training.last, training.build.values["t2"], transB=True))
    table = net.table(training.graph())
    assert [t.label for t in table.training_only] == ["b.weight"]
    assert (table.parameters, sum(row.parameters for row in table.layers)) == (15 + 15, 15)
    assert not table.unused


def test_constants_that_only_training_reads_are_beside_the_layers():
    training, net = Net(4), Net(4)
    for each in (training, net):
        each.linear("a", 3)
        each.tensor("answers", 70, 3, kind="constant")
    training.at(training.emit("Gemm", training.last, training.build.values["t2"], transB=True))
    table = net.table(training.graph())
    assert [t.label for t in table.beside] == ["answers"]
    assert table.constants == 210


@pytest.mark.parametrize(("shape", "rank"), [((6, 28), 1), ((2, 6, 9, 9), 3)])
def test_convolution_on_another_rank_is_counted_by_its_tensors(shape, rank):
    (row,) = Net(*shape).conv("c", 4, 3).table().layers
    weights = 4 * shape[0] * 3**rank
    assert (row.kind, row.formula) == ("convolution", f"{weights + 4:,} = {weights} + 4")
    assert row.macs == np.prod(row.output_shape) * weights // 4


def test_product_of_images_is_no_dense_layer():
    net = Net(4, 4)
    assert [row.kind for row in net.then("MatMul", net.last).table().layers] == ["matmul"]


def test_products_of_weights_alone_have_no_multiply_accumulates():
    net = Net(6)
    weight = net.emit("MatMul", net.tensor("a", 6, 2), net.tensor("b", 2, 10))
    (row,) = net.then("Gemm", weight).table().layers
    assert (row.macs, row.formula) == (60, "32 = 12 + 20")


@pytest.mark.parametrize(
    ("operators", "output", "count"),
    [
        ("", OutputKind.LOGITS, 0),
        ("Softmax", OutputKind.PROBABILITIES, 1),
        ("LogSoftmax", OutputKind.LOG_PROBABILITIES, 1),
        ("Softmax Log", OutputKind.LOG_PROBABILITIES, 1),
        ("Softmax Softmax", OutputKind.PROBABILITIES, 2),
        ("Softmax LogSoftmax", OutputKind.LOG_PROBABILITIES, 2),
        ("Softmax StopGradient", OutputKind.PROBABILITIES, 1),
        ("Softmax Relu", OutputKind.LOGITS, 0),
        ("Log", OutputKind.LOGITS, 0),
    ],
)
def test_output_kind_follows_the_last_operators(operators, output, count):
    net = torch_lenet5()
    for operator in operators.split():
        net.then(operator, **({"axis": 1} if "Softmax" in operator else {}))
    table = net.table()
    assert (table.output_kind, table.softmax_count) == (output, count)


def positions(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Places of a window, by trying every one."""
    reach = dilation * (kernel - 1)
    return len([start for start in range(0, size + padding, stride) if start + reach < size + padding])


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3))
@settings(deadline=None, max_examples=200)
def test_output_size_is_the_number_of_places_of_the_window(size, kernel, stride, padding, dilation):
    expected = positions(size, kernel, stride, padding + 1, dilation)
    window = Window((kernel, 1), (stride, 1), (padding, 1, 0, 0), (dilation, 1))
    if expected:
        assert pool("max_pool", "", (3, size, 7), window).output_shape == (3, expected, 7)
        layer = conv2d("", (3, size, 7), 4, window)
        assert layer.output_shape == (4, expected, 7)
        assert layer.macs == 4 * expected * 7 * kernel * 3
        assert layer.parameters == kernel * 3 * 4 + 4


def test_dense_layer_works_on_the_last_axis():
    layer = dense("", (7, 20), 5, bias=False)
    assert (layer.output_shape, layer.parameters, layer.macs) == ((7, 5), 100, 700)
    assert layer.formula == "100 = 20 * 5"
    net = Net(7, 20)
    (row,) = net.then("MatMul", net.tensor("w", 20, 5)).table().layers
    assert (row.kind, row.output_shape, row.parameters, row.macs) == ("dense", (7, 5), 100, 700)


def test_table_of_the_largest_hostile_graph_takes_no_time():
    """Thousands of layers that each read thousands of tensors."""
    net = Net(4)
    weight = net.emit("Concat", *(net.tensor("", 2) for _ in range(3000)), axis=0)
    for _ in range(300):
        weight = net.emit("ReduceMax", net.emit("Concat", *[net.emit("Tanh", weight)] * 60, axis=0), axes=(0,))
        weight = net.emit("Expand", weight, shape=(4,))
    for _ in range(1500):
        net.then("Mul", weight)
    model = net.model()
    start = time.process_time()
    table = layer_table(model)
    assert time.process_time() - start < 20
    assert table.parameters == 6000
    assert sum(len(row.shared) for row in table.layers) < 150_000
