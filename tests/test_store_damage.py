"""The result store: what happens to the process, the disk or the file costs no other run, and is told."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from stored import DONE, VERDICT, refusal, run

from harness.records.errors import StoreError
from harness.records.run import RunStatus
from harness.storage import store as store_module
from harness.storage.store import SCHEMA_VERSION, Store

ROOT = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "store.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_database_of_another_program_is_left_alone(tmp_path, version):
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    before = path.read_bytes()
    assert refusal(path).found == "the database of another program"
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"junk" * 1000, b"SQLite format 3\0" + b"\xff" * 4080, b"my notes\n"])
def test_file_that_is_no_database_is_left_alone(tmp_path, content):
    path = tmp_path / "store.sqlite"
    path.write_bytes(content)
    assert "check the name given to --store" in refusal(path).try_
    assert path.read_bytes() == content


def test_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "store.sqlite"
    path.touch()
    with Store(path) as opened:
        opened.save_run(DONE)
        assert opened.runs(["k"]) == {"k": DONE}


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_store_cut_short_is_told_as_damaged(path, keep):
    with Store(path) as opened:
        for index in range(20):
            opened.save_run(run(f"k{index}"))
    os.truncate(path, int(path.stat().st_size * keep) // 4096 * 4096)
    with pytest.raises(StoreError, match="malformed") as caught, Store(path) as opened:
        opened.runs(f"k{index}" for index in range(20))
    assert "move the damaged one away, with the -wal and -shm files next to it" in caught.value.try_


DAMAGES = [
    ("curve", "{"),
    ("curve", "[" * 100_000),
    ("curve", '{"train_loss": "abc"}'),
    ("curve", '{"validation_accuracy": [1.5]}'),
    ("status", "eaten"),
    ("environment", "{torch}"),
    ("environment", "[1]"),
    ("observations", '{"unmoved": 1}'),
    ("observations", '{"unmoved": {"t0": -2}}'),
    ("observations", '{"readouts": [{"accuracy": 0.9}]}'),
    ("observations", '{"readouts": [{"accuracy": 0.9, "shuffled": [9]}]}'),
    ("predictions", "text"),
    ("predictions", b"\x0a"),
    ("predictions", b""),
    ("seconds", "long"),
    ("seconds", -1.0),
    ("seed", "first"),
    ("seed", -1),
    ("peak_memory", 0.5),
    ("test_loss", "small"),
    ("reason", b"\xff\xfe"),
]


@pytest.mark.parametrize(("column", "value"), DAMAGES)
def test_a_damaged_run_is_told_as_damaged_and_costs_no_other(store, column, value):
    store.save_run(DONE)
    store.save_run(replace(DONE, key="other"))
    store._database.execute(f"UPDATE runs SET {column} = ? WHERE key = 'k'", (value,))
    found = store.runs(["k", "other"])
    assert found["k"].status is RunStatus.DAMAGED and "the stored result is damaged" in found["k"].reason
    assert found["other"] == replace(DONE, key="other")
    store.save_run(DONE)
    assert store.runs(["k"]) == {"k": DONE}


def test_text_that_is_not_text_costs_its_row_alone(store):
    store.save_run(DONE)
    store.save_run(replace(DONE, key="other"))
    store._database.execute("UPDATE runs SET status = CAST(x'ff61' AS TEXT) WHERE key = 'k'")
    assert [run.status for run in store.runs(["k", "other"]).values()] == [RunStatus.DAMAGED, RunStatus.DONE]


@pytest.mark.parametrize("value", ['{"submission": "x"}', '"text"', "{", "", "[" * 100_000, b"\xff"])
def test_a_damaged_verdict_is_built_anew(store, value):
    store.save_verdict("k", VERDICT)
    store._database.execute("UPDATE verdicts SET verdict = ?", (value,))
    assert store.verdict("k") is None


@pytest.mark.parametrize("value", ["[1, 2", "[1, 2]", "{}}", b"\xff"])
def test_a_damaged_board_says_what_to_do(store, value):
    store.save_board({})
    store._database.execute("UPDATE boards SET content = ?", (value,))
    with pytest.raises(StoreError, match="damaged") as caught:
        store.last_board()
    assert "`harness grade` again" in caught.value.try_


def test_folder_in_place_of_the_file_is_refused(tmp_path):
    assert "unable to open" in refusal(tmp_path).found


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "fullness").touch()
    error = refusal(tmp_path / "fullness" / "store.sqlite")
    assert error.try_ == "a file has the name of its folder: name another file with --store"


def test_folder_without_permission_is_refused(tmp_path):
    open_folder = Path("/tmp") / f"store-{os.getpid()}"
    open_folder.mkdir(mode=0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    else:
        open_folder.chmod(0o555)
    try:
        error = refusal(open_folder / "new" / "store.sqlite")
        assert "Permission denied" in error.found
        assert "can be written to" in error.try_
    finally:
        os.seteuid(user)
        open_folder.rmdir()


def test_closed_store_tells_so_as_a_store_error(path):
    with Store(path) as opened:
        pass
    with pytest.raises(StoreError, match="closed"):
        opened.save_run(DONE)


def test_full_store_says_what_to_do_and_keeps_what_it_has(store, path):
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages + 20}")
    saved = []
    with pytest.raises(StoreError, match="full") as caught:
        for index in range(100):
            result = run(f"k{index}")
            store.save_run(result)
            saved.append(result)
    assert caught.value.try_ == "free some space and run the same command again: finished runs are kept"
    assert len(saved) >= 3
    with Store(path) as again:
        assert again.runs(f"k{index}" for index in range(100)) == {result.key: result for result in saved}
        again.save_run(DONE)


WRITER = """
import sys
from harness.records.errors import StoreError
from harness.records.run import RunResult, RunStatus
from harness.storage.store import Store
with Store(__import__("pathlib").Path(sys.argv[1])) as store:
    for index in range(int(sys.argv[3])):
        key = f"{sys.argv[2]}{index}"
        try:
            store.save_run(RunResult(key, index, RunStatus.DONE, predictions=bytes(byte % 10 for byte in key.encode()) * 1000))
        except StoreError as error:
            sys.exit(f"{error.found} | {error.try_}")
        print(key, flush=True)
