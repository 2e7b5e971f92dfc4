"""Which engine trains a model, and the keys of its runs by that engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.experiments.proofs import proof_key
from harness.experiments.training import run_keys
from harness.records.check import Check, Outcome
from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.verdict import Verdict
from harness.tasks.assignment import Assignment

Failure = Callable[[str], str]
"""From the key of a comparison to why the engine's results are not used; empty where they may be."""


@dataclass(frozen=True)
class Plan:
    """What trains a model: its runs' keys, why they are not the compiled engine's though it covers the model
    (`distrust`), and why nothing may train it (`refusal`)."""

    engine: Engine
    run_keys: tuple[str, ...]
    distrust: str = ""
    refusal: str = ""


def planned(verdict: Verdict, framework: Framework, asked: Assignment, failure: Failure, *, walls: bool) -> Plan:
    """The plan for a model that passed, as far as the comparisons with its framework are known."""

    def keys(engine: Engine) -> tuple[str, ...]:
        return tuple(run_keys(verdict, framework, asked.budget, engine=engine, walls=walls, dataset=asked.dataset))

    choice = asked.budget.engine
    if choice == Engine.FRAMEWORK or (verdict.uncovered and choice != Engine.COMPILED):
        return Plan(Engine.FRAMEWORK, keys(Engine.FRAMEWORK))
    if verdict.uncovered:
        return Plan(Engine.COMPILED, (), refusal=verdict.uncovered)
    compiled = keys(Engine.COMPILED)
    comparisons = (proof_key(verdict.fingerprint, framework, walls=walls), *compiled[:1])
    distrust = next(filter(None, map(failure, comparisons)), "")
    if not distrust:
        return Plan(Engine.COMPILED, compiled)
    if choice == Engine.COMPILED:
        return Plan(Engine.COMPILED, (), refusal=distrust)
    return Plan(Engine.FRAMEWORK, keys(Engine.FRAMEWORK), distrust)


def refused(reason: str) -> Check:
    """The check of a model that nothing may train: the assignment allows only the compiled engine."""
    expected, found = "a model that the compiled engine can train", f"this model cannot be trained by it: {reason}"
    return Check("engine", Outcome.ERRORED, expected, found, 'set engine = "auto" in [budget] of the assignment')
