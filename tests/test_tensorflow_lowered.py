"""The language in TensorFlow's operators: equal to the interpreter wherever the axes are, to Keras' own layers, and from
run to run."""

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

from keras_lenet import keras_lenet
from lowered_cases import CASES, Case, drawn, window
from lowered_lenet import initial

from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import keras, tf
from harness.backends.tensorflow.lowered import LOWERED, given, run, seeded
from harness.language import interpreter
from harness.language.builder import Builder
from harness.language.checking import checked
from harness.language.operators import OPERATORS
from harness.language.sizes import N, at
from harness.records.graph import Tensor, TensorKind

pytestmark = pytest.mark.frameworks

use_one_thread()  # before TensorFlow computes anything


def convolution(*sizes, **others):
    settings = window(*sizes, **others)
    del settings["kernel_shape"]
    return settings


WINDOWS = (
    Case("Conv", ((4, 9, 8), (5, 4, 3, 3)), convolution(3, 3, pads=((1, 1), (1, 1)))),
    Case("Conv", ((4, 9, 8), (5, 4, 4, 5)), convolution(4, 5, pads=((1, 2), (2, 2)))),
    Case("Conv", ((4, 9, 8), (8, 1, 3, 3)), convolution(3, 3, group=4, pads=((1, 1), (0, 2)))),
    Case("Conv", ((4, 9, 8), (4, 1, 3, 3)), convolution(3, 3, group=4, strides=(1, 2), dilations=(2, 1))),
    Case("Conv", ((4, 9), (8, 1, 3)), convolution(3, group=4, strides=(2,), pads=((1, 1),))),
    Case("Conv", ((4, 5, 6, 7), (4, 2, 2, 3, 3)), convolution(2, 3, 3, group=2)),
    Case("ConvTranspose", ((4, 5, 6), (4, 3, 3, 3)), convolution(3, 3, strides=(2, 2), output_padding=(0, 0))),
    Case("ConvTranspose", ((4, 5, 6), (4, 3, 3, 3)),
         convolution(3, 3, strides=(2, 2), pads=((0, 1), (0, 1)), output_padding=(0, 0))),
    Case("ConvTranspose", ((4, 5, 6), (4, 3, 3, 2)),
         convolution(3, 2, strides=(3, 1), pads=((2, 0), (0, 1)), dilations=(1, 2), output_padding=(2, 1))),
    Case("MaxPool", ((3, 8, 9),), window(3, 2, strides=(2, 2), pads=((0, 1), (0, 1)))),
    Case("Add", ((3, 5), (4, 1, 1, 1))),
    Case("Add", ((4, 1, 5), (2, 1, 1, 3, 1))),
    Case("MatMul", ((5, 3, 4), (4, 2))),
    Case("MatMul", ((4,), (2, 4, 2))),
    Case("Gather", ((3, 4), (2, 3)), {"axis": 2}, whole=(1,)),
)  # fmt: skip
EVERY = (*CASES, *WINDOWS)


def written(build, operator, inputs, **attributes):
    """A node as it is, not simplified."""
    read, shape, kind = checked(operator, inputs, attributes)
    return build.write(operator, inputs, read, shape, kind)


def elsewhere(graph, arrays):
    """The same graph with the images, the tensors and the result of each node stored with their axes in another order,
    as they are in Keras: a transpose before each node that reads them, and one after it."""
    orders = {name: order(len(value.shape)) for name, value in graph.values.items()}
    moved = {name: array.transpose(orders[name]) for name, array in arrays.items()}
    types = {"f": "F32", "i": "I64", "b": "BOOL"}
    tensors = [Tensor(name, TensorKind.PARAMETER, False, array.shape, types[array.dtype.kind])
               for name, array in moved.items() if name != "images"]  # fmt: skip
    shape = [graph.values["images"].shape[axis] for axis in orders["images"]]
    build = Builder(tuple(shape[1:]), tensors)
    values = dict(build.values) | {name: build.constant(numbers) for name, numbers in graph.numbers.items()}
    for node in graph.nodes:
        inputs = [back(build, values[name], orders.get(name), name in graph.numbers) for name in node.inputs]
        result = written(build, node.operator, inputs, **node.attributes)
        perm = orders[node.name]
        values[node.name] = written(build, "Transpose", [result], perm=perm) if len(perm) > 1 else result
    output = back(build, values[graph.output], orders[graph.output], False)
    return build.finish(output).graph, moved


