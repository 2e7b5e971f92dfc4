"""PyTorch: what is exported is the student's model, bit for bit; steps are torch.optim's."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from harness.artifact.audit import audit  # noqa: E402
from harness.backends.source import Sources  # noqa: E402
from harness.backends.torch import backend  # noqa: E402
from harness.backends.torch.optimizer import FusedOptimizer  # noqa: E402
from harness.child.train import shares_of  # noqa: E402
from harness.child.validate import read_weights  # noqa: E402
from harness.jobs.train import Course, Optimizer  # noqa: E402
from harness.jobs.trainee import Task  # noqa: E402
from harness.records.errors import SubmissionError  # noqa: E402
from harness.records.framework import Framework  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402
from harness.records.submission import SourceFile  # noqa: E402

pytestmark = pytest.mark.frameworks

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
MODELS = {
    "lenet": "nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1176, 10))",
    "batch norm and dropout": (
        "nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout2d(0.2), nn.GELU(), nn.AvgPool2d(2), "
        "nn.Flatten(), nn.Dropout(0.5), nn.LayerNorm(676), nn.Linear(676, 10), nn.LogSoftmax(1))"
    ),
    "a part of several": (
        "type('Halves', (nn.Linear,), {'forward': lambda self, x: nn.Linear.forward(self, x.flatten(1)).chunk(2, 1)[1]})"
        "(784, 20)"
    ),
    "in place": "nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(inplace=True), nn.PReLU(), nn.Linear(20, 10))",
    "adaptive and grouped": (
        "nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3, groups=4), nn.GroupNorm(2, 8), nn.SiLU(), "
        "nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))"
    ),
}
CLASSES = {
    "a view with the batch size": "x.view(x.size(0), -1)",
    "a view with minus one": "x.view(-1, 784)",
    "a flatten": "x.flatten(1)",
    "a chunk of the batch": "torch.cat(x.reshape(len(x), 784).split(1)) * 1",
}


def sources(code):
    return Sources([SourceFile("model.py", (HEAD + code).encode())], "model.py", Framework.TORCH)


def eager(code, seed=0):
    torch.manual_seed(seed)
    namespace = {}
    exec(HEAD + code, namespace)
    return namespace["build_model"]()


def exported(artifact):
    """The exported graph, ready to run in float64."""
    audit(artifact)
    return backend.original(artifact.graph, read_weights(artifact.weights[0]))


def run(graph, images, training=False, direction=None):
    return graph.run(training, images.double().numpy(), direction, {})


def trained(code, seed=0):
    """The artifact that is trained, and a task for it."""
    artifact = audit(backend.build(sources(code), seed)).artifact
    return artifact, Task(artifact.graph, artifact.weights[0], OutputKind.LOGITS, SGD, 0)


SGD = Optimizer("sgd", 0.1, 0.0, 0.9, 0.999, 1e-8)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_the_exported_graph_computes_what_the_model_computes(model, training):
    code = f"def build_model(): return {model}"
    ours, theirs = exported(backend.build(sources(code), 0)), eager(code).double().train(training)
    for batch in (1, 2, 7):
        images = torch.rand(max(batch, 2), 1, 28, 28)
        found = run(ours, images, training).outputs
        torch.manual_seed(0)  # as each run of an original
        assert np.array_equal(found, theirs(images.double()).detach().numpy())


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_gradients_are_the_models_own(model):
    code = f"def build_model(): return {model}"
    ours, theirs = exported(backend.build(sources(code), 0)), eager(code).double().train()
    images, direction = torch.rand(4, 1, 28, 28), torch.rand(4, 10).double()
    found = run(ours, images, True, direction.numpy()).gradients
    torch.manual_seed(0)  # as each run of an original
    (theirs(images.double()) * direction).sum().backward()
    expected = [(tuple(p.grad.shape), p.grad.abs().sum().item()) for p in theirs.parameters()]
    mine = [(gradient.shape, np.abs(gradient).sum()) for gradient in found.values()]
    for (shape, total), (own_shape, own) in zip(sorted(expected), sorted(mine), strict=True):
        assert own_shape == shape and own == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("expression", CLASSES.values(), ids=list(CLASSES))
def test_any_batch_size_can_be_used_after_export(expression):
    code = (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.out = nn.Linear(784, 10)\n"
        f"    def forward(self, x):\n        return self.out({expression})\n"
        "def build_model(): return Net()"
    )
    if "split" in expression:
        with pytest.raises(SubmissionError, match="change with the batch"):
            backend.build(sources(code), 0)
        return
    ours, theirs = exported(backend.build(sources(code), 0)), eager(code).double()
    images = torch.rand(64, 1, 28, 28)
    assert np.array_equal(run(ours, images).outputs, theirs(images.double()).detach().numpy())


def test_running_statistics_move_in_training_and_stand_still_in_evaluation():
    artifact = backend.build(sources("def build_model(): return " + MODELS["batch norm and dropout"]), 0)
    graph = exported(artifact)
    name = next(n for n, spec in json.loads(artifact.graph)["tensors"].items() if spec["kind"] == "buffer")
    before = read_weights(artifact.weights[0])[name]
    images = torch.rand(8, 1, 28, 28)
    assert np.array_equal(run(graph, images).tensors[name], before)
    assert not np.array_equal(run(graph, images, True).tensors[name], before)


def test_tracing_leaves_the_initial_weights_as_they_were():
    code = "def build_model(): return " + MODELS["batch norm and dropout"]
    artifact = backend.build(sources(code), 0)
    import safetensors.torch

    labels = json.loads(artifact.labels)
    weights = {labels[n]: t for n, t in safetensors.torch.load(artifact.weights[0]).items() if n in labels}
    expected = eager(code).state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_part_without_gradient_stays_without():
    code = (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.a, self.b = nn.Linear(784, 20), nn.Linear(20, 10)\n"
        "    def forward(self, x):\n"
        "        with torch.no_grad(): h = self.a(x.flatten(1))\n"
        "        return self.b(h)\n"
        "def build_model(): return Net()"
    )
    artifact = backend.build(sources(code), 0)
    found = run(exported(artifact), torch.rand(2, 1, 28, 28), True, np.ones((2, 10))).gradients
    labels = json.loads(artifact.labels)
    gradients = {labels[name]: bool(gradient.any()) for name, gradient in found.items()}
    assert gradients == {"a.weight": False, "a.bias": False, "b.weight": True, "b.bias": True}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("self.out(torch.from_numpy(x.flatten(1).detach().numpy().copy()))", "left the graph"),
        (
            "self.out(x.flatten(1) + torch.from_numpy(__import__('numpy').random.rand(784).astype('float32')))",
            "left the graph",
        ),
        ("self.out(x.flatten(1)) * float(x.max())", "a decision based on the values"),
        ("self.out(x.flatten(1)).repeat(len(x) * 2, 1)[:len(x)] if len(x) > 2 else self.out(x.flatten(1))", "change"),
    ],
)
def test_a_forward_pass_that_leaves_the_graph_is_refused(expression, words):
    code = (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.out = nn.Linear(784, 10)\n"
        f"    def forward(self, x):\n        return {expression}\n"
        "def build_model(): return Net()"
    )
    with pytest.raises(SubmissionError) as error:
        backend.build(sources(code), 0)
    assert words in error.value.found


@pytest.mark.parametrize(("name", "momentum"), [("adam", 0.0), ("sgd", 0.0), ("sgd", 0.9)])
def test_steps_are_bit_equal_to_torch_optim(name, momentum):
    torch.manual_seed(0)
    mine = [
        torch.nn.Parameter(torch.randn(5, 4)),
        torch.nn.Parameter(torch.randn(4)),
        torch.nn.Parameter(torch.ones(2)),
    ]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in mine]
    ours = FusedOptimizer(mine, Optimizer(name, 1e-2, momentum, 0.9, 0.999, 1e-8))
    if name == "adam":
        other = torch.optim.Adam(theirs, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, fused=True)
    else:
        other = torch.optim.SGD(theirs, lr=1e-2, momentum=momentum, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(other, 1.0, 0.0, total_iters=20)
    for share in shares_of(Course(epochs=1, batch_size=5, schedule="linear"), 100)[0]:
        gradients = [torch.randn(5, 4), torch.randn(4)]
        for parameters in (mine, theirs):
            for parameter, gradient in zip(parameters, gradients, strict=False):
                parameter.grad = gradient.clone()
        assert schedule.get_last_lr()[0] == pytest.approx(1e-2 * share)
        other.param_groups[0]["lr"] = 1e-2 * share
        ours.step(share)
        other.step()
        schedule.step()
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_a_loss_that_is_not_finite_ends_the_epoch():
    code = "def build_model(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))"
    task = replace(trained(code)[1], optimizer=replace(SGD, learning_rate=1e38))
    images = np.random.default_rng(0).integers(0, 256, (256, 1, 28, 28), dtype=np.uint8)
    labels = np.arange(256, dtype=np.uint8) % 10
    losses = backend.load(task).train_epoch(images, labels, np.arange(256), 16, np.ones(16))
    assert not np.isfinite(losses[-1])
    assert np.isfinite(losses[:-1]).all()
    assert len(losses) < 16


def test_pixels_are_divided_by_what_the_task_says():
    _, task = trained("def build_model(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))")
    images = np.random.default_rng(0).integers(0, 2, (20, 1, 28, 28), dtype=np.uint8)
    labels, order, shares = np.arange(20, dtype=np.uint8) % 10, np.arange(20), np.ones(4)
    divided, plain = backend.load(task), backend.load(replace(task, divisor=1))
    for trainee, pixels in ((divided, images * 255), (plain, images)):
        trainee.train_epoch(pixels, labels, order, 5, shares)
    assert np.array_equal(divided.predict(images * 255), plain.predict(images))
    assert not np.array_equal(divided.predict(images), plain.predict(images))
