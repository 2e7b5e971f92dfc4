"""A right translation agrees with PyTorch's own graph; a wrong one is found, whatever is wrong about it."""

import json
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from harness.backends.source import Sources  # noqa: E402
from harness.backends.torch import backend  # noqa: E402
from harness.child import worker  # noqa: E402
from harness.child.validate import NOT_FINITE, apart, largest, moved, read_weights, validate  # noqa: E402
from harness.jobs import frames, wire  # noqa: E402
from harness.jobs.validate import (  # noqa: E402
    GRADIENTS_WITHIN,
    OUTPUTS_WITHIN,
    STATISTICS_WITHIN,
    VALIDATE,
    ValidateAnswer,
    ValidateRequest,
)
from harness.language.builder import Builder  # noqa: E402
from harness.language.sizes import N  # noqa: E402
from harness.language.text import assembled, model_text  # noqa: E402
from harness.records.draw import Draw  # noqa: E402
from harness.records.framework import Framework  # noqa: E402
from harness.records.graph import Tensor, TensorKind  # noqa: E402
from harness.records.submission import SourceFile  # noqa: E402

pytestmark = pytest.mark.frameworks

CODE = b"""
import torch
from torch import nn
import torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, eps=1e-3, momentum=0.2)
        self.hidden, self.dense, self.drop = nn.Linear(14 * 13 * 4, 14 * 13 * 4), nn.Linear(14 * 13 * 4, 10), nn.Dropout(0.3)
    def forward(self, x):
        x = self.norm(self.conv(F.pad(x, (1, 0, 0, 2))))
        x = x * x.sigmoid().detach()
        x = self.drop(F.max_pool2d(F.relu(x), 2).flatten(1))
        x = x * torch.rand(len(x), 728).gt(0.25).float() if self.training else x
        return self.dense(self.hidden(x).tanh())
def build_model(): return Net()
"""
WINDOW = {"strides": (1, 1), "dilations": (1, 1)}
POOL = {"kernel_shape": (2, 2), "strides": (2, 2), "pads": ((0, 0), (0, 0)), "dilations": (1, 1)}
RIGHT = {
    "pads": ((0, 0), (0, 0), (0, 2), (1, 0)),
    "epsilon": 1e-3,
    "momentum": 0.8,
    "unbiased": True,
    "stops": True,
    "ratio": 0.3,
    "weights": ("conv.weight", "hidden.weight"),
    "moments": ("norm.running_mean", "norm.running_var"),
    "scaled": ("training", "evaluation"),
    "updates": True,
}


@pytest.fixture(scope="module")
def artifact():
    return backend.build(Sources([SourceFile("model.py", CODE)], "model.py", Framework.TORCH), 0)


def translated(artifact, **changed):
    """The model above in the language, by hand; `changed` makes it wrong."""
    settings, content, labels = RIGHT | changed, json.loads(artifact.graph), json.loads(artifact.labels)
    tensors = [
        Tensor(name, TensorKind(s["kind"]), s["trainable"], tuple(s["shape"]), s["dtype"])
        for name, s in content["tensors"].items()
    ]
    names = {label: name for name, label in labels.items()}
    graphs = [_graph(tensors, names, mode, settings) for mode in ("training", "evaluation")]
    return assembled(Framework.TORCH, (1, 28, 28), tensors, *graphs)


def _graph(tensors, names, mode, chosen):
    build, is_training = Builder((1, 28, 28), tensors), mode == "training"
    w = {label: build.values[name] for label, name in names.items()}
    x = build.emit("Pad", build.images, pads=chosen["pads"])
    x = build.emit("Conv", x, w[chosen["weights"][0]], w["conv.bias"], pads=((0, 0), (0, 0)), **WINDOW)
    moments = [w[name] for name in chosen["moments"]] if chosen["updates"] or not is_training else []
    settings = {name: chosen[name] for name in ("epsilon", "momentum", "unbiased")}
    settings |= {"training": True} if is_training else {"unbiased": False}
    x = build.emit("BatchNormalization", x, w["norm.weight"], w["norm.bias"], *moments, **settings)
    if mode in chosen["scaled"]:
        gate = build.emit("Sigmoid", x)
        x = build.emit("Mul", x, build.emit("StopGradient", gate) if chosen["stops"] else gate)
    x = build.emit("Reshape", build.emit("MaxPool", build.emit("Relu", x), **POOL), shape=(N, 728))
    if is_training:
        x = build.emit("Dropout", x, ratio=chosen["ratio"])
        kept = build.emit("RandomUniform", shape=(N, 728), low=0.0, high=1.0)
        x = build.emit("Mul", x, build.emit("Cast", build.emit("Greater", kept, build.constant(0.25)), to="float"))
    x = build.emit("Tanh", build.emit("Gemm", x, w[chosen["weights"][1]], w["hidden.bias"], transB=True))
    return build.finish(build.emit("Gemm", x, w["dense.weight"], w["dense.bias"], transB=True)).graph


