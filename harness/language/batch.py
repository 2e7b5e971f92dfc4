"""The proof that a graph computes each image alone, whatever else is in the batch.

Each value either does not depend on the batch, or has N as a factor of one axis, with a known number of elements of
that axis outside of it. An operator that mixes the images ends the proof.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a value has its images: N is the factor of `axis` that has `outside` elements of each image before it."""

    axis: int
    outside: int = 1