def order(rank):
    """Channels last, and a matrix of weights transposed."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def back(build, value, perm, is_constant):
    if is_constant or len(perm) < 3:
        return value
    return written(build, "Transpose", [value], perm=tuple(perm.index(axis) for axis in range(len(perm))))


def constants(arrays, dtype=tf.float64):
    return {name: tf.constant(array, dtype if array.dtype.kind == "f" else None) for name, array in arrays.items()}


def apart(found, expected):
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return np.inf
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    finite = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    return np.abs(np.where(same, 0, found - np.where(same, 0, expected))).max(initial=0) / finite


def test_each_operator_of_the_language_is_lowered_and_tried():
    assert set(LOWERED) == set(OPERATORS) == {case.operator for case in EVERY}


@pytest.mark.parametrize("is_moved", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("case", EVERY, ids=str)
def test_lowered_equals_the_interpreter(case, is_moved):
    graph, arrays = case.graph(), dict(zip(("images", "t1", "t2", "t3", "t4"), case.arrays(), strict=False))
    if is_moved:
        graph, arrays = elsewhere(graph, arrays)
    images = arrays.pop("images")
    expected = interpreter.run(graph, arrays, images, drawn(graph))
    for dtype, within in ((tf.float64, 1e-10), (tf.float32, 1e-5)):
        found = run(graph, constants(arrays, dtype), tf.constant(images, dtype), given(drawn(graph)))
        assert apart(found.output, expected.output) < within
        assert found.output.dtype == dtype or found.output.dtype in (tf.int64, tf.bool)
        assert found.updated.keys() == expected.updates.keys()
        assert all(apart(found.updated[name], value) < within for name, value in expected.updates.items())


SMOOTH = [case for case in EVERY if not OPERATORS[case.operator].is_random and case.operator != "StopGradient"]


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_gradients_are_the_slopes_of_the_interpreter(case):
    """Inside of a function that is traced for any number of images, as in training."""
    graph, arrays = elsewhere(case.graph(), dict(zip(("images", "t1", "t2", "t3", "t4"), case.arrays(), strict=False)))
    if graph.values[graph.output].kind != "float":
        return
    floats = [name for name, array in arrays.items() if array.dtype.kind == "f" and name in graph.values]
    chance = np.random.default_rng(2)
    direction = chance.standard_normal(at(graph.values[graph.output].shape, len(arrays["images"])))
    gradients = gradients_of(graph, arrays, floats, direction)
    for name in floats:
        way = chance.standard_normal(arrays[name].shape)
        ahead, behind = (total(graph, arrays | {name: arrays[name] + step * way}, direction) for step in (1e-6, -1e-6))
        slope = (ahead - behind) / 2e-6
        assert np.sum(gradients[name] * way) == pytest.approx(slope, rel=1e-4, abs=1e-5)


def gradients_of(graph, arrays, floats, direction):
    @tf.function(input_signature=[tf.TensorSpec([None, *arrays["images"].shape[1:]], tf.float64)], autograph=False)
    def traced(images):
        tensors = constants({name: array for name, array in arrays.items() if name != "images"})
        inputs = [images if name == "images" else tensors[name] for name in floats]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            sum_ = tf.reduce_sum(run(graph, tensors, images, given({})).output * direction)
        return tape.gradient(sum_, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    found = [tf.convert_to_tensor(gradient).numpy() for gradient in traced(arrays["images"])]
    return dict(zip(floats, found, strict=True))


def total(graph, arrays, direction):
    weights = {name: array for name, array in arrays.items() if name != "images"}
    return np.sum(interpreter.run(graph, weights, arrays["images"]).output * direction)


@pytest.mark.parametrize("operator", ["Conv", "ConvTranspose", "MaxPool", "GridSample"])
def test_images_that_are_no_batch(operator):
    """A tensor in the place of the images: its first axis is not the number of images."""
    case = next(case for case in CASES if case.operator == operator and len(case.shapes[0]) == 3)
    shapes = [(2, *case.shapes[0]), *((2, *case.shapes[k]) if k in case.batched else case.shapes[k]
                                      for k in range(1, len(case.shapes)))]  # fmt: skip
    chance = np.random.default_rng(0)
    weights = {f"t{k}": chance.standard_normal(shape) for k, shape in enumerate(shapes)}
    build = Builder((7,), [Tensor(name, TensorKind.PARAMETER, False, a.shape, "F32") for name, a in weights.items()])
    graph = build.finish(build.emit(operator, *(build.values[name] for name in weights), **case.attributes)).graph
    expected = interpreter.run(graph, weights, np.zeros((5, 7))).output
    assert apart(run(graph, constants(weights), tf.zeros((5, 7), tf.float64), given({})).output, expected) < 1e-10


@pytest.mark.parametrize(
    ("bounds", "splits"),
    [
        ([(k, k + 1) for k in range(6)], 1),
        ([(4, 6), (0, 1), (1, 3)], 1),
        ([(0, 6), (2, 3)], 0),
        ([(0, 4), (3, 6)], 0),
        ([(2, 3)], 0),
    ],
)
def test_slices_that_cut_an_axis_into_parts_are_one_split(bounds, splits):
    build = Builder((6, 3), [])
    parts = [build.emit("Slice", build.images, axis=1, start=start, end=end) for start, end in bounds]
    graph = build.finish(build.emit("Concat", *(build.emit("Exp", part) for part in parts), axis=1)).graph

    @tf.function(input_signature=[tf.TensorSpec([None, 6, 3], tf.float64)], autograph=False)
    def traced(images):
        return run(graph, {}, images, given({})).output

    images = np.random.default_rng(0).random((4, 6, 3))
    assert apart(traced(images), interpreter.run(graph, {}, images).output) < 1e-12
    operators = [node.op for node in traced.get_concrete_function().graph.as_graph_def().node]
    assert operators.count("Split") + operators.count("SplitV") == splits
    of_count = 1  # the number of images, from their shape
    assert operators.count("StridedSlice") - of_count == (0 if splits else len(set(bounds) - {(0, 6)}))


def test_a_transpose_of_weights_and_images_costs_nothing():
    """LeNet-5 as Keras has it: no transposes are left in the traced graph."""
    model = keras_lenet()

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1])], autograph=False)
    def traced(images):
        return run(model.evaluation, constants(initial(model), tf.float32), images, given({})).output

    operators = [node.op for node in traced.get_concrete_function().graph.as_graph_def().node]
    assert operators.count("Conv2D") == 2
    assert not {"Transpose", "Pad"} & set(operators)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (5, 6, 4)], ids=str)
def test_statistics_equal_those_of_keras_own_layer(shape):
    tensors = [Tensor(f"t{k}", TensorKind.BUFFER, False, (4,), "F32") for k in range(4)]
    build = Builder(shape, tensors)
    rank = len(shape) + 1
    first = build.emit("Transpose", build.images, perm=(0, rank - 1, *range(1, rank - 1)))
    values = [build.values[f"t{k}"] for k in range(4)]
    settings = {"epsilon": 1e-3, "momentum": 0.99, "training": True}
    graph = build.finish(build.emit("BatchNormalization", first, *values, **settings)).graph
    layer = keras.layers.BatchNormalization()
    images = np.random.default_rng(0).normal(1.0, 3.0, (6, *shape)).astype(np.float32)
    now = {"t0": np.ones(4), "t1": np.zeros(4), "t2": np.zeros(4), "t3": np.ones(4)}
    for _ in range(3):
        result = run(graph, constants(now, tf.float32), tf.constant(images), given({}))
        expected = layer(images, training=True).numpy()
        assert apart(result.output, np.moveaxis(expected, -1, 1)) < 1e-5
        now |= {name: value.numpy() for name, value in result.updated.items()}
        images = images + 1
    assert apart(now["t2"], layer.moving_mean.numpy()) < 1e-6
    assert apart(now["t3"], layer.moving_variance.numpy()) < 1e-6


def test_a_layer_used_twice_updates_twice_and_others_read_what_was_before():
    build = Builder((4,), [Tensor(f"t{k}", TensorKind.BUFFER, False, (4,), "F32") for k in range(4)])
    scale, shift, mean, var = (build.values[f"t{k}"] for k in range(4))
    settings = {"epsilon": 1e-5, "momentum": 0.9, "unbiased": True, "training": True}
    once = build.emit("BatchNormalization", build.images, scale, shift, mean, var, **settings)
    twice = build.emit("BatchNormalization", build.emit("Exp", once), scale, shift, mean, var, **settings)
    graph = build.finish(build.emit("Add", twice, build.emit("Mul", mean, var))).graph
    chance = np.random.default_rng(0)
    images, weights = chance.random((5, 4)), {f"t{k}": chance.random(4) for k in range(4)}
    expected = interpreter.run(graph, weights, images)
    found = run(graph, constants(weights), tf.constant(images), given({}))
    assert apart(found.output, expected.output) < 1e-12
    assert all(apart(found.updated[name], array) < 1e-12 for name, array in expected.updates.items())
    assert not np.allclose(found.updated["t2"], weights["t2"])


@pytest.mark.parametrize("operator, settings, mean, spread", [
    ("Dropout", {"ratio": 0.3}, 1.0, (0.3 / 0.7) ** 0.5),
    ("RandomUniform", {"low": -1.0, "high": 2.0}, 0.5, 3 / 12**0.5),
    ("RandomNormal", {"mean": 1.0, "scale": 2.0}, 1.0, 2.0),
    ("Bernoulli", {"p": 0.3}, 0.3, 0.21**0.5),
])  # fmt: skip
def test_random_numbers_have_the_distribution_that_the_table_says(operator, settings, mean, spread):
    build = Builder((50, 20), [])
    shape = {} if operator == "Dropout" else {"shape": (N, 50, 20)}
    inputs = [build.images] if operator == "Dropout" else []
    once, again = (build.emit(operator, *inputs, **shape, **settings) for _ in range(2))
    graph = build.finish(build.emit("Add", once, build.emit("Mul", again, build.constant(0.0)))).graph
    draws = [seeded(graph, 5, tf.constant(step, tf.int64), tf.float32) for step in (1, 1, 2)]
    names = [node.name for node in graph.nodes if node.operator == operator]
    kept = [run(graph, {}, tf.ones((100, 50, 20)), each, names).kept for each in draws]
    first, second = (kept[0][name].numpy() for name in names)
    assert np.array_equal(first, kept[1][names[0]])
    assert not np.array_equal(first, kept[2][names[0]])
    assert not np.array_equal(first, second)
    assert first.mean() == pytest.approx(mean, abs=5 * spread / first.size**0.5)
    assert first.std() == pytest.approx(spread, rel=0.02)
