"""The layer table of model graphs written by hand, in both frameworks' ways of holding weights."""

import time
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.layers import conv2d, dense, layer_table, pool
from harness.records.framework import Framework
from harness.records.graph import INPUT, ModelGraph, Operation, OutputKind, Shape, Tensor, TensorKind, Window
from harness.records.layer import LayerTable
from reference.lenet5 import LENET5

PADDED = Window((0, 0), padding=(2, 2, 2, 2))
HALVE = Window((2, 2), (2, 2))


@dataclass
class Net:
    """A model graph, one call for each operation; each reads the operation before it."""

    input_shape: Shape = (1, 28, 28)
    framework: Framework = Framework.TORCH
    tensors: list[Tensor] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    last: str = INPUT

    def tensor(
        self, label: str, *shape: int, kind: str = "parameter", trainable: bool = True, dtype: str = "F32"
    ) -> str:
        name = f"t{len(self.tensors)}"
        is_trainable = trainable and kind == "parameter"
        self.tensors.append(Tensor(name, TensorKind(kind), is_trainable, shape, dtype, label))
        return name

    def weight(self, kind: str, shape: Shape | None, *inputs: str) -> str:
        """An operation on weights only, beside the way of the images."""
        self.operations.append(Operation(f"n{len(self.operations)}", kind, inputs, shape=shape))
        return self.operations[-1].name

    def then(self, kind: str, shape: Shape, *weights: str, window: Window | None = None, groups: int = 1) -> "Net":
        self.last = self.weight(kind, shape, self.last, *weights)
        self.operations[-1] = replace(self.operations[-1], window=window, groups=groups)
        return self

    def conv(self, label: str, shape: Shape, *weight: int, window: Window, bias: bool = True) -> "Net":
        names = [self.tensor(f"{label}.weight", *weight)]
        if bias:
            names.append(self.tensor(f"{label}.bias", shape[0]))
        return self.then("conv2d", shape, *names, window=window)

    def linear(self, label: str, inputs: int, units: int) -> "Net":
        weight = self.weight("transpose", (inputs, units), self.tensor(f"{label}.weight", units, inputs))
        return self.then("dense", (units,), weight, self.tensor(f"{label}.bias", units))

    def graph(self, updated: tuple[str, ...] = ()) -> ModelGraph:
        used = {name for operation in self.operations for name in operation.inputs}
        return ModelGraph(
            self.framework,
            self.input_shape,
            tuple(self.tensors),
            tuple(self.operations),
            self.last,
            "",
            frozenset(updated),
            frozenset(used),
        )

    def table(self, updated: tuple[str, ...] = ()) -> LayerTable:
        return layer_table(self.graph(updated))


def torch_lenet5() -> Net:
    net = Net().conv("conv1", (6, 28, 28), 6, 1, 5, 5, window=PADDED).then("activation", (6, 28, 28))
    net.then("max_pool", (6, 14, 14), window=HALVE)
    net.conv("conv2", (16, 10, 10), 16, 6, 5, 5, window=Window((0, 0))).then("activation", (16, 10, 10))
    net.then("max_pool", (16, 5, 5), window=HALVE).then("reshape", (400,))
    net.linear("fc1", 400, 120).then("activation", (120,)).linear("fc2", 120, 84).then("activation", (84,))
    return net.linear("fc3", 84, 10)


def keras_lenet5() -> Net:
    """Variables are read by operators, biases are added after the product, padding is the word `same`."""
    net = Net((28, 28, 1), Framework.TENSORFLOW)

    def variable(label: str, *shape: int) -> str:
        return net.weight("identity", shape, net.tensor(label, *shape))

    def conv(label: str, kernel: Shape, shape: Shape, same: bool) -> None:
        net.then("conv2d", shape, variable(f"{label}/kernel", *kernel), window=Window((0, 0), same=same))
        net.then("add", shape, variable(f"{label}/bias", shape[0])).then("activation", shape)

    def units(label: str, inputs: int, outputs: int) -> None:
        net.then("dense", (outputs,), variable(f"{label}/kernel", inputs, outputs))
        net.then("add", (outputs,), variable(f"{label}/bias", outputs))

    conv("conv2d", (5, 5, 1, 6), (6, 28, 28), same=True)
    net.then("avg_pool", (6, 14, 14), window=HALVE)
    conv("conv2d_1", (5, 5, 6, 16), (16, 10, 10), same=False)
    net.then("avg_pool", (16, 5, 5), window=HALVE).then("reshape", (400,))
    units("dense", 400, 120)
    units("dense_1", 120, 84)
    units("dense_2", 84, 10)
    return net


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


