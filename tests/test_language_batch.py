"""The proof that a graph computes each image alone: what it proves is so, and what is usual is proved."""

from itertools import takewhile

import numpy as np
import pytest
from language_fuzz import Maker, computed, image_by_image
from language_nets import Net, keras_lenet5, torch_lenet5

from harness.language.batch import Mixing, mixing, placed
from harness.language.graph import IMAGES, Graph
from harness.language.sizes import N
from harness.records.errors import ArtifactError

OPERATORS_EACH = 12
OTHER_ORDER, OTHER_BATCH = [2, 0, 1], [5, 0, 2, 3]


def alone_where_proved(seed: int) -> Mixing | None:
    """Compares all values of a random graph that are proved: the numbers of an image are the same at another place, with
    other images and with more of them. Returns what the proof says of the whole."""
    graph = Maker(seed).made(OPERATORS_EACH)
    places, end = placed(graph)
    proved = {node.name for node in takewhile(lambda node: end is None or node != end.node, graph.nodes)}
    images = np.random.default_rng(seed).normal(size=(6, *graph.values[IMAGES].shape[1:]))
    batches = [images, images[:3], images[:3][OTHER_ORDER], images[OTHER_BATCH]]
    results = [computed(graph, proved, batch) for batch in batches]
    for name in places.keys() - {IMAGES}:
        value, place = graph.values[name], places[name]
        six, three, moved, four = (image_by_image(value, place, numbers[name]) for numbers in results)
        for again, before in ((three, six[:3]), (moved, three[OTHER_ORDER]), (four, six[OTHER_BATCH])):
            np.testing.assert_allclose(again, before, rtol=1e-9, atol=1e-9, err_msg=str(graph.by_name[name]))
    return mixing(graph)


@pytest.mark.parametrize("part", range(6))
def test_what_is_proved_is_so(part):
    ends = [alone_where_proved(seed) for seed in range(20 * part, 20 * part + 20)]
    assert {None, True} <= {end and end.is_certain for end in ends}


@pytest.mark.long
@pytest.mark.parametrize("part", range(50))
def test_what_is_proved_is_so_in_thousands_of_graphs(part):
    ends = [alone_where_proved(seed) for seed in range(100 * part, 100 * part + 100)]
    assert ends.count(None) > 20


def rows(net: Net) -> Net:
    """28 rows of 28 numbers each."""
    return net.reshape(N, 28, 28)


def cell(net: Net, state, step, weights):
    """One step of a recurrent layer with a gate: the new state."""
    w, u, b = weights
    both = net.emit("Add", net.emit("Gemm", step, w, b), net.emit("Gemm", state, u))
    gate, new = (net.emit("Slice", both, axis=1, start=k, end=k + 8) for k in (0, 8))
    gate = net.emit("Sigmoid", gate)
    return net.emit("Add", state, net.emit("Mul", gate, net.emit("Sub", net.emit("Tanh", new), state)))


def recurrent(net: Net, *, is_sequence_first: bool, is_reversed: bool = False) -> Net:
    rows(net)
    weights = [net.tensor("w", 28, 16), net.tensor("u", 8, 16), net.tensor("b", 16)]
    if is_sequence_first:
        net.transpose(1, 0, 2)
    if is_reversed:
        net.then("Slice", axis=0 if is_sequence_first else 1, start=0, end=28, step=-1)
    images, axis = net.last, 0 if is_sequence_first else 1
    state = net.emit("Expand", net.constant(0.0), shape=(N, 8))
    for k in range(28):
        step = net.emit("Slice", images, axis=axis, start=k, end=k + 1)
        state = cell(net, state, net.emit("Reshape", step, shape=(N, 28)), weights)
    return net.at(state).linear("out", 10)


def sequence_first_in_one_product(net: Net) -> Net:
    """The gates of all steps at once, on T*N rows, and then step by step."""
    net = rows(net).transpose(1, 0, 2).reshape(N * 28, 28).linear("gates", 8).reshape(28, N, 8)
    whole, state = net.last, None
    for k in range(28):
        step = net.emit("Reshape", net.emit("Slice", whole, axis=0, start=k, end=k + 1), shape=(N, 8))
        state = step if state is None else net.emit("Tanh", net.emit("Add", step, state))
    return net.at(state).linear("out", 10)


def rows_of_all_steps(net: Net) -> Net:
    """T*N rows, of which each step takes N."""
    net = rows(net).transpose(1, 0, 2).reshape(N * 28, 28).linear("gates", 10)
    first = net.emit("Slice", net.last, axis=0, start=N * 3, end=N * 4)
    return net.at(net.emit("Add", first, net.emit("Slice", net.last, axis=0, start=N * 27, end=N * 28)))


