"""Every named behaviour of `tests/submissions`, in both frameworks, and the sentence its author must read."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from replay import examine_one_build

from harness.handins.discover import take_in
from harness.records.check import Check, Outcome
from harness.records.graph import OutputKind
from harness.records.verdict import Verdict
from harness.tasks.assignment import Assignment, SafetyLimits
from reference.lenet5 import LENET5

pytestmark = pytest.mark.frameworks

BEHAVIOURS = Path(__file__).parent / "submissions"
FRAMEWORKS = ("torch", "keras")
MATCHING = (
    "lenet5 conv120 input_32 average_pooling flat_784 no_channel explicit_padding softmax_inside log_softmax_inside "
    "module_level subclass functional sequential several_files"
).split()


@dataclass(frozen=True)
class Wrong:
    """What a behaviour's verdict must say: total, failed checks, and words of them by framework."""

    parameters: int
    failed: str
    words: tuple[str, ...]
    torch: str = ""
    keras: str = ""


AFTER_C1 = "layer C1, layer S2, layer C3, layer S4, layer C5, parameters"
DIFFERENT = {
    "no_padding": Wrong(44_426, AFTER_C1, ("24x24", "256 inputs", "30,840", "44,426"), "padding=2", 'padding="same"'),
    "missing_bias": Wrong(
        61_690, "layer C3, parameters", ("no bias", "2,400 = 5*5*6 * 16"), "bias=True", "use_bias=True"
    ),
    "filters_32_64": Wrong(
        255_230, AFTER_C1, ("32 filters", "64 filters", "832", "51,264"), "out_channels=6", "filters=6"
    ),
    "swapped_filters": Wrong(31_956, AFTER_C1, ("The filters are swapped: 6 belong to C1 and 16 to C3",)),
    "same_in_second_conv": Wrong(
        107_786,
        "layer C3, layer S4, layer C5, parameters",
        ("14x14 without padding gives 10x10", "784 inputs"),
        "padding=0",
        'padding="valid"',
    ),
    "missing_dense": Wrong(
        51_902,
        "layer F6, layer OUTPUT, parameters",
        ("no such layer", "10,164 = (120 + 1) * 84"),
        "nn.Linear(120, 84) after C5",
        "layers.Dense(84) after C5",
    ),
    "double_softmax": Wrong(61_706, "output", ("2 softmaxes in a row", "remove one softmax")),
    "wrong_classes": Wrong(
        61_621, "output, layer OUTPUT, parameters", ("9 outputs", "10 outputs"), "out_features=10", "units=10"
    ),
    "unused_layer": Wrong(
        61_706, "unused", ("850 numbers defined but never used", "use the layer in the forward pass")
    ),
    "frozen_layer": Wrong(
        61_706, "trainable", ("156 numbers frozen", "stays random"), "requires_grad=False", "trainable=False"
    ),
    "parameters_in_buffer": Wrong(
        13_706, "parameters, hidden", ("48,000 numbers held in a buffer", "make it a parameter")
    ),
    "parameters_in_constant": Wrong(
        13_706, "parameters, hidden", ("48,000 numbers held in a constant", "a constant is never trained")
    ),
    "parameters_in_list": Wrong(
        2_572, "parameters, hidden", ("59,134 numbers held in unregistered tensors", "plain Python list")
    ),
}


def failed(verdict: Verdict) -> list[Check]:
    return [check for check in verdict.checks if check.outcome is not Outcome.PASSED]


def built(behaviours):
    """Each with one build; a tenth, and as `long` all, with the builds of other seeds too."""
    tenth = behaviours[::10]
    once, others = [name for name in behaviours if name not in tenth], pytest.mark.long
    every = [(name, False) for name in tenth] + [pytest.param(name, False, marks=others) for name in once]
    return pytest.mark.parametrize(("behaviour", "one_build"), [(name, True) for name in once] + every)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@built(MATCHING)
