"""NumPy runs graphs of the language: what is returned, kept and updated; frameworks confirm what ONNX has no words for."""

import tracemalloc

import numpy as np
import pytest
from language_graphs import Case, graph_of, written

from harness.language.builder import Builder
from harness.language.interpreter import MEANINGS, run
from harness.language.sizes import N
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

PARAMETER, BUFFER = TensorKind.PARAMETER, TensorKind.BUFFER
IMAGES = np.array([[1.0, 0.0], [3.0, 4.0]])


def normalized(times=1, **attributes):
    """A graph that normalizes two channels, with the same statistics each time."""
    tensors = [Tensor(f"t{k}", (PARAMETER, BUFFER)[k > 1], k < 2, (2,), "F32") for k in range(4)]
    build = Builder((2,), tensors)
    x, rest = build.images, [build.values[tensor.name] for tensor in tensors]
    for _ in range(times):
        x = written(build, "BatchNormalization", x, *rest, epsilon=0.5, training=True, **attributes)
    return build.finish(x).graph


WEIGHTS = {"t0": np.ones(2), "t1": np.zeros(2), "t2": np.zeros(2), "t3": np.ones(2)}


@pytest.mark.parametrize(("unbiased", "variances"), [(False, [1, 1.3]), (True, [1.1, 1.7])])
def test_batch_normalization_keeps_mean_and_variance(unbiased, variances):
    results = run(normalized(momentum=0.9, unbiased=unbiased), WEIGHTS, IMAGES)
    assert np.allclose(results.output, (IMAGES - [2, 2]) / np.sqrt([1.5, 4.5]))
    assert results.updates.keys() == {"t2", "t3"}
    assert np.allclose(results.updates["t2"], [0.2, 0.2]) and np.allclose(results.updates["t3"], variances)


def test_statistics_that_two_layers_share_are_updated_twice():
    results = run(normalized(times=2, momentum=0.5), WEIGHTS, IMAGES, keep=["v0"])
    assert np.allclose(results.updates["t2"], [1 / 2, 1 / 2])
    between = results.kept["v0"].var(axis=0)
    assert np.allclose(results.updates["t3"], 0.5 * (0.5 + 0.5 * IMAGES.var(axis=0)) + 0.5 * between)


def test_a_layer_that_is_used_twice_on_one_value_updates_its_statistics_twice():
    tensors = [Tensor(f"t{k}", (PARAMETER, BUFFER)[k > 1], k < 2, (2,), "F32") for k in range(4)]
    build = Builder((2,), tensors)
    rest = [build.values[tensor.name] for tensor in tensors]
    once, again = (
        build.emit("BatchNormalization", build.images, *rest, epsilon=0.5, momentum=0.5, training=True)
        for _ in range(2)
    )
    results = run(build.finish(build.emit("Add", once, again)).graph, WEIGHTS, IMAGES)
    assert np.allclose(results.updates["t2"], [1.5, 1.5])


def test_values_are_kept_by_name_also_where_nothing_reads_them_later():
    build = Builder((2,), [])
    x = written(build, "Exp", build.images)
    graph = build.finish(written(build, "Neg", written(build, "Sqrt", x))).graph
    results = run(graph, {}, IMAGES, keep=["v0", "v2", "images"])
    assert np.allclose(results.output, -np.exp(IMAGES / 2)) and results.output is results.kept["v2"]
    assert np.allclose(results.kept["v0"], np.exp(IMAGES)) and np.array_equal(results.kept["images"], IMAGES)


def test_a_long_graph_needs_little_memory():
    build = Builder((1 << 16,), [])
    x = build.images
    for k in range(100):
        x = written(build, "Sin" if k % 2 else "Cos", x)
    graph, images = build.finish(x).graph, np.ones((1, 1 << 16))
    tracemalloc.start()
    run(graph, {}, images)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * images.nbytes


def test_images_are_read_as_float64_and_left_as_they_are():
    build = Builder((2,), [])
    graph = build.finish(written(build, "Neg", build.images)).graph
    images = IMAGES.astype(np.float32)
    images.flags.writeable = False
    assert run(graph, {}, images).output.dtype == np.float64


def test_dropout_keeps_what_the_mask_says():
    graph, _ = graph_of(Case("Dropout", ((N, 2),), {"ratio": 0.75}))
    results = run(graph, {}, IMAGES, {graph.output: np.array([[0, 1], [1, 1]])})
    assert np.array_equal(results.output, [[0, 0], [12, 16]])


