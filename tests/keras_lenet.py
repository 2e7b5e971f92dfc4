"""LeNet-5 as its translation from Keras is: channels last, a transpose around what needs channels first."""

import numpy as np
from lowered_lenet import lenet

from harness.language.builder import Builder
from harness.language.sizes import at
from harness.language.text import assembled
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind


def keras_lenet(rate=0.0):
    """LeNet-5 as its translation from Keras is: channels last, with a transpose around what needs channels first."""
    model = lenet(rate, framework=Framework.TENSORFLOW)
    graphs = []
    for graph in (model.training, model.evaluation):
        arrays = {name: np.zeros(at(value.shape, 1), np.float32)
                  for name, value in graph.values.items() if name == "images" or name in model.tensor_names}  # fmt: skip
        graphs.append(kernels_last(graph, arrays))
    tensors = graphs[0][1]
    return assembled(Framework.TENSORFLOW, (28, 28, 1), tensors, *(graph for graph, _ in graphs))


def kernels_last(graph, arrays):
    """Images (N, height, width, channels), kernels (height, width, channels, filters) and matrices (inputs, outputs)."""
    perms = {name: (2, 3, 1, 0) if array.ndim == 4 else (1, 0) if array.ndim == 2 else (0,)
             for name, array in arrays.items() if name != "images"}  # fmt: skip
    tensors = [Tensor(name, TensorKind.PARAMETER, True, arrays[name].transpose(perm).shape, "F32")
               for name, perm in perms.items()]  # fmt: skip
    build = Builder((28, 28, 1), tensors)
    values = {"images": build.emit("Transpose", build.images, perm=(0, 3, 1, 2))}
    for name, perm in perms.items():
        is_kernel = len(perm) == 4
        values[name] = build.values[name]
        if len(perm) > 1:
            values[name] = build.emit("Transpose", values[name], perm=(3, 2, 0, 1) if is_kernel else (1, 0))
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        if node.operator == "Reshape":
            inputs = [build.emit("Transpose", inputs[0], perm=(0, 2, 3, 1))]
        values[node.name] = build.emit(node.operator, *inputs, **node.attributes)
    return build.finish(values[graph.output]).graph, tensors
