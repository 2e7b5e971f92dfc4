"""The options that commands share."""

from __future__ import annotations

from pathlib import Path

import click

from harness.tasks.assignment import FILE_NAME, Assignment, load_assignment

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
ENTRY = click.option(
    "--entry", default="", metavar="FILE:MODEL", help='Name the model, as in "model.py:Net(classes=10)".'
)
ASSIGNMENT = click.option(
    "--assignment",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The assignment file. Default: {FILE_NAME} next to the submissions, else LeNet-5 with the standard budget.",
)
REPORTS = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="The folder for the reports: Markdown, CSV, JSON, HTML and pictures.",
)
STORE = click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".harness/store.sqlite"),
    show_default=True,
    help="The file that stores every finished run.",
)
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), help="Parallel processes, one thread each. Default: one per core."
)
ISOLATION = click.option(
    "--isolation",
    type=click.Choice(["walls", "none"]),
    default="walls",
    show_default=True,
    help="How student code is isolated. Without walls it can do anything you can, and every report says UNSANDBOXED.",
)
CROSS_CHECK = click.option(
    "--cross-check",
    is_flag=True,
    help="Let each model's own framework train seed 0 too, and show its accuracy next to the compiled engine's.",
)
ANONYMOUS = click.option(
    "--anonymous", is_flag=True, help="Show pseudonyms and nothing that identifies anyone, in the terminal too."
)


def find_assignment(path: Path | None, folder: Path) -> Assignment:
    """The named file, else the one next to the submissions, else the default."""
    if path is not None:
        return load_assignment(path)
    beside = folder / FILE_NAME
    return load_assignment(beside) if beside.is_file() else Assignment()
