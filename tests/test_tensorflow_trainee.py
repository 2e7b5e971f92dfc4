"""A model of the language trained by TensorFlow: as a plain loop trains it, and the same in each repeat."""

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

import safetensors.numpy
from keras_lenet import keras_lenet
from lowered_lenet import ADAM, SGD, initial, lenet, pixels

from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import keras, tf
from harness.backends.tensorflow.trainee import load, reader
from harness.jobs.trainee import Task
from harness.language import interpreter
from harness.language.builder import Builder
from harness.language.text import assembled, model_text
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Tensor, TensorKind

pytestmark = pytest.mark.frameworks

use_one_thread()  # before TensorFlow computes anything


def apart(found, expected):
    return np.abs(np.asarray(found) - np.asarray(expected)).max() / max(1.0, np.abs(np.asarray(expected)).max())


def trainee(model, seed=0, optimizer=ADAM):
    return load(Task(model_text(model), safetensors.numpy.save(initial(model)), OutputKind.LOGITS, optimizer, seed))


def pixels_last(count):
    images, labels = pixels(count)
    return images.transpose(0, 2, 3, 1), labels


def plain_lenet(w, images):
    """As anyone would write it."""
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(images, w["t0"], 1, "SAME") + w["t1"]), 2, 2, "VALID")
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, w["t2"], 1, "VALID") + w["t3"]), 2, 2, "VALID")
    x = tf.nn.relu(tf.reshape(x, [-1, 400]) @ w["t4"] + w["t5"])
    return tf.nn.relu(x @ w["t6"] + w["t7"]) @ w["t8"] + w["t9"]


def test_lenet_trains_as_a_plain_loop_does():
    images, labels = pixels_last(256)
    model = keras_lenet()
    ours = trainee(model, optimizer=SGD)
    losses = ours.train_epoch(images, labels, np.arange(256), 32, np.ones(8))
    weights = {name: tf.Variable(array) for name, array in initial(model).items()}
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    expected = []
    for start in range(0, 256, 32):
        with tf.GradientTape() as tape:
            outputs = plain_lenet(weights, tf.constant(images[start : start + 32], tf.float32) / 255)
            targets = labels[start : start + 32].astype(np.int64)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs))
        optimizer.apply_gradients(zip(tape.gradient(loss, list(weights.values())), weights.values(), strict=True))
        expected.append(float(loss))
    assert losses == pytest.approx(expected, rel=1e-4)
    for name, array in ours.weights().items():
        assert apart(array, weights[name]) < 1e-4
        assert apart(initial(model)[name], weights[name]) > 1e-2


def test_statistics_of_a_trainee_are_updated_and_in_its_state():
    statistics = [Tensor(f"t{k}", TensorKind.BUFFER, False, (10,), "F32") for k in (10, 11)]
    model = with_normal_outputs(statistics)
    weights = initial(model) | {"t10": np.zeros(10, np.float32), "t11": np.ones(10, np.float32)}
    one = load(Task(model_text(model), safetensors.numpy.save(weights), OutputKind.LOGITS, ADAM, 0))
    images, labels = pixels(8)
    batch = images.astype(np.float64) / 255
    expected = interpreter.run(model.training, weights, batch).updates
    one.gradients(images, labels)
    after = safetensors.numpy.load(one.state())
    assert all(apart(after[name], value) < 1e-5 for name, value in expected.items())
    assert apart(after["t0"], weights["t0"]) == 0


def with_normal_outputs(statistics):
    """LeNet-5 whose outputs are normalized."""
    model = lenet(framework=Framework.TENSORFLOW)
    tensors, graphs = [*model.tensors, *statistics], []
    for graph, is_training in ((model.training, True), (model.evaluation, False)):
        build = Builder((1, 28, 28), tensors)
        values = dict(build.values)
        for node in graph.nodes:
            values[node.name] = build.emit(node.operator, *(values[name] for name in node.inputs), **node.attributes)
        one, zero = build.constant(np.ones(10)), build.constant(np.zeros(10))
        settings = {"epsilon": 1e-3, "momentum": 0.9, "training": is_training}
        inputs = (values[graph.output], one, zero, values["t10"], values["t11"])
        graphs.append(build.finish(build.emit("BatchNormalization", *inputs, **settings)).graph)
    return assembled(Framework.TENSORFLOW, (1, 28, 28), tensors, *graphs)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_repeats_are_bit_identical_and_seeds_differ_where_numbers_are_drawn(rate):
    images, labels = pixels_last(128)
    states = []
    for seed in (0, 0, 1):
        one = trainee(keras_lenet(rate), seed)
        losses = one.train_epoch(images, labels, np.arange(128), 32, np.ones(4))
        states.append((losses.tobytes(), one.state(), one.predict(images).tobytes()))
    assert states[0] == states[1]
    assert (states[0] == states[2]) is (rate == 0)


def test_an_evaluation_that_draws_changes_no_training():
    images, labels = pixels_last(64)
    states = []
    for looks in (0, 3):
        one = trainee(keras_lenet(0.5))
        for _ in range(looks):
            one.predict(images)
        one.train_epoch(images, labels, np.arange(64), 32, np.ones(2))
        states.append(one.state())
    assert states[0] == states[1]


def test_values_of_nodes_are_kept_by_name_as_the_language_has_them():
    model = keras_lenet()
    graph = model.evaluation
    names = [node.name for node in graph.nodes if node.operator in ("MaxPool", "Gemm")]
    weights, images = initial(model), np.random.default_rng(0).random((4, 28, 28, 1), dtype=np.float32)
    found = reader(model_text(model), safetensors.numpy.save(weights), names)(images)
    expected = interpreter.run(graph, weights, images, keep=names).kept
    assert list(found) == names
    assert found[names[0]].shape == (4, 6, 14, 14)
    for name, array in found.items():
        assert array.dtype == np.float32
        assert apart(array, expected[name]) < 1e-5


def test_state_has_every_tensor_in_its_own_type():
    extra = Tensor("t10", TensorKind.BUFFER, False, (), "I64"), Tensor("t11", TensorKind.CONSTANT, False, (2,), "F64")
    model = lenet(more=extra, framework=Framework.TENSORFLOW)
    weights = {**initial(lenet()), "t10": np.array(7), "t11": np.array([0.1, 0.2])}
    one = load(Task(model_text(model), safetensors.numpy.save(weights), OutputKind.LOGITS, ADAM, 0))
    after = safetensors.numpy.load(one.state())
    assert {n: (a.dtype, a.shape) for n, a in after.items()} == {n: (a.dtype, a.shape) for n, a in weights.items()}
    assert all(np.array_equal(after[name], array) for name, array in weights.items())


def test_gradients_of_a_tensor_that_training_does_not_read_are_zero():
    model = lenet(more=[Tensor("t10", TensorKind.PARAMETER, True, (3,), "F32")], framework=Framework.TENSORFLOW)
    weights = {**initial(lenet()), "t10": np.ones(3, np.float32)}
    one = load(Task(model_text(model), safetensors.numpy.save(weights), OutputKind.LOGITS, ADAM, 0))
    gradients = one.gradients(*pixels(4))[1]
    assert not gradients["t10"].any()
    assert gradients["t0"].any()
