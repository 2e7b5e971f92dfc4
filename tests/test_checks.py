"""Every check is declared once, with an id: the code makes no others, and the documentation lists them."""

import ast
import json
import os
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from harness.records import inputs
from harness.records.check import Check, Outcome
from harness.records.checks import KINDS, Decides, Findings
from harness.records.verdict import Verdict
from harness.reports.checks import checks_page
from harness.storage.store import Store
from harness.storage.stored import structured
from harness.tasks.assignment import load_assignment

ROOT = Path(__file__).parents[1]
MAKERS = {"Check", "SubmissionError", "NotFound", "DependsOnData", "blame", "_tensor_check"}
GIVEN = {  # an id from elsewhere: a parameter, an error, a build, a stored check
    "backends/source.py": 1,
    "backends/tensorflow/backend.py": 1,
    "experiments/examine.py": 1,
    "handins/discover.py": 1,
    "model/verify.py": 2,
}


def made():
    """Where the harness makes checks: the file, the line, and the id, which is None where it is given."""
    for path in sorted((ROOT / "harness").rglob("*.py")):
        name = str(path.relative_to(ROOT / "harness"))
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and called(call.func) in MAKERS and call.args:
                yield name, call.lineno, id_of(call.args[0])


def called(function):
    return getattr(function, "id", getattr(function, "attr", ""))


def id_of(value):
    if isinstance(value, ast.Constant):
        return value.value
    return getattr(inputs, getattr(value, "id", ""), None)


def test_the_harness_makes_no_check_that_is_not_declared():
    found = list(made())
    assert {(path, line, id_) for path, line, id_ in found if id_ is not None and id_ not in KINDS} == set()
    assert Counter(path for path, _, id_ in found if id_ is None) == GIVEN


def test_every_declared_check_is_made_somewhere():
    assert KINDS.keys() - {id_ for _, _, id_ in made()} == set()


def test_ids_are_unique_and_each_check_says_what_it_looks_at():
    text = (ROOT / "harness" / "records" / "checks.py").read_text()
    declared = [call.args[0].value for call in ast.walk(ast.parse(text)) if called_with_text(call, "CheckKind")]
    assert sorted([*declared, *(field.name for field in fields(Findings))]) == sorted(KINDS)
    assert all(kind.looks_at and not kind.looks_at.endswith(".") for kind in KINDS.values())
    assert len({kind.looks_at for kind in KINDS.values()}) == len(KINDS)


def called_with_text(call, name):
    return isinstance(call, ast.Call) and called(call.func) == name and isinstance(call.args[0], ast.Constant)


def test_the_list_for_people_is_the_list():
    path = ROOT / "docs" / "checks.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(checks_page(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == checks_page()


def test_findings_of_an_assignment_are_the_declared_ones(tmp_path):
    policy = [kind.id for kind in KINDS.values() if kind.decides is Decides.POLICY]
    path = tmp_path / "assignment.toml"
    path.write_text("[findings]\n" + "".join(f'{id_} = "flag"\n' for id_ in policy))
    assert load_assignment(path).findings == Findings(**dict.fromkeys(policy, "flag"))


def test_names_for_people_are_the_id_and_what_it_is_about():
    assert Check("layer", Outcome.PASSED, about="C1").name == "layer C1"
    assert Check("extra", Outcome.FAILED, about="layer").name == "extra layer"
    assert Check("same_weights", Outcome.FLAGGED).as_dict()["id"] == "same_weights"


@pytest.mark.parametrize(
    ("name", "id_", "about"),
    [
        ("parameters", "parameters", ""),
        ("layer C1", "layer", "C1"),
        ("layer OUTPUT", "layer", "OUTPUT"),
        ("extra layer", "extra", "layer"),
        ("layer <script>", "layer <script>", ""),
        ("another check", "another check", ""),
    ],
)
def test_a_check_of_an_older_store_is_read_under_its_name(tmp_path, name, id_, about):
    old = {"name": name, "outcome": "failed", "expected": "a", "found": "b", "try_": "c", "brief": ""}
    check = structured(old, Check)
    assert (check.name, check.id, check.about, check.found) == (name, id_, about, "b")
    verdict = {"submission": "ada", "framework": "torch", "checks": [old]}
    with Store(tmp_path / "store.sqlite") as store:
        store._database.execute("INSERT INTO verdicts VALUES ('v', ?, '')", (json.dumps(verdict),))
        assert store.verdict("v").checks == (check,)
        store.save_verdict("w", Verdict("ada", None, (check,)))
        assert store.verdict("w").checks == (check,)