def test_random_numbers_are_never_invented():
    graph, _ = graph_of(Case("Bernoulli", (), {"shape": (N, 3), "p": 0.5}))
    with pytest.raises(KeyError):
        run(graph, {}, np.ones((2, 1)))
    with pytest.raises(AssertionError, match="shape"):
        run(graph, {}, np.ones((2, 1)), {graph.output: np.ones((3, 3))})


@pytest.mark.parametrize("index", [3, -4])
def test_nothing_is_read_outside_of_an_axis(index):
    graph, _ = graph_of(Case("Gather", ((N, 3), np.array([0, index])), {"axis": 1}))
    with pytest.raises(ArtifactError, match="indices from -3 to 2"):
        run(graph, {}, np.ones((2, 3)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 1), (2,)])
def test_other_images_than_the_graph_is_for_are_our_error(shape):
    with pytest.raises(AssertionError, match="images has shape"):
        run(normalized(), WEIGHTS, np.ones(shape))


def test_a_meaning_that_breaks_its_rows_shape_is_our_error(monkeypatch):
    monkeypatch.setitem(MEANINGS, "Neg", lambda x: x[:, :1])
    graph, _ = graph_of(Case("Neg", ((N, 2),)))
    with pytest.raises(AssertionError, match=r"v2 has shape \(2, 1\), and \(2, 2\)"):
        run(graph, {}, IMAGES)
    monkeypatch.setitem(MEANINGS, "Neg", lambda x: x.astype(np.float32))
    with pytest.raises(AssertionError, match="Neg gave float32"):
        run(graph, {}, IMAGES)


def result(operator, *inputs, **attributes):
    """What an operator gives, without a graph."""
    return np.asarray(MEANINGS[operator](*inputs, **attributes))


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


@pytest.mark.frameworks
@pytest.mark.parametrize("unbiased", [True, False], ids=["torch", "keras"])
def test_frameworks_keep_the_same_mean_and_variance(unbiased):
    x = numbers(6, 3, 4, 5).astype(np.float32)
    graph, _ = graph_of(
        Case(
            "BatchNormalization",
            ((N, 3, 4, 5), *[(3,)] * 4),
            {"epsilon": 1e-3, "momentum": 0.7, "training": True, "unbiased": unbiased},
        )
    )
    weights = {"t1": np.ones(3), "t2": np.zeros(3), "t3": np.zeros(3), "t4": np.ones(3)}
    output, found = _torch_batch_norm(x) if unbiased else _keras_batch_norm(x)
    results = run(graph, weights, x.reshape(6, -1))
    assert np.allclose(results.output, output, atol=1e-5)
    assert all(np.allclose(results.updates[f"t{k}"], found[k - 3], rtol=1e-5) for k in (3, 4))


def _torch_batch_norm(x):
    import torch

    layer = torch.nn.BatchNorm2d(3, eps=1e-3, momentum=0.3)
    output = layer(torch.from_numpy(x)).detach().numpy()
    return output, (layer.running_mean.numpy(), layer.running_var.numpy())


def _keras_batch_norm(x):
    import keras

    layer = keras.layers.BatchNormalization(axis=1, momentum=0.7, epsilon=1e-3)
    output = np.asarray(layer(x, training=True))
    return output, (np.asarray(layer.moving_mean), np.asarray(layer.moving_variance))


@pytest.mark.frameworks
@pytest.mark.parametrize("sizes", [(7,), (4,), (3, 5), (4, 1), (2, 3, 2)], ids=str)
def test_pytorch_has_the_same_adaptive_windows(sizes):
    import torch.nn.functional as F
    from torch import from_numpy

    x = numbers(2, 3, *[7, 6, 5][: len(sizes)])
    for operator, name in (("AdaptiveAveragePool", "avg"), ("AdaptiveMaxPool", "max")):
        expected = getattr(F, f"adaptive_{name}_pool{len(sizes)}d")(from_numpy(x), sizes).numpy()
        assert np.allclose(result(operator, x, sizes=sizes), expected)


SIZES = [((4, 5), (8, 10)), ((7, 6), (3, 4)), ((3, 5), (7, 5)), ((2, 2), (1, 6)), ((28, 28), (32, 17))]


