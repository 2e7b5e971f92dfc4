"""The two errors of what a build exports: something that breaks the rules, and something that the language has no words
for."""

from __future__ import annotations

from harness.records.errors import ArtifactError


def invalid(expected: str, found: str) -> ArtifactError:
    """The error for a graph, or another part of an artifact, that no exporter of ours could have written."""
    return ArtifactError(expected, found, "hand in a plain model definition: the exporter writes the artifact")


def not_supported(what: str) -> ArtifactError:
    """The error for something that the language cannot express, which is a limitation of the harness and not the
    student's fault."""
    return ArtifactError(
        "operations that the harness supports",
        f"{what} is not supported yet",
        "ask the course staff to allow it, or write the layer with ordinary operations",
        unsupported=True,
    )
