"""The result store: what was saved comes back, for all who open it and from every version."""

import math
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored import DONE, VERDICT, refusal, run

from harness.records.check import Check, Outcome
from harness.records.errors import StoreError
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Window
from harness.records.layer import Layer
from harness.records.run import Curve, Observations, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.storage.store import SCHEMA_VERSION, Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "store.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened


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


def test_store_of_the_fourth_version_is_brought_up_to_date(path):
    with Store(path) as old:
        old.save_run(DONE)
        old._database.executescript("DROP TABLE agreements; PRAGMA user_version = 4;")
    with Store(path) as opened:
        assert opened.runs(["k"]) == {"k": DONE}
        assert opened.agreements() == frozenset()
        opened.save_agreement("a", {"outputs": 1e-9})


def test_store_of_the_fifth_version_is_brought_up_to_date(path):
    with Store(path) as old:
        old.save_run(DONE)
        old._database.executescript("DROP TABLE proofs; PRAGMA user_version = 5;")
    with Store(path) as opened:
        assert opened.runs(["k"]) == {"k": DONE}
        assert opened.proofs() == {}
        opened.save_proof("p", {"reason": ""})


def test_proofs_are_known_to_all_who_open_the_store_and_damaged_ones_are_made_again(store, path):
    store.save_proof("good", {"reason": "", "loss": 1e-9})
    store.save_proof("bad", {"reason": "it differs"})
    store.save_proof("bad", {"reason": "it differs (é)"})
    for key, text in {"text": "no JSON", "list": "[]", "other": '{"reason": 5}', "none": "{}"}.items():
        store._database.execute("INSERT INTO proofs VALUES (?, ?, '')", (key, text))
    with Store(path) as other:
        assert other.proofs() == {"good": {"reason": "", "loss": 1e-9}, "bad": {"reason": "it differs (é)"}}


def test_agreements_are_known_to_all_who_open_the_store(store, path):
    for key in ("a", "b", "a"):
        store.save_agreement(key, {"outputs": 1e-9, "worst": "é"})
    with Store(path) as other:
        assert other.agreements() == {"a", "b"}


def test_many_runs_are_read_at_once_in_the_order_asked_for(store):
    results = {f"k{index}": run(f"k{index}") for index in range(1_200)}
    store._database.execute("BEGIN")
    for result in results.values():
        store.save_run(result)
    store._database.execute("COMMIT")
    wanted = [*reversed(results), "nobody", "k3"]
    found = store.runs(wanted)
    assert found == results and list(found) == list(reversed(results))
