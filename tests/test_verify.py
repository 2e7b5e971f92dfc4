"""Layer tables against LeNet-5: what is equal, and every difference in the words its author reads."""

import time
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.inputs import INPUT_FORMS
from harness.layers import conv2d, dense, pool
from harness.records import (
    Check,
    Framework,
    Layer,
    LayerTable,
    Outcome,
    OutputKind,
    Shape,
    Tensor,
    TensorKind,
    Window,
)
from harness.verify import align, judge, verify
from reference.lenet5 import LENET5

TORCH, KERAS = Framework.TORCH, Framework.TENSORFLOW
FRAMEWORKS = pytest.mark.parametrize("framework", [TORCH, KERAS])
GENERAL = ["input", "output", "parameters", "trainable", "unused", "shared", "hidden"]


@dataclass(frozen=True)
class C:
    """A convolution to be stacked."""

    filters: int
    kernel: int = 5
    pad: int = 0
    stride: int = 1
    dilation: int = 1
    bias: bool = True
    groups: int = 1

    def on(self, shape: Shape, label: str) -> Layer:
        sides = (self.pad,) * 4
        window = Window((self.kernel,) * 2, (self.stride,) * 2, sides, (self.dilation,) * 2)
        return conv2d(label, shape, self.filters, window, bias=self.bias, groups=self.groups)


@dataclass(frozen=True)
class P:
    """A pooling."""

    kernel: int = 2
    stride: int = 2
    pad: int = 0
    kind: str = "max_pool"

    def on(self, shape: Shape, label: str) -> Layer:
        return pool(self.kind, label, shape, Window((self.kernel,) * 2, (self.stride,) * 2, (self.pad,) * 4))


@dataclass(frozen=True)
class D:
    """A dense layer; what is in front of it is flattened."""

    units: int
    bias: bool = True

    def on(self, shape: Shape, label: str) -> Layer:
        return dense(label, shape, self.units, bias=self.bias)


@dataclass(frozen=True)
class Pad:
    """A layer that only pads."""

    sides: tuple[int, int, int, int]

    def on(self, shape: Shape, label: str) -> Layer:
        top, bottom, left, right = self.sides
        after = (shape[0], shape[1] + top + bottom, shape[2] + left + right)
        return Layer("pad", shape, after, label, Window((1, 1), padding=self.sides))


@dataclass(frozen=True)
class To:
    """Any layer of a kind, to an output shape."""

    kind: str
    shape: Shape

    def on(self, shape: Shape, label: str) -> Layer:
        return Layer(self.kind, shape, self.shape, label)


Part = C | P | D | Pad | To
LENET: tuple[Part, ...] = (C(6, pad=2), P(), C(16), P(), D(120), D(84), D(10))
REFERENCE_NAMES = ["C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"]


def stack(parts: tuple[Part, ...], shape: Shape = (1, 28, 28)) -> tuple[Layer, ...]:
    """The layers of a model whose layers follow each other."""
    layers: list[Layer] = []
    for index, part in enumerate(parts):
        if isinstance(part, D) and len(shape) == 3:
            layers.append(To("flatten", (shape[0] * shape[1] * shape[2],)).on(shape, ""))
            shape = layers[-1].output_shape
        layers.append(part.on(shape, f"layer{index}"))
        shape = layers[-1].output_shape
    return tuple(layers)


def changed(index: int, *parts: Part) -> tuple[Part, ...]:
    return (*LENET[:index], *parts, *LENET[index + 1 :])


def table(layers: tuple[Layer, ...], **fields: Any) -> LayerTable:
    """A table whose last layer gives the output."""
    return LayerTable(layers, output_shape=layers[-1].output_shape if layers else (), **fields)


def checks(layers: tuple[Layer, ...], framework: Framework = TORCH, shape: Shape = (1, 28, 28)) -> dict[str, Check]:
    """Checks by name; a name that comes again gets a number."""
    named: dict[str, Check] = {}
    for check in verify(table(layers), shape, framework, LENET5):
        named[check.name if check.name not in named else f"{check.name} {len(named)}"] = check
    return named


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.outcome is Outcome.FAILED]


def text(found: dict[str, Check]) -> str:
    return "\n".join(f"{c.name}: {c.expected} | {c.found} | {c.try_}" for c in found.values())


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
    "channels last": ((28, 28, 1), (To("transpose", (1, 28, 28)), *LENET)),
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
    assert followers == {"follows from layer C1: mend that first"}


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
            assert check.try_ in [f"follows from layer {REFERENCE_NAMES[i]}: mend that first" for i in causes]


