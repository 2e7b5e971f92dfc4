"""Each hostile submission gets what it wants without walls, and nothing behind them."""

import os
import platform

import attack_table
import pytest
from attack_field import Field
from attack_runner import FOLDER, Attack, attacks, run

from harness.experiments.examine import examine
from harness.jobs.limits import Isolation
from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission
from harness.tasks.assignment import Assignment
from reference.lenet5 import LENET5

CORPUS = attacks()
REBUILT = [attack for number, attack in enumerate(CORPUS) if number % 10 == 0 or attack.judge == "other seeds"]
"""Those that also run in the builds of other seeds: some, and all that target other seeds. `long`: the others."""
LOCKED_IN = [(attack, attack in REBUILT) for attack in CORPUS]
LOCKED_IN += [pytest.param(attack, True, marks=pytest.mark.long) for attack in CORPUS if attack not in REBUILT]
GOOD = {
    Framework.TORCH: b"import torch\n"
    b"def build_model(): return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))\n",
    Framework.TENSORFLOW: b"import keras\n"
    b"def build_model(): return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])\n",
}
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(
        platform.system() != "Linux" or platform.machine() != "x86_64", reason="calls of Linux on x86-64"
    ),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Field(tmp_path_factory.mktemp("field")) as field:
        yield field


@pytest.mark.parametrize("attack", CORPUS, ids=lambda attack: attack.name)
def test_without_walls_it_works(attack, place, zygotes):
    if attack.needs == "root" and os.geteuid() != 0:
        pytest.skip("only the superuser can do this without walls, so there is nothing to compare with")
    over = run(attack, Isolation.NONE, place, zygotes, attack in REBUILT)
    assert over.evidence, over.ending.output[-2000:]


def built_as(value):
    return value.name if isinstance(value, Attack) else "every build" if value else "one build"


@pytest.mark.parametrize("isolation", (Isolation.WALLS, Isolation.NO_NAMESPACES), ids=str)
@pytest.mark.parametrize(("attack", "rebuilds"), LOCKED_IN, ids=built_as)
def test_behind_walls_it_does_not(attack, rebuilds, isolation, place, zygotes):
    over = run(attack, isolation, place, zygotes, rebuilds)
    reason = no_namespaces(over.submission.framework, zygotes)
    if isolation is Isolation.WALLS and reason:
        pytest.skip(f"no user namespaces here: {reason}")
    if isolation in attack.allowed:
        assert over.evidence, "it no longer gets through: take its exception away"
    else:
        assert not over.evidence, over.ending.output[-2000:]


def no_namespaces(framework, zygotes):
    return zygotes.get(framework).no_namespaces


@pytest.mark.parametrize("framework", Framework)
def test_the_zygotes_still_build_a_good_model_afterwards(framework, zygotes):
    submission = Submission("good", (SourceFile("model.py", GOOD[framework]),), "model.py", framework)
    assert examine(submission, zygotes.get(framework), [0], Assignment(), LENET5).verdict.parameters == 7850


def test_the_corpus_is_large_and_says_what_it_attempts():
    frameworks = [b"import keras" in attack.path.read_bytes() for attack in CORPUS]
    assert len(CORPUS) >= 64 and sum(frameworks) >= 14
    for attack in CORPUS:
        assert attack.says.endswith(".") and len(attack.says) > 10, attack.name
        assert b"import field" in attack.path.read_bytes(), attack.name
        assert set(attack.allowed) <= set(Isolation) - {Isolation.NONE}
        assert all(reason.endswith(".") for reason in attack.allowed.values())


def test_the_table_of_attacks_names_each_of_them():
    document = FOLDER.parents[1] / "docs" / "security.md"
    text = document.read_text()
    part = text[text.index(attack_table.BEGIN) : text.index(attack_table.END)]
    assert [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")] == [a.name for a in CORPUS]
