"""Pairs and places: against statsmodels, against the comparison of two, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from harness.ranking import ALPHA, PlaceRange, against, all_pairs, holm, place_ranges, smallest_difference
from harness.score import compare

IMAGES = 2_000


def submission(error: float, state: int, seeds: int = 3, images: int = IMAGES) -> np.ndarray:
    """Errors on images that are equally hard for every submission."""
    hard = np.random.default_rng(0).beta(0.05, 1, images)
    rng = np.random.default_rng(state)
    return rng.random((seeds, images)) >= np.minimum(1, hard / hard.mean() * error)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(deadline=None)
def test_holm_is_that_of_statsmodels(values):
    expected = multipletests(values, method="holm")[1]
    assert holm(np.array(values)) == pytest.approx(expected)


def test_all_pairs_are_the_comparisons_of_two():
    group = [submission(error, state) for state, error in enumerate((0.02, 0.03, 0.03, 0.06))]
    pairs = all_pairs(group)
    for i, first in enumerate(group):
        for j, second in enumerate(group):
            if i != j:
                one = compare(first, second)
                assert pairs.difference[i, j] == pytest.approx(one.difference)
                assert (pairs.p[i, j] < ALPHA) == (one.low > 0 or one.high < 0)


def test_equal_seeds_give_the_paired_t_test_of_statsmodels():
    """With every seed alike only the images vary."""
    first, second = (np.repeat(submission(error, state, seeds=1), 3, axis=0) for state, error in ((1, 0.05), (2, 0.08)))
    _, expected, _ = DescrStatsW(first[0].astype(float) - second[0]).ttest_mean()
    assert all_pairs([first, second]).p[0, 1] == pytest.approx(expected)


def test_pairs_do_not_depend_on_the_order():
    group = [submission(error, state) for state, error in enumerate((0.02, 0.04, 0.08))]
    pairs, turned = all_pairs(group), all_pairs(group[::-1])
    assert pairs.adjusted == pytest.approx(turned.adjusted[::-1, ::-1])
    assert pairs.difference == pytest.approx(-pairs.difference.T)
    assert pairs.adjusted == pytest.approx(pairs.adjusted.T)


def test_a_submission_and_its_twin_are_never_told_apart():
    one = submission(0.05, 1)
    pairs = all_pairs([one, one.copy()])
    assert pairs.adjusted[0, 1] == 1
    assert place_ranges(pairs) == [PlaceRange(1, 2), PlaceRange(1, 2)]


def test_clear_differences_give_clear_places():
    group = [submission(error, state) for state, error in enumerate((0.30, 0.02, 0.10))]
    assert place_ranges(all_pairs(group)) == [PlaceRange(3, 3), PlaceRange(1, 1), PlaceRange(2, 2)]


def test_ties_share_a_range_of_places():
    group = [submission(error, state) for state, error in enumerate((0.02, 0.0201, 0.0199, 0.2))]
    assert place_ranges(all_pairs(group)) == [PlaceRange(1, 3)] * 3 + [PlaceRange(4, 4)]


def test_one_submission_has_the_first_place():
    pairs = all_pairs([submission(0.1, 1)])
    assert place_ranges(pairs) == [PlaceRange(1, 1)]
    assert smallest_difference(pairs) is None


def test_perfect_submissions_are_told_apart_from_hopeless_ones_only():
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
    reference = submission(0.10, 1)
    assert against([submission(0.02, 2), submission(0.10, 3), submission(0.4, 4)], reference).tolist() == [1, 0, -1]
    assert against([], reference).tolist() == []


def test_equal_models_are_told_apart_no_more_often_than_promised():
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
