"""Untrained PyTorch models: many designs, each in many initializations that people use, or might."""

import math
from functools import partial
from itertools import pairwise, product

import torch
from torch import nn
from torch.nn import init

from harness.artifact.audit import audit
from harness.backends.source import Sources
from harness.backends.torch import backend
from harness.records.artifact import Artifact
from harness.records.framework import Framework
from harness.records.submission import SourceFile


class Residual(nn.Module):
    """The sum of a body and a shortcut."""

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def normalized(inputs, filters, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters))


def block(inputs, filters, stride):
    shortcut = None if stride == 1 else normalized(inputs, filters, stride)
    body = nn.Sequential(normalized(inputs, filters, stride), nn.ReLU(), normalized(filters, filters))
    return Residual(body, shortcut)


def convolutions(*filters, act=nn.ReLU, pool=nn.MaxPool2d, padding=0):
    """5x5 convolutions, each with an activation and a 2x2 pooling."""
    layers = []
    for inputs, outputs in zip((1, *filters), filters, strict=False):
        layers += [nn.Conv2d(inputs, outputs, 5, padding=padding if inputs == 1 else 0), act(), pool(2)]
    return [*layers, nn.Flatten()]


def dense(*units, act=nn.ReLU):
    """Fully connected layers with activations in between."""
    layers = [part for pair in pairwise(units) for part in (nn.Linear(*pair), act())]
    return layers[:-1]


def lenet5(act=nn.ReLU, pool=nn.MaxPool2d, padding=2, filters=(6, 16), units=(120, 84)):
    side = ((20 + 2 * padding + 4) // 2 - 4) // 2
    head = dense(filters[1] * side * side, *units, 10, act=act)
    return nn.Sequential(*convolutions(*filters, act=act, pool=pool, padding=padding), *head)


def lenet5_normalized():
    head = [nn.Linear(400, 120), nn.BatchNorm1d(120), nn.ReLU(), *dense(120, 84, 10)[:-1], nn.Dropout(0.3)]
    first = [nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*first, *second, *head, nn.Linear(84, 10))


def three_by_three(*filters, strides=(1,), pools=(), last=()):
    """3x3 convolutions; after those numbered in `pools` a 2x2 pooling."""
    layers, inputs = [], 1
    for number, outputs in enumerate(filters):
        layers += [nn.Conv2d(inputs, outputs, 3, strides[number % len(strides)], 1), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number in pools else []
        inputs = outputs
    return nn.Sequential(*layers, *last)


def separable():
    def pair(inputs, filters, stride):
        return [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs), nn.Conv2d(inputs, filters, 1), nn.ReLU()]

    first = [nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU()]
    ending = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*first, *pair(16, 32, 1), *pair(32, 64, 2), *ending)


def small_resnet():
    body = [normalized(1, 8), nn.ReLU(), block(8, 8, 1), block(8, 16, 2), block(16, 32, 2)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def plain_residual():
    blocks = [Residual(nn.Conv2d(8, 8, 3, padding=1)) for _ in range(3)]
    ending = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10)]
    return nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), *blocks, *ending)


def perceptron(*units, act=nn.ReLU):
    return nn.Sequential(nn.Flatten(), *dense(784, *units, 10, act=act))


def mixed(first, *others):
    return nn.Sequential(first, nn.ReLU(), *others)


DESIGNS = {
    "lenet5": lenet5,
    "lenet5, tanh and average pooling": partial(lenet5, nn.Tanh, nn.AvgPool2d),
    "lenet5, sigmoid": partial(lenet5, nn.Sigmoid),
    "lenet5, smaller": partial(lenet5, filters=(3, 6), units=(40, 20)),
    "lenet5, bigger": partial(lenet5, filters=(20, 50), units=(500, 100)),
    "lenet5, no padding": partial(lenet5, nn.GELU, padding=0),
    "lenet5, batch normalization": lenet5_normalized,
    "32 and 64 filters": lambda: nn.Sequential(*convolutions(32, 64), *dense(1024, 128, 10)),
    "one convolution": lambda: mixed(nn.Conv2d(1, 10, 5, 2), nn.Flatten(), nn.Linear(1440, 10)),
    "convolutions alone": lambda: three_by_three(16, 32, 32, strides=(2,), last=(nn.Conv2d(32, 10, 4), nn.Flatten())),
    "small VGG": lambda: three_by_three(8, 8, 16, 16, 32, pools=(1, 3, 4), last=(nn.Flatten(), *dense(288, 64, 10))),
    "nine convolutions": lambda: three_by_three(
        *[8] * 9, strides=(2, *[1] * 8), pools=(8,), last=(nn.Flatten(), nn.Linear(392, 10))
    ),
    "small ResNet": small_resnet,
    "residual, not normalized": plain_residual,
    "separable convolutions": separable,
    "784-100-10": partial(perceptron, 100),
    "784-300-100-10": partial(perceptron, 300, 100),
    "784-512-512-10, tanh": partial(perceptron, 512, 512, act=nn.Tanh),
    "six layers of 64": partial(perceptron, *[64] * 6),
    "784-20-10, sigmoid": partial(perceptron, 20, act=nn.Sigmoid),
}


def in_layers(weight, bias=None):
    """Sets every weight, and every bias, of a model."""

    def initialize(model):
        for layer in model.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                weight(layer.weight)
                if bias is not None and layer.bias is not None:
                    bias(layer.bias)

    return initialize


def identity(weight):
    init.dirac_(weight) if weight.ndim == 4 else init.eye_(weight)


def identity_and_noise(weight):
    identity(weight)
    with torch.no_grad():
        weight += 0.05 * torch.randn_like(weight)


