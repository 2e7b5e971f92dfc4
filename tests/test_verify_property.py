"""For any layers: each is compared once, and every verdict has its reasons."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from layer_stacks import (
    BIAS,
    GENERAL,
    KERAS,
    LENET,
    REFERENCE_NAMES,
    TORCH,
    WEIGHT,
    stack,
    table,
)

from harness.model.verify import align, verify
from harness.records.check import Outcome
from harness.records.graph import OutputKind, Window
from harness.records.inputs import INPUT_FORMS
from harness.records.layer import Layer, LayerTable
from reference.lenet5 import LENET5


@given(st.sets(st.integers(0, len(LENET5.layers) - 1)))
@settings(deadline=None, max_examples=60)
def test_alignment_reports_exactly_the_layers_that_were_taken_away(gone):
    left = [layer for index, layer in enumerate(LENET5.layers) if index not in gone]
    pairs = align(LENET5.layers, left)
    assert [(expected, found) for expected, found in pairs] == [
        (layer, None if index in gone else layer) for index, layer in enumerate(LENET5.layers)
    ]


SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(tuple)
PAIRS = st.tuples(st.integers(1, 7), st.integers(1, 7))
WINDOWS = st.builds(Window, PAIRS, PAIRS, st.tuples(*[st.integers(-3, 9)] * 4), PAIRS)
COUNTS = st.integers(0, 100_000)
SIZES = st.tuples(st.integers(0, 32), st.integers(0, 64), st.integers(0, 64))
KINDS = "dense flatten reshape pad transpose normalization activation convolution matmul add cat made_up".split()
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
LAYERS = st.lists(ANY | CONV | POOL | SCALAR | st.sampled_from(LENET5.layers), max_size=10).map(tuple)


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
