"""Fashion-MNIST: found where it usually lies, else downloaded, and believed for its SHA-256 alone."""

import gzip
import hashlib
import struct
import urllib.request
from http.client import IncompleteRead

import numpy as np
import pytest

from harness.datasets import catalogue, fashion_mnist
from harness.datasets.idx import FILES
from harness.records.errors import DataError
from harness.records.inputs import DATASETS

SIZES = {"train-images": (30, 28, 28), "train-labels": (30,), "t10k-images": (10, 28, 28), "t10k-labels": (10,)}


def idx(shape: tuple[int, ...]) -> bytes:
    """A file of this shape with some content."""
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    return header + np.arange(np.prod(shape), dtype=np.uint32).astype(np.uint8).tobytes()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder with all four files, small, and the digests to match; the cache and the home folder are empty."""
    folder = tmp_path / "published"
    folder.mkdir()
    contents = {name: idx(SIZES[name.split("-idx")[0]]) for name in FILES}
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(fashion_mnist, "_SHA256", digests)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_files_in_a_folder_are_taken_from_there(published, tmp_path):
    data = fashion_mnist.load([tmp_path / "nowhere", published], addresses=[])
    assert data.name == "Fashion-MNIST"
    assert (data.train_images.shape, data.test_labels.shape) == ((30, 28, 28), (10,))
    assert cached(tmp_path) == []


def test_a_folder_with_some_of_the_files_is_no_place(published, tmp_path):
    (published / f"{FILES[2]}.gz").unlink()
    with pytest.raises(DataError, match="none in"):
        fashion_mnist.load([published], addresses=[])


def test_what_is_nowhere_is_downloaded_once(published, tmp_path):
    data = fashion_mnist.load([tmp_path / "nowhere"], addresses=["file:///nowhere", published.as_uri()])
    assert len(data.train_labels) == 30
    assert cached(tmp_path) == sorted(f"{name}.gz" for name in FILES)
    assert fashion_mnist.load(addresses=[]).test_images.shape == (10, 28, 28)


def test_a_download_that_is_not_the_original_is_not_kept(published, tmp_path):
    (published / f"{FILES[0]}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(DataError, match="different content") as caught:
        fashion_mnist.load([], addresses=[published.as_uri()])
    assert "dataset-fashion-mnist" in caught.value.try_
    assert cached(tmp_path) == []


def test_a_download_that_breaks_off_is_told(published, monkeypatch):
    def broken(*_, **__):
        raise IncompleteRead(b"")

    monkeypatch.setattr(urllib.request, "urlopen", broken)
    with pytest.raises(DataError, match="IncompleteRead") as caught:
        fashion_mnist.load([], addresses=["http://nowhere"])
    assert "dataset-fashion-mnist" in caught.value.try_


def test_a_file_that_is_not_the_original_is_named(published):
    path = published / f"{FILES[3]}.gz"
    path.write_bytes(b"junk")
    with pytest.raises(DataError) as caught:
        fashion_mnist.load([published])
    assert str(path) in caught.value.expected
    assert str(published) in caught.value.try_


def test_without_any_place_the_error_says_where_it_looked_and_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError) as caught:
        fashion_mnist.load([tmp_path / "here"], addresses=["file:///nowhere/at/all"])
    assert str(tmp_path / "here") in caught.value.found
    assert "file:///nowhere/at/all" in caught.value.found
    assert "apt-get install dataset-fashion-mnist" in caught.value.try_


def test_the_folder_of_keras_and_that_of_debian_are_looked_into(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert fashion_mnist.places()[0] == tmp_path / ".cache" / "lenet-harness" / "fashion-mnist"
    assert tmp_path / ".keras" / "datasets" / "fashion-mnist" in fashion_mnist.places()


def test_data_sets_have_digests_of_their_own():
    assert len({catalogue.digest(name) for name in DATASETS}) == len(DATASETS)


def test_a_name_in_a_store_that_is_no_data_set_is_told():
    with pytest.raises(DataError) as caught:
        catalogue.load("idx")
    assert (caught.value.found, caught.value.try_) == ("idx", "choose from mnist, fashion-mnist")


def test_the_real_files_are_the_known_ones():
    if not any((folder / f"{FILES[0]}.gz").is_file() for folder in fashion_mnist.places()):
        pytest.skip("Fashion-MNIST is not on this machine")
    data = catalogue.load("fashion-mnist")
    assert np.bincount(data.train_labels).tolist() == [6_000] * 10
    assert np.bincount(data.test_labels).tolist() == [1_000] * 10
    assert data.train_labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert data.test_labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
