"""The data sets by the name that an assignment has for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from harness.datasets import fashion_mnist, mnist
from harness.datasets.idx import Dataset

_LOADERS: dict[str, Callable[[], Dataset]] = {"mnist": mnist.load, "fashion-mnist": fashion_mnist.load}
_DIGESTS = {"mnist": mnist.DIGEST, "fashion-mnist": fashion_mnist.DIGEST}


@cache
def load(name: str) -> Dataset:
    """The data set of this name, read once. Raises DataError when its files are not there or not the originals."""
    return _LOADERS[name]()


def digest(name: str) -> str:
    """SHA-256 that stands for the files of this data set; part of every run's key."""
    return _DIGESTS[name]
