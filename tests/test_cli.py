"""The command as a person meets it: exit codes, words on the error stream, JSON on the output."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import __version__

BEHAVIOURS = Path(__file__).parent / "submissions"
frameworks = pytest.mark.frameworks


def harness(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )


def test_version_and_help():
    assert __version__ in harness("--version").stdout
    help_text = harness("grade", "--help").stdout
    for option in ("--assignment", "--budget", "--workers", "--only", "--force", "--reports", "--anonymous", "--json"):
        assert option in help_text


@frameworks
@pytest.mark.parametrize(
    ("behaviour", "code"), [("lenet5_torch", 0), ("no_padding_torch", 1), ("unsupported_operator", 3)]
)
def test_check_exits_with_its_verdict(behaviour, code, command_here):
    run = command_here if code else harness
    assert run("check", BEHAVIOURS / behaviour).returncode == code


@frameworks
@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_check_prints_what_a_program_needs(framework, command_here):
    answer = json.loads(command_here("check", BEHAVIOURS / f"no_padding_{framework}", "--json").stdout)
    assert (answer["status"], answer["parameters"]) == ("failed", 44_426)
    assert [layer["parameters"] for layer in answer["layers"] if layer["parameters"]] == [
        156,
        2416,
        30_840,
        10_164,
        850,
    ]
    first = next(check for check in answer["checks"] if check["outcome"] == "failed")
    assert first.keys() == {"id", "name", "outcome", "expected", "found", "try"}
    assert (first["id"], first["name"], first["outcome"]) == ("layer", "layer C1", "failed")


LITTLE = "[budget]\nepochs = 1\nseeds = 2\ntrain_images = 256\nvalidation_images = 64\n"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One submission graded by the command, in a folder of its own: its store has the references, too."""
    place = tmp_path_factory.mktemp("graded")
    folder = place / "submissions"
    shutil.copytree(BEHAVIOURS / "lenet5_torch", folder / "ada lovelace\n<b>")
    (folder / "assignment.toml").write_text(LITTLE)
    return place, harness("grade", folder, cwd=place)


@frameworks
def test_check_says_the_same_words_as_grade(graded, tmp_path):
    folder = tmp_path / "submissions"
    shutil.copytree(graded[0] / ".harness", tmp_path / ".harness")
    shutil.copytree(BEHAVIOURS / "no_padding_torch", folder / "ada")
    checked = json.loads(harness("check", folder / "ada", "--json").stdout)
    (folder / "assignment.toml").write_text(LITTLE)
    answer = harness("grade", folder, "--json", cwd=tmp_path)
    rows = {row["submission"]: row for row in json.loads(answer.stdout)["rows"]}
    assert answer.returncode == 0
    assert rows["ada"]["checks"] == checked["checks"]
    assert rows["ada"]["status"] == "failed"


@frameworks
def test_grade_writes_every_report_and_report_writes_them_again(graded):
    place, answer = graded
    assert answer.returncode == 0
    written = files_in(place / "reports")
    names = {".made.json", "runs.csv", *(f"leaderboard.{end}" for end in ("md", "csv", "json", "html"))}
    assert {name for name in written if "/" not in name} == names
    folders = [name.split("/")[0] for name in written if "/" in name]
    assert (folders.count("students"), folders.count("pictures")) == (1, 4)
    assert "pictures (4 files), students (1 file)" in answer.stdout.replace("\n", " ")
    assert harness("report", "--reports", "again", cwd=place).returncode == 0
    assert files_in(place / "again") == written


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@frameworks
def test_an_anonymous_board_names_nobody_and_keeps_its_pseudonyms(graded, tmp_path):
    folder = tmp_path / "submissions"
    shutil.copytree(graded[0] / ".harness", tmp_path / ".harness")
    shutil.copytree(BEHAVIOURS / "lenet5_torch", folder / "Lovelace")
    shutil.copytree(BEHAVIOURS / "no_padding_torch", folder / "Babbage")
    (folder / "Menabrea").mkdir()
    (folder / "Menabrea" / "model.py").write_text("import torch\nraise ValueError('Menabrea was here')\n")
    (folder / "assignment.toml").write_text(LITTLE)
    named = harness("grade", folder, "--only", "*a*", cwd=tmp_path)
    assert "Lovelace" in named.stdout and "Menabrea was here" in named.stdout
    answers = [harness("report", "--anonymous", cwd=tmp_path), harness("grade", folder, "--anonymous", cwd=tmp_path)]
    answers += [harness("report", "--anonymous", "--json", cwd=tmp_path)]
    written = files_in(tmp_path / "reports")
    texts = [content.decode() for content in written.values()]
    assert not any("students" in name for name in written), "the pages that the named board had written are gone"
    for name in ("lovelace", "babbage", "menabrea", "valueerror", "submissions/"):
        for text in (*texts, *(answer.stdout + answer.stderr for answer in answers)):
            assert name not in text.lower()
    rows = json.loads(answers[2].stdout)["rows"]
    mine = [row["submission"] for row in rows if not row["is_reference"]]
    assert len(set(mine)) == 3 and all(re.fullmatch(r"[a-z]+-[a-z]+", name) for name in mine)
    assert all(name in answer.stdout for name in mine for answer in answers)
    assert harness("report", cwd=tmp_path).stdout == named.stdout


@frameworks
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path):
    shutil.copytree(BEHAVIOURS / "sleeps_for_ever", tmp_path / "submissions" / "slow")
    command = [sys.executable, "-m", "harness", "grade"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert "Checking" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to continue" in errors
    assert "Traceback" not in errors


WRONG_USE = {
    "an empty folder": (["grade", "empty"], "submissions in"),
    "no folder": (["grade", "nowhere"], "is not a folder"),
    "an unknown option": (["grade", "--frobnicate"], "No such option"),
    "a wrong budget": (["grade", "--budget", "huge"], "'huge' is not one of"),
    "no store": (["report"], "run `harness grade` first"),
    "a missing study": (["study", "none.toml"], "none.toml"),
    "an unknown model": (["reproduce", "wide-cn"], "did you mean wide-cnn?"),
    "a missing assignment": (["grade", "empty", "--assignment", "none.toml"], "none.toml"),
    "a bad assignment": (["grade", "empty", "--assignment", "bad.toml"], "did you mean epochs?"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_USE.values(), ids=list(WRONG_USE))
def test_wrong_use_is_answered_in_words_with_exit_code_2(tmp_path, arguments, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.toml").write_text("[budget]\nepoch = 3\n")
    answer = harness(*arguments, cwd=tmp_path)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("name", ["nowhere", "FIFO", "link"])
def test_check_of_what_is_no_file_is_a_failed_check(tmp_path, name):
    os.mkfifo(tmp_path / "FIFO")
    (tmp_path / "link").symlink_to("/etc/passwd")
    answer = harness("check", tmp_path / name, "--json")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["checks"][0]["name"] == "source"


def test_a_store_of_a_newer_version_is_our_fault_and_left_alone(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "new.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    answer = harness("report", "--store", "new.sqlite", cwd=tmp_path)
    assert answer.returncode == 3
    assert "version 99" in answer.stderr


def test_color_survives_a_pipe_when_asked_for():
    plain = harness("check", "/nowhere").stdout
    assert "\x1b[" not in plain
    assert "\x1b[" in harness("check", "/nowhere", FORCE_COLOR="1").stdout


def test_check_imports_nothing_heavy():
    code = "import sys, harness.cli; print([m for m in ('torch', 'tensorflow', 'pandas', 'scipy', 'numpy') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
