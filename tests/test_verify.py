"""Layer tables against LeNet-5: what is equal, and every difference in the words its author reads."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_stacks import (
    FRAMEWORKS,
    GENERAL,
    KERAS,
    LENET,
    REFERENCE_NAMES,
    TORCH,
    C,
    D,
    P,
    Pad,
    To,
    changed,
    checks,
    failed,
    stack,
    table,
    text,
)

from harness.model.verify import verify
from harness.records.check import Outcome
from harness.records.inputs import INPUT_FORMS
from harness.records.layer import Layer
from reference.lenet5 import LENET5


@FRAMEWORKS
def test_lenet5_passes_every_check(framework):
    found = checks(stack(LENET), framework)
    assert failed(found) == []
    assert sorted(found) == sorted([*GENERAL, *(f"layer {name}" for name in REFERENCE_NAMES)])
    assert (
        found["layer C1"].found == "layer0: convolution, 6 filters of 5x5, padding 2 -> 6x28x28, 156 = (5*5*1 + 1) * 6"
    )
    assert found["parameters"].found == "61,706"


ADAPTIVE = To("avg_pool", (16, 5, 5))
EQUIVALENT = {
    "convolution over the whole of S4": ((1, 28, 28), changed(4, C(120))),
    "convolutions to the end": (
        (1, 28, 28),
        (*LENET[:4], C(120), C(84, kernel=1), C(10, kernel=1), To("flatten", (10,))),
    ),
    "input of 32x32": ((1, 32, 32), changed(0, C(6))),
    "input of 32x32 without channel": ((32, 32), (To("reshape", (1, 32, 32)), *changed(0, C(6)))),
    "flat input of 1024": ((1024,), (To("reshape", (1, 32, 32)), *changed(0, C(6)))),
    "flat input of 784": ((784,), (To("reshape", (1, 28, 28)), *LENET)),
    "no channel axis": ((28, 28), (To("reshape", (1, 28, 28)), *LENET)),
    "channels last": ((28, 28, 1), LENET),
    "another order of what a dense layer reads": ((1, 28, 28), (*LENET[:4], To("transpose", (5, 5, 16)), *LENET[4:])),
    "explicit padding": ((1, 28, 28), (Pad((2, 2, 2, 2)), *changed(0, C(6)))),
    "padding in two steps": ((1, 28, 28), (Pad((2, 0, 2, 0)), Pad((0, 2, 0, 2)), *changed(0, C(6)))),
    "padding half and half": ((1, 28, 28), (Pad((1, 1, 1, 1)), *changed(0, C(6, pad=1)))),
    "average pooling": ((1, 28, 28), tuple(P(kind="avg_pool") if isinstance(p, P) else p for p in LENET)),
    "adaptive pooling": ((1, 28, 28), changed(3, ADAPTIVE)),
}


@FRAMEWORKS
@pytest.mark.parametrize("name", EQUIVALENT)
def test_equivalent_forms_are_equal(name, framework):
    shape, parts = EQUIVALENT[name]
    start = (1, shape[0], shape[1]) if shape[2:] == (1,) else shape
    found = checks(stack(parts, start), framework, shape)
    assert failed(found) == []
    assert found["input"].found == INPUT_FORMS[shape]


@FRAMEWORKS
@pytest.mark.parametrize("place", [0, 2, 4])
def test_pixels_in_another_order_are_an_extra_layer(place, framework):
    """A convolution computes something else of them."""
    shape = [(1, 28, 28), (6, 14, 14), (16, 5, 5)][place // 2]
    found = checks(stack([*LENET[:place], To("transpose", shape), *LENET[place:]]), framework)
    assert failed(found) == ([] if place == 4 else ["extra layer"])


@pytest.mark.parametrize(("shape", "noted"), [((1, 32, 32), True), ((1024,), True), ((1, 28, 28), False)])
def test_model_that_needs_padded_images_is_told_so(shape, noted):
    assert ("pad MNIST by 2" in checks(stack(LENET), shape=shape)["input"].try_) is noted


@pytest.mark.parametrize(("framework", "setting"), [(TORCH, "Set padding=2:"), (KERAS, 'Set padding="same":')])
def test_missing_padding_is_told_as_the_cause_of_all_that_follows(framework, setting):
    found = checks(stack(changed(0, C(6))), framework)
    assert failed(found) == ["layer C1", "layer S2", "layer C3", "layer S4", "layer C5", "parameters"]
    assert found["layer C1"].try_.startswith(setting)
    assert "28x28 without padding gives 24x24" in found["layer C1"].try_
    assert "120 units on 256 inputs" in found["layer C5"].found
    assert "30,840 = (256 + 1) * 120" in found["layer C5"].found
    assert "48,120 = (400 + 1) * 120" in found["layer C5"].expected
    assert found["parameters"].found == "44,426 (17,280 fewer)"
    followers = {found[f"layer {name}"].try_ for name in ("S2", "C3", "S4", "C5")}
    assert followers == {"follows from layer C1: fix that first"}


DIFFERENT = [
    (0, C(32, pad=2), "C1", "6 filters", "32 filters", "out_channels=6", "filters=6"),
    (0, C(6, kernel=3, pad=1), "C1", "5x5, padding 2", "3x3, padding 1", "kernel_size=5", "kernel_size=5"),
    (0, C(6, pad=2, stride=2), "C1", "6 filters of 5x5, padding 2 ->", "stride 2x2", "stride=1", "strides=1"),
    (0, C(6, pad=4, dilation=2), "C1", "6 filters", "dilation 2x2", "dilation=1", "dilation_rate=1"),
    (0, C(6, pad=2, bias=False), "C1", "(5*5*1 + 1) * 6", "no bias", "bias=True", "use_bias=True"),
    (1, P(3, 2), "S2", "max-pool 2x2", "max-pool 3x3, stride 2x2", "kernel_size=2", "pool_size=2"),
    (1, P(2, 1), "S2", "max-pool 2x2", "max-pool 2x2, stride 1x1", "stride=2", "strides=2"),
    (1, P(2, 2, 1), "S2", "max-pool 2x2", "padding 1", "padding=0", 'padding="valid"'),
    (1, P(4, 4, kind="avg_pool"), "S2", "max-pool 2x2", "avg-pool 4x4", "kernel_size=2", "pool_size=2"),
    (2, C(16, pad=2), "C3", "16x10x10", "padding 2 -> 16x14x14", "padding=0", 'padding="valid"'),
    (2, C(16, groups=2), "C3", "16 filters", "2 groups", "groups=1", "groups=1"),
    (3, To("avg_pool", (16, 4, 4)), "S4", "16x5x5", "avg pool on 16x10x10 -> 16x4x4", "to 16x5x5", "to 16x5x5"),
    (4, D(100), "C5", "120 units", "100 units", "out_features=120", "units=120"),
    (5, D(84, bias=False), "F6", "10,164", "without bias", "bias=True", "use_bias=True"),
    (5, D(120), "F6", "84 units", "120 units", "out_features=84", "units=84"),
]


@pytest.mark.parametrize(("index", "part", "name", "expected", "found", "torch", "keras"), DIFFERENT)
def test_difference_is_told_at_its_layer_with_the_setting_that_mends_it(
    index, part, name, expected, found, torch, keras
):
    for framework, setting in ((TORCH, torch), (KERAS, keras)):
        result = checks(stack(changed(index, part)), framework)
        first = next(check for check in result.values() if check.outcome is Outcome.FAILED)
        assert first.name == f"layer {name}"
        assert expected in first.expected
        assert found in first.found
        assert f"layer{index}: " in first.found
        assert setting in first.try_


SETTINGS = {
    0: [(C(8, pad=2), "out_channels=6"), (C(6, pad=2, bias=False), "bias=True")],
    1: [(P(3, 3), "kernel_size=2")],
    2: [(C(20), "out_channels=16"), (C(16, kernel=3), "kernel_size=5"), (C(16, bias=False), "bias=True")],
    4: [(D(100), "out_features=120"), (D(120, bias=False), "bias=True")],
    5: [(D(80), "out_features=84")],
}


@given(st.fixed_dictionaries({}, optional={index: st.sampled_from(options) for index, options in SETTINGS.items()}))
@settings(deadline=None, max_examples=60)
def test_all_differences_are_told_each_once(changes):
    parts = [changes[index][0] if index in changes else part for index, part in enumerate(LENET)]
    result = verify(table(stack(tuple(parts))), (1, 28, 28), TORCH, LENET5)
    layers = [check for check in result if check.name.startswith("layer ")]
    assert [check.name for check in layers] == [f"layer {name}" for name in REFERENCE_NAMES]
    for index, check in enumerate(layers):
        if index in changes:
            assert changes[index][1] in check.try_
            assert check.expected and check.found
        elif check.outcome is Outcome.FAILED:
            causes = [i for i in changes if i < index and changes[i][1] != "bias=True"]
            assert check.try_ in [f"follows from layer {REFERENCE_NAMES[i]}: fix that first" for i in causes]


def test_what_follows_is_put_down_to_the_layer_that_changed_the_shape():
    found = checks(stack((C(6, pad=2, bias=False), P(), C(20), *LENET[3:])))
    assert failed(found) == ["layer C1", "layer C3", "layer S4", "layer C5", "parameters"]
    assert found["layer S4"].try_ == "follows from layer C3: fix that first"


def test_cause_ends_where_the_shapes_are_right_again():
    found = checks(stack((C(6), P(), C(16, pad=2), Pad((-1, -1, -1, -1)), P(), *LENET[4:5], D(50), D(10))))
    assert found["layer OUTPUT"].try_ == "follows from layer F6: fix that first"


def test_swapped_filters_are_told_in_one_sentence():
    found = checks(stack((C(16, pad=2), P(), C(6), *LENET[3:])))
    for name in ("layer C1", "layer C3"):
        assert found[name].try_.endswith("The filters are swapped: 6 belong to C1 and 16 to C3.")
    assert text(found).count("swapped") == 2


def test_other_wrong_filters_are_not_called_swapped():
    assert "swapped" not in text(checks(stack((C(16, pad=2), P(), C(32), *LENET[3:]))))


def test_two_settings_of_one_layer_are_told_together():
    check = checks(stack(changed(0, C(8, kernel=3, pad=2, bias=False))))["layer C1"]
    for setting in ("out_channels=6", "kernel_size=5", "bias=True"):
        assert setting in check.try_


def test_sparse_c3_of_1998_is_recognized():
    layers = list(stack(LENET))
    layers[2] = replace(layers[2], parameters=1_516)
    found = checks(tuple(layers))
    assert failed(found) == ["parameters"]
    assert found["parameters"].found == "60,806 (900 fewer)"
    assert "sparse connection table of 1998" in found["parameters"].try_


@pytest.mark.parametrize(
    ("index", "name", "torch", "keras"),
    [
        (0, "C1", "add nn.Conv2d(1, 6, 5, padding=2) before C1", 'add layers.Conv2D(6, 5, padding="same") before C1'),
        (1, "S2", "add nn.MaxPool2d(2) after C1", "add layers.MaxPooling2D(2) after C1"),
        (2, "C3", "add nn.Conv2d(6, 16, 5) after S2", "add layers.Conv2D(16, 5) after S2"),
        (5, "F6", "add nn.Linear(120, 84) after C5", "add layers.Dense(84) after C5"),
    ],
)
def test_missing_layer_is_told_with_the_line_to_add(index, name, torch, keras):
    for framework, line in ((TORCH, torch), (KERAS, keras)):
        found = checks(stack(changed(index)), framework)
        missing = [check for check in found.values() if check.found == "no such layer"]
        assert [(check.name, check.try_) for check in missing] == [(f"layer {name}", line)]


def test_extra_layer_is_told_with_its_place():
    found = checks(stack((*LENET[:5], D(100), *LENET[5:])))
    extra = found["extra layer"]
    assert (extra.expected, extra.try_) == ("no layer after C5", "remove this dense: LeNet-5 does not have it")
    assert "layer5: dense, 100 units" in extra.found
    assert found["layer F6"].try_ == "follows from extra layer: fix that first"


def test_layer_of_another_kind_is_extra():
    norm = Layer("normalization", (6, 28, 28), (6, 28, 28), "bn", parameters=12, formula="12 = 6 + 6")
    layers = stack(LENET)
    found = checks((layers[0], norm, *layers[1:]))
    assert failed(found) == ["extra layer", "parameters"]
    assert found["extra layer"].found == "bn: normalization on 6x28x28 -> 6x28x28, 12 = 6 + 6"


def test_order_of_the_numbers_in_the_flat_image_does_not_matter():
    parts = (*LENET[:4], To("transpose", (5, 5, 16)), To("reshape", (80, 5)), To("reshape", (400,)), *LENET[4:])
    assert failed(checks(stack(parts))) == []


def test_model_without_layers_misses_all():
    found = checks(())
    assert [name for name, check in found.items() if check.found == "no such layer"] == [
        f"layer {name}" for name in REFERENCE_NAMES
    ]
    assert "0 outputs" in found["output"].found
