"""The MNIST files in the package: the originals, and nothing that was changed by accident."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from harness.datasets.idx import Dataset
from harness.datasets.mnist import DIGEST, FOLDER, load
from harness.records.errors import DataError, ExitCode

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
FIRST, LAST = "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load()


def test_images_and_labels_have_their_published_shapes(mnist):
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.train_labels.shape == (60_000,)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert mnist.test_labels.shape == (10_000,)
    for array in (mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels):
        assert array.dtype == np.uint8


def test_digits_are_as_frequent_as_published(mnist):
    assert np.bincount(mnist.train_labels).tolist() == TRAIN_COUNTS
    assert np.bincount(mnist.test_labels).tolist() == TEST_COUNTS


def test_first_images_are_the_known_ones(mnist):
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist.train_images[0].sum() == 27_525


def test_pixels_have_the_well_known_mean_and_deviation(mnist):
    assert round(mnist.train_images.mean() / 255, 4) == 0.1307
    assert round(mnist.train_images.std() / 255, 4) == 0.3081


def test_digest_stands_for_all_four_files():
    assert len(DIGEST) == 64


@pytest.fixture
def copied(tmp_path) -> Path:
    """The four files, linked, so that a test can replace one."""
    for path in FOLDER.glob("*.gz"):
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def replace(folder: Path, name: str, content: bytes) -> None:
    (folder / name).unlink()
    (folder / name).write_bytes(content)


def damage(folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        load(folder)
    assert caught.value.exit_code is ExitCode.OUR_FAULT
    return caught.value


def test_missing_file_is_named(copied):
    (copied / LAST).unlink()
    error = damage(copied)
    assert str(copied / LAST) in error.expected
    assert "No such file" in error.found


def test_folder_in_place_of_a_file_is_named(copied):
    (copied / FIRST).unlink()
    (copied / FIRST).mkdir()
    assert "Is a directory" in damage(copied).found


@pytest.mark.parametrize("length", [0, 1, 5, 10, 11, 1000, -8, -1])
def test_file_cut_short_is_named(copied, length):
    replace(copied, FIRST, (FOLDER / FIRST).read_bytes()[:length])
    assert str(copied / FIRST) in damage(copied).expected


@pytest.mark.parametrize("place", [0, 1, 2, 5000, -5, -1])
def test_flipped_byte_is_noticed(copied, place):
    content = bytearray((FOLDER / FIRST).read_bytes())
    content[place] ^= 0x40
    replace(copied, FIRST, bytes(content))
    assert str(copied / FIRST) in damage(copied).expected


@pytest.mark.parametrize(
    "content",
    [b"junk", gzip.compress(b"junk"), gzip.compress(b"")],
    ids=["junk", "compressed junk", "compressed nothing"],
)
def test_other_content_is_refused(copied, content):
    replace(copied, FIRST, content)
    error = damage(copied)
    assert FIRST in error.expected
    assert error.found


def test_trailing_bytes_are_noticed(copied):
    replace(copied, FIRST, (FOLDER / FIRST).read_bytes() + b"junk")
    assert FIRST in damage(copied).expected


def test_labels_of_another_set_are_refused_by_their_digest(copied):
    replace(copied, LAST, (FOLDER / "train-labels-idx1-ubyte.gz").read_bytes())
    error = damage(copied)
    assert LAST in error.expected
    assert error.found.startswith("different content (SHA-256 65a50cbbf4e906d7")


def test_same_content_compressed_again_is_the_original(copied):
    replace(copied, LAST, gzip.compress(gzip.decompress((FOLDER / LAST).read_bytes()), 1))
    assert load(copied).test_labels[:3].tolist() == [7, 2, 1]
