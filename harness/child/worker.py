"""What runs inside a locked child: read the request, do one job, write one result frame."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from harness.backends.base import Backend
from harness.backends.missing import NotGiven
from harness.backends.shapes import as_layer, load_data, on_shapes, to_categorical
from harness.backends.source import Sources
from harness.backends.statement import read_statement
from harness.child.readout import readouts
from harness.child.train import TrainingData, train
from harness.jobs import frames, wire
from harness.jobs.build import BUILD, EXPLAIN, BuildAnswer, BuildRequest, ProgramAnswer
from harness.jobs.ending import answered, crashed, out_of_memory, refused
from harness.jobs.machine import cpu_model
from harness.jobs.predict import PREDICT, PredictAnswer, PredictRequest
from harness.jobs.prove import CLASSIFY, PROVE, ClassifyAnswer, ClassifyRequest, ProveAnswer, ProveRequest
from harness.jobs.train import TRAIN, TrainAnswer, TrainingImages, TrainRequest
from harness.jobs.trainee import Compiled, CompiledEngine, Task, Trainee, Trainer
from harness.jobs.validate import VALIDATE, ValidateAnswer, ValidateRequest
from harness.records.artifact import Artifact
from harness.records.engine import Engine
from harness.records.errors import SubmissionError
from harness.records.graph import Shape
from harness.records.run import Readout
from harness.slicing.arguments import NOT_GIVEN
from harness.slicing.tensors import MNIST, ON_SHAPES, ON_TENSORS, ONE_HOT

Shared = Sequence[memoryview]


def import_backend(framework: str) -> Backend:
    """The backend of a framework; imports the framework."""
    return cast(Backend, importlib.import_module(f"harness.backends.{framework}.backend"))


def import_engine() -> CompiledEngine:
    """The compiled engine; imports llvmlite, and no framework."""
    return cast(CompiledEngine, importlib.import_module("harness.engine.trainee"))


def import_named(name: str) -> Backend | Trainer:
    """What a process to fork from imports: a framework with its backend, or the engine."""
    return import_engine() if name == Engine.COMPILED else import_backend(name)


def run(job: str, result: int, inputs: Sequence[memoryview]) -> None:
    """Do one job in a process that is already locked in, and write its frame to the `result` descriptor.

    The first input is the request; the others are data that several jobs share.
    """
    kind, do = JOBS[job]
    try:
        request = wire.decode(kind, *frames.decode(inputs[0]))
        frame = answered(do(_worker_of(request), request, inputs[1:]))
    except SubmissionError as error:
        frame = out_of_memory() if _tells_of_memory(error.found) else _refusal(error)
    except Exception as error:
        traceback.print_exc()
        frame = _unforeseen(error)
    _write(result, frame)


def _worker_of(request: Any) -> Backend | Trainer:
    """What does a job: the backend of its framework, unless it asks for the engine."""
    return import_named(getattr(request, "engine", Engine.FRAMEWORK).in_place_of(request.framework))


def _build(backend: Backend, request: BuildRequest, _: Shared) -> BuildAnswer:
    sources = _sources(request)
    first = backend.build(sources, request.seeds[0])
    statement = read_statement(sources.module) if sources.module else b""
    weights = list(first.weights)
    for seed in request.seeds[1:]:
        again = _built_again(backend, sources, seed) if sum(map(len, weights)) < _ENOUGH else None
        if again is None or again.graph != first.graph:
            break
        weights += again.weights
    notes = tuple(sources.program.notes)
    found = first.entry, notes, first.graph, first.labels, tuple(weights), statement
    return BuildAnswer(*found, *sources.literals())


def _built_again(backend: Backend, sources: Sources, seed: int) -> Artifact | None:
    """Another seed in the same process; None where that fails: it may be for what the file left here, and a fresh
    process will tell."""
    sources.forget()
    backend.clear()
    try:
        return backend.build(sources, seed)
    except Exception:
        return None


def _explain(_: Backend, request: BuildRequest, __: Shared) -> ProgramAnswer:
    """The part of a submission that would run, as text; none of it runs."""
    program = _sources(request).program
    return ProgramAnswer(tuple(program.notes), program.shown().encode("utf-8", "replace"))


def _sources(request: BuildRequest) -> Sources:
    given: dict[str, Any] = {MNIST: load_data, ONE_HOT: to_categorical, ON_SHAPES: on_shapes, ON_TENSORS: as_layer}
    given[NOT_GIVEN] = NotGiven()
    return Sources(request.files, request.entry, request.framework, request.hint, given)


def _train(trainer: Trainer, request: TrainRequest, shared: Shared) -> TrainAnswer:
    task = Task(request.graph, request.weights, request.output_kind, request.optimizer, request.seed, request.divisor)
    data = _data(shared, request.input_shape)
    seen, trainee = _read_and_loaded(trainer, task, request, data)
    looks = {"keep_weights": request.keep_weights, "sampled": request.sampled}
    answer = train(trainee, data, request.course, request.seed, **looks)
    observed = replace(answer.observations, readouts=seen)
    return replace(answer, cpu=cpu_model(), observations=observed, **_compiled_for(request.engine))


def _read_and_loaded(
    trainer: Trainer, task: Task, request: TrainRequest, data: TrainingData
) -> tuple[tuple[Readout, ...], Trainee]:
    """The read-outs, and the model ready to train. A framework has one random generator, which is set last; the engine
    reads with what it has compiled for training."""
    if request.engine is Engine.COMPILED:
        compiled = cast(Compiled, trainer.load(task))
        return readouts(compiled, request, data), compiled
    return readouts(cast(Backend, trainer), request, data), trainer.load(task)


def _compiled_for(engine: Engine) -> dict[str, Any]:
    """What the engine compiles for on this machine; nothing for a framework."""
    if engine is not Engine.COMPILED:
        return {}
    host = importlib.import_module("harness.engine.compiled").host()
    return {"isa": str(host.isa), "lanes": int(host.lanes)}


def _predict(backend: Backend, request: PredictRequest, _: Shared) -> PredictAnswer:
    from harness.child.predict import predict  # pictures are decoded only here

    return predict(backend, request)


def _validate(backend: Backend, request: ValidateRequest, _: Shared) -> ValidateAnswer:
    from harness.child.validate import validate  # only here is a graph interpreted

    return validate(backend, request)


def _prove(backend: Backend, request: ProveRequest, shared: Shared) -> ProveAnswer:
    from harness.child.prove import prove  # only here are both imported

    return prove(backend, import_engine(), request, _data(shared, request.input_shape))


def _classify(backend: Backend, request: ClassifyRequest, shared: Shared) -> ClassifyAnswer:
    from harness.child.prove import classify

    return classify(backend, request, _data(shared, request.input_shape))


def _data(shared: Shared, shape: Shape) -> TrainingData:
    return TrainingData.of(wire.decode(TrainingImages, *frames.decode(shared[0])), shape)


JOBS: dict[str, tuple[type[Any], Callable[[Any, Any, Shared], object]]] = {
    BUILD: (BuildRequest, _build),
    CLASSIFY: (ClassifyRequest, _classify),
    EXPLAIN: (BuildRequest, _explain),
    PREDICT: (PredictRequest, _predict),
    PROVE: (ProveRequest, _prove),
    TRAIN: (TrainRequest, _train),
    VALIDATE: (ValidateRequest, _validate),
}
"""Each job by its name: the type of its request, and the function that answers it."""
_ENOUGH = 64 << 20
"""Bytes of weights after which a process builds no further seed: they wait in its memory for the answer."""
_OUT_OF_MEMORY = ("allocate memory", "OOM when allocating", "out of memory")


def _unforeseen(error: Exception) -> bytes:
    """An error of ours, or one of the frameworks' many out-of-memory errors."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or _tells_of_memory(text):
        return out_of_memory()
    return crashed(text[:1000])


def _tells_of_memory(text: str) -> bool:
    return any(words in text for words in _OUT_OF_MEMORY)


def _refusal(error: SubmissionError) -> bytes:
    return refused(error.check, error.expected, error.found, error.try_)


def _write(descriptor: int, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view) :]
