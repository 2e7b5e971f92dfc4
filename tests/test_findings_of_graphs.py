"""What a model's own graphs prove: mixed batches, chance and changes in evaluation, numbers outside of the parameters,
parameters that only training uses."""

import numpy as np
import pytest
from language_nets import Net, keras_lenet5, model_of, torch_lenet5

from harness.language.sizes import N
from harness.model.table import layer_table
from harness.model.verify import judge, verify
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.layer import LayerTable
from harness.scoring.findings import decided, of_graph
from reference.lenet5 import LENET5


def found(model) -> dict[str, tuple[Outcome, str, str]]:
    return {check.id: (check.outcome, check.brief, check.found) for check in of_graph(model)}


@pytest.mark.parametrize("net", [torch_lenet5(), keras_lenet5()], ids=["torch", "keras"])
def test_lenet5_answers_each_image_alone_and_always_in_the_same_way(net):
    assert found(net.model()) == {
        "batch_dependent": (Outcome.PASSED, "", "each image is answered alone"),
        "evaluation": (Outcome.PASSED, "", "nothing random, and nothing is changed"),
    }


def test_a_layer_that_mixes_the_batch_is_named():
    net = torch_lenet5()
    mean = net.emit("ReduceMean", net.last, axes=(0,), keepdims=True)
    outcome, brief, words = found(net.then("Sub", mean).model())["batch_dependent"]
    assert (outcome, brief) == (Outcome.FAILED, "ReduceMean")
    assert words == "operator ReduceMean computes an image's answer from other images of the batch"
    net = torch_lenet5().then("Softmax", axis=0).named("softmax")
    assert "softmax computes an image's answer" in found(net.model())["batch_dependent"][2]


def test_where_nothing_can_be_proved_the_model_is_not_supported_yet():
    with pytest.raises(ArtifactError) as error:
        of_graph(torch_lenet5().transpose(1, 0).model())
    assert error.value.unsupported
    assert "operator Transpose on an axis that the images share with something else" in error.value.found


def test_chance_and_changes_in_evaluation_are_found():
    noisy = torch_lenet5()
    noise = noisy.emit("RandomNormal", shape=(N, 10), mean=0.0, scale=1e-4)
    outcome, brief, words = found(noisy.then("Add", noise).model())["evaluation"]
    assert (outcome, brief) == (Outcome.FAILED, "draws random numbers")
    assert words == "the model draws random numbers when it is evaluated (RandomNormal)"
    changing = Net(6).norm("n", training=True).model()
    assert found(changing)["evaluation"][1] == "changes its own statistics"


def test_random_numbers_while_training_are_no_finding():
    model = model_of(lambda net: net.then("Dropout", ratio=0.5) if net.is_training else net, 6)
    assert found(model)["evaluation"][0] is Outcome.PASSED


@pytest.mark.parametrize("framework", list(Framework))
def test_every_finding_says_what_was_expected_and_what_to_try(framework):
    net = Net(6, framework=framework).norm("n", training=True)
    net.then("Softmax", axis=0)
    for check in of_graph(net.model()):
        assert check.outcome is Outcome.FAILED
        assert check.expected and check.found and check.try_ and check.brief


def checks(table: LayerTable, *, must_match: bool = False) -> dict[str, Check]:
    judgment = judge(table, (1, 28, 28), Framework.TORCH, LENET5, must_match=must_match, max_parameters=None)
    return {check.id: check for check in judgment.checks}


def test_parameters_that_only_training_uses_are_a_finding_in_any_design():
    """A second model, which evaluation leaves out: it is in the total, and it is named."""
    evaluation, training = torch_lenet5(), torch_lenet5()
    second = training.at(training.build.images).flat().linear("second", 10)
    both = training.emit("Add", second.last, training.emit("Tanh", second.last))
    evaluation.tensor("second.weight", 10, 784)
    evaluation.tensor("second.bias", 10)
    table = evaluation.table(training.at(both).graph())
    assert table.parameters == 61_706 + 7_850
    check = checks(table)["training_only"]
    assert (check.outcome, check.brief) == (Outcome.FAILED, "7,850 numbers")
    assert check.found == (
        "7,850 numbers trained, but not used in evaluation: second.weight (10x784), second.bias (10)"
    )
    (flagged,) = decided([check], Findings(training_only="flag"))
    assert flagged.outcome is Outcome.FLAGGED


