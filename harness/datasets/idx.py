"""A data set as four gzipped IDX files, the form in which MNIST was published, each identified by its SHA-256."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.records.errors import DataError

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""The names of the four files, without the `.gz`, in the order of the fields of `Dataset`."""


@dataclass(frozen=True)
class Dataset:
    """Images (count, 28, 28) and labels (count,), all uint8."""

    name: str
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DatasetTests:
    """The test part of a data set: images (count, 28, 28) and labels (count,), all uint8."""

    name: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def digest_of(known: Mapping[str, str]) -> str:
    """One digest of all four files; part of every run's key."""
    return hashlib.sha256("".join(known[name] for name in FILES).encode()).hexdigest()


def load_files(title: str, folder: Path, known: Mapping[str, str], advice: str) -> Dataset:
    """The data set in a folder. Raises DataError when a file is missing or its unpacked SHA-256 is not the `known`
    one."""
    return Dataset(title, *_arrays(FILES, title, folder, known, advice))


def load_test_files(title: str, folder: Path, known: Mapping[str, str], advice: str) -> DatasetTests:
    """The test part of the data set in a folder; raises the same errors. A sixth of the work of reading all of it."""
    return DatasetTests(title, *_arrays(FILES[2:], title, folder, known, advice))


def _arrays(
    names: Sequence[str], title: str, folder: Path, known: Mapping[str, str], advice: str
) -> list[npt.NDArray[np.uint8]]:
    return [_parse(_read(folder / f"{name}.gz", known[name], title, advice)) for name in names]


def unpacked(content: bytes, digest: str) -> bytes:
    """The content of a gzipped file. Raises ValueError, with the reason, if it is not what was published."""
    try:
        content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"different content (SHA-256 {found[:16]}..., expected {digest[:16]}...)")
    return content


def _read(path: Path, digest: str, title: str, advice: str) -> bytes:
    try:
        return unpacked(path.read_bytes(), digest)
    except OSError as error:
        found = f"{type(error).__name__}: {error}"
    except ValueError as error:
        found = str(error)
    raise DataError(f"the original {title} file {path}", found, advice)


def _parse(content: bytes) -> npt.NDArray[np.uint8]:
    """IDX: two zero bytes, type 8 (uint8), number of dimensions, each dimension as big-endian uint32, then the data."""
    rank = content[3]
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
