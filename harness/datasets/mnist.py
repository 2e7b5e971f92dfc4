"""MNIST from its original IDX files (http://yann.lecun.com/exdb/mnist), gzipped beside this module."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

FOLDER = Path(__file__).parent / "mnist"
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGEST = hashlib.sha256("".join(_SHA256.values()).encode()).hexdigest()
"""One digest of all four files; part of every run's key."""


@dataclass(frozen=True)
class Dataset:
    """Images (count, 28, 28) and labels (count,), all uint8."""

    name: str
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


def load(folder: Path = FOLDER) -> Dataset:
    """The 60,000 training and 10,000 test images. Raises DataError when a file is missing or is not the original."""
    arrays = [_parse(_read(folder, name)) for name in _SHA256]
    return Dataset("MNIST", *arrays)


def _read(folder: Path, name: str) -> bytes:
    path = folder / f"{name}.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[name]:
        raise _damaged(path, f"other content (SHA-256 {digest[:16]}..., expected {_SHA256[name][:16]}...)")
    return content


def _damaged(path: Path, found: str) -> DataError:
    return DataError(f"the original MNIST file {path}", found, "restore it: git checkout, or install the package again")


def _parse(content: bytes) -> npt.NDArray[np.uint8]:
    """IDX: two zero bytes, type 8 (uint8), number of dimensions, each dimension as big-endian uint32, then the data."""
    rank = content[3]
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
