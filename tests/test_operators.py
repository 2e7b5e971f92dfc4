"""The translators' rules against the frameworks' own definitions: each operator has the arguments stated there."""

import re
from typing import Any

import pytest

from harness.artifact.tensorflow.translator import RULES
from harness.artifact.torch import layers, moves, numbers, random
from harness.artifact.torch.schemas import Schema
from harness.artifact.torch.translator import rules

pytestmark = pytest.mark.frameworks


def definition(name: str) -> Any:
    """PyTorch's own schema of an overload such as aten.add.Tensor."""
    import torch

    namespace, packet, overload = name.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), packet), overload)._schema


@pytest.mark.parametrize("name", rules())
def test_overload_has_the_schema_that_pytorch_prints(name):
    text = re.sub(r"\([a-z](?:!| -> \*)?\)", "", str(definition(name)).removeprefix("aten::"))
    assert rules()[name].schema == Schema.of(text.rpartition(" -> ")[0])


@pytest.mark.parametrize("name", rules())
def test_overload_writes_where_the_translation_believes_that_it_does(name):
    arguments = enumerate(definition(name).arguments)
    written = [n for n, argument in arguments if argument.alias_info is not None and argument.alias_info.is_write]
    assert written == ([0] if rules()[name].schema.is_in_place else _NOISE.get(name, []))


_NOISE = {"aten.rrelu_with_noise.default": [1]}
"""Memory that nothing may read after it was written: the audit's tests have it."""


def test_no_overload_is_translated_by_two_rules():
    tables = (layers.RULES, moves.RULES, numbers.RULES, random.RULES)
    assert sum(map(len, tables)) == len(rules())


@pytest.mark.parametrize("name", RULES)
def test_operator_takes_what_tensorflow_says(name):
    said, ours = _said_by_tensorflow(name), RULES[name]
    lists = ["N" if argument.number_attr or argument.type_list_attr else "1" for argument in said.input_arg]
    assert ours.inputs == "".join(lists)
    attributes = {_PUBLIC.get(attribute.name, attribute.name): attribute for attribute in said.attr}
    inferred = {getattr(a, kind) for a in said.input_arg for kind in ("type_attr", "number_attr", "type_list_attr")}
    assert ours.attributes.keys() <= attributes.keys() - inferred
    required = {name for name, attribute in attributes.items() if not attribute.HasField("default_value")}
    assert required - inferred <= ours.attributes.keys()


@pytest.mark.parametrize("name", RULES)
def test_operator_has_the_defaults_that_tensorflow_says(name):
    """The exporter writes only what differs from them."""
    said = {_PUBLIC.get(attribute.name, attribute.name): attribute for attribute in _said_by_tensorflow(name).attr}
    for attribute, declared in RULES[name].attributes.items():
        if not declared.unread and said[attribute].HasField("default_value"):
            assert declared.default == _plain(said[attribute].default_value), attribute


def _said_by_tensorflow(name: str) -> Any:
    import tensorflow  # noqa: F401  which registers the definitions
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(name)


def _plain(value: Any) -> Any:
    """A default of TensorFlow's as the exporter writes it."""
    kind = value.WhichOneof("value")
    if kind == "list":
        return tuple(value.list.i)
    if kind == "type":
        import tensorflow as tf

        return tf.dtypes.as_dtype(value.type).name
    found = getattr(value, kind)
    return found.decode() if isinstance(found, bytes) else pytest.approx(found) if kind == "f" else found


_PUBLIC = {"squeeze_dims": "axis"}
