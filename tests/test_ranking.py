"""Pairs and places: against statsmodels, against the comparison of two, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from harness.records.board import Difference
from harness.scoring.ranking import ALPHA, PlaceRange, differences, holm, place_ranges, prior, smallest_difference
from harness.scoring.score import compare

IMAGES = 2_000


def submission(error: float, state: int, seeds: int = 3, images: int = IMAGES) -> np.ndarray:
    """Errors on images that are equally hard for every submission."""
    hard = np.random.default_rng(0).beta(0.05, 1, images)
    rng = np.random.default_rng(state)
    return rng.random((seeds, images)) >= np.minimum(1, hard / hard.mean() * error)


def all_pairs(group):
    return differences(group).among(range(len(group)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(deadline=None)
def test_holm_is_that_of_statsmodels(values):
    expected = multipletests(values, method="holm")[1]
    assert holm(np.array(values)) == pytest.approx(expected)


def test_two_submissions_that_vary_alike_are_compared_with_all_their_degrees_of_freedom():
    """Equal variances between seeds: the difference and standard error of `score.compare`, pooled freedom."""
    first = submission(0.03, 1)
    second = np.roll(first, 7, axis=1)
    one, pairs = compare(first, second), differences([first, second])
    assert pairs.difference[0, 1] == pytest.approx(one.difference)
    half = (one.high - one.low) / 2
    assert pairs.error[0, 1] < half
    assert pairs.p(0, 1) == pytest.approx(one.p, abs=0.05)


def test_equal_seeds_give_the_paired_t_test_of_statsmodels():
    """With every seed alike only the images vary."""
    first, second = (np.repeat(submission(error, state, seeds=1), 3, axis=0) for state, error in ((1, 0.05), (2, 0.08)))
    _, expected, _ = DescrStatsW(first[0].astype(float) - second[0]).ttest_mean()
    assert differences([first, second]).p(0, 1) == pytest.approx(expected)


def test_pairs_do_not_depend_on_the_order():
    group = [submission(error, state) for state, error in enumerate((0.02, 0.04, 0.08))]
    pairs, turned = all_pairs(group), all_pairs(group[::-1])
    assert pairs.adjusted == pytest.approx(turned.adjusted[::-1, ::-1])
    assert pairs.difference == pytest.approx(-pairs.difference.T)
    assert pairs.adjusted == pytest.approx(pairs.adjusted.T)


def test_a_submission_and_its_twin_never_differ():
    one = submission(0.05, 1)
    pairs = all_pairs([one, one.copy()])
    assert pairs.adjusted[0, 1] == 1
    assert place_ranges(pairs) == [PlaceRange(1, 2), PlaceRange(1, 2)]


def test_twins_that_do_not_vary_leave_the_board_its_smallest_difference():
    """Their difference has neither an error nor degrees of freedom."""
    group = [submission(0.05, state) for state in (2, 2, 3, 4)]
    pairs = all_pairs(group)
    assert pairs.error[0, 1] == pairs.freedom[0, 1] == 0
    assert pairs.of(0, 1) == Difference(0.0, 0.0, 0.0)
    assert 0 < smallest_difference(pairs) < 0.05


def test_clear_differences_give_clear_places():
    group = [submission(error, state) for state, error in enumerate((0.30, 0.02, 0.10))]
    assert place_ranges(all_pairs(group)) == [PlaceRange(3, 3), PlaceRange(1, 1), PlaceRange(2, 2)]


def test_submissions_without_a_clear_difference_share_a_range_of_places():
    group = [submission(error, state) for state, error in enumerate((0.02, 0.0201, 0.0199, 0.2))]
    assert place_ranges(all_pairs(group)) == [PlaceRange(1, 3)] * 3 + [PlaceRange(4, 4)]


def test_one_submission_has_the_first_place():
    pairs = all_pairs([submission(0.1, 1)])
    assert place_ranges(pairs) == [PlaceRange(1, 1)]
    assert smallest_difference(pairs) is None


def test_perfect_submissions_differ_clearly_from_hopeless_ones_only():
    perfect, hopeless = np.ones((3, 100), bool), np.zeros((3, 100), bool)
    assert place_ranges(all_pairs([perfect, hopeless, perfect])) == [
        PlaceRange(1, 2),
        PlaceRange(3, 3),
        PlaceRange(1, 2),
    ]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=8), st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_ranges_lie_on_the_board_and_hold_the_naive_place(errors, state):
    group = [submission(error, state + index, images=300) for index, error in enumerate(errors)]
    ranges = place_ranges(all_pairs(group))
    accuracies = [correct.mean() for correct in group]
    for mine, found in zip(accuracies, ranges, strict=True):
        naive_best = 1 + sum(other > mine for other in accuracies)
        naive_worst = sum(other >= mine for other in accuracies)
        assert 1 <= found.low <= naive_best <= naive_worst <= found.high <= len(group)


def test_the_smallest_difference_is_where_telling_apart_begins():
    group = [submission(0.05, state) for state in range(4)]
    least = smallest_difference(all_pairs(group))
    told = [submission(0.05 + least * factor, 77, images=IMAGES) for factor in (0.3, 3)]
    assert not all_pairs([*group, told[0]]).better()[:4, 4].any()
    assert all_pairs([*group, told[1]]).better()[:4, 4].all()


def test_against_the_reference_is_better_worse_or_neither():
    group = [submission(error, state) for state, error in enumerate((0.10, 0.02, 0.10, 0.4))]
    assert differences(group).against([(1, 0), (2, 0), (3, 0)]) == [1, 0, -1]


def test_equal_variances_are_worth_a_quarter_of_what_the_others_know():
    _, strength = prior(np.full(11, 4.0), np.full(11, 2.0))
    assert strength == 5


def test_the_prior_finds_what_variances_were_drawn_from():
    """True variances from a scaled inverse chi-squared with 6 degrees of freedom around 0.5, seen with 4 more."""
    rng = np.random.default_rng(8)
    true = 6 * 0.5 / rng.chisquare(6, 20_000)
    usual, strength = prior(true * rng.chisquare(4, 20_000) / 4, np.full(20_000, 4.0))
    assert (usual, strength) == (pytest.approx(0.5, rel=0.05), pytest.approx(6, rel=0.1))


def test_too_few_variances_say_nothing_of_what_is_usual():
    assert prior(np.array([0.5]), np.array([2.0])) == prior(np.array([0.5, 0.0]), np.array([2.0, 2.0])) == (0, 0)


def erratic(mean: float, deviation: float, state: int, seeds: int = 3) -> np.ndarray:
    """Seeds whose accuracies differ: each flips its own share of errors."""
    rng = np.random.default_rng(state)
    shares = mean + deviation * rng.standard_normal((seeds, 1))
    return rng.random((seeds, IMAGES)) < shares


def test_a_hopeless_submission_that_varies_wildly_is_not_said_to_be_perhaps_the_best():
    group = [erratic(0.97, 0.002, state) for state in range(8)] + [erratic(0.88, 0.012, 99)]
    assert place_ranges(all_pairs(group))[-1] == PlaceRange(9, 9)


def test_boards_of_equal_models_of_which_one_is_erratic_are_rarely_wrong():
    wrong = 0
    for board in range(200):
        deviations = [0.002] * 7 + [0.01]
        group = [erratic(0.95, deviation, 100 * board + at) for at, deviation in enumerate(deviations)]
        wrong += all_pairs(group).better().any()
    assert wrong / 200 <= ALPHA + 0.06


def test_equal_models_differ_no_more_often_than_promised():
    """Ten equal models a board: the chance of any false difference is at most alpha."""
    false = 0
    for board in range(150):
        group = [submission(0.05, 1000 * board + index, images=500) for index in range(10)]
        false += all_pairs(group).better().any()
    assert false / 150 <= ALPHA + 0.04


def test_a_thousand_submissions_take_seconds():
    rng = np.random.default_rng(5)
    group = [rng.random((2, 1000)) < 0.98 for _ in range(1000)]
    assert len(place_ranges(all_pairs(group))) == 1000


def test_p_values_are_computed_for_the_pairs_that_are_asked_for(monkeypatch):
    """Of each two submissions one, and none for the references among themselves."""
    asked = []
    real = special.stdtr
    monkeypatch.setattr(special, "stdtr", lambda freedom, t: asked.append(np.size(t)) or real(freedom, t))
    found = differences([submission(0.02, state) for state in range(8)])
    found.among(range(6))
    found.against([(0, 6), (1, 7)])
    assert asked == [15, 2]
