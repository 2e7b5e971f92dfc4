"""The stage before training: the compiled engine is compared with the framework, for each model that is new to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.experiments.candidates import Bench, Candidate, Work
from harness.experiments.executors import run_all
from harness.experiments.proofs import Proof, proof_key, prove
from harness.experiments.stages import SharedData, built_for_training, warm_for, work_to_do
from harness.records.engine import Engine
from harness.records.errors import HarnessError


def proved(candidates: Sequence[Candidate], bench: Bench) -> list[Candidate]:
    """The candidates after each model that the engine is to train was compared with its framework, if that is not known
    yet. Those where the two differ are planned again, and built again where that needs it."""
    works = _unproved(candidates, bench)
    if not works:
        return list(candidates)
    bench.progress.start("Comparing the engine with the frameworks", len(works))
    data = SharedData(works.values())
    comparisons = run_all(_prover(works, data, bench), list(works.items()), bench.workers, bench.zygotes.close)
    for _, proof in comparisons:
        bench.proofs.note(proof)
        bench.progress.step()
    data.close()
    return built_for_training([bench.planned_again(candidate) for candidate in candidates], bench)


def _unproved(candidates: Sequence[Candidate], bench: Bench) -> dict[str, Work]:
    """A run by the engine that is to be done of each model that was not compared yet, by the key of the comparison."""
    compiled = {c.key: c for c in candidates if c.wanted and c.engine is Engine.COMPILED}
    found: dict[str, Work] = {}
    for work in work_to_do(list(compiled.values()), bench):
        verdict = compiled[work.artifact].entry.verdict
        key = proof_key(verdict.fingerprint, work.run.framework, walls=bench.walls)
        if bench.force or not bench.proofs.has(key):
            found.setdefault(key, work)
    return found


def _prover(works: Mapping[str, Work], data: SharedData, bench: Bench) -> Callable[[tuple[str, Work]], Proof]:
    """The function that makes one comparison, in any thread."""
    warm = warm_for(works.values(), bench)

    def do(item: tuple[str, Work]) -> Proof:
        key, work = item
        try:
            artifact = bench.shelf.take(work.artifact, work.run.seed)
        except HarnessError as error:
            return Proof(key, f"its artifact was not there: {error.found}", known=False)
        return prove(key, work.run, artifact, warm[work.run.framework], data(work), work.assignment)

    return do