def test_what_follows_is_put_down_to_the_layer_that_changed_the_shape():
    found = checks(stack((C(6, pad=2, bias=False), P(), C(20), *LENET[3:])))
    assert failed(found) == ["layer C1", "layer C3", "layer S4", "layer C5", "parameters"]
    assert found["layer S4"].try_ == "follows from layer C3: mend that first"


def test_cause_ends_where_the_shapes_are_right_again():
    found = checks(stack((C(6), P(), C(16, pad=2), Pad((-1, -1, -1, -1)), P(), *LENET[4:5], D(50), D(10))))
    assert found["layer OUTPUT"].try_ == "follows from layer F6: mend that first"


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


def test_sparse_c3_of_1998_is_recognised():
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
    assert found["layer F6"].try_ == "follows from extra layer: mend that first"


def test_layer_of_another_kind_is_extra():
    norm = Layer("normalisation", (6, 28, 28), (6, 28, 28), "bn", parameters=12, formula="12 = 6 + 6")
    layers = stack(LENET)
    found = checks((layers[0], norm, *layers[1:]))
    assert failed(found) == ["extra layer", "parameters"]
    assert found["extra layer"].found == "bn: normalisation on 6x28x28 -> 6x28x28, 12 = 6 + 6"


def test_order_of_the_numbers_in_the_flat_image_does_not_matter():
    parts = (*LENET[:4], To("transpose", (5, 5, 16)), To("reshape", (80, 5)), To("reshape", (400,)), *LENET[4:])
    assert failed(checks(stack(parts))) == []


def test_model_without_layers_misses_all():
    found = checks(())
    assert [name for name, check in found.items() if check.found == "no such layer"] == [
        f"layer {name}" for name in REFERENCE_NAMES
    ]
    assert "0 outputs" in found["output"].found


@pytest.mark.parametrize(("framework", "advice"), [(TORCH, "out_features=10"), (KERAS, "units=10")])
def test_other_number_of_outputs_is_refused(framework, advice):
    check = checks(stack(changed(6, D(9))), framework)["output"]
    assert (check.outcome, check.expected) == (Outcome.FAILED, "10 outputs, one for each digit")
    assert check.found == "9 outputs, logits"
    assert advice in check.try_


@pytest.mark.parametrize(
    ("count", "kind", "framework", "outcome", "words"),
    [
        (0, OutputKind.LOGITS, TORCH, Outcome.PASSED, ""),
        (1, OutputKind.LOG_PROBABILITIES, TORCH, Outcome.PASSED, ""),
        (1, OutputKind.PROBABILITIES, TORCH, Outcome.PASSED, "nn.CrossEntropyLoss applies softmax itself"),
        (1, OutputKind.PROBABILITIES, KERAS, Outcome.PASSED, "do not use from_logits=True"),
        (2, OutputKind.PROBABILITIES, TORCH, Outcome.FAILED, "leave one softmax out"),
        (3, OutputKind.LOG_PROBABILITIES, KERAS, Outcome.FAILED, "leave one softmax out"),
    ],
)
def test_softmax_is_noted_and_a_second_one_refused(count, kind, framework, outcome, words):
    found = table(stack(LENET), output_kind=kind, softmax_count=count)
    check = verify(found, (1, 28, 28), framework, LENET5)[1]
    assert check.outcome is outcome
    assert words in check.try_
    assert bool(words) == bool(check.try_)


def with_tensors(**layer: object) -> tuple[Layer, ...]:
    """LeNet-5 whose first layer has other facts about its tensors t0 and t1."""
    layers = stack(LENET)
    return (replace(layers[0], tensors=("t0", "t1"), **layer), *layers[1:])


WEIGHT = Tensor("t0", TensorKind.PARAMETER, True, (6, 1, 5, 5), "F32", "conv1.weight")
BIAS = Tensor("t1", TensorKind.PARAMETER, True, (6,), "F32", "conv1.bias")


def table_check(name: str, found: LayerTable, framework: Framework = TORCH) -> Check:
    result = verify(found, (1, 28, 28), framework, LENET5)
    (check,) = [check for check in result if check.name == name]
    others = [other.name for other in result if other.outcome is Outcome.FAILED and other is not check]
    assert set(others) <= {"parameters"}
    return check


