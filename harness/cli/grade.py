"""`harness grade`: a folder of submissions to a board."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import (
    ANONYMOUS,
    ASSIGNMENT,
    CROSS_CHECK,
    ISOLATION,
    JSON,
    REPORTS,
    STORE,
    WORKERS,
    find_assignment,
)
from harness.cli.output import command_line, publish
from harness.tasks.assignment import PRESETS


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("submissions"))
@ASSIGNMENT
@click.option("--budget", type=click.Choice(list(PRESETS)), help="Use this preset's epochs and seeds instead.")
@WORKERS
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Build and train only this submission (a name or pattern); the others stay on the board as stored.",
)
@click.option("--force", is_flag=True, help="Build and train again even what is in the store.")
@CROSS_CHECK
@ISOLATION
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A CSV of the class: submissions are named after its students, and missing students are listed.",
)
@click.option("--keep-models", is_flag=True, help="Save each trained model in models/, for `harness predict`.")
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    help="Save them in this folder instead. Private: they are named after their submissions.",
)
@REPORTS
@STORE
@ANONYMOUS
@JSON
def grade(
    folder: Path,
    assignment: Path | None,
    budget: str | None,
    workers: int | None,
    only: tuple[str, ...],
    force: bool,
    cross_check: bool,
    isolation: str,
    roster: Path | None,
    keep_models: bool,
    models: Path | None,
    reports: Path,
    store: Path,
    anonymous: bool,
    as_json: bool,
) -> None:
    """Check and train every submission in FOLDER and write the leaderboard. Finished runs are never repeated."""
    from harness.cli.progress import shown_progress
    from harness.experiments.pipeline import GradeRequest, in_public
    from harness.experiments.pipeline import grade as grade_all
    from harness.storage.store import Store
    from harness.storage.versions import usable_cores

    chosen = find_assignment(assignment, folder).with_preset(budget)
    walls = isolation == "walls"
    kept = models or (Path("models") if keep_models else None)
    settings = (only, force, walls, command_line(), roster, kept, cross_check)
    request = GradeRequest(folder, chosen, workers or usable_cores(), *settings)
    with Store(store) as opened, shown_progress() as progress:
        board = grade_all(request, opened, progress)
    if kept is not None:
        click.echo(f"The models are in {kept}: try one with `harness predict {kept}/NAME IMAGE`.", err=True)
    publish(in_public(board) if anonymous else board, reports, as_json)
