"""Passes over PyTorch graphs: what stays bit-equal, what stays within 1e-6, and what is left alone."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from harness.backends.base import Task  # noqa: E402
from harness.backends.source import Sources  # noqa: E402
from harness.backends.torch import passes, replay  # noqa: E402
from harness.backends.torch.backend import build  # noqa: E402
from harness.backends.torch.convolution import convolution, convolution_and_pooling  # noqa: E402
from harness.backends.torch.replay import load  # noqa: E402
from harness.jobs.train import Optimizer  # noqa: E402
from harness.records.framework import Framework  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402
from harness.records.submission import SourceFile  # noqa: E402

pytestmark = pytest.mark.frameworks

WITHIN = 1e-6
"""Largest difference that another order of additions may make, beside the largest number of a tensor."""

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
LENET = "nn.Conv2d(1, 6, 5, padding=2), {0}, {1}, nn.Conv2d(6, 16, 5), {0}, {1}, nn.Flatten(), nn.Linear(400, 10)"
MODELS = {
    "relu and max pooling": LENET.format("nn.ReLU()", "nn.MaxPool2d(2)"),
    "relu in place": LENET.format("nn.ReLU(inplace=True)", "nn.MaxPool2d(2)"),
    "tanh and average pooling": LENET.format("nn.Tanh()", "nn.AvgPool2d(2)"),
    "pooling before relu": LENET.format("nn.MaxPool2d(2)", "nn.ReLU()"),
    "overlapping windows": LENET.format("nn.ReLU()", "nn.MaxPool2d(3, 2, 1)"),
    "grouped, strided, dilated": (
        "nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4, dilation=2, bias=False), nn.ReLU(), "
        "nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(), nn.Linear(200, 10)"
    ),
}
OUT_OF_REACH = {
    "random masks": "nn.Conv2d(1, 6, 5), nn.Dropout2d(0.5), nn.Flatten(), nn.Linear(3456, 10)",
    "batch statistics": "nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(3456, 10)",
    "one dimension": ("nn.Conv2d(1, 6, (28, 5)), nn.Flatten(2), nn.Conv1d(6, 4, 3), nn.Flatten(), nn.Linear(88, 10)"),
    "writes to a view": "nn.Conv2d(1, 6, 5), nn.Flatten(), nn.ReLU(inplace=True), nn.Linear(3456, 10)",
}


def built(layers):
    code = f"{HEAD}def build_model(): return nn.Sequential({layers})"
    return build(Sources([SourceFile("model.py", code.encode())], "model.py", Framework.TORCH), 0)


def task(artifact):
    return Task(artifact.graph, artifact.weights[0], OutputKind.LOGITS, Optimizer("adam", 1e-3, 0, 0.9, 0.999, 1e-8), 0)


def untouched(artifact, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(replay, "prepare", lambda graph: passes.Prepared(graph, frozenset()))
        return load(task(artifact))


def swapped_only(artifact, monkeypatch):
    def prepare(graph):
        modes = {name: passes.in_better_order(graph[name]) for name in ("train", "eval")}
        return passes.Prepared({**graph, **modes}, frozenset())

    with monkeypatch.context() as patch:
        patch.setattr(replay, "prepare", prepare)
        return load(task(artifact))


def batch():
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (32, 1, 28, 28), dtype=np.uint8)
    images[:, :, :6] = 0  # a background, where all numbers of a window are the same
    return images, chance.integers(0, 10, 32, dtype=np.uint8)


def operators(mode):
    return [node["op"].split(".")[1] for node in mode["nodes"]]


def close(found, expected):
    return np.abs(found - expected).max() <= WITHIN * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("layers", MODELS.values(), ids=list(MODELS))
def test_operators_in_another_order_leave_outputs_and_gradients_bit_equal(layers, monkeypatch):
    artifact, (images, labels) = built(layers), batch()
    plain, swapped = untouched(artifact, monkeypatch), swapped_only(artifact, monkeypatch)
    assert plain.predict(images).tobytes() == swapped.predict(images).tobytes()
    (loss, expected), (same_loss, found) = plain.gradients(images, labels), swapped.gradients(images, labels)
    assert loss == same_loss
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("layers", MODELS.values(), ids=list(MODELS))
def test_another_layout_leaves_outputs_and_gradients_within_a_millionth(layers, monkeypatch):
    artifact, (images, labels) = built(layers), batch()
    assert passes.prepare(json.loads(artifact.graph)).channels_last
    plain, prepared = untouched(artifact, monkeypatch), load(task(artifact))
    assert close(prepared.predict(images), plain.predict(images))
    (loss, expected), (near_loss, found) = plain.gradients(images, labels), prepared.gradients(images, labels)
    assert near_loss == pytest.approx(loss, abs=WITHIN)
    assert all(close(found[name], expected[name]) for name in expected)


def test_training_goes_the_same_way_step_by_step(monkeypatch):
    artifact, (images, labels) = built(MODELS["relu and max pooling"]), batch()
    losses = [
        trainee.train_epoch(images, labels, np.arange(32), 4, np.ones(8))
        for trainee in (untouched(artifact, monkeypatch), load(task(artifact)))
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("layers", OUT_OF_REACH.values(), ids=list(OUT_OF_REACH))
def test_a_graph_that_can_tell_the_layout_keeps_it(layers, monkeypatch):
    artifact, (images, labels) = built(layers), batch()
    graph = json.loads(artifact.graph)
    assert not passes.prepare(graph).channels_last
    plain = untouched(artifact, monkeypatch).gradients(images, labels)
    found = load(task(artifact)).gradients(images, labels)
    assert plain[0] == found[0]
    assert all(np.array_equal(found[1][name], plain[1][name]) for name in plain[1])


def test_relu_comes_after_the_pooling_that_alone_reads_it():
    mode = json.loads(built(MODELS["relu in place"]).graph)["train"]
    assert operators(mode)[:3] == ["convolution", "relu_", "max_pool2d_with_indices"]
    changed = passes.pool_before_relu(passes.relu_out_of_place(mode))
    assert operators(changed)[:6] == ["convolution", "max_pool2d_with_indices", "relu"] * 2


RELU = {"op": "aten.relu.default", "args": [{"input": 0}], "kwargs": {}}
POOL = {"op": "aten.max_pool2d_with_indices.default", "args": [{"node": [0, 0]}, [2, 2]], "kwargs": {}}
READ = {"op": "aten.add.Tensor", "args": [{"node": [1, 0]}, {"node": [0, 0]}], "kwargs": {}}


@pytest.mark.parametrize(
    ("nodes", "output"),
    [
        ([RELU, POOL, READ], [2, 0]),
        ([RELU, POOL], [0, 0]),
        ([RELU, POOL], [1, 1]),
        ([RELU, {**POOL, "no_grad": True}], [1, 0]),
        ([{**RELU, "op": "aten.tanh.default"}, POOL], [1, 0]),
        ([{**RELU, "op": "aten.relu_.default"}, POOL], [1, 0]),
    ],
    ids=["relu is read twice", "relu is the output", "indices are read", "no gradient", "tanh", "overwrites the input"],
)
def test_anything_else_stays_where_it_is(nodes, output):
    mode = {"nodes": nodes, "output": {"node": output}}
    assert passes.pool_before_relu(passes.relu_out_of_place(mode)) == mode


def test_a_tensor_that_is_read_after_relu_overwrote_it_stays_overwritten():
    nodes = [
        {"op": "aten.mm.default", "args": [{"input": 0}, {"input": 0}], "kwargs": {}},
        {"op": "aten.relu_.default", "args": [{"node": [0, 0]}], "kwargs": {}},
        {"op": "aten.add.Tensor", "args": [{"node": [0, 0]}, {"node": [1, 0]}], "kwargs": {}},
    ]
    mode = {"nodes": nodes, "output": {"node": [2, 0]}}
    assert passes.relu_out_of_place(mode) == mode


numbers = st.sampled_from([0.0, -0.0, 1.0, 1.0, -1.0, 2.5, -3.0, 1e-40, float("nan"), float("inf"), float("-inf")])


@st.composite
def pooled(draw):
    """An image with many ties, the settings of a pooling that fits it, and gradients from behind."""
    height, width, kernel = draw(st.integers(4, 9)), draw(st.integers(4, 9)), draw(st.integers(1, 3))
    values = draw(st.lists(numbers, min_size=height * width, max_size=height * width))
    settings = [draw(st.integers(1, 3)), draw(st.integers(0, kernel // 2)), 1, draw(st.booleans())]
    settings[2] = draw(st.integers(1, 2)) if kernel == 2 else 1
    return SimpleNamespace(image=torch.tensor(values).view(1, 1, height, width), settings=(kernel, *settings))


@settings(max_examples=400, deadline=None)
@given(pooled(), st.sampled_from([torch.contiguous_format, torch.channels_last]), st.integers(1, 3))
def test_pooling_and_relu_commute_bit_for_bit(case, layout, channels):
    start = case.image.repeat(2, channels, 1, 1).contiguous(memory_format=layout)
    outcomes = []
    for swap in (False, True):
        image = start.clone().requires_grad_()
        pool = torch.ops.aten.max_pool2d_with_indices.default
        kernel, stride, padding, dilation, ceil = case.settings
        how = ([kernel] * 2, [stride] * 2, [padding] * 2, [dilation] * 2, ceil)
        result = pool(image, *how)[0].relu() if swap else pool(image.relu(), *how)[0]
        behind = torch.arange(result.numel(), dtype=torch.float32).view_as(result) - 3
        outcomes.append((result.detach(), *torch.autograd.grad(result, image, behind)))
    for plain, swapped in zip(*outcomes, strict=True):
        assert np.array_equal(plain.numpy(), swapped.numpy(), equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_split_backward_pass_is_that_of_the_convolution(stride, padding, dilation, has_bias, needs_images, seed):
    chance = torch.Generator().manual_seed(seed)
    images = torch.rand(3, 4, 11, 9, generator=chance).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(6, 2, 3, 3, generator=chance) / 5
    how = ([stride] * 2, [padding] * 2, [dilation] * 2, False, [0, 0], 2)
    outcomes = []
    for function in (torch.ops.aten.convolution.default, convolution):
        inputs = [images.clone(), weight.clone(), torch.ones(6) if has_bias else None]
        wanted = [part.requires_grad_() for part in inputs[not needs_images :] if part is not None]
        result = function(*inputs, *how)
        behind = torch.linspace(-1, 1, result.numel()).view_as(result)
        outcomes.append((result.detach(), *torch.autograd.grad(result, wanted, behind)))
    for expected, found in zip(*outcomes, strict=True):
        assert close(found.numpy(), expected.numpy())


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 7), st.integers(0, 3), st.integers(1, 5), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_convolution_and_pooling_in_one_give_each_gradient_to_the_same_place(
    channels, filters, padding, kernel, has_bias, seed
):
    """Small whole numbers: every sum is exact, and most windows have several largest numbers."""
    chance = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 2, (3, channels, 11, 8), generator=chance).float()
    weight = torch.randint(-1, 2, (filters, channels, kernel, kernel), generator=chance).float()
    bias = torch.ones(filters) if has_bias else None
    outcomes = []
    for is_one in (False, True):
        wanted = [part.clone().requires_grad_() for part in (weight, bias) if part is not None]
        inputs = (images, wanted[0], wanted[1] if has_bias else None)
        plain = torch.nn.functional.conv2d
        if is_one:
            result = convolution_and_pooling(*inputs, [padding] * 2)
        else:
            result = torch.nn.functional.max_pool2d(plain(*inputs, padding=padding), 2)
        behind = torch.arange(result.numel()).view_as(result).remainder(7).float() - 3
        outcomes.append((result.detach(), *torch.autograd.grad(result, wanted, behind)))
    for expected, found in zip(*outcomes, strict=True):
        assert torch.equal(expected, found)


def fused(convolution, pooling="nn.MaxPool2d(2)"):
    graph = json.loads(built(f"{convolution}, nn.ReLU(), {pooling}, nn.Flatten(), nn.LazyLinear(10)").graph)
    return [
        passes.CONVOLUTION_AND_POOLING in operators_of(passes.prepare(graph).graph[mode]) for mode in ("train", "eval")
    ]


def operators_of(mode):
    return [node["op"] for node in mode["nodes"]]


def test_the_first_convolution_of_lenet5_pools_while_it_convolves():
    assert fused("nn.Conv2d(1, 6, 5, padding=2)") == [True, True]
    assert fused("nn.Conv2d(1, 4, (5, 3), bias=False)") == [True, True]
    graph = json.loads(built(MODELS["relu and max pooling"]).graph)
    assert operators_of(passes.prepare(graph).graph["train"]).count(passes.CONVOLUTION_AND_POOLING) == 1


@pytest.mark.parametrize(
    ("convolution", "pooling"),
    [
        ("nn.Conv2d(1, 7, 5)", "nn.MaxPool2d(2)"),
        ("nn.Conv2d(1, 6, 5, stride=2)", "nn.MaxPool2d(2)"),
        ("nn.Conv2d(1, 6, 5, dilation=2)", "nn.MaxPool2d(2)"),
        ("nn.Conv2d(1, 6, 5)", "nn.MaxPool2d(3)"),
        ("nn.Conv2d(1, 6, 5)", "nn.MaxPool2d(2, 1)"),
        ("nn.Conv2d(1, 6, 5)", "nn.MaxPool2d(2, padding=1)"),
        ("nn.Conv2d(1, 6, 5)", "nn.MaxPool2d(2, ceil_mode=True)"),
        ("nn.Conv2d(1, 6, 5)", "nn.AvgPool2d(2)"),
        ("nn.ReLU(), nn.Conv2d(1, 6, 5)", "nn.MaxPool2d(2)"),
    ],
)
def test_any_other_convolution_stays_by_itself(convolution, pooling):
    assert fused(convolution, pooling) == [False, False]
