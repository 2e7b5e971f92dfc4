"""What PyTorch's own differentiation finds for a graph of the language, in float64 or float32; and how far the engine is
from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from torch.nn import functional

from harness.backends.torch.lowered import Program
from harness.engine.compiled import HOSTS
from harness.engine.trainee import CompiledTrainee, load
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.language.dependence import random_nodes
from harness.language.graph import ModelGraph
from harness.language.sizes import at
from harness.language.text import model_text
from harness.records.graph import OutputKind

Arrays = Mapping[str, np.ndarray[Any, Any]]
SGD = Optimizer("sgd", 0.01, 0.0, 0.0, 0.0, 1e-8)
WITHIN = 1e-5


@dataclass(frozen=True)
class Found:
    """Loss, gradients, all tensors after the pass, and the outputs of evaluation."""

    loss: float
    gradients: Arrays
    tensors: Arrays
    outputs: np.ndarray[Any, Any]


def task_of(model: ModelGraph, weights: Arrays, kind: OutputKind, optimizer: Optimizer = SGD, **more: Any) -> Task:
    return Task(model_text(model), safetensors.numpy.save(dict(weights)), kind, optimizer, 0, **more)


def draws(model: ModelGraph, count: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """What each dropout keeps."""
    chance, graph = np.random.default_rng(seed + 2), model.training
    return {
        node.name: (chance.random(at(graph.values[node.name].shape, count)) >= node.attributes["ratio"]).astype(float)
        for node in random_nodes(graph)
    }


def exact(
    model: ModelGraph, weights: Arrays, kind: OutputKind, images: Any, labels: Any, drawn: Arrays,
    dtype: torch.dtype = torch.float64,
) -> Found:  # fmt: skip
    """By PyTorch, with nothing of the harness but the operators one by one."""
    torch.set_num_threads(1)
    trainable = {t.name for t in model.tensors if t.trainable}
    tensors = {name: torch.tensor(array).to(dtype) for name, array in weights.items()}
    parameters = {name: tensors[name].requires_grad_() for name in tensors if name in trainable}
    read = torch.tensor(images).to(dtype) / 255
    given = {name: torch.tensor(array).to(dtype) for name, array in drawn.items()}
    with torch.no_grad():
        outputs = Program.of(model.evaluation, dtype).output_of(dict(tensors), read, {}).numpy()
    run = dict(tensors)
    loss = loss_of(Program.of(model.training, dtype).output_of(run, read, given), torch.tensor(labels).long(), kind)
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, materialize_grads=True) if (
        loss.requires_grad
    ) else [torch.zeros_like(p) for p in parameters.values()]  # fmt: skip
    gradients = {name: gradient.numpy() for name, gradient in zip(parameters, found, strict=True)}
    return Found(loss.item(), gradients, {name: t.detach().numpy() for name, t in run.items()}, outputs)


def loss_of(outputs: torch.Tensor, labels: torch.Tensor, kind: OutputKind) -> torch.Tensor:
    if kind is OutputKind.LOGITS:
        return functional.cross_entropy(outputs, labels)
    if kind is OutputKind.PROBABILITIES:
        outputs = outputs.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR).log()
    return functional.nll_loss(outputs, labels)


def compiled(
    model: ModelGraph, weights: Arrays, kind: OutputKind, images: Any, labels: Any, drawn: Arrays, isa: str
) -> tuple[Found, CompiledTrainee]:
    """By the engine."""
    trainee = load(task_of(model, weights, kind), HOSTS[isa])
    outputs = trainee.predict(images)
    loss, gradients = trainee.gradients(images, labels, drawn)
    return Found(loss, gradients, safetensors.numpy.load(trainee.state()), outputs), trainee


def differences(found: Found, expected: Found) -> dict[str, float]:
    """Of each result beside the largest number that it should have; of a gradient that is nothing but rounding beside
    the largest of all."""
    most = max((np.abs(g).max(initial=0) for g in expected.gradients.values()), default=0.0)
    parts = {
        "loss": apart(np.array(found.loss), np.array(expected.loss), 1.0),
        "outputs": apart(found.outputs, expected.outputs),
    }
    for name, gradient in expected.gradients.items():
        own = np.abs(gradient).max(initial=0)
        least = own if own > 1e-6 * most else 100 * most
        parts[f"gradient {name}"] = apart(found.gradients[name], gradient, least)
    return parts | {f"tensor {name}": apart(found.tensors[name], array) for name, array in expected.tensors.items()}


def apart(found: Any, expected: Any, beside: float | None = None) -> float:
    if found.shape != expected.shape:
        return float("inf")
    largest = np.abs(np.nan_to_num(expected)).max(initial=0) if beside is None else beside
    both = np.isnan(found) & np.isnan(expected)
    difference = np.where(both, 0.0, np.abs(found.astype(float) - expected.astype(float))).max(initial=0)
    return float(difference / max(largest, 1e-30))


def worst(found: Found, expected: Found, single: Found) -> dict[str, str]:
    """What is further away than 1e-5, or than 4 times PyTorch's own float32 where that is further."""
    ours, theirs = differences(found, expected), differences(single, expected)
    return {
        name: f"{size:.1e}, PyTorch in float32 {theirs[name]:.1e}"
        for name, size in ours.items()
        if not size <= max(WITHIN, 4 * theirs[name])
    }
