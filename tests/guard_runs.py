"""Everything that a grade does with the compiled engine, on a model whose memory is guarded."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import safetensors.numpy
from guard_graphs import Nasty, nasty, weights_of
from guard_pages import guard_the_engine, guarded, in_a_child

from harness.engine.compiled import HOSTS
from harness.engine.coverage import not_covered
from harness.engine.memory import Memory
from harness.engine.trainee import load
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.language.interpreter import run
from harness.language.text import model_text

OPTIMIZERS = (Optimizer("sgd", 0.01, 0.9, 0.0, 0.0, 0.0), Optimizer("adam", 1e-3, 0.0, 0.9, 0.999, 1e-8))
SIZES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 127, 128, 129, 130)


def found_in(seed: int, isa: str, *, at_end: bool, seconds: int = 60) -> str:
    """What is wrong with the engine on the model of a seed; empty if nothing is, "-" and a reason if it is not covered."""
    made = nasty(seed)
    said = in_a_child(lambda: _worked(made, seed, isa, at_end=at_end), seconds)
    return f"{said}\nseed {seed}, {isa}, at_end {at_end}\n{made.story}" if said and said[0] != "-" else said


def _worked(made: Nasty, seed: int, isa: str, *, at_end: bool) -> str:
    guard_the_engine(at_end=at_end)
    model, chance = made.model, random.Random(seed)
    size = chance.choice(SIZES)
    reason = not_covered(model, size)
    if reason:
        return f"-{reason}"
    weights = weights_of(model, seed)
    task = Task(model_text(model), safetensors.numpy.save(weights), made.kind, chance.choice(OPTIMIZERS), seed)
    count = size + chance.choice((0, 1, size - 1, size))
    images = guarded((max(count, 1), *model.input_shape), np.uint8, at_end=at_end)
    images[...] = np.random.default_rng(seed).integers(0, 256, images.shape)
    labels = np.random.default_rng(seed).integers(0, 10, len(images), dtype=np.uint8)
    with np.errstate(all="ignore"):
        return _trained(made, task, isa, images, labels, size)


def _trained(made: Nasty, task: Task, isa: str, images: Any, labels: Any, size: int) -> str:
    trainee = load(task, HOSTS[isa])
    problems = _differences(made, trainee, task.weights, images)
    order = np.random.default_rng(0).permutation(len(images))
    for _ in range(2):
        trainee.train_epoch(images, labels, order, size, np.ones(-(-len(order) // size)))
    problems += _differences(made, trainee, trainee.state(), images[:3]) if len(images) > 3 else []
    names = [node.inputs[0] for node in made.model.evaluation.nodes if node.inputs]
    trainee.reader(task.graph, task.weights, names)(images[:2].astype(np.float32))
    trainee.gradients(images[:1], labels[:1])
    for memory in (trainee._training.memory, trainee._evaluation.memory):
        problems += _touched(memory)
    return "; ".join(problems)


def _differences(made: Nasty, trainee: Any, state: bytes, images: Any) -> list[str]:
    """Where outputs are not the interpreter's, whatever other images came before."""
    found = trainee.predict(images)
    arrays = safetensors.numpy.load(state)
    expected = run(made.model.evaluation, arrays, images[:4] / 255).output
    if found.shape != (len(images), 10):
        return [f"outputs of shape {found.shape}"]
    first = found[:4]
    if not np.isfinite(expected).all() or np.abs(expected).max(initial=0) > 1e4:
        return []
    within = 5e-3 * max(1.0, float(np.abs(expected).max()))
    return [] if np.abs(first - expected).max() <= within else [f"other outputs: {np.abs(first - expected).max():g}"]


def _touched(memory: Memory) -> list[str]:
    """Roots whose zeros between the numbers of a value are zeros no longer."""
    problems = []
    for number, (root, values) in enumerate(zip(memory._roots, memory.values, strict=True)):
        if not root.is_rows and root.size > root.count:
            lines = np.asarray(values).reshape(memory.blocks, root.size, memory.lanes)
            written = int((lines != 0).any(axis=(0, 2)).sum())
            problems += [f"root {number}: {written} of {root.count} numbers written"] if written > root.count else []
    return problems
