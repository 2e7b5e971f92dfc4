"""The result store: what was saved comes back, whatever happens to the process, the disk or the file."""

import math
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.records.check import Check, Outcome
from harness.records.errors import ExitCode, StoreError
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Window
from harness.records.layer import Layer
from harness.records.run import Curve, Observations, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.storage import store as store_module
from harness.storage.store import SCHEMA_VERSION, Store

ROOT = Path(__file__).parents[1]
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
    observations=Observations(0.0942, {"t0": 150, "t1": 6}, 256, 41, 7),
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


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "store.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened


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


@pytest.mark.parametrize(
    "result",
    [
        DONE,
        RunResult("k", 0, RunStatus.DIVERGED, "the loss is nan\0 \U0001f525 é"),
        RunResult("k", 0, RunStatus.TIMED_OUT, environment={}),
        RunResult("k", 0, RunStatus.OUT_OF_MEMORY, curve=Curve((math.inf,))),
        RunResult("k", 0, RunStatus.CRASHED),
    ],
    ids=lambda result: result.status.name,
)
def test_run_comes_back_as_it_was_saved(store, result):
    store.save_run(result)
    assert store.runs(["k"]) == {"k": result}


def test_curve_that_is_not_a_number_comes_back(store):
    store.save_run(RunResult("k", 0, RunStatus.DIVERGED, curve=Curve((1.0, math.nan))))
    first, second = store.runs(["k"])["k"].curve.train_loss
    assert first == 1.0
    assert math.isnan(second)


def test_only_runs_that_are_there_are_returned(store):
    store.save_run(DONE)
    assert store.runs(["x", "k", "' OR 1=1 --"]) == {"k": DONE}
    assert store.runs([]) == {}


def test_run_saved_again_replaces_the_first(store):
    store.save_run(run("k"))
    store.save_run(DONE)
    assert store.runs(["k"]) == {"k": DONE}


@pytest.mark.parametrize(
    "verdict", [VERDICT, Verdict("x", None, ()), Verdict("x", Framework.TORCH, (Check("a", Outcome.SKIPPED),))]
)
def test_verdict_comes_back_with_every_field(store, verdict):
    store.save_verdict("v", verdict)
    found = store.verdict("v")
    assert found == verdict
    assert found.outcome is verdict.outcome
    assert store.verdict("w") is None


TEXTS = st.text(max_size=8)
SHAPES = st.lists(st.integers(0, 1 << 40), max_size=4).map(tuple)
LAYERS = st.builds(Layer, TEXTS, SHAPES, SHAPES, TEXTS, st.none() | st.just(Window((5, 5))), st.booleans())
CHECKS = st.builds(Check, TEXTS, st.sampled_from(Outcome), TEXTS, TEXTS, TEXTS)
VERDICTS = st.builds(
    Verdict,
    TEXTS,
    st.none() | st.sampled_from(Framework),
    st.lists(CHECKS, max_size=3).map(tuple),
    output_kind=st.none() | st.sampled_from(OutputKind),
    layers=st.lists(LAYERS, max_size=2).map(tuple),
    parameters=st.none() | st.integers(0),
)


@given(VERDICTS)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_verdict_comes_back(store, verdict):
    store.save_verdict("v", verdict)
    assert store.verdict("v") == verdict


def test_a_verdict_of_older_code_has_its_layers_in_todays_spelling(store, path):
    said = Check("claims", Outcome.FLAGGED, found='"kind": "normalisation"')
    verdict = replace(VERDICT, checks=(said,), layers=(Layer("normalization", (6, 28, 28), (6, 28, 28)),))
    store.save_verdict("k", verdict)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE verdicts SET verdict = replace(verdict, 'normalization', 'normalisation')")
        assert "normalization" not in database.execute("SELECT verdict FROM verdicts").fetchone()[0]
    assert store.verdict("k") == verdict


def test_last_board_is_the_one_saved_last(store):
    assert store.last_board() is None
    for title in ("first", "second"):
        store.save_board({"title": title, "entries": [1, None, "é"]})
    assert store.last_board() == {"title": "second", "entries": [1, None, "é"]}


def test_everything_is_there_when_the_store_is_opened_again(path):
    with Store(path) as first:
        first.save_run(DONE)
        first.save_verdict("v", VERDICT)
        first.save_board({"a": 1})
    with Store(path) as second:
        assert (second.runs(["k"]), second.verdict("v"), second.last_board()) == ({"k": DONE}, VERDICT, {"a": 1})


def test_store_of_a_newer_harness_is_left_alone(path):
    with Store(path) as old:
        old.save_run(DONE)
        old._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    error = refusal(path)
    assert error.found == f"version {SCHEMA_VERSION + 1}, written by a newer harness"
    assert "install that newer harness" in error.try_
    assert path.read_bytes() == before