def test_an_equivalent_model_matches_the_reference(examine_behaviour, behaviour, one_build, framework):
    verdict = examine_behaviour(f"{behaviour}_{framework}", one_build=one_build).verdict
    assert failed(verdict) == []
    assert (verdict.matches_reference, verdict.parameters, verdict.macs) == (True, 61_706, 416_520)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@built(list(DIFFERENT))
def test_a_different_model_is_told_how_it_differs(examine_behaviour, behaviour, one_build, framework):
    wrong = DIFFERENT[behaviour]
    verdict = examine_behaviour(f"{behaviour}_{framework}", one_build=one_build).verdict
    checks = failed(verdict)
    assert ", ".join(check.name for check in checks) == wrong.failed
    assert (verdict.matches_reference, verdict.parameters) == (False, wrong.parameters)
    text = " ".join(f"{check.found} {check.expected} {check.try_}" for check in checks)
    for words in (*wrong.words, getattr(wrong, framework)):
        assert words in text
    assert all(check.expected and check.found and check.try_ for check in checks)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("behaviour", ["written_buffer", "training_only"])
def test_only_batch_normalizations_may_write_to_tensors(examine_behaviour, behaviour, framework):
    """A buffer that training fills, and weights that training overwrites with a constant."""
    (check,) = failed(examine_behaviour(f"{behaviour}_{framework}", one_build=True).verdict)
    assert (check.name, check.outcome) == ("operators", Outcome.ERRORED)
    assert "a model that writes to its own tensors is not supported yet" in check.found


def test_a_design_left_to_chance_is_refused(examine_behaviour):
    (check,) = failed(examine_behaviour("random_design", seeds=2).verdict)
    assert check.found == "a different graph when it was built again"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_tied_weights_are_named_and_counted_once(examine_behaviour, framework):
    verdict = examine_behaviour(f"tied_weights_{framework}", one_build=True).verdict
    assert verdict.parameters == 66_422
    shared = next(check for check in failed(verdict) if check.name == "shared")
    assert "14,520 numbers used by more than one layer" in shared.found
    assert "one layer object for each use" in shared.try_


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_normalization_is_an_extra_layer_and_dropout_is_none(examine_behaviour, framework):
    verdict = examine_behaviour(f"batchnorm_dropout_{framework}", one_build=True).verdict
    assert verdict.parameters == 61_718
    assert {"extra layer", "parameters"} >= {check.name for check in failed(verdict)}
    assert any("normalization" in check.found or "6x28x28" in check.found for check in failed(verdict))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("lenet5", OutputKind.LOGITS),
        ("softmax_inside", OutputKind.PROBABILITIES),
        ("log_softmax_inside", OutputKind.LOG_PROBABILITIES),
    ],
)
def test_the_output_kind_is_told_from_the_graph(examine_behaviour, behaviour, kind, framework):
    assert examine_behaviour(f"{behaviour}_{framework}", one_build=True).verdict.output_kind is kind


@pytest.mark.parametrize(
    ("framework", "words"), [("torch", "nn.CrossEntropyLoss applies softmax itself"), ("keras", "from_logits=True")]
)
def test_softmax_inside_passes_with_a_warning(examine_behaviour, framework, words):
    verdict = examine_behaviour(f"softmax_inside_{framework}", one_build=True).verdict
    check = next(check for check in verdict.checks if check.name == "output")
    assert check.outcome is Outcome.PASSED
    assert words in check.try_


