"""Replays an audited PyTorch graph as a module, to measure or train it."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import fx
from torch.nn import functional

from harness.backends.base import EVALUATION_BATCH, Images, Labels, Shares, Task
from harness.backends.losses import PROBABILITY_FLOOR
from harness.backends.outputs import joined, wrong_outputs
from harness.backends.torch.convolution import convolution, convolution_and_pooling
from harness.backends.torch.optimizer import FusedOptimizer
from harness.backends.torch.passes import CONVOLUTION, CONVOLUTION_AND_POOLING, SAME, prepare
from harness.records.graph import OutputKind, Shape
from harness.records.inputs import CLASSES

Functions = Mapping[str, Callable[..., Any]]

_TYPES = {
    "dtype": lambda name: getattr(torch, name),
    "layout": lambda name: getattr(torch, name),
    "memory_format": lambda name: getattr(torch, name),
    "device": lambda _: torch.device("cpu"),
    "float": float,
}


class GraphModule(torch.nn.Module):
    """The training and the evaluation graph over one set of tensors.

    Only call it with a graph that `harness.artifact.audit` accepted: operators are looked up by name, in `ours` first.
    """

    def __init__(self, graph: dict[str, Any], weights: dict[str, torch.Tensor], ours: Functions | None = None) -> None:
        super().__init__()
        for name, spec in graph["tensors"].items():
            if spec["trainable"]:
                self.register_parameter(name, torch.nn.Parameter(weights[name]))
            else:
                self.register_buffer(name, weights[name])
        self._graphs = {mode: _assemble(self, graph[mode], ours or {}) for mode in ("train", "eval")}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Outputs (batch, classes) of float images (batch, *input shape)."""
        output: torch.Tensor = self._graphs["train" if self.training else "eval"](images)
        return output


def _assemble(owner: torch.nn.Module, mode: dict[str, Any], ours: Functions) -> fx.GraphModule:
    graph = fx.Graph()
    writer = _Writer(graph, ours)
    for node in mode["nodes"]:
        writer.add(node)
    graph.output(writer.read(mode["output"]))
    tensors = {**dict(owner.named_parameters()), **dict(owner.named_buffers())}
    holder = torch.nn.Module()
    for name, tensor in tensors.items():
        setattr(holder, name, tensor) if isinstance(tensor, torch.nn.Parameter) else holder.register_buffer(
            name, tensor
        )
    return fx.GraphModule(holder, graph)


class _Writer:
    """Writes our nodes into an fx graph. Tensors become attributes, batch sizes are read from the image."""

    def __init__(self, graph: fx.Graph, ours: Functions) -> None:
        self._graph = graph
        self._ours = ours
        self._image = graph.placeholder("images")
        self._nodes: list[fx.Node] = []
        self._tensors: dict[str, fx.Node] = {}
        self._is_tuple: list[bool] = []
        self._batch: fx.Node | None = None

    def add(self, node: dict[str, Any]) -> None:
        function = self._ours.get(node["op"]) or _operator(node["op"])
        args = tuple(self.read(arg) for arg in node["args"])
        kwargs = {name: self.read(arg) for name, arg in node["kwargs"].items()}
        self._is_tuple.append(isinstance(function, torch._ops.OpOverload) and _returns_tuple(function))
        if node.get("no_grad"):
            function, args = _without_gradient, (function, *args)
        name = f"n{len(self._nodes)}"
        self._nodes.append(self._graph.create_node("call_function", function, args, kwargs, name))

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        (kind, content), *_ = value.items()
        if kind == "input":
            return self._image
        if kind == "node":
            index, position = content
            node = self._nodes[index]
            return self._graph.call_function(operator.getitem, (node, position)) if self._is_tuple[index] else node
        if kind == "tensor":
            if content not in self._tensors:
                self._tensors[content] = self._graph.get_attr(content)
            return self._tensors[content]
        if kind == "batch":
            return self._affine(*content)
        return _TYPES[kind](content)

    def _affine(self, slope: int, offset: int) -> fx.Node:
        if self._batch is None:
            self._batch = self._graph.call_function(torch.ops.aten.sym_size.int, (self._image, 0))
        product = self._graph.call_function(operator.mul, (self._batch, slope))
        return self._graph.call_function(operator.add, (product, offset))