def test_frozen_parameters_that_only_training_uses_are_hidden_numbers():
    evaluation, training = torch_lenet5(), torch_lenet5()
    for net in (evaluation, training):
        net.tensor("teacher", 10, 10, trainable=False)
    training.then("Gemm", training.build.values["t10"])
    check = checks(evaluation.table(training.graph()))["hidden"]
    assert check.found == "100 numbers held in frozen parameters that only training uses: teacher (10x10)"
    assert "use the same layers in evaluation" in check.try_


def test_numbers_in_the_graph_are_found_with_the_operator_that_holds_most():
    net = torch_lenet5()
    for slope in np.random.default_rng(0).random(70):
        net.then("LeakyRelu", alpha=float(slope))
    check = checks(net.table())["hidden"]
    assert (check.outcome, check.brief) == (Outcome.FAILED, "71 numbers")
    assert "held in a constant: written into the forward pass, most of them as LeakyRelu (71)" in check.found
    assert checks(net.table(max_hidden_numbers=71))["hidden"].outcome is Outcome.PASSED


@pytest.mark.parametrize("kind", ["constant", "buffer"])
@pytest.mark.parametrize("shape", [(10, 84), (84, 10), (1, 10, 84)])
def test_the_codes_of_1998_are_called_what_they_are(kind, shape):
    net = Net(84)
    codes = net.emit("Reshape", net.tensor("codes", *shape, kind=kind), shape=(84, 10))
    check = checks(net.then("Gemm", codes).table())["hidden"]
    assert "the fixed codes of the classes in the RBF layer of 1998: codes" in check.found
    assert check.brief == "840 numbers"


@pytest.mark.parametrize(("kind", "shape"), [("unregistered", (84, 10)), ("buffer", (84, 12))])
def test_other_numbers_are_no_codes(kind, shape):
    net = Net(84)
    found = checks(net.then("Gemm", net.tensor("w", *shape, kind=kind)).table())["hidden"].found
    assert "codes" not in found


def test_statistics_are_not_listed_among_the_numbers_outside():
    def make(net: Net) -> Net:
        scale = net.emit("Mul", net.tensor("g", 6), net.tensor("fixed", 6, kind="buffer"))
        statistics = [net.tensor(name, 6, kind="buffer") for name in ("mean", "var")]
        settings = {"epsilon": 1e-5, "training": net.is_training}
        return net.then("BatchNormalization", scale, net.tensor("b", 6), *statistics, **settings)

    check = checks(layer_table(model_of(make, 6)))["hidden"]
    assert check.found == "6 numbers held in a buffer: fixed (6)"


def test_statistics_that_start_with_other_numbers_are_found():
    """Whatever is in them could outlast training."""
    model = model_of(lambda net: net.norm("n"), 6)
    usual = {"t2": np.zeros(6, "<f4"), "t3": np.ones(6, "<f4")}
    other = usual | {"t2": np.arange(6, dtype="<f4")}
    starts = [{name: memoryview(numbers.tobytes()) for name, numbers in start.items()} for start in (usual, other)]
    assert layer_table(model, starts=starts[:1]).constants == 0
    table = layer_table(model, starts=starts)
    assert table.constants == 6
    assert checks(table)["hidden"].found == "6 numbers held in a buffer: n.mean (6)"


def test_all_checks_of_a_clean_model_pass():
    for net in (torch_lenet5(), keras_lenet5()):
        result = verify(net.table(), (1, 28, 28), Framework.TORCH, LENET5)
        assert [check.id for check in result if check.outcome is not Outcome.PASSED] == []
