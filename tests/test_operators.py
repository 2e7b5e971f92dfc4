"""The allow-lists against the frameworks' own definitions: each operator has the arguments stated there."""

import pytest

from harness.artifact import tensorflow_operators, torch_operators

pytestmark = pytest.mark.frameworks


@pytest.mark.parametrize("name", torch_operators.SIGNATURES)
def test_overload_takes_what_pytorch_says(name):
    import torch

    namespace, packet, overload = name.split(".")
    schema = getattr(getattr(getattr(torch.ops, namespace), packet), overload)._schema
    positional = [argument for argument in schema.arguments if not argument.kwarg_only]
    keywords = [argument for argument in schema.arguments if argument.kwarg_only]
    signature = torch_operators.SIGNATURES[name]
    assert signature.least == sum(not argument.has_default_value() for argument in positional)
    assert signature.most == len(positional)
    assert signature.keywords == {argument.name for argument in keywords}
    assert signature.required == {argument.name for argument in keywords if not argument.has_default_value()}


@pytest.mark.parametrize("name", torch_operators.SIGNATURES)
def test_overload_writes_where_the_audit_believes_that_it_does(name):
    import torch
    from harness.artifact.torch_reader import _targets

    namespace, packet, overload = name.split(".")
    schema = getattr(getattr(getattr(torch.ops, namespace), packet), overload)._schema
    written = [n for n, a in enumerate(schema.arguments) if a.alias_info is not None and a.alias_info.is_write]
    believed = _targets({"op": name, "args": list(range(len(schema.arguments)))})
    in_secret = [3, 4] if packet == "native_batch_norm" else []  # its definition does not state it
    assert believed == written + in_secret


def test_each_kind_of_operator_has_an_overload_and_each_overload_a_kind():
    packets = {name.split(".")[1] for name in torch_operators.SIGNATURES}
    assert packets == set(torch_operators.KIND_OF)
    assert set(tensorflow_operators.SIGNATURES) == set(tensorflow_operators.KIND_OF)


@pytest.mark.parametrize("name", tensorflow_operators.SIGNATURES)
def test_operator_takes_what_tensorflow_says(name):
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(name)
    signature = tensorflow_operators.SIGNATURES[name]
    lists = [bool(argument.number_attr or argument.type_list_attr) for argument in definition.input_arg]
    assert signature.inputs == tuple(lists)
    inferred = {"seed", "seed2"}
    for argument in definition.input_arg:
        inferred |= {argument.type_attr, argument.number_attr, argument.type_list_attr}
    attributes = [attribute for attribute in definition.attr if attribute.name not in inferred]
    public = {"squeeze_dims": "axis"}
    assert signature.attributes == {public.get(attribute.name, attribute.name) for attribute in attributes}
    assert signature.required == {attribute.name for attribute in attributes if not attribute.HasField("default_value")}
    parameters = list(getattr(tf.raw_ops, name).__signature__.parameters)
    assert set(parameters[len(lists) :]) - {"name", "seed", "seed2"} == signature.attributes
