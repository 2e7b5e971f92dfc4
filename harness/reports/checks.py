"""The list of all checks for people: docs/checks.md. Pure."""

from __future__ import annotations

from harness.records.checks import KINDS, CheckKind, Decides, Findings

_HEAD = """# Checks

All checks, by the `id` that `--json` prints. A check that fails says what was expected, what was found and what to try.
This page is generated from `harness/records/checks.py`, in the order in which the checks are made.

| check | what it checks | outcome |
|---|---|---|
"""


def checks_page() -> str:
    """The content of docs/checks.md."""
    return _HEAD + "".join(f"| {kind.id} | {kind.looks_at} | {_decided(kind)} |\n" for kind in KINDS.values())


def _decided(kind: CheckKind) -> str:
    default = f", by default `{getattr(Findings(), kind.id)}`" if kind.decides is Decides.POLICY else ""
    return f"{kind.decides}{default}"
