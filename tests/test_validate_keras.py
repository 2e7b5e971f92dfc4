"""A translation of a Keras model agrees with TensorFlow's own graph; a wrong one is found, whatever is wrong about it."""

import json

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

from harness.artifact.tensorflow.translator import translate
from harness.backends.source import Sources
from harness.backends.tensorflow import backend
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.doubles import DOUBLES
from harness.backends.tensorflow.imported import keras, tf
from harness.child.validate import read_weights, validate
from harness.jobs.validate import GRADIENTS_WITHIN, OUTPUTS_WITHIN, STATISTICS_WITHIN, ValidateRequest
from harness.language.text import assembled, model_text, read, written
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind
from harness.records.submission import SourceFile

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore::UserWarning:keras")]

use_one_thread()  # before TensorFlow computes anything

CODE = b"""
import keras
from keras import layers as L
def build_model():
    images = L.Input((28, 28, 1))
    x = L.Conv2D(4, 5, strides=4, padding="same")(images)
    x = L.BatchNormalization(momentum=0.9)(x)
    x = x * keras.ops.stop_gradient(keras.ops.sigmoid(x))
    x = L.AveragePooling2D(3, 2, padding="same")(L.LeakyReLU(0.2)(x))
    x = L.GaussianNoise(0.1)(L.Dropout(0.3)(L.Flatten()(x)))
    x = L.Dense(20, activation="tanh")(x)
    x = L.Dense(20, activation="elu")(x)
    x = L.Dense(20, activation="tanh")(x)
    return keras.Model(images, L.Dense(10)(x))
"""


@pytest.fixture(scope="module")
def artifact():
    return backend.build(Sources([SourceFile("model.py", CODE)], "model.py", Framework.TENSORFLOW), 0)


def tensors(artifact):
    specs = json.loads(artifact.graph)["tensors"]
    return {name: Tensor(name, TensorKind(s["kind"]), s["trainable"], tuple(s["shape"]), s["dtype"])
            for name, s in specs.items()}  # fmt: skip


def translations(artifact):
    raw, given = json.loads(artifact.graph), tensors(artifact)
    return [translate(raw[mode], given, tuple(raw["input"]), is_training=mode == "train") for mode in ("train", "eval")]


def request(artifact, change=lambda nodes: None, modes=("training", "evaluation")):
    """The translation, after `change` was made to the nodes of these modes."""
    training, evaluation = translations(artifact)
    graphs = [
        changed(each.graph, tensors(artifact), change) if mode in modes else each.graph
        for each, mode in ((training, "training"), (evaluation, "evaluation"))
    ]
    model = assembled(Framework.TENSORFLOW, (28, 28, 1), list(tensors(artifact).values()), *graphs)
    draws = dict(training.draws), dict(evaluation.draws)
    return ValidateRequest(Framework.TENSORFLOW, artifact.graph, model_text(model), artifact.weights[0], *draws)


def changed(graph, given, change):
    content = written(graph)
    change(content["nodes"])
    return read(content, (28, 28, 1), list(given.values()))


def test_a_right_translation_agrees_far_within_the_limits(artifact):
    answer = validate(backend, request(artifact))
    assert answer.agrees
    assert answer.outputs < OUTPUTS_WITHIN / 10
    assert answer.gradients < GRADIENTS_WITHIN / 10
    assert answer.statistics < STATISTICS_WITHIN / 10


def setting(operator, **attributes):
    """All operators of this name have these attributes."""

    def change(nodes):
        found = [node for node in nodes if node[0] == operator]
        assert found or operator in ("Dropout", "RandomNormal")
        for node in found:
            node[2].update(attributes)

    return change


def through(nodes):
    """Gradients go through where they should stop."""
    (stopping,) = (node for node in nodes if node[0] == "StopGradient")
    stopping[0], stopping[2] = "Clip", {"min": None, "max": None}


def exchanged(nodes):
    """Two layers of the same shape have each other's weights."""
    first, second = [node for node in nodes if node[0] == "Gemm"][1:3]
    assert first[1][1] != second[1][1]
    first[1][1], second[1][1] = second[1][1], first[1][1]


