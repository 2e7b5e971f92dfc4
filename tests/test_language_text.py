"""A graph of the language as text: the same graph comes back, and no other text is read or does harm."""

import json
import random

import pytest
from language_graphs import CASES, graph_of

from harness.language.sizes import N
from harness.language.text import assembled, canonical, model_text, read_model
from harness.records.errors import ArtifactError
from harness.records.framework import Framework


def model_of(case, framework=Framework.TORCH):
    graph, tensors = graph_of(case)
    return assembled(framework, (graph.values["images"].shape[1],), tensors, graph, graph)


ONE_EACH = list({case.operator: case for case in CASES}.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_model_comes_back_from_its_text(case):
    model = model_of(case)
    text = model_text(model)
    again = read_model(text)
    assert model_text(again) == text and again.fingerprint == model.fingerprint
    assert again.evaluation.nodes == model.evaluation.nodes and again.tensors == model.tensors
    assert again.evaluation.values == model.evaluation.values
    for name, array in model.evaluation.numbers.items():
        assert again.evaluation.numbers[name].dtype == array.dtype
        assert again.evaluation.numbers[name].tobytes() == array.tobytes()


def test_models_that_differ_have_texts_that_differ():
    models = [model_of(case, framework) for case in CASES for framework in Framework]
    assert len({model.fingerprint for model in models}) == len({model_text(model) for model in models})
    distinct = {(str(case), repr(case.inputs), framework) for case in CASES for framework in Framework}
    assert len({model.fingerprint for model in models}) == len(distinct)


def as_data(case):
    return json.loads(model_text(model_of(case)))


def test_what_is_read_is_in_its_one_form():
    content = as_data(CASES[0])
    assert read_model(canonical(content))
    for text in (json.dumps(content).encode(), canonical(content) + b" ", canonical({**content, "more": 1})):
        with pytest.raises(ArtifactError, match="one form"):
            read_model(text)


HOSTILE = [
    None, True, False, 0, 1, -1, 3, 1.5, -0.0, 1e308, 10**30, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 63, "", "x", "N", "v0",
    "v1", "c0", "t0", "images", "nan", "\ud800", "\0", [], [[]], [0], [-1], ["v0"], [1] * 9, [[1, 1]] * 9, {}, {"N": [1, 0]},
    {"N": [0, 1]}, {"N": [-1, 5]}, {"N": [1 << 40, 0]}, {"N": [1]}, {"N": ["1", 0]}, {"N": [True, 0]}, {"float": "inf"},
    {"float": "nan"}, {"float": "1"}, {"float": 1}, {"": 0}, {"N": [1, 0], "float": "inf"}, "Relu", "Range", "float", "int",
]  # fmt: skip
"""What a place in a model's text is replaced by."""


def places(content, path=()):
    """Where each part of a model's text is."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def replaced(content, path, value):
    if not path:
        return value
    copied = dict(content) if isinstance(content, dict) else list(content)
    copied[path[0]] = replaced(content[path[0]], path[1:], value)
    return copied


def read_or_refused(text):
    """Whether a text was read; what is read is written as it was."""
    try:
        model = read_model(text)
    except ArtifactError:
        return False
    assert model_text(model) == text
    return True


@pytest.mark.parametrize("case", ONE_EACH, ids=lambda case: case.operator)
def test_a_changed_text_is_read_or_refused(case):
    """Each place of each operator's model, replaced by some of the hostile values and by another part of the text."""
    content, chance = as_data(case), random.Random(case.operator)
    paths = [path for path in places(content) if path[:1] != ("training",)]
    for path in paths:
        for value in (*chance.sample(HOSTILE, 16), part(content, chance.choice(paths))):
            changed = replaced(content, path, value)
            if path[:1] == ("evaluation",):
                changed["training"] = changed["evaluation"]
            read_or_refused(json.dumps(changed, sort_keys=True, separators=(",", ":")).encode())


def part(content, path):
    for key in path:
        content = content[key]
    return content


@pytest.mark.parametrize("case", ONE_EACH[::6], ids=lambda case: case.operator)
def test_damaged_bytes_are_read_or_refused(case):
    text, chance = model_text(model_of(case)), random.Random(case.operator)
    for at in chance.sample(range(1, len(text)), 100):
        assert not read_or_refused(text[:at]) and not read_or_refused(text[at:])
        for more in (b"", b"\xff", b"\0", bytes([text[at] ^ 1])):
            read_or_refused(text[:at] + more + text[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'{"format":2}',
        b'{"format":NaN}',
        b"9" * 10_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_other_texts_are_refused(text):
    with pytest.raises(ArtifactError):
        read_model(text)


def test_a_text_of_another_format_says_so():
    with pytest.raises(ArtifactError, match="expected a graph of format 2; found 1"):
        read_model(canonical({**as_data(CASES[0]), "format": 1}))


def test_a_node_reads_only_what_comes_before_it():
    content = as_data(next(case for case in CASES if case.operator == "Relu"))
    nodes = content["evaluation"]["nodes"]
    assert [node[1] for node in nodes] == [["images"], ["v0"], ["v1"]]
    for name in ("v1", "v2", "v3", "t0", "c0", "Images"):
        with pytest.raises(ArtifactError):
            read_model(canonical(replaced(content, ("evaluation", "nodes", 1, 1), [name])))


def test_sizes_in_n_are_written_as_such():
    case = next(case for case in CASES if case.operator == "Reshape" and case.attributes["shape"] == (N * 2, 6))
    assert as_data(case)["evaluation"]["nodes"][-1][2] == {"shape": [{"N": [2, 0]}, 6]}
