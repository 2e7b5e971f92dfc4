"""The list of all checks for people: docs/checks.md. Pure."""

from __future__ import annotations

from harness.records.checks import KINDS, CheckKind, Decides, Findings

_HEAD = """# Checks

What is looked at, by the `id` that `--json` prints. A check that fails says what was expected, what was found and what
to try. This page is written from `harness/records/checks.py`, in the order in which a submission meets them.

| check | looks at | what becomes of it |
|---|---|---|
"""


def checks_page() -> str:
    """docs/checks.md as it must be."""
    return _HEAD + "".join(f"| {kind.id} | {kind.looks_at} | {_decided(kind)} |\n" for kind in KINDS.values())


def _decided(kind: CheckKind) -> str:
    default = f", by default `{getattr(Findings(), kind.id)}`" if kind.decides is Decides.POLICY else ""
    return f"{kind.decides}{default}"
