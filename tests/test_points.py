"""Points: what each part is given for, that equals get equals, and what is said of them."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.records.board import Board, Difference, Points, PointsPart, Row, SeedRun, Status, Versus
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.layer import Layer
from harness.records.run import RunStatus
from harness.reports import wording
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.spreadsheet import board_csv
from harness.reports.terminal import board_table
from harness.scoring.points import between, points_of, with_points
from harness.tasks.assignment import Assignment, PointsRule, load_assignment

BEHAVIOURS = Path(__file__).parent / "submissions"
RULE = PointsRule(imports=9, shapes=21, parameters=10, claims=10, accuracy=50, bonus=5, cap=100)
PASSED = tuple(
    Check(name, Outcome.PASSED, found="as it should be", about=about)
    for name, about in (("model", ""), *(("layer", f) for f in "C1 S2 C3 S4 C5 F6 OUTPUT".split()), ("parameters", ""))
)
LAYERS = (*(Layer("dense", (4,), (2,), f"fc{at}", parameters=10) for at in range(5)), Layer("flatten", (4,), (4,)))
RIGHTS = tuple(Claim(f"fc{at}", 10, 10, covers=(at,)) for at in range(5))
RIGHT, WRONG = RIGHTS[0], Claim("fc1", 1, 10, covers=(1,))
RUNS = tuple(SeedRun(seed, RunStatus.DONE, 0.985) for seed in range(3))
ROW = Row(
    "ada",
    Framework.TORCH,
    Status.RANKED,
    parameters=61_706,
    accuracy=0.985,
    accuracy_low=0.983,
    accuracy_high=0.987,
    runs=RUNS,
    seeds_asked=3,
    fingerprint="f00",
    checks=PASSED,
    claims=RIGHTS,
    layers=LAYERS,
    versus_reference=Versus.UNCLEAR,
    reference_difference=Difference(-0.002, -0.005, 0.001),
)
REFERENCE = replace(ROW, submission="LeNet-5", is_reference=True, accuracy=0.987)


def earned(row: Row = ROW, rule: PointsRule = RULE) -> dict[str, float]:
    points = points_of(row, rule, {Framework.TORCH: 0.987})
    assert points is not None
    return {part.name: part.earned for part in points.parts}


def total(row: Row = ROW, rule: PointsRule = RULE) -> float:
    points = points_of(row, rule, {Framework.TORCH: 0.987})
    assert points is not None
    return points.earned


def with_checks(*changed: Check) -> Row:
    names = {check.name for check in changed}
    return replace(ROW, checks=(*(check for check in PASSED if check.name not in names), *changed))


def test_everything_right_gets_everything_but_the_bonus():
    assert earned() == {"imports": 9, "shapes": 21, "parameters": 10, "claims": 10, "accuracy": 50, "bonus": 0}
    assert points_of(ROW, RULE, {}).possible == 100
    assert total() == 100


def test_a_part_that_is_not_asked_for_is_not_there():
    assert earned(rule=PointsRule(accuracy=50)) == {"accuracy": 50}
    assert points_of(ROW, PointsRule(accuracy=50, bonus=5), {}).possible == 50


def test_shapes_are_the_share_of_right_layers():
    failed = [Check("layer", Outcome.FAILED, "a", "b", "c", about=name) for name in ("C1", "C5")]
    assert earned(with_checks(*failed))["shapes"] == pytest.approx(21 * 5 / 7)
    extra = Check("extra", Outcome.FAILED, "none", "dense", "remove it", about="layer")
    assert earned(with_checks(extra))["shapes"] == pytest.approx(21 * 7 / 8, abs=0.01)
    assert earned(with_checks(*[extra] * 500))["shapes"] < 1


@pytest.mark.parametrize("name", ["parameters", "size"])
def test_parameters_are_the_total_and_the_limit(name):
    row = with_checks(Check(name, Outcome.FAILED, "61,706", "44,426", "fix it"))
    assert earned(row)["parameters"] == 0
    assert "44,426, expected 61,706" in [part.why for part in points_of(row, RULE, {}).parts]


def test_an_own_design_is_asked_for_no_layer_and_gets_those_points():
    row = replace(ROW, checks=(Check("model", Outcome.PASSED), Check("reference", Outcome.PASSED, "any design")))
    assert (earned(row)["shapes"], earned(row)["parameters"]) == (21, 10)


def test_claims_are_the_share_of_the_layers_that_are_claimed_rightly():
    def claims(*found: Claim) -> float:
        return earned(replace(ROW, claims=found))["claims"]

    one, other, fifth = (Claim("x", 5, 5, covers=(at,)) for at in (0, 1, 4))
    wrong, total = replace(one, claimed=4), Claim("total", 9, 9)
    assert claims(one) == 2 and claims(one, other, fifth) == 6, "five layers are asked for"
    assert claims(one, one, replace(one, name="C1")) == 2, "one layer, whatever it is called"
    assert claims(one, wrong) == 0, "right and wrong at once is not right"
    assert claims(one, total) == 2, "a right total is no layer"
    assert claims(one, replace(total, claimed=8)) == pytest.approx(10 / 6, abs=0.01)
    assert claims(one, Claim("fc9", 5, None)) == pytest.approx(10 / 6, abs=0.01)
    assert claims(replace(one, covers=(5,))) == 0, "a layer without parameters is not asked for"
    assert claims() == 0


@pytest.mark.parametrize(
    ("accuracy", "points"), [(0.985, 50), (1.0, 50), (0.9, 0), (0.1, 0), (0.9425, 25), (0.9765, 45)]
)
def test_accuracy_grows_in_a_straight_line_between_the_cut_offs(accuracy, points):
    assert earned(replace(ROW, accuracy=accuracy))["accuracy"] == pytest.approx(points, abs=0.005)


@pytest.mark.parametrize(("high", "points"), [(0.001, 50), (0.0, 50), (-0.005, 37.5), (-0.02, 0), (-0.5, 0)])
def test_against_the_reference_the_upper_bound_of_the_difference_counts(high, points):
    rule = PointsRule(accuracy=50, accuracy_none=-0.02, accuracy_full=0.0, accuracy_against="reference")
    assert total(replace(ROW, reference_difference=Difference(high - 0.001, -0.7, high)), rule) == points


def test_a_seed_that_went_wrong_gets_no_benefit_of_its_own_wide_interval():
    rule = PointsRule(accuracy=50, accuracy_none=-0.02, accuracy_full=0.0, accuracy_against="reference")
    diverged = (*RUNS[:2], SeedRun(2, RunStatus.DIVERGED, 0.0))
    row = replace(ROW, accuracy=0.657, runs=diverged, reference_difference=Difference(-0.33, -1.0, 0.9))
    assert total(row, rule) == 0


def test_one_seed_is_compared_by_its_own_upper_bound():
    rule = PointsRule(accuracy=50, accuracy_none=-0.02, accuracy_full=0.0, accuracy_against="reference")
    row = replace(ROW, status=Status.PROVISIONAL, reference_difference=None, accuracy_high=0.982)
    assert total(row, rule) == 37.5
    assert points_of(replace(row, framework=Framework.TENSORFLOW), rule, {Framework.TORCH: 0.987}).earned == 37.5
    assert points_of(row, rule, {}) is None  # no reference to compare with is not the submission's doing


def test_a_failed_row_keeps_the_points_of_its_model_and_has_none_for_accuracy():
    row = replace(
        ROW, status=Status.FAILED, accuracy=None, accuracy_high=None, versus_reference=None, reference_difference=None
    )
    assert earned(row) == {"imports": 9, "shapes": 21, "parameters": 10, "claims": 10, "accuracy": 0, "bonus": 0}
    against = PointsRule(accuracy=50, accuracy_none=-0.02, accuracy_full=0.0, accuracy_against="reference")
    assert total(row, against) == 0


def test_what_cannot_be_built_gets_nothing():
    row = Row("kim", Framework.TORCH, Status.FAILED, checks=(Check("import", Outcome.FAILED, "a", "b", "c"),))
    assert set(earned(row).values()) == {0}


def test_what_the_harness_owes_has_no_points_yet_and_the_reference_never():
    rows = with_points([REFERENCE, ROW, replace(ROW, status=Status.ERRORED)], RULE)
    assert [row.points is None for row in rows] == [True, False, True]
    assert with_points([ROW], None) == (ROW,)


def test_better_than_the_reference_is_a_bonus_up_to_the_cap():
    better = replace(ROW, versus_reference=Versus.BETTER, claims=(*RIGHTS[:4], WRONG))
    assert earned(better)["bonus"] == 5
    assert total(better) == 100 - 5 + 5
    assert total(replace(better, claims=RIGHTS)) == 100
    assert total(replace(better, claims=RIGHTS), replace(RULE, cap=None)) == 105


def test_no_place_enters():
    places = [replace(ROW, place_low=low, place_high=9) for low in (1, 5, 9)]
    assert len({total(row) for row in places}) == 1


NUMBERS = st.floats(0, 100)
ACCURACIES = st.floats(0, 1)


@st.composite
def rules(draw):
    none, full = sorted(draw(st.lists(ACCURACIES, min_size=2, max_size=2, unique=True)))
    parts = {name: draw(NUMBERS) for name in ("imports", "shapes", "parameters", "claims", "accuracy", "bonus")}
    return PointsRule(**parts, accuracy_none=none, accuracy_full=full, cap=draw(st.none() | st.floats(0.1, 400)))


@given(rules(), ACCURACIES, ACCURACIES, st.sampled_from(Versus), st.lists(st.sampled_from([RIGHT, WRONG])))
def test_points_are_in_bounds_monotone_and_equal_for_equals(rule, first, second, versus, claims):
    row = replace(ROW, versus_reference=versus, claims=tuple(claims))
    low, high = (total(replace(row, accuracy=accuracy), rule) for accuracy in sorted((first, second)))
    most = sum(rule.parts.values()) + 0.04
    assert 0 <= low <= high <= min(most, round(rule.cap, 2) if rule.cap else most)
    assert total(replace(row, accuracy=first, submission="ben", place_low=7), rule) == total(
        replace(row, accuracy=first), rule
    )


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1, exclude_max=True), st.floats(0.001, 1))
def test_a_straight_line_never_falls(first, second, none, width):
    rule = PointsRule(accuracy=1, accuracy_none=none, accuracy_full=none + width, accuracy_against="reference")
    low, high = (between(value, rule) for value in sorted((first, second)))
    assert 0 <= low <= high <= 1


# The section in the file


@pytest.fixture
def file(tmp_path):
    return tmp_path / "assignment.toml"


def load(file: Path, text: str) -> Assignment:
    file.write_text(text)
    return load_assignment(file)


def test_no_section_no_points_and_every_key_is_read(file):
    assert load(file, "").points is None
    assert load(file, "[points]\naccuracy = 50").points == PointsRule(accuracy=50)
    everything = load(
        file,
        "[points]\nimports = 10\nshapes = 20.5\nparameters = 10\nclaims = 10\naccuracy = 50\naccuracy_none = 0.5\n"
        'accuracy_full = 1\naccuracy_against = "scale"\nbonus = 5\ncap = 100',
    ).points
    assert everything == PointsRule(10, 20.5, 10, 10, 50, 0.5, 1, "scale", 5, 100)


def test_against_the_reference_the_cut_offs_are_differences(file):
    rule = load(file, '[points]\naccuracy = 50\naccuracy_against = "reference"').points
    assert (rule.accuracy_none, rule.accuracy_full) == (-0.02, 0.0)


def test_every_problem_is_told_with_its_line(file):
    with pytest.raises(UsageError) as caught:
        load(
            file,
            "[points]\nshape = 20\nimports = -1\nclaims = true\naccuracy = nan\naccuracy_none = 0.99\ncap = 0\n"
            'accuracy_against = "rank"\nbonus = inf\naccuracy_full = 2\nparameters = "many"\n',
        )
    for words in (
        "line 2: unknown shape (did you mean shapes?)",
        "line 3: imports must be at least 0, found -1",
        "line 4: claims must be a number, found True",
        "line 5: accuracy must be at least 0, found nan",
        "line 7: cap must be more than 0, found 0",
        "line 8: accuracy_against must be scale or reference, found 'rank'",
        "line 9: bonus must be at most 1,000,000,000, found inf",
        "line 10: accuracy_full must be at most 1, found 2",
        "line 11: parameters must be a number, found 'many'",
        "line 6: accuracy_none must be less than accuracy_full, found 0.99 and 0.985",
    ):
        assert words in caught.value.found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[points]\n", "line 1: [points] must give points for at least one of imports"),
        ("[points]\ncap = 5\n", "line 1: [points] must give points"),
        ("points = 5\n", "line 1: [points] must be a section"),
        ("[point]\n", "did you mean points?"),
        ("[points]\naccuracy = 1\naccuracy_none = 0.5\naccuracy_full = 0.5\n", "line 3: accuracy_none must be less"),
        ("[points]\naccuracy = 1\naccuracy_none = -0.1\n", "line 3: accuracy_none must be at least 0"),
        ('[points]\naccuracy = 1\naccuracy_against = "reference"\naccuracy_none = -2\n', "must be at least -1"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(file, text, words):
    with pytest.raises(UsageError) as caught:
        load(file, text)
    assert words in caught.value.found


def test_the_rule_is_one_sentence():
    assert RULE.sentence() == (
        "Points: 9 for a model that can be built, 21 for layers that match the reference, 10 for the correct number of "
        "parameters, 10 for correct claims in PARAMETERS, 50 for accuracy (none at 90 %, all at 98.5 %, linear in "
        "between), 5 extra for being better than the reference; at most 100."
    )
    against = PointsRule(accuracy=50, accuracy_none=-0.02, accuracy_full=0.0, accuracy_against="reference")
    assert "(none at -2 %, all at 0 % relative to the reference at best, linear in between)" in against.sentence()


# Reports


def board(*rows: Row, rule: str = RULE.sentence()) -> Board:
    scored = with_points(rows, RULE if rule else None)
    parts = tuple(RULE.parts) if rule else ()
    return Board("T", "mnist", "b", "h", "LeNet-5", 61_706, scored, points_rule=rule, points_parts=parts)


def test_every_report_has_a_column_of_points_and_says_the_rule():
    graded = board(replace(ROW, accuracy=0.9425), REFERENCE, replace(ROW, submission="eva", status=Status.ERRORED))
    assert [wording.points(row) for row in graded.rows] == ["75", "–", "–"]
    assert "points" in [column.key for column in wording.columns(graded)]
    for text in (board_markdown(graded), board_html(graded)):
        assert "linear in between" in text
    rows = json.loads(board_json(graded))["rows"]
    assert rows[0]["points"]["earned"] == 75
    assert rows[0]["points"]["possible"] == 100
    assert [part["name"] for part in rows[0]["points"]["parts"]] == list(RULE.parts)
    assert rows[1]["points"] is rows[2]["points"] is None
    header, first, second, _ = board_csv(graded).splitlines()
    ending = "points,points_imports,points_shapes,points_parameters,points_claims,points_accuracy,points_bonus"
    assert header.endswith(f",{ending}")
    assert first.endswith(",75.0,9.0,21.0,10.0,10.0,25.0,0.0") and second.endswith("," * 7)


def test_without_a_rule_there_is_no_column():
    plain = board(ROW, rule="")
    assert "points" not in [column.key for column in wording.columns(plain)]
    assert "points" not in board_csv(plain)
    assert json.loads(board_json(plain))["rows"][0]["points"] is None


@pytest.mark.parametrize(
    ("value", "text"), [(87.5, "87.5"), (100.0, "100"), (0.0, "0"), (33.33, "33.33"), (1234, "1,234")]
)
def test_points_have_no_more_decimals_than_they_need(value, text):
    assert wording.points(replace(ROW, points=Points(value, 1, ()))) == text


def test_hostile_words_of_a_part_are_cleaned():
    part = PointsPart("shapes", 1, 2, "\x1b[31m=cmd\u202e<script>")
    graded = replace(board(ROW), rows=(replace(ROW, points=Points(1, 2, (part,))),))
    text = json.loads(board_json(graded))["rows"][0]["points"]["parts"][0]["why"]
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("width", [80, 120, 190])
def test_points_find_room_in_a_terminal(width):
    graded = board(replace(ROW, accuracy=0.93), REFERENCE)
    stream = io.StringIO()
    Console(file=stream, width=width).print(board_table(graded))
    assert "points" in stream.getvalue() and "67.65" in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) <= width


def test_the_worked_example_of_the_documents_is_what_the_code_gives():
    rule = PointsRule(imports=10, shapes=20, parameters=10, claims=10, accuracy=50, bonus=5, cap=100)
    wrong = [Check("layer", Outcome.FAILED, "a", "b", "c", about=name) for name in "C1 S2 C3 S4 C5".split()]
    failed = replace(ROW, status=Status.FAILED, accuracy=None, versus_reference=None)
    jon = (*PASSED[-3:-1], *wrong, Check("parameters", Outcome.FAILED, "61,706", "44,426"))
    class_ = {
        "ada": replace(ROW, accuracy=0.9748, claims=(*RIGHTS[:1], *RIGHTS[2:], WRONG)),
        "ben": replace(ROW, accuracy=0.99, versus_reference=Versus.BETTER),
        "jon": replace(failed, checks=jon),
        "gwen": replace(ROW, claims=(), checks=PASSED[:1]),
    }
    text = (Path(__file__).parents[1] / "docs" / "assignment.md").read_text(encoding="utf-8")
    assert f"| | {' | '.join(rule.parts)} | points |" in text
    for name, row in class_.items():
        points = points_of(row, rule, {})
        cells = [f"{value:g}" for value in (*(part.earned for part in points.parts), points.earned)]
        assert f"| {name} | {' | '.join(cells)} |" in text