def dirac_and_orthogonal(weight):
    if weight.ndim == 2:
        init.orthogonal_(weight, math.sqrt(2))
    else:
        copies = weight.shape[0] // weight.shape[1]
        init.dirac_(weight, copies if copies and weight.shape[0] % weight.shape[1] == 0 else 1)


def sparse(weight):
    if weight.ndim == 2:
        init.sparse_(weight, 0.9, 0.1)
    else:
        init.kaiming_normal_(weight)
        weight.data *= torch.rand_like(weight) < 0.3


def filters(make, otherwise):
    """Convolutions from filters (out, in, height, width) that `make` draws, other layers as usual."""

    def set_weight(weight):
        if weight.ndim == 2:
            otherwise(weight)
        else:
            with torch.no_grad():
                weight.copy_(make(*weight.shape))
                weight *= math.sqrt(2 / weight[0].numel()) / (weight.std() + 1e-9)

    return set_weight


def waves(angle, phase, frequency, height, width):
    """Gabor filters: a wave of each angle, phase and frequency under a bell."""
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / (height / 2) ** 2)
    return bell * torch.cos(2 * math.pi * frequency * (x * torch.cos(angle) + y * torch.sin(angle)) + phase)


def gabor(out, inputs, height, width):
    """Each filter with an angle, a phase and a frequency of its own."""
    angle, phase, frequency = (torch.rand(out, inputs, 1, 1) for _ in range(3))
    return waves(math.pi * angle, 2 * math.pi * phase, 0.15 + 0.2 * frequency, height, width)


def gabor_bank(out, inputs, height, width):
    """Eight angles, the same for every input, with random signs."""
    angle = math.pi / 8 * (torch.arange(out) % 8).view(-1, 1, 1, 1) + 0.1 * torch.randn(out, 1, 1, 1)
    sign = torch.sign(torch.randn(out, inputs, 1, 1))
    return sign * waves(angle, 2 * math.pi * torch.rand(out, 1, 1, 1), 0.2, height, width)


def smoothing(out, inputs, height, width):
    return torch.randn(out, inputs, 1, 1).expand(out, inputs, height, width)


def cosines(out, inputs, height, width):
    """The filters of the discrete cosine transform, lowest frequencies first, with random signs."""
    orders = sorted(product(range(height), range(width)), key=sum)
    row, column = ((torch.arange(size) + 0.5) / size * math.pi for size in (height, width))
    every = torch.stack([torch.outer(torch.cos(a * row), torch.cos(b * column)) for a, b in orders])
    return torch.sign(torch.randn(out, inputs, 1, 1)) * every[torch.arange(out) % len(every)][:, None]


def layer_sequential_unit_variance(model):
    """Mishkin and Matas 2016: orthogonal, each layer then scaled until its outputs have unit variance."""
    in_layers(init.orthogonal_)(model)
    model.eval()
    images, outputs = torch.rand(64, 1, 28, 28), []
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            handle = layer.register_forward_hook(lambda *call: outputs.append(call[2]))
            for _ in range(3):
                with torch.no_grad():
                    model(images)
                layer.weight.data /= outputs.pop().std() + 1e-9
            handle.remove()


INITIALIZATIONS = {
    "default": lambda model: None,
    "normal": in_layers(partial(init.normal_, std=0.05)),
    "normal, small": in_layers(partial(init.normal_, std=0.001), init.zeros_),
    "normal, large": in_layers(partial(init.normal_, std=1.0)),
    "uniform": in_layers(partial(init.uniform_, a=-0.1, b=0.1)),
    "uniform, positive": in_layers(partial(init.uniform_, a=0.0, b=0.1)),
    "xavier_uniform": in_layers(init.xavier_uniform_, init.zeros_),
    "xavier_normal": in_layers(init.xavier_normal_),
    "kaiming_uniform": in_layers(partial(init.kaiming_uniform_, nonlinearity="relu"), init.zeros_),
    "kaiming_normal, fan_out": in_layers(partial(init.kaiming_normal_, mode="fan_out", nonlinearity="relu")),
    "kaiming_normal, biases 0.1": in_layers(init.kaiming_normal_, partial(init.constant_, val=0.1)),
    "truncated normal": in_layers(partial(init.trunc_normal_, std=0.1, a=-0.2, b=0.2)),
    "orthogonal": in_layers(init.orthogonal_, init.zeros_),
    "orthogonal, gain": in_layers(partial(init.orthogonal_, gain=math.sqrt(2))),
    "sparse": in_layers(sparse),
    "unit variance (LSUV)": layer_sequential_unit_variance,
    "identity": in_layers(identity, init.zeros_),
    "identity and noise": in_layers(identity_and_noise),
    "dirac and orthogonal": in_layers(dirac_and_orthogonal, init.zeros_),
    "smoothing filters": in_layers(filters(smoothing, init.xavier_uniform_)),
    "cosine filters": in_layers(filters(cosines, init.orthogonal_)),
    "Gabor filters": in_layers(filters(gabor, partial(init.kaiming_uniform_, nonlinearity="relu"))),
    "Gabor filters, eight angles": in_layers(filters(gabor_bank, init.orthogonal_)),
}

PAIRS = list(product(DESIGNS, INITIALIZATIONS))

_SOURCE = """
import honest_models

def build_model():
    model = honest_models.DESIGNS[{design!r}]()
    honest_models.INITIALIZATIONS[{initialization!r}](model)
    return model

from torch import nn
"""


def built(design: str, initialization: str = "default", seed: int = 0) -> Artifact:
    """The model as the harness builds it from this seed and trains it."""
    source = _SOURCE.format(design=design, initialization=initialization).encode()
    sources = Sources([SourceFile("model.py", source)], "model.py", Framework.TORCH)
    return audit(backend.build(sources, seed)).artifact
