"""Copies of one set of weights are found whatever a seed does to them; weights that a seed draws are not."""

import itertools
import warnings

import initializations
import numpy as np
import pytest
from initializations import DESIGNS, KERAS, LENET, OTHERS, TORCH, by_keras, by_torch, in_keras_layout

from harness.scoring.copies import is_copy

TENSORS = len(LENET)
PAIRS = range(8)
DRAWN = [(design, pair) for pair in PAIRS for design in DESIGNS]
CASES = [case if number % 10 == 0 else pytest.param(*case, marks=pytest.mark.long) for number, case in enumerate(DRAWN)]
"""More than 200 initializations in both layouts; a fixed tenth of them is not `long`."""
STORED = {
    "conv 6x1x5x5": (6, 1, 5, 5),
    "conv 16x6x5x5": (16, 6, 5, 5),
    "conv 32x1x3x3": (32, 1, 3, 3),
    "dense 120x400": (120, 400),
    "dense 10x84": (10, 84),
    "dense 10x784": (10, 784),
}
NOISE = (0, 1e-4, 1e-3, 1e-2, 0.1)


def stored(shape, number=0):
    """Numbers as a file may hold them: heavier tails than a draw from a normal distribution."""
    return np.random.default_rng([7, number]).standard_t(5, shape)


def blurred(weights, chance, noise):
    return (weights + noise * weights.std() * chance.normal(size=weights.shape)).astype(np.float32)


def permuted(weights, axes, chance):
    for axis in axes:
        weights = np.take(weights, chance.permutation(weights.shape[axis]), axis)
    return weights


def found(weights, change, noise, chance):
    first, second = blurred(weights, chance, noise), blurred(change(weights), chance, noise)
    return is_copy(first, second, TENSORS), is_copy(in_keras_layout(first), in_keras_layout(second), TENSORS)


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("shape", STORED.values(), ids=STORED)
@pytest.mark.parametrize("factor", [1, -1, 0.01, -30])
def test_copies_in_place_are_found(shape, noise, factor):
    assert all(found(stored(shape), lambda weights: factor * weights, noise, np.random.default_rng(0)))


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("shape", STORED.values(), ids=STORED)
def test_copies_with_one_axis_permuted_are_found(shape, noise):
    chance = np.random.default_rng(1)
    for axis in (axis for axis, size in enumerate(shape) if size > 2):
        for factor in (1, -0.5):
            assert all(found(stored(shape), lambda w, a=axis, f=factor: f * permuted(w, [a], chance), noise, chance)), (
                axis
            )


@pytest.mark.parametrize(("shape", "least"), [((16, 6, 5, 5), 3), ((120, 400), 9), ((84, 120), 9)], ids=str)
def test_copies_with_several_axes_permuted_are_found(shape, least):
    """All of them up to a noise of 1 %; with 10 %, nearly all dense layers and a part of the small convolutions."""
    chance = np.random.default_rng(2)
    for axes in itertools.combinations(range(len(shape)), 2):
        for noise in NOISE[:-1]:
            assert all(found(stored(shape), lambda w, a=axes: -permuted(w, a, chance), noise, chance)), (axes, noise)
    noisy = [all(found(stored(shape, n), lambda w: permuted(w, [0, 1], chance), 0.1, chance)) for n in range(10)]
    assert sum(noisy) >= least


def test_signs_and_scales_of_each_unit_do_not_hide_a_copy():
    """Tanh lets a unit change its sign, relu its scale."""
    chance, weights = np.random.default_rng(3), stored((120, 400))
    signs, scales = chance.choice([-1, 1], (120, 1)), chance.uniform(0.5, 2, (120, 1))
    assert all(found(weights, lambda w: permuted(w * signs * scales, [0], chance), 0.1, chance))
    assert all(found(weights, lambda w: permuted(w * signs, [0, 1], chance), 0.01, chance))


def test_numbers_in_any_order_are_found():
    chance = np.random.default_rng(4)
    for shape in STORED.values():
        assert all(found(stored(shape), lambda w: -chance.permutation(w.ravel()).reshape(w.shape), 0, chance))