def attention(net: Net, *, is_sequence_first: bool = False) -> Net:
    """Two heads on 28 rows, with heads beside the images."""
    rows(net).reshape(N * 28, 28).linear("q", 8).reshape(N, 28, 2, 4)
    if is_sequence_first:
        heads = net.transpose(1, 0, 2, 3).reshape(28, N * 2, 4).transpose(1, 0, 2).last
    else:
        heads = net.transpose(0, 2, 1, 3).reshape(N * 2, 28, 4).last
    scores = net.emit("MatMul", heads, net.emit("Transpose", heads, perm=(0, 2, 1)))
    net.at(net.emit("MatMul", net.emit("Softmax", scores, axis=2), heads))
    if is_sequence_first:
        net.transpose(1, 0, 2).reshape(28, N, 8).then("ReduceMean", axes=(0,))
    else:
        net.reshape(N, 2, 28, 4).transpose(0, 2, 1, 3).reshape(N, 28, 8).then("ReduceMean", axes=(1,))
    return net.linear("out", 10)


def vision_transformer(net: Net) -> Net:
    net.conv("patches", 8, 7, stride=7).reshape(N, 8, 16).transpose(0, 2, 1)
    first = net.emit("Expand", net.tensor("class", 1, 1, 8), shape=(N, 1, 8))
    net.at(net.emit("Concat", first, net.last, axis=1)).then("Add", net.tensor("positions", 1, 17, 8))
    net.then("LayerNormalization", net.tensor("scale", 8), net.tensor("shift", 8), axis=2, epsilon=1e-5)
    scores = net.emit("MatMul", net.last, net.emit("Transpose", net.last, perm=(0, 2, 1)))
    net.at(net.emit("MatMul", net.emit("Softmax", scores, axis=2), net.last))
    return net.then("Slice", axis=1, start=0, end=1).reshape(N, 8).linear("head", 10)


def patches_by_reshape(net: Net) -> Net:
    return (
        net.reshape(N, 4, 7, 4, 7)
        .transpose(0, 1, 3, 2, 4)
        .reshape(N * 16, 49)
        .linear("each", 3)
        .reshape(N, 48)
        .linear("out", 10)
    )


def squeeze_and_excite(net: Net) -> Net:
    images = net.conv("c", 8).last
    net.then("ReduceMean", axes=(2, 3)).linear("down", 2).then("Relu").linear("up", 8).then("Sigmoid").reshape(
        N, 8, 1, 1
    )
    return net.at(net.emit("Mul", images, net.last)).then("AdaptiveAveragePool", sizes=(1, 1)).flat().linear("out", 10)


def group_norm_by_reshape(net: Net) -> Net:
    net.conv("c", 8).reshape(N, 2, 4 * 24 * 24)
    centered = net.emit("Sub", net.last, net.emit("ReduceMean", net.last, axes=(2,), keepdims=True))
    deviation = net.emit("ReduceL2", centered, axes=(2,), keepdims=True)
    return net.at(net.emit("Div", centered, deviation)).reshape(N, 8, 24, 24).flat().linear("out", 10)


def instance_norm_as_batch_norm(net: Net) -> Net:
    """Each channel of each image is a channel of its own, with scales that are repeated for each image."""
    net.conv("c", 8).reshape(1, N * 8, 24, 24)
    weights = [
        net.emit("Reshape", net.emit("Expand", net.tensor(name, 8), shape=(N, 8)), shape=(N * 8,)) for name in "ab"
    ]
    net.then("BatchNormalization", *weights, epsilon=1e-5, training=True)
    return net.reshape(N, 8, 24, 24).flat().linear("out", 10)


def shuffled_channels(net: Net) -> Net:
    net.conv("c", 8, 3, bias=False).conv("d", 8, 3, group=8, bias=False).reshape(N, 2, 4, 24, 24).transpose(
        0, 2, 1, 3, 4
    )
    return net.reshape(N, 8, 24, 24).norm("n").then("Relu").then("ReduceMean", axes=(2, 3)).linear("out", 10)


def both_ways_up(net: Net) -> Net:
    """An image and its mirror image in one batch of 2*N, and the mean of both answers."""
    mirrored = net.emit("Slice", net.last, axis=3, start=0, end=28, step=-1)
    net.at(net.emit("Concat", net.last, mirrored, axis=0)).reshape(N * 2, 784).linear("out", 10)
    halves = [net.emit("Slice", net.last, axis=0, start=N * k, end=N * (k + 1)) for k in (0, 1)]
    return net.at(net.emit("Add", *halves)).scale(0.5)


