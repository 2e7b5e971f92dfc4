"""The reference models of both frameworks have the counts of the reference layer table."""

from pathlib import Path

import pytest

from harness.records.check import Outcome
from reference.lenet5 import LENET5

pytestmark = pytest.mark.frameworks
REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize("folder", ["lenet5_torch", "lenet5_keras"])
def test_each_count_comes_out_of_the_built_model(examine_behaviour, folder):
    verdict = examine_behaviour(REFERENCE / folder).verdict
    built = [layer.parameters for layer in verdict.layers if layer.parameters]
    assert (
        built == [layer.parameters for layer in LENET5.layers if layer.parameters] == [156, 2_416, 48_120, 10_164, 850]
    )
    assert all(check.outcome is Outcome.PASSED for check in verdict.checks)
    assert (verdict.parameters, verdict.macs) == (61_706, 416_520)


@pytest.mark.parametrize("folder", ["lenet5_torch", "lenet5_keras"])
def test_each_count_is_spelled_out_as_in_the_reference(examine_behaviour, folder):
    verdict = examine_behaviour(REFERENCE / folder).verdict
    assert [layer.formula for layer in verdict.layers if layer.formula] == [
        layer.formula for layer in LENET5.layers if layer.formula
    ]
