"""Keras layers: each is exported, translated, counted and trained, and computes what Keras computes."""

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

import safetensors.numpy
from keras_models import MODELS, built, eager, net

from harness.artifact.audit import audit
from harness.backends.tensorflow import backend
from harness.backends.tensorflow.imported import tf
from harness.child.validate import validate
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.jobs.validate import ValidateRequest
from harness.language.interpreter import run
from harness.model.table import layer_table
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import OutputKind

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

ADAM = Optimizer("adam", 1e-3, 0.9, 0.9, 0.999, 1e-8)


SLOW = ("stacked cells", "LSTM both ways", "two LSTM with dropout", "GRU", "augmentation", "spatial transformer")
EACH = [pytest.param(code, id=name, marks=[pytest.mark.long] * (name in SLOW)) for name, code in MODELS.items()]


@pytest.mark.parametrize("code", EACH)
def test_a_layer_is_exported_translated_counted_and_trained(code):
    artifact, theirs = built(code), eager(code)
    audited = audit(artifact)
    weights = safetensors.numpy.load(artifact.weights[0])
    for count in (3, 5):
        images = np.random.default_rng(count).random((count, 28, 28, 1), dtype=np.float32)
        expected = theirs(tf.constant(images), training=False).numpy()
        found = run(audited.model.evaluation, weights, images).output
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    request = ValidateRequest(
        Framework.TENSORFLOW,
        artifact.graph,
        audited.artifact.graph,
        artifact.weights[0],
        dict(audited.training_draws),
        dict(audited.evaluation_draws),
    )
    answer = validate(backend, request)
    assert answer.agrees, answer.worst
    assert layer_table(audited.model).parameters == sum(
        v.value.shape.num_elements() for v in theirs.trainable_variables
    )
    trainee = backend.load(Task(audited.artifact.graph, artifact.weights[0], OutputKind.LOGITS, ADAM, 1))
    before = trainee.weights()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1), dtype=np.uint8)
    losses = trainee.train_epoch(pixels, np.arange(8, dtype=np.uint8), np.arange(8), 4, np.ones(2))
    assert np.isfinite(losses).all()
    assert any((before[name] != values).any() for name, values in trainee.weights().items())


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (
            "i = tf.constant(0)\n        x = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 0.5), [i, x])[1]",
            "StatelessWhile \\(a loop\\) is not",
        ),
        ("x = tf.map_fn(lambda t: t * 2., x)", "TensorListFromTensor \\(a loop\\) is not"),
        (
            "x = tf.cond(tf.reduce_mean(x) > 0.5, lambda: x, lambda: -x)",
            "StatelessIf \\(a condition on values\\) is not",
        ),
        ("x = x + 0. * tf.cast(tf.strings.length(tf.io.read_file('/etc/passwd')), tf.float32)", "ReadFile is not"),
        (
            "x = tf.py_function(lambda t: t, [x], tf.float32); x = tf.reshape(x, [-1, 784])",
            "EagerPyFunc \\(Python code in the graph\\) is not",
        ),
    ],
)
def test_another_operator_is_refused_by_its_name(call, found):
    with pytest.raises(ArtifactError, match=found):
        audit(built(net(call)))
