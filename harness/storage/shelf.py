"""Artifacts on disk from their build to the end of their training: a folder for each, under the key of its verdict.

They are too large to be held for a whole class, and a command that was killed need not rebuild what is here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError, StoreError
from harness.records.framework import Framework

_SLIP, _GRAPH, _LABELS = "artifact.json", "graph.json", "labels.json"
_ABANDONED_SECONDS = 14 * 86_400.0
"""Artifacts not used for this long are removed."""
_AGAIN = "run the same command again: it is rebuilt"


class Shelf:
    """The artifacts of one store. Raises StoreError where the folder cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, artifact: Artifact) -> None:
        """Keep an audited artifact. Another command may put the same one at the same time."""
        files = {_GRAPH: artifact.graph, _LABELS: artifact.labels}
        files |= {_weights_of(seed): blob for seed, blob in enumerate(artifact.weights)}
        draft = self._folder / f".{key}.{os.getpid()}"
        with _failures_told(self._folder):
            draft.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                (draft / name).write_bytes(content)
            (draft / _SLIP).write_text(json.dumps(_slip(artifact, files)), encoding="utf-8")
            try:
                draft.rename(self._folder / key)
            except OSError:  # it is here already
                shutil.rmtree(draft, ignore_errors=True)

    def has(self, key: str) -> bool:
        """Whether the artifact under this key is here."""
        return (self._folder / key / _SLIP).is_file()

    def take(self, key: str, *seeds: int) -> Artifact:
        """The artifact with the initial weights of these seeds alone.

        Raises ArtifactError if it is gone or its bytes have changed.
        """
        place = self._folder / key
        try:
            slip = json.loads((place / _SLIP).read_bytes())
            graph, labels, *weights = (
                _unchanged(place / name, slip["digests"][name]) for name in (_GRAPH, _LABELS, *map(_weights_of, seeds))
            )
            return Artifact(Framework(slip["framework"]), graph, labels, tuple(weights), str(slip["entry"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            found = f"{type(error).__name__}: {error}"
            raise ArtifactError("an artifact as it was built", found, _AGAIN) from None

    def drop(self, key: str) -> None:
        """Remove the artifact under this key, if it is here."""
        if key:
            shutil.rmtree(self._folder / key, ignore_errors=True)

    def sweep(self, now: float | None = None) -> None:
        """Remove what was abandoned. `now` is in seconds since the epoch."""
        oldest = (time.time() if now is None else now) - _ABANDONED_SECONDS
        with contextlib.suppress(OSError):
            for place in self._folder.iterdir():
                if place.stat().st_mtime < oldest:
                    shutil.rmtree(place, ignore_errors=True)


def _slip(artifact: Artifact, files: Mapping[str, bytes]) -> dict[str, Any]:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return {"framework": artifact.framework, "entry": artifact.entry, "digests": digests}


def _weights_of(seed: int) -> str:
    return f"seed{seed}.safetensors"


def _unchanged(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path.name} was changed")
    return content


@contextlib.contextmanager
def _failures_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        no_space = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space" if no_space else "check the folder's permissions, or name another store with --store"
        advice += ", and run the same command again: finished runs are kept"
        raise StoreError(
            f"to store models waiting for training in {folder}", error.strerror or str(error), advice
        ) from None
