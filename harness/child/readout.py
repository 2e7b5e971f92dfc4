"""How well a linear read-out tells the classes from values inside of a model before training: with the model's own
initial weights, and with the same numbers shuffled.

A model that was trained elsewhere and got a new last layer is no more accurate than chance before training. Its other
layers give themselves away: their values are worth far more than those of shuffled weights. Pure NumPy.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self, cast
from zlib import crc32

import numpy as np
from numpy.random import default_rng

from harness.artifact.weights import views
from harness.child.train import TrainingData
from harness.jobs.train import TrainRequest
from harness.jobs.trainee import Floats, Images, Labels, Reads
from harness.records.graph import BYTES
from harness.records.inputs import CLASSES
from harness.records.run import Readout, beyond_shuffles

IMAGES = 5_000
FITTED = 1_000
"""A read-out is fitted on this many images, and tested on all others that fill a batch."""
FEW_TESTED = 1_000
SHUFFLES = 5
SUSPECT = 0.6
"""After one shuffle and FEW_TESTED images, a model is examined further only if a read-out beyond it leaves fewer errors
than this. Nearly all untrained models have more, which saves most of the time."""
_LARGEST_BATCH, _BATCHES = 500, 50
"""The size of a batch depends on the weights: whoever designs a model cannot make another axis look like it."""
_COLUMNS = 200
_SMALLEST_MAP = 7
_RIDGE = 0.1
_LARGEST = 10.0
"""Standardized values are cut off here, so that no outlier decides a fit."""


def readouts(model: Reads, request: TrainRequest, data: TrainingData) -> tuple[Readout, ...]:
    """The read-out of the values of each operation in `request.read`, in this order; none where there are too few
    images.

    Uses held-out images, and training images if these are not enough. Call it before the model is loaded for training,
    which sets the framework's random generators: an evaluation graph may draw from them.
    """
    images, labels = _unseen(data)
    few = FITTED + FEW_TESTED
    if not request.read or len(labels) < few:
        return ()
    found = _compared(model, request, 1, images[:few], labels[:few])
    if not beyond_shuffles(found, SUSPECT):
        return found
    return _compared(model, request, SHUFFLES, images, labels)


def _compared(
    model: Reads, request: TrainRequest, shuffles: int, images: Images, labels: Labels
) -> tuple[Readout, ...]:
    """The read-outs with the initial weights, and with as many shuffles of them."""
    blobs = [request.weights, *_shuffles(request.weights, _learned(request.graph), shuffles)]
    own, *others = (_accuracies(model, replace(request, weights=blob), images, labels) for blob in blobs)
    return tuple(Readout(one, shuffled) for one, shuffled in zip(own, zip(*others, strict=True), strict=True))


def _accuracies(model: Reads, request: TrainRequest, images: Images, labels: Labels) -> list[float]:
    columns = _columns(model, request, images)
    return [accuracy(columns.get(name), labels) for name in request.read]


def _unseen(data: TrainingData) -> tuple[Images, Labels]:
    """Before the first step, the training images are as new to the model as the held-out ones."""
    more = max(0, IMAGES - len(data.validation_labels))
    images = np.concatenate([data.validation_images[:IMAGES], data.train_images[:more]])
    return images, np.concatenate([data.validation_labels[:IMAGES], data.train_labels[:more]])


def _learned(graph: bytes) -> dict[str, str]:
    """The data type of each parameter of floating point."""
    tensors = json.loads(graph)["tensors"]
    return {
        name: spec["dtype"]
        for name, spec in tensors.items()
        if spec["kind"] == "parameter" and spec["dtype"].startswith(("F", "BF"))
    }


def _shuffles(weights: bytes, learned: dict[str, str], count: int) -> Iterator[bytes]:
    """The weights with the numbers of each learned tensor in another order, always the same ones."""
    generator = default_rng(0)
    for _ in range(count):
        shuffled = bytearray(weights)
        for name, content in views(cast(bytes, shuffled)):  # the views of a bytearray can be written to
            if name in learned:
                numbers = np.frombuffer(content, f"u{BYTES[learned[name]]}")
                generator.shuffle(numbers)
        yield bytes(shuffled)


def _columns(model: Reads, request: TrainRequest, images: Images) -> dict[str, Floats]:
    """What a read-out sees of each operation's values: (images, at most _COLUMNS), one batch at a time."""
    read = model.reader(request.graph, request.weights, request.read)
    size = _LARGEST_BATCH - crc32(request.weights) % _BATCHES
    condensed: dict[str, _Condensed] = {}
    parts: dict[str, list[Floats]] = defaultdict(list)
    for start in range(0, len(images) - len(images) % size, size):
        batch = np.asarray(images[start : start + size].astype(np.float32) / request.divisor, np.float32)
        for name, values in read(batch).items():
            columns = _pooled(_by_image(values, size))
            if name not in condensed:
                condensed[name] = _Condensed.of(columns)
            parts[name].append(condensed[name](columns))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _by_image(values: Floats, images: int) -> Floats:
    """Values with the images on the first axis, wherever a model has them; without values if it has them nowhere."""
    if values.shape[:1] == (images,):
        return values
    if values.shape[-1:] == (images,):
        return np.moveaxis(values, -1, 0)
    is_whole = values.ndim > 0 and len(values) % images == 0
    return values.reshape(images, -1) if is_whole else np.zeros((images, 0), np.float32)


