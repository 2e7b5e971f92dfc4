"""The data sets by their name in an assignment: each is the module of that name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from harness.datasets.idx import Dataset, DatasetTests
from harness.records.errors import DataError
from harness.records.inputs import DATASETS


class Source(Protocol):
    """The interface of a data set's module."""

    DIGEST: str
    """SHA-256 that identifies its files."""

    def load(self) -> Dataset:
        """The images and labels. Raises DataError when its files are missing or not the originals."""

    def load_tests(self) -> DatasetTests:
        """The test images and labels alone. Raises DataError when their files are missing or not the originals."""


def _source(name: str) -> Source:
    if name not in DATASETS:
        raise DataError("a known data set", name, f"choose from {', '.join(DATASETS)}")
    return cast(Source, import_module(f"harness.datasets.{name.replace('-', '_')}"))


@cache
def load(name: str) -> Dataset:
    """The data set of this name, read once. Raises DataError when its files are missing or not the originals."""
    return _source(name).load()


@cache
def load_tests(name: str) -> DatasetTests:
    """The test part alone, read once: all that scoring needs. Raises DataError as `load` does."""
    return _source(name).load_tests()


def digest(name: str) -> str:
    """SHA-256 that stands for the files of this data set; part of every run's key."""
    return _source(name).DIGEST
