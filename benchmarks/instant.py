"""A launcher whose jobs are answered immediately: what is left is the work of the controller. No student code runs."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.jobs import frames, wire
from harness.jobs.build import BUILD, BuildAnswer, BuildRequest
from harness.jobs.ending import Ending, answer_in, answered
from harness.jobs.job import Job
from harness.jobs.limits import Limits
from harness.jobs.prove import CLASSIFY, PROVE, ClassifyAnswer, ClassifyRequest, ProveAnswer
from harness.jobs.train import TRAIN, TrainAnswer, TrainRequest
from harness.jobs.validate import VALIDATE, ValidateAnswer
from harness.records.run import Curve, Observations, RunStatus
from harness.records.submission import Submission
from harness.sandbox.job import Launcher, SharedInput

IMAGES, CLASSES = 10_000, 10


@dataclass(frozen=True)
class Instant:
    """Answers every build with the recorded one and its own weights, every training with drawn predictions."""

    build: BuildAnswer

    @classmethod
    def recorded(cls, submission: Submission, zygote: Launcher) -> Instant:
        """A real launcher's answer for one submission, computed once."""
        ending = zygote.run(Job.of(BUILD, BuildRequest.of(submission), Limits()))
        return cls(answer_in(ending, BuildAnswer))

    def run(self, job: Job, shared: Sequence[SharedInput] = ()) -> Ending:
        """The answer, without a process."""
        del shared
        return ended(answered(self._answers[job.name](job.request)))

    @property
    def _answers(self) -> dict[str, Callable[[bytes], object]]:
        return {
            BUILD: self._built,
            VALIDATE: lambda _: ValidateAnswer(0.0, 0.0, 0.0, ""),
            PROVE: lambda _: ProveAnswer(0.0, 0.0, 0.0, ""),
            TRAIN: trained,
            CLASSIFY: classified,
        }

    def close(self) -> None:
        """Nothing runs."""

    def _built(self, request: bytes) -> BuildAnswer:
        """The recorded build; the first weight of every tensor depends on source and seed."""
        asked = wire.decode(BuildRequest, *frames.decode(request))
        source = b"".join(asked.contents)
        told = [hashlib.sha256(source + str(seed).encode()).digest() for seed in asked.seeds]
        return replace(self.build, weights=tuple(with_own_weights(self.build.weights[0], each) for each in told))


def with_own_weights(blob: bytes, told: bytes) -> bytes:
    """The weights with the first number of each tensor drawn from `told`."""
    size = struct.unpack("<Q", blob[:8])[0]
    changed = bytearray(blob)
    for entry in json.loads(blob[8 : 8 + size]).values():
        start = 8 + size + entry["data_offsets"][0]
        changed[start : start + 3] = told[:3]
    return bytes(changed)


def trained(request: bytes) -> TrainAnswer:
    """A trainer's answer for drawn predictions of about 99 %."""
    asked = wire.decode(TrainRequest, *frames.decode(request))
    predictions = drawn(asked.weights)
    likely = np.full((IMAGES, CLASSES), np.log(0.001), np.float32)
    likely[np.arange(IMAGES), predictions] = np.log(0.991)
    curve = Curve(*[(share,) * asked.course.epochs for share in (0.2, 0.1, 0.98, 0.98)])
    seen = Observations(0.1)
    blobs = {"predictions": predictions.tobytes(), "log_probabilities": likely.tobytes()}
    blobs |= {"weights": asked.weights} if asked.keep_weights else {}
    return TrainAnswer(RunStatus.DONE, "", curve, 12.0, seen, "a processor", **blobs)


def classified(request: bytes) -> ClassifyAnswer:
    """What the framework says of the weights of such a training, which are the initial ones."""
    return ClassifyAnswer(drawn(wire.decode(ClassifyRequest, *frames.decode(request)).weights).tobytes())


def drawn(weights: bytes) -> np.ndarray:
    """Predictions of about 99 %, always the same ones for the same weights."""
    from harness.datasets import catalogue

    chance = np.random.default_rng(np.frombuffer(hashlib.sha256(weights).digest(), np.uint32))
    labels = catalogue.load("mnist").test_labels
    wrong = chance.random(IMAGES) < 0.012
    return np.where(wrong, (labels + chance.integers(1, CLASSES, IMAGES)) % CLASSES, labels).astype(np.uint8)


def ended(frame: bytes) -> Ending:
    """A process that ended normally."""
    return Ending(0, None, frame, "", 0.01, 100 << 20)


def copies_of(submission: Submission, count: int) -> list[Submission]:
    """A class whose every source differs by a comment."""
    first, *others = submission.files
    return [
        replace(
            submission,
            name=f"student_{index:05}",
            files=(replace(first, content=first.content + f"# {index}\n".encode()), *others),
        )
        for index in range(count)
    ]
