"""A kept model looks at pictures: what runs inside the locked child. Pictures and model are input like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.backends.base import Backend, Optimizer, Task
from harness.backends.losses import log_probabilities
from harness.child.normalise import Normalised, normalise
from harness.records.errors import SubmissionError
from harness.records.graph import OutputKind
from harness.records.inputs import arrange

_BATCH = 2
"""A picture is looked at beside a copy of itself: graphs were traced with no fewer, and its answer is its own."""
_NO_OPTIMIZER = Optimizer("sgd", 0.0, 0.0, 0.0, 0.0, 1e-8)

Answer = tuple[dict[str, Any], dict[str, bytes]]


def predict(backend: Backend, header: dict[str, Any], blobs: dict[str, memoryview]) -> Answer:
    """For each picture its probabilities, or what is wrong with it; the digit as the model saw it, and activations.

    The blobs of picture i are `digit/i`, `thumbnail/i` and `activations/i`: the named operations' float32, in order.
    """
    results: list[dict[str, Any]] = []
    out: dict[str, bytes] = {}
    model = _Model(backend, header, blobs)
    for index in range(header["pictures"]):
        try:
            found = normalise(bytes(blobs[f"picture/{index}"]))
        except SubmissionError as error:
            results.append({"problem": [error.expected, error.found, error.try_]})
            continue
        probabilities, activations = model.look(found)
        results.append({"probabilities": probabilities, "thumbnail": list(found.thumbnail.shape)})
        out[f"digit/{index}"] = found.digit.tobytes()
        out[f"thumbnail/{index}"] = found.thumbnail.tobytes()
        out[f"activations/{index}"] = activations
    return {"results": results}, out


class _Model:
    """A loaded model and what is wanted of it."""

    def __init__(self, backend: Backend, header: dict[str, Any], blobs: dict[str, memoryview]) -> None:
        self._backend = backend
        self._graph, self._weights = bytes(blobs["graph"]), bytes(blobs["weights"])
        self._names: Sequence[str] = header["operations"]
        self._shape = tuple(header["input_shape"])
        self._divisor = header["divisor"]
        self._kind = OutputKind(header["output_kind"])
        self._trainee = backend.load(Task(self._graph, self._weights, self._kind, _NO_OPTIMIZER, 0, self._divisor))

    def look(self, found: Normalised) -> tuple[list[float], bytes]:
        """Ten probabilities, and the activations of the named operations back to back."""
        images = arrange(np.repeat(found.digit[None], _BATCH, axis=0), self._shape)
        outputs = self._trainee.predict(images)[:1]
        probabilities = np.exp(log_probabilities(outputs, self._kind))[0]
        if not self._names:
            return probabilities.tolist(), b""
        scaled = images.astype(np.float32) / self._divisor
        seen = self._backend.activations(self._graph, self._weights, scaled, self._names)
        return probabilities.tolist(), b"".join(seen[name][0].tobytes() for name in self._names)
