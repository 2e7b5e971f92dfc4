"""Every way in which a command ends: a message on the error stream, an exit code, no child left, no finished run lost."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import click
import pytest

from harness.cli.exits import Stopped, stoppable
from harness.cli.group import _guarded
from harness.records.errors import ExitCode, UsageError

BEHAVIOURS = Path(__file__).parent / "submissions"
HARNESS = [sys.executable, "-m", "harness"]
STOPPED = "Stopped. Finished runs are kept: run the same command again to continue."
frameworks = pytest.mark.frameworks


def shell(line, cwd, **environment):
    """A shell command in which `harness` is the command, and `$?` of the first command of its last pipeline."""
    script = f'harness() {{ "{sys.executable}" -m harness "$@"; }}\n{line}\nexit ${{PIPESTATUS[0]}}'
    command = ["bash", "-c", script]
    known = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=known, timeout=300, check=False)


COMMANDS = {
    "harness --version": 0,
    "harness grade --help": 0,
    "harness check nowhere": 1,
    "harness check nowhere --json": 1,
    "harness report": 2,
    "harness grade --frobnicate": 2,
}


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("place", "reason"), [("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")])
@pytest.mark.parametrize("command", [command for command, code in COMMANDS.items() if code < 2])
def test_an_output_that_cannot_be_written_is_told(tmp_path, command, place, reason, unbuffered):
    answer = shell(f"{command} >{place}", tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert answer.returncode == 3
    assert answer.stderr.splitlines() == [
        " expected  somewhere to write the answer",
        f"    found  the output cannot be written: {reason}",
        "      try  send it elsewhere or free some space, then run the same command again: finished runs are kept",
    ]


@pytest.mark.parametrize("place", ["2>/dev/full", "<&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), COMMANDS.items())
def test_an_error_stream_that_cannot_be_written_changes_nothing(tmp_path, command, code, place):
    answer = shell(f"{command} {place}", tmp_path)
    assert answer.returncode == code
    assert bool(answer.stdout) == (code < 2)


@pytest.mark.parametrize("places", [">/dev/full 2>&1", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), COMMANDS.items())
def test_where_nothing_can_be_written_the_exit_code_tells(tmp_path, command, code, places):
    assert shell(f"{command} {places}", tmp_path).returncode == (3 if code < 2 else code)


@pytest.mark.parametrize(("command", "code"), COMMANDS.items())
def test_a_reader_that_goes_ends_a_command_quietly(tmp_path, command, code):
    answer = shell(f"{command} | head -c 0", tmp_path)
    assert answer.returncode == (141 if code < 2 else code)
    assert code == 2 or answer.stderr == ""


FAULTS = {
    "a bug": ("int('x' * 3)", "ValueError: invalid literal", "this is not your fault"),
    "no memory": ("[0] * (1 << 60)", "MemoryError", "enough memory"),
    "a bad place": ("open('/nowhere/at/all')", "No such file or directory: '/nowhere/at/all'", "a system that lets"),
    "too deep": ("(lambda f: f(f))(lambda f: f(f))", "RecursionError", "not your fault"),
    "hostile words": (r"exec('raise ValueError(chr(27) + \'[2Jx\' + chr(0x202e))')", "ValueError: x", "not your fault"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_of_ours_is_told_as_ours_with_the_lines_for_a_report(tmp_path, name):
    code, found, expected = FAULTS[name]
    program = f"from harness.cli import check, main\ncheck.examined = lambda *_: {code}\nmain()"
    command = [sys.executable, "-c", program, "check", "nowhere"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert answer.returncode == 3
    first, second, third, *more = answer.stderr.splitlines()
    assert first.startswith(" expected ") and expected in first
    assert second.startswith("    found ") and found in second
    assert third.startswith("      try ") and "run the same command again: finished runs are kept" in third
    assert "Traceback (most recent call last):" in more
    assert "\x1b" not in answer.stderr and "\u202e" not in answer.stderr


def test_what_a_student_wrote_is_told_without_commands_to_the_terminal(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "model.py").write_text("import torch\n")
    (tmp_path / "ada" / "submission.toml").write_text(r'entry = "\u202eother.py:Net()"')
    answer = shell("harness check ada --explain-import", tmp_path)
    assert answer.returncode == 2
    assert "other.py" in answer.stderr and "\u202e" not in answer.stderr


@pytest.mark.parametrize(
    ("name", "code"), [("SIGTERM", ExitCode.TERMINATED), ("SIGHUP", ExitCode.HUNG_UP), ("SIGINT", ExitCode.INTERRUPTED)]
)
def test_a_signal_ends_a_command_with_its_code_and_leaves_the_handlers(capfd, name, code):
    number = getattr(signal, name)
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    wound_up = []

    def command():
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            if number != signal.SIGINT:
                os.kill(os.getpid(), number)  # a second one changes nothing
            wound_up.append(True)

    assert _guarded(command) == code == 128 + number
    assert wound_up == [True]
    assert STOPPED in capfd.readouterr().err
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)  # a process that was told to end ignores it from then on
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


@pytest.mark.parametrize(
    "command",
    [
        lambda: None,
        lambda: sys.exit(1),
        lambda: click.echo(1 / 0),
        lambda: (_ for _ in ()).throw(UsageError("", "", "")),
    ],
)
def test_handlers_are_as_before_when_a_command_ends_by_itself(command):
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    _guarded(command)
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_in_a_thread_that_hears_no_signals_commands_run_as_well():
    codes = []
    thread = threading.Thread(target=lambda: codes.append(_guarded(lambda: None)))
    thread.start()
    thread.join()
    assert codes == [0]


def below(process):
    """All descendants of a process."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children] + [inner for child in children for inner in below(int(child))]


