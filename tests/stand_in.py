"""A stand-in for the compiled engine, for tests of what is around it: PyTorch's trainer, whatever a model is written in,
with the faults that a test asks for."""

from dataclasses import dataclass

import numpy as np
import safetensors.numpy
import torch
from torch.nn import functional

from harness.backends.torch.trainee import Model, TorchTrainee
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.language.text import read_model
from harness.records.graph import OutputKind


class Trainee(TorchTrainee):
    """Differentiates in float64, with random numbers that are given, as the engine takes them: sums over a whole batch
    are more exact there than PyTorch's own float32."""

    def __init__(self, task, faults):
        super().__init__(task)
        self._faults = faults
        self._exact = Model(read_model(task.graph), torch.float64)

    def gradients(self, images, labels, drawn=None):
        names = self._exact.trainable
        tensors = {
            name: tensor.detach().double() for name, tensor in self._tensors.items() if tensor.is_floating_point()
        }
        tensors |= {name: tensors[name].requires_grad_() for name in names}
        given = {name: torch.from_numpy(numbers) for name, numbers in (drawn or {}).items()}
        scaled = torch.from_numpy(images).double() / self._divisor
        outputs = self._exact.training.output_of({**self._tensors, **tensors}, scaled, given)
        loss = self._loss_of(outputs, torch.from_numpy(labels).long())
        found = torch.autograd.grad(loss, [tensors[name] for name in names], allow_unused=True, materialize_grads=True)
        for name in tensors.keys() - set(names):
            self._tensors[name].copy_(tensors[name])
        shown = {name: g.float().numpy() for name, g in zip(names, found, strict=True)}
        factor = self._faults.gradient
        return loss.item() * self._faults.loss, {name: g * factor if g.ndim == 1 else g for name, g in shown.items()}

    def _loss_of(self, outputs, labels):
        if self.output_kind is OutputKind.LOGITS:
            return functional.cross_entropy(outputs, labels)
        if self.output_kind is OutputKind.PROBABILITIES:
            outputs = outputs.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR).log()
        return functional.nll_loss(outputs, labels)

    def state(self):
        found = safetensors.numpy.load(super().state())
        trainable = self._model.trainable
        factor = {name: 1.0 if name in trainable else self._faults.statistics for name in found}
        return safetensors.numpy.save(
            {name: np.asarray(numbers * factor[name], numbers.dtype) for name, numbers in found.items()}
        )


@dataclass(frozen=True)
class StandIn:
    """An engine whose results are off by these factors."""

    loss: float = 1.0
    gradient: float = 1.0
    statistics: float = 1.0

    def load(self, task):
        torch.set_num_threads(1)
        torch.manual_seed(task.seed)
        return Trainee(task, self)
