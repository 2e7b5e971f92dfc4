"""One training run: its steps, each step's share of the learning rate, and what it returns."""

import numpy as np
import pytest

from harness.records import OutputKind, RunStatus
from harness.score import mean_loss
from harness.train import UNSEEN_IMAGES, Course, TrainingData, train


def test_a_falling_rate_ends_one_step_above_nothing():
    shares = Course(epochs=2, batch_size=30, schedule="linear").shares(100)
    assert shares.shape == (2, 4)
    assert shares.ravel() == pytest.approx([1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_a_constant_rate_stays():
    assert np.array_equal(Course(epochs=3, batch_size=50, schedule="constant").shares(100), np.ones((3, 2)))


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
    blobs = {name: memoryview(b"") for name in TrainingData.__dataclass_fields__}
    assert TrainingData.from_blobs(blobs, (1, 28, 28)).validation_images.shape == (0, 1, 28, 28)


def test_the_loss_on_the_test_images_follows_from_what_is_returned():
    outcome = train(Oracle(), data(100, 30), Course(1, 50, "constant"), 0)
    labels = some(40)[:, 0]
    assert mean_loss(outcome.log_probabilities, labels) == pytest.approx(-np.log(0.91))
    wrong = (labels + 1) % 10
    assert mean_loss(outcome.log_probabilities, wrong) == pytest.approx(-np.log(0.01))
    assert "log_probabilities" not in outcome.header()


@pytest.mark.parametrize("blob", [b"", b"\0" * 4, b"\0" * (4 * 40 * 9), b"\0" * (4 * 41 * 10)])
def test_there_is_no_loss_of_what_does_not_fit_the_labels(blob):
    assert mean_loss(blob, some(40)[:, 0]) is None
