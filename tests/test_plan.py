"""Which engine trains a model: by what the assignment asks for, what is covered, and what comparisons found."""

from dataclasses import replace

import pytest

from harness.experiments import proofs
from harness.experiments.candidates import Candidate
from harness.experiments.plan import planned
from harness.experiments.proofs import Proof, Proofs, is_to_be_classified, proof_key
from harness.experiments.training import run_keys
from harness.records.check import Check, Outcome
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.run import RunStatus
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, SafetyLimits

COVERED = Verdict("m", Framework.TORCH, (), fingerprint="f", weight_digests=("w0", "w1"))
OTHER = replace(COVERED, uncovered="ConvTranspose")


def plan_of(verdict, engine, failures=None):
    asked = Assignment(budget=Budget(engine=engine))
    return planned(verdict, Framework.TORCH, asked, lambda key: (failures or {}).get(key, ""), walls=True)


def keys(engine, chosen="auto"):
    return tuple(run_keys(COVERED, Framework.TORCH, Budget(engine=chosen), engine=engine))


@pytest.mark.parametrize(
    ("verdict", "asked", "engine", "refusal"),
    [
        (COVERED, "auto", Engine.COMPILED, ""),
        (COVERED, "compiled", Engine.COMPILED, ""),
        (COVERED, "framework", Engine.FRAMEWORK, ""),
        (OTHER, "auto", Engine.FRAMEWORK, ""),
        (OTHER, "framework", Engine.FRAMEWORK, ""),
        (OTHER, "compiled", Engine.COMPILED, "ConvTranspose"),
    ],
)
def test_who_trains_is_what_is_asked_for_and_covered(verdict, asked, engine, refusal):
    plan = plan_of(verdict, asked)
    assert (plan.engine, plan.distrust, plan.refusal) == (engine, "", refusal)
    assert plan.run_keys == (() if refusal else keys(engine, asked))


@pytest.mark.parametrize("key", [proof_key("f", Framework.TORCH), keys(Engine.COMPILED)[0]])
def test_framework_trains_what_it_did_not_confirm(key):
    plan = plan_of(COVERED, "auto", {key: "it differs"})
    assert (plan.engine, plan.distrust, plan.run_keys) == (Engine.FRAMEWORK, "it differs", keys(Engine.FRAMEWORK))


@pytest.mark.parametrize("key", [proof_key("g", Framework.TORCH), keys(Engine.COMPILED)[1]])
def test_what_was_found_about_another_model_or_seed_says_nothing(key):
    assert plan_of(COVERED, "auto", {key: "it differs"}).engine is Engine.COMPILED


def test_only_the_engine_means_nothing_else_even_where_it_is_wrong():
    plan = plan_of(COVERED, "compiled", {proof_key("f", Framework.TORCH): "it differs"})
    assert (plan.run_keys, plan.refusal) == ((), "it differs")


def test_model_that_nothing_may_train_is_errored_with_what_to_set():
    asked = Assignment(budget=Budget(engine="compiled"))
    candidate = Candidate(Submission("m", (), "model.py", Framework.TORCH), asked).with_verdict(OTHER, walls=True)
    assert candidate.run_keys == ()
    assert candidate.verdict.outcome is Outcome.ERRORED
    (check,) = candidate.verdict.checks
    assert (check.id, check.found) == ("engine", "this model cannot be trained by it: ConvTranspose")
    assert 'engine = "auto"' in check.try_
    again = candidate.with_verdict(candidate.verdict, walls=True)
    assert again.verdict == candidate.verdict


def test_model_that_failed_has_no_plan():
    failed = replace(OTHER, checks=(Check("model", Outcome.FAILED),))
    asked = Assignment(budget=Budget(engine="compiled"))
    candidate = Candidate(Submission("m", (), "model.py", Framework.TORCH), asked).with_verdict(failed, walls=True)
    assert (candidate.run_keys, candidate.verdict.checks) == ((), failed.checks)


def test_proof_depends_on_model_framework_versions_code_machine_and_walls(monkeypatch):
    found = {proof_key("f", Framework.TORCH), proof_key("g", Framework.TORCH), proof_key("f", Framework.TENSORFLOW)}
    found.add(proof_key("f", Framework.TORCH, walls=False))
    for name, value in {"versions_of": {}, "code_digest": "c", "cpu_model": "p"}.items():
        with monkeypatch.context() as patch:
            patch.setattr(proofs, name, lambda *_, value=value: value)
            found.add(proof_key("f", Framework.TORCH))
    assert len(found) == 7
    assert proof_key("f", Framework.TORCH) in found


def test_what_was_compared_is_known_to_the_next_command_and_what_could_not_be_is_not(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        first = Proofs(store)
        first.note(Proof("good", facts={"loss": 1e-7}))
        first.note(Proof("bad", "it differs"))
        first.note(Proof("crashed", "it could not be compared", known=False))
        assert [first.failure(key) for key in ("good", "bad", "crashed", "new")] == [
            "", "it differs", "it could not be compared", ""
        ]  # fmt: skip
        assert [first.has(key) for key in ("good", "bad", "crashed", "new")] == [True, True, True, False]
        second = Proofs(store)
        assert [second.has(key) for key in ("good", "bad", "crashed")] == [True, True, False]
        assert (second.failure("bad"), second.new_failure("bad")) == ("it differs", "")
        second.note(Proof("bad", "it still differs"))
        assert second.new_failure("bad") == "it still differs"


def test_framework_looks_at_what_the_engine_trained_from_the_first_seed():
    assert is_to_be_classified(Engine.COMPILED, 0, RunStatus.DONE)
    assert not is_to_be_classified(Engine.COMPILED, 1, RunStatus.DONE)
    assert not is_to_be_classified(Engine.COMPILED, 0, RunStatus.DIVERGED)
    assert not is_to_be_classified(Engine.FRAMEWORK, 0, RunStatus.DONE)


def test_comparison_takes_no_longer_than_a_few_builds_and_no_longer_than_training():
    for train, seconds in ((1800.0, 60.0), (0.2, 0.2)):
        limits = proofs._limits(Assignment(limits=SafetyLimits(train_seconds=train, memory_mib=1024)))
        assert (limits.wall_seconds, limits.memory) == (seconds, 2 << 30)
