"""PyTorch: build and export a student's model, train an audited one, compare both."""

from __future__ import annotations

import contextlib
import gc
import json
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import safetensors.torch
import torch

from harness.backends.find_model import FoundModel, find_model
from harness.backends.refusals import FIXED_BATCHES, fixed_batch, more_channels, several_outputs
from harness.backends.source import Sources
from harness.backends.torch import trace
from harness.backends.torch.device import OnProcessor, leave_uncompiled, without_onednn
from harness.backends.torch.original import original
from harness.backends.torch.trainee import load, lowered, reader
from harness.records.artifact import Artifact
from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.graph import Shape, TensorKind
from harness.records.inputs import CLASSES, FORWARD_EXPECTED, INPUT_FORMS

__all__ = ["build", "clear", "load", "lowered", "original", "reader"]

_DTYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass
class _Export:
    """One seed's model as data: the graph in canonical names, the names students gave, and the weights."""

    graph: dict[str, Any]
    labels: dict[str, Any]
    weights: dict[str, torch.Tensor] = field(repr=False)


def build(sources: Sources, seed: int) -> Artifact:
    """Build the submission from one seed and export it. Raises SubmissionError with what to fix."""
    torch.set_num_threads(1)
    with OnProcessor(), without_onednn():
        model, label = _make(sources, seed)
        export = _export(model, _find_input(model, sources), sources)
    return Artifact(
        framework=Framework.TORCH,
        graph=json.dumps(export.graph, sort_keys=True, separators=(",", ":")).encode(),
        labels=json.dumps(export.labels).encode(),
        weights=(safetensors.torch.save(export.weights),),
        entry=label,
    )


def clear() -> None:
    """Free the models of earlier builds, and undo the usual global settings."""
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    gc.collect()