def ended(processes):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{process}").exists() for process in processes):
        time.sleep(0.1)
    return [process for process in processes if Path(f"/proc/{process}").exists()]


@frameworks
@pytest.mark.parametrize("nohup", [False, True])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_grade_like_ctrl_c(tmp_path, name, nohup):
    """While a submission that never finishes is being built. What nohup ignores stays ignored."""
    shutil.copytree(BEHAVIOURS / "sleeps_for_ever", tmp_path / "submissions" / "slow")
    ignore = (lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if nohup else None
    pipe = subprocess.PIPE
    command = [*HARNESS, "grade"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=pipe, stdout=pipe, text=True, preexec_fn=ignore) as process:
        assert "Checking" in process.stderr.readline()
        deadline = time.monotonic() + 60
        while len(below(process.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        children = below(process.pid)
        number = getattr(signal, name)
        process.send_signal(number)
        if nohup and number == signal.SIGHUP:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=2)
            number = signal.SIGTERM
            process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.splitlines()[-1] == STOPPED
    assert "Traceback" not in errors
    assert len(children) >= 3 and ended(children) == []


def stored(store):
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            return dict(database.execute("SELECT key, predictions FROM runs").fetchall())
    except sqlite3.OperationalError:
        return {}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class that was stopped while it trained, and graded completely afterwards: its folder, and the content of the
    store in between."""
    folder = tmp_path_factory.mktemp("class")
    shutil.copytree(BEHAVIOURS / "lenet5_torch", folder / "submissions" / "ada")
    (folder / "submissions" / "assignment.toml").write_text(
        "[budget]\nepochs = 1\nseeds = 2\ntrain_images = 1000\nvalidation_images = 500\n"
    )
    command = [*HARNESS, "grade", "--workers", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stderr=pipe, stdout=pipe, text=True) as process:
        deadline = time.monotonic() + 120
        while not stored(folder / ".harness" / "store.sqlite") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    between = stored(folder / ".harness" / "store.sqlite")
    assert (process.returncode, errors.splitlines()[-1]) == (143, STOPPED)
    again = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    return folder, between, again.stderr


@frameworks
def test_what_was_finished_before_a_signal_is_kept_and_not_done_again(graded):
    folder, between, progress = graded
    after = stored(folder / ".harness" / "store.sqlite")
    assert 0 < len(between) < len(after)
    assert between.items() <= after.items()
    assert f"Training: {len(after) - len(between)}" in progress.splitlines()


@frameworks
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("", 0, ""),
        ("--reports taken", 2, "is a file"),
        ("--reports taken/below", 3, "Not a directory"),
        ("--reports /sys/reports", 3, "to write into /sys/reports"),
        ("--reports /proc/reports", 3, "to write into /proc/reports"),
    ],
)
def test_reports_that_cannot_be_written_are_told(graded, options, code, words):
    folder, _, _ = graded
    (folder / "taken").touch()
    answer = shell(f"harness report {options}", folder)
    assert answer.returncode == code
    assert words in answer.stderr and "Traceback" not in answer.stderr
    assert code != 3 or "all results are safe" in answer.stderr


@frameworks
def test_reports_for_which_there_is_no_room_are_told_and_the_old_ones_stay(graded):
    folder, _, _ = graded
    assert shell("harness report --reports small", folder).returncode == 0
    page = folder / "small" / "leaderboard.html"
    most = len(page.read_bytes()) - 1
    page.write_text("changed by hand, so it is made again")
    before = {path: path.read_bytes() for path in (folder / "small").rglob("*") if path.is_file()}
    answer = subprocess.run(
        [*HARNESS, "report", "--reports", "small"],
        capture_output=True,
        text=True,
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        timeout=300,
        check=False,
    )
    assert answer.returncode == 3
    assert "to write into small" in answer.stderr and "File too large" in answer.stderr
    assert before == {path: path.read_bytes() for path in (folder / "small").rglob("*") if path.is_file()}


@frameworks
@pytest.mark.parametrize(("place", "code"), [(">/dev/full", 3), ("| head -n 1", 141), ("2>/dev/full", 0), (">&-", 3)])
@pytest.mark.parametrize("command", ["report", "report --json", "grade --workers 1"])
def test_reports_are_written_whatever_comes_of_the_output(graded, command, place, code):
    """The board is longer than a pipe holds only in --json; its reader may be gone before or after it is written."""
    folder, _, _ = graded
    shutil.rmtree(folder / "reports", ignore_errors=True)
    answer = shell(f"harness {command} {place}", folder)
    assert answer.returncode == code or (code == 141 and answer.returncode == 0)
    assert (folder / "reports" / "leaderboard.html").exists()
    assert "Traceback" not in answer.stderr and "Exception ignored" not in answer.stderr
