"""What the stages share: data for each run by what it may see, and what is known of runs that have ended."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.datasets.idx import Dataset
from harness.experiments import candidates, loop, stages
from harness.experiments.candidates import Candidate, Work
from harness.experiments.training import still_holds
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.run import RunResult, RunStatus
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

SMALL = Assignment(budget=Budget(train_images=20, validation_images=10))
AGREED = SimpleNamespace(failure=lambda key: "")


def dataset(name: str) -> Dataset:
    """Images whose every pixel tells the set."""
    value = len(name)
    images = [np.full((count, 28, 28), value, np.uint8) for count in (40, 8)]
    return Dataset(name, images[0], np.zeros(40, np.uint8), images[1], np.full(8, 3, np.uint8))


@pytest.fixture
def sets(monkeypatch):
    monkeypatch.setattr(stages.catalogue, "load", dataset)


def work(assignment: Assignment) -> Work:
    return Work(SimpleNamespace(key="k"), assignment)


def test_runs_share_their_data_where_they_see_the_same_and_nowhere_else(sets):
    fashion = replace(SMALL, dataset="fashion-mnist")
    fewer = replace(SMALL, budget=replace(SMALL.budget, train_images=19))
    longer = replace(SMALL, budget=replace(SMALL.budget, epochs=9, scaling="none"))
    works = [work(assignment) for assignment in (SMALL, fashion, fewer, longer)]
    data = stages.SharedData(works)
    shared = [data(each) for each in works]
    try:
        assert len({id(each) for each in shared}) == 3
        assert shared[0] is shared[3]
    finally:
        for each in set(shared):
            each.close()


def test_the_loss_is_that_of_the_assignments_own_labels(sets):
    likely = np.log(np.where(np.arange(10) == 3, 0.91, 0.01)).astype(np.float32)
    run = RunResult("k", 0, RunStatus.DONE, log_probabilities=np.tile(likely, (8, 1)).tobytes())
    found = stages._with_loss(run, SMALL)
    assert found.test_loss == pytest.approx(-np.log(0.91))
    assert found.log_probabilities == b""


def test_a_run_that_did_not_end_well_has_no_loss(sets):
    run = RunResult("k", 0, RunStatus.DIVERGED, log_probabilities=b"\0" * 320)
    assert stages._with_loss(run, SMALL).test_loss is None


def test_a_mean_loss_needs_all_of_them():
    runs = [RunResult(str(i), i, RunStatus.DONE, test_loss=loss) for i, loss in enumerate((0.25, 0.75, None))]
    assert loop.mean_test_loss(runs[:2]) == 0.5
    assert loop.mean_test_loss(runs) is None
    assert loop.mean_test_loss([]) is None


def candidate_of(name: str, *weights: str) -> Candidate:
    submission = Submission(name, (), "model.py", Framework.TORCH)
    verdict = Verdict(name, Framework.TORCH, (), fingerprint="f", weight_digests=weights)
    return Candidate(submission, SMALL, key=name).with_verdict(verdict, walls=True)


def test_a_crashed_run_is_known_to_the_results_alone():
    candidate = candidate_of("m", "a", "b")
    done, crashed = candidate.run_keys
    stored = {done: RunResult(done, 0, RunStatus.DONE)}
    bench = SimpleNamespace(store=SimpleNamespace(runs=lambda keys: stored), proofs=AGREED)
    works = [Work(SimpleNamespace(key=key), SMALL) for key in (done, crashed)]
    results = loop.Results([candidate], works, bench)
    assert results.note(stored[done]) == []
    assert results.note(RunResult(crashed, 1, RunStatus.CRASHED, "it broke")) == [candidate]
    assert results.has_crashed(candidate)
    assert [run.status for run in results.runs(candidate).values()] == [RunStatus.DONE, RunStatus.CRASHED]


def test_twins_are_done_by_the_same_run():
    twins = [candidate_of("one", "a"), candidate_of("two", "a"), candidate_of("other", "b")]
    bench = SimpleNamespace(store=SimpleNamespace(runs=lambda keys: {}), proofs=AGREED)
    works = [Work(SimpleNamespace(key=key), SMALL) for key in {c.run_keys[0] for c in twins}]
    results = loop.Results(twins, works, bench)
    assert results.note(RunResult(twins[0].run_keys[0], 0, RunStatus.DONE)) == twins[:2]
    assert not results.is_done(twins[2])


def test_a_framework_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(candidates, "is_installed", lambda _: False)
    with pytest.raises(UsageError, match=r"lenet-harness\[torch\]"):
        candidates.require_installed(Framework.TORCH)


def test_runs_that_met_a_limit_are_recognized_in_older_stores():
    asked = Assignment(limits=SafetyLimits(train_seconds=900, memory_mib=2048))
    timed_out = RunResult("k", 0, RunStatus.TIMED_OUT, "not done after 900 seconds")
    too_large = RunResult("k", 0, RunStatus.OUT_OF_MEMORY, "needs more than 2,048 MiB")
    assert still_holds(timed_out, asked) and still_holds(too_large, asked)
    assert not still_holds(timed_out, replace(asked, limits=SafetyLimits(train_seconds=901)))
