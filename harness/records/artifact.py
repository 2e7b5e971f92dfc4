"""What a build returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from harness.records.framework import Framework


@dataclass(frozen=True)
class Artifact:
    """What a build returns: plain data. `weights` holds one safetensors blob for each requested seed; `statement` is
    the file's PARAMETERS, empty if there are none; `notes` say how the source was read. `literals` are the bytes of
    data in the source, as the builder counts them, and `literal_places` where most are."""

    framework: Framework
    graph: bytes
    labels: bytes
    weights: tuple[bytes, ...]
    entry: str
    statement: bytes = b""
    notes: tuple[str, ...] = ()
    literals: int = 0
    literal_places: tuple[str, ...] = ()

    def of_seed(self, seed: int) -> Artifact:
        """The same artifact with the weights of one seed only."""
        return replace(self, weights=(self.weights[seed],))

    def weight_digests(self) -> tuple[str, ...]:
        """SHA-256 of the initial weights of each seed."""
        return tuple(hashlib.sha256(blob).hexdigest() for blob in self.weights)
