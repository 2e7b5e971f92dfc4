"""`harness report`: the last board again, from the store."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import ANONYMOUS, JSON, REPORTS, STORE
from harness.cli.output import publish
from harness.records.errors import UsageError
from harness.tasks.assignment import PRESETS, load_assignment


@click.command()
@click.option(
    "--assignment",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply the title, [findings] and [points] of this file. Default: the assignment as it was graded.",
)
@click.option("--budget", type=click.Choice(list(PRESETS)), help="The preset given to `grade`, if any.")
@REPORTS
@STORE
@ANONYMOUS
@JSON
def report(
    assignment: Path | None, budget: str | None, reports: Path, store: Path, anonymous: bool, as_json: bool
) -> None:
    """Write the reports of the last graded board again, from the store, without training."""
    from harness.experiments.pipeline import in_public
    from harness.experiments.pipeline import report as report_last
    from harness.storage.store import Store

    if not store.exists():
        raise UsageError(f"a result store in {store}", "no file", "run `harness grade` first, or name it with --store")
    chosen = load_assignment(assignment).with_preset(budget) if assignment else None
    with Store(store) as opened:
        board = report_last(opened, chosen)
    publish(in_public(board) if anonymous else board, reports, as_json)
