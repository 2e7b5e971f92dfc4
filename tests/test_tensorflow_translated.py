"""Translated Keras models agree with TensorFlow's own graphs in float64, and so do changed graphs that are accepted."""

import json
import random

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

from audit_faults import _another_model
from keras_models import built
from keras_models_further import FURTHER

from harness.artifact.audit import audit
from harness.artifact.tensorflow.translator import translate
from harness.backends.tensorflow import backend
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import tf
from harness.child.validate import read_weights, taken, validate
from harness.jobs.validate import ValidateRequest
from harness.language.interpreter import run
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

use_one_thread()  # before TensorFlow computes anything


TENTH = list(FURTHER)[::10]
EACH = [pytest.param(code, id=name, marks=[pytest.mark.long] * (name not in TENTH)) for name, code in FURTHER.items()]


@pytest.mark.parametrize("code", EACH)
def test_a_model_is_translated_and_agrees(code):
    artifact = built(code)
    audited = audit(artifact)
    draws = dict(audited.training_draws), dict(audited.evaluation_draws)
    answer = validate(
        backend,
        ValidateRequest(Framework.TENSORFLOW, artifact.graph, audited.artifact.graph, artifact.weights[0], *draws),
    )
    assert answer.agrees, answer.worst


VICTIMS = (
    "batch normalization, channels first",
    "group normalizations",
    "dropouts",
    "merged",
    "slices",
    "a look-up",
)
CHANGES = 8
"""How many accepted changes of each are compared."""
DIVIDING = ("Reciprocal", "Inv", "RealDiv", "Div", "Rsqrt", "Log", "Log1p", "Pow")
"""Operators that make much of rounding where a number is 0."""


def divisions(mode):
    return [node["op"] for node in mode["nodes"] if node["op"] in DIVIDING]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * bool(k)) for k, name in enumerate(VICTIMS)]
)
def test_a_changed_graph_is_refused_or_computes_what_tensorflow_computes(name):
    """One input, number or operator is another: whatever is still accepted means the same."""
    artifact = built(FURTHER[name])
    graph, weights = json.loads(artifact.graph), read_weights(artifact.weights[0])
    tensors = {
        key: Tensor(key, TensorKind(spec["kind"]), spec["trainable"], tuple(spec["shape"]), spec["dtype"])
        for key, spec in graph["tensors"].items()
    }
    images = np.random.default_rng(0).random((3, *graph["input"]))
    chance, compared = random.Random(name), 0
    for _ in range(3000):
        mode, changed = chance.choice(["train", "eval"]), json.loads(artifact.graph)
        _another_model(chance, {"framework": "tensorflow", "graph": changed})
        is_other = changed[mode] != graph[mode] and divisions(changed[mode]) == divisions(graph[mode])
        if not is_other or compared == CHANGES:
            continue
        try:
            found = translate(changed[mode], tensors, tuple(graph["input"]), is_training=mode == "train")
            original = backend.original(json.dumps(changed).encode(), weights)
            expected = original.run(mode == "train", images, None, found.draws)
        except (ArtifactError, tf.errors.OpError):
            continue
        output = run(found.graph, weights, images, taken(expected.drawn, found.draws)).output
        is_number = np.isfinite(expected.outputs) & np.isfinite(output)
        scale = np.abs(expected.outputs[is_number]).max(initial=1e-300)
        assert np.abs(np.where(is_number, output - expected.outputs, 0)).max() <= 1e-5 * scale, changed[mode]
        compared += 1
    assert compared == CHANGES
