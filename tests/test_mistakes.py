"""Which images were taken for which class: against counting one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.board import Digit
from harness.scoring.mistakes import classes_of, confusion, hardest, summed, surprises

LABELS = np.array([3, 3, 7, 0], np.uint8)


def answers(*lines):
    return np.array(lines, np.uint8)


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=5))
def test_confusion_counts_every_answer_of_every_model(lines):
    expected = [[0] * 10 for _ in range(10)]
    for line in lines:
        for label, answer in zip(LABELS, line, strict=True):
            expected[label][answer] += 1
    assert confusion(answers(*lines), LABELS) == tuple(map(tuple, expected))


def test_without_models_there_is_nothing_to_confuse():
    none = classes_of([], 4)
    assert none.shape == (0, 4)
    assert (confusion(none, LABELS), hardest(none, LABELS), surprises(none, np.ones(4), LABELS)) == ((), (), ())
    assert summed([(), ()]) == ()


def test_a_seed_without_predictions_is_no_model():
    assert classes_of([b"", bytes([3, 3, 7, 0]), b"\1"], 4).tolist() == [[3, 3, 7, 0]]


def test_matrices_are_added():
    one = confusion(answers([3, 3, 7, 0]), LABELS)
    assert summed([one, (), one]) == confusion(answers([3, 3, 7, 0], [3, 3, 7, 0]), LABELS)


def test_the_hardest_image_is_right_least_often_and_tells_the_usual_mistake():
    found = hardest(answers([3, 5, 2, 0], [3, 5, 7, 0], [3, 8, 7, 0]), LABELS)
    assert found == (Digit(1, 3, 5, 0.0), Digit(2, 7, 2, pytest.approx(2 / 3)))


def test_no_more_than_asked_for_are_the_hardest():
    labels = np.zeros(100, np.uint8)
    assert [digit.index for digit in hardest(np.ones((2, 100), np.uint8), labels, 3)] == [0, 1, 2]


def test_a_surprise_is_wrong_here_and_right_elsewhere():
    own = answers([1, 5, 2, 0], [1, 5, 2, 0], [3, 3, 2, 9])
    right = np.array([0.6, 0.9, 0.4, 1.0])
    assert surprises(own, right, LABELS) == (Digit(1, 3, 5, 0.9), Digit(0, 3, 1, 0.6))
    assert surprises(own, right, LABELS, 1) == (Digit(1, 3, 5, 0.9),)
