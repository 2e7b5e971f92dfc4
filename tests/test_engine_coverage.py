"""What the compiled engine says that it can train, and what it then can: decided without a framework, and for any graph
of the language."""

import dataclasses
import math

import numpy as np
import pytest
from language_fuzz import Maker
from language_nets import Net, model_of
from lowered_cases import CASES, Case

from harness.engine.coverage import not_covered, plans_of
from harness.engine.rules import RULES, NotCovered
from harness.language.builder import Builder
from harness.language.graph import Kind, ModelGraph, Value
from harness.language.operators import OPERATORS
from harness.language.sizes import N, Size
from harness.language.text import assembled
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Tensor, TensorKind


def plain(net: Net) -> Net:
    return net.conv("a", 3, 3).then("Relu").pool().flat().linear("d", 10)


def reason(make, *shape) -> str:
    return not_covered(model_of(make, *shape))


def with_statistics(kind: str, training: bool):
    def make(net: Net) -> Net:
        given = [net.tensor(f"n.{name}", 6, kind=kind) for name in ("weight", "bias", "mean", "var")]
        given[2:] = [net.constant(np.ones(6))] * 2 if kind == "constant" else given[2:]
        net.then("BatchNormalization", *given, epsilon=1e-3, training=training or net.is_training)
        return net.linear("d", 10)

    return make


def constants(net: Net) -> Net:
    given = [net.tensor(f"n.{name}", 6) for name in ("weight", "bias")]
    return net.then("BatchNormalization", *given, *[net.constant(np.ones(6))] * 2, epsilon=1e-3).linear("d", 10)


def far_too_large(net: Net) -> Net:
    return net.conv("a", 400, 1).conv("b", 400, 1).then("ReduceMean", axes=(2, 3)).linear("d", 10)


NOT_COVERED = {
    "statistics that are trained": (lambda net: with_statistics("parameter", False)(_frozen(net)), 6),
    "a batch's own statistics in evaluation": (with_statistics("buffer", True), 6),
    "statistics that are no tensors": (constants, 6),
    "outputs that are not ten for each image": (lambda net: net.linear("d", 11), 6),
    "outputs that do not depend on the images": (
        lambda net: net.at(net.emit("Expand", net.constant(np.ones(10)), shape=(N, 10))),
        6,
    ),
    "images on another axis than the first": (
        lambda net: net.reshape(N * 3, 4).linear("rows", 5).reshape(N, 15).linear("d", 10),
        3,
        4,
    ),
    "products of values": (lambda net: net.then("MatMul", net.transpose(0, 2, 1).last).flat().linear("d", 10), 3, 3),
    "three dimensions": (lambda net: net.norm("n").flat().linear("d", 10), 2, 3, 3, 3),
    "a maximum of more than 120 numbers": (lambda net: net.pool("MaxPool", 11).flat().linear("d", 10), 1, 12, 12),
    "more than 400 steps": (lambda net: _many(net).linear("d", 10), 6),
    "Erf": (lambda net: net.then("Erf").linear("d", 10), 6),
    "more memory than a trainer has": (far_too_large, 3, 40, 40),
}


def _frozen(net: Net) -> Net:
    net.is_training = False
    return net


def _many(net: Net) -> Net:
    for _ in range(401):
        net.then("Mul", net.tensor("s", 6))
    return net


@pytest.mark.parametrize("expected", NOT_COVERED)
def test_what_is_not_covered_is_said_in_a_few_words(expected):
    make, *shape = NOT_COVERED[expected]
    assert reason(make, *shape) == expected


def test_rules_are_for_operators_of_the_language():
    assert RULES.keys() <= OPERATORS.keys()
    assert reason(plain, 1, 8, 8) == ""
    assert len(plans_of(model_of(plain, 1, 8, 8))[0].steps) < 8


def finished(build: Builder, value: Value, framework: Framework = Framework.TORCH) -> ModelGraph | None:
    """Any value as a model: a dense layer reads all of it."""
    if value.kind is not Kind.FLOAT or not value.shape or value.shape[0] != N:
        return None
    if any(isinstance(size, Size) for size in value.shape[1:]):
        return None
    inputs = math.prod(int(size) for size in value.shape[1:] if not isinstance(size, Size))
    own, first = list(build.tensors), len(build.tensors) + 1
    tensors = [*own, *(_parameter(first + k, shape) for k, shape in enumerate(((inputs, 10), (10,))))]
    for tensor in tensors[len(own) :]:
        build.values[tensor.name] = Value(tensor.name, tensor.shape)
        build._fixed.add(tensor.name)
        build._trained.add(tensor.name)
    weights = [build.values[tensor.name] for tensor in tensors[len(own) :]]
    output = build.emit("Gemm", build.emit("Reshape", value, shape=(N, inputs)), *weights)
    graph = build.finish(output).graph
    named = [_parameter(0, (1,)), *tensors]
    return assembled(framework, build.input_shape, named, graph, graph)