def test_bias_that_is_added_belongs_to_the_layer_before():
    net = Net().conv("c", (6, 24, 24), 6, 1, 5, 5, window=Window((0, 0)), bias=False)
    net.then("identity", (6, 24, 24)).then("add", (6, 24, 24), net.tensor("b", 6))
    (row,) = net.table().layers
    assert (row.bias, row.formula, row.tensors) == (True, "156 = (5*5*1 + 1) * 6", ("t0", "t1"))


@pytest.mark.parametrize(("kind", "size"), [("add", 5), ("mul", 6)])
def test_what_is_no_bias_is_a_row_of_its_own(kind, size):
    net = Net().conv("c", (6, 24, 24), 6, 1, 5, 5, window=Window((0, 0)), bias=False)
    net.then(kind, (6, 24, 24), net.tensor("extra", size))
    first, second = net.table().layers
    assert (first.bias, first.formula) == (False, "150 = 5*5*1 * 6")
    assert (second.kind, second.formula) == (kind, f"{size} = {size}")


def test_second_bias_is_a_row_of_its_own():
    net = Net().conv("c", (6, 24, 24), 6, 1, 5, 5, window=Window((0, 0)))
    net.then("add", (6, 24, 24), net.tensor("again", 6))
    assert [row.parameters for row in net.table().layers] == [156, 6]


def test_grouped_convolution_is_counted_by_its_groups():
    net = Net((6, 28, 28))
    weight, bias = net.tensor("w", 12, 3, 3, 3), net.tensor("b", 12)
    net.then("conv2d", (12, 26, 26), weight, bias, window=Window((0, 0)), groups=2)
    (row,) = net.table().layers
    assert (row.formula, row.macs) == ("336 = (3*3*3 + 1) * 12", 26 * 26 * 12 * 27)


@pytest.mark.parametrize(
    ("kind", "kernel", "filters", "groups", "formula"),
    [
        ("conv2d", (3, 3, 6, 12), 12, 1, "660 = (3*3*6 + 1) * 12"),
        ("conv2d", (3, 3, 2, 12), 12, 3, "228 = (3*3*2 + 1) * 12"),
        ("depthwise_conv2d", (3, 3, 6, 2), 12, 6, "120 = (3*3*1 + 1) * 12"),
    ],
)
def test_groups_of_tensorflow_are_told_from_the_kernel(kind, kernel, filters, groups, formula):
    net = Net((6, 28, 28), Framework.TENSORFLOW)
    variable = net.weight("identity", kernel, net.tensor("kernel", *kernel))
    net.then(kind, (filters, 26, 26), variable, window=Window((0, 0)))
    (row,) = net.then("add", (filters, 26, 26), net.tensor("bias", filters)).table().layers
    assert (row.kind, row.groups, row.formula) == ("conv2d", groups, formula)
    assert row.output_shape == (filters, 26, 26)


@pytest.mark.parametrize(
    ("kernel", "stride", "size", "padding"),
    [(5, 1, 28, (2, 2)), (2, 1, 28, (0, 1)), (4, 1, 28, (1, 2)), (5, 2, 14, (1, 2)), (1, 1, 28, (0, 0))],
)
def test_same_padding_puts_the_odd_pixel_at_the_end(kernel, stride, size, padding):
    net = Net((28, 28, 1), Framework.TENSORFLOW)
    weight = net.tensor("k", kernel, kernel, 1, 3)
    net.then("conv2d", (3, size, size), weight, window=Window((0, 0), (stride, stride), same=True))
    (row,) = net.table().layers
    assert row.window == Window((kernel, kernel), (stride, stride), padding * 2)
    assert row.output_shape == (3, size, size)


def test_kernel_of_a_variable_is_its_own_shape_whatever_was_measured():
    net = Net((28, 28, 1), Framework.TENSORFLOW)
    kernel = net.weight("identity", (4, 2, 1), net.tensor("k", 2, 2, 1, 4))
    net.then("conv2d", (4, 27, 27), kernel, window=Window((0, 0)))
    assert net.table().layers[0].window == Window((2, 2))


def test_kernel_of_a_computed_weight_is_the_measured_one():
    net = Net()
    weight = net.weight("reshape", (6, 1, 5, 5), net.tensor("flat", 150))
    (row,) = net.then("conv2d", (6, 28, 28), weight, window=PADDED).table().layers
    assert (row.window.kernel, row.output_shape, row.formula) == ((5, 5), (6, 28, 28), "150 = 5*5*1 * 6")


def test_weight_computed_from_several_tensors_counts_them_all():
    net = Net()
    weight = net.weight("mul", (6, 1, 5, 5), net.tensor("g", 6, 1, 1, 1), net.tensor("v", 6, 1, 5, 5))
    (row,) = net.then("conv2d", (6, 24, 24), weight, window=Window((0, 0))).table().layers
    assert (row.parameters, row.formula, row.window.kernel) == (156, "156 = 6 + 150", (5, 5))


