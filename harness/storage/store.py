"""Results in one SQLite file. Every finished run is written at once; nothing is computed twice.

Tables: `runs` (one training run under its key), `verdicts` (one examined submission under its key), `boards` (what a
`grade` was asked for and found, so that `report` can write it again), `pseudonyms` (the names of submissions on
anonymous boards), `agreements` (translations that were compared with their original, and how far apart they are),
`proofs` (models and runs of the compiled engine that were compared with the framework, and why its results are not used
where they differ).
"""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cattrs
from cattrs.errors import BaseValidationError

from harness.records.errors import StoreError
from harness.records.flaws import damaged, flaw_of
from harness.records.run import Curve, Observations, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.storage.pseudonyms import draw
from harness.storage.stored import structured

SCHEMA_VERSION = 6
_BUSY_SECONDS = 30
_AT_ONCE = 500
"""Number of keys per query."""
_PSEUDONYMS = "CREATE TABLE IF NOT EXISTS pseudonyms (submission TEXT PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE)"
_AGREEMENTS = """CREATE TABLE IF NOT EXISTS agreements (
    key TEXT PRIMARY KEY, differences TEXT NOT NULL, created TEXT NOT NULL
)"""
_PROOFS = "CREATE TABLE IF NOT EXISTS proofs (key TEXT PRIMARY KEY, proof TEXT NOT NULL, created TEXT NOT NULL)"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, seed INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    predictions BLOB NOT NULL, curve TEXT NOT NULL, seconds REAL NOT NULL, peak_memory INTEGER NOT NULL,
    environment TEXT NOT NULL, created TEXT NOT NULL, observations TEXT NOT NULL DEFAULT '{}', test_loss REAL
);
CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS boards (id INTEGER PRIMARY KEY, content TEXT NOT NULL, created TEXT NOT NULL);
"""
_MIGRATIONS = {
    1: "ALTER TABLE runs ADD COLUMN observations TEXT NOT NULL DEFAULT '{}'",
    2: _PSEUDONYMS,
    3: "ALTER TABLE runs ADD COLUMN test_loss REAL",
    4: _AGREEMENTS,
    5: _PROOFS,
}
"""What upgrades a store of an older version to the next one."""
_FIRST_TABLES = {"runs", "verdicts", "boards"}
_TABLES = {*_FIRST_TABLES, "pseudonyms", "agreements", "proofs"}
_NO_SPACE = "free some space and run the same command again: finished runs are kept"
_MOVE_AWAY = "name another file with --store, or move the damaged one away, with the -wal and -shm files next to it"
_GRADE_AGAIN = "run `harness grade` again: finished runs are kept"
_DAMAGES = (ValueError, TypeError, LookupError, AttributeError, RecursionError, BaseValidationError)
"""What decoding raises for a row that we did not write, or that was damaged."""
_ADVICE = {
    "SQLITE_FULL": _NO_SPACE,
    "SQLITE_IOERR": "check the disk and its free space, then run the same command again: finished runs are kept",
    "SQLITE_NOTADB": f"check the name given to --store; if this was the store, {_MOVE_AWAY}",
    "SQLITE_READONLY": "make the file and its folder writable, or copy it elsewhere and name the copy with --store",
    "SQLITE_CORRUPT": _MOVE_AWAY,
    "SQLITE_BUSY": "wait until the other harness command has ended, then run the same command again",
}
"""What to try, by the beginning of SQLite's error name."""


