"""What runs inside a locked child: read the request, do one job, write one result frame."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any, cast

from harness.backends.base import Backend, Optimizer, Task
from harness.backends.missing import NotGiven
from harness.backends.shapes import as_layer, load_data, on_shapes, to_categorical
from harness.backends.source import Sources
from harness.backends.statement import read_statement
from harness.child.train import Course, TrainingData, train
from harness.jobs import frames
from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.submission import SourceFile
from harness.slicing.arguments import NOT_GIVEN
from harness.slicing.tensors import MNIST, ON_SHAPES, ON_TENSORS, ONE_HOT

Header = dict[str, Any]
Job = Callable[[Backend, Header, dict[str, memoryview]], tuple[Header, frames.Blobs]]


def import_backend(framework: str) -> Backend:
    """The backend of a framework; imports the framework."""
    return cast(Backend, importlib.import_module(f"harness.backends.{framework}.backend"))


def run(job: str, result: int, inputs: Sequence[memoryview]) -> None:
    """Do one job in a process that is already locked in, and write its frame to the `result` descriptor.

    The header is that of the first input frame; the blobs are those of all.
    """
    header, blobs = _read(inputs)
    try:
        answer, out = JOBS[job](import_backend(header["framework"]), header, blobs)
        frame = frames.encode({"ok": True, **answer}, out)
    except SubmissionError as error:
        frame = frames.encode(_NO_MEMORY if _tells_of_memory(error.found) else _refusal(error), {})
    except Exception as error:
        traceback.print_exc()
        frame = frames.encode(_unforeseen(error), {})
    _write(result, frame)


def _build(backend: Backend, header: Header, blobs: dict[str, memoryview]) -> tuple[Header, frames.Blobs]:
    sources = _sources(header, blobs)
    artifact = backend.build(sources, header["seed"])
    statement = read_statement(sources.module) if sources.module else b""
    weights = {f"weights/{i}": blob for i, blob in enumerate(artifact.weights)}
    answer = {"entry": artifact.entry, "notes": sources.program.notes}
    return answer, {"graph": artifact.graph, "labels": artifact.labels, "statement": statement, **weights}


def _explain(_: Backend, header: Header, blobs: dict[str, memoryview]) -> tuple[Header, frames.Blobs]:
    """What would run of a submission, as text; none of it runs."""
    program = _sources(header, blobs).program
    return {"notes": program.notes}, {"program": program.shown().encode("utf-8", "replace")}


def _sources(header: Header, blobs: dict[str, memoryview]) -> Sources:
    files = [SourceFile(path, bytes(blobs[f"source/{i}"])) for i, path in enumerate(header["paths"])]
    given: dict[str, Any] = {MNIST: load_data, ONE_HOT: to_categorical, ON_SHAPES: on_shapes, ON_TENSORS: as_layer}
    given[NOT_GIVEN] = NotGiven()
    return Sources(files, header["entry"], Framework(header["framework"]), header.get("hint", ""), given)


def _measure(backend: Backend, _: Header, blobs: dict[str, memoryview]) -> tuple[Header, frames.Blobs]:
    shapes = backend.measure(bytes(blobs["graph"]), bytes(blobs["weights"]))
    return {"shapes": {name: list(shape) for name, shape in shapes.items()}}, {}


def _train(backend: Backend, header: Header, blobs: dict[str, memoryview]) -> tuple[Header, frames.Blobs]:
    task = Task(
        graph=bytes(blobs["graph"]),
        weights=bytes(blobs["weights"]),
        output_kind=OutputKind(header["output_kind"]),
        optimizer=Optimizer(**header["optimizer"]),
        seed=header["seed"],
        divisor=header["divisor"],
    )
    data = TrainingData.from_blobs(blobs, tuple(header["input_shape"]))
    course, looks = Course(**header["course"]), {name: bool(header[name]) for name in ("keep_weights", "sampled")}
    outcome = train(backend.load(task), data, course, header["seed"], **looks)
    return outcome.header(), outcome.blobs()


def _predict(backend: Backend, header: Header, blobs: dict[str, memoryview]) -> tuple[Header, frames.Blobs]:
    from harness.child.predict import predict  # here alone pictures are decoded

    return predict(backend, header, blobs)


JOBS: dict[str, Job] = {"build": _build, "explain": _explain, "measure": _measure, "predict": _predict, "train": _train}


def _read(inputs: Sequence[memoryview]) -> tuple[Header, dict[str, memoryview]]:
    header: Header = {}
    blobs: dict[str, memoryview] = {}
    for view in reversed(inputs):
        header, parts = frames.decode(view)
        blobs |= parts
    return header, blobs


_NO_MEMORY: Header = {"ok": False, "out_of_memory": True}
_OUT_OF_MEMORY = ("allocate memory", "OOM when allocating", "out of memory")


def _unforeseen(error: Exception) -> Header:
    """An error of ours, or the frameworks' many ways to say that there is no memory left."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or _tells_of_memory(text):
        return _NO_MEMORY
    return {"ok": False, "crash": text[:1000]}


def _tells_of_memory(text: str) -> bool:
    return any(words in text for words in _OUT_OF_MEMORY)


def _refusal(error: SubmissionError) -> Header:
    parts = {"check": error.check, "expected": error.expected, "found": error.found, "try": error.try_}
    return {"ok": False, **{name: str(text)[:2000] for name, text in parts.items()}}


def _write(descriptor: int, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view) :]
