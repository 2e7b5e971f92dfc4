"""From submissions to a board, and from a stored board to a board: the order of the stages of `grade` and `report`."""

from __future__ import annotations

import fnmatch
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cattrs

from harness.datasets import catalogue
from harness.experiments.candidates import APPLIED_LATER, Bench, Candidate, Progress
from harness.experiments.executors import Zygotes
from harness.experiments.loop import Results, environment_of, examine_and_train
from harness.experiments.training import first_results_early
from harness.handins.discover import Found, discover, take_in
from harness.records.board import EARLIER_VERSION, ONE_SEED, Board, Row
from harness.records.check import Check, Outcome
from harness.records.errors import StoreError, UsageError
from harness.records.run import RunResult
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.reports.anonymous import anonymous
from harness.sandbox.support import require_walls
from harness.scoring.points import with_points
from harness.scoring.standing import Entrant, standing
from harness.storage.models import Models
from harness.storage.store import Store
from harness.storage.stored import structured
from harness.storage.versions import TRAINING_VERSION, is_installed
from harness.tasks.assignment import Assignment
from harness.tasks.references import load_reference, models_of


@dataclass(frozen=True)
class GradeRequest:
    """The request to `grade`. `models` is the folder for trained models, if they are to be saved; with `cross_check`
    frameworks train seed 0 of what the compiled engine trains."""

    folder: Path
    assignment: Assignment
    workers: int
    only: tuple[str, ...] = ()
    force: bool = False
    walls: bool = True
    command: str = ""
    roster: Path | None = None
    models: Path | None = None
    cross_check: bool = False


def grade(request: GradeRequest, store: Store, progress: Progress) -> Board:
    """Examine and train what the store does not have yet; the board of everything requested."""
    if request.walls:
        require_walls()
    candidates = _candidates(request)
    names = [candidate.found.name for candidate in candidates]
    models = Models(request.models, names, request.assignment) if request.models else None
    with Zygotes(walls=request.walls) as zygotes:
        bench = Bench(
            store,
            zygotes,
            progress,
            request.workers,
            request.walls,
            request.force,
            models=models,
            cross_check=request.cross_check,
        )
        stages = examine_and_train(candidates, bench, lambda work: first_results_early(work.run))
        results = next(stages)
        _tell_of_earlier_runs(results, bench)
        *_, results = [results, *stages]
    entries = [candidate.entry for candidate in results.candidates if results.is_shown(candidate)]
    content = {
        "assignment": asdict(request.assignment),
        "entries": cattrs.unstructure(entries),
        "sandboxed": request.walls,
        "command": request.command,
        "training_version": TRAINING_VERSION,
    }
    store.save_board(content)
    return _board(request.assignment, entries, content, store, results.crashed())


def _tell_of_earlier_runs(results: Results, bench: Bench) -> None:
    """Where the store has runs that an earlier version of the harness trained, says that they are trained again."""
    if not results.is_waiting():
        return
    waiting = {candidate.found.name for candidate in results.candidates if not results.is_done(candidate)}
    entries = [entry for entry in _entries_of_earlier_version(bench.store) if entry.verdict.submission in waiting]
    count = len(bench.store.runs({key for entry in entries for key in entry.run_keys}))
    if count == 1:
        bench.progress.tell("1 stored run is from an earlier version of the harness and is trained again")
    elif count:
        bench.progress.tell(f"{count:,} stored runs are from an earlier version of the harness and are trained again")


def _entries_of_earlier_version(store: Store) -> list[Entrant]:
    """The entries of the last board if an earlier version graded it, as far as they can be read."""
    try:
        content = store.last_board()
    except StoreError:
        return []
    stored = content.get("entries") if content and _is_of_earlier_version(content) else None
    found = map(_entry, stored) if isinstance(stored, list) else ()
    return [entry for entry in found if isinstance(entry, Entrant)]


def _is_of_earlier_version(content: dict[str, Any]) -> bool:
    """Whether a board was graded by a version whose training computes other results; the first ones did not say."""
    return bool(content.get("training_version") != TRAINING_VERSION)


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
        expected = "an assignment that differs from the graded one only in its title, [findings] and [points]"
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


def board_from(content: dict[str, Any], store: Store) -> Board:
    """Score the runs of a stored board against the test labels."""
    assignment = _assignment_of(content)
    with _other_versions_told():
        entries = _entries(content["entries"])
        content = {**content, "sandboxed": bool(content["sandboxed"])}
    return _board(assignment, entries, content, store)


