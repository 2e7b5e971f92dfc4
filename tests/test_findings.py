"""Findings from facts: what is found, in which words, and what a policy makes of it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from harness.child.observe import unmoved
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind
from harness.records.layer import Layer
from harness.records.run import Observations, Readout, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.scoring.findings import (
    READOUT_LIMIT,
    UNTRAINED_LIMIT,
    decided,
    of_runs,
    same_weights,
    under_policy,
    unrepeatable,
)

NAMES = [field.name for field in fields(Findings)]
WEIGHT = Tensor("t0", TensorKind.PARAMETER, True, (6, 1, 5, 5), "F32", "conv1.weight")
BIAS = Tensor("t1", TensorKind.PARAMETER, True, (6,), "F32", "conv1.bias")
LAYERS = (
    Layer("conv2d", (1, 28, 28), (6, 28, 28), "conv1", tensors=("t0", "t1")),
    Layer("dense", (400,), (10,), "", tensors=("t2",)),
)
VERDICT = Verdict("ada", Framework.TORCH, (Check("model", Outcome.PASSED),), layers=LAYERS)


def runs(*observed: Observations, status: RunStatus = RunStatus.DONE) -> list[RunResult]:
    return [RunResult(f"k{seed}", seed, status, observations=facts) for seed, facts in enumerate(observed)]


def found(*observed: Observations, status: RunStatus = RunStatus.DONE) -> list[tuple[str, str, str]]:
    return [(check.name, check.brief, check.found) for check in of_runs(VERDICT, runs(*observed, status=status))]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("choice", "outcome"), [("fail", Outcome.FAILED), ("flag", Outcome.FLAGGED)])
@pytest.mark.parametrize("before", [Outcome.FAILED, Outcome.FLAGGED])
def test_the_policy_decides_on_findings_and_on_nothing_else(name, choice, outcome, before):
    other = Check("layer", Outcome.FAILED, "6 filters", "8 filters", about="C1")
    clean = Check(name, Outcome.PASSED)
    policy = Findings(**{name: choice})
    assert [check.outcome for check in decided([Check(name, before, brief="1"), other, clean], policy)] == [
        outcome,
        Outcome.FAILED,
        Outcome.PASSED,
    ]


def test_a_flag_passes_and_a_failure_fails_the_verdict():
    verdict = replace(VERDICT, checks=(*VERDICT.checks, same_weights([WEIGHT], [WEIGHT], Framework.TORCH)))
    assert under_policy(verdict, Findings(same_weights="flag")).outcome is Outcome.PASSED
    assert under_policy(verdict, Findings(same_weights="fail")).outcome is Outcome.FAILED


def test_same_weights_are_told_in_whole_and_in_part():
    whole = same_weights([WEIGHT, BIAS], [WEIGHT, BIAS], Framework.TORCH)
    part = same_weights([WEIGHT, BIAS], [WEIGHT], Framework.TENSORFLOW)
    assert (whole.found, whole.brief) == ("seeds 0 and 1 start from the same 156 numbers", "156 numbers")
    assert part.found == "seeds 0 and 1 start from the same 150 of 156 numbers: conv1.weight (6x1x5x5)"
    assert "torch.manual_seed" in whole.try_
    assert "keras.utils.set_random_seed" in part.try_
    assert same_weights([WEIGHT], [], Framework.TORCH).outcome is Outcome.PASSED


def test_weights_that_a_seed_does_not_repeat_are_told():
    check = unrepeatable([WEIGHT, BIAS], [BIAS])
    assert (check.outcome, check.brief) == (Outcome.FAILED, "6 numbers")
    assert "6 of 156 numbers, conv1.bias (6)" in check.found
    assert unrepeatable([WEIGHT], []).outcome is Outcome.PASSED


def test_the_worst_seed_tells_whether_a_model_was_pretrained():
    assert found(Observations(0.1), Observations(0.913), Observations(0.5)) == [
        ("pretrained", "91.3 %", "91.3 % accuracy before the first training step (seed 1)")
    ]
    assert found(Observations(UNTRAINED_LIMIT)) == found(Observations(None)) == found() == []


def inside(*accuracies: tuple[float, ...]) -> Observations:
    """Read-outs of one layer after the other: with the initial weights, and with shuffles of them."""
    return Observations(0.1, readouts=tuple(Readout(own, tuple(others)) for own, *others in accuracies))


def test_values_inside_of_a_model_tell_whether_it_was_pretrained():
    honest, pretrained = inside((0.905, 0.90, 0.91), (0.78, 0.79, 0.77)), inside((0.94, 0.92, 0.91), (0.97, 0.79, 0.77))
    assert found(honest, pretrained) == [
        (
            "pretrained",
            "97.0 % inside",
            "a linear classifier of values inside of the untrained model is 97.0 % accurate; with the same weights "
            "shuffled, at most 79.0 % (seed 1)",
        )
    ]
    assert found(honest) == found(inside()) == []
    assert "90.0 % accuracy before" in found(replace(pretrained, untrained_accuracy=0.9))[0][2]


def test_the_limit_is_on_the_errors_that_are_left():
    one = Readout(0.92, (0.7, 0.8))
    assert one.errors_left == pytest.approx(0.085 / 0.205) and one.errors_left < READOUT_LIMIT
    assert found(Observations(readouts=(one,))) and not found(Observations(readouts=(replace(one, accuracy=0.918),)))
    assert Readout(1.0, (1.0,)).errors_left == 1.0


def test_to_keep_more_of_an_image_than_shuffled_weights_do_is_not_pretraining():
    identity = inside((0.739, 0.78, 0.79), (0.739, 0.31, 0.12))
    assert identity.readouts[1].errors_left < READOUT_LIMIT and found(identity) == []


def test_a_run_that_diverged_can_have_been_pretrained():
    assert found(Observations(0.9), status=RunStatus.DIVERGED)


def test_weights_that_no_seed_moved_are_told_by_layer():
    assert found(Observations(unmoved={"t0": 150, "t1": 6, "t2": 9}), Observations(unmoved={"t0": 150, "t1": 6})) == [
        ("unmoved", "156 numbers", "156 numbers are unchanged by training, in every seed: conv1 (156)")
    ]
    assert found(Observations(unmoved={"t0": 150}), Observations()) == []
    assert "dense (9), unused layers (4)" in found(Observations(unmoved={"t2": 9, "t9": 4}))[0][2]


def test_every_finding_says_what_was_expected_and_what_to_try():
    facts = Observations(0.9, {"t0": 150})
    for framework in (Framework.TORCH, Framework.TENSORFLOW):
        checks = of_runs(replace(VERDICT, framework=framework), runs(facts))
        assert [check.name for check in checks] == ["pretrained", "unmoved"]
        assert all(check.expected and check.try_ for check in checks)


class Trained:
    """A model after training."""

    def weights(self):
        return {"t0": np.array([1.0, np.nan]), "t1": np.array([0.0]), "t2": np.zeros(0)}


def test_a_tensor_is_unmoved_when_every_bit_is():
    initial = {"t0": np.array([1.0, np.nan]), "t1": np.array([-0.0]), "t2": np.zeros(0)}
    assert unmoved(initial, Trained()) == {"t0": 2}