@pytest.mark.parametrize(("framework", "setting"), [(TORCH, "requires_grad=False"), (KERAS, "trainable=False")])
def test_frozen_tensors_are_named(framework, setting):
    tensors = (replace(WEIGHT, trainable=False), BIAS)
    check = table_check("trainable", table(with_tensors(frozen=150, parameters=6), tensors=tensors), framework)
    assert check.outcome is Outcome.FAILED
    assert check.found == "150 numbers frozen: conv1.weight (6x1x5x5)"
    assert setting in check.try_


def test_unused_layer_is_named_but_an_unused_buffer_is_not():
    unused = (replace(WEIGHT, name="t9", label="old.weight"), replace(BIAS, name="t8", kind=TensorKind.BUFFER))
    check = table_check("unused", table(stack(LENET), unused=unused))
    assert check.found == "150 numbers defined but never used: old.weight (6x1x5x5)"
    assert check.outcome is Outcome.FAILED


def test_shared_weights_are_named():
    check = table_check("shared", table(with_tensors(shared=("t1",)), tensors=(WEIGHT, BIAS)))
    assert check.found == "6 numbers used by more than one layer: conv1.bias (6)"
    assert "its own weights" in check.try_


@pytest.mark.parametrize(
    ("kind", "words", "advice"),
    [
        (TensorKind.BUFFER, "held in a buffer", "nn.Parameter"),
        (TensorKind.UNREGISTERED, "held in tensors the model does not know", "nn.ModuleList"),
        (TensorKind.CONSTANT, "held in a constant", "a constant is never trained"),
    ],
)
def test_numbers_outside_of_the_parameters_are_found(kind, words, advice):
    tensors = (replace(WEIGHT, kind=kind, trainable=False), BIAS)
    held = table(with_tensors(constants=150, parameters=6), tensors=tensors)
    check = table_check("hidden", held)
    assert check.found == f"150 numbers {words}: conv1.weight (6x1x5x5)"
    assert advice in check.try_
    total = table_check("parameters", replace(held, tensors=()))
    assert "150 numbers are not held as parameters" in total.try_


def test_long_lists_of_tensors_are_cut():
    unused = tuple(replace(BIAS, name=f"t{i}", label=f"b{i}") for i in range(9))
    check = table_check("unused", table(stack(LENET), unused=unused))
    assert check.found.startswith("54 numbers")
    assert check.found.endswith("b5 (6) and 3 more")


def judged(parts: tuple[Part, ...], *, must_match: bool = False, limit: int | None = None, **fields: object):
    return judge(table(stack(parts), **fields), (1, 28, 28), TORCH, LENET5, must_match=must_match, max_parameters=limit)


def test_own_design_passes_and_is_told_how_it_differs():
    judgement = judged((C(8), P(), D(10)))
    assert [(check.name, check.outcome) for check in judgement.checks] == [
        ("input", Outcome.PASSED),
        ("output", Outcome.PASSED),
        ("reference", Outcome.PASSED),
        ("hidden", Outcome.PASSED),
    ]
    assert "layer C1, layer S2" in judgement.checks[2].found
    assert judgement.checks[2].found.endswith("(allowed here)")
    assert not judgement.matches_reference


def test_own_design_still_needs_ten_outputs_and_one_softmax():
    assert judged((D(9),)).checks[1].outcome is Outcome.FAILED
    assert judged((D(10),), softmax_count=2).checks[1].outcome is Outcome.FAILED


def test_own_design_may_equal_the_reference():
    judgement = judged(LENET)
    assert judgement.matches_reference
    assert judgement.checks[2].found == "equal to it (allowed here)"


def test_model_that_must_match_keeps_every_check():
    judgement = judged(changed(4, D(100)), must_match=True)
    assert not judgement.matches_reference
    assert "layer C5" in [check.name for check in judgement.checks if check.outcome is Outcome.FAILED]


@pytest.mark.parametrize(("limit", "outcome"), [(61_706, Outcome.PASSED), (61_705, Outcome.FAILED)])
def test_size_limit_counts_to_the_last_parameter(limit, outcome):
    judgement = judged(LENET, limit=limit)
    assert judgement.checks[-1] == replace(judgement.checks[-1], name="size", outcome=outcome, found="61,706")
    assert judgement.matches_reference


