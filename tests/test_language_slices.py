"""What is written only where it does something: slices of slices and of joined values, gradients that stop."""

import numpy as np
import pytest

from harness.language.builder import Builder
from harness.language.interpreter import run
from harness.records.graph import Tensor, TensorKind

SHAPE = (6, 4)
IMAGES = np.random.default_rng(0).random((2, *SHAPE))


def builder():
    return Builder(SHAPE, (Tensor("t0", TensorKind.PARAMETER, True, (4,), "F32"),))


def part(build, value, start, end, axis=1):
    return build.emit("Slice", value, axis=axis, start=start, end=end)


def numbers(build, value):
    return run(build.finish(value).graph, {"t0": np.arange(4.0)}, IMAGES).output


def test_a_slice_of_a_slice_is_one_slice():
    build = builder()
    inner = part(build, part(build, build.images, 1, 5), 1, 3)
    assert inner == part(build, build.images, 2, 4)
    assert part(build, part(build, build.images, 1, 5), 1, 3, axis=2) != inner


@pytest.mark.parametrize(("start", "end", "whose"), [(0, 2, 0), (2, 5, 1), (3, 4, 1), (5, 9, 2)])
def test_a_slice_within_one_of_joined_values_is_a_slice_of_it(start, end, whose):
    build = builder()
    relu, tanh = build.emit("Relu", build.images), build.emit("Tanh", build.images)
    parts = [part(build, relu, 0, 2), part(build, tanh, 0, 3), relu]
    joined = build.emit("Concat", *parts, axis=1)
    offset = (0, 2, 5)[whose]
    assert part(build, joined, start, end) == part(build, parts[whose], start - offset, end - offset)
    expected = np.concatenate([numbers(build, p) for p in parts], 1)[:, start:end]
    np.testing.assert_array_equal(numbers(build, part(build, joined, start, end)), expected)


def test_a_slice_across_joined_values_is_of_all():
    build = builder()
    joined = build.emit("Concat", build.images, build.emit("Relu", build.images), axis=1)
    assert build.made_by(part(build, joined, 5, 7), "Slice").inputs == (joined.name,)
    assert build.made_by(part(build, joined, 0, 2, axis=2), "Slice").inputs == (joined.name,)


def test_values_joined_inside_each_other_are_searched_for_a_bounded_depth():
    build = builder()
    value = build.images
    for _ in range(3000):
        value = build.emit("Concat", value, build.images, axis=1)
    found = build.made_by(part(build, value, 0, 1), "Slice")
    assert found is not None
    assert found.inputs == (value.name,)


def test_gradients_are_stopped_where_there_are_any():
    build = builder()
    assert build.emit("StopGradient", build.images) == build.images
    scaled = build.emit("Mul", build.images, build.values["t0"])
    stopped = build.emit("StopGradient", scaled)
    assert stopped != scaled
    assert build.emit("StopGradient", build.emit("Relu", stopped)) == build.emit("Relu", stopped)
