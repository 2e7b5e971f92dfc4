"""Artifacts that wait for their training: what is put comes back unchanged, or not at all."""

import errno
import os
import time

import pytest

from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError, StoreError
from harness.records.framework import Framework
from harness.storage.shelf import Shelf

ARTIFACT = Artifact(Framework.TENSORFLOW, b"graph", b"labels", (b"first", b"second"), "build_model()")
KEY = "a" * 64


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "store.sqlite.artifacts")


def test_what_is_put_comes_back_with_the_weights_asked_for(shelf):
    assert not shelf.has(KEY)
    shelf.put(KEY, ARTIFACT)
    assert shelf.has(KEY)
    assert shelf.take(KEY, 0, 1) == ARTIFACT
    assert shelf.take(KEY, 1).weights == (b"second",)
    assert shelf.take(KEY).weights == ()


def test_what_is_put_twice_is_there_once(shelf, tmp_path):
    shelf.put(KEY, ARTIFACT)
    shelf.put(KEY, ARTIFACT)
    assert [path.name for path in (tmp_path / "store.sqlite.artifacts").iterdir()] == [KEY]
    assert shelf.take(KEY, 0, 1) == ARTIFACT


@pytest.mark.parametrize("name", ["graph.json", "labels.json", "seed0.safetensors", "artifact.json"])
@pytest.mark.parametrize("content", [b"", b"other", b"[" * 100_000, None])
def test_what_was_changed_is_not_given(shelf, tmp_path, name, content):
    shelf.put(KEY, ARTIFACT)
    path = tmp_path / "store.sqlite.artifacts" / KEY / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ArtifactError, match="run the same command again"):
        shelf.take(KEY, 0)


def test_what_is_dropped_is_gone_and_may_be_dropped_again(shelf, tmp_path):
    shelf.put(KEY, ARTIFACT)
    shelf.put("b" * 64, ARTIFACT)
    shelf.drop(KEY)
    shelf.drop(KEY)
    shelf.drop("")
    assert not shelf.has(KEY) and shelf.has("b" * 64)


def test_what_nobody_came_back_for_is_swept_away(shelf, tmp_path):
    shelf.put(KEY, ARTIFACT)
    (tmp_path / "store.sqlite.artifacts" / f".{KEY}.1").mkdir()
    shelf.sweep()
    assert shelf.has(KEY)
    shelf.sweep(time.time() + 15 * 86_400)
    assert list((tmp_path / "store.sqlite.artifacts").iterdir()) == []


def test_a_full_disk_says_what_to_do(shelf, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StoreError, match="free some space"):
        shelf.put(KEY, ARTIFACT)
