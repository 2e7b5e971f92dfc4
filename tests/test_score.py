"""Accuracies and intervals: against statsmodels, against arithmetic by hand, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.scoring.score import (
    FEW_ERRORS,
    compare,
    correctness,
    image_shares,
    run_variance,
    score,
    seed_accuracies,
    two_way,
    wilson,
)

LABELS = np.arange(10, dtype=np.uint8)


def predictions(*wrong: int) -> bytes:
    """Right classes for LABELS but at these images."""
    classes = LABELS.copy()
    classes[list(wrong)] = (classes[list(wrong)] + 1) % 10
    return classes.tobytes()


def spread(seeds: int, images: int, wrong: int) -> np.ndarray:
    """Each seed errs on `wrong` images, every seed on others."""
    correct = np.ones((seeds, images), bool)
    for seed in range(seeds):
        correct[seed, seed * wrong : (seed + 1) * wrong] = False
    return correct


def test_correctness_compares_each_seed_with_the_labels():
    correct = correctness([predictions(), predictions(0, 9)], LABELS, 2)
    assert correct.sum(axis=1).tolist() == [10, 8]
    assert np.flatnonzero(~correct[1]).tolist() == [0, 9]


def test_seeds_without_predictions_are_all_wrong():
    correct = correctness([predictions(1), b""], LABELS, 4)
    assert correct.sum(axis=1).tolist() == [9, 0, 0, 0]


def test_failed_seed_pulls_the_mean_down_to_its_share():
    result = score(correctness([predictions(), predictions(3), b""], LABELS, 3))
    assert result.accuracy == pytest.approx(19 / 30)
    assert result.seed_accuracies == (1.0, 0.9, 0.0)
    assert result.errors_per_10000 == pytest.approx(10_000 * 11 / 30)


def test_all_seeds_failed_is_an_accuracy_of_nothing():
    result = score(correctness([b"", b""], LABELS, 2))
    assert (result.accuracy, result.low) == (0.0, 0.0)
    assert result.errors_per_10000 == 10_000


@given(st.integers(1, 20_000), st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_wilson_interval_is_that_of_statsmodels(count, share):
    low, high = proportion_confint(share * count, count, method="wilson")
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_wilson_interval_has_the_confidence_asked_for(confidence):
    low, high = proportion_confint(9_900, 10_000, alpha=1 - confidence, method="wilson")
    assert wilson(0.99, 10_000, confidence) == pytest.approx((low, high), abs=1e-12)


def test_one_seed_gets_the_wilson_interval_of_its_images():
    correct = spread(1, 1000, 100)
    result = score(correct)
    assert (result.low, result.high) == pytest.approx(proportion_confint(900, 1000, method="wilson"))


def test_perfect_model_does_not_get_an_interval_without_width():
    result = score(np.ones((3, 10_000), bool))
    assert result.accuracy == result.high == 1.0
    assert 0.9995 < result.low < 1.0


@pytest.mark.parametrize(("wrong", "is_wilson"), [(FEW_ERRORS - 1, True), (FEW_ERRORS, False)])
def test_few_errors_get_the_wilson_interval(wrong, is_wilson):
    correct = spread(3, 1000, wrong)
    result = score(correct)
    other = two_way(correct)
    assert ((result.low, result.high) == pytest.approx(wilson(1 - wrong / 1000, 1000))) is is_wilson
    assert ((result.low, result.high) == pytest.approx(other)) is not is_wilson


def test_run_variance_of_independent_errors_is_nothing():
    rng = np.random.default_rng(1)
    found = [run_variance(rng.random((5, 2000)) < 0.9) for _ in range(200)]
    assert np.median(found) < 0.9 * 0.1 / 2000 / 5
    assert min(found) == 0.0


def test_run_variance_is_that_of_the_runs_where_images_do_not_differ():
    """Seeds that are wrong as a whole: their accuracies 1, 1, 0 vary by 1/3, less what chance explains."""
    correct = np.zeros((3, 1000), bool)
    correct[:2] = True
    explained = 1000 * (2 / 9) * (3 / 2) / 1000**2
    assert run_variance(correct) == pytest.approx(1000 / 999 * (1 / 3 - explained))


def test_run_variance_is_unbiased_against_a_simulation():
    """Accuracy of a run is 0.9 plus a common shift; its variance is known, independent errors come on top."""
    rng = np.random.default_rng(2)
    seeds, images, deviation = 8, 400, 0.03
    found = []
    for _ in range(600):
        shift = rng.normal(0, deviation, (seeds, 1))
        found.append(run_variance(rng.random((seeds, images)) < 0.85 + shift))
    assert np.mean(found) == pytest.approx(deviation**2, rel=0.1)


def test_equal_seeds_have_the_interval_of_a_mean_over_images():
    """With every seed alike only the images vary: the t-interval of one sample."""
    row = np.random.default_rng(3).random(500) < 0.8
    low, high = two_way(np.stack([row] * 4))
    expected = stats.t.interval(0.95, 499, row.mean(), row.std(ddof=1) / math.sqrt(500))
    assert (low, high) == pytest.approx(expected)


def test_seeds_wrong_as_a_whole_have_the_interval_of_a_mean_over_seeds():
    """With every image alike only the seeds vary: two degrees of freedom, cut to what an accuracy can be."""
    correct = np.zeros((3, 1000), bool)
    correct[:2] = True
    low, high = two_way(correct, 0.5)
    expected = stats.t.interval(0.5, 2, 2 / 3, math.sqrt(1 / 3 / 3))
    assert (low, min(1, high)) == pytest.approx((expected[0], min(1, expected[1])), rel=0.01)
    assert two_way(correct) == (0.0, 1.0)


@pytest.mark.parametrize("value", [True, False])
def test_interval_without_any_variance_is_wilsons(value):
    correct = np.full((3, 1000), value)
    assert two_way(correct) == pytest.approx(proportion_confint(1000 * value, 1000, method="wilson"))


def coverage(seeds: int, images: int, deviation: float, draws: int = 800) -> float:
    """How often the interval holds the mean of the population of images and runs it was drawn from."""
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(draws):
        ease = rng.beta(6, 1.5, images)
        shift = rng.normal(0, deviation, (seeds, 1))
        low, high = two_way(rng.random((seeds, images)) < ease + shift * ease * (1 - ease) * 4)
        hits += low <= 0.8 <= high
    return hits / draws


@pytest.mark.parametrize(("seeds", "deviation"), [(2, 0.0), (3, 0.0), (3, 0.05), (5, 0.05), (10, 0.15)])
def test_interval_covers_the_true_accuracy_as_often_as_it_says(seeds, deviation):
    assert 0.93 <= coverage(seeds, 300, deviation) <= 0.99


@given(st.integers(2, 6), st.integers(2, 40), st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(deadline=None, max_examples=150)
def test_interval_holds_the_mean_and_lies_in_zero_to_one(seeds, images, state, share):
    correct = np.random.default_rng(state).random((seeds, images)) < share
    for result in (two_way(correct), wilson(float(correct.mean()), images)):
        low, high = result
        assert 0 <= low <= correct.mean() + 1e-12
        assert correct.mean() - 1e-12 <= high <= 1


def test_comparison_of_a_model_with_itself_finds_no_difference():
    correct = spread(3, 1000, 50)
    result = compare(correct, correct)
    assert (result.difference, result.low) == (0.0, pytest.approx(-result.high))


def test_comparison_is_the_other_way_round_when_the_sides_change():
    first, second = spread(3, 1000, 50), spread(3, 1000, 80)
    there, back = compare(first, second), compare(second, first)
    assert there.difference == pytest.approx(0.03)
    assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))


def test_comparison_of_equal_seeds_is_the_paired_t_interval():
    rng = np.random.default_rng(5)
    first, second = rng.random(800) < 0.9, rng.random(800) < 0.85
    result = compare(np.stack([first] * 3), np.stack([second] * 3))
    expected = stats.ttest_rel(first.astype(float), second.astype(float)).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), rel=1e-3)


def test_comparison_gains_from_images_that_are_hard_for_both():
    rng = np.random.default_rng(6)
    hard = rng.random((1, 2000)) < 0.2
    first, second = (~hard | (rng.random((3, 2000)) < 0.1) for _ in range(2))
    paired, alone = compare(first, second), two_way(first)
    assert paired.high - paired.low < 0.6 * (alone[1] - alone[0])


def test_comparison_tells_equals_apart_no_more_often_than_it_says():
    rng = np.random.default_rng(7)
    differing = 0
    for _ in range(500):
        ease = rng.beta(6, 1.5, 300)
        sides = [rng.random((3, 300)) < ease + rng.normal(0, 0.05, (3, 1)) * ease * (1 - ease) * 4 for _ in range(2)]
        result = compare(*sides)
        differing += not result.low <= 0 <= result.high
    assert differing / 500 <= 0.08


def test_the_p_value_is_one_twentieth_where_the_interval_touches_zero():
    first, second = spread(3, 1000, 60), spread(3, 1000, 30)[:, ::-1]
    found = compare(first, second)
    confidence = 1 - found.p
    edge = compare(first, second, confidence)
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-9)
    assert compare(first, first).p == 1


@pytest.mark.parametrize("seeds", [1, 3, 255, 256, 300])
def test_shares_are_numpys_means_to_the_last_bit(seeds):
    correct = np.random.default_rng(seeds).random((seeds, 1_000)) < 0.98
    assert (image_shares(correct) == correct.mean(axis=0)).all()
    assert (seed_accuracies(correct) == correct.mean(axis=1)).all()
    assert (image_shares(np.ones_like(correct)) == 1).all()
    assert score(correct).accuracy == float(correct.mean())
