"""Outputs, tensors and totals of a layer table: the checks of the model as a whole."""

from dataclasses import replace

import pytest
from layer_stacks import BIAS, KERAS, LENET, TORCH, WEIGHT, C, D, P, Part, changed, checks, stack, table

from harness.model.verify import judge, verify
from harness.records.check import Check, Outcome
from harness.records.framework import Framework
from harness.records.graph import OutputKind, TensorKind
from harness.records.layer import Layer, LayerTable
from reference.lenet5 import LENET5


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
        (2, OutputKind.PROBABILITIES, TORCH, Outcome.FAILED, "remove one softmax"),
        (3, OutputKind.LOG_PROBABILITIES, KERAS, Outcome.FAILED, "remove one softmax"),
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
        (TensorKind.UNREGISTERED, "held in unregistered tensors", "nn.ModuleList"),
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
    judgment = judged((C(8), P(), D(10)))
    assert [(check.name, check.outcome) for check in judgment.checks] == [
        ("input", Outcome.PASSED),
        ("output", Outcome.PASSED),
        ("reference", Outcome.PASSED),
        ("hidden", Outcome.PASSED),
        ("training_only", Outcome.PASSED),
    ]
    assert "layer C1, layer S2" in judgment.checks[2].found
    assert judgment.checks[2].found.endswith("(allowed here)")
    assert not judgment.matches_reference


def test_own_design_still_needs_ten_outputs_and_one_softmax():
    assert judged((D(9),)).checks[1].outcome is Outcome.FAILED
    assert judged((D(10),), softmax_count=2).checks[1].outcome is Outcome.FAILED


def test_own_design_may_equal_the_reference():
    judgment = judged(LENET)
    assert judgment.matches_reference
    assert judgment.checks[2].found == "equal to it (allowed here)"


def test_model_that_must_match_keeps_every_check():
    judgment = judged(changed(4, D(100)), must_match=True)
    assert not judgment.matches_reference
    assert "layer C5" in [check.name for check in judgment.checks if check.outcome is Outcome.FAILED]


@pytest.mark.parametrize(("limit", "outcome"), [(61_706, Outcome.PASSED), (61_705, Outcome.FAILED)])
def test_size_limit_counts_to_the_last_parameter(limit, outcome):
    judgment = judged(LENET, limit=limit)
    assert judgment.checks[-1] == replace(judgment.checks[-1], id="size", outcome=outcome, found="61,706")
    assert judgment.matches_reference


def test_size_limit_counts_constants_and_frozen_parameters():
    layers = (replace(stack((D(10),), (5,))[0], constants=30, frozen=7),)
    judgment = judge(table(layers), (784,), TORCH, LENET5, must_match=False, max_parameters=96)
    assert judgment.checks[-1].found == "97"
    assert judgment.checks[-1].outcome is Outcome.FAILED
