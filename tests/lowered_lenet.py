"""LeNet-5 in the language, written down here, with what its tests need."""

import numpy as np

from harness.jobs.train import Optimizer
from harness.language.builder import Builder
from harness.language.sizes import N
from harness.language.text import assembled
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind

ADAM = Optimizer("adam", 1e-3, 0, 0.9, 0.999, 1e-8)
SGD = Optimizer("sgd", 0.05, 0.9, 0, 0, 0)
SHAPES = ((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,))
PARAMETERS = [Tensor(f"t{k}", TensorKind.PARAMETER, True, shape, "F32") for k, shape in enumerate(SHAPES)]
WINDOW = {"strides": (1, 1), "dilations": (1, 1)}
POOL = {"kernel_shape": (2, 2), "strides": (2, 2), "pads": ((0, 0), (0, 0)), "dilations": (1, 1)}


def lenet(rate=0.0, more=(), activation="Relu", pool="MaxPool", framework=Framework.TORCH):
    """The model, with dropout before its second dense layer if the rate is not 0."""
    tensors = [*PARAMETERS, *more]
    graphs = [_graph(tensors, drop, activation, pool) for drop in (rate, 0.0)]
    return assembled(framework, (1, 28, 28), tensors, *graphs)


def _graph(tensors, rate, activation, pool):
    build = Builder((1, 28, 28), tensors)
    w, x = build.values, build.images
    for k, pad in ((0, 2), (2, 0)):
        x = build.emit("Conv", x, w[f"t{k}"], w[f"t{k + 1}"], pads=((pad, pad), (pad, pad)), **WINDOW)
        x = build.emit(pool, build.emit(activation, x), **POOL)
    x = build.emit(
        activation, build.emit("Gemm", build.emit("Reshape", x, shape=(N, 400)), w["t4"], w["t5"], transB=True)
    )
    x = build.emit("Dropout", x, ratio=rate) if rate else x
    x = build.emit(activation, build.emit("Gemm", x, w["t6"], w["t7"], transB=True))
    return build.finish(build.emit("Gemm", x, w["t8"], w["t9"], transB=True)).graph


def initial(model, seed=0):
    """Weights by tensor name, float32."""
    chance = np.random.default_rng(seed)
    return {t.name: (0.3 * chance.standard_normal(t.shape)).astype(np.float32) for t in model.tensors}


def pixels(count):
    """Images and labels; the first rows are a background, where all numbers of a window are the same."""
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
    images[:, :, :6] = 0
    return images, chance.integers(0, 10, count, dtype=np.uint8)
