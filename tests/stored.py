"""What tests save in a store, and how a store is refused."""

import os
from pathlib import Path

import pytest

from harness.records.check import Check, Outcome
from harness.records.errors import ExitCode, StoreError
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Window
from harness.records.layer import Layer
from harness.records.run import Curve, Observations, Readout, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.storage.store import Store

DONE = RunResult(
    key="k",
    seed=2,
    status=RunStatus.DONE,
    reason="",
    predictions=bytes(number % 10 for number in range(256)),
    curve=Curve((2.3, 0.1), (0.25,), (0.975, 1.0)),
    seconds=12.5,
    peak_memory=1 << 33,
    environment={"cpu": "Intel(R) Xeon\u00ae", "torch": "2.13.0"},
    observations=Observations(0.0942, {"t0": 150, "t1": 6}, (Readout(0.906, (0.875, 0.9)), Readout(0.75, (0.5,)))),
    test_loss=0.0457,
)
VERDICT = Verdict(
    submission="a\u202e\x1b[31m",
    framework=Framework.TENSORFLOW,
    checks=(Check("input", Outcome.PASSED, "a", "b", "c"), Check("size", Outcome.FAILED), Check("x", Outcome.ERRORED)),
    entry="build_model()",
    input_form="28x28, channels last",
    output_kind=OutputKind.LOG_PROBABILITIES,
    fingerprint="f" * 64,
    weight_digests=("1", "2"),
    layers=(
        Layer("conv2d", (1, 28, 28), (6, 28, 28), "c", Window((5, 5), (1, 2), (1, 2, 3, 4), (2, 1)), True, 2, 156),
        Layer("mean", (6,), (), frozen=3, constants=2, macs=9, formula="5 = 3 + 2", tensors=("t0",), shared=("t1",)),
    ),
    parameters=61_706,
    macs=0,
    matches_reference=True,
)


def answers(size: int) -> bytes:
    return bytes(byte % 10 for byte in os.urandom(size))


def run(key: str, size: int = 10_000) -> RunResult:
    return RunResult(key, 0, RunStatus.DONE, predictions=answers(size))


def refusal(path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(path) in caught.value.expected
    assert caught.value.exit_code is ExitCode.OUR_FAULT
    return caught.value
