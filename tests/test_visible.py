"""Which layers of a model can be shown with the values of a picture, and the operator that has them."""

import pytest
from language_nets import Net, keras_lenet5, torch_lenet5

from harness.language.sizes import N
from harness.model.visible import visible


def shown(net: Net) -> list[tuple[str, str, tuple[int, ...]]]:
    model = net.model()
    operators = {name: node.operator for name, node in model.evaluation.by_name.items()}
    return [(seen.layer.kind, operators[seen.operation], seen.shape) for seen in visible(model)]


@pytest.mark.parametrize(
    ("net", "after", "pooling"),
    [(torch_lenet5(), ("Relu", "Relu", "Gemm"), "max_pool"), (keras_lenet5(), ("Tanh", "Add", "Add"), "avg_pool")],
    ids=["torch", "keras"],
)
def test_each_layer_is_shown_after_its_bias_and_activation(net, after, pooling):
    operator = {"max_pool": "MaxPool", "avg_pool": "AveragePool"}[pooling]
    assert shown(net) == [
        ("conv2d", after[0], (6, 28, 28)),
        (pooling, operator, (6, 14, 14)),
        ("conv2d", after[0], (16, 10, 10)),
        (pooling, operator, (16, 5, 5)),
        ("dense", after[1], (120,)),
        ("dense", after[1], (84,)),
        ("dense", after[2], (10,)),
    ]


def test_what_only_rearranges_numbers_is_not_shown():
    net = Net().then("Slice", axis=2, start=0, end=27).then("Pad", pads=[(0, 0), (0, 0), (1, 0), (0, 0)])
    net.transpose(0, 1, 3, 2).flat().linear("a", 10)
    assert [kind for kind, _, _ in shown(net)] == ["dense"]


def test_a_sum_of_two_layers_belongs_to_neither():
    net = Net(6)
    first, second = (net.at(net.build.images).linear(name, 5).last for name in "ab")
    net.at(net.emit("Add", first, second)).then("Relu")
    assert shown(net) == [("dense", "Gemm", (5,)), ("dense", "Gemm", (5,))]


def test_values_with_their_channels_last_are_not_shown():
    """They would be in another order than the layer table says; what is shown has them first."""
    net = Net(28, 28, 1).transpose(0, 3, 1, 2).conv("c", 3).transpose(0, 2, 3, 1).then("Relu").reshape(N, 24 * 24 * 3)
    assert shown(net)[0] == ("conv2d", "Relu", (3, 24, 24))
