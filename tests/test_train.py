"""The course of one training run: the steps and each step's share of the learning rate."""

import numpy as np
import pytest

from harness.train import Course


def test_a_falling_rate_ends_one_step_above_nothing():
    shares = Course(epochs=2, batch_size=30, schedule="linear").shares(100)
    assert shares.shape == (2, 4)
    assert shares.ravel() == pytest.approx([1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_a_constant_rate_stays():
    assert np.array_equal(Course(epochs=3, batch_size=50, schedule="constant").shares(100), np.ones((3, 2)))