def test_half_a_tensor_is_found_and_a_tenth_of_its_variance_is_not():
    chance, weights = np.random.default_rng(5), stored((120, 400))
    first, second = (chance.normal(0, weights.std(), weights.shape) for _ in range(2))
    first[:70] = second[:70] = weights[:70]
    assert is_copy(first.astype(np.float32), second.astype(np.float32))
    assert not is_copy(*(blurred(weights, chance, 3.0) for _ in range(2)))


def test_large_tensors_are_compared_by_a_sample():
    chance, weights = np.random.default_rng(6), stored((600, 800))
    for axes in ([], [0], [1]):
        assert is_copy(blurred(weights, chance, 0.1), blurred(permuted(weights, axes, chance), chance, 0.1), TENSORS)
    assert not is_copy(stored((600, 800)).astype(np.float32), stored((600, 800), 1).astype(np.float32))
    assert not is_copy(np.eye(600, dtype=np.float32), np.eye(600, dtype=np.float32))


def test_equal_numbers_are_a_copy_unless_there_is_nothing_to_copy():
    filters = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], np.float32).reshape(1, 1, 3, 3)
    assert is_copy(filters, filters)
    assert is_copy(np.array([1, 2, 3], np.float32), np.array([1, 2, 3], np.float32))
    for plain in (np.zeros(6), np.full((3, 4), 0.3), np.eye(7), 2 * np.eye(4, 9), np.repeat([0, 1], 8), np.zeros(())):
        assert not is_copy(plain.astype(np.float32), plain.astype(np.float32))


def test_broken_numbers_end_the_comparison_and_nothing_else():
    chance = np.random.default_rng(8)
    first, second = (chance.normal(size=(20, 30)).astype(np.float32) for _ in range(2))
    with warnings.catch_warnings(action="error"):
        for value in (np.nan, np.inf, -np.inf, 3e38, 1e-45):
            first[3, 4] = value
            assert not is_copy(first, second)
            assert not is_copy(np.full_like(first, value), second)
        assert not is_copy(first * np.float32(0), second)
        assert not is_copy(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))


def copies_in(draw, shapes):
    """The shapes for which two draws, in either layout, are taken for copies."""
    flagged = []
    for shape in shapes:
        first, second = draw(0, shape), draw(1, shape)
        if first is None:
            continue
        pair = first.astype(np.float32), second.astype(np.float32)
        if is_copy(*pair, TENSORS) or is_copy(*map(in_keras_layout, pair), TENSORS):
            flagged.append(shape)
    return flagged


@pytest.mark.parametrize(("design", "pair"), CASES)
def test_an_honest_initialization_is_no_copy(design, pair):
    def draw(which, shape):
        return DESIGNS[design](np.random.default_rng([pair, which]), shape)

    assert copies_in(draw, LENET + OTHERS) == []


@pytest.mark.frameworks
@pytest.mark.parametrize("name", TORCH)
def test_torchs_own_initializations_are_no_copies(name):
    for pair in range(2):
        assert copies_in(lambda which, shape, p=pair: by_torch(name, 2 * p + which, shape), LENET + OTHERS) == []


@pytest.mark.frameworks
@pytest.mark.parametrize("name", KERAS)
def test_keras_own_initializations_are_no_copies(name):
    assert copies_in(lambda which, shape: by_keras(name, which, shape), LENET + OTHERS) == []


def test_there_are_hundreds_of_honest_initializations_of_many_designs():
    assert len(DRAWN) >= 200
    assert len(DESIGNS) >= 20
    assert {initializations.diagonal((3, 3)).sum()} == {3}


def test_rows_that_every_seed_shuffles_are_taken_for_a_copy():
    """Hadamard's rows in another order are honest, and cannot be told from stored ones."""
    rows = np.array([[1.0]])
    for _ in range(6):
        rows = np.block([[rows, rows], [rows, -rows]])
    chance = np.random.default_rng(9)
    assert is_copy(*(permuted(rows, [0], chance).astype(np.float32) for _ in range(2)))