def test_shared_weights_are_counted_once_and_named_again():
    net = Net((4,))
    weight = net.tensor("w", 4, 4)
    table = net.then("dense", (4,), weight).then("dense", (4,), weight).table()
    assert [(row.parameters, row.tensors, row.shared) for row in table.layers] == [(16, ("t0",), ()), (0, (), ("t0",))]
    assert table.parameters == 16


def test_trained_frozen_and_constant_numbers_are_counted_apart():
    net = Net((4,))
    net.then("dense", (3,), net.tensor("w", 4, 3)).then("mul", (3,), net.tensor("f", 3, trainable=False))
    for kind in ("buffer", "unregistered", "constant"):
        net.then("mul", (3,), net.tensor(kind, 3, kind=kind))
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
    net = Net((6, 4, 4))
    names = [net.tensor(label, 6) for label in ("scale", "shift")]
    names += [net.tensor(label, 6, kind="buffer") for label in ("mean", "variance")]
    net.then("normalization", (6, 4, 4), *names)
    (row,) = net.table(updated=("t2", "t3")).layers
    assert (row.parameters, row.constants, row.formula) == (12, 0, "12 = 6 + 6")
    (row,) = net.table().layers
    assert (row.parameters, row.constants) == (12, 12)


def test_buffer_that_training_touches_is_capacity_outside_of_a_normalization():
    net = Net((4,))
    assert net.then("mul", (4,), net.tensor("hidden", 4, kind="buffer")).table(updated=("t0",)).constants == 4


def test_output_shape_is_that_of_the_last_operation():
    assert torch_lenet5().table().output_shape == (10,)
    assert Net((4,)).table().output_shape == (4,)


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
    net = Net((4,))
    assert net.then("mul", (4,), net.tensor("c", *shape, kind=kind, dtype=dtype)).table().constants == counted


def test_tensors_that_no_operation_reads_are_unused_if_they_hold_numbers():
    net = Net((4,))
    net.tensor("layer.weight", 3, 3)
    net.tensor("steps", 1, kind="buffer", dtype="I64")
    assert [t.label for t in net.then("activation", (4,)).table().unused] == ["layer.weight"]


def test_only_operations_that_change_the_shape_or_pool_are_rows():
    net = Net((6, 4, 4)).then("activation", (6, 4, 4)).then("max_pool", (6, 4, 4), window=Window((1, 1)))
    net.then("reshape", (6, 16)).then("reshape", (96,)).then("mean", ())
    assert [row.kind for row in net.table().layers] == ["max_pool", "reshape", "flatten", "mean"]


@pytest.mark.parametrize(
    ("before", "after"), [((28, 28), (6, 24, 24)), ((1, 28, 28), (6, 24)), ((2, 1, 28, 28), (6, 24, 24)), ((), ())]
)
def test_convolution_on_another_rank_is_counted_by_its_tensors(before, after):
    net = Net(before).conv("c", after or (6,), 6, 1, 5, 5, window=Window((0, 0)))
    net.operations[-1] = replace(net.operations[-1], shape=after)
    (row,) = net.table().layers
    assert (row.kind, row.formula) == ("convolution", "156 = 150 + 6")


def test_product_of_images_is_no_dense_layer():
    net = Net((4, 4))
    assert [row.kind for row in net.then("dense", (4, 5)).table().layers] == ["matmul"]


@pytest.mark.parametrize(
    ("kinds", "output", "count"),
    [
        ("", OutputKind.LOGITS, 0),
        ("softmax", OutputKind.PROBABILITIES, 1),
        ("log_softmax", OutputKind.LOG_PROBABILITIES, 1),
        ("softmax log", OutputKind.LOG_PROBABILITIES, 1),
        ("softmax softmax", OutputKind.PROBABILITIES, 2),
        ("softmax log_softmax", OutputKind.LOG_PROBABILITIES, 2),
        ("softmax reshape identity", OutputKind.PROBABILITIES, 1),
        ("softmax activation", OutputKind.LOGITS, 0),
        ("log", OutputKind.LOGITS, 0),
    ],
)
def test_output_kind_follows_the_last_operations(kinds, output, count):
    net = torch_lenet5()
    for kind in kinds.split():
        net.then(kind, (10,))
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


def test_table_of_the_largest_hostile_graph_takes_no_time():
    """Thousands of layers that each read thousands of tensors."""
    net = Net((4,))
    weight = net.weight("cat", None, *(net.tensor("", 2) for _ in range(3000)))
    for _ in range(300):
        weight = net.weight("cat", None, weight, *[f"n{len(net.operations) - 1}"] * 60)
    for _ in range(1500):
        net.then("mul", (4,), weight)
    start = time.perf_counter()
    table = net.table()
    assert time.perf_counter() - start < 20
    assert table.parameters == 6000
    assert sum(len(row.shared) for row in table.layers) < 150_000
