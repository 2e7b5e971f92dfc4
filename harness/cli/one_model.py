"""What the commands for one model share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.records.check import Outcome
from harness.records.errors import ExitCode
from harness.records.submission import Rejected
from harness.sandbox.support import obstacle
from harness.tasks.assignment import Assignment

if TYPE_CHECKING:
    from harness.experiments.examine import Examined

EXIT_CODES = {Outcome.PASSED: ExitCode.PASSED, Outcome.FAILED: ExitCode.FAILED}


def folder_of(path: Path) -> Path:
    """The submission that a file named model.py stands for."""
    return path.absolute().parent if path.name == "model.py" and path.is_file() else path


def warn_without_walls() -> None:
    """Say on the error stream if a student's file ran without walls."""
    if missing := obstacle():
        click.echo(f"Notice: {missing}. Your file ran without walls, like any program you start.", err=True)


def examined(path: Path, entry: str, assignment: Assignment) -> Examined:
    """One submission, built from two seeds and verified."""
    from harness.experiments.executors import Zygotes
    from harness.handins.discover import take_in

    found = take_in(path, entry=entry, patterns=assignment.files)
    if isinstance(found, Rejected):
        from harness.experiments.examine import Examined, rejected

        return Examined(rejected(found))
    with Zygotes(walls=not obstacle()) as zygotes:
        zygote = zygotes.get(found.framework)
        from harness.experiments.examine import examine
        from harness.tasks.references import load_reference

        return examine(found, zygote, [0, 1], assignment, load_reference(assignment.reference), together=True)
