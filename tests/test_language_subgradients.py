"""Where an operator has no derivative: the subgradient that its meaning names, and what each framework does there."""

import re

import numpy as np
import pytest

from harness.language.interpreter import MEANINGS

INF = float("inf")

KINKS = {
    "Relu": [(0.0, 0.0, {})],
    "Abs": [(0.0, 0.0, {})],
    "HardSwish": [(-3.0, 0.0, {}), (3.0, 1.0, {})],
    "Elu": [(0.0, 0.3, {"alpha": 0.3})],
    "Celu": [(0.0, 1.0, {"alpha": 0.3})],
    "Selu": [(0.0, 1.7580993408473766, {})],
    "LeakyRelu": [(0.0, 0.3, {"alpha": 0.3})],
    "HardSigmoid": [(-3.0, 0.0, {"alpha": 1 / 6, "beta": 0.5}), (3.0, 0.0, {"alpha": 1 / 6, "beta": 0.5})],
    "Shrink": [(-0.5, 0.0, {"lambd": 0.5, "bias": 0.5}), (0.5, 0.0, {"lambd": 0.5, "bias": 0.5})],
    "Clip": [(0.0, 1.0, {"min": 0.0, "max": 6.0}), (6.0, 1.0, {"min": 0.0, "max": 6.0})],
}
"""Operators of one input: where they have no derivative, the subgradient, and attributes."""


@pytest.mark.parametrize(("operator", "place"), [(o, p) for o, places in KINKS.items() for p in places], ids=str)
def test_a_subgradient_lies_between_the_slopes_of_both_sides(operator, place):
    x, subgradient, attributes = place
    below, here, above = (float(MEANINGS[operator](np.array(x + step), **attributes)) for step in (-1e-7, 0, 1e-7))
    slopes = sorted([(here - below) / 1e-7, (above - here) / 1e-7])
    assert slopes[0] - 1e-6 <= subgradient <= slopes[1] + 1e-6


TIED = [  # operator, torch's function, TensorFlow's, the inputs, and both gradients
    ("Relu", "F.relu", "nn.relu", [[0.0]], [[0.0]], [[0.0]]),
    ("Abs", "torch.abs", "tf.abs", [[0.0]], [[0.0]], [[0.0]]),
    ("Sqrt", "torch.sqrt", "tf.sqrt", [[0.0]], [[INF]], [[INF]]),
    ("Reciprocal", "torch.reciprocal", "tf.math.reciprocal", [[0.0]], [[-INF]], [[-INF]]),
    ("Log", "torch.log", "tf.math.log", [[0.0]], [[INF]], [[INF]]),
    ("HardSwish", "F.hardswish", "K.hard_swish", [[-3.0, 3.0]], [[0.0, 1.0]], [[0.0, 1.0]]),
    ("Elu", "lambda x: F.elu(x, 0.3)", "lambda x: K.elu(x, 0.3)", [[0.0]], [[0.3]], [[0.3]]),
    ("Celu", "lambda x: F.celu(x, 0.3)", "lambda x: K.celu(x, 0.3)", [[0.0]], [[1.0]], [[2.0]]),
    ("Selu", "F.selu", "nn.selu", [[0.0]], [[1.7580993408473766]], [[1.0507009873554805]]),
    ("LeakyRelu", "lambda x: F.leaky_relu(x, 0.3)", "lambda x: nn.leaky_relu(x, 0.3)", [[0.0]], [[0.3]], [[0.3]]),
    ("PRelu", "F.prelu", "lambda x, b: nn.relu(x) - b * nn.relu(-x)", [[0.0], [0.3]], [[0.3], [0.0]], [[0.0], [0.0]]),
    ("HardSigmoid", "F.hardsigmoid", "K.hard_sigmoid", [[-3.0, 3.0]], [[0.0, 0.0]], [[0.0, 0.0]]),
    ("Shrink", "F.softshrink", "K.soft_shrink", [[-0.5, 0.5]], [[0.0, 0.0]], [[0.0, 0.0]]),
    ("Clip", "lambda x: x.clamp(0, 6)", "lambda x: tf.clip_by_value(x, 0, 6)", [[0.0, 6.0]], [[1.0, 1.0]], [[1.0, 1.0]]),
    ("Clip", "F.relu6", "nn.relu6", [[0.0, 6.0]], [[0.0, 0.0]], [[0.0, 0.0]]),
    ("Max", "torch.maximum", "tf.maximum", [[1.0], [1.0]], [[0.5], [0.5]], [[1.0], [0.0]]),
    ("Min", "torch.minimum", "tf.minimum", [[1.0], [1.0]], [[0.5], [0.5]], [[1.0], [0.0]]),
    ("ReduceMax", "lambda x: x.amax(0)", "lambda x: tf.reduce_max(x, 0)", [[1.0, 1.0, 0.0]], [[0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0]]),
    ("ReduceMin", "lambda x: x.amin(0)", "lambda x: tf.reduce_min(x, 0)", [[1.0, 1.0, 2.0]], [[0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0]]),
    ("ReduceL2", "lambda x: x.norm()", "tf.norm", [[0.0, 0.0]], [[0.0, 0.0]], [[np.nan, np.nan]]),
    ("Pow", "torch.pow", "tf.pow", [[0.0, 0.0], [1.0, 0.5]], [[1.0, INF], [0.0, 0.0]], [[1.0, INF], [0.0, 0.0]]),
    ("Pow", "torch.pow", "tf.pow", [[0.0], [0.0]], [[0.0], [0.0]], [[np.nan], [0.0]]),
    ("MaxPool", "lambda x: F.max_pool1d(x[None, None], 3)", "lambda x: nn.max_pool1d(x[None, :, None], 3, 3, 'VALID')", [[0.0, 1.0, 1.0]], [[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]),
    (
        "MaxPool",
        "lambda x: F.max_pool3d(x.reshape(1, 1, 1, 1, 2), (1, 1, 2))",
        "lambda x: nn.max_pool3d(tf.reshape(tf.cast(x, tf.float32), (1, 1, 1, 2, 1)), (1, 1, 2), (1, 1, 2), 'VALID')",
        [[1.0, 1.0]],
        [[1.0, 0.0]],
        [[1.0, 1.0]],
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", TIED, ids=lambda row: row[0])
def test_a_tie_has_a_word_in_the_operators_meaning(row):
    assert re.search("gradient|Gradient", MEANINGS[row[0]].__doc__)


@pytest.mark.frameworks
@pytest.mark.parametrize("row", TIED, ids=lambda row: row[0])
def test_what_pytorch_does_at_ties(row):
    import torch
    import torch.nn.functional as F

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in row[3]]
    eval(row[1], {"torch": torch, "F": F})(*inputs).sum().backward()
    assert np.allclose([x.grad.numpy() for x in inputs], row[4], equal_nan=True)


@pytest.mark.frameworks
@pytest.mark.parametrize("row", TIED, ids=lambda row: row[0])
def test_what_tensorflow_does_at_ties(row):
    import keras
    import tensorflow as tf

    inputs = [tf.Variable(x, dtype=tf.float64) for x in row[3]]
    names = {"tf": tf, "nn": tf.nn, "K": keras.activations}
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(eval(row[2], names)(*inputs))
    found = [tf.convert_to_tensor(gradient).numpy() for gradient in tape.gradient(total, inputs)]
    assert np.allclose(found, row[5], equal_nan=True)
