"""The order of the stages; the only module that knows it."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cattrs

import reference
from harness.assignment import Assignment
from harness.board import Entry, standing
from harness.datasets import mnist
from harness.discover import Found, discover, take_in
from harness.errors import StoreError, UsageError
from harness.examine import Examined, examine, rejected
from harness.executors import Zygotes, run_all
from harness.findings import under_policy
from harness.forecast import Forecast
from harness.points import with_points
from harness.records import Outcome, Rejected, RunResult, RunStatus, Submission, Verdict
from harness.reports.anonymous import anonymous
from harness.results import ONE_SEED, Board, Row
from harness.sandbox.support import require_walls
from harness.store import Store
from harness.training import STORED, Run, order_runs, run_keys, share_data, still_holds, train_one
from harness.versions import code_digest, installed_packages, is_installed, library_versions
from reference.lenet5 import LENET5, PARAMETERS

REFERENCES = {"lenet5_torch": "LeNet-5 (PyTorch)", "lenet5_keras": "LeNet-5 (Keras)"}


APPLIED_LATER = {"title", "findings", "points"}
"""What of an assignment is applied to what the store has: nothing is built or trained for a change of it."""


class Progress(Protocol):
    """How long work is shown while it goes on."""

    def start(self, title: str, total: int) -> None:
        """A stage with `total` steps begins."""

    def step(self, left: float | None = None) -> None:
        """One step of the stage is done; `left` is in how many seconds the stage will be, where that is known."""


@dataclass(frozen=True)
class GradeRequest:
    """What `grade` was asked for."""

    folder: Path
    assignment: Assignment
    workers: int
    only: tuple[str, ...] = ()
    force: bool = False
    walls: bool = True
    command: str = ""
    roster: Path | None = None


@dataclass
class _Candidate:
    """A submission on its way through the stages."""

    found: Found
    is_reference: bool = False
    wanted: bool = True
    key: str = ""
    examined: Examined | None = None

    @property
    def submission(self) -> Submission:
        assert isinstance(self.found, Submission)
        return self.found


def grade(request: GradeRequest, store: Store, progress: Progress) -> Board:
    """Examine and train what the store does not have yet; the board of everything asked for."""
    if request.walls:
        require_walls()
    candidates = _candidates(request)
    with Zygotes(walls=request.walls) as zygotes:
        _examine_all(candidates, request, store, zygotes, progress)
        _rebuild_for_training(candidates, request, store, zygotes, progress)
        candidates = [c for c in candidates if c.wanted or _is_complete(c, request, store)]
        entries = [_entry(candidate, request) for candidate in candidates]
        runs = _runs(candidates, request, _missing(entries, request, store))
        crashed = _train(order_runs(list(runs.values())), request, store, zygotes, progress)
    content = {
        "assignment": asdict(request.assignment),
        "entries": cattrs.unstructure(entries),
        "sandboxed": request.walls,
        "command": request.command,
    }
    store.save_board(content)
    return board_from(content, store, crashed)


def report(store: Store, assignment: Assignment | None = None) -> Board:
    """The last graded board again, from the store alone, with the title, findings and points of `assignment`.

    Raises UsageError when nothing was graded yet, or was graded under an assignment that differs in anything else.
    """
    content = store.last_board()
    if content is None:
        raise UsageError("a graded board in the store", "none", "run `harness grade` first")
    if assignment is not None:
        _require_same(_assignment_of(content), assignment)
        content = {**content, "assignment": asdict(assignment)}
    return board_from(content, store)


def _require_same(graded: Assignment, asked: Assignment) -> None:
    """Raises UsageError that names each difference of two assignments that `report` cannot bridge."""
    before, now = _settings(graded), _settings(asked)
    found = [f"{name}: graded {before[name]!r}, now {now[name]!r}" for name in now if before[name] != now[name]]
    if found:
        expected = "an assignment that differs from the graded one in its title, [findings] and [points] alone"
        raise UsageError(expected, "; ".join(found), "run `harness grade` with this file: it trains what is missing")


def _settings(assignment: Assignment) -> dict[str, Any]:
    """What `report` cannot apply, by its name in the file."""
    settings: dict[str, Any] = {}
    for name, value in asdict(assignment).items():
        if isinstance(value, dict):
            settings |= {f"[{name}] {key}": inner for key, inner in value.items() if name not in APPLIED_LATER}
        elif name not in APPLIED_LATER:
            settings[name] = value
    return settings


def board_from(content: dict[str, Any], store: Store, crashed: Sequence[RunResult] = ()) -> Board:
    """Score the runs of a stored board against the test labels; `crashed` ones are not in the store."""
    assignment = _assignment_of(content)
    with _other_versions_told():
        entries = cattrs.structure(content["entries"], list[Entry])
        sandboxed = bool(content["sandboxed"])
    runs = {run.key: run for run in crashed} | store.runs(key for entry in entries for key in entry.run_keys)
    dataset = mnist.load()
    result = standing(entries, runs, dataset.test_labels, assignment.budget.seeds, assignment.findings)
    return Board(
        title=assignment.title,
        dataset=dataset.name,
        budget=assignment.budget.sentence(),
        budget_hash=assignment.budget.digest[:12],
        reference="LeNet-5",
        reference_parameters=PARAMETERS,
        rows=_with_pseudonyms(with_points(result.rows, assignment.points), store),
        sandboxed=sandboxed,
        smallest_difference=result.smallest_difference,
        pairs=result.pairs,
        confusion=result.confusion,
        hardest=result.hardest,
        points_rule=assignment.points.sentence() if assignment.points else "",
        points_parts=tuple(assignment.points.parts) if assignment.points else (),
        images={index: dataset.test_images[index].tobytes() for index in sorted(result.digits())},
        command=content.get("command", ""),
        environment=_environment(runs.values()),
        notes=_notes(assignment),
    )


def _assignment_of(content: dict[str, Any]) -> Assignment:
    """The assignment under which a stored board was graded; before there were schedules, the learning rate stayed."""
    with _other_versions_told():
        known = content["assignment"]
        return cattrs.structure(known | {"budget": {"schedule": "constant"} | known["budget"]}, Assignment)


@contextmanager
def _other_versions_told() -> Iterator[None]:
    """What another version of the harness wrote becomes an error for people."""
    try:
        yield
    except (KeyError, ValueError, cattrs.BaseValidationError) as error:
        found = f"one that another version wrote ({type(error).__name__})"
        raise StoreError("a stored board that this version can read", found, "run `harness grade` again") from None


def _with_pseudonyms(rows: Sequence[Row], store: Store) -> tuple[Row, ...]:
    """What each submission is called on boards without names: its own page tells it."""
    names = store.pseudonyms(row.submission for row in rows if not row.is_reference)
    return tuple(replace(row, pseudonym=names.get(row.submission, "")) for row in rows)


def in_public(board: Board) -> Board:
    """The board under the pseudonyms of its submissions, with nothing that identifies."""
    return anonymous(board, {row.submission: row.pseudonym for row in board.rows})


def _environment(runs: Iterable[RunResult]) -> dict[str, str]:
    """Every version and processor that took part in these runs."""
    merged: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.environment.items():
            merged.setdefault(name, set()).add(str(value))
    return {name: ", ".join(sorted(values)) for name, values in sorted(merged.items())}


def _notes(assignment: Assignment) -> tuple[str, ...]:
    return () if assignment.budget.seeds > 1 else (ONE_SEED,)


def _candidates(request: GradeRequest) -> list[_Candidate]:
    found = [
        _Candidate(_apart(item), wanted=_wanted(item.name, request.only))
        for item in discover(request.folder, request.roster)
    ]
    if not any(candidate.wanted for candidate in found):
        raise UsageError("a submission that --only names", ", ".join(request.only), "check the spelling")
    root = Path(reference.__file__).parent
    references = [take_in(root / folder, name) for folder, name in REFERENCES.items()]
    installed = [item for item in references if isinstance(item, Submission) and is_installed(item.framework)]
    return [*found, *(_Candidate(item, is_reference=True) for item in installed)]


def _apart(found: Found) -> Found:
    """A submission that is named like a reference row gets another name."""
    return replace(found, name=f"{found.name} (submission)") if found.name in REFERENCES.values() else found


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in only)


def _asked_of(candidate: _Candidate, assignment: Assignment) -> Assignment:
    """A reference row must be the reference, whatever the class may hand in."""
    if not candidate.is_reference:
        return assignment
    return replace(assignment, architecture="match", own_design=(), max_parameters=None)


def verdict_key(submission: Submission, assignment: Assignment, *, walls: bool = True) -> str:
    """SHA-256 of all that a verdict depends on: source, assignment, libraries, our own code, and who could touch it.

    The title changes nothing; the policy on findings is applied to a verdict whenever it is read, and points are given
    when a board is made.
    """
    asked = {name: value for name, value in asdict(assignment).items() if name not in APPLIED_LATER}
    facts = [
        submission.name,
        submission.digest,
        asked,
        library_versions(submission.framework),
        installed_packages(),
        code_digest(),
        walls,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _examine_all(
    candidates: Sequence[_Candidate], request: GradeRequest, store: Store, zygotes: Zygotes, progress: Progress
) -> None:
    """Give every wanted candidate its verdict, from the store where it is there; the others from the store alone."""
    todo = []
    for candidate in candidates:
        if isinstance(candidate.found, Rejected):
            candidate.examined = Examined(rejected(candidate.found))
            continue
        candidate.key = verdict_key(candidate.found, _asked_of(candidate, request.assignment), walls=request.walls)
        known = None if request.force and candidate.wanted else store.verdict(candidate.key)
        candidate.examined = Examined(under_policy(known, request.assignment.findings)) if known else None
        if known is None and candidate.wanted:
            todo.append(candidate)
    _examine(todo, request, store, zygotes, progress)


def _examine(
    todo: Sequence[_Candidate], request: GradeRequest, store: Store, zygotes: Zygotes, progress: Progress
) -> None:
    """Build and verify, several at once; each verdict is stored as it comes.

    A verdict that holds is not replaced by a build that failed this time, on a busy machine perhaps.
    """
    seeds = range(request.assignment.budget.seeds)
    warm = {candidate.submission.framework: zygotes.get(candidate.submission.framework) for candidate in todo}

    def work(candidate: _Candidate) -> Examined:
        zygote = warm[candidate.submission.framework]
        return examine(candidate.submission, zygote, seeds, _asked_of(candidate, request.assignment), LENET5)

    if todo:
        progress.start("Checking", len(todo))
    for candidate, examined in run_all(work, todo, request.workers, zygotes.close):
        first_time = candidate.examined is None
        candidate.examined = examined
        outcome = examined.verdict.outcome
        if outcome is Outcome.PASSED or (outcome is Outcome.FAILED and first_time):
            store.save_verdict(candidate.key, examined.verdict)
        progress.step()


def _verdict(candidate: _Candidate) -> Verdict:
    assert candidate.examined is not None
    return candidate.examined.verdict


def _entry(candidate: _Candidate, request: GradeRequest) -> Entry:
    verdict = _verdict(candidate)
    keys: list[str] = []
    if verdict.outcome is Outcome.PASSED:
        keys = run_keys(verdict, candidate.submission.framework, request.assignment.budget, walls=request.walls)
    return Entry(verdict, tuple(keys), candidate.is_reference)


def _is_complete(candidate: _Candidate, request: GradeRequest, store: Store) -> bool:
    """Whether a submission that --only leaves out stands on the board all the same, with what the store has."""
    if candidate.examined is None:
        return False
    keys = _entry(candidate, request).run_keys
    return len(store.runs(keys)) == len(keys)


def _missing(entries: Sequence[Entry], request: GradeRequest, store: Store) -> set[str]:
    """Keys of the runs that are not stored, or are to be done again."""
    keys = {key for entry in entries for key in entry.run_keys}
    if request.force:
        return keys
    return keys - {key for key, run in store.runs(keys).items() if still_holds(run, request.assignment)}


def _rebuild_for_training(
    candidates: Sequence[_Candidate], request: GradeRequest, store: Store, zygotes: Zygotes, progress: Progress
) -> None:
    """A verdict from the store has no artifact to train: build those again that have a run to do."""
    known = [c for c in candidates if c.wanted and c.examined is not None and c.examined.artifact is None]
    entries = [_entry(candidate, request) for candidate in known]
    missing = _missing(entries, request, store)
    again = [c for c, entry in zip(known, entries, strict=True) if missing.intersection(entry.run_keys)]
    _examine(again, request, store, zygotes, progress)


def _runs(candidates: Sequence[_Candidate], request: GradeRequest, missing: set[str]) -> dict[str, Run]:
    """The runs under the missing keys; submissions with the same key share one."""
    runs: dict[str, Run] = {}
    for candidate in candidates:
        verdict, examined = _verdict(candidate), candidate.examined
        if examined is None or examined.artifact is None or verdict.output_kind is None:
            continue
        for seed, key in enumerate(_entry(candidate, request).run_keys):
            if key in missing:
                macs = verdict.macs or 0
                runs[key] = Run(key, seed, examined.artifact, examined.input_shape, verdict.output_kind, macs)
    return runs


def _train(
    runs: Sequence[Run], request: GradeRequest, store: Store, zygotes: Zygotes, progress: Progress
) -> list[RunResult]:
    """Train each run and store it as it ends; returns the runs that crashed, which are not kept."""
    if not runs:
        return []
    warm = {run.artifact.framework: zygotes.get(run.artifact.framework) for run in runs}
    data = share_data(mnist.load(), request.assignment.budget)

    forecast = Forecast({run.key: (run.artifact.framework, run.macs) for run in runs}, request.workers)

    def work(run: Run) -> RunResult:
        forecast.begin(run.key, time.monotonic())
        return train_one(run, warm[run.artifact.framework], data, request.assignment)

    crashed: list[RunResult] = []
    progress.start("Training", len(runs))
    for run, result in run_all(work, runs, request.workers, zygotes.close):
        forecast.end(run.key, time.monotonic(), is_typical=result.status is RunStatus.DONE)
        if result.status in STORED:
            store.save_run(result)
        else:
            crashed.append(result)
        progress.step(forecast.left(time.monotonic()))
    return crashed
