"""What a model must return to be trained and graded: ten outputs for each image, for any number of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.records.errors import SubmissionError
from harness.records.inputs import CLASSES, OUTPUTS, OUTPUTS_ADVICE, OUTPUTS_EXPECTED


def wrong_outputs(shape: Sequence[int] | None, images: int) -> SubmissionError:
    """The error for a model whose outputs have this shape, if it is known, for a batch of this size."""
    found = f"{'another shape' if shape is None else f'shape {tuple(shape)}'} for a batch of {images} images"
    return SubmissionError(OUTPUTS, OUTPUTS_EXPECTED, found, OUTPUTS_ADVICE)


def joined(parts: Sequence[npt.NDArray[np.float32]], sizes: Sequence[int]) -> npt.NDArray[np.float32]:
    """The outputs of batches of these sizes as one array (images, classes). Raises SubmissionError for others."""
    for part, images in zip(parts, sizes, strict=True):
        if part.shape != (images, CLASSES):
            raise wrong_outputs(part.shape, images)
    return np.concatenate([*parts, np.empty((0, CLASSES), np.float32)])
