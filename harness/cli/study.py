"""`harness study`: one change at a time."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import ISOLATION, JSON, REPORTS, STORE, WORKERS
from harness.cli.output import command_line, show


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@WORKERS
@ISOLATION
@REPORTS
@STORE
@JSON
def study(file: Path, workers: int | None, isolation: str, reports: Path, store: Path, as_json: bool) -> None:
    """Answer the questions of a study: train a family of models, one change at a time, under one budget.

    FILE is a study file, or the name of an included one: lenet5.
    """
    from harness.cli.progress import shown_progress
    from harness.experiments.study import StudyRequest, conduct, find_study
    from harness.reports.study import render_study, study_view
    from harness.reports.writing import write_files
    from harness.storage.store import Store
    from harness.storage.versions import usable_cores

    request = StudyRequest(
        find_study(file), workers or usable_cores(), walls=isolation == "walls", command=command_line()
    )
    with Store(store) as opened, shown_progress() as progress:
        found = conduct(request, opened, progress, lambda board: write_files(render_study(board), reports))
    show(study_view(found), render_study(found), f"study-{found.name}.json", reports, as_json)