def several_times(net: Net) -> Net:
    """All images three times with different maps, and then beside each other."""
    net.reshape(N, 784).then("Tile", repeats=(3, 1)).reshape(3, N, 784)
    net.then("MatMul", net.tensor("w", 3, 784, 10)).then("ReduceSum", axes=(0,))
    return net


def images_as_columns(net: Net) -> Net:
    """W times the transposed images, as in a textbook."""
    columns = net.reshape(N, 784).transpose(1, 0).last
    return net.at(net.emit("MatMul", net.tensor("w", 10, 784), columns)).transpose(1, 0)


def images_as_flipped_rows(net: Net) -> Net:
    return net.at(net.emit("Gemm", net.tensor("w", 10, 784), net.flat().last, transB=True)).transpose(1, 0)


CODES = np.where(np.arange(840).reshape(10, 84) * 37 % 11 > 5, 1.0, -1.0)


def codes_of_classes(net: Net) -> Net:
    net.flat().linear("f6", 84).reshape(N, 1, 84)
    distance = net.emit("Sub", net.last, net.constant(CODES))
    return net.at(net.emit("ReduceSum", net.emit("Mul", distance, distance), axes=(2,))).then("Neg")


def embedding(net: Net) -> Net:
    """Brightness chooses a row of a table."""
    net.flat().then("Cast", to="int")
    net.at(net.emit("Gather", net.tensor("table", 2, 4), net.last, axis=0))
    return net.reshape(N, 784 * 4).linear("out", 10)


def spatial_transformer(net: Net) -> Net:
    images = net.last
    grid = net.emit("AffineGrid", net.flat().linear("where", 6).reshape(N, 2, 3).last, size=(N, 1, 28, 28))
    return net.at(net.emit("GridSample", images, grid)).flat().linear("out", 10)


HONEST = {
    "LeNet-5": torch_lenet5,
    "LeNet-5 in Keras": lambda _: keras_lenet5(),
    "GRU": lambda net: recurrent(net, is_sequence_first=False),
    "sequence first": lambda net: recurrent(net, is_sequence_first=True),
    "backwards": lambda net: recurrent(net, is_sequence_first=True, is_reversed=True),
    "all steps in one product": sequence_first_in_one_product,
    "rows of all steps": rows_of_all_steps,
    "attention": attention,
    "attention, sequence first": lambda net: attention(net, is_sequence_first=True),
    "vision transformer": vision_transformer,
    "patches": patches_by_reshape,
    "squeeze and excite": squeeze_and_excite,
    "group normalization by reshape": group_norm_by_reshape,
    "instance normalization as batch normalization": instance_norm_as_batch_norm,
    "depthwise, shuffled, batch normalization": shuffled_channels,
    "both ways up": both_ways_up,
    "several times": several_times,
    "images as columns": images_as_columns,
    "images as flipped rows": images_as_flipped_rows,
    "codes of the classes": codes_of_classes,
    "embedding": embedding,
    "spatial transformer": spatial_transformer,
}


@pytest.mark.parametrize("name", HONEST)
def test_usual_models_are_proved(name):
    assert mixing(HONEST[name](Net()).graph()) is None


def flat(net: Net) -> Net:
    return net.flat().linear("a", 10)


def minus_mean(net: Net) -> Graph:
    mean = net.emit("ReduceMean", flat(net).last, axes=(0,), keepdims=True)
    return net.then("Sub", mean).graph()


def covariance(net: Net) -> Graph:
    turned = net.emit("Transpose", flat(net).last, perm=(1, 0))
    return net.then("MatMul", net.emit("MatMul", turned, net.last)).graph()


def another_image(net: Net) -> Graph:
    """Each image is given the answer of the next one: what is one more row in front is cut off behind."""
    padded = net.emit("Pad", flat(net).last, pads=[(1, 0), (0, 0)])
    return net.at(padded).then("Slice", axis=0, start=0, end=N).graph()


def neighbor(net: Net) -> Graph:
    """The rows of all images in one long image, in which a filter sees the next image's."""
    net.reshape(1, 1, N * 28, 28)
    net.then("Slice", axis=2, start=0, end=N * 28, step=-1)
    return net.reshape(N, 784).linear("a", 10).graph()


def chosen_by_another(net: Net) -> Graph:
    place = net.emit("Cast", net.emit("ReduceSum", flat(net).last, axes=(1,)), to="int")
    return net.at(net.emit("Gather", net.last, place, axis=0)).graph()


