"""Train the models of a study under its one budget, and answer its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import reference
from harness.datasets import catalogue
from harness.experiments.candidates import Bench, Candidate, Progress, require_installed
from harness.experiments.executors import Zygotes
from harness.experiments.loop import Results, environment_of, examine_and_train, mean_test_loss
from harness.handins.filenames import file_names
from harness.records.board import Row
from harness.records.errors import UsageError
from harness.records.run import RunResult
from harness.records.submission import SourceFile, Submission
from harness.sandbox.support import require_walls
from harness.scoring.answers import Answer, Answered, StudyBoard
from harness.scoring.standing import standing
from harness.storage.store import Store
from harness.tasks.family import DoesNotFit, Member, source
from harness.tasks.questions import Question, Study, load_study

FOLDER = Path(reference.__file__).parent / "studies"
"""The studies included with the harness."""
_ENTRY = "model.py"


@dataclass(frozen=True)
class StudyRequest:
    """The request to `study`."""

    file: Path
    workers: int
    walls: bool = True
    command: str = ""


def conduct(
    request: StudyRequest, store: Store, progress: Progress, report: Callable[[StudyBoard], object]
) -> StudyBoard:
    """Examine and train what the store does not have yet. `report` receives the current results after each model.

    The source of each model is treated like a submission: built behind walls, and its graph is trained.
    """
    study = load_study(request.file)
    require_installed(study.framework)
    if request.walls:
        require_walls()
    candidates, unbuilt = _candidates(study)
    with Zygotes(walls=request.walls) as zygotes:
        bench = Bench(store, zygotes, progress, request.workers, walls=request.walls, needs_loss=True)
        for results in examine_and_train(list(candidates.values()), bench):
            now = dict(zip(candidates, results.candidates, strict=True))
            known = _Outcome(study, now, unbuilt, results, request).now()
            report(known)
    return known


def find_study(file: Path) -> Path:
    """A study file, or the name of an included one: `lenet5`."""
    own = FOLDER / f"{file.name}.toml"
    return own if not file.exists() and file.name == str(file) and own.is_file() else file


def _candidates(study: Study) -> tuple[dict[Member, Candidate], dict[Member, str]]:
    """The models that can be built, and why the others cannot. Raises UsageError if the base is among those."""
    found: dict[Member, Candidate] = {}
    unbuilt: dict[Member, str] = {}
    for member, name in study.members().items():
        try:
            file = SourceFile(_ENTRY, source(member, study.framework).encode())
        except DoesNotFit as error:
            unbuilt[member] = str(error)
            continue
        submission = Submission(name, (file,), _ENTRY, study.framework)
        found[member] = Candidate(submission, study.assignment, is_reference=member == study.base)
    if study.base in unbuilt:
        raise UsageError("a base that can be built", unbuilt[study.base], "fix [base] of the study")
    return found, unbuilt


@dataclass(frozen=True)
class _Outcome:
    """The current results of a study."""

    study: Study
    candidates: Mapping[Member, Candidate]
    unbuilt: Mapping[Member, str]
    results: Results
    request: StudyRequest

    def done(self) -> list[Member]:
        """The models none of whose runs is waiting."""
        return [member for member, candidate in self.candidates.items() if self.results.is_done(candidate)]

    def now(self) -> StudyBoard:
        """Every question with the answers there are."""
        done = self.done()
        runs = {member: self.results.runs(self.candidates[member]) for member in done}
        rows = self._rows(runs)
        losses = {member: mean_test_loss(runs[member].values()) for member in done}
        dataset = catalogue.load(self.study.dataset)
        return StudyBoard(
            title=self.study.title,
            name=file_names([self.request.file.stem])[0],
            base=self.study.base_name,
            framework=self.study.framework,
            dataset=dataset.name,
            budget=self.study.budget.sentence(dataset.name),
            budget_hash=self.study.assignment.budget_digest[:12],
            questions=tuple(self._answered(question, rows, losses) for question in self.study.questions),
            pending=tuple(name for member, name in self.study.members().items() if self._is_pending(member, done)),
            sandboxed=self.request.walls,
            command=self.request.command,
            environment=environment_of(run for own in runs.values() for run in own.values()),
        )

    def _is_pending(self, member: Member, done: Iterable[Member]) -> bool:
        return member not in self.unbuilt and member not in done

    def _rows(self, runs: Mapping[Member, Mapping[str, RunResult]]) -> dict[Member, Row]:
        """A row for each finished model; the others are compared with the base."""
        study, every = self.study, {key: run for own in runs.values() for key, run in own.items()}
        entries = [self.candidates[member].entry for member in runs]
        labels = catalogue.load(study.dataset).test_labels
        board = standing(entries, every, labels, study.budget.seeds, study.assignment.findings)
        by_name = {row.submission: row for row in board.rows}
        return {member: by_name[self.candidates[member].submission.name] for member in runs}

    def _answered(
        self, question: Question, rows: Mapping[Member, Row], losses: Mapping[Member, float | None]
    ) -> Answered:
        answers = [
            Answer(
                label=question.label(member),
                is_base=member == self.study.base,
                row=rows.get(member),
                loss=losses.get(member),
                reason=self.unbuilt.get(member, ""),
            )
            for member in question.members
        ]
        return Answered(question.ask, question.field, tuple(answers))