class Store:
    """The result store. Every method raises StoreError when the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._valid: dict[str, RunResult] = {}
            self._database.text_factory = lambda text: text.decode("utf-8", "replace")  # damaged text affects one row
        except (OSError, sqlite3.Error) as error:
            raise self._failure(error) from None
        try:
            self._prepare()
        except (StoreError, sqlite3.Error) as error:
            self._database.close()
            raise error if isinstance(error, StoreError) else self._failure(error) from None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def _prepare(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"a result store of version {SCHEMA_VERSION} in {self._path}",
                f"version {version}, written by a newer harness",
                "install that newer harness, or name another file with --store",
            )
        tables = {name for (name,) in self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        least = {0: set(), SCHEMA_VERSION: _TABLES}.get(version, _FIRST_TABLES)
        if not least <= tables <= _TABLES:
            raise StoreError(
                f"a result store in {self._path}", "the database of another program", "name another file with --store"
            )
        self._set_journal()
        if version == 0:
            schema = f"{_SCHEMA} {_PSEUDONYMS}; {_AGREEMENTS}; {_PROOFS};"
            create = f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            self._database.executescript(create)
        elif version < SCHEMA_VERSION:
            self._migrate()

    def _migrate(self) -> None:
        """Upgrade an older store. The version is read again under the lock: another command may be first."""
        self._database.execute("BEGIN IMMEDIATE")
        for version in range(self._database.execute("PRAGMA user_version").fetchone()[0], SCHEMA_VERSION):
            self._database.execute(_MIGRATIONS[version])
            self._database.execute(f"PRAGMA user_version = {version + 1}")
        self._database.execute("COMMIT")

    def _set_journal(self) -> None:
        """SQLite does not wait if several processes set the journal of a new file at once: one gets the error that it
        is locked."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def save_run(self, run: RunResult) -> None:
        """Write one finished run, durably, before anything else happens."""
        values = (
            run.key,
            run.seed,
            run.status,
            run.reason,
            run.predictions,
            json.dumps(cattrs.unstructure(run.curve)),
            run.seconds,
            run.peak_memory,
            json.dumps(run.environment),
            _now(),
            json.dumps(asdict(run.observations)),
            run.test_loss,
        )
        self._valid.pop(run.key, None)
        self._write(f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * len(values))})", values)

    @property
    def artifacts(self) -> Path:
        """The folder next to the store for artifacts waiting to be trained."""
        return self._path.with_name(f"{self._path.name}.artifacts")

    def runs(self, keys: Iterable[str]) -> dict[str, RunResult]:
        """The stored runs among `keys`, each decoded once. An invalid one is included as `damaged`, with the reason."""
        wanted = list(dict.fromkeys(keys))
        unread = [key for key in wanted if key not in self._valid]
        parts = [unread[start : start + _AT_ONCE] for start in range(0, len(unread), _AT_ONCE)]
        found = {row[0]: _run(row) for part in parts for row in self._rows_of(part)}
        self._valid |= {key: run for key, run in found.items() if run.status is not RunStatus.DAMAGED}
        found = self._valid | found
        return {key: found[key] for key in wanted if key in found}

    def save_verdict(self, key: str, verdict: Verdict) -> None:
        """Write the verdict on one submission."""
        text = json.dumps(cattrs.unstructure(verdict))
        self._write("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", (key, text, _now()))

    def verdict(self, key: str) -> Verdict | None:
        """The stored verdict under a key; None also for one that cannot be read: it is built again."""
        row = self._one("SELECT verdict FROM verdicts WHERE key = ?", key)
        try:
            return None if row is None else structured(json.loads(row[0]), Verdict)
        except _DAMAGES:
            return None

    def save_agreement(self, key: str, differences: dict[str, Any]) -> None:
        """Remember that a translation agrees with its original."""
        self._write("INSERT OR REPLACE INTO agreements VALUES (?, ?, ?)", (key, json.dumps(differences), _now()))

    def agreements(self) -> frozenset[str]:
        """The keys of all translations that are known to agree."""
        return frozenset(key for (key,) in self._all("SELECT key FROM agreements"))

    def save_proof(self, key: str, proof: dict[str, Any]) -> None:
        """Remember how the compiled engine's results compare with the framework's."""
        self._write("INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", (key, json.dumps(proof), _now()))

    def proofs(self) -> dict[str, dict[str, Any]]:
        """Every known comparison by its key; one that cannot be read is made again."""
        found = ((key, _proof(text)) for key, text in self._all("SELECT key, proof FROM proofs"))
        return {key: proof for key, proof in found if proof is not None}

    def save_board(self, content: dict[str, Any]) -> None:
        """Remember what was graded, for `report`."""
        self._write("INSERT INTO boards (content, created) VALUES (?, ?)", (json.dumps(content), _now()))

    def last_board(self) -> dict[str, Any] | None:
        """What was graded last; None for an empty store."""
        row = self._one("SELECT content FROM boards ORDER BY id DESC LIMIT 1")
        try:
            return None if row is None else dict(json.loads(row[0]))
        except _DAMAGES as error:
            found = f"a damaged one ({type(error).__name__})"
            raise StoreError(f"a graded board in {self._path}", found, _GRADE_AGAIN) from None

    def pseudonyms(self, submissions: Iterable[str]) -> dict[str, str]:
        """The pseudonym of each submission. One without a pseudonym gets a random one, and keeps it."""
        names = list(dict.fromkeys(submissions))
        try:
            with self._database:  # all of it or nothing
                self._database.execute("BEGIN IMMEDIATE")
                known = dict(self._database.execute("SELECT submission, pseudonym FROM pseudonyms").fetchall())
                new = [name for name in names if name not in known]
                drawn = draw(len(new), {*known.values(), *(name.lower() for name in names)})
                fresh = dict(zip(new, drawn, strict=True))
                self._database.executemany("INSERT INTO pseudonyms VALUES (?, ?)", fresh.items())
        except sqlite3.Error as error:
            raise self._failure(error) from None
        return {name: (known | fresh)[name] for name in names}

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failure(error) from None

    def _rows_of(self, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """The stored rows of some runs, in any order."""
        return self._all(f"SELECT * FROM runs WHERE key IN ({', '.join('?' * len(keys))})", *keys)

    def _all(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from None

    def _one(self, statement: str, *values: str) -> tuple[Any, ...] | None:
        rows = self._all(statement, *values)
        return rows[0] if rows else None

    def _failure(self, error: Exception) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        advice = next((text for start, text in _ADVICE.items() if name.startswith(start)), "")
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            advice = _NO_SPACE
        if getattr(error, "errno", None) in (errno.EEXIST, errno.ENOTDIR):
            advice = "a file has the name of its folder: name another file with --store"
        found = getattr(error, "strerror", None) or str(error)
        otherwise = "check that its folder is there and can be written to, or name another file with --store"
        return StoreError(f"a result store in {self._path}", found, advice or otherwise)


def _proof(text: str) -> dict[str, Any] | None:
    try:
        proof = dict(json.loads(text))
    except _DAMAGES:
        return None
    return proof if isinstance(proof.get("reason"), str) else None


def _run(row: tuple[Any, ...]) -> RunResult:
    """A stored run, or what is wrong with it: a damaged row affects only its own run."""
    try:
        run = _decoded(row)
        flaw = flaw_of(run)
    except _DAMAGES as error:
        flaw = type(error).__name__
    return damaged(str(row[0]), row[1], flaw) if flaw else run


def _decoded(row: tuple[Any, ...]) -> RunResult:
    key, seed, status, reason, predictions, curve, seconds, peak_memory, environment, _, observations, test_loss = row
    return RunResult(
        key=key,
        seed=seed,
        status=RunStatus(status),
        reason=reason,
        predictions=predictions,
        curve=structured(json.loads(curve), Curve),
        seconds=seconds,
        peak_memory=peak_memory,
        environment=json.loads(environment),
        observations=structured(json.loads(observations), Observations),
        test_loss=test_loss,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
