"""Runs a saved model on pictures inside the locked child. Pictures and model are untrusted input."""

from __future__ import annotations

import numpy as np

from harness.backends.base import Backend
from harness.child.normalize import Normalized, normalize
from harness.jobs.losses import log_probabilities
from harness.jobs.predict import Looked, PredictAnswer, PredictRequest
from harness.jobs.train import NO_OPTIMIZER
from harness.jobs.trainee import Task
from harness.records.errors import SubmissionError
from harness.records.inputs import arrange

_BATCH = 2
"""A picture is classified together with a copy of itself: graphs were traced with at least two images, and the answer
depends only on it."""


def predict(backend: Backend, request: PredictRequest) -> PredictAnswer:
    """For each picture its probabilities, or its problem; the digit as the model saw it, and activations."""
    model = _Model(backend, request)
    looked = [_look(model, picture) for picture in request.pictures]
    return PredictAnswer(*(tuple(column) for column in zip(*looked, strict=True)))


def _look(model: _Model, picture: bytes) -> tuple[Looked, bytes, bytes, bytes]:
    """The result for a picture, its digit, its thumbnail and its activations."""
    try:
        found = normalize(picture)
    except SubmissionError as error:
        return Looked(problem=(error.expected, error.found, error.try_)), b"", b"", b""
    probabilities, activations = model.look(found)
    looked = Looked(tuple(probabilities), found.thumbnail.shape)
    return looked, found.digit.tobytes(), found.thumbnail.tobytes(), activations


class _Model:
    """A loaded model and the requested outputs."""

    def __init__(self, backend: Backend, request: PredictRequest) -> None:
        self._names = request.operations
        self._shape = request.input_shape
        self._divisor = request.divisor
        self._kind = request.output_kind
        task = Task(request.graph, request.weights, self._kind, NO_OPTIMIZER, 0, self._divisor)
        self._trainee = backend.load(task)
        self._read = backend.reader(request.graph, request.weights, self._names) if self._names else None

    def look(self, found: Normalized) -> tuple[list[float], bytes]:
        """Ten probabilities, and the activations of the named operations back to back."""
        images = arrange(np.repeat(found.digit[None], _BATCH, axis=0), self._shape)
        outputs = self._trainee.predict(images)[:1]
        probabilities = np.exp(log_probabilities(outputs, self._kind))[0]
        if self._read is None:
            return probabilities.tolist(), b""
        scaled = np.asarray(images.astype(np.float32) / self._divisor, np.float32)
        seen = self._read(scaled)
        return probabilities.tolist(), b"".join(seen[name][0].tobytes() for name in self._names)
