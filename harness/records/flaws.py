"""What is wrong with the record of a run, whoever wrote it: a trainer, or the store. Pure.

A trainer runs a graph that a student made, and a file can be damaged. Neither is trusted: only possible values are
accepted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from harness.records.inputs import CLASSES
from harness.records.run import Curve, Observations, Readout, RunResult, RunStatus

_MAX_TEXT = 2_000
_MAX_EPOCHS = 10_000
_MAX_ENTRIES = 10_000
_MAX_READOUTS = 100
_KNOWN_CLASSES = bytes(range(CLASSES))


def flaw_of(run: RunResult, images: int | None = None) -> str:
    """Why this cannot be the result of a run, in a few words; empty if it can.

    `images` is the number of test images, where it is known. Predictions are one byte each, the class.
    """
    found = _type_flaw(run) or _prediction_flaw(run) or _curve_flaw(run) or _observation_flaw(run)
    if not found and images is not None and run.status is RunStatus.DONE and len(run.predictions) != images:
        return f"{len(run.predictions):,} predictions for {images:,} test images"
    return found


def damaged(key: str, seed: object, flaw: str) -> RunResult:
    """The replacement for an invalid stored run: it is trained again when its class is graded."""
    reason = f"the stored result is damaged ({flaw})"
    return RunResult(key, seed if type(seed) is int else 0, RunStatus.DAMAGED, reason)


def answer_flaw(run: RunResult, images: int) -> str:
    """Why this cannot be a trainer's answer for this many test images; empty if it can."""
    return flaw_of(run, images) or _loss_flaw(run.curve) or _likelihood_flaw(run, images)


def _loss_flaw(curve: Curve) -> str:
    """Runs of older versions may have others: they stay valid."""
    losses = (*curve.train_loss, *curve.validation_loss)
    return "" if all(map(math.isfinite, losses)) else "a learning curve with a loss that is not finite"


def _likelihood_flaw(run: RunResult, images: int) -> str:
    if run.status is not RunStatus.DONE:
        return "log-probabilities of an unfinished run" if run.log_probabilities else ""
    if len(run.log_probabilities) != images * CLASSES * np.dtype(np.float32).itemsize:
        return f"log-probabilities that are not those of {images:,} test images"
    if not np.isfinite(np.frombuffer(run.log_probabilities, np.float32)).all():
        return "log-probabilities that are not finite"
    return ""


def _type_flaw(run: RunResult) -> str:
    if not _is_count(run.seed) or not _is_count(run.peak_memory):
        return "a seed or peak memory that is not a whole number"
    if not isinstance(run.reason, str) or len(run.reason) > _MAX_TEXT:
        return "a reason that is not short text"
    if not _is_number(run.seconds) or run.seconds < 0:
        return "seconds that are not a time"
    if run.test_loss is not None and not _is_number(run.test_loss):
        return "a loss on the test images that is not finite"
    facts = run.environment
    if not isinstance(facts, dict) or len(facts) > _MAX_ENTRIES or not all(isinstance(name, str) for name in facts):
        return "an environment that is not a list of facts"
    return ""


def _prediction_flaw(run: RunResult) -> str:
    if not isinstance(run.predictions, bytes):
        return "predictions that are not bytes"
    if bool(run.predictions) is not (run.status is RunStatus.DONE):
        return "predictions of an unfinished run, or none of a finished one"
    if run.predictions.translate(None, _KNOWN_CLASSES):
        return f"a prediction that is not one of the {CLASSES} classes"
    return ""


def _curve_flaw(run: RunResult) -> str:
    curve = run.curve
    if not isinstance(curve, Curve) or any(len(values) > _MAX_EPOCHS for values in vars(curve).values()):
        return "an invalid learning curve"
    if not all(type(value) in (int, float) for value in (*curve.train_loss, *curve.validation_loss)):
        return "a learning curve with a loss that is not a number"
    if not all(_is_share(value) for value in (*curve.validation_accuracy, *curve.train_accuracy)):
        return "a learning curve with an accuracy that is not a fraction"
    return ""


def _observation_flaw(run: RunResult) -> str:
    seen = run.observations
    if not isinstance(seen, Observations) or len(seen.unmoved) > _MAX_ENTRIES:
        return "invalid observations"
    if seen.untrained_accuracy is not None and not _is_share(seen.untrained_accuracy):
        return "an accuracy before training that is not a fraction"
    if len(seen.readouts) > _MAX_READOUTS or not all(map(_is_readout, seen.readouts)):
        return "a read-out that is not a few fractions"
    if not all(map(_is_count, seen.unmoved.values())):
        return "sizes of tensors that are no counts"
    return ""


def _is_readout(value: Readout) -> bool:
    return 0 < len(value.shuffled) <= _MAX_READOUTS and all(map(_is_share, (value.accuracy, *value.shuffled)))


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1