def _make(sources: Sources, seed: int) -> tuple[torch.nn.Module, str]:
    """A fresh import and a fresh model, with every random generator set to `seed` before."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    leave_uncompiled()
    entry: FoundModel = find_model(sources.load(), torch.nn.Module, sources.program.expression)
    try:
        model = entry.make()
    except BaseException as error:
        raise sources.blame("model", "a model that can be built", error) from None
    if not isinstance(model, torch.nn.Module):
        found = f"{entry.label} returns a {type(model).__name__}"
        raise SubmissionError("model", "a torch.nn.Module", found, "return the model itself")
    return model, entry.label


def _find_input(model: torch.nn.Module, sources: Sources) -> Shape:
    """The first input form for which a forward pass gives one row for each image."""
    failures: list[BaseException] = []
    for shape in INPUT_FORMS:
        try:
            output = _forward(model, shape)
        except BaseException as error:
            failures.append(error)
            continue
        if isinstance(output, torch.Tensor) and output.ndim == 2 and len(output) == trace.BATCH_SIZES[0]:
            return shape
        if isinstance(output, (tuple, list, dict)):
            raise several_outputs(len(output), type(output).__name__)
        failures.append(ValueError(f"forward returned {_describe(output)}"))
    raise more_channels(failures[0]) or _fixed(model) or sources.blame("forward", FORWARD_EXPECTED, failures[0])


def _fixed(model: torch.nn.Module) -> SubmissionError | None:
    """Whether the model accepts only one batch size."""
    for size in FIXED_BATCHES:
        for shape in [form for form in INPUT_FORMS if form[0] == 1]:
            with contextlib.suppress(Exception):
                if tuple(_forward(model, shape, size).shape) == (size, CLASSES):
                    return fixed_batch(size)
    return None


def _forward(model: torch.nn.Module, shape: Shape, batch: int = trace.BATCH_SIZES[0]) -> Any:
    """One forward pass of zeros in evaluation mode, which changes nothing in the model."""
    model.eval()
    with torch.no_grad():
        return model(torch.zeros(batch, *shape))


def _describe(output: object) -> str:
    if isinstance(output, torch.Tensor):
        return f"shape {tuple(output.shape)} for a batch of {trace.BATCH_SIZES[0]}"
    return f"a {type(output).__name__} instead of a tensor"


def _export(model: torch.nn.Module, shape: Shape, sources: Sources) -> _Export:
    """Trace both modes. The weights are copied first, because tracing in training mode moves statistics."""
    registered = {id(tensor): (name, tensor) for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
    before = {key: tensor.detach().clone() for key, (_, tensor) in registered.items()}
    graphs: dict[str, Any] = {}
    used: dict[str, dict[int, torch.Tensor]] = {}
    for mode, training in (("eval", False), ("train", True)):
        nodes, output, used[mode] = _trace(model, shape, training, sources, set(registered))
        graphs[mode] = {"nodes": nodes, "output": output}
    twins = _twins(used["eval"], used["train"], set(registered))
    outside = {key: tensor for key, tensor in (used["eval"] | used["train"]).items() if key not in twins}
    order = [*outside, *(key for key in registered if key not in outside)]
    names = {key: f"t{index}" for index, key in enumerate(order)}
    twin_names = {key: names[twin] for key, twin in twins.items()}
    everything = {key: tensor for key, (_, tensor) in registered.items()} | outside
    specs = {names[key]: _spec(everything[key], registered.get(key)) for key in order}
    graph = {
        "format": 1,
        "framework": "torch",
        "input": list(shape),
        "tensors": specs,
        **{mode: trace.name_outside(graphs[mode], names | twin_names) for mode in graphs},
    }
    labels = {names[key]: registered[key][0] for key in order if key in registered}
    weights = {names[key]: before.get(key, everything[key]).detach().clone().contiguous() for key in order}
    return _Export(graph, labels, weights)


def _twins(
    evaluation: dict[int, torch.Tensor], training: dict[int, torch.Tensor], registered: set[int]
) -> dict[int, int]:
    """Constants that forward creates in each call: those of the training trace, mapped to their equals in the
    evaluation trace."""
    left = {key: tensor for key, tensor in evaluation.items() if key not in registered and key not in training}
    twins: dict[int, int] = {}
    for key, tensor in training.items():
        if key in registered or key in evaluation or tensor.requires_grad:
            continue
        twin = next((k for k, t in left.items() if t.dtype == tensor.dtype and torch.equal(t, tensor)), None)
        if twin is not None:
            twins[key] = twin
            del left[twin]
    return twins


def _trace(
    model: torch.nn.Module, shape: Shape, training: bool, sources: Sources, registered: set[int]
) -> tuple[list[dict[str, Any]], dict[str, Any], dict[int, torch.Tensor]]:
    """Live nodes, output and used outside tensors of one mode."""
    generator = torch.Generator().manual_seed(0)
    tapes = []
    for batch in trace.BATCH_SIZES:
        image = torch.rand(batch, *shape, generator=generator)
        try:
            tapes.append(trace.trace(model, image, training))
        except BaseException as error:
            mode = "training" if training else "evaluation"
            raise sources.blame("forward", f"a forward pass in {mode} mode", error) from None
    first, second = tapes
    nodes, output = trace.unify(first, second)
    _compare_outside(first, second, registered)
    nodes, output = trace.drop_dead(nodes, output)
    used = dict.fromkeys(trace.references([nodes, output], "outside"))
    return nodes, output, {key: first.outside[key] for key in used}


def _compare_outside(first: trace.Tape, second: trace.Tape, registered: set[int]) -> None:
    """A tensor that is neither parameter nor buffer must be a true constant: equal in both traces, whose images
    differ."""
    pairs = zip(trace.references(first.nodes, "outside"), trace.references(second.nodes, "outside"), strict=True)
    for a, b in dict.fromkeys(pairs):
        if (a in registered or b in registered) and a != b:
            raise _not_constant()
        if a != b and not torch.equal(first.outside[a], second.outside[b]):
            raise _not_constant()


def _not_constant() -> SubmissionError:
    return SubmissionError(
        "operators",
        "a forward pass made of tensor operations only",
        "a tensor that depends on the image but left the graph (.numpy(), .item() or a new random constant)",
        "keep every step of forward in torch operations on the tensors themselves",
    )


def _spec(tensor: torch.Tensor, registered: tuple[str, torch.Tensor] | None) -> dict[str, Any]:
    is_parameter = isinstance(tensor, torch.nn.Parameter)
    if registered is None:
        kind = TensorKind.UNREGISTERED if is_parameter or tensor.requires_grad else TensorKind.CONSTANT
    else:
        kind = TensorKind.PARAMETER if is_parameter else TensorKind.BUFFER
    if tensor.dtype not in _DTYPES:
        found = f"a tensor of {tensor.dtype}"
        raise SubmissionError("operators", "tensors of float32", found, "use float32 for all weights")
    trainable = kind is TensorKind.PARAMETER and tensor.requires_grad
    return {"kind": kind, "trainable": trainable, "shape": list(tensor.shape), "dtype": _DTYPES[tensor.dtype]}
