"""`harness doctor`, and `check` where the walls cannot stand."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import cli, cli_model, doctor
from harness.errors import SandboxError
from harness.sandbox.launcher import Zygote

BEHAVIOURS = Path(__file__).parent / "submissions"


def harness(*arguments):
    return CliRunner().invoke(cli.cli, [str(argument) for argument in arguments])


@pytest.mark.frameworks
def test_a_machine_with_everything_is_ready():
    answer = harness("doctor")
    assert answer.exit_code == 0
    for words in ("Linux", "Landlock", "seccomp", "every wall stands", "torch 2.", "keras 3.", "can be graded here"):
        assert words in answer.output


@pytest.mark.frameworks
def test_facts_for_programs():
    facts = {fact["name"]: fact for fact in json.loads(harness("doctor", "--json").output)}
    assert facts["self-test"]["health"] == "good"
    assert facts.keys() >= {"system", "cores", "memory", "Landlock", "seccomp", "namespaces", "torch", "tensorflow"}


def test_a_machine_without_walls_is_told_what_follows(monkeypatch):
    monkeypatch.setattr(doctor, "obstacle", lambda: "macOS, which has neither")
    answer = harness("doctor")
    assert answer.exit_code == 3
    assert "macOS, which has neither" in answer.output and "`grade` refuses" in answer.output
    assert "cannot be locked in" in answer.output


def test_a_wall_that_does_not_stand_is_a_bad_fact(monkeypatch):
    def fails(*_):
        raise SandboxError("walls", "the wall against signals does not stand", "report it")

    monkeypatch.setattr(Zygote, "try_walls", fails)
    facts = list(doctor._walls())
    assert facts[-1].health is doctor.Health.BAD and "signals" in facts[-1].found
    assert not doctor.walls_stand(facts)


def test_forbidden_namespaces_are_a_note_and_no_obstacle():
    fact = doctor._namespaces("unshare: Operation not permitted")
    assert fact.health is doctor.Health.NOTE and "Operation not permitted" in fact.found
    assert doctor.walls_stand([fact])


@pytest.mark.frameworks
def test_one_may_check_ones_own_file_without_walls_and_is_told_so(monkeypatch, tmp_path):
    patient = tmp_path / "assignment.toml"
    patient.write_text("[limits]\nbuild_seconds = 300\n")  # a plain process imports the framework within them
    for module in (cli, cli_model):
        monkeypatch.setattr(module, "obstacle", lambda: "macOS, which has neither")
    monkeypatch.setattr(sys, "platform", "darwin")
    answer = harness("check", BEHAVIOURS / "lenet5_torch", "--assignment", patient)
    assert answer.exit_code == 0
    assert "Notice: macOS" in answer.stderr and "without walls" in answer.stderr
    assert "it is the reference architecture" in answer.stdout
