"""The schemas that rules of the PyTorch translation are registered under are PyTorch's own."""

import re

import pytest

torch = pytest.importorskip("torch")

from harness.artifact.torch.schemas import Schema  # noqa: E402
from harness.artifact.torch.translator import rules  # noqa: E402

pytestmark = pytest.mark.frameworks


def theirs(name):
    """PyTorch's own schema, without marks of aliasing."""
    _, packet, overload = name.split(".")
    text = str(getattr(getattr(torch.ops.aten, packet), overload)._schema).removeprefix("aten::")
    parameters = re.sub(r"\([a-z](?:!| -> \*)?\)", "", text.partition("(")[2])
    return Schema.of(f"{text.partition('(')[0]}({parameters.rpartition(') ->')[0]})")


@pytest.mark.parametrize("name", rules())
def test_a_rule_takes_what_pytorch_takes(name):
    assert rules()[name].schema == theirs(name)


def test_rules_are_for_operators_that_write_to_nothing_but_their_first_argument():
    for name in rules():
        _, packet, overload = name.split(".")
        schema = getattr(getattr(torch.ops.aten, packet), overload)._schema
        written = [a.name for a in schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        allowed = ["self"] if rules()[name].schema.is_in_place else []
        assert written == {"aten.rrelu_with_noise.default": ["noise"]}.get(name, allowed), name
