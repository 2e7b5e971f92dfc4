"""What Keras writes with several operators, what a graph may write, what it knows without computing, and where it draws."""

import numpy as np
import pytest
from tensorflow_graph import IMAGE, averaged, call, ints, node, tensor
from tensorflow_nodes import (
    Nodes,
    computed,
    constant,
    convolution,
    held,
    number,
    only,
    operators,
    refused,
    statistic,
    translated,
)

from harness.language.dependence import updates

CHANNELS = 4
FILTERS = held("t0", 3, 3, 1, CHANNELS)
OTHERS = [held("gamma", CHANNELS), held("beta", CHANNELS), statistic("mean", CHANNELS), statistic("var", CHANNELS)]
WEIGHTS = {
    "t0": np.random.default_rng(0).normal(size=(3, 3, 1, CHANNELS)),
    "gamma": np.array([1.0, 2.0, -1.0, 0.5]),
    "beta": np.array([0.5, -1.0, 0.0, 2.0]),
    "mean": np.array([0.1, -0.2, 0.3, 0.0]),
    "var": np.array([0.5, 1.0, 2.0, 0.1]),
}


def normalized(nodes, x, mean, variance, gamma, beta, epsilon=0.001):
    """As `tf.nn.batch_normalization` writes it; gamma and beta may be missing."""
    inverse = nodes("Rsqrt", nodes("AddV2", variance, number(epsilon)))
    inverse = nodes("Mul", inverse, gamma) if gamma else inverse
    shift = nodes("Sub", beta, nodes("Mul", mean, inverse)) if beta else nodes("Mul", nodes("Neg", mean), inverse)
    return nodes("AddV2", nodes("Mul", x, inverse), shift)


def moments(nodes, x, axes, **squeezed):
    mean = nodes("Mean", x, ints(*axes), keep_dims=True)
    square = nodes("SquaredDifference", x, nodes("StopGradient", mean))
    variance = nodes("Mean", square, ints(*axes), keep_dims=True)
    return [nodes("Squeeze", each, **squeezed) if squeezed else each for each in (mean, variance)]


def moving(nodes, name, batch, momentum=0.99, rest=0.01):
    old = nodes("Mul", nodes.read(name), number(momentum))
    nodes("AssignVariableOp", tensor(name), nodes("AddV2", old, nodes("Mul", batch, number(rest))))


def training_net(**rates):
    """Convolution, batch normalization in training, with averages."""
    nodes = Nodes(convolution("t0"))
    x = node(1)
    mean, variance = moments(nodes, x, (0, 1, 2), axis=[0, 1, 2])
    moving(nodes, "mean", mean, **rates)
    moving(nodes, "var", variance, **rates)
    normalized(nodes, x, mean, variance, nodes.read("gamma"), nodes.read("beta"))
    return nodes


def test_batch_normalization_of_an_evaluation():
    nodes = Nodes(convolution("t0"))
    given = [nodes.read(name) for name in ("mean", "var", "gamma", "beta")]
    normalized(nodes, node(1), *given)
    found = translated(nodes, FILTERS, *OTHERS)
    assert operators(found) == ["Conv", "BatchNormalization"]
    layer = only(found, "BatchNormalization")
    assert layer.inputs[1:] == ("gamma", "beta", "mean", "var")
    assert (layer.attributes["epsilon"], layer.attributes["training"]) == (0.001, False)


def test_batch_normalization_in_training_averages_its_statistics():
    found = translated(training_net(), FILTERS, *OTHERS)
    layer = only(found, "BatchNormalization")
    assert operators(found) == ["Conv", "BatchNormalization"]
    assert layer.inputs[1:] == ("gamma", "beta", "mean", "var")
    assert layer.attributes == {"epsilon": 0.001, "momentum": 0.99, "training": True, "unbiased": False}
    assert updates(layer) == ("mean", "var")


def test_without_averages_it_normalizes_the_batch():
    nodes = Nodes(convolution("t0"))
    normalized(nodes, node(1), *moments(nodes, node(1), (0, 1, 2)), None, None)
    layer = only(translated(nodes, FILTERS), "BatchNormalization")
    assert len(layer.inputs) == 3
    assert updates(layer) == ()


def test_a_normalization_computes_what_its_operators_do():
    """Each form, with its gamma and beta or without, beside a form that no pattern fits: one more operator inside."""
    for axes in ((0, 1, 2), (-1,), (1, 2, 3), (1, 2)):
        for names in (("gamma", "beta"), (None, "beta"), ("gamma", None), (None, None)):
            results = []
            for apart in (False, True):
                nodes = Nodes(convolution("t0"))
                scale, shift = (None if name is None else nodes.read(name) for name in names)
                mean, variance = moments(nodes, node(1), axes)
                mean = nodes("Mul", mean, number(-1.0)) if apart else mean
                mean = nodes("Neg", mean) if apart else mean
                normalized(nodes, node(1), mean, variance, scale, shift)
                found = translated(nodes, FILTERS, *OTHERS)
                assert any("Normalization" in each for each in operators(found)) is (
                    not apart and axes in _NORMALIZED[names]
                )
                results.append(computed(found, **WEIGHTS))
            np.testing.assert_allclose(results[0], results[1], rtol=1e-6, atol=1e-6)


_OVER_ALL = [(0, 1, 2), (-1,)]
_NORMALIZED = {
    (None, None): [*_OVER_ALL, (1, 2, 3)],
    ("gamma", "beta"): _OVER_ALL,
    ("gamma", None): _OVER_ALL,
    (None, "beta"): _OVER_ALL,
}
"""Over which axes there is one operator: with one number for each channel, not over all axes of an image."""


