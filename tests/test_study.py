"""Studies: the family's arithmetic against built models, the study file, and the way from questions to answers."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorder import Recorder
from replay import examine_one_build

from harness.cli import cli
from harness.cli.group import _guarded
from harness.experiments.study import StudyRequest, conduct, find_study
from harness.records.board import Difference, Row, Status, Versus
from harness.records.check import Outcome
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission
from harness.reports.study import axis_of_study, render_study, sentences, study_view
from harness.reports.terminal import make_console
from harness.scoring.answers import Answer, Answered, StudyBoard
from harness.storage.store import Store
from harness.tasks.assignment import Assignment, Budget
from harness.tasks.family import ACTIVATIONS, PADDINGS, POOLS, DoesNotFit, Member, label, source
from harness.tasks.questions import load_study
from reference.lenet5 import LENET5

STUDY = Path(__file__).parents[1] / "reference" / "studies" / "lenet5.toml"
FREE = Assignment(architecture="free", budget=Budget(seeds=1))
MEMBERS = {
    "LeNet-5": (Member(), LENET5.parameters, LENET5.macs),
    "unpadded": (Member(padding=("valid", "valid")), 44_426, 281_640),
    "no hidden layer": (Member(hidden=(), pool="average"), 156 + 2_416 + 4_010, 361_600),
    "one convolution": (Member((4,), (3,), ("same",), (1,), hidden=(7,), activation="tanh"), 51 + 16_471 + 80, None),
}


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", Framework)
@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_built_with_the_counts_of_the_formulas(zygotes, name, framework):
    member, parameters, macs = MEMBERS[name]
    file = SourceFile("model.py", source(member, framework).encode())
    submission = Submission(name, (file,), "model.py", framework)
    verdict = examine_one_build(submission, zygotes.get(framework), [0], FREE, LENET5).verdict
    assert verdict.outcome is Outcome.PASSED
    assert verdict.parameters == parameters
    assert macs is None or verdict.macs == macs
    assert verdict.matches_reference == (name == "LeNet-5")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (Member(pooling=(4, 4)), "pooling 2 of 4x4 does not fit its 3x3 input"),
        (Member(kernel=(9, 9), pooling=(4, 2)), "convolution 2 of 9x9 does not fit its 7x7 input"),
    ],
)
def test_what_leaves_nothing_of_the_image_says_where(member, message):
    with pytest.raises(DoesNotFit, match=message):
        source(member, Framework.TORCH)


SIZES = st.integers(1, 12)


@given(
    st.lists(st.tuples(SIZES, st.integers(1, 9), st.sampled_from(PADDINGS), SIZES), min_size=1, max_size=4),
    st.lists(st.integers(1, 99), max_size=3),
    st.sampled_from(POOLS),
    st.sampled_from(ACTIVATIONS),
)
def test_any_member_is_a_program_or_does_not_fit(blocks, hidden, pool, activation):
    kernel, filters, padding, pooling = (tuple(part) for part in zip(*blocks, strict=True))
    member = Member(kernel, filters, padding, pooling, pool, tuple(hidden), activation)
    try:
        texts = [source(member, framework) for framework in Framework]
    except DoesNotFit:
        return
    assert member.features() >= 1
    for text in texts:
        compile(text, "model.py", "exec")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("kernel", (5, 5), "5x5"),
        ("pooling", (4, 2), "4x4, 2x2"),
        ("filters", (6, 16), "6, 16"),
        ("hidden", (), "none"),
        ("padding", ("same", "same"), "same, same"),
        ("pool", "max", "max"),
    ],
)
def test_settings_are_told_in_words(field, value, words):
    assert label(field, value) == words


def test_the_study_of_lenet5_asks_seven_questions_and_names_each_model_once():
    study = load_study(STUDY)
    assert [question.field for question in study.questions] == [
        "kernel", "filters", "pooling", "padding", "hidden", "pool", "activation",
    ]  # fmt: skip
    names = study.members()
    assert names[study.base] == "LeNet-5" and study.base == Member()
    assert len(set(names.values())) == len(names) == 16
    assert all(study.base in question.members for question in study.questions)


def test_a_study_that_comes_with_the_harness_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_study(Path("lenet5")).read_bytes() == STUDY.read_bytes()
    assert find_study(Path("lenet6")) == Path("lenet6")
    Path("lenet5").touch()
    assert find_study(Path("lenet5")) == Path("lenet5")


ONE = '[[question]]\nask = "?"\nfield = "pool"\nvalues = ["max"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a study must have a section [[question]]"),
        (f"[bases]\nkernel = 3\n{ONE}", "line 1: unknown section [bases] (did you mean base?)"),
        (f"[base]\nkernal = 3\n{ONE}", "line 2: unknown kernal (did you mean kernel?)"),
        (f"[base]\nkernel = 0\n{ONE}", "line 2: kernel must be whole numbers from 1 to 28, found 0"),
        (f"[base]\nkernel = true\n{ONE}", "line 2: kernel must be whole numbers from 1 to 28, found True"),
        (f"[base]\nfilters = 6\n{ONE}", "line 2: filters must be a list of whole numbers, found 6"),
        (f"[base]\nfilters = [6]\n{ONE}", "line 2: kernel must have a value for each convolution, found 2 for 1"),
        (f'[base]\npool = "mean"\n{ONE}', "line 2: pool must be max or average, found 'mean'"),
        (f'[study]\nframework = "jax"\n{ONE}', "line 2: framework must be torch or keras, found 'jax'"),
        (f"[budget]\nepoch = 3\n{ONE}", "line 2: unknown epoch (did you mean epochs?)"),
        (f"{ONE}{ONE.replace('field', 'feild')}", "line 7: unknown feild (did you mean field?)"),
        (f"{ONE}[[question]]\nask = 3\n", "line 5: field is missing"),
        (f"{ONE}[[question]]\nask = 3\n", "line 6: ask must be text, found 3"),
        (ONE.replace("pool", "pol"), "line 3: unknown field pol (did you mean pool?)"),
        (ONE.replace('["max"]', "[]"), "line 4: values must be a non-empty list"),
        (ONE.replace('"max"', '"min"'), "line 4: pool must be max or average, found 'min'"),
        (f"{ONE}{ONE.replace('pool', 'kernel').replace('max', 'x')}", "line 8: kernel must be whole numbers from 1"),
        ("question = 3", "line 1: questions must be sections [[question]]"),
        (
            f'[study]\nbase = "pool average"\n{ONE.replace("max", "average")}',
            "line 2: base must not be named pool average",
        ),
        (
            f"[base]\nkernel = 0\n{ONE}[budget]\nepochs = 0\n[best]\n",
            "line 2: kernel must be whole numbers from 1 to 28, "
            "found 0; line 8: epochs must be more than 0, found 0; line 9: unknown section [best]",
        ),
    ],
)
def test_problems_of_a_study_file_are_told_with_their_lines(tmp_path, text, message):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_study(path)
    assert message in caught.value.found


LITTLE = """
[study]
title = "A little study"
framework = "torch"
[base]
filters = [2, 3]
hidden = []
[budget]
epochs = 1
seeds = 2
train_images = 2_000
validation_images = 500
[[question]]
ask = "Max or average?"
field = "pool"
values = ["average", "max"]
[[question]]
ask = "Why 2x2 pooling?"
field = "pooling"
values = [2, 4]
"""


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    folder, told, progress = tmp_path_factory.mktemp("study"), [], Recorder()
    (folder / "little.toml").write_text(LITTLE)
    with Store(folder / "store.sqlite") as store:
        found = conduct(StudyRequest(folder / "little.toml", 2), store, progress, told.append)
    return folder, found, told, progress.stages


@pytest.mark.frameworks
def test_each_model_is_trained_once_and_the_report_told_after_each(little):
    _, found, told, stages = little
    assert stages == {"Checking": 2, "Comparing the engine with the frameworks": 2, "Training": 4}
    assert [len(board.pending) for board in told] == [2, 1, 0]
    pool, pooling = found.questions
    assert [answer.label for answer in pool.answers] == ["average", "max"]
    assert pool.answers[1].row == pooling.answers[0].row
    assert pool.answers[0].row.versus_reference is not None
    assert pooling.answers[1].trouble == "pooling 2 of 4x4 does not fit its 3x3 input"


@pytest.mark.frameworks
def test_nothing_is_trained_twice(little):
    folder, progress = little[0], Recorder()
    with Store(folder / "store.sqlite") as store:
        found = conduct(StudyRequest(folder / "little.toml", 2), store, progress, lambda _: None)
    assert progress.stages == {}
    assert found == little[1]


@pytest.mark.frameworks
def test_reports_of_a_file_of_any_name_have_names_that_markdown_links(little):
    folder = little[0]
    path = (folder / "little.toml").rename(folder / "A little (study).toml")
    with Store(folder / "store.sqlite") as store:
        found = conduct(StudyRequest(path, 2), store, Recorder(), lambda _: None)
    path.rename(folder / "little.toml")
    assert re.fullmatch(r"A-little-study-[0-9a-f]{12}", found.name)
    assert f"](pictures/study-{found.name}-1-pool.svg)" in render_study(found)[f"study-{found.name}.md"]


@pytest.mark.frameworks
def test_the_command_writes_the_reports_and_a_picture_for_each_question(little, tmp_path, capsys):
    command = ["study", str(little[0] / "little.toml"), "--store", str(little[0] / "store.sqlite")]
    assert _guarded(lambda: cli([*command, "--reports", str(tmp_path)], standalone_mode=False)) == 0
    assert "Max or average?" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "study-little-1-pool.svg", "study-little-2-pooling.svg",
    ]  # fmt: skip
    document = json.loads((tmp_path / "study-little.json").read_text())
    assert [row["value"] for row in document["rows"]] == ["average", "max", "2x2", "4x4"]
    assert document["rows"][3]["accuracy"] is None and "does not fit" in document["rows"][3]["trouble"]


@pytest.mark.frameworks
def test_a_base_that_cannot_be_built_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(f"[base]\npooling = 6\n{ONE}")
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(UsageError, match="a base that can be built"):
        conduct(StudyRequest(path, 1), store, Recorder(), lambda _: None)


def row(name: str, accuracy: float | None, **fields) -> Row:
    ends = {} if accuracy is None else {"accuracy_low": accuracy - 0.001, "accuracy_high": accuracy + 0.001}
    status = Status.ERRORED if accuracy is None else Status.RANKED
    return Row(name, Framework.TORCH, status, accuracy=accuracy, parameters=61_706, macs=416_520, **ends, **fields)


def board(*answers: Answer) -> StudyBoard:
    question = Answered("Why <5x5>?", "kernel", answers)
    return StudyBoard("A | study", "s", "LeNet-5", Framework.TORCH, "MNIST", "3 epochs.", "abc", (question,))


BASE = Answer("5x5", True, row("LeNet-5", 0.9871, is_reference=True), 0.04)
WORSE = Answer(
    "3x3",
    False,
    row("kernel 3x3", 0.98, versus_reference=Versus.WORSE, reference_difference=Difference(-0.0071, -0.009, -0.005)),
    0.07,
)


def test_answers_are_told_in_sentences():
    pending, broken = Answer("7x7", False), Answer("9x9", False, row("kernel 9x9", None, reason="it crashed"))
    assert sentences(board(BASE, WORSE, pending, broken).questions[0], board(BASE)) == [
        "3x3: worse than LeNet-5, +71 errors in 10,000 (+50 to +90).",
        "7x7: not finished yet.",
        "9x9: it crashed.",
    ]


def test_reports_say_the_same_in_every_form_and_are_escaped():
    files = render_study(board(BASE, WORSE))
    assert set(files) == {
        "study-s.md", "study-s.csv", "study-s.json", "study-s.html", "pictures/study-s-1-kernel.svg",
    }  # fmt: skip
    rows = json.loads(files["study-s.json"])["rows"]
    assert [(r["value"], r["accuracy"], r["versus_base"]) for r in rows] == [
        ("5x5", 0.9871, None), ("3x3", 0.98, "worse"),
    ]  # fmt: skip
    assert [line["loss"] for line in csv.DictReader(io.StringIO(files["study-s.csv"]))] == ["0.04", "0.07"]
    assert "Why &lt;5x5&gt;?" in files["study-s.html"] and "<5x5>" not in files["study-s.html"]
    assert "<title>Why &lt;5x5&gt;?</title>" in files["pictures/study-s-1-kernel.svg"]
    assert "A \\| study" in files["study-s.md"]
    console = make_console(io.StringIO())
    console.print(study_view(board(BASE, WORSE)))
    assert "5x5 (LeNet-5)" in console.file.getvalue()


def test_the_base_is_marked_where_a_question_does_not_have_it_too():
    other = Answered("Which pool?", "pool", (WORSE,))
    files = render_study(replace(board(BASE, WORSE), questions=(*board(BASE, WORSE).questions, other)))
    assert 'class="mark"' in files["pictures/study-s-2-pool.svg"]


def test_a_wide_axis_has_few_ticks():
    axis = axis_of_study(board(replace(BASE, row=row("LeNet-5", 0.3, is_reference=True)), WORSE))
    assert axis and 2 <= len(axis.ticks) <= 6


def test_nothing_measured_yet_is_a_report_without_pictures():
    files = render_study(replace(board(Answer("5x5", True), Answer("3x3", False)), pending=("LeNet-5", "kernel 3x3")))
    assert set(files) == {"study-s.md", "study-s.csv", "study-s.json", "study-s.html"}
    assert "Not done yet: LeNet-5, kernel 3x3." in files["study-s.html"]
