"""LeNet-5 as a layer table, against the figures of LeCun et al. 1998 and arithmetic done by hand."""

import pytest

from reference.lenet5 import LENET5

PUBLISHED = {
    "C1": ((1, 28, 28), (6, 28, 28), 156, "156 = (5*5*1 + 1) * 6", 117_600),
    "S2": ((6, 28, 28), (6, 14, 14), 0, "", 0),
    "C3": ((6, 14, 14), (16, 10, 10), 2_416, "2,416 = (5*5*6 + 1) * 16", 240_000),
    "S4": ((16, 10, 10), (16, 5, 5), 0, "", 0),
    "C5": ((400,), (120,), 48_120, "48,120 = (400 + 1) * 120", 48_000),
    "F6": ((120,), (84,), 10_164, "10,164 = (120 + 1) * 84", 10_080),
    "OUTPUT": ((84,), (10,), 850, "850 = (84 + 1) * 10", 840),
}


def test_layers_have_the_names_and_the_order_of_the_paper():
    assert [layer.label for layer in LENET5.layers] == list(PUBLISHED)


@pytest.mark.parametrize("layer", LENET5.layers, ids=lambda layer: layer.label)
def test_layer_has_the_published_shapes_and_counts(layer):
    found = (layer.input_shape, layer.output_shape, layer.parameters, layer.formula, layer.macs)
    assert found == PUBLISHED[layer.label]


@pytest.mark.parametrize("layer", [layer for layer in LENET5.layers if layer.formula], ids=lambda layer: layer.label)
def test_spelled_out_formula_is_true(layer):
    total, formula = layer.formula.replace(",", "").split(" = ")
    assert eval(formula, {"__builtins__": {}}) == int(total) == layer.parameters


def test_totals():
    assert LENET5.parameters == 61_706
    assert LENET5.macs == 416_520


def test_nothing_is_frozen_constant_or_shared():
    assert not any(layer.frozen or layer.constants or layer.shared for layer in LENET5.layers)