def test_group_normalization():
    nodes = Nodes(convolution("t0"))
    apart = nodes("Reshape", node(1), ints(-1, 26, 26, 2, 2))
    scale, shift = (nodes("Reshape", nodes.read(name), ints(1, 1, 1, 2, 2)) for name in ("gamma", "beta"))
    result = normalized(nodes, apart, *moments(nodes, apart, (1, 2, 4)), scale, shift)
    nodes("Reshape", result, ints(-1, 26, 26, 4))
    found = translated(nodes, FILTERS, *OTHERS)
    assert only(found, "GroupNormalization").attributes == {"num_groups": 2, "epsilon": 0.001}
    x = computed(translated(convolution("t0"), FILTERS), **WEIGHTS).reshape(3, 26, 26, 2, 2)
    mean, variance = x.mean((1, 2, 4), keepdims=True), x.var((1, 2, 4), keepdims=True)
    expected = ((x - mean) / np.sqrt(variance + 0.001)).reshape(3, 26, 26, 4) * WEIGHTS["gamma"] + WEIGHTS["beta"]
    np.testing.assert_allclose(computed(found, **WEIGHTS), expected, rtol=1e-9, atol=1e-9)


def test_a_fused_normalization_averages_the_variance_divided_by_one_less():
    nodes = [*convolution("t0"), call("FusedBatchNormV3", node(1), *map(tensor, ("gamma", "beta", "gamma", "beta")))]
    nodes += [*averaged("mean", node(2, 1), 3), *averaged("var", node(2, 2), 8)]
    fixed = [constant("gamma", CHANNELS), constant("beta", CHANNELS), *OTHERS[2:]]
    layer = only(translated(nodes, FILTERS, *fixed, output=node(2)), "BatchNormalization")
    assert layer.inputs[3:] == ("mean", "var")
    assert (layer.attributes["unbiased"], layer.attributes["momentum"], layer.attributes["epsilon"]) == (
        True,
        0.75,
        1e-4,
    )
    refused([*nodes, call("Mul", node(2, 1), number(2.0))], FILTERS, *fixed)


def spoiled(change):
    nodes = training_net()
    output = node(len(nodes) - 1)
    change(nodes)
    return refused(nodes, FILTERS, *OTHERS, held("other", CHANNELS), output=output).found


@pytest.mark.parametrize(
    "change",
    [
        lambda nodes: nodes("Mul", nodes.read("mean"), number(2.0)),
        lambda nodes: moving(nodes, "other", node(7)),
        lambda nodes: moving(nodes, "mean", node(7)),
        lambda nodes: nodes("AssignVariableOp", tensor("var"), node(7)),
        lambda nodes: nodes("AssignSubVariableOp", tensor("var"), node(7)),
        lambda nodes: nodes("AssignAddVariableOp", tensor("other"), node(7)),
        lambda nodes: nodes("AssignVariableOp", tensor("other"), nodes.read("mean")),
        lambda nodes: nodes("ResourceGather", tensor("mean"), ints(0), dtype={"type": "float32"}),
    ],
)
def test_nothing_else_is_written_or_read(change):
    assert "not supported yet" in spoiled(change)


@pytest.mark.parametrize("rates", [{"momentum": 0.9}, {"rest": -0.01}, {"momentum": 1.0, "rest": 1e-3}])
def test_other_averages_are_refused(rates):
    assert "writes to its own tensors" in refused(training_net(**rates), FILTERS, *OTHERS).found


def test_statistics_are_not_trained():
    assert (
        "writes to its own tensors"
        in refused(training_net(), FILTERS, *OTHERS[:2], held("mean", 4), held("var", 4)).found
    )


def test_a_layer_used_twice_averages_twice():
    nodes = training_net()
    again = Nodes(nodes)
    x = again("Relu", node(len(nodes) - 1))
    mean, variance = moments(again, x, (0, 1, 2), axis=[0, 1, 2])
    moving(again, "mean", mean)
    moving(again, "var", variance)
    normalized(again, x, mean, variance, again.read("gamma"), again.read("beta"))
    found = translated(again, FILTERS, *OTHERS)
    assert operators(found) == ["Conv", "BatchNormalization", "Relu", "BatchNormalization"]
    assert [updates(each) for each in found.graph.nodes if updates(each)] == [("mean", "var")] * 2


@pytest.mark.parametrize(("scale", "approximate"), [(0.7071067690849304, "none"), (None, "tanh")])
def test_gelu(scale, approximate):
    nodes = Nodes()
    half = nodes("Mul", number(0.5), IMAGE)
    if scale:
        nodes("Mul", half, nodes("Erfc", nodes("Mul", nodes("Neg", IMAGE), number(scale))))
    else:
        cube = nodes("Mul", number(0.044714998453855515), nodes("Pow", IMAGE, number(3.0)))
        inner = nodes("Mul", number(0.7978845834732056), nodes("AddV2", IMAGE, cube))
        nodes("Mul", half, nodes("AddV2", number(1.0), nodes("Tanh", inner)))
    found = translated(nodes)
    assert operators(found) == ["Gelu"]
    assert only(found, "Gelu").attributes["approximate"] == approximate
    nodes[1 if scale else 2] = call("Neg", node(0)) if scale else call("Mul", number(0.05), node(1))
    assert "Gelu" not in operators(translated(nodes))
