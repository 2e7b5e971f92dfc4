"""MNIST from its original IDX files (http://yann.lecun.com/exdb/mnist), gzipped next to this module."""

from __future__ import annotations

from pathlib import Path

from harness.datasets.idx import Dataset, DatasetTests, digest_of, load_files, load_test_files

FOLDER = Path(__file__).parent / "mnist"
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGEST = digest_of(_SHA256)


def load(folder: Path = FOLDER) -> Dataset:
    """The 60,000 training and 10,000 test images. Raises DataError when a file is missing or is not the original."""
    return load_files("MNIST", folder, _SHA256, _ADVICE)


def load_tests(folder: Path = FOLDER) -> DatasetTests:
    """The 10,000 test images alone. Raises DataError as `load` does."""
    return load_test_files("MNIST", folder, _SHA256, _ADVICE)


_ADVICE = "restore it: git checkout, or install the package again"
