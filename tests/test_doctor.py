"""`harness doctor`, and `check` where the walls cannot stand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import harness as harness_package
import reference
from harness.cli import check, cli, facts, one_model
from harness.records.errors import SandboxError
from harness.records.framework import Framework
from harness.sandbox.launcher import Zygote

BEHAVIOURS = Path(__file__).parent / "submissions"


def harness(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.mark.frameworks
def test_a_machine_with_everything_is_ready():
    answer = harness("doctor")
    assert answer.exit_code == 0
    for words in ("Linux", "Landlock", "seccomp", "all walls hold", "torch 2.", "keras 3.", "can be graded here"):
        assert words in answer.output


@pytest.mark.frameworks
def test_facts_for_programs():
    told = {fact["name"]: fact for fact in json.loads(harness("doctor", "--json").output)}
    assert told["self-test"]["health"] == "good"
    assert told.keys() >= {
        "system",
        "cores",
        "memory",
        "Landlock",
        "seccomp",
        "namespaces",
        "engine",
        "torch",
        "tensorflow",
    }
    assert told["engine"]["found"].startswith("llvmlite ")


def test_a_machine_without_walls_is_told_what_follows(monkeypatch):
    monkeypatch.setattr(facts, "obstacle", lambda: "macOS, which has neither")
    answer = harness("doctor")
    assert answer.exit_code == 3
    assert "macOS, which has neither" in answer.output and "`grade` refuses" in answer.output
    assert "cannot be isolated" in answer.output


def test_a_wall_that_does_not_stand_is_a_bad_fact(monkeypatch):
    def fails(*_):
        raise SandboxError("walls", "the wall against signals does not hold", "report it")

    monkeypatch.setattr(Zygote, "try_walls", fails)
    found = list(facts._walls())
    assert found[-1].health is facts.Health.BAD and "signals" in found[-1].found
    assert not facts.walls_stand(found)


def test_forbidden_namespaces_are_a_note_and_no_obstacle():
    fact = facts._namespaces("unshare: Operation not permitted")
    assert fact.health is facts.Health.NOTE and "Operation not permitted" in fact.found
    assert facts.walls_stand([fact])


@pytest.mark.frameworks
def test_one_may_check_ones_own_file_without_walls_and_is_told_so(monkeypatch, tmp_path):
    patient = tmp_path / "assignment.toml"
    patient.write_text("[limits]\nbuild_seconds = 300\n")  # a plain process imports the framework within them
    for module in (check, one_model):
        monkeypatch.setattr(module, "obstacle", lambda: "macOS, which has neither")
    monkeypatch.setattr(sys, "platform", "darwin")
    answer = harness("check", BEHAVIOURS / "lenet5_torch", "--assignment", patient)
    assert answer.exit_code == 0
    assert "Notice: macOS" in answer.stderr and "without walls" in answer.stderr
    assert "it matches the reference" in answer.stdout


def not_installed(monkeypatch, *frameworks):
    monkeypatch.setattr(facts, "is_installed", lambda framework: framework not in frameworks)


@pytest.fixture
def broken(monkeypatch):
    """Makes the imports of some frameworks fail."""

    def make(*frameworks):
        start = Zygote.start

        def fails(zygote):
            if zygote.imported in frameworks:
                raise zygote._broken("ImportError: libcudart.so: cannot open shared object file")
            start(zygote)

        monkeypatch.setattr(Zygote, "start", fails)

    return make


@pytest.mark.parametrize("how", ["not installed", "broken"])
def test_where_no_framework_can_be_imported_nothing_can_be_graded(monkeypatch, broken, how):
    if how == "broken":
        broken(*Framework)
    else:
        not_installed(monkeypatch, *Framework)
    answer = harness("doctor")
    assert answer.exit_code == 3
    assert "can be graded here." not in answer.output
    assert "No submission can be graded here" in answer.output
    assert 'pip install "lenet-harness[torch]"' in answer.output.splitlines()[-1]
    facts = {fact["name"]: fact for fact in json.loads(harness("doctor", "--json").output)}
    assert facts["torch"]["health"] == facts["tensorflow"]["health"] == "bad"
    assert ("libcudart" in facts["torch"]["found"]) == (how == "broken")
    assert harness("doctor", "--json").exit_code == 3


@pytest.mark.frameworks
@pytest.mark.parametrize("how", ["not installed", "broken"])
@pytest.mark.parametrize(("there", "missing"), [("torch", "tensorflow"), ("tensorflow", "torch")])
def test_where_one_framework_is_missing_it_says_whose_submissions_can_be_graded(
    monkeypatch, broken, how, there, missing
):
    if how == "broken":
        broken(Framework(missing))
    else:
        not_installed(monkeypatch, Framework(missing))
    answer = harness("doctor")
    assert answer.exit_code == 0
    assert answer.output.splitlines()[-1] == f"Submissions in {there} can be graded here, those in {missing} cannot."
    assert f'pip install "lenet-harness[{missing}]"' in " ".join(answer.output.split())


def test_a_framework_that_is_there_by_name_alone_is_found_out(tmp_path):
    """A process of its own, whose interpreter finds no framework, with a harness that is not installed next to one."""
    for package in (harness_package, reference):
        place = Path(package.__file__).parent
        shutil.copytree(place, tmp_path / place.name, ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    program = (
        "import sys; sys.executable = sys.argv.pop(1); sys.path.insert(0, sys.argv.pop(1)); "
        "import harness.storage.versions as v; v._version = lambda package: '1.0'; "
        "from harness.cli import main; main()"
    )
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # no installed packages
    bare.chmod(0o755)
    command = [sys.executable, "-c", program, str(bare), str(tmp_path), "doctor"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 3, answer.stdout + answer.stderr
    assert "No module named" in answer.stdout
    assert "No submission can be graded here" in answer.stdout
