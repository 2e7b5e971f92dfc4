"""Nothing in the README is untrue: its commands run, its words are what the harness prints."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [content for kind, content in fenced if kind == language]


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


def test_the_two_commands_stand_first_and_the_second_is_what_ci_runs():
    first, second = commands()[:2]
    assert first == shlex.split("python3 -m pip install tox && python3 -m tox run -e grade")
    assert second == shlex.split("python3 -m pip install tox && python3 -m tox run")
    script = (ROOT / ".ci" / "run").read_text()
    assert "python3 -m pip install tox && python3 -m tox run\n" in script


def test_every_linked_file_is_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target


@pytest.mark.parametrize("command", [c for c in commands() if c[:1] == ["harness"]], ids=" ".join)
def test_every_harness_command_is_understood(command):
    answer = subprocess.run(
        [sys.executable, "-m", "harness", *command[1:2], "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    for option in (word for word in command if word.startswith("--")):
        assert option in answer.stdout


@pytest.mark.frameworks
def test_check_prints_what_the_readme_shows():
    answer = subprocess.run(
        [sys.executable, "-m", "harness", "check", "submissions/jon_unpadded"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert answer.returncode == 1
    (shown,) = blocks("")
    printed = [line.rstrip() for line in answer.stdout.splitlines()]
    for line in shown.splitlines():
        assert line.rstrip() in printed