def still(nodes):
    """Statistics are not updated."""
    for node in nodes:
        if node[0] == "BatchNormalization" and node[2]["training"]:
            del node[1][3:]


WRONG = {
    "pads on the other sides": (setting("Conv", pads=[[1, 0], [1, 0]]), "outputs", "outputs in"),
    "another epsilon": (setting("BatchNormalization", epsilon=1e-5), "outputs", "outputs in"),
    "another momentum": (setting("BatchNormalization", momentum=0.99), "statistics", "after training"),
    "a variance divided by n - 1": (setting("BatchNormalization", unbiased=True), "statistics", "after training"),
    "statistics that stay": (still, "statistics", "after training"),
    "gradients that are not stopped": (through, "gradients", "gradient of"),
    "another slope": (setting("LeakyRelu", alpha=0.3), "outputs", "outputs in"),
    "another activation": (setting("Elu", alpha=0.9), "outputs", "outputs in"),
    "pads that are counted": (setting("AveragePool", count_include_pad=True), "outputs", "outputs in"),
    "another dropout": (setting("Dropout", ratio=0.5), "outputs", "outputs in training"),
    "weights of another layer": (exchanged, "outputs", "outputs in"),
}


@pytest.mark.parametrize(("change", "kind", "where"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_translation_is_found(artifact, change, kind, where):
    answer = validate(backend, request(artifact, change))
    limits = {"outputs": OUTPUTS_WITHIN, "gradients": GRADIENTS_WITHIN, "statistics": STATISTICS_WITHIN}
    assert not answer.agrees
    assert getattr(answer, kind) > 10 * limits[kind]
    assert where in answer.worst


@pytest.mark.parametrize("mode", ["training", "evaluation"])
def test_a_difference_in_one_mode_is_found(artifact, mode):
    answer = validate(backend, request(artifact, setting("Elu", alpha=0.5), [mode]))
    assert not answer.agrees
    assert f"outputs in {mode}" in answer.worst


def test_the_original_draws_the_same_numbers_in_each_pass_and_its_tensors_stay(artifact):
    given = request(artifact)
    weights = read_weights(artifact.weights[0])
    original, images = backend.original(artifact.graph, weights), np.random.default_rng(0).random((3, 28, 28, 1))
    first, second = (original.run(True, images, np.ones((3, 10)), given.training_draws) for _ in range(2))
    assert set(first.drawn) == set(given.training_draws)
    assert all(array.std() > 0.1 for array in first.drawn.values())
    assert np.array_equal(first.outputs, second.outputs)
    assert all(np.array_equal(array, second.drawn[name]) for name, array in first.drawn.items())
    written_to = [name for name, array in first.tensors.items() if not np.array_equal(array, weights[name])]
    assert all(np.array_equal(first.tensors[name], second.tensors[name]) for name in written_to)
    assert sum(tensors(artifact)[name].is_float for name in written_to) == 2
    dtypes = {array.dtype for each in (first.tensors, first.gradients, first.drawn) for array in each.values()}
    assert {dtype for dtype in dtypes if dtype.kind == "f"} == {np.dtype(np.float64)} == {first.outputs.dtype}


def test_the_original_equals_the_model_in_float32(artifact):
    weights = read_weights(artifact.weights[0])
    images = np.random.default_rng(0).random((3, 28, 28, 1))
    outputs = backend.original(artifact.graph, weights).run(False, images, None, {}).outputs
    keras.utils.set_random_seed(0)  # as the build does
    namespace = {}
    exec(CODE, namespace)
    model = namespace["build_model"]()
    assert model(images.astype(np.float32), training=False).numpy() == pytest.approx(outputs, abs=1e-5)


def filters(*shape):
    return {"input": (2, 9, 8, 4), "filter": shape}


SAME = {"strides": [1, 2, 2, 1], "padding": "SAME"}
VALID = {"strides": [1, 1, 1, 1], "padding": "VALID"}
EXPLICIT = {"strides": [1, 2, 2, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 2, 0, 1, 0, 0]}
CUBE = {"ksize": [1, 2, 3, 2, 1], "strides": [1, 2, 1, 1, 1]}
MOVED = [[1.2345, 0.3171, -2.1173, -0.2137, 0.8191, 3.3377, 0.0117, 0.0213],
         [0.7123, -0.6177, 4.1391, 0.6113, 0.7191, -7.3717, 0, 0]]  # fmt: skip
OWN = [
    *[("Conv2D", filters(3, 2, 4, 5), settings) for settings in (SAME, VALID, EXPLICIT)],
    *[("Conv2D", filters(3, 2, 4, 5), settings | {"dilations": [1, 2, 2, 1]}) for settings in (VALID,)],
    *[("Conv2D", filters(3, 2, 2, 6), settings) for settings in (SAME, VALID)],
    *[("DepthwiseConv2dNative", filters(3, 2, 4, 2), settings) for settings in (SAME, VALID, EXPLICIT)],
    *[("MaxPool3D", {"input": (2, 5, 6, 7, 3)}, CUBE | {"padding": padding}) for padding in ("SAME", "VALID")],
    *[("AvgPool3D", {"input": (2, 5, 6, 7, 3)}, CUBE | {"padding": padding}) for padding in ("SAME", "VALID")],
    ("LRN", {"input": (2, 3, 3, 9)}, {"depth_radius": 2, "alpha": 0.3, "beta": 0.75, "bias": 1.5}),
    ("LRN", {"input": (2, 3, 3, 3)}, {"depth_radius": 4}),
    *[
        ("ResizeBilinear", {"images": (2, 6, 7, 3)}, {"size": size, **how})
        for size in ([9, 4], [1, 1])
        for how in ({}, {"align_corners": True}, {"half_pixel_centers": True})
    ],
    *[
        (
            "Conv2DBackpropInput",
            {"filter": (3, 2, 5, 4), "out_backprop": (2, 9, 8, 4)},
            {"input_sizes": [2, 13, 10, 5], "strides": [1, 1, 1, 1], "padding": "VALID", "dilations": [1, 2, 2, 1]},
        )
    ],
    *[
        (
            "ImageProjectiveTransformV3",
            {"images": (2, 6, 7, 3), "transforms": MOVED},
            {"output_shape": [6, 7], "fill_value": 0.3, "interpolation": how, "fill_mode": mode},
        )
        for how in ("BILINEAR", "NEAREST")
        for mode in ("CONSTANT", "REFLECT", "WRAP", "NEAREST")
    ],
]


@pytest.mark.parametrize(("name", "shapes", "attributes"), OWN, ids=lambda value: str(value)[:60])
def test_what_stands_for_an_operator_equals_tensorflows_own(name, shapes, attributes):
    chance = np.random.default_rng(0)
    given = {k: np.array(v) if isinstance(v, list) else chance.standard_normal(v) for k, v in shapes.items()}
    (own, *slopes), (single, *found), (double, *others) = (
        with_gradients(operator, given, attributes, dtype)
        for operator, dtype in (
            (getattr(tf.raw_ops, name), tf.float32),
            (DOUBLES[name], tf.float32),
            (DOUBLES[name], tf.float64),
        )
    )
    for expected, ours in (
        (own, single),
        (own, double),
        *zip(slopes, found, strict=True),
        *zip(slopes, others, strict=True),
    ):
        assert (expected is None) is (ours is None)
        assert expected is None or np.asarray(ours) == pytest.approx(np.asarray(expected), abs=2e-5)


def with_gradients(operator, given, attributes, dtype):
    inputs = {name: tf.constant(array, dtype) for name, array in given.items()}
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        result = operator(**inputs, **attributes)
        total = tf.reduce_sum(result * tf.constant(np.random.default_rng(1).standard_normal(result.shape), dtype))
    return result, *tape.gradient(total, list(inputs.values()))


def test_the_transform_of_fixed_images_has_no_gradient_as_tensorflows_own_has_none():
    transforms = tf.constant(MOVED, tf.float64)
    settings = {"output_shape": [6, 7], "fill_value": 0.0, "interpolation": "BILINEAR", "fill_mode": "CONSTANT"}
    with tf.GradientTape() as tape:
        tape.watch(transforms)
        moved = DOUBLES["ImageProjectiveTransformV3"](
            images=tf.ones((2, 6, 7, 3), tf.float64), transforms=transforms, **settings
        )
    assert tape.gradient(moved, transforms) is None