def request(artifact, model, **changed):
    nodes = [node["op"] for node in json.loads(artifact.graph)["train"]["nodes"]]
    drawn = {
        "Dropout": Draw(next(k for k, op in enumerate(nodes) if "bernoulli_" in op)),
        "RandomUniform": Draw(nodes.index("aten.rand.default")),
    }
    draws = {node.name: drawn[node.operator] for node in model.training.nodes if node.operator in drawn}
    return ValidateRequest(
        Framework.TORCH, artifact.graph, model_text(model), artifact.weights[0], {**draws, **changed}, {}
    )


def test_a_right_translation_agrees_far_within_the_limits(artifact):
    answer = validate(backend, request(artifact, translated(artifact)))
    assert answer.agrees
    assert answer.outputs < OUTPUTS_WITHIN / 10
    assert answer.gradients < GRADIENTS_WITHIN / 10
    assert answer.statistics < STATISTICS_WITHIN / 10


WRONG = {
    "pads on the other sides": ({"pads": ((0, 0), (0, 0), (2, 0), (0, 1))}, "outputs", "outputs in"),
    "another epsilon": ({"epsilon": 1e-5}, "outputs", "outputs in"),
    "gradients that are not stopped": ({"stops": False}, "gradients", "gradient of"),
    "another momentum": ({"momentum": 0.9}, "statistics", "after training"),
    "an update too many": ({"momentum": 0.64}, "statistics", "after training"),
    "a variance divided by n": ({"unbiased": False}, "statistics", "after training"),
    "statistics that stay": ({"updates": False}, "statistics", "after training"),
    "mean and variance exchanged": (
        {"moments": ("norm.running_var", "norm.running_mean")},
        "outputs",
        "t5 after training",
    ),
    "another dropout": ({"ratio": 0.5}, "outputs", "outputs in training"),
    "a difference in evaluation": ({"scaled": ("training",)}, "outputs", "outputs in evaluation"),
    "a difference in training": ({"scaled": ("evaluation",)}, "outputs", "outputs in training"),
}


