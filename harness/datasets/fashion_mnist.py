"""Fashion-MNIST (https://github.com/zalandoresearch/fashion-mnist): found on this machine, or downloaded once.

Its files have the names and the form of MNIST's. They are not included: they are three times as large.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path

from harness.datasets.idx import FILES, Dataset, DatasetTests, digest_of, load_files, load_test_files, unpacked
from harness.records.errors import DataError

_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DIGEST = digest_of(_SHA256)
ADDRESSES = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
)
"""Where the authors and Keras host the files. A download is accepted for its SHA-256, not for its address."""
_SECONDS = 30
_MOST_BYTES = 32 << 20
"""Larger than any of the files, and small enough for memory."""


def cache() -> Path:
    """Where a download is kept: `lenet-harness/fashion-mnist` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lenet-harness" / "fashion-mnist"


def places() -> tuple[Path, ...]:
    """Where the files may be: our cache, Debian's package, Keras's folder and torchvision's usual one."""
    debian = Path("/usr/share/datasets/fashion-mnist")
    keras = Path.home() / ".keras" / "datasets" / "fashion-mnist"
    return cache(), debian, keras, Path("data/FashionMNIST/raw")


def load(folders: Iterable[Path] | None = None, addresses: Iterable[str] = ADDRESSES) -> Dataset:
    """The 60,000 training and 10,000 test images, from the first of the folders that has them, else downloaded.

    Raises DataError when a file there is not the original, or when there is none and no download works.
    """
    there = _place(tuple(folders) if folders is not None else places(), addresses)
    return load_files("Fashion-MNIST", there, _SHA256, _again(there))


def load_tests() -> DatasetTests:
    """The 10,000 test images alone, from where `load` finds them; raises the same errors."""
    there = _place(places(), ADDRESSES)
    return load_test_files("Fashion-MNIST", there, _SHA256, _again(there))


def _place(folders: tuple[Path, ...], addresses: Iterable[str]) -> Path:
    """The first of the folders that has all files, or ours, once they are downloaded."""
    there = next((folder for folder in folders if all((folder / f"{name}.gz").is_file() for name in FILES)), None)
    if there is None:
        there = cache()
        _download(there, tuple(addresses), folders)
    return there


def _again(there: Path) -> str:
    return f"remove {there} and run the command again: {_ADVICE}"


_ADVICE = "on Debian and Ubuntu `apt-get install dataset-fashion-mnist` installs all four files"


def _download(target: Path, addresses: Iterable[str], folders: Iterable[Path]) -> None:
    """Fetch the four files into `target`; a file is either complete and original, or absent."""
    missing = [name for name in FILES if not (target / f"{name}.gz").is_file()]
    for name in missing:
        content = _fetched(name, addresses, folders)
        try:
            target.mkdir(parents=True, exist_ok=True)
            draft = target / f".{name}.{os.getpid()}.draft"
            draft.write_bytes(content)
            draft.replace(target / f"{name}.gz")
        except OSError as error:
            raise DataError(f"to store Fashion-MNIST in {target}", str(error), _ADVICE) from None


def _fetched(name: str, addresses: Iterable[str], folders: Iterable[Path]) -> bytes:
    """A gzipped file from the first address that provides the original."""
    failures = []
    for address in addresses:
        try:
            with urllib.request.urlopen(f"{address}/{name}.gz", timeout=_SECONDS) as answer:
                content: bytes = answer.read(_MOST_BYTES)
            unpacked(content, _SHA256[name])
            return content
        except (OSError, ValueError, HTTPException) as error:
            failures.append(f"{address}: {error}")
    looked = ", ".join(str(folder) for folder in folders)
    found = f"none in {looked}; and the download failed ({'; '.join(failures)})"
    raise DataError("the four files of Fashion-MNIST", found, f"{_ADVICE}; or put them in {cache()}")
