"""Passes over graphs of the language: what stays bit-equal, what stays within rounding, and what is left alone."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import safetensors.numpy  # noqa: E402
from lowered_lenet import ADAM, POOL, WINDOW, initial, lenet, pixels  # noqa: E402

from harness.backends.torch import trainee  # noqa: E402
from harness.backends.torch.convolution import convolution, convolution_and_pooling  # noqa: E402
from harness.backends.torch.lowered import Program  # noqa: E402
from harness.backends.torch.passes import (  # noqa: E402
    CHANNELS_LAST,
    CONVOLUTION_AND_POOLING,
    OURS,
    PART,
    PARTS,
    pool_before_activation,
    pool_while_convolving,
    prepared,
    split_together,
    suits_channels_last,
)
from harness.jobs.trainee import Task  # noqa: E402
from harness.language.builder import Builder  # noqa: E402
from harness.language.sizes import N  # noqa: E402
from harness.language.text import model_text  # noqa: E402
from harness.records.graph import OutputKind, Tensor, TensorKind  # noqa: E402

pytestmark = pytest.mark.frameworks

FASTEST = {**OURS, **CHANNELS_LAST}
WITHIN = 1e-5
"""Largest difference that another order of additions may make, beside the largest number of a tensor."""

TRAINABLE = frozenset(f"t{k}" for k in range(10))
WIDE = {"kernel_shape": (3, 3), "strides": (2, 2), "pads": ((1, 1), (1, 1)), "dilations": (1, 1)}


def layers(*chosen, shape=(1, 28, 28), filters=((6, 1, 5, 5), (16, 6, 5, 5))):
    """A graph of layers on the images, each (operator, attributes); convolutions take the next filters and bias."""
    tensors = [Tensor(f"t{k}", TensorKind.PARAMETER, True, size, "F32") for k, size in enumerate(_sizes(filters))]
    build = Builder(shape, tensors)
    x, left = build.images, [build.values[tensor.name] for tensor in tensors]
    for operator, attributes in chosen:
        inputs = [left.pop(0), left.pop(0)] if operator == "Conv" else []
        x = build.emit(operator, x, *inputs, **attributes)
    return build.finish(x).graph


def _sizes(filters):
    return [size for shape in filters for size in (shape, shape[:1])]


def conv(pad=0, **others):
    return "Conv", {**WINDOW, "pads": ((pad, pad), (pad, pad)), **others}


def pool(**others):
    return "MaxPool", {**POOL, **others}


RELU, TANH, LINEAR = ("Relu", {}), ("Tanh", {}), ("LeakyRelu", {"alpha": -0.5})
LAYERS = {
    "relu and max pooling": layers(conv(2), RELU, pool(), conv(), RELU, pool()),
    "tanh and max pooling": layers(conv(2), TANH, pool(), conv(), TANH, pool()),
    "tanh and average pooling": layers(conv(2), TANH, ("AveragePool", POOL), conv(), TANH, ("AveragePool", POOL)),
    "pooling before relu": layers(conv(2), pool(), RELU, conv(), pool(), RELU),
    "overlapping windows": layers(conv(2), RELU, ("MaxPool", WIDE), conv(), RELU, ("MaxPool", WIDE)),
    "pads on one side": layers(conv(pads=((1, 0), (0, 3))), RELU, pool(), conv(pads=((0, 0), (2, 1))), RELU, pool()),
    "strided, dilated, grouped": layers(
        conv(strides=(2, 2)),
        RELU,
        conv(dilations=(2, 2), group=4),
        RELU,
        pool(ceil_mode=True),
        filters=((8, 1, 3, 3), (8, 2, 3, 3)),
    ),
    "one axis": layers(
        ("Conv", {"strides": (1,), "dilations": (1,), "pads": ((0, 0),)}), RELU, shape=(4, 28), filters=((6, 4, 5),)
    ),
    "images of other axes": layers(
        ("Transpose", {"perm": (0, 3, 1, 2)}), conv(2), RELU, pool(), conv(), RELU, pool(), shape=(28, 28, 1)
    ),
}


def both(graph, changed, ours=FASTEST, dtype=torch.float32):
    """Outputs and gradients of a graph and of what a pass made of it."""
    chance = np.random.default_rng(0)
    shape = tuple(graph.values["images"].shape[1:])
    images = torch.from_numpy(chance.random((8, *shape), dtype=np.float32)).to(dtype)
    images.flatten(1)[:, :168] = 0  # a background, where all numbers of a window are the same
    names = [name for name in graph.values if name.startswith("t")]
    weights = {
        name: torch.from_numpy(0.3 * chance.standard_normal(graph.values[name].shape)).to(dtype) for name in names
    }
    outcomes = []
    for program in (Program.of(graph, dtype), Program.of(changed, dtype, ours)):
        tensors = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
        outputs = program.output_of(tensors, images)
        behind = torch.linspace(-1, 1, outputs.numel(), dtype=dtype).view_as(outputs)
        outcomes.append([outputs.detach(), *torch.autograd.grad(outputs, list(tensors.values()), behind)])
    return zip(*outcomes, strict=True)


def operators(graph):
    return [node.operator for node in graph.nodes]


def close(found, expected):
    return np.abs(found - expected).max() <= WITHIN * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("graph", LAYERS.values(), ids=list(LAYERS))
def test_operators_in_another_order_leave_outputs_and_gradients_bit_equal(graph):
    for expected, found in both(graph, pool_before_activation(graph), {}):
        assert torch.equal(expected, found)


@pytest.mark.parametrize("graph", LAYERS.values(), ids=list(LAYERS))
def test_all_passes_leave_outputs_and_gradients_within_single_precision(graph):
    for expected, found in both(graph, prepared(graph, TRAINABLE)):
        assert close(found.numpy(), expected.numpy())


@pytest.mark.parametrize("graph", LAYERS.values(), ids=list(LAYERS))
def test_all_passes_leave_gradients_as_they_are_in_double(graph):
    for expected, found in both(graph, prepared(graph, TRAINABLE), dtype=torch.float64):
        assert np.abs((found - expected).numpy()).max() <= 1e-13 * np.abs(expected.numpy()).max()


def test_training_goes_the_same_way_step_by_step(monkeypatch):
    losses = []
    for change in (lambda graph, _: graph, prepared):
        monkeypatch.setattr(trainee, "prepared", change)
        weights = safetensors.numpy.save(initial(lenet()))
        one = trainee.load(Task(model_text(lenet()), weights, OutputKind.LOGITS, ADAM, 0))
        losses.append(one.train_epoch(*pixels(64), np.arange(64), 8, np.ones(8)))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("activation", ["Relu", "Tanh", "Sigmoid"])
def test_an_activation_comes_after_the_pooling_that_alone_reads_it(activation):
    graph = layers(conv(), (activation, {}), pool(), conv(), (activation, {}), pool())
    assert operators(pool_before_activation(graph)) == ["Conv", "MaxPool", activation] * 2


def read_twice():
    build = Builder((1, 8, 8), [])
    relu = build.emit("Relu", build.images)
    pooled = build.emit("MaxPool", relu, **POOL)
    flat = build.emit("ReduceMax", relu, axes=(2, 3), keepdims=True)
    return build.finish(build.emit("Add", pooled, flat)).graph


@pytest.mark.parametrize(
    "graph",
    [read_twice(), layers(RELU), layers(LINEAR, pool()), layers(RELU, ("AveragePool", POOL))],
    ids=["relu is read twice", "relu is the output", "not rising", "no maximum"],
)
def test_anything_else_stays_where_it_is(graph):
    assert pool_before_activation(graph) == graph


def sliced(*bounds, axis=1, step=1):
    """The sum of slices of a product with t0, each of as many numbers as the first."""
    build = Builder((12, 28), [Tensor("t0", TensorKind.PARAMETER, True, (12, 28), "F32")])
    x = build.emit("Mul", build.images, build.values["t0"])
    parts = [build.emit("Slice", x, axis=axis, start=start, end=end, step=step) for start, end in bounds]
    total = parts[0]
    for k, part in enumerate(parts[1:], 2):
        total = build.emit("Add", total, build.emit("Mul", part, build.constant(float(k))))
    return build.finish(total).graph


@pytest.mark.parametrize(
    "bounds",
    [((0, 4), (4, 8), (8, 12)), ((8, 12), (0, 4)), ((1, 3), (5, 7), (7, 9)), ((9, 12), (1, 4), (5, 8))],
    ids=["all", "in another order", "with gaps", "between gaps"],
)
def test_slices_that_do_not_overlap_are_taken_at_once(bounds):
    graph = sliced(*bounds)
    changed = split_together(graph)
    assert operators(changed).count(PARTS) == 1
    assert operators(changed).count(PART) == len(bounds)
    assert "Slice" not in operators(changed)
    for expected, found in both(graph, changed, dtype=torch.float64):
        assert torch.equal(expected, found)


@pytest.mark.parametrize(
    "graph",
    [
        sliced((0, 4)),
        sliced((0, 4), (3, 7)),
        sliced((0, 8), (4, 12)),
        sliced((0, 4), (4, 8), step=2),
        sliced((1, N), (0, N - 1), axis=0),
    ],
    ids=["one", "overlapping", "half of each other", "with a step", "of images"],
)
def test_other_slices_stay_alone(graph):
    assert split_together(graph) == graph


def test_pooling_decides_the_layout():
    assert suits_channels_last(lenet().training)
    assert suits_channels_last(prepared(lenet().training, TRAINABLE))
    assert not suits_channels_last(layers(conv(), RELU, conv(), RELU))
    assert not suits_channels_last(
        layers(("MaxPool", {name: setting[:1] for name, setting in POOL.items()}), shape=(4, 28), filters=())
    )


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


def fused(*chosen, filters=((6, 1, 5, 5),), shape=(1, 28, 28)):
    graph = layers(*chosen, filters=filters, shape=shape)
    return operators(pool_while_convolving(pool_before_activation(graph), TRAINABLE)).count(CONVOLUTION_AND_POOLING)


def test_the_first_convolution_of_lenet5_pools_while_it_convolves():
    assert fused(conv(2), RELU, pool()) == 1
    assert fused(conv(), TANH, pool(), filters=((4, 3, 5, 3),), shape=(3, 28, 28)) == 1
    assert fused(("Pad", {"pads": ((0, 0), (0, 0), (2, 2), (2, 2))}), conv(), pool()) == 1
    assert operators(prepared(lenet().training, TRAINABLE)).count(CONVOLUTION_AND_POOLING) == 1


@pytest.mark.parametrize(
    ("chosen", "filters", "shape"),
    [
        ((conv(), pool()), ((7, 1, 5, 5),), (1, 28, 28)),
        ((conv(strides=(2, 2)), pool()), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(dilations=(2, 2)), pool()), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(pads=((1, 0), (0, 0))), pool()), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(group=2), pool()), ((6, 1, 5, 5),), (2, 28, 28)),
        ((conv(), pool()), ((6, 4, 5, 5),), (4, 28, 28)),
        ((conv(), pool(kernel_shape=(3, 3))), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(), pool(strides=(1, 1))), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(), pool(pads=((1, 1), (1, 1)))), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(), pool(ceil_mode=True)), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(), ("AveragePool", POOL)), ((6, 1, 5, 5),), (1, 28, 28)),
        ((conv(), RELU, conv(), pool()), ((3, 1, 5, 5), (6, 3, 5, 5)), (1, 28, 28)),
    ],
)
def test_any_other_convolution_stays_by_itself(chosen, filters, shape):
    assert fused(*chosen, filters=filters, shape=shape) == 0
