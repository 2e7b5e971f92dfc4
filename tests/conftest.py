"""Fixtures that several test files share: warm processes, and the named behaviours of `tests/submissions`."""

import gc
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings
from replay import Fresh, Shared, close_all, examine_one_build, run_here

import harness
from harness.experiments.examine import Examined, examine, rejected
from harness.experiments.executors import Zygotes
from harness.handins.discover import take_in
from harness.records.submission import Rejected
from harness.tasks.assignment import Assignment, Budget, SafetyLimits
from reference.lenet5 import LENET5

BEHAVIOURS = Path(__file__).parent / "submissions"
SMALL_BUDGET = Budget(epochs=1, seeds=2, train_images=2_000, validation_images=500)
SMALL = Assignment(budget=SMALL_BUDGET, limits=SafetyLimits(build_seconds=8, memory_mib=1024))

Examiner = Callable[..., Examined]

# A harness that a test starts as a command is the one that the test imports, whatever folder it starts in.
os.environ["PYTHONSAFEPATH"] = "1"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ["PYTHONPATH"] = str(Path(harness.__file__).parents[1])


pytest.register_assert_rewrite("example_board", "intake_cost", "stored", "taking_in")

# No test depends on the speed of the machine
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

BOARDS = ("test_cheating", "test_models", "test_pipeline", "test_points_graded", "test_published", "test_study")
"""Files whose tests train: one worker has them all, because they share the results of their jobs."""


def group(test: str) -> str:
    """The tests that one worker has together: a file, half of the attacks, or all boards."""
    file, _, name = test.partition("::")
    if file.endswith("test_attacks.py"):
        attack = re.split(r"[][-]", f"{name}[")[1]
        return f"{file} {crc32(attack.encode()) % 2}"
    return "boards" if Path(file).stem in BOARDS else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where pytest-xdist is installed, its workers are given groups."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--first-cases", action="store_true", help="only the first case of each test function")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """With `--first-cases`, only the first selected case of each function."""
    yield
    if config.getoption("first_cases"):
        firsts = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
        config.hook.pytest_deselected(items=list({*items} - {*firsts.values()}))
        items[:] = reversed(firsts.values())


def pytest_collection_finish() -> None:
    """Imports stay: garbage collection need not go through a million objects of the frameworks again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def shared_processes() -> Iterator[None]:
    """Commands that train share the session's processes, and the results of their jobs (see `replay`)."""
    with pytest.MonkeyPatch.context() as patch:
        for command in ("pipeline", "reproduce", "study"):
            patch.setattr(f"harness.experiments.{command}.Zygotes", Shared)
        yield
    close_all()


@pytest.fixture
def no_replay(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it before a grade that must do every job itself."""
    return lambda: monkeypatch.setattr("harness.experiments.pipeline.Zygotes", Fresh)


@pytest.fixture
def command_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., CompletedProcess[str]]:
    """The command `harness`, run in this process, with the session's warm ones."""
    monkeypatch.setattr("harness.experiments.executors.Zygotes", Shared)
    return run_here


@pytest.fixture(scope="session")
def zygotes() -> Zygotes:
    return Fresh()


@pytest.fixture(scope="session")
def examine_behaviour() -> Examiner:
    """Examine a folder of `tests/submissions` by name, or any path, once for each set of arguments.

    With `one_build` other seeds are not built, and how the weights depend on the seed is not checked.
    """
    known: dict[tuple[object, ...], Examined] = {}

    def run(name: str | Path, assignment: Assignment = SMALL, seeds: int = 1, *, one_build: bool = False) -> Examined:
        key = (name, assignment, seeds, one_build)
        if key not in known:
            found = take_in(BEHAVIOURS / name)
            if isinstance(found, Rejected):
                known[key] = Examined(rejected(found))
            else:
                look = examine_one_build if one_build else examine
                known[key] = look(found, Shared().get(found.framework), range(seeds), assignment, LENET5)
        return known[key]

    return run
