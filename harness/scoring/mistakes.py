"""Which test images were confused with which class, and which are most telling. Pure; like `score`, it sees test
labels.

`classes` are predictions as an array (models, images): one model for each finished seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from harness.records.board import Confusion, Digit
from harness.records.inputs import CLASSES

HARDEST = 24
SURPRISES = 12
Classes = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.float64]


def classes_of(predictions: Iterable[bytes], images: int) -> Classes:
    """The predictions of the models that have some: (models, images)."""
    whole = [np.frombuffer(found, np.uint8) for found in predictions if len(found) == images]
    return np.stack(whole) if whole else np.empty((0, images), np.uint8)


def confusion(classes: Classes, labels: Classes) -> Confusion:
    """How often an image of class `row` was classified as class `column`, summed over models; empty without models."""
    if not len(classes):
        return ()
    wrong = np.flatnonzero(classes != labels)  # few: counting all the others takes longer
    cells = labels[wrong % len(labels)].astype(np.intp) * CLASSES + classes.ravel()[wrong]
    counts = np.bincount(cells, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)
    counts += np.diag(len(classes) * np.bincount(labels, minlength=CLASSES) - counts.sum(axis=1))
    return tuple(map(tuple, counts.tolist()))


def right_counts(classes: Classes, labels: Classes) -> npt.NDArray[np.uint16]:
    """How many models are right on each image."""
    is_right = (classes == labels).view(np.uint8)
    counts = is_right.sum(axis=0, dtype=np.uint8 if len(classes) < 256 else np.uint16)
    return np.asarray(counts, np.uint16)


def summed(matrices: Sequence[Confusion]) -> Confusion:
    """One matrix for several; empty matrices do not count."""
    known = [np.array(matrix) for matrix in matrices if matrix]
    return tuple(tuple(int(count) for count in line) for line in np.sum(known, axis=0)) if known else ()


def hardest(classes: Classes, labels: Classes, count: int = HARDEST) -> tuple[Digit, ...]:
    """The images that the fewest models classify correctly, hardest first."""
    if not len(classes):
        return ()
    right = np.zeros(len(labels))
    for own in classes:  # one at a time: all at once would be as large as all predictions
        right += own == labels
    right /= len(classes)
    order = np.argsort(right, kind="stable")[:count]
    return tuple(_digit(index, classes, labels, right) for index in order if right[index] < 1)


def surprises(own: Classes, right: Shares, labels: Classes, count: int = SURPRISES) -> tuple[Digit, ...]:
    """The images that most of a submission's own models get wrong and most others get right, clearest first.

    `right` is the share of the others that is right on each image.
    """
    if not len(own):
        return ()
    missed = np.flatnonzero((2 * right_counts(own, labels) < len(own)) & (right > 0.5))
    clearest = missed[np.argsort(-right[missed], kind="stable")][:count]
    return tuple(_digit(index, own, labels, right) for index in clearest)


def _digit(index: np.intp, classes: Classes, labels: Classes, right: Shares) -> Digit:
    answers = np.bincount(classes[:, index], minlength=CLASSES)
    answers[labels[index]] = 0
    return Digit(int(index), int(labels[index]), int(answers.argmax()), float(right[index]))