@pytest.mark.frameworks
@pytest.mark.parametrize(("before", "after"), SIZES, ids=str)
@pytest.mark.parametrize(
    ("mode", "coordinates", "torchs"),
    [
        ("nearest", "asymmetric", {"mode": "nearest"}),
        ("nearest", "half_pixel", {"mode": "nearest-exact"}),
        ("linear", "half_pixel", {"mode": "bilinear"}),
        ("linear", "align_corners", {"mode": "bilinear", "align_corners": True}),
    ],
)
def test_pytorch_resizes_to_the_same_pixels(before, after, mode, coordinates, torchs):
    import torch

    x = numbers(2, 3, *before)
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), after, **torchs).numpy()
    assert np.allclose(result("Resize", x, sizes=after, mode=mode, coordinates=coordinates), expected)


@pytest.mark.frameworks
@pytest.mark.parametrize(("before", "after"), SIZES, ids=str)
@pytest.mark.parametrize("half_pixel", [True, False])
@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_tensorflow_resizes_to_the_same_pixels(before, after, mode, align_corners, half_pixel):
    import tensorflow as tf

    if align_corners and half_pixel:
        return
    kernel = tf.raw_ops.ResizeNearestNeighbor if mode == "nearest" else tf.raw_ops.ResizeBilinear
    x = numbers(2, 3, *before).astype(np.float32)
    settings = {"align_corners": align_corners, "half_pixel_centers": half_pixel}
    expected = np.moveaxis(kernel(images=np.moveaxis(x, 1, -1), size=after, **settings).numpy(), -1, 1)
    coordinates = "half_pixel" if half_pixel else "align_corners" if align_corners else "asymmetric"
    found = result("Resize", x, sizes=after, mode=mode, coordinates=coordinates)
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.frameworks
@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_pytorch_samples_the_same_pixels(mode, padding_mode, align_corners):
    import torch

    x, grid = numbers(2, 3, 5, 4), numbers(2, 6, 7, 2, seed=1)
    grid[0, 0, :3] = [[-1, 1], [0, 0.25], [1e30, -1e30]]
    settings = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    expected = torch.nn.functional.grid_sample(torch.from_numpy(x), torch.from_numpy(grid), **settings).numpy()
    assert np.allclose(result("GridSample", x, grid, **settings), expected)


@pytest.mark.frameworks
@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [(2, 1, 4, 5), (2, 3, 1, 7)])
def test_pytorch_has_the_same_affine_grid(size, align_corners):
    import torch

    theta = numbers(2, 2, 3)
    expected = torch.ops.aten.affine_grid_generator(torch.from_numpy(theta), size, align_corners).numpy()
    assert np.allclose(result("AffineGrid", theta, size=size, align_corners=align_corners), expected)


@pytest.mark.frameworks
@pytest.mark.parametrize("size", [1, 3, 5])
def test_frameworks_normalize_across_channels_alike(size):
    import tensorflow as tf
    import torch

    x = numbers(2, 7, 3, 4)
    found = result("LRN", x, size=size, alpha=0.3, beta=0.75, bias=1.5)
    torchs = torch.nn.functional.local_response_norm(torch.from_numpy(x), size, 0.3, 0.75, 1.5).numpy()
    last = np.moveaxis(x, 1, -1).astype(np.float32)
    keras = tf.nn.local_response_normalization(last, size // 2, 1.5, 0.3 / size, 0.75).numpy()
    assert np.allclose(found, torchs) and np.allclose(found, np.moveaxis(keras, -1, 1), atol=1e-5)


@pytest.mark.frameworks
@pytest.mark.parametrize("operator", ["Conv", "ConvTranspose"])
def test_pytorch_has_the_same_numbers_in_double_precision(operator):
    """Closer than float32 can show."""
    import torch.nn.functional as F
    from torch import from_numpy

    x, w, b = numbers(2, 4, 9, 8), numbers(4, 2, 3, 2, seed=1), numbers(4, seed=2)
    settings = {"strides": (2, 3), "pads": ((1, 1), (0, 0)), "dilations": (2, 1), "group": 2}
    more = {"output_padding": (1, 2)} if operator == "ConvTranspose" else {}
    function = F.conv_transpose2d if more else F.conv2d
    named = {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 1), "groups": 2, **more}
    expected = function(from_numpy(x), from_numpy(w), from_numpy(b), **named).numpy()
    assert np.allclose(result(operator, x, w, b, **settings, **more), expected, rtol=1e-12, atol=1e-12)
