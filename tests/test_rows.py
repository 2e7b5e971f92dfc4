"""Which operators of a model are rows of the layer table, and which are told by the row of another."""

import numpy as np
import pytest
from language_fuzz import Maker
from language_nets import Net, keras_conv
from test_language_batch import HONEST

from harness.language.dependence import macs
from harness.language.sizes import N
from harness.language.text import assembled
from harness.model.table import layer_table
from harness.model.visible import visible
from harness.records.errors import ArtifactError
from harness.records.framework import Framework


def test_only_operators_that_change_the_shape_or_pool_are_rows():
    net = Net(6, 4, 4).then("Relu").pool(kernel=1)
    net.reshape(N, 6, 16).reshape(N, 96).then("Tanh").then("ReduceMean", axes=(1,))
    assert [row.kind for row in net.table().layers] == ["max_pool", "flatten", "mean"]
    assert [row.kind for row in Net(6, 4, 4).reshape(N, 6, 16).table().layers] == ["reshape"]


@pytest.mark.parametrize(
    ("operator", "settings", "kind"),
    [
        ("Slice", {"axis": 2, "start": 0, "end": 28, "step": -1}, "slice"),
        ("Slice", {"axis": 3, "start": 2, "end": 26}, "slice"),
        ("Transpose", {"perm": (0, 1, 3, 2)}, "transpose"),
        ("Tile", {"repeats": (1, 3, 1, 1)}, "tile"),
        ("Resize", {"sizes": (28, 28), "mode": "linear", "coordinates": "half_pixel"}, "resize"),
        ("Expand", {"shape": (N, 3, 28, 28)}, "expand"),
    ],
)
def test_what_crops_repeats_or_reorders_images_is_a_row(operator, settings, kind):
    (row,) = Net().then(operator, **settings).table().layers
    assert (row.kind, row.input_shape) == (kind, (1, 28, 28))


def test_what_gathers_or_samples_images_is_a_row():
    net = Net()
    net.then("Gather", net.constant([0]), axis=1)
    grid = net.emit("Expand", net.constant(np.zeros((28, 28, 2))), shape=(N, 28, 28, 2))
    assert [row.kind for row in net.then("GridSample", grid).table().layers] == ["gather", "grid_sample"]


def test_a_fixed_matrix_in_front_is_a_row_with_its_products():
    net = Net().reshape(N, 784)
    net.then("Gemm", net.emit("Cast", net.emit("Less", net.tensor("a", 784, 1), net.tensor("b", 784)), to="float"))
    first, row = net.table().layers
    assert (first.kind, row.kind, row.macs, row.parameters) == ("flatten", "dense", 784 * 784, 1568)
    net = Net().reshape(N, 784)
    row = net.then("MatMul", net.emit("Expand", net.constant(0.5), shape=(784, 784))).table().layers[-1]
    assert (row.kind, row.macs) == ("matmul", 784 * 784)


def test_a_transpose_that_moves_nothing_of_an_image_is_no_row():
    assert [row.kind for row in Net(28, 28).transpose(1, 0, 2).linear_rows().table().layers] == ["dense"]
    assert Net(28, 28, 1).transpose(0, 3, 1, 2).table().layers == ()
    assert [row.kind for row in Net(28, 28).transpose(0, 2, 1).table().layers] == ["transpose"]


def test_images_with_their_channels_last_are_told_with_channels_first():
    net = keras_conv(Net(784).reshape(N, 28, 28, 1), "c", 6)
    first, second = net.table().layers
    assert [(row.kind, row.output_shape) for row in (first, second)] == [
        ("reshape", (1, 28, 28)),
        ("conv2d", (6, 24, 24)),
    ]


def test_equal_parts_of_one_value_are_one_row():
    net = Net(28, 28)
    parts = [net.emit("Slice", net.last, axis=1, start=k, end=k + 1) for k in range(28)]
    parts = [net.emit("Reshape", part, shape=(N, 28)) for part in parts]
    total = parts[0]
    for part in parts[1:]:
        total = net.emit("Max", total, part)
    rows = [(row.kind, row.input_shape, row.output_shape) for row in net.at(total).table().layers]
    assert rows == [("split", (28, 28), (28,))]


def test_values_that_are_given_an_axis_and_put_together_are_one_row():
    net = Net(28)
    parts = [net.emit("Reshape", net.emit(name, net.last), shape=(N, 1, 28)) for name in ("Relu", "Tanh", "Sin")]
    rows = net.at(net.emit("Concat", *parts, axis=1)).table().layers
    assert [(row.kind, row.input_shape, row.output_shape) for row in rows] == [("stack", (28,), (3, 28))]


def test_some_parts_of_one_value_are_a_row_each():
    net = Net(28)
    first, second = (net.emit("Slice", net.last, axis=1, start=k, end=k + 7) for k in (0, 14))
    rows = net.at(net.emit("Add", first, second)).table().layers
    assert [(row.kind, row.output_shape) for row in rows] == [("slice", (7,))] * 2


def test_rows_of_all_images_together_are_counted_for_one_image():
    """28 rows of each image, folded into the axis of the images."""
    (row,) = Net(28, 28).transpose(1, 0, 2).linear_rows().table().layers
    assert (row.input_shape, row.output_shape, row.macs) == ((28, 28), (28, 5), 28 * 28 * 5)


@pytest.mark.parametrize("name", HONEST)
def test_everything_is_counted_once(name):
    """The rows have all parameters and all multiply-accumulates of a model."""
    model = HONEST[name](Net()).model()
    table = layer_table(model)
    assert table.macs == sum(macs(model.evaluation).values())
    assert table.parameters == sum(tensor.size for tensor in model.tensors if tensor.trainable)


@pytest.mark.parametrize("part", range(4))
def test_any_graph_has_rows_or_is_refused(part):
    for seed in range(50 * part, 50 * part + 50):
        maker = Maker(seed)
        graph = maker.made(12)
        model = assembled(Framework.TORCH, maker.build.input_shape, (), graph, graph)
        try:
            table = layer_table(model)
        except ArtifactError as error:
            assert error.unsupported
        else:
            assert table.macs == sum(macs(graph).values())
            assert len(visible(model)) <= len(table.layers)