"""


def writer(path: Path, name: str, count: int, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes, **options)


def check_saved(path: Path, keys: list[str]) -> None:
    with Store(path) as opened:
        found = opened.runs(keys)
        assert opened._database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    expected = {key: bytes(byte % 10 for byte in key.encode()) * 1000 for key in keys}
    assert {key: result.predictions for key, result in found.items()} == expected


def test_full_disk_ends_the_writer_with_advice_and_keeps_its_runs(path):
    with Store(path):
        pass
    limit = 300_000
    process = writer(path, "k", 1000, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "free space, then run the same command again: finished runs are kept" in error
    keys = out.split()
    assert 3 < len(keys) < 1000
    check_saved(path, keys)


def test_killed_writer_leaves_every_run_whose_save_returned(path):
    with writer(path, "k", 100_000) as process:
        keys = [process.stdout.readline().strip() for _ in range(40)]
        process.send_signal(signal.SIGKILL)
        keys += process.stdout.read().splitlines()
    assert process.returncode == -signal.SIGKILL
    check_saved(path, keys)


def test_two_writers_that_open_a_new_store_at_once_lose_nothing(path):
    processes = [writer(path, name, 15) for name in "abc"]
    for process in processes:
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
    check_saved(path, [f"{name}{index}" for name in "abc" for index in range(15)])


def test_store_that_stays_locked_says_to_wait(path, monkeypatch):
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.1)
    with Store(path) as first, Store(path) as second:
        first._database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            second.save_run(DONE)
        assert "wait until the other harness command has ended" in caught.value.try_
        first._database.execute("ROLLBACK")
        second.save_run(DONE)
