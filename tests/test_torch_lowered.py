"""The language in PyTorch's operators: equal to the interpreter, to PyTorch's own layers, and from run to run."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lowered_cases import CASES, drawn  # noqa: E402

from harness.backends.torch.lowered import LOWERED, Program  # noqa: E402
from harness.backends.torch.prepare import OURS  # noqa: E402
from harness.language import interpreter  # noqa: E402
from harness.language.operators import OPERATORS  # noqa: E402

pytestmark = pytest.mark.frameworks


def tensors(arrays):
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def apart(found, expected):
    if found.shape != expected.shape:
        return np.inf
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    difference = np.abs(np.where(same, 0, found.astype(float) - expected.astype(float)))
    return difference.max(initial=0) / max(1.0, np.abs(expected, where=np.isfinite(expected), out=None).max(initial=0))


def test_each_operator_of_the_language_is_lowered_and_tried():
    assert set(LOWERED) == set(OPERATORS) == {case.operator for case in CASES}


@pytest.mark.parametrize("ours", [{}, OURS], ids=["plain", "prepared"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lowered_equals_the_interpreter(case, ours):
    graph, (images, *others) = case.graph(), case.arrays()
    weights = {f"t{k}": array for k, array in enumerate(others, 1)}
    expected = interpreter.run(graph, weights, images, drawn(graph))
    after = tensors(weights)
    program = Program.of(graph, torch.float64, ours)
    found = program.output_of(after, torch.from_numpy(images), tensors(drawn(graph))).numpy()
    assert found.dtype == expected.output.dtype
    assert apart(found, expected.output) < 1e-10
    for name, array in weights.items():
        assert apart(after[name].numpy(), expected.updates.get(name, array)) < 1e-10
