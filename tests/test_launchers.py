"""Other ways to run a job: cold behind the walls, and as a plain process on systems that have none."""

import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from replay import examine_one_build

from harness.experiments.executors import Zygotes
from harness.handins.discover import take_in
from harness.jobs import frames
from harness.jobs.build import BUILD, BuildRequest
from harness.jobs.ending import Limit
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.sandbox import launcher
from harness.sandbox.job import SharedInput
from harness.sandbox.launcher import Zygote
from harness.sandbox.portable import PlainProcess
from harness.tasks.assignment import Assignment, SafetyLimits
from reference.lenet5 import LENET5

pytestmark = pytest.mark.frameworks
BEHAVIOURS = Path(__file__).parent / "submissions"
PATIENT = Assignment(limits=SafetyLimits(build_seconds=60))
LIMITS = Limits(wall_seconds=60)
KINDS = [("lenet5_torch", Framework.TORCH), ("lenet5_keras", Framework.TENSORFLOW)]


def verdict(behaviour, runner):
    return examine_one_build(take_in(BEHAVIOURS / behaviour), runner, [0], PATIENT, LENET5).verdict


def build(runner, source, limits=LIMITS):
    sources = (textwrap.dedent(source).encode(),)
    request = BuildRequest(Framework.TORCH, "model.py", "", (0,), ("model.py",), sources)
    return runner.run(Job.of(BUILD, request, limits))


@pytest.fixture(scope="module")
def plain():
    return PlainProcess(Framework.TORCH)


@pytest.mark.parametrize(("behaviour", "framework"), KINDS)
def test_a_cold_child_imports_behind_its_walls_and_says_the_same(behaviour, framework, examine_behaviour):
    with Zygote(framework, warm=False) as cold:
        found = verdict(behaviour, cold)
        assert not cold.is_warm
    usual = examine_behaviour(behaviour, one_build=True).verdict
    assert (found.outcome, found.fingerprint) == (Outcome.PASSED, usual.fingerprint)


def test_an_import_that_starts_threads_makes_a_zygote_cold(monkeypatch):
    monkeypatch.setitem(launcher.ENVIRONMENT, "OPENBLAS_NUM_THREADS", "2")
    with Zygote(Framework.TORCH) as zygote:
        zygote.start()
        assert not zygote.is_warm
        assert verdict("lenet5_torch", zygote).outcome is Outcome.PASSED


@pytest.mark.parametrize(("behaviour", "framework"), KINDS)
def test_a_plain_process_says_the_same(behaviour, framework, examine_behaviour):
    found = verdict(behaviour, PlainProcess(framework))
    usual = examine_behaviour(behaviour, one_build=True).verdict
    assert (found.outcome, found.fingerprint) == (Outcome.PASSED, usual.fingerprint)


def test_a_plain_process_is_ended_by_the_clock(plain):
    ending = build(plain, "import time; time.sleep(600)", replace(LIMITS, wall_seconds=8))
    assert (ending.limit, ending.frame) == (Limit.WALL, b"")
    assert ending.seconds < 20


def test_floods_end_a_plain_process(plain):
    flood = "while True: print('x' * 100_000)"
    assert build(plain, flood, replace(LIMITS, output=4 * MIB)).limit is Limit.OUTPUT
    flood = "import os\nfor d in range(3, 9):\n    try:\n        while True: os.write(d, b'x' * MIB)\n    except OSError: pass"
    assert build(plain, flood.replace("MIB", str(MIB)), replace(LIMITS, result=4 * MIB)).limit is Limit.RESULT


def test_what_a_plain_process_prints_does_not_spoil_its_result(plain):
    ending = build(plain, "import os; print('to python'); os.write(1, b'to the descriptor')")
    assert "to python" in ending.output and "to the descriptor" in ending.output
    assert ending.frame.startswith(b"LNF1")


def test_closing_ends_a_plain_process():
    own = PlainProcess(Framework.TORCH)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(build, own, "import time; time.sleep(600)")
        while not own._running:
            time.sleep(0.01)
        own.close()
        assert future.result(timeout=30).exit_code != 0


def test_shared_input_can_be_read_as_a_whole():
    shared = SharedInput(frames.encode({}, {"part": b"1234"}))
    assert frames.decode(shared.content())[1]["part"] == b"1234"
    shared.close()


def test_systems_without_walls_get_plain_processes(monkeypatch):
    with Zygotes(walls=False) as zygotes:
        monkeypatch.setattr(sys, "platform", "darwin")
        assert isinstance(zygotes.get(Framework.TORCH), PlainProcess)
    with Zygotes() as zygotes:
        assert not isinstance(zygotes.get(Framework.TORCH), PlainProcess)