def _parameter(number: int, shape: tuple[int, ...]) -> Tensor:
    return Tensor(f"t{number}", TensorKind.PARAMETER, True, shape, "F32", "d.weight" if len(shape) == 2 else "d.bias")


def random_model(seed: int, nodes: int) -> ModelGraph | None:
    """One of `language_fuzz`, over all operators and with N anywhere."""
    maker = Maker(seed)
    maker.made(nodes)
    for value in reversed(maker.values):
        try:
            found = finished(maker.build, value)
        except ArtifactError:
            continue
        if found:
            return found
    return None


def case_model(case: Case) -> ModelGraph | None:
    """An operator of `lowered_cases` and a dense layer."""
    tensors = [
        dataclasses.replace(
            tensor,
            trainable=tensor.dtype == "F32" and not (case.operator == "BatchNormalization" and number > 2),
            label="s.near1" if number in case.positive else "s.bias",
        )
        for number, tensor in enumerate(case.tensors(), 1)
    ]
    build = Builder(case.shapes[0] if case.shapes else (4,), tensors)
    inputs = [build.images, *(build.values[t.name] for t in tensors)][: len(case.shapes)]
    for k in case.condition:
        inputs[k] = build.emit("Greater", inputs[k], build.constant(0.0))
    for k in case.batched:
        inputs[k] = build.emit("Expand", inputs[k], shape=(N, *case.shapes[k]))
    return finished(build, build.emit(case.operator, *inputs, **{**case.attributes, **_evaluated(case)}))


def _evaluated(case: Case) -> dict[str, bool]:
    """A batch's own statistics are not for evaluation."""
    return {"training": False} if case.operator == "BatchNormalization" and len(case.shapes) > 3 else {}


def test_any_graph_of_the_language_has_an_answer():
    answers = [not_covered(model) for seed in range(150) if (model := random_model(seed, 4))]
    assert len(answers) > 100 and 20 < answers.count("") < len(answers)


@pytest.mark.long
def test_any_of_many_graphs_has_an_answer():
    for seed in range(4_000):
        model = random_model(seed, 3 + seed % 6)
        if model:
            print(f"random_model({seed}, {3 + seed % 6})")
            not_covered(model)


def said_and_done(model: ModelGraph, name: object) -> bool:
    """Loading raises exactly if it was said so; what is covered computes what PyTorch computes."""
    import torch
    from engine_graphs import batch_for, weights_for
    from engine_oracle import compiled, draws, exact, task_of, worst

    from harness.engine.trainee import load

    said, found = not_covered(model), {}
    for seed in range(3):
        (images, labels), weights = batch_for(model, 19, seed), weights_for(model, seed)
        given = (model, weights, OutputKind.LOGITS, images, labels, draws(model, 19, seed))
        if said:
            with pytest.raises(NotCovered) as error:
                load(task_of(model, weights, OutputKind.LOGITS))
            assert str(error.value) == said
            return False
        try:
            expected, single = exact(*given), exact(*given, dtype=torch.float32)
        except (RuntimeError, ArtifactError):
            return False
        found = worst(compiled(*given, "AVX2")[0], expected, single)
        if not found:
            return True
    raise AssertionError(f"{name}: {found}")


OPERATORS_ALONE = [(case, model) for case in CASES if (model := case_model(case))]


@pytest.mark.frameworks
@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, 16))])
def test_every_setting_of_an_operator_is_computed_or_refused(part):
    done = [said_and_done(model, case) for case, model in OPERATORS_ALONE[part::16]]
    assert sum(done) >= 2


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "seeds", [range(40), *(pytest.param(range(s, s + 250), marks=pytest.mark.long) for s in (100, 350, 600))]
)
def test_random_graphs_are_computed_or_refused(seeds):
    models = [(seed, model) for seed in seeds if (model := random_model(seed, 3 + seed % 6))]
    done = [said_and_done(model, f"random_model({seed}, {3 + seed % 6})") for seed, model in models]
    assert sum(done) >= len(models) // 10