@pytest.mark.parametrize(("changed", "kind", "where"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_translation_is_found(artifact, changed, kind, where):
    answer = validate(backend, request(artifact, translated(artifact, **changed)))
    limits = {"outputs": OUTPUTS_WITHIN, "gradients": GRADIENTS_WITHIN, "statistics": STATISTICS_WITHIN}
    assert not answer.agrees
    assert getattr(answer, kind) > 10 * limits[kind]
    assert where in answer.worst


def test_random_numbers_of_another_operator_are_found(artifact):
    model = translated(artifact)
    other = request(artifact, model)
    (dropout, uniform) = other.training_draws
    draws = {dropout: Draw(other.training_draws[uniform].node, 0, 0.5)}
    answer = validate(backend, request(artifact, model, **draws))
    assert answer.outputs > 0.01


def test_numbers_at_least_a_threshold_are_kept(artifact):
    """Dropout out of uniform numbers: 1 where the number is at least the threshold."""
    seen = []

    class Spy:
        original, lowered = staticmethod(backend.original), None

        def __init__(self, model, weights):
            self.inner = backend.lowered(model, weights)

        def run(self, is_training, images, direction, drawn):
            seen.append(drawn)
            return self.inner.run(is_training, images, direction, drawn)

    Spy.lowered = Spy
    model = translated(artifact)
    given = request(artifact, model).training_draws
    name, draw = next(
        (name, draw) for name, draw in given.items() if model.training.by_name[name].operator != "Dropout"
    )
    validate(Spy, request(artifact, model, **{name: Draw(draw.node, 0, 0.75)}))
    kept = [drawn[name] for drawn in seen if name in drawn]
    assert all(set(np.unique(numbers)) == {0.0, 1.0} for numbers in kept)
    assert np.concatenate([numbers.ravel() for numbers in kept]).mean() == pytest.approx(0.25, abs=0.03)


def test_the_job_takes_and_gives_frames(artifact):
    model = translated(artifact)
    ends = os.pipe()
    worker.run(VALIDATE, ends[1], [memoryview(wire.encode(request(artifact, model, other=Draw(0, 0, 0.5))))])
    os.close(ends[1])
    header, blobs = frames.decode(memoryview(os.read(ends[0], 1 << 20)))
    os.close(ends[0])
    assert header.pop("ok") is True
    answer = wire.decode(ValidateAnswer, header, blobs)
    assert answer == validate(backend, request(artifact, model))


FAR = b"""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(784, 10)
    def forward(self, x):
        waves = torch.sin(torch.arange(784).float() * 1234.5678)
        return self.dense(x.flatten(1) * waves)
def build_model(): return Net()
"""


def test_numbers_are_as_float32_has_them_where_they_are_multiplied_by_thousands():
    artifact = backend.build(Sources([SourceFile("model.py", FAR)], "model.py", Framework.TORCH), 0)
    weight, bias = json.loads(artifact.graph)["tensors"].items()
    tensors = [Tensor(n, TensorKind.PARAMETER, True, tuple(s["shape"]), "F32") for n, s in (weight, bias)]
    build = Builder((1, 28, 28), tensors)
    places = build.emit("Cast", build.emit("Range", start=0, limit=784, delta=1), to="float")
    waves = build.emit("Sin", build.emit("Mul", places, build.constant(1234.5678)))
    x = build.emit("Mul", build.emit("Reshape", build.images, shape=(N, 784)), waves)
    x = build.emit("Gemm", x, build.values["t0"], build.values["t1"], transB=True)
    graph = build.finish(x).graph
    model = assembled(Framework.TORCH, (1, 28, 28), tensors, graph, graph)
    answer = validate(
        backend, ValidateRequest(Framework.TORCH, artifact.graph, model_text(model), artifact.weights[0], {}, {})
    )
    assert answer.outputs < OUTPUTS_WITHIN / 1000


def test_moved_weights_have_no_zeros_and_variances_stay_positive():
    before = {
        "bias": np.zeros(50),
        "var": np.linspace(0, 2, 50),
        "weight": np.linspace(-1, 1, 50),
        "count": np.array(3),
    }
    after = moved(before, np.random.default_rng(0))
    assert after["count"] is before["count"]
    for name in ("bias", "var", "weight"):
        assert (after[name] != before[name]).all()
        assert np.abs(after[name] - before[name]).max() < 0.05
    assert (after["bias"] > 0).all()
    assert (after["var"] > 0).all()


def test_weights_are_read_in_every_type():
    from safetensors.torch import save

    given = {
        f"t{k}": torch.tensor([1.5, -2.0, 0.0]).to(kind)
        for k, kind in enumerate(
            [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool]
        )
    }
    given["t7"] = torch.tensor([200, 3], dtype=torch.uint8)
    found = read_weights(save(given))
    kinds = {name: array.dtype.name for name, array in found.items()}
    assert kinds == {f"t{k}": "float64" for k in range(4)} | {"t4": "int64", "t5": "int64", "t6": "bool", "t7": "int64"}
    assert all(np.array_equal(found[name], tensor.double().numpy()) for name, tensor in given.items())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([2.0, -4.0], [2.0, -4.4], 0.1),
        ([0.0, 0.0], [0.0, 0.5], 0.5),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.inf, 2.0], [np.inf, 1.0], 0.5),
        ([np.nan, 1.0], [1.0, 1.0], NOT_FINITE),
        ([np.inf, 1.0], [-np.inf, 1.0], NOT_FINITE),
        ([1.0], [1.0, 1.0], NOT_FINITE),
        ([], [], 0.0),
    ],
)
def test_how_far_arrays_are_apart(first, second, expected):
    assert apart(np.array(first), np.array(second), largest(np.array(first))) == pytest.approx(expected)
