"""One training run: its steps, each step's share of the learning rate, and what it returns."""

from dataclasses import replace

import numpy as np
import pytest

from harness.artifact.audit import read_artifact
from harness.child.train import UNSEEN_IMAGES, TrainingData, shares_of, train
from harness.child.worker import import_backend
from harness.datasets import mnist
from harness.jobs.train import Course, Optimizer, TrainingImages
from harness.jobs.trainee import Task
from harness.language.builder import Builder
from harness.language.dependence import answers_alone
from harness.language.sizes import N
from harness.records.graph import OutputKind, Tensor, TensorKind
from harness.records.inputs import arrange
from harness.records.run import RunStatus
from harness.scoring.score import mean_loss


def test_a_falling_rate_ends_one_step_above_nothing():
    shares = shares_of(Course(epochs=2, batch_size=30, schedule="linear"), 100)
    assert shares.shape == (2, 4)
    assert shares.ravel() == pytest.approx([1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_a_constant_rate_stays():
    assert np.array_equal(shares_of(Course(epochs=3, batch_size=50, schedule="constant"), 100), np.ones((3, 2)))


class Oracle:
    """A trainee that reads the class in the first pixel, with probability 0.91; it counts what it is shown."""

    output_kind = OutputKind.PROBABILITIES

    def __init__(self):
        self.shown = []

    def train_epoch(self, images, labels, order, batch_size, shares):
        return np.full(len(shares), 0.5, np.float32)

    def predict(self, images, batch_size=500):
        self.shown.append(len(images))
        outputs = np.full((len(images), 10), 0.01, np.float32)
        outputs[np.arange(len(images)), images[:, 0]] = 0.91
        return outputs

    def weights(self):
        return {}


def some(count):
    return np.arange(count * 2, dtype=np.uint8).reshape(count, 2) // 2 % 10


def data(train_images, validation_images):
    train_part, held_out, test = some(train_images), some(validation_images), some(40)
    return TrainingData(train_part, train_part[:, 0], held_out, held_out[:, 0], test)


def test_a_curve_has_what_was_held_out():
    outcome = train(Oracle(), data(100, 30), Course(2, 50, "constant"), 0)
    assert outcome.status is RunStatus.DONE
    assert outcome.curve.train_loss == (0.5, 0.5)
    assert outcome.curve.validation_accuracy == (1.0, 1.0)
    assert outcome.curve.validation_loss == pytest.approx([-np.log(0.91)] * 2)


def test_where_nothing_is_held_out_the_curve_has_the_training_loss_alone():
    oracle = Oracle()
    outcome = train(oracle, data(6_000, 0), Course(2, 50, "constant"), 0)
    assert outcome.curve.train_loss == (0.5, 0.5)
    assert outcome.curve.validation_loss == outcome.curve.validation_accuracy == ()
    assert outcome.observations.untrained_accuracy == 1.0
    assert oracle.shown[0] == UNSEEN_IMAGES and 0 not in oracle.shown


def test_a_blob_of_no_images_is_no_images():
    none = TrainingImages(*[memoryview(b"")] * 5)
    assert TrainingData.of(none, (1, 28, 28)).validation_images.shape == (0, 1, 28, 28)


def test_the_loss_on_the_test_images_follows_from_what_is_returned():
    outcome = train(Oracle(), data(100, 30), Course(1, 50, "constant"), 0)
    labels = some(40)[:, 0]
    assert mean_loss(outcome.log_probabilities, labels) == pytest.approx(-np.log(0.91))
    wrong = (labels + 1) % 10
    assert mean_loss(outcome.log_probabilities, wrong) == pytest.approx(-np.log(0.01))


@pytest.mark.parametrize("blob", [b"", b"\0" * 4, b"\0" * (4 * 40 * 9), b"\0" * (4 * 41 * 10)])
def test_there_is_no_loss_of_what_does_not_fit_the_labels(blob):
    assert mean_loss(blob, some(40)[:, 0]) is None


OPTIMIZER = Optimizer("adam", 3e-3, 0.0, 0.9, 0.999, 1e-8)
BEHAVIOURS = [f"{name}_{f}" for name in ("lenet5", "batchnorm_dropout") for f in ("torch", "keras")]


def small_data(shape):
    data = mnist.load()
    parts = (data.train_images[:600], data.train_labels[:600], data.train_images[-100:], data.train_labels[-100:])
    images = (parts[0], parts[2], data.test_images[:200])
    train, validation, test = (arrange(part, shape) for part in images)
    return TrainingData(train, parts[1], validation, parts[3], test)


@pytest.mark.frameworks
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_to_look_at_training_images_and_to_keep_weights_changes_no_bit(examine_behaviour, behaviour):
    examined = examine_behaviour(behaviour)
    backend = import_backend(examined.artifact.framework)
    task = Task(examined.artifact.graph, examined.artifact.weights[0], examined.verdict.output_kind, OPTIMIZER, 0)
    data, course = small_data(examined.input_shape), Course(2, 32, "linear")
    plain = train(backend.load(task), data, course, 0)
    looked = train(backend.load(task), data, course, 0, keep_weights=True, sampled=True)
    assert (looked.predictions, looked.log_probabilities) == (plain.predictions, plain.log_probabilities)
    assert replace(looked.curve, train_accuracy=()) == plain.curve and looked.observations == plain.observations
    assert len(looked.curve.train_accuracy) == 2 and looked.curve.train_accuracy[-1] > 0.3
    assert plain.curve.train_accuracy == () and plain.weights == b""
    again = backend.load(replace(task, weights=looked.weights)).predict(data.test_images)
    assert again.argmax(axis=1).astype(np.uint8).tobytes() == plain.predictions


@pytest.mark.frameworks
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_usual_models_answer_alone(examine_behaviour, behaviour):
    assert answers_alone(read_artifact(examine_behaviour(behaviour).artifact).evaluation)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "alone"),
    [
        ("Relu", ["images"], {}, True),
        ("Dropout", ["images"], {"ratio": 0.5}, False),
        ("RandomNormal", [], {"shape": (N, 1, 28, 28), "mean": 0.0, "scale": 1.0}, False),
        ("BatchNormalization", ["images", "t0", "t1", "t2", "t3"], {"epsilon": 1e-5, "training": True}, False),
        ("BatchNormalization", ["images", "t0", "t1", "t2", "t3"], {"epsilon": 1e-5}, True),
    ],
)
def test_what_draws_or_writes_does_not_answer_alone(operator, inputs, attributes, alone):
    tensors = [Tensor(f"t{k}", TensorKind.BUFFER, trainable=False, shape=(1,), dtype="F32") for k in range(4)]
    build = Builder((1, 28, 28), tensors)
    result = build.emit(operator, *(build.values[name] for name in inputs), **attributes)
    assert answers_alone(build.finish(build.emit("Mul", build.images, result)).graph) is alone
