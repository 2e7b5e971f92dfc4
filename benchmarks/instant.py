"""A launcher whose jobs are answered immediately: what is left is the work of the controller. No student code runs."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from harness.jobs.measure import MEASURE, MeasureRequest

from harness.jobs import frames, wire
from harness.jobs.build import BUILD, BuildAnswer, BuildRequest
from harness.jobs.ending import Ending, answer_in, answered
from harness.jobs.job import Job
from harness.jobs.limits import Limits
from harness.jobs.train import TrainAnswer, TrainRequest
from harness.records.run import Curve, Observations, RunStatus
from harness.records.submission import Submission
from harness.sandbox.job import Launcher, SharedInput

IMAGES, CLASSES = 10_000, 10


@dataclass(frozen=True)
class Instant:
    """Answers every build with the recorded one and its own weights, every training with drawn predictions."""

    build: BuildAnswer
    measure: bytes

    @classmethod
    def recorded(cls, submission: Submission, zygote: Launcher) -> Instant:
        """A real launcher's answer for one submission, computed once."""
        ending = zygote.run(Job.of(BUILD, BuildRequest.of(submission), Limits()))
        built = answer_in(ending, BuildAnswer)
        request = MeasureRequest(submission.framework, built.graph, built.weights[0])
        return cls(built, zygote.run(Job.of(MEASURE, request, Limits())).frame)

    def run(self, job: Job, shared: Sequence[SharedInput] = ()) -> Ending:
        """The answer, without a process."""
        del shared
        if job.name == MEASURE:
            return ended(self.measure)
        return ended(answered(self._built(job.request) if job.name == BUILD else trained(job.request)))

    def close(self) -> None:
        """Nothing runs."""

    def _built(self, request: bytes) -> BuildAnswer:
        """The recorded build; the weights of every tensor depend on source and seed."""
        asked = wire.decode(BuildRequest, *frames.decode(request))
        source = hashlib.sha256(b"".join(asked.contents))
        told = [hashlib.sha256(source.digest() + bytes([seed])).digest() for seed in asked.seeds]
        return replace(self.build, weights=tuple(with_own_weights(self.build.weights[0], digest) for digest in told))


def with_own_weights(blob: bytes, told: bytes) -> bytes:
    """The weights, all of them float32, drawn from `told`."""
    start = 8 + struct.unpack("<Q", blob[:8])[0]
    chance = np.random.default_rng(np.frombuffer(told, np.uint32))
    return blob[:start] + (0.1 * chance.standard_normal((len(blob) - start) // 4, np.float32)).tobytes()


def trained(request: bytes) -> TrainAnswer:
    """A trainer's answer for drawn predictions of about 99 %."""
    from harness.datasets import catalogue

    asked = wire.decode(TrainRequest, *frames.decode(request))
    chance = np.random.default_rng(np.frombuffer(hashlib.sha256(request).digest(), np.uint32))
    labels = catalogue.load("mnist").test_labels
    wrong = chance.random(IMAGES) < 0.012
    predictions = np.where(wrong, (labels + chance.integers(1, CLASSES, IMAGES)) % CLASSES, labels).astype(np.uint8)
    likely = np.full((IMAGES, CLASSES), np.log(0.001), np.float32)
    likely[np.arange(IMAGES), predictions] = np.log(0.991)
    curve = Curve(*[(share,) * asked.course.epochs for share in (0.2, 0.1, 0.98, 0.98)])
    seen = Observations(0.1, {}, 256, 0, 0)
    blobs = (predictions.tobytes(), likely.tobytes())
    return TrainAnswer(RunStatus.DONE, "", curve, 12.0, seen, "a processor", *blobs)


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