def _board(
    assignment: Assignment,
    entries: Sequence[Entrant],
    content: dict[str, Any],
    store: Store,
    crashed: Sequence[RunResult] = (),
) -> Board:
    """The board of these entries; `crashed` runs are not in the store."""
    keys = [key for entry in entries for key in (*entry.run_keys, entry.cross_key) if key]
    runs = {run.key: run for run in crashed} | store.runs(keys)
    tests, reference = catalogue.load_tests(assignment.dataset), load_reference(assignment.reference)
    result = standing(entries, runs, tests.labels, assignment.budget.seeds, assignment.findings)
    return Board(
        title=assignment.title,
        dataset=tests.name,
        budget=assignment.budget.sentence(tests.name),
        budget_hash=assignment.budget_digest[:12],
        reference=reference.title,
        reference_parameters=reference.parameters,
        rows=_with_pseudonyms(with_points(result.rows, assignment.points), store),
        sandboxed=content["sandboxed"],
        smallest_difference=result.smallest_difference,
        pairs=result.pairs,
        confusion=result.confusion,
        hardest=result.hardest,
        points_rule=assignment.points.sentence() if assignment.points else "",
        points_parts=tuple(assignment.points.parts) if assignment.points else (),
        images={index: tests.images[index].tobytes() for index in sorted(result.digits())},
        command=content.get("command", ""),
        environment=environment_of(runs.values()),
        notes=_notes(assignment, content),
    )


def _entries(stored: Sequence[Any]) -> list[Entrant]:
    """The entries of a stored board; one that cannot be read loses only its own row, unless none can be read."""
    found = [_entry(each) for each in stored]
    if stored and not any(isinstance(entry, Entrant) for entry in found):
        raise ValueError("no entry that this version can read")
    return [entry if isinstance(entry, Entrant) else Entrant(entry, ()) for entry in found]


def _entry(stored: Any) -> Entrant | Verdict:
    try:
        return structured(stored, Entrant)
    except Exception as error:
        name = stored["verdict"]["submission"] if _has_name(stored) else "a damaged entry"
        found = f"a damaged one ({type(error).__name__})"
        check = Check("store", Outcome.ERRORED, "a stored verdict", found, "run `harness grade` again")
        return Verdict(name, None, (check,))


def _has_name(stored: Any) -> bool:
    verdict = stored.get("verdict") if isinstance(stored, dict) else None
    return isinstance(verdict, dict) and isinstance(verdict.get("submission"), str)


def _assignment_of(content: dict[str, Any]) -> Assignment:
    """The assignment under which a stored board was graded; before there were schedules, the learning rate was
    constant, and before there was an engine, frameworks trained."""
    with _other_versions_told():
        known = content["assignment"]
        return cattrs.structure(known | {"budget": _BEFORE_A_CHOICE | known["budget"]}, Assignment)


_BEFORE_A_CHOICE = {"schedule": "constant", "engine": "framework"}


@contextmanager
def _other_versions_told() -> Iterator[None]:
    """Anything written by another version of the harness becomes a readable error."""
    try:
        yield
    except (KeyError, ValueError, cattrs.BaseValidationError) as error:
        found = f"one written by another version ({type(error).__name__})"
        raise StoreError("a stored board that this version can read", found, "run `harness grade` again") from None


def _with_pseudonyms(rows: Sequence[Row], store: Store) -> tuple[Row, ...]:
    """Each submission's pseudonym, shown on its own page."""
    names = store.pseudonyms(row.submission for row in rows if not row.is_reference)
    return tuple(replace(row, pseudonym=names.get(row.submission, "")) for row in rows)


def in_public(board: Board) -> Board:
    """The board under the pseudonyms of its submissions, with nothing that identifies anyone."""
    return anonymous(board, {row.submission: row.pseudonym for row in board.rows})


def _notes(assignment: Assignment, content: dict[str, Any]) -> tuple[str, ...]:
    one_seed = () if assignment.budget.seeds > 1 else (ONE_SEED,)
    return (*one_seed, EARLIER_VERSION) if _is_of_earlier_version(content) else one_seed


def _candidates(request: GradeRequest) -> list[Candidate]:
    references = _references(request.assignment)
    found = [
        Candidate(_apart(item, references), request.assignment, wanted=_wanted(item.name, request.only))
        for item in discover(request.folder, request.roster, request.assignment.files)
    ]
    if not any(candidate.wanted for candidate in found):
        raise UsageError("a submission named by --only", ", ".join(request.only), "check the spelling")
    taken = [take_in(folder, name) for name, folder in references.items()]
    installed = [item for item in taken if isinstance(item, Submission) and is_installed(item.framework)]
    asked = _asked_of_references(request.assignment)
    return [*found, *(Candidate(item, asked, is_reference=True) for item in installed)]


def _references(assignment: Assignment) -> dict[str, Path]:
    """The rows of the reference, each with the folder of its model."""
    reference = load_reference(assignment.reference)
    return {reference.titled(framework): folder for framework, folder in models_of(reference).items()}


def _apart(found: Found, references: Container[str]) -> Found:
    """A submission that is named like a reference row gets another name."""
    return replace(found, name=f"{found.name} (submission)") if found.name in references else found


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in only)


def _asked_of_references(assignment: Assignment) -> Assignment:
    """A reference row must be the reference, whatever the class may hand in."""
    return replace(assignment, architecture="match", own_design=(), max_parameters=None)
