"""A reference is one file under its name; an assignment that names another one changes what models are compared with."""

from dataclasses import asdict

import pytest

import reference
from harness.experiments import candidates, training
from harness.experiments.candidates import verdict_key
from harness.experiments.pipeline import board_from
from harness.experiments.training import run_keys
from harness.model.layers import dense
from harness.model.verify import judge, verify
from harness.records.check import Outcome
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.layer import LayerTable
from harness.records.submission import SourceFile, Submission
from harness.records.verdict import Verdict
from harness.storage import versions
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget, load_assignment
from harness.tasks.references import load_reference, models_of, names
from reference.lenet5 import LENET5

TINY = """from harness.model.layers import dense
from harness.records.reference import Reference

TINY = Reference("tiny", "Tiny", (dense("IN", (784,), 20), dense("OUT", (20,), 10)), totals={7_850: "one layer less"})
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A second reference, as one file."""
    (tmp_path / "tiny.py").write_text(TINY)
    monkeypatch.setattr(reference, "__path__", [*reference.__path__, str(tmp_path)])
    return load_reference("tiny")


def checked(layers, wanted):
    table = LayerTable(tuple(layers), (), (), OutputKind.LOGITS, 0, layers[-1].output_shape)
    return {check.name: check for check in verify(table, (784,), Framework.TORCH, wanted)}, table


def test_the_reference_that_comes_with_the_harness_is_found_with_its_models():
    assert load_reference("lenet5") is LENET5
    assert names() == ("lenet5",)
    assert {f: folder.name for f, folder in models_of(LENET5).items()} == {
        Framework.TORCH: "lenet5_torch",
        Framework.TENSORFLOW: "lenet5_keras",
    }
    assert [LENET5.titled(framework) for framework in Framework] == ["LeNet-5 (PyTorch)", "LeNet-5 (Keras)"]


def test_a_second_reference_is_one_file(tiny, tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_text('[assignment]\nreference = "tiny"\n')
    assert load_reference(load_assignment(path).reference) is tiny
    assert (tiny.parameters, tiny.macs, models_of(tiny)) == (785 * 20 + 21 * 10, 784 * 20 + 20 * 10, {})


def test_a_name_that_no_reference_has_is_told_with_those_there_are(tiny, tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_text('[assignment]\nreference = "os"\n')
    with pytest.raises(UsageError) as error:
        load_assignment(path)
    assert "reference must be lenet5 or tiny, found 'os'" in str(error.value)
    with pytest.raises(UsageError) as error:
        load_reference("os")
    assert (error.value.found, error.value.try_) == ("os", "choose from lenet5, tiny")


def test_models_are_held_against_the_reference_that_is_given(tiny):
    right, table = checked([dense("a", (784,), 20), dense("b", (20,), 10)], tiny)
    assert [name for name in right if name.startswith("layer")] == ["layer IN", "layer OUT"]
    assert all(check.outcome is Outcome.PASSED for check in right.values())
    asked = {"must_match": True, "max_parameters": None}
    assert judge(table, (784,), Framework.TORCH, tiny, **asked).matches_reference
    assert not judge(table, (784,), Framework.TORCH, LENET5, **asked).matches_reference


def test_what_is_told_of_differences_speaks_of_that_reference(tiny):
    fewer, _ = checked([dense("a", (784,), 10)], tiny)
    assert (fewer["parameters"].expected, fewer["parameters"].try_) == ("15,910", "one layer less")
    more, _ = checked([dense("z", (784,), 784), dense("a", (784,), 20), dense("b", (20,), 10)], tiny)
    extra = more["extra layer"]
    assert (extra.expected, extra.try_) == ("no layer before IN", "remove this dense: Tiny does not have it")


def test_a_board_is_told_with_the_reference_of_its_assignment(tiny, tmp_path):
    content = {"assignment": asdict(Assignment(reference="tiny")), "entries": [], "sandboxed": True}
    with Store(tmp_path / "store.sqlite") as store:
        board = board_from(content, store)
        assert (board.reference, board.reference_parameters) == ("Tiny", 15_910)
        with pytest.raises(UsageError):
            board_from({**content, "assignment": asdict(Assignment(reference="gone"))}, store)


def test_a_stored_verdict_holds_only_for_the_references_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "__path__", [str(tmp_path)])
    before = versions.code_digest.__wrapped__()
    (tmp_path / "tiny.py").write_text(TINY)
    assert versions.code_digest.__wrapped__() != before


def test_keys_of_runs_and_verdicts_are_what_they_were(monkeypatch):
    versions = {"python": "3.12", "torch": "2", "numpy": "2"}
    monkeypatch.setattr(candidates, "library_versions", lambda _: versions)
    monkeypatch.setattr(training, "versions_of", lambda *_: versions)
    monkeypatch.setattr(candidates, "installed_packages", lambda: "p")
    monkeypatch.setattr(candidates, "code_digest", lambda: "c")
    submission = Submission("ada", (SourceFile("model.py", b"import torch\n"),), "model.py", Framework.TORCH)
    other = Assignment(dataset="fashion-mnist", own_design=("x*",), max_parameters=5)
    assert [verdict_key(submission, asked) for asked in (Assignment(), other)] == [
        "0cdd617cd79c299c13882dd5e9068f4d744b5564aa035ba34cc00e64a6b26996",
        "d662d42bfbf89559f254d76704afd36a25874b688244ce1cfe6103ab74b62105",
    ]
    verdict = Verdict("ada", Framework.TORCH, (), fingerprint="f", weight_digests=("w0", "w1"))
    assert run_keys(verdict, Framework.TORCH, Budget()) == [
        "245b08fb8fdfc3244bc75120c42486bf529e8235952c08b57db19b4dcd88e054",
        "2575ddcc712594e87907021df70a17ff887c420e330c17b3b7e1026370d4f1c6",
    ]
    assert run_keys(verdict, Framework.TORCH, Budget(), dataset="fashion-mnist") == [
        "b9490ebbd47ec1448d2092c7aa5e66732997492c474e14f97f6b07ac56ba57d4",
        "5f415586b6bd1b862151e2da816e23b954aae11490ad77c47c1cdcc425796bbd",
    ]
