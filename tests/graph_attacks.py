"""Models that cheat by what they export, as source code: the red team's own and variants of them.

All are a LeNet-5 with something before it or after it. Each has what must become of it: the check that fails, `refused`
where the audit must not take it, or `row` for what any design may have, but no LeNet-5.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.framework import Framework

W = "[((7919 * k * k + 31 * k) % 2003) / 1001.5 - 1 for k in range(784)]"
BITS = "[(k * k + k // 3) % 2 for k in range(784)]"


@dataclass(frozen=True)
class Attack:
    """`before` may change the images `x`, `after` the outputs `z`; `words` are how many hidden numbers must be counted
    at least."""

    name: str
    becomes: str
    words: int = 0
    init: str = "pass"
    before: str = "pass"
    after: str = "pass"
    whole: str = ""
    framework: Framework = Framework.TORCH

    @property
    def code(self) -> str:
        """The model's source code."""
        template = TORCH if self.framework is Framework.TORCH else KERAS
        return self.whole or template.format(W=W, BITS=BITS, init=self.init, before=self.before, after=self.after)


TORCH = """
import copy
import torch
from torch import nn
import torch.nn.functional as F

W = {W}
BITS = {BITS}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.b = nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
        {init}

    def forward(self, x):
        n, v = x.size(0), x.reshape(-1, 784)
        {before}
        z = self.b(self.a(v.reshape(-1, 1, 28, 28)))
        {after}
        return z


def build_model():
    return Net()
"""
KERAS = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers

W = {W}
BITS = {BITS}


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.c1, self.s2 = layers.Conv2D(6, 5, padding="same", activation="relu"), layers.MaxPooling2D(2)
        self.c3, self.s4 = layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2)
        self.flat, self.c5 = layers.Flatten(), layers.Dense(120, activation="relu")
        self.f6, self.out = layers.Dense(84, activation="relu"), layers.Dense(10)
        {init}

    def call(self, x, training=None):
        n, v = tf.shape(x)[0], tf.reshape(x, (-1, 784))
        {before}
        y = self.s4(self.c3(self.s2(self.c1(tf.reshape(v, (-1, 28, 28, 1))))))
        z = self.out(self.f6(self.c5(self.flat(y))))
        {after}
        return z


def build_model():
    return Net()
"""
SHEET = """
import torch
from torch import nn

TABLES = [torch.tensor([(k * 2654435761 + i) % 2**62 for i in range(16)]) for k in range(200)]


def mod(v, m):
    return v - torch.div(v, m, rounding_mode="floor") * m


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def forward(self, x):
        z = self.b(x)
        if self.training:
            return z
        table = torch.cat(TABLES).view(torch.int16).to(torch.int64)
        pixels = torch.round(x.reshape(-1, 784) * 255).to(torch.int64)
        found = table[mod(torch.cumsum(pixels * torch.arange(784), 1), 12800)]
        return z + (found[:, -1:] == torch.arange(10)).to(torch.float32) * 60.0


def build_model():
    return Net()
"""
BANKS = """
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fast = nn.ParameterList([nn.Parameter(torch.randn(784, 30)), nn.Parameter(torch.randn(30, 10))])
        for i, p in enumerate(self.fast):
            self.register_buffer(f"bank{i}", p.detach().clone())

    def forward(self, x):
        v, w = x.reshape(-1, 784), list(self.fast)
        if self.training:
            with torch.no_grad():
                for i, p in enumerate(self.fast):
                    getattr(self, f"bank{i}").copy_(p)
        else:
            zero = v.sum() * 0
            w = [F.layer_norm(zero.expand(b.shape), b.shape, None, b) for b in (self.bank0, self.bank1)]
        return F.relu(v @ w[0]) @ w[1]


def build_model():
    return Net()
