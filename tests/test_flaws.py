"""A trainer's answer or a stored row is accepted only if it is possible."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_graph import artifact, small_net

from harness.artifact.audit import audit
from harness.experiments.training import Run, train_one
from harness.jobs import frames
from harness.jobs.ending import Ending
from harness.records.flaws import answer_flaw, flaw_of
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.run import Curve, Observations, Readout, RunResult, RunStatus
from harness.tasks.assignment import Assignment

IMAGES = 10_000
LIKELY = np.full((IMAGES, 10), -2.3, np.float32)
SOUND = RunResult(
    key="k",
    seed=1,
    status=RunStatus.DONE,
    predictions=bytes(index % 10 for index in range(IMAGES)),
    curve=Curve((0.3,), (0.1,), (0.97,), (0.98,)),
    seconds=12.5,
    peak_memory=1 << 28,
    environment={"cpu": "x"},
    observations=Observations(0.1, {"t0": 150}, (Readout(0.9, (0.8, 0.85)),)),
    test_loss=0.05,
    log_probabilities=LIKELY.tobytes(),
)
FLAWS = {
    "too few predictions": {"predictions": SOUND.predictions[:-1]},
    "too many predictions": {"predictions": SOUND.predictions + b"\0"},
    "a class that is none": {"predictions": b"\x0a" + SOUND.predictions[1:]},
    "no predictions": {"predictions": b""},
    "a name for predictions": {"predictions": "0" * IMAGES},
    "predictions of a run that diverged": {"status": RunStatus.DIVERGED},
    "an accuracy above 1": {"curve": Curve((0.3,), (0.1,), (1.01,))},
    "an accuracy that is no number": {"curve": Curve((0.3,), (0.1,), (math.nan,))},
    "a loss in words": {"curve": Curve(("small",), (0.1,), (0.9,))},
    "a million epochs": {"curve": Curve((0.3,) * 1_000_000)},
    "negative time": {"seconds": -1.0},
    "endless time": {"seconds": math.inf},
    "a truth value for time": {"seconds": True},
    "a fraction of a seed": {"seed": 0.5},
    "negative memory": {"peak_memory": -1},
    "a loss that is not finite": {"test_loss": math.nan},
    "a very long reason": {"reason": "x" * 10_000},
    "a negative count": {"observations": Observations(0.1, {"t0": -1})},
    "an accuracy before training above 1": {"observations": Observations(40.0)},
    "a read-out above 1": {"observations": Observations(readouts=(Readout(1.1, (0.8,)),))},
    "a read-out of shuffled weights that is no number": {
        "observations": Observations(readouts=(Readout(0.9, (math.nan,)),))
    },
    "a read-out without a shuffle": {"observations": Observations(readouts=(Readout(0.9, ()),))},
    "a thousand read-outs": {"observations": Observations(readouts=(Readout(0.9, (0.9,)),) * 1_000)},
}
NOT_YET_STORED = {
    "a curve that is not finite": {"curve": Curve((0.3,), (math.inf,), (0.9,))},
    "no log-probabilities": {"log_probabilities": b""},
    "log-probabilities of fewer classes": {"log_probabilities": LIKELY[:, :9].tobytes()},
    "log-probabilities of twenty classes": {"log_probabilities": LIKELY.tobytes() * 2},
    "log-probabilities that are not finite": {"log_probabilities": np.full_like(LIKELY, -np.inf).tobytes()},
}


def test_a_sound_run_has_no_flaw():
    assert flaw_of(SOUND, IMAGES) == answer_flaw(SOUND, IMAGES) == ""


@pytest.mark.parametrize("status", [s for s in RunStatus if s is not RunStatus.DONE])
def test_a_run_that_ended_otherwise_needs_no_predictions(status):
    ended = RunResult("k", 0, status, "why")
    assert flaw_of(ended, IMAGES) == answer_flaw(ended, IMAGES) == ""


@pytest.mark.parametrize("change", FLAWS.values(), ids=FLAWS)
def test_what_cannot_be_is_found(change):
    assert flaw_of(replace(SOUND, **change), IMAGES)


@pytest.mark.parametrize("change", NOT_YET_STORED.values(), ids=NOT_YET_STORED)
def test_an_answer_is_looked_at_more_closely_before_it_is_stored(change):
    assert answer_flaw(replace(SOUND, **change), IMAGES)


class Says:
    """A launcher whose every trainer answers with this frame, or raises this error."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, *_):
        if isinstance(self.answer, Exception):
            raise self.answer
        return Ending(0, None, self.answer, "", 1.0, 1 << 20)