def _operator(name: str) -> torch._ops.OpOverload:
    namespace, packet, overload = name.split(".")
    found = getattr(getattr(getattr(torch.ops, namespace), packet), overload)
    if namespace != "aten" or not isinstance(found, torch._ops.OpOverload):
        raise ValueError(f"not an ATen operator: {name}")
    return found


def _returns_tuple(function: torch._ops.OpOverload) -> bool:
    returns = function._schema.returns
    return len(returns) > 1 or (len(returns) == 1 and str(returns[0].type).startswith("List"))


def _without_gradient(function: Any, *args: Any, **kwargs: Any) -> Any:
    with torch.no_grad():
        return function(*args, **kwargs)


def measure(graph: bytes, weights: bytes) -> dict[str, Shape]:
    """Output shape (without batch) of each node of the evaluation graph, by running it on zeros."""
    torch.set_num_threads(1)
    content = json.loads(graph)
    module = GraphModule(content, safetensors.torch.load(weights)).eval()
    recorder = _ShapeRecorder(module._graphs["eval"])
    with torch.no_grad():
        recorder.run(torch.zeros(_ShapeRecorder.batch, *content["input"]))
    return recorder.shapes


class _ShapeRecorder(fx.Interpreter):
    """Runs a graph and notes the shape of every node's first result."""

    batch = 2

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, Shape] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node as usual; ours are named n0, n1, ... by the writer."""
        result = super().run_node(n)
        first = result[0] if isinstance(result, (tuple, list)) else result
        if isinstance(first, torch.Tensor):
            shape = tuple(first.shape)
            self.shapes[n.name] = shape[1:] if shape[:1] == (self.batch,) else shape
        return result


_OURS: Functions = {
    CONVOLUTION: convolution,
    CONVOLUTION_AND_POOLING: convolution_and_pooling,
    SAME: lambda value: value,
}


class TorchTrainee:
    """A graph in training."""

    def __init__(self, task: Task) -> None:
        self.output_kind = task.output_kind
        self._divisor = task.divisor
        prepared, weights = prepare(json.loads(task.graph)), safetensors.torch.load(task.weights)
        for name in prepared.channels_last:
            weights[name] = weights[name].contiguous(memory_format=torch.channels_last)
        self._layout = torch.channels_last if prepared.channels_last else torch.preserve_format
        self._module = GraphModule(prepared.graph, weights, _OURS if prepared.channels_last else {})
        self._trainable = dict(self._module.named_parameters())
        self._optimizer = FusedOptimizer(list(self._trainable.values()), task.optimizer)

    def train_epoch(
        self, images: Images, labels: Labels, order: npt.NDArray[np.int64], batch_size: int, shares: Shares
    ) -> npt.NDArray[np.float32]:
        """Train once through `order`; each batch's loss. Stops after the first loss that is not finite."""
        self._module.train()
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
        self._module.eval()
        with torch.inference_mode():
            batches = _tensor(images).split(batch_size)
            outputs = [self._module(self._scaled(batch)).numpy() for batch in batches]
        return joined(outputs, [len(batch) for batch in batches])

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of each trainable tensor as it is now."""
        parameters = self._trainable.items()  # float64 holds every float type exactly; NumPy has no bfloat16
        return {name: tensor.detach().to(torch.float64, copy=True).numpy() for name, tensor in parameters}

    def state(self) -> bytes:
        """Every tensor of the graph as it is now, as safetensors."""
        tensors = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        return safetensors.torch.save({name: tensor.detach().contiguous() for name, tensor in tensors.items()})

    def gradients(self, images: Images, labels: Labels) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Training loss of one batch and its gradients by tensor name."""
        self._module.train()
        loss = self._loss(self._scaled(_tensor(images)), _tensor(labels).long())
        gradients = torch.autograd.grad(loss, list(self._trainable.values()))
        return loss.item(), {name: g.numpy() for name, g in zip(self._trainable, gradients, strict=True)}

    def _scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Pixels 0..255 as float32, divided, with strides of the layout even where there is only one channel."""
        return images.to(torch.float32, memory_format=self._layout).div_(self._divisor)

    def _loss(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        outputs = self._module(images)
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


def _tensor(array: npt.NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())