def split_elsewhere(net: Net) -> Graph:
    """2*N rows, in which an image's two are after each other, taken apart as if all images came twice."""
    net.reshape(N * 2, 392).linear("a", 10)
    return net.at(net.emit("Slice", net.last, axis=0, start=0, end=N)).graph()


def joined_elsewhere(net: Net) -> Graph:
    """All images twice, read as two of each."""
    net.flat().then("Tile", repeats=(2, 1)).reshape(N, 2 * 784).linear("a", 10)
    return net.graph()


def softmax_of_the_batch(net: Net) -> Graph:
    return flat(net).then("Softmax", axis=0).graph()


def batch_statistics(net: Net) -> Graph:
    return flat(net).norm("n", training=True).graph()


def reversed_batch(net: Net) -> Graph:
    return flat(net).then("Slice", axis=0, start=0, end=N, step=-1).graph()


def always_the_first(net: Net) -> Graph:
    first = net.emit("Gather", flat(net).last, net.constant([0]), axis=0)
    return net.then("Add", first).graph()


def number_of_images(net: Net) -> Graph:
    ones = net.emit("Expand", net.constant(1.0), shape=(N, 10))
    return flat(net).then("Add", net.emit("ReduceSum", ones, axes=(0,))).graph()


def first_image(net: Net) -> Graph:
    first = net.emit("Slice", flat(net).last, axis=0, start=0, end=1)
    return net.then("Sub", first).graph()


def cut_inside(net: Net) -> Graph:
    """All images twice, four rows each, cut in the middle of an image."""
    net.flat().then("Tile", repeats=(2, 1)).reshape(N * 8, 196).linear("a", 10)
    return net.then("Slice", axis=0, start=0, end=N * 6).graph()


def added_elsewhere(net: Net) -> Graph:
    """2*N rows in two orders, added."""
    halves = net.reshape(N * 2, 392).linear("a", 10).last
    twice = net.emit("Tile", net.at(net.build.images).flat().linear("b", 10).last, repeats=(2, 1))
    return net.at(net.emit("Add", halves, twice)).reshape(N, 20).linear("c", 10).graph()


MIXING = {
    "its mean": (minus_mean, True),
    "a covariance": (covariance, True),
    "a softmax over the batch": (softmax_of_the_batch, True),
    "batch statistics": (batch_statistics, True),
    "the number of images": (number_of_images, True),
    "the first image": (first_image, True),
    "the first image by its index": (always_the_first, True),
    "the images in reverse": (reversed_batch, True),
    "another image's choice": (chosen_by_another, True),
    "rows of all images reversed": (neighbor, True),
    "half of all rows": (split_elsewhere, True),
    "the next image": (another_image, True),
    "a part of an image's rows": (cut_inside, True),
    "two orders added": (added_elsewhere, False),
    "all images twice, read as two of each": (joined_elsewhere, False),
}


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_the_batch_is_found(name):
    make, is_certain = MIXING[name]
    end = mixing(make(Net()))
    assert end is not None
    assert end.is_certain == is_certain


@pytest.mark.parametrize(
    "make",
    [
        lambda net: net.emit("Slice", net.tensor("positions", 5000, 10), axis=0, start=0, end=N),
        lambda net: net.emit("MatMul", flat(net).last, net.emit("Transpose", net.last, perm=(1, 0))),
        lambda net: net.emit("Slice", flat(net).last, axis=0, start=0, end=5),
        lambda net: net.emit("Slice", flat(net).last, axis=0, start=0, end=N, step=2),
        lambda net: net.emit("Pad", flat(net).last, pads=[(1, 0), (0, 0)], mode="reflect"),
        lambda net: net.emit("Sub", net.reshape(N, 1, 784).last, net.emit("Reshape", net.last, shape=(1, N, 784))),
    ],
    ids=["numbers by place", "all pairs", "the first five", "every other", "a mirrored batch", "all differences"],
)
def test_sizes_that_depend_on_the_batch_otherwise_are_not_in_the_language(make):
    with pytest.raises(ArtifactError):
        make(Net())


def test_an_output_that_has_the_images_elsewhere_is_not_proved():
    end = mixing(flat(Net()).transpose(1, 0).graph())
    assert end is not None
    assert not end.is_certain


def test_an_output_without_images_depends_on_none():
    net = Net()
    assert mixing(net.at(net.emit("Relu", net.tensor("t", 10))).graph()) is None
    assert mixing(net.at(net.emit("Expand", net.tensor("t", 10), shape=(N, 10))).graph()) is None