def test_size_limit_counts_constants_and_frozen_parameters():
    layers = (replace(stack((D(10),), (5,))[0], constants=30, frozen=7),)
    judgement = judge(table(layers), (784,), TORCH, LENET5, must_match=False, max_parameters=96)
    assert judgement.checks[-1].found == "97"
    assert judgement.checks[-1].outcome is Outcome.FAILED


@given(st.sets(st.integers(0, len(LENET5) - 1)))
@settings(deadline=None, max_examples=60)
def test_alignment_reports_exactly_the_layers_that_were_taken_away(gone):
    left = [layer for index, layer in enumerate(LENET5) if index not in gone]
    pairs = align(LENET5, left)
    assert [(expected, found) for expected, found in pairs] == [
        (layer, None if index in gone else layer) for index, layer in enumerate(LENET5)
    ]


SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(tuple)
PAIRS = st.tuples(st.integers(1, 7), st.integers(1, 7))
WINDOWS = st.builds(Window, PAIRS, PAIRS, st.tuples(*[st.integers(-3, 9)] * 4), PAIRS)
COUNTS = st.integers(0, 100_000)
SIZES = st.tuples(st.integers(0, 32), st.integers(0, 64), st.integers(0, 64))
KINDS = "dense flatten reshape pad transpose normalisation activation convolution matmul add cat made_up".split()
ANY = st.builds(
    Layer,
    st.sampled_from(KINDS),
    SHAPES,
    SHAPES,
    st.text(max_size=5),
    st.none() | WINDOWS,
    bias=st.booleans(),
    parameters=COUNTS,
    frozen=COUNTS,
    constants=COUNTS,
    formula=st.sampled_from(["", "1 = 1"]),
    tensors=st.sampled_from([(), ("t0",), ("t0", "t1")]),
    shared=st.sampled_from([(), ("t1",)]),
)
SCALAR = st.builds(Layer, st.sampled_from(["mean", "reshape", "matmul"]), SHAPES | st.just(()), st.just(()))
CONV = st.builds(Layer, st.just("conv2d"), SIZES, SIZES, window=WINDOWS, bias=st.booleans(), groups=st.integers(1, 4))
POOL = st.builds(Layer, st.sampled_from(["max_pool", "avg_pool"]), SIZES | SHAPES, SIZES, window=st.none() | WINDOWS)
LAYERS = st.lists(ANY | CONV | POOL | SCALAR | st.sampled_from(LENET5), max_size=10).map(tuple)


@given(LAYERS, LAYERS)
@settings(deadline=None, max_examples=50)
def test_alignment_keeps_every_layer_of_both_sides_in_order(reference, layers):
    pairs = align(reference, layers)
    assert [expected for expected, _ in pairs if expected is not None] == list(reference)
    assert [found for _, found in pairs if found is not None] == list(layers)
    assert (None, None) not in pairs


@given(
    LAYERS,
    st.sampled_from(sorted(INPUT_FORMS)),
    st.sampled_from([TORCH, KERAS]),
    st.sampled_from(OutputKind),
    st.integers(0, 3),
    SHAPES | st.just(()),
)
@settings(deadline=None, max_examples=80)
def test_any_layers_get_a_verdict_with_reasons(layers, shape, framework, kind, softmaxes, outputs):
    found = LayerTable(layers, (BIAS,), (WEIGHT, BIAS), kind, softmaxes, outputs)
    result = verify(found, shape, framework, LENET5)
    assert [check.name for check in result if check.name in GENERAL] == GENERAL
    assert [c.name for c in result if c.name in [f"layer {n}" for n in REFERENCE_NAMES]] == [
        f"layer {name}" for name in REFERENCE_NAMES
    ]
    for check in result:
        assert check.found
        assert check.outcome is Outcome.PASSED or (check.expected and check.try_)


def test_model_of_thousands_of_layers_is_compared_in_no_time():
    layers = tuple(Layer("mul", (4,), (4,), f"m{i}") for i in range(3000))
    start = time.perf_counter()
    found = verify(table((*layers, *stack(LENET))), (1, 28, 28), TORCH, LENET5)
    assert time.perf_counter() - start < 20
    assert sum(check.name == "extra layer" for check in found) == 3000
    assert [check.name for check in found if check.name.startswith("layer")] == [f"layer {n}" for n in REFERENCE_NAMES]
