"""`harness check`: one submission, in seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness.cli.exits import clean_lines
from harness.cli.one_model import EXIT_CODES, examined, folder_of, warn_without_walls
from harness.cli.options import ASSIGNMENT, ENTRY, JSON, find_assignment
from harness.records.errors import ExitCode, UsageError
from harness.records.submission import Rejected
from harness.sandbox.support import obstacle
from harness.tasks.assignment import Assignment


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@ASSIGNMENT
@ENTRY
@click.option("--explain-import", is_flag=True, help="Print the part of the file that would run, without running it.")
@JSON
def check(path: Path, assignment: Path | None, entry: str, explain_import: bool, as_json: bool) -> None:
    """Check in seconds whether the submission at PATH is correct, in the grader's words. Trains nothing."""
    path = folder_of(path)
    chosen = find_assignment(assignment, path.absolute().parent)
    if explain_import:
        click.echo(_program(path, entry, chosen), nl=False)
        return
    verdict = examined(path, entry, chosen).verdict
    warn_without_walls()
    if as_json:
        from harness.reports.machine import verdict_json

        click.echo(json.dumps(verdict_json(verdict), indent=2))
    else:
        from harness.reports.terminal import make_console, verdict_view

        make_console().print(verdict_view(verdict))
    sys.exit(EXIT_CODES.get(verdict.outcome, ExitCode.OUR_FAULT))


def _program(path: Path, entry: str, assignment: Assignment) -> str:
    from harness.experiments.examine import program_of
    from harness.experiments.executors import Zygotes
    from harness.handins.discover import take_in

    found = take_in(path, entry=entry, patterns=assignment.files)
    if isinstance(found, Rejected):
        raise UsageError(found.check.expected, found.check.found, found.check.try_)
    with Zygotes(walls=not obstacle()) as zygotes:
        return clean_lines(program_of(found, zygotes.get(found.framework), assignment.limits))