def _pooled(values: Floats) -> Floats:
    """Values as (images, columns); of maps (images, channels, height, width) with too many numbers, sums of squares."""
    if values.ndim != 4:
        return values.reshape(len(values), -1)
    count, channels, height, width = values.shape
    side = 1
    while (
        channels * (height // side) * (width // side) > _COLUMNS and min(height, width) // (side + 1) >= _SMALLEST_MAP
    ):
        side += 1
    cut = values[:, :, : height // side * side, : width // side * side]
    summed = sum(cut[:, :, row::side, column::side] for row in range(side) for column in range(side))
    return np.asarray(summed, np.float32).reshape(count, -1)


@dataclass(frozen=True)
class _Condensed:
    """How values (images, columns) become at most _COLUMNS: each standardized, and sums of some with random signs."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The way that suits these values; it is then kept for those of other images."""
        mean, scale = _standard(values)
        if len(mean) > _COLUMNS:
            scale = scale * default_rng(0).choice(np.array([-1, 1], np.float32), len(scale))
        return cls(mean, scale)

    def __call__(self, values: Floats) -> Floats:
        """(images, at most _COLUMNS)."""
        columns = _standardized(values, self.mean, self.scale)
        if columns.shape[1] <= _COLUMNS:
            return columns
        layers = -(-columns.shape[1] // _COLUMNS)
        padded = np.pad(columns, ((0, 0), (0, layers * _COLUMNS - columns.shape[1])))
        return np.asarray(padded.reshape(len(columns), layers, _COLUMNS).sum(axis=1), np.float32)


def _standard(values: Floats) -> tuple[Floats, Floats]:
    """Mean of each column, and what it is multiplied by; 0 for one that is constant or not finite."""
    with np.errstate(all="ignore"):
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        scale = np.where(deviation > 1e-6 * np.abs(mean), 1 / deviation, 0)
        usable = np.isfinite(mean) & np.isfinite(scale)
    return np.where(usable, mean, 0).astype(np.float32), np.where(usable, scale, 0).astype(np.float32)


def _standardized(values: Floats, mean: Floats, scale: Floats) -> Floats:
    with np.errstate(all="ignore"):
        found = (values - mean) * scale
    return np.asarray(np.clip(np.nan_to_num(found, copy=False), -_LARGEST, _LARGEST), np.float32)


def accuracy(columns: Floats | None, labels: Labels) -> float:
    """Accuracy of a linear read-out, fitted by ridge regression on the first images, on all others; 0 for no values."""
    if columns is None:
        return 0.0
    labels = labels[: len(columns)]
    columns = _standardized(columns, *_standard(columns[:FITTED]))
    fitted, classes = columns[:FITTED], np.eye(CLASSES, dtype=np.float32)[labels[:FITTED]]
    share = classes.mean(axis=0)
    covariance = fitted.T @ fitted / FITTED + _RIDGE * np.eye(fitted.shape[1], dtype=np.float32)
    slopes = np.linalg.solve(covariance, fitted.T @ (classes - share) / FITTED)
    found = (columns[FITTED:] @ slopes + share).argmax(axis=1)
    return float((found == labels[FITTED:]).mean())