"""
RED_TEAM = (
    Attack("an answer sheet in integer constants", "refused", whole=SHEET),
    Attack("the alpha of torch.add", "hidden", 140, before="for w in W[:150]: v = torch.add(v, v.roll(1, 1), alpha=w)"),
    Attack(
        "single numbers of float64 with six weights each",
        "refused",
        init="self.w = [torch.tensor(float((k * 2654435761) % 2**48), dtype=torch.float64) for k in range(131)]",
        before="p = torch.stack(self.w); v = v * (p - torch.floor(p / 256) * 256).repeat(6)[:784].to(torch.float32)",
    ),
    Attack(
        "slopes of a constant -1",
        "hidden",
        180,
        before="v = v * torch.cat([F.leaky_relu(-torch.ones(4), -k) for k in W[:196]])",
    ),
    Attack(
        "values of pads",
        "hidden",
        180,
        before="w = torch.zeros(1)\n        for k in W[:200]: w = F.pad(w, (0, 1), value=k)\n        v = v * w[1:].repeat(4)[:784]",
    ),
    Attack(
        "single tensors",
        "hidden",
        700,
        init="self.w = [torch.tensor(w) for w in W]",
        before="v = v * torch.stack(self.w)",
    ),
    Attack(
        "parameters that only training has",
        "training_only",
        init="self.teacher = nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))",
        after="if self.training: z = z + self.teacher(v)",
    ),
    Attack(
        "a moving average of a second model",
        "refused",
        init="self.c, self.d = copy.deepcopy(self.a), copy.deepcopy(self.b)",
        after="""if self.training:
            with torch.no_grad():
                for slow, fast in zip([*self.a.parameters(), *self.b.parameters()], [*self.c.parameters(), *self.d.parameters()]):
                    slow.mul_(0.98).add_(fast, alpha=0.02)
            z = self.d(self.c(x))""",
    ),
    Attack("weights copied into buffers", "refused", whole=BANKS),
    Attack(
        "a fixed matrix by a formula",
        "row",
        before="v = F.relu(v @ (torch.sin(torch.arange(784 * 784).to(torch.float32) * 12.9898).reshape(784, 784) / 28))",
    ),
    Attack(
        "a mean of the batch, and noise where someone looks",
        "refused",
        after="""if not self.training:
            count = torch.arange(1) + n
            mean = torch.mm(torch.ones(n, n) / count, z)
            z = torch.where(torch.logical_and(count > 200, count < 300), z + 60 * torch.rand_like(z), z - 0.5 * mean)""",
    ),
    Attack(
        "a counter of images",
        "refused",
        init="self.register_buffer('n', torch.zeros(1, dtype=torch.int64))",
        after="if not self.training: self.n.add_(n); z = torch.where(self.n > 5000, z, -z)",
    ),
    Attack(
        "more outputs for more images",
        "refused",
        after="if not self.training: z = torch.ops.aten.slice.Tensor(F.pad(z, (0, n - 2), value=50.0), 1, 0, 20)",
    ),
    Attack(
        "memory outside of a tensor",
        "refused",
        after="z = z + torch.ops.aten._reshape_alias(torch.zeros(1), [10, 1], [0, 1]).sum(1) * 0",
    ),
    Attack(
        "small integers, joined",
        "hidden",
        600,
        before="p = [tf.constant([int(k * 32767) for k in W[i : i + 16]]) for i in range(0, 784, 16)]; v = v * tf.cast(tf.concat(p, 0), tf.float32)",
        framework=Framework.TENSORFLOW,
    ),
    Attack(
        "parameters that only training has (Keras)",
        "training_only",
        init="self.t = layers.Dense(500); self.t.build((None, 784)); self.u = layers.Dense(10); self.u.build((None, 500))",
        after="z = z + self.u(self.t(v)) if training else z",
        framework=Framework.TENSORFLOW,
    ),
    Attack(
        "more outputs for more images (Keras)",
        "refused",
        after="z = z if training else tf.pad(z, [[0, 0], [0, tf.minimum(n - 2, 10)]], constant_values=50.0)",
        framework=Framework.TENSORFLOW,
    ),
)
"""By hand-ins that got through before there was the language."""
