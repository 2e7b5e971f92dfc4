"""The two errors of the language: a graph that breaks its rules, and one that it has no words for."""

from __future__ import annotations

from harness.records.errors import ArtifactError


def invalid(expected: str, found: str) -> ArtifactError:
    """The error for a graph that no exporter of ours could have written."""
    return ArtifactError(expected, found, "hand in a plain model definition: the exporter writes the graph")


def not_supported(what: str) -> ArtifactError:
    """The error for something that the language cannot express, which is a limitation of the harness and not the
    student's fault."""
    return ArtifactError(
        "operations that the harness supports",
        f"{what} is not supported yet",
        "ask the course staff to allow it, or write the layer with ordinary operations",
        unsupported=True,
    )
