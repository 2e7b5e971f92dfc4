"""Typed messages: what is sent arrives unchanged, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.jobs import frames, wire
from harness.jobs.build import BuildAnswer, BuildRequest, ProgramAnswer
from harness.jobs.ending import Crashed, Ending, Limit, LimitMet, NoAnswer, Refused, Silent, answer_in, answered
from harness.jobs.ending import crashed as crash_frame
from harness.jobs.ending import out_of_memory as memory_frame
from harness.jobs.ending import refused as refusal_frame
from harness.jobs.predict import Looked, PredictAnswer, PredictRequest
from harness.jobs.prove import ClassifyAnswer, ClassifyRequest, ProveAnswer, ProveRequest
from harness.jobs.train import Course, Optimizer, TrainAnswer, TrainRequest
from harness.jobs.validate import ValidateAnswer, ValidateRequest
from harness.records.draw import Draw
from harness.records.engine import Engine
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.run import Curve, Observations, Readout, RunStatus

TORCH, LOGITS = Framework.TORCH, OutputKind.LOGITS
MESSAGES = [
    BuildRequest(TORCH, "model.py", "Net()", (3, 0), ("model.py", "a/b.ipynb"), (b"import torch", b"")),
    BuildRequest(TORCH, "model.py", "", (0,), (), ()),
    BuildAnswer("Net()", ("left out", "read as"), b"{}", b"{}", (b"\0\1", b"\2"), b"", 7, ("model.py, line 1",)),
    ProgramAnswer((), "é\n".encode()),
    ValidateRequest(Framework.TENSORFLOW, b"{}", b"[]", b"", {"v1": Draw(3), "v2": Draw(4, 1, 0.25)}, {}),
    ValidateAnswer(1e-12, 3e-9, 0.0, "gradient of t0 for 3 images: 3.0e-09"),
    TrainRequest(
        TORCH, Engine.COMPILED, LOGITS, (1, 28, 28), 2, 255, Optimizer("adam", 3e-3, 0.0, 0.9, 0.999, 1e-8), Course(3, 128, "linear"),
        True, False, ("n2", "n6"), b"{}", b"\0",
    ),
    TrainAnswer(
        RunStatus.DONE, "", Curve((0.5,), (0.25,), (0.75,), ()), 1.5, Observations(None, {"t0": 6}, (Readout(0.5, (0.25, 1.0)),)), "x",
        "AVX2", 8, b"\1" * 10, b"\0" * 40,
    ),
    ProveRequest(TORCH, LOGITS, (1, 28, 28), 255, 128, b"{}", b"\0"),
    ProveAnswer(1e-7, 2e-6, 0.0, "the gradient of t0: 2.0e-06, at most 0.0001"),
    ClassifyRequest(Framework.TENSORFLOW, OutputKind.PROBABILITIES, (28, 28, 1), 1, b"{}", b"\0"),
    ClassifyAnswer(b"\1\2"),
    PredictRequest(TORCH, LOGITS, (784,), 1, ("n0",), b"{}", b"", (b"png", b"jpeg")),
    PredictAnswer(
        (Looked((0.1,) * 10, (28, 20)), Looked(problem=("a", "b", "c"))), (b"1", b""), (b"2", b""), (b"3", b"")
    ),
]  # fmt: skip
IDS = [type(message).__name__ for message in MESSAGES]


@pytest.mark.parametrize("message", MESSAGES, ids=IDS)
def test_a_message_comes_back_as_it_was_sent(message):
    assert wire.decode(type(message), *frames.decode(wire.encode(message))) == message


@pytest.mark.parametrize("message", MESSAGES, ids=IDS)
def test_one_field_more_or_less_is_no_message(message):
    header, blobs = frames.decode(wire.encode(message))
    for name in header:
        without = {key: value for key, value in header.items() if key != name}
        with pytest.raises(ArtifactError, match="one "):
            wire.decode(type(message), without, blobs)
    with pytest.raises(ArtifactError):
        wire.decode(type(message), {**header, "accuracy": 1.0}, blobs)
    with pytest.raises(ArtifactError):
        wire.decode(type(message), header, {**blobs, "more": memoryview(b"")})
    for name in [name for name in blobs if "/" not in name]:
        with pytest.raises(ArtifactError):
            wire.decode(type(message), header, {key: blob for key, blob in blobs.items() if key != name})


@pytest.mark.parametrize("message", MESSAGES, ids=IDS)
@pytest.mark.parametrize("value", [None, "1", 1, 1.5, True, [[]], {"a": 1}, "torch"])
def test_a_field_of_another_type_is_no_message_and_no_other_error(message, value):
    header, blobs = frames.decode(wire.encode(message))
    for name, good in header.items():
        try:
            found = wire.decode(type(message), {**header, name: value}, blobs)
        except ArtifactError:
            continue
        assert type(getattr(found, name)) in (type(good), tuple, float) or isinstance(value, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(MESSAGES), st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.data())
def test_whatever_the_header_says_it_is_a_message_or_refused(message, more, data):
    header, blobs = frames.decode(wire.encode(message))
    name = data.draw(st.sampled_from(sorted(header) or ["x"]))
    try:
        found = wire.decode(type(message), {**header, name: data.draw(JSON), **more}, blobs)
    except ArtifactError:
        return
    assert isinstance(found, type(message))


def ended(frame=b"", limit=None, exit_code=0, output=""):
    return Ending(exit_code, limit, frame, output, 1.0, 1)


ANSWER = ProgramAnswer(("n0",), b"x")


def test_an_answer_is_taken_out_of_an_ending():
    assert answer_in(ended(answered(ANSWER)), ProgramAnswer) == ANSWER


@pytest.mark.parametrize(("ending", "why"), [
    (ended(answered(ANSWER), Limit.WALL), LimitMet(Limit.WALL)),
    (ended(limit=Limit.RESULT), LimitMet(Limit.RESULT)),
    (ended(output="terminate called after throwing an instance of 'std::bad_alloc'"), LimitMet(Limit.MEMORY)),
    (ended(memory_frame()), LimitMet(Limit.MEMORY)),
    (ended(exit_code=-11), Silent("it was ended by signal SIGSEGV")),
    (ended(exit_code=3), Silent("it exited with code 3")),
    (ended(crash_frame("KeyError: 'x'")), Crashed("KeyError: 'x'")),
    (ended(refusal_frame("model", "a", "b", "c")), Refused("model", "a", "b", "c")),
    (ended(frames.encode({"ok": False, "check": 7, "found": ["x"]}, {})), Refused("", "", "", "")),
    (ended(frames.encode({}, {})), Refused("", "", "", "")),
    (ended(frames.encode({"ok": 1}, {})), Refused("", "", "", "")),
])  # fmt: skip
def test_an_ending_without_an_answer_says_why(ending, why):
    with pytest.raises(NoAnswer) as caught:
        answer_in(ending, ProgramAnswer)
    assert caught.value.why == why


def test_an_answer_of_another_kind_is_refused():
    with pytest.raises(ArtifactError, match="one BuildAnswer"):
        answer_in(ended(answered(ANSWER)), BuildAnswer)