FIRST_VERSION = """
CREATE TABLE runs (
    key TEXT PRIMARY KEY, seed INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    predictions BLOB NOT NULL, curve TEXT NOT NULL, seconds REAL NOT NULL, peak_memory INTEGER NOT NULL,
    environment TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE boards (id INTEGER PRIMARY KEY, content TEXT NOT NULL, created TEXT NOT NULL);
INSERT INTO runs VALUES ('old', 1, 'done', '', x'0102', '{"validation_accuracy": [0.5]}', 2.5, 9, '{}', '2025-01-01');
PRAGMA user_version = 1;
"""


def first_version(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.executescript(FIRST_VERSION)
    database.close()


def test_store_of_the_first_version_is_brought_up_to_date_with_its_runs(path):
    first_version(path)
    old = RunResult("old", 1, RunStatus.DONE, "", b"\1\2", Curve(validation_accuracy=(0.5,)), 2.5, 9)
    for _ in range(2):
        with Store(path) as opened:
            assert opened.runs(["old"]) == {"old": old}
            opened.save_run(DONE)
            assert opened.runs(["k"]) == {"k": DONE}
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    database.close()


def test_store_of_the_first_version_is_brought_up_to_date_once_by_all_who_open_it(path):
    first_version(path)
    assert open_at_once(path) == []
    with Store(path) as opened:
        assert opened.runs(["old"])["old"].observations == Observations()


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
    ("observations", '{"batch_images": 1, "batch_dependent": 2}'),
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


def open_at_once(path: Path) -> list[Exception]:
    """What eight threads meet that open one store at the same time."""
    errors: list[Exception] = []
    barrier = threading.Barrier(8)

    def open_it() -> None:
        barrier.wait()
        try:
            with Store(path):
                pass
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_new_store_is_made_once_by_all_who_open_it(path):
    assert open_at_once(path) == []


def test_what_one_connection_saves_the_other_reads(store, path):
    with Store(path) as other:
        store.save_run(DONE)
        assert other.runs(["k"]) == {"k": DONE}
        other.save_verdict("v", VERDICT)
        assert store.verdict("v") == VERDICT


def test_store_that_stays_locked_says_to_wait(path, monkeypatch):
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.1)
    with Store(path) as first, Store(path) as second:
        first._database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            second.save_run(DONE)
        assert "wait until the other harness command has ended" in caught.value.try_
        first._database.execute("ROLLBACK")
        second.save_run(DONE)


def test_a_submission_keeps_its_pseudonym(path):
    with Store(path) as first:
        given = first.pseudonyms(["ada", "ben", "ada"])
        assert given.keys() == {"ada", "ben"} and len(set(given.values())) == 2
    with Store(path) as second:
        assert second.pseudonyms(["zoe", "ben"])["ben"] == given["ben"]
        assert second.pseudonyms(["ada"]) == {"ada": given["ada"]}
        assert len(set(second.pseudonyms(["ada", "ben", "zoe"]).values())) == 3


def test_pseudonyms_of_two_stores_differ(tmp_path):
    names = [f"student {index}" for index in range(30)]
    with Store(tmp_path / "a.sqlite") as first, Store(tmp_path / "b.sqlite") as second:
        assert first.pseudonyms(names) != second.pseudonyms(names)


def test_nobody_gets_the_name_of_somebody_else_as_pseudonym(store, monkeypatch):
    from harness.storage import pseudonyms

    monkeypatch.setattr(pseudonyms, "FIRST", ("amber", "brave"))
    monkeypatch.setattr(pseudonyms, "SECOND", ("falcon",))
    assert store.pseudonyms(["Amber-Falcon"]) == {"Amber-Falcon": "brave-falcon"}


def test_pseudonyms_that_cannot_be_written_leave_none(store):
    store._database.execute("CREATE TRIGGER no BEFORE INSERT ON pseudonyms BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(StoreError, match="full"):
        store.pseudonyms(["ada"])
    store._database.execute("DROP TRIGGER no")
    assert store.pseudonyms(["ada"]).keys() == {"ada"}


def test_store_of_the_second_version_is_brought_up_to_date(path):
    with Store(path) as old:
        old.save_run(DONE)
        old._database.executescript(
            "DROP TABLE pseudonyms; ALTER TABLE runs DROP COLUMN test_loss; PRAGMA user_version = 2;"
        )
    with Store(path) as opened:
        assert opened.runs(["k"]) == {"k": replace(DONE, test_loss=None)}
        assert opened.pseudonyms(["ada"]).keys() == {"ada"}


def test_many_runs_are_read_at_once_in_the_order_asked_for(store):
    results = {f"k{index}": run(f"k{index}") for index in range(1_200)}
    store._database.execute("BEGIN")
    for result in results.values():
        store.save_run(result)
    store._database.execute("COMMIT")
    wanted = [*reversed(results), "nobody", "k3"]
    found = store.runs(wanted)
    assert found == results and list(found) == list(reversed(results))
