"""The controller's side of `predict`: pictures go to a saved model in a locked child, and its answers are checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.jobs.ending import Crashed, Ending, LimitMet, NoAnswer, Silent, Why, answer_in
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.jobs.predict import PREDICT, Looked, PredictAnswer, PredictRequest
from harness.model.visible import SIDE, Activation, Prediction, Visible, visible
from harness.records.errors import ArtifactError, HarnessError
from harness.records.inputs import CLASSES
from harness.sandbox.job import Launcher
from harness.storage.models import KeptModel
from harness.tasks.assignment import SafetyLimits

MOST_BYTES = 64 << 20
_AT_ONCE = 16
"""Pictures per child: a frame has room for a limited number of blobs."""
_LARGEST_THUMBNAIL = 112
_TEXT_LIMIT = 300
_SECONDS_EACH = 5.0


def predict_all(
    model: KeptModel, pictures: Sequence[Path], zygote: Launcher, limits: SafetyLimits, *, activations: bool = False
) -> Iterator[Prediction]:
    """The model's prediction for each picture, in order. Raises HarnessError if the model cannot be run."""
    shown: tuple[Visible, ...] = ()
    if activations:
        shown = visible(model.graph)
    for start in range(0, len(pictures), _AT_ONCE):
        group = pictures[start : start + _AT_ONCE]
        contents = [_read(path) for path in group]
        readable = [content for content in contents if isinstance(content, bytes)]
        answers = iter(_answers(model, readable, shown, zygote, limits))
        for path, content in zip(group, contents, strict=True):
            known = next(answers) if isinstance(content, bytes) else {"problem": content}
            yield Prediction(str(path), **known)


def _read(path: Path) -> bytes | tuple[str, str, str]:
    """The file's bytes, or what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        return "a picture that can be read", error.strerror or str(error), "check the path"
    if len(content) > MOST_BYTES:
        return f"a picture of at most {MOST_BYTES >> 20} MiB", "a larger file", "make it smaller"
    return content


def _answers(
    model: KeptModel, pictures: Sequence[bytes], shown: Sequence[Visible], zygote: Launcher, limits: SafetyLimits
) -> list[dict[str, Any]]:
    if not pictures:
        return []
    request = PredictRequest(
        framework=model.card.framework,
        output_kind=model.output_kind,
        input_shape=model.graph.input_shape,
        divisor=model.card.divisor,
        operations=tuple(item.operation for item in shown),
        graph=model.artifact.graph,
        weights=model.artifact.weights[0],
        pictures=tuple(pictures),
    )
    seconds = limits.build_seconds + _SECONDS_EACH * len(pictures)
    job = Job.of(PREDICT, request, Limits(wall_seconds=seconds, memory=limits.memory_mib * MIB))
    answer = _answer(zygote.run(job))
    try:
        parts = (answer.looked, answer.digits, answer.thumbnails, answer.activations, pictures)
        return [_checked(*each[:4], shown) for each in zip(*parts, strict=True)]
    except (TypeError, ValueError) as error:
        raise _failed(f"an invalid answer ({type(error).__name__})") from None


def _answer(ending: Ending) -> PredictAnswer:
    try:
        return answer_in(ending, PredictAnswer)
    except NoAnswer as error:
        raise _failed(_reason(error.why)) from None
    except ArtifactError as error:
        raise _failed(error.found) from None


def _reason(why: Why) -> str:
    """Why there is no answer, as text to show."""
    if isinstance(why, LimitMet):
        return f"more {why.limit} was needed than a model may use"
    if isinstance(why, Silent):
        return why.exit
    return (why.error if isinstance(why, Crashed) else why.found)[:_TEXT_LIMIT]


def _failed(found: str) -> HarnessError:
    return HarnessError("ten probabilities for each picture", found, "try a smaller picture, or grade the model again")


def _checked(
    looked: Looked, digit: bytes, thumbnail: bytes, activations: bytes, shown: Sequence[Visible]
) -> dict[str, Any]:
    """The fields of a prediction, from the answer of a child that has read hostile bytes. Raises what is caught
    above."""
    if looked.problem:
        expected, found, try_ = (text[:_TEXT_LIMIT] for text in looked.problem)
        return {"problem": (expected, found, try_)}
    height, width = looked.thumbnail
    probabilities = looked.probabilities
    is_right = len(probabilities) == CLASSES and all(map(math.isfinite, probabilities)) and len(digit) == SIDE * SIDE
    if not is_right or len(thumbnail) != height * width or not 0 < max(height, width) <= _LARGEST_THUMBNAIL:
        raise ValueError("sizes")
    return {
        "probabilities": probabilities,
        "digit": digit,
        "thumbnail": thumbnail,
        "thumbnail_width": width,
        "activations": _activations(activations, shown),
    }


def _activations(content: bytes, shown: Sequence[Visible]) -> tuple[Activation, ...]:
    numbers = np.frombuffer(content, "<f4")
    sizes = [math.prod(item.shape) for item in shown]
    if len(numbers) != sum(sizes):
        raise ValueError("sizes")
    parts = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    return tuple(
        Activation(item.layer, np.nan_to_num(part.reshape(item.shape))) for item, part in zip(shown, parts, strict=True)
    )
