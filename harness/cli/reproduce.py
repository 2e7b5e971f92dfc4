"""`harness reproduce`: published models trained again."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import CROSS_CHECK, ISOLATION, JSON, REPORTS, STORE, WORKERS
from harness.cli.output import command_line, show
from harness.records.framework import BY_SHORT, Framework

_FRAMEWORKS: dict[str, tuple[Framework, ...]] = {
    "authors": (),
    **{short: (framework,) for short, framework in sorted(BY_SHORT.items())},
    "both": tuple(Framework),
}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--seeds", type=click.IntRange(1, 60), help="Number of seeds to train. Default: as in the recipe, 3.")
@click.option(
    "--framework",
    type=click.Choice(list(_FRAMEWORKS)),
    default="authors",
    show_default=True,
    help="Train each model in this framework.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder of published models. Default: those included with the harness.",
)
@WORKERS
@CROSS_CHECK
@ISOLATION
@REPORTS
@STORE
@JSON
def reproduce(
    names: tuple[str, ...],
    seeds: int | None,
    framework: str,
    models: Path | None,
    workers: int | None,
    cross_check: bool,
    isolation: str,
    reports: Path,
    store: Path,
    as_json: bool,
) -> None:
    """Train published models with their authors' recipes and write reports/published.*: published next to measured."""
    from harness.cli.progress import shown_progress
    from harness.experiments.reproduce import ROOT, ReproduceRequest
    from harness.experiments.reproduce import reproduce as reproduce_all
    from harness.reports.published import published_table, render_published
    from harness.reports.writing import write_files
    from harness.storage.store import Store
    from harness.storage.versions import usable_cores

    request = ReproduceRequest(
        names,
        workers or usable_cores(),
        _FRAMEWORKS[framework],
        seeds,
        walls=isolation == "walls",
        command=command_line(),
        root=models or ROOT,
        cross_check=cross_check,
    )

    with Store(store) as opened, shown_progress() as progress:
        found = reproduce_all(request, opened, progress, lambda known: write_files(render_published(known), reports))
    show(published_table(found), render_published(found), "published.json", reports, as_json)
