"""Trains a graph of the language in PyTorch, and compares it with the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch.nn import functional

from harness.backends.base import Array, Arrays, Pass
from harness.backends.torch.arrays import arrays, gradients, tensors_of
from harness.backends.torch.lowered import Program, as_language
from harness.backends.torch.optimizer import FusedOptimizer
from harness.backends.torch.passes import CHANNELS_LAST, OURS, convolution_weights, prepared, suits_channels_last
from harness.jobs.losses import PROBABILITY_FLOOR
from harness.jobs.outputs import joined, wrong_outputs
from harness.jobs.trainee import EVALUATION_BATCH, Activations, Floats, Images, Labels, Reader, Shares, Task
from harness.language.graph import ModelGraph
from harness.language.text import read_model
from harness.records.graph import OutputKind, Shape
from harness.records.inputs import CLASSES


class Model:
    """The programs of a model for training and evaluation, as they are trained: after every pass."""

    def __init__(self, model: ModelGraph, dtype: torch.dtype) -> None:
        self.trainable = [tensor.name for tensor in model.tensors if tensor.trainable]
        graphs = [prepared(graph, frozenset(self.trainable)) for graph in (model.training, model.evaluation)]
        self.is_channels_last = suits_channels_last(graphs[0])
        ours = {**OURS, **(CHANNELS_LAST if self.is_channels_last else {})}
        self.training, self.evaluation = (Program.of(graph, dtype, ours) for graph in graphs)
        self.convolution_weights = convolution_weights(graphs[0])


class TorchTrainee:
    """A graph in training."""

    def __init__(self, task: Task) -> None:
        graph = read_model(task.graph)
        self.output_kind = task.output_kind
        self._divisor = task.divisor
        self._model = Model(graph, torch.float32)
        self._given = safetensors.torch.load(task.weights)
        self._tensors = as_language(self._given, torch.float32)
        self._layout = torch.preserve_format
        if self._model.is_channels_last:
            self._lay_out(graph.input_shape)
        self._trainable = {name: torch.nn.Parameter(self._tensors[name]) for name in self._model.trainable}
        self._tensors |= self._trainable
        self._optimizer = FusedOptimizer(list(self._trainable.values()), task.optimizer)

    def _lay_out(self, input_shape: Shape) -> None:
        """Weights channels last, and images if they have channels."""
        for name in self._model.convolution_weights:
            self._tensors[name] = self._tensors[name].contiguous(memory_format=torch.channels_last)
        if len(input_shape) == 3:
            self._layout = torch.channels_last

    def train_epoch(
        self, images: Images, labels: Labels, order: npt.NDArray[np.int64], batch_size: int, shares: Shares
    ) -> npt.NDArray[np.float32]:
        """Train once through `order`; each batch's loss. Stops after the first loss that is not finite."""
        all_images, all_labels = _tensor(images), _tensor(labels).long()
        losses: list[float] = []
        for batch, share in zip(torch.from_numpy(order).split(batch_size), shares.tolist(), strict=True):
            loss = self._loss(self._scaled(all_images[batch]), all_labels[batch])
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                break
            if loss.requires_grad:
                self._optimizer.clear()
                loss.backward()
                self._optimizer.step(share)
        return np.array(losses, np.float32)

    def predict(self, images: Images, batch_size: int = EVALUATION_BATCH) -> npt.NDArray[np.float32]:
        """Outputs (count, classes) in evaluation mode."""
        program = self._model.evaluation
        with torch.inference_mode():
            batches = _tensor(images).split(batch_size)
            outputs = [program.output_of(self._tensors, self._scaled(batch)).numpy() for batch in batches]
        return joined(outputs, [len(batch) for batch in batches])

    def weights(self) -> dict[str, Array]:
        """A copy of each trainable tensor as it is now."""
        parameters = self._trainable.items()
        return {name: tensor.detach().to(torch.float64, copy=True).numpy() for name, tensor in parameters}

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors, in the types that they came in."""
        now = {name: self._tensors[name].detach().to(given.dtype) for name, given in self._given.items()}
        return safetensors.torch.save({name: tensor.contiguous() for name, tensor in now.items()})

    def gradients(self, images: Images, labels: Labels) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradients by tensor name."""
        loss = self._loss(self._scaled(_tensor(images)), _tensor(labels).long())
        parameters = list(self._trainable.values())
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        return loss.item(), {name: g.numpy() for name, g in zip(self._trainable, found, strict=True)}

    def _scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Pixels 0..255 as float32, divided, with strides of the layout even where there is only one channel."""
        return images.to(torch.float32, memory_format=self._layout).div_(self._divisor)

    def _loss(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        outputs = self._model.training.output_of(self._tensors, images)
        if outputs.shape != (len(labels), CLASSES):
            raise wrong_outputs(outputs.shape, len(labels))
        if self.output_kind is OutputKind.LOGITS:
            return functional.cross_entropy(outputs, labels)
        if self.output_kind is OutputKind.PROBABILITIES:
            outputs = outputs.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR).log()
        return functional.nll_loss(outputs, labels)


def load(task: Task) -> TorchTrainee:
    """An audited model, ready to train, with every random generator set to the task's seed."""
    torch.set_num_threads(1)
    torch.manual_seed(task.seed)
    return TorchTrainee(task)


def reader(graph: bytes, weights: bytes, names: Sequence[str]) -> Reader:
    """What reads the values of named nodes of the evaluation graph, float32, batch by batch."""
    torch.set_num_threads(1)
    program = Program.of(read_model(graph).evaluation, torch.float32)
    tensors = as_language(safetensors.torch.load(weights), torch.float32)

    def read(images: Floats) -> Activations:
        with torch.inference_mode():
            values = program.run(tensors, torch.from_numpy(images), keep=names)
            return {name: values[name].to(torch.float32).numpy().copy() for name in names}

    return read


class TorchLowered:
    """A model as it is trained, in float64."""

    def __init__(self, model: ModelGraph, weights: Arrays) -> None:
        self._model = Model(model, torch.float64)
        self._weights = weights

    def run(self, is_training: bool, images: Array, direction: Array | None, drawn: Arrays) -> Pass:
        """One pass from the same weights each time."""
        tensors = tensors_of(self._weights, self._model.trainable)
        program = self._model.training if is_training else self._model.evaluation
        given: Mapping[str, torch.Tensor] = {name: torch.from_numpy(array) for name, array in drawn.items()}
        outputs = program.output_of(tensors, torch.from_numpy(images), given)
        found = gradients(outputs, {name: tensors[name] for name in self._model.trainable}, direction)
        return Pass(outputs.detach().numpy(), arrays(tensors), found, drawn)


def _tensor(array: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def lowered(model: ModelGraph, weights: Arrays) -> TorchLowered:
    """A model in the language, ready to be compared."""
    torch.set_num_threads(1)
    return TorchLowered(model, weights)