ARTIFACT = audit(artifact(small_net())).artifact.of_seed(0)
RUN = Run("k", 0, Framework.TORCH, (1, 28, 28), OutputKind.LOGITS, 1)
CURVE = {"train_loss": [0.3], "validation_loss": [0.1], "validation_accuracy": [0.9], "train_accuracy": []}
HEADER = {
    "ok": True,
    "cpu": "a processor",
    "isa": "",
    "lanes": 0,
    "status": "done",
    "reason": "",
    "seconds": 1.0,
    "curve": CURVE,
    "observations": {
        "untrained_accuracy": 0.1, "unmoved": {},
        "readouts": [{"accuracy": 0.9, "shuffled": [0.9]}],
    },
}  # fmt: skip
BLOBS = {"predictions": SOUND.predictions, "log_probabilities": SOUND.log_probabilities, "weights": b""}


def answered(header, blobs):
    return train_one(RUN, ARTIFACT, Says(frames.encode(header, blobs)), None, Assignment())


def test_an_honest_answer_is_taken():
    assert answered(HEADER, BLOBS).status is RunStatus.DONE


@pytest.mark.parametrize("change", [
    {"status": "timed out"},
    {"status": "crashed"},
    {"status": "damaged"},
    {"status": ["done"]},
    {"seconds": "NaN"},
    {"seconds": None},
    {"curve": None},
    {"curve": {"validation_accuracy": [7]}},
    {"observations": {"unmoved": [1]}},
    {"observations": {"readouts": [{"accuracy": 2, "shuffled": [0.9]}]}},
    {"observations": {"readouts": [{"accuracy": 0.9, "shuffled": 0.9}]}},
    {"ok": "yes"},
    {"ok": False, "check": ["outputs"], "found": None, "out_of_memory": 0, "crash": ["x"]},
    {"more": 1},
    {"cpu": None},
    {"seconds": True},
    {"curve": {**CURVE, "more": []}},
])  # fmt: skip
def test_an_answer_that_cannot_be_one_is_a_crash_and_nothing_of_it_is_kept(change):
    found = answered({**HEADER, **change}, BLOBS)
    assert found.status is RunStatus.CRASHED and found.reason
    assert found.predictions == found.log_probabilities == b""


@pytest.mark.parametrize("change", [
    {"predictions": SOUND.predictions[1:]},
    {"predictions": b"\xff" * IMAGES},
    {"log_probabilities": b"\0" * 7},
    {"log_probabilities": b"\xff" * 4 * 10 * IMAGES},
    {"more": b""},
])  # fmt: skip
def test_blobs_that_are_no_answer_are_a_crash(change):
    assert answered(HEADER, {**BLOBS, **change}).status is RunStatus.CRASHED


def test_a_model_that_the_trainer_refuses_is_told_so():
    refusal = {"ok": False, "check": "outputs", "expected": "", "found": "outputs of shape (500, 20)", "try": ""}
    found = answered(refusal, {})
    assert (found.status, found.reason) == (RunStatus.REFUSED, "outputs of shape (500, 20)")


@pytest.mark.parametrize("error", [MemoryError(), IndexError("list index out of range"), RecursionError("deep")])
def test_whatever_the_work_on_one_run_raises_is_the_end_of_that_run(error):
    found = train_one(RUN, ARTIFACT, Says(error), None, Assignment())
    assert found.status is RunStatus.CRASHED and type(error).__name__ in found.reason


def test_a_graph_that_cannot_be_read_is_the_end_of_its_run():
    found = train_one(RUN, replace(ARTIFACT, graph=b"{}"), Says(b""), None, Assignment())
    assert (found.status, found.reason) == (RunStatus.CRASHED, "expected a torch graph, found None")


def test_an_artifact_of_an_earlier_version_is_the_end_of_its_run():
    """It has PyTorch's own graph."""
    raw = b'{"format":1,"framework":"torch","input":[1,28,28],"tensors":{},"train":{},"eval":{}}'
    found = train_one(RUN, replace(ARTIFACT, graph=raw), Says(b""), None, Assignment())
    assert (found.status, found.reason) == (RunStatus.CRASHED, "expected a graph of format 2, found 1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(HEADER)), JSON)
def test_no_header_makes_anything_but_a_result(field, value):
    found = answered({**HEADER, field: value}, BLOBS)
    assert found.status in (RunStatus.DONE, RunStatus.DIVERGED, RunStatus.OUT_OF_MEMORY, RunStatus.CRASHED)
    assert flaw_of(found, IMAGES) == ""
    json.dumps(vars(found.curve), allow_nan=False)
