"""One training run: the data order, the batches and the clock, the same for every framework."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numpy.random import default_rng  # NumPy imports it when first used, which would be in each forked child

from harness.child.observe import unmoved
from harness.jobs.losses import log_probabilities
from harness.jobs.train import Course, TrainAnswer, TrainingImages
from harness.jobs.trainee import Images, Labels, Shares, Trainee
from harness.records.graph import Shape
from harness.records.inputs import arrange
from harness.records.run import Curve, Observations, RunStatus

UNSEEN_IMAGES = 5_000
SAMPLE = 2_000
SAMPLED = 25
"""Training accuracy uses one training image in this many, at most SAMPLE: it costs about 1 % of the time."""


@dataclass(frozen=True)
class TrainingData:
    """What a trainer may see: training images with labels, held-out images with labels, test images without labels."""

    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    test_images: Images

    @classmethod
    def of(cls, images: TrainingImages, shape: Shape) -> Self:
        """The arrays of mapped data, images brought to the model's input shape."""
        parts = {}
        for name in cls.__dataclass_fields__:
            array = np.frombuffer(getattr(images, name), np.uint8)
            parts[name] = arrange(array.reshape(-1, 28, 28), shape) if name.endswith("images") else array
        return cls(**parts)


def shares_of(course: Course, images: int) -> Shares:
    """Each step's share of the learning rate: (epochs, batches)."""
    batches = -(-images // course.batch_size)
    steps = course.epochs * batches
    falling = 1 - np.arange(steps) / steps if course.schedule == "linear" else np.ones(steps)
    return falling.reshape(course.epochs, batches)


def train(
    trainee: Trainee,
    data: TrainingData,
    course: Course,
    seed: int,
    *,
    keep_weights: bool = False,
    sampled: bool = False,
) -> TrainAnswer:
    """Train for the epochs of the course, then classify the test images once.

    A loss that is not finite ends the run as diverged, with the curve up to there. Other observations are made before
    the first step and after the test images, so that they change neither. Where no images are held out, the curve has
    the training loss alone. Accuracy on training images is measured if `sampled`: the model must answer without drawing
    random numbers or changing. Raises SubmissionError for outputs that are not ten per image.
    """
    run = _Run(trainee, data)
    reason = run.train(course, seed, sampled=sampled)
    return run.ended(RunStatus.DIVERGED, reason) if reason else run.answer(keep_weights=keep_weights)


class _Run:
    """A run, and what is known of it so far."""

    def __init__(self, trainee: Trainee, data: TrainingData) -> None:
        self._started = time.perf_counter()
        self._trainee, self._data = trainee, data
        self._initial = trainee.weights()
        self._observed = Observations(untrained_accuracy=_untrained_accuracy(trainee, data))
        self._history: list[tuple[float, ...]] = []
        self._seen: list[float] = []

    def train(self, course: Course, seed: int, *, sampled: bool) -> str:
        """All epochs; why they ended early, if they did."""
        trainee, data, orders = self._trainee, self._data, default_rng(seed)
        for epoch, shares in enumerate(shares_of(course, len(data.train_labels))):
            order = orders.permutation(len(data.train_labels))
            losses = trainee.train_epoch(data.train_images, data.train_labels, order, course.batch_size, shares)
            if not np.isfinite(losses).all():
                return f"the loss became {losses[-1]} in epoch {epoch + 1}, batch {len(losses)}"
            validated = _validate(trainee, data.validation_images, data.validation_labels)
            self._history.append((float(losses.mean()), *validated))
            self._seen += [_sampled_accuracy(trainee, data)] if sampled else []
        return ""

    def answer(self, *, keep_weights: bool) -> TrainAnswer:
        """The answer with the classes of the test images, and with the trained weights if they are to be kept."""
        weights = self._trainee.state() if keep_weights else b""
        outputs = self._trainee.predict(self._data.test_images)
        if not np.isfinite(outputs).all():
            return self.ended(RunStatus.DIVERGED, "the outputs on the test images are not finite")
        self._observed = replace(self._observed, unmoved=unmoved(self._initial, self._trainee))
        likelihoods = _finite(log_probabilities(outputs, self._trainee.output_kind)).tobytes()
        predictions = _classes(outputs).tobytes()
        return self.ended(RunStatus.DONE, "", predictions=predictions, log_probabilities=likelihoods, weights=weights)

    def ended(self, status: RunStatus, reason: str, **blobs: Any) -> TrainAnswer:
        """The answer of a run that ends now."""
        columns = (tuple(column) for column in zip(*self._history, strict=True))
        curve = replace(Curve(*columns), train_accuracy=tuple(self._seen))
        seconds = time.perf_counter() - self._started
        return TrainAnswer(status, reason, curve, seconds, self._observed, **blobs)


def _sampled_accuracy(trainee: Trainee, data: TrainingData) -> float:
    count = min(SAMPLE, -(-len(data.train_labels) // SAMPLED))
    return _validate(trainee, data.train_images[:count], data.train_labels[:count])[1]


def _untrained_accuracy(trainee: Trainee, data: TrainingData) -> float:
    """Accuracy before the first step, on the held-out images; without any, on as many others, none of them seen yet."""
    if len(data.validation_labels):
        return _validate(trainee, data.validation_images, data.validation_labels)[1]
    return _validate(trainee, data.train_images[:UNSEEN_IMAGES], data.train_labels[:UNSEEN_IMAGES])[1]


def _validate(trainee: Trainee, images: Images, labels: Labels) -> tuple[float, ...]:
    """Mean negative log-likelihood and accuracy; nothing for no images."""
    if not len(labels):
        return ()
    outputs = trainee.predict(images)
    log_likelihood = log_probabilities(outputs, trainee.output_kind)[np.arange(len(labels)), labels]
    return float(-_finite(log_likelihood.mean())), float((_classes(outputs) == labels).mean())


def _finite(log_likelihood: npt.NDArray[np.float32] | np.float32) -> npt.NDArray[np.float32]:
    """The same numbers; where a model says impossible, the smallest probability that float32 can express."""
    least = float(np.finfo(np.float32).min)
    return np.nan_to_num(np.asarray(log_likelihood), nan=least, neginf=least)


def _classes(outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    classes: npt.NDArray[np.uint8] = outputs.argmax(axis=1).astype(np.uint8)
    return classes
