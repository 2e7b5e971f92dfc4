"""A class that is graded again reads and decodes what is stored once, and nothing that only training needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_board import PASSED, lenet5

from harness.datasets import catalogue, idx
from harness.experiments import candidates, pipeline
from harness.experiments.candidates import Candidate
from harness.experiments.executors import Zygotes
from harness.experiments.pipeline import GradeRequest, grade, report
from harness.experiments.proofs import proof_key
from harness.records.board import Board
from harness.records.graph import OutputKind
from harness.records.run import Curve, RunResult, RunStatus
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.storage import store as storage
from harness.storage.store import Store
from harness.tasks.assignment import Assignment

CLASS = 5
REFERENCES = 2
SEEDS = Assignment().budget.seeds


class Silent:
    def start(self, title: str, total: int) -> None: ...

    def step(self, left: float | None = None) -> None: ...

    def tell(self, text: str) -> None: ...


class NoZygotes(Zygotes):
    def get(self, framework: Any) -> Any:
        raise AssertionError("there is nothing to build or to train")


def results(verdict: Verdict, keys: tuple[str, ...]) -> list[RunResult]:
    labels = catalogue.load("mnist").test_labels
    found = []
    for seed, key in enumerate(keys):
        chance = np.random.default_rng(list(key.encode()))
        wrong = chance.random(len(labels)) < 0.02
        answers = np.where(wrong, (labels + 1) % 10, labels).astype(np.uint8).tobytes()
        curve = Curve((0.3, 0.1), (0.2, 0.1), (0.9, 0.95), (0.9, 0.95))
        found.append(RunResult(key, seed, RunStatus.DONE, predictions=answers, curve=curve, seconds=12.0))
    return found


def verdict_of(submission: Submission) -> Verdict:
    return Verdict(
        submission.name, submission.framework, PASSED, "model.py: Net()", "28x28, channels first", OutputKind.LOGITS,
        submission.digest, tuple(map(str, range(SEEDS))), lenet5(), parameters=61_706, macs=416_520,
    )  # fmt: skip


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GradeRequest:
    """A class whose every verdict and run is in `store.sqlite`."""
    folder = tmp_path / "submissions"
    code = (Path(candidates.__file__).parents[2] / "reference" / "lenet5_torch" / "model.py").read_text()
    for number in range(CLASS):
        (folder / f"student_{number}").mkdir(parents=True)
        (folder / f"student_{number}" / "model.py").write_text(f"{code}# {number}\n")
    monkeypatch.setattr(pipeline, "Zygotes", NoZygotes)
    request = GradeRequest(folder, Assignment(), 2, walls=False)
    with Store(tmp_path / "store.sqlite") as store:
        for candidate in pipeline._candidates(request):
            save(candidate, store)
    return request


def save(candidate: Candidate, store: Store) -> None:
    verdict = verdict_of(candidate.submission)
    key = candidates.verdict_key(candidate.submission, candidate.assignment, walls=False)
    store.save_verdict(key, verdict)
    keys = candidate.with_verdict(verdict, walls=False).run_keys
    for result in results(verdict, keys):
        store.save_run(result)
    for compared in (proof_key(verdict.fingerprint, candidate.submission.framework, walls=False), keys[0]):
        store.save_proof(compared, {"reason": ""})


def counted(monkeypatch: pytest.MonkeyPatch, *functions: tuple[Any, str]) -> Counter[str]:
    """How often each function is called from now on."""
    calls: Counter[str] = Counter()
    for owner, name in functions:
        monkeypatch.setattr(owner, name, counting(getattr(owner, name), name, calls))
    return calls


def counting(real: Callable[..., Any], name: str, calls: Counter[str]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        calls[name] += 1
        return real(*arguments)

    return call


def graded(request: GradeRequest, store: Store) -> Board:
    return grade(request, store, Silent())


@pytest.mark.frameworks
def test_what_is_stored_is_decoded_once(
    request_: GradeRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        graded(request_, store)
    calls = counted(monkeypatch, (storage, "_decoded"), (Store, "verdict"), (Store, "last_board"), (pipeline, "_entry"))
    with Store(tmp_path / "store.sqlite") as store:
        board = graded(request_, store)
    assert sum(row.accuracy is not None for row in board.rows) == CLASS + REFERENCES
    assert calls == {"_decoded": (CLASS + REFERENCES) * SEEDS, "verdict": CLASS + REFERENCES}


def test_the_training_images_are_not_read(
    request_: GradeRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.load_tests.cache_clear()
    read: list[int] = []
    real = idx.unpacked
    monkeypatch.setattr(idx, "unpacked", lambda content, digest: read.append(0) or real(content, digest))
    monkeypatch.setattr(catalogue, "load", None)
    with Store(tmp_path / "store.sqlite") as store:
        assert graded(request_, store).rows == report(store).rows
    assert len(read) == 2


def test_a_run_that_is_saved_again_is_read_again(tmp_path: Path) -> None:
    first, second = (RunResult("k", 0, RunStatus.DONE, predictions=bytes([digit])) for digit in (1, 2))
    with Store(tmp_path / "store.sqlite") as store:
        store.save_run(first)
        assert store.runs(["k"]) == {"k": first}
        store.save_run(second)
        assert store.runs(["k"]) == {"k": second}


@pytest.mark.parametrize("name", ["mnist"])
def test_the_test_part_is_that_of_the_whole(name: str) -> None:
    whole, part = catalogue.load(name), catalogue.load_tests(name)
    assert part.name == whole.name
    assert (part.images == whole.test_images).all() and (part.labels == whole.test_labels).all()


WATCHED = """
import atexit, os, sys
from harness.cli import main
threads = lambda: len(os.listdir("/proc/self/task"))
atexit.register(lambda: print(threads(), [name for name in ("pandas", "torch", "keras") if name in sys.modules]))
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_report_imports_no_pandas_and_starts_no_threads(request_: GradeRequest, tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        graded(request_, store)
    command = [sys.executable, "-c", WATCHED, "report", "--store", "store.sqlite"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1 []"
