"""Patterns of raw TensorFlow operators: what Keras writes with several of them and the language with one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, permutations
from typing import TypeAlias

from harness.artifact.tensorflow.raw import FLOATS, Argument, Literal, RawGraph, Reference, Result

Pattern: TypeAlias = "str | float | tuple[Pattern, ...]"
"""A name that stands for any reference; one that ends with # stands for a constant of one number, a number for this
constant; a tuple is an operator and the patterns of its inputs."""
Found = dict[str, Reference]

_ALIKE = {"AddV2": ("AddV2", "Add"), "RealDiv": ("RealDiv", "Div")}
_COMMUTATIVE = ("AddV2", "Mul")
_STEPS = 4


def match(raw: RawGraph, reference: Argument, pattern: Pattern) -> Found | None:
    """What the names of a pattern stand for, if the reference is made in this way. It looks at no more nodes than the
    pattern has operators, in every order that their inputs may have."""
    return next(matches(raw, reference, pattern, {}), None)


def matches(raw: RawGraph, reference: Argument, pattern: Pattern, found: Found) -> Iterator[Found]:
    """Every way in which a reference fits a pattern."""
    if isinstance(reference, tuple):
        return
    if isinstance(pattern, tuple):
        operator, *inputs = pattern
        name = str(operator)
        node = raw.made_by(reference, *_ALIKE.get(name, (name,)))
        if node is not None and len(node.arguments) == len(inputs):
            for order in permutations(inputs) if name in _COMMUTATIVE else [tuple(inputs)]:
                yield from _all(raw, node.arguments, order, found)
    elif isinstance(pattern, float):
        number = number_of(reference)
        if number is not None and abs(number - pattern) <= 1e-6 * max(1.0, abs(pattern)):
            yield found
    elif found.get(pattern, reference) == reference and (pattern[-1] != "#" or number_of(reference) is not None):
        yield {**found, pattern: reference}


def _all(
    raw: RawGraph, arguments: tuple[Argument, ...], patterns: tuple[Pattern, ...], found: Found
) -> Iterator[Found]:
    ways: Iterator[Found] = iter([found])
    for argument, pattern in zip(arguments, patterns, strict=True):
        ways = chain.from_iterable([list(matches(raw, argument, pattern, way)) for way in ways])
    return ways


def number_of(reference: Argument) -> float | None:
    """The number that a constant of one float is."""
    if isinstance(reference, Literal) and reference.dtype in FLOATS and len(reference.items) == 1:
        return float(reference.items[0])
    return None


def stripped(raw: RawGraph, reference: Argument) -> Argument:
    """A reference without the reshaping between it and its numbers."""
    for _ in range(_STEPS):
        node = raw.made_by(reference, "Squeeze", "Reshape", "ExpandDims")
        if node is None or not node.arguments:
            break
        reference = node.arguments[0]
    return reference


def is_read_once(raw: RawGraph, reference: Argument) -> bool:
    """Whether nothing but one input refers to a result."""
    return isinstance(reference, Result) and raw.uses[reference] == 1