@pytest.mark.parametrize(
    ("behaviour", "form"),
    [
        ("lenet5_torch", "28x28, channels first"),
        ("lenet5_keras", "28x28, channels last"),
        ("channels_last_torch", "28x28, channels last"),
        ("channels_first_keras", "28x28, channels first"),
        ("input_32_torch", "32x32 (MNIST zero-padded by 2), channels first"),
        ("input_32_keras", "32x32 (MNIST zero-padded by 2), channels last"),
        ("flat_784_torch", "flat 784"),
        ("flat_784_keras", "flat 784"),
        ("no_channel_torch", "28x28, no channel axis"),
        ("no_channel_keras", "28x28, no channel axis"),
    ],
)
def test_the_input_form_is_found_and_reported(examine_behaviour, behaviour, form):
    verdict = examine_behaviour(behaviour, one_build=True).verdict
    assert verdict.input_form == form
    assert verdict.matches_reference


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_two_models_are_listed_with_how_to_choose(examine_behaviour, framework):
    (check,) = failed(examine_behaviour(f"two_classes_{framework}").verdict)
    assert check.name == "model"
    assert "2 model classes: LeNet5, LeNet5Tanh" in check.found
    assert "build_model()" in check.try_


BROKEN = {
    "no_model": ("model", "no model at all", "define build_model()"),
    "syntax_error": ("import", "SyntaxError: '(' was never closed (model.py, line 7)", "fix the syntax"),
    "missing_package": ("import", "No module named 'lenet_helpers_that_nobody_has'", "remove the import"),
    "build_raises": ("model", "3 layers are not enough (model.py, line 8", "fix the named line"),
    "forward_raises": ("forward", "mat1 and mat2 shapes cannot be multiplied", "fix the named line"),
    "returns_not_a_model": ("model", "build_model() returns a int", "return the model itself"),
    "prints_for_ever": ("build", "", ""),
    "sleeps_for_ever": ("build", "the build did not end", "remove endless loops"),
    "calls_sys_exit": ("import", "SystemExit: 0", "remove the call to sys.exit()"),
    "ends_by_signal": ("build", "it was ended by signal 35", "remove calls that end the program"),
    "calls_os_exit": ("build", "it exited with code 0", "os._exit()"),
    "eats_memory": ("build", "more memory was used", "make the model smaller"),
    "no_framework": ("framework", "neither", "define the model in one of them"),
    "data_dependent": ("forward", "a decision based on the values of the image", "use torch.where"),
    "batch_dependent": ("forward", "one that works only for batches of 64 images", "write x.size(0) or -1"),
}


ENDLESS = ("prints_for_ever", "sleeps_for_ever")
HASTY = Assignment(limits=SafetyLimits(build_seconds=2, memory_mib=1024))


@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_broken_submission_fails_one_check_in_plain_words(examine_behaviour, behaviour):
    name, found, try_ = BROKEN[behaviour]
    (check,) = failed(examine_behaviour(behaviour, *[HASTY] * (behaviour in ENDLESS)).verdict)
    assert (check.name, check.outcome) == (name, Outcome.FAILED)
    assert found in check.found
    assert try_ in check.try_
    assert check.expected


def test_megabytes_of_output_do_no_harm(examine_behaviour):
    assert examine_behaviour("prints_megabytes").verdict.matches_reference


def test_an_unknown_operator_is_our_limit_and_not_a_failure(examine_behaviour):
    (check,) = failed(examine_behaviour("unsupported_operator").verdict)
    assert check.outcome is Outcome.ERRORED
    assert "aten._fft_c2c.default is not supported yet" in check.found


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_identical_models_have_one_fingerprint_whatever_their_names(examine_behaviour, framework):
    names = (f"{name}_{framework}" for name in ("lenet5", "several_files", "no_padding"))
    first, second, other = (examine_behaviour(name, one_build=True).verdict for name in names)
    assert first.fingerprint == second.fingerprint != other.fingerprint


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_seeds_give_other_weights_and_the_same_seed_the_same(examine_behaviour, zygotes, framework):
    two = examine_behaviour(f"lenet5_{framework}", seeds=2).verdict.weight_digests
    submission = take_in(BEHAVIOURS / f"lenet5_{framework}")
    one = examine_one_build(
        submission, zygotes.get(submission.framework), [0], Assignment(), LENET5
    ).verdict.weight_digests
    assert two[0] != two[1]
    assert two[0] == one[0]
