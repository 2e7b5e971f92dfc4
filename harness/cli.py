"""The `harness` command: flags to a call of a stage, errors to exit codes.

Heavy modules are imported inside the commands, because a student waits for `check`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import __version__
from harness.assignment import FILE_NAME, PRESETS, Assignment, load_assignment
from harness.cli_model import ENTRY, EXIT_CODES, JSON, examined, explain, folder_of, predict, warn_without_walls
from harness.ending import Stopped, clean_lines, code_in_the_end, stoppable, take_streams, tell, tell_fault, tell_stop
from harness.errors import ExitCode, HarnessError, UsageError
from harness.records import Framework, Rejected
from harness.sandbox.support import obstacle

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.results import Board

_ASSIGNMENT = click.option(
    "--assignment",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The assignment file. Default: {FILE_NAME} beside the submissions, else LeNet-5 with the standard budget.",
)
_REPORTS = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="The folder for the reports: Markdown, CSV, JSON, HTML and pictures.",
)
_STORE = click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".harness/store.sqlite"),
    show_default=True,
    help="The file that keeps every finished run.",
)
_WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes at a time, one thread each. Default: one for each core."
)
_ISOLATION = click.option(
    "--isolation",
    type=click.Choice(["walls", "none"]),
    default="walls",
    show_default=True,
    help="How student code is kept in. Without walls it can do what you can, and every report says UNSANDBOXED.",
)
_ANONYMOUS = click.option(
    "--anonymous", is_flag=True, help="Show pseudonyms and nothing that identifies, on the terminal too."
)
_FRAMEWORKS: dict[str, tuple[Framework, ...]] = {
    "authors": (),
    "keras": (Framework.TENSORFLOW,),
    "torch": (Framework.TORCH,),
    "both": (Framework.TENSORFLOW, Framework.TORCH),
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Grade and benchmark student LeNet-5 models: the graph, not the code, is trained."""


cli.add_command(explain)
cli.add_command(predict)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@_ASSIGNMENT
@ENTRY
@click.option("--explain-import", is_flag=True, help="Print the part of the file that would run, and run nothing.")
@JSON
def check(path: Path, assignment: Path | None, entry: str, explain_import: bool, as_json: bool) -> None:
    """Tell in seconds whether the submission at PATH is right, in the words the grader uses. Trains nothing."""
    path = folder_of(path)
    chosen = _find_assignment(assignment, path.absolute().parent)
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
    from harness.discover import take_in
    from harness.examine import explain as program_of
    from harness.executors import Zygotes

    found = take_in(path, entry=entry, patterns=assignment.files)
    if isinstance(found, Rejected):
        raise UsageError(found.check.expected, found.check.found, found.check.try_)
    with Zygotes(walls=not obstacle()) as zygotes:
        return clean_lines(program_of(found, zygotes.get(found.framework), assignment.limits))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("submissions"))
@_ASSIGNMENT
@click.option("--budget", type=click.Choice(list(PRESETS)), help="Train for this preset's epochs and seeds instead.")
@_WORKERS
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Build and train only this one; others stay on the board as they are stored. A name or pattern.",
)
@click.option("--force", is_flag=True, help="Build and train again what is already in the store.")
@_ISOLATION
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A CSV of the class: submissions are named after its students, and whoever is missing is listed.",
)
@click.option("--keep-models", is_flag=True, help="Save each trained model in models/, for `harness predict`.")
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    help="Save them in this folder instead. They are named after their submissions: private.",
)
@_REPORTS
@_STORE
@_ANONYMOUS
@JSON
def grade(
    folder: Path,
    assignment: Path | None,
    budget: str | None,
    workers: int | None,
    only: tuple[str, ...],
    force: bool,
    isolation: str,
    roster: Path | None,
    keep_models: bool,
    models: Path | None,
    reports: Path,
    store: Path,
    anonymous: bool,
    as_json: bool,
) -> None:
    """Check and train every submission in FOLDER and write the leaderboard. Finished runs are never done twice."""
    from harness.pipeline import GradeRequest, in_public
    from harness.pipeline import grade as grade_all
    from harness.progress import shown_progress
    from harness.store import Store
    from harness.versions import usable_cores

    chosen = _find_assignment(assignment, folder).with_preset(budget)
    walls = isolation == "walls"
    kept = models or (Path("models") if keep_models else None)
    request = GradeRequest(folder, chosen, workers or usable_cores(), only, force, walls, _command(), roster, kept)
    with Store(store) as opened, shown_progress() as progress:
        board = grade_all(request, opened, progress)
    if kept is not None:
        click.echo(f"The models are in {kept}: ask one with `harness predict {kept}/NAME IMAGE`.", err=True)
    _publish(in_public(board) if anonymous else board, reports, as_json)


@cli.command()
@click.option(
    "--assignment",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply the title, [findings] and [points] of this file. Default: the assignment as it was graded.",
)
@click.option("--budget", type=click.Choice(list(PRESETS)), help="The preset that `grade` was given, if any.")
@_REPORTS
@_STORE
@_ANONYMOUS
@JSON
def report(
    assignment: Path | None, budget: str | None, reports: Path, store: Path, anonymous: bool, as_json: bool
) -> None:
    """Write the reports of the last graded board again, from the store, with no training."""
    from harness.pipeline import in_public
    from harness.pipeline import report as report_last
    from harness.store import Store

    if not store.exists():
        raise UsageError(f"a result store in {store}", "no file", "run `harness grade` first, or name it with --store")
    chosen = load_assignment(assignment).with_preset(budget) if assignment else None
    with Store(store) as opened:
        board = report_last(opened, chosen)
    _publish(in_public(board) if anonymous else board, reports, as_json)


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--seeds", type=click.IntRange(1, 60), help="Train so many seeds. Default: as the recipe says, 3.")
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
    help="A folder of published models. Default: those that come with the harness.",
)
@_WORKERS
@_ISOLATION
@_REPORTS
@_STORE
@JSON
def reproduce(
    names: tuple[str, ...],
    seeds: int | None,
    framework: str,
    models: Path | None,
    workers: int | None,
    isolation: str,
    reports: Path,
    store: Path,
    as_json: bool,
) -> None:
    """Train published models by their authors' recipes and write reports/published.*: published beside measured."""
    from harness.progress import shown_progress
    from harness.reports.published import published_table, render_published
    from harness.reports.writing import write_files
    from harness.reproduce import ROOT, ReproduceRequest
    from harness.reproduce import reproduce as reproduce_all
    from harness.store import Store
    from harness.versions import usable_cores

    request = ReproduceRequest(
        names,
        workers or usable_cores(),
        _FRAMEWORKS[framework],
        seeds,
        walls=isolation == "walls",
        command=_command(),
        root=models or ROOT,
    )

    with Store(store) as opened, shown_progress() as progress:
        found = reproduce_all(request, opened, progress, lambda known: write_files(render_published(known), reports))
    _show(published_table(found), render_published(found), "published.json", reports, as_json)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_WORKERS
@_ISOLATION
@_REPORTS
@_STORE
@JSON
def study(file: Path, workers: int | None, isolation: str, reports: Path, store: Path, as_json: bool) -> None:
    """Answer the questions of a study: train a family of models, one change at a time, under one budget.

    FILE is a study file, or the name of one that comes with the harness: lenet5.
    """
    from harness.progress import shown_progress
    from harness.reports.study import render_study, study_view
    from harness.reports.writing import write_files
    from harness.store import Store
    from harness.study import StudyRequest, conduct, find_study
    from harness.versions import usable_cores

    request = StudyRequest(find_study(file), workers or usable_cores(), walls=isolation == "walls", command=_command())
    with Store(store) as opened, shown_progress() as progress:
        found = conduct(request, opened, progress, lambda board: write_files(render_study(board), reports))
    _show(study_view(found), render_study(found), f"study-{found.name}.json", reports, as_json)


@cli.command()
@JSON
def doctor(as_json: bool) -> None:
    """Say what this machine offers, whether student code can be locked in here, and what follows."""
    from harness.doctor import conclusion, examine_machine
    from harness.reports.terminal import fact_line, make_console

    console = make_console()
    facts = []
    for fact in examine_machine():
        facts.append(fact)
        if not as_json:
            console.print(fact_line(fact.name, fact.found, fact.follows, fact.health))
    if as_json:
        click.echo(json.dumps([fact.as_dict() for fact in facts], indent=2))
    ready, sentence = conclusion(facts)
    if not as_json:
        click.echo(f"\n{sentence}")
    sys.exit(ExitCode.PASSED if ready else ExitCode.OUR_FAULT)


def _command() -> str:
    return shlex.join(["harness", *sys.argv[1:]])


def _show(table: RenderableType, files: dict[str, str], document: str, reports: Path, as_json: bool) -> None:
    """Write the files and print the table, or the JSON document among the files."""
    from harness.reports.terminal import make_console
    from harness.reports.writing import write_files

    paths = write_files(files, reports)
    if as_json:
        click.echo(files[document])
        return
    make_console().print(table)
    click.echo(_written(paths, reports))


def _publish(board: Board, reports: Path, as_json: bool) -> None:
    from harness.reports.terminal import board_table, make_console
    from harness.reports.writing import write_reports

    paths = write_reports(board, reports)
    if as_json:
        click.echo((reports / "leaderboard.json").read_text(encoding="utf-8"))
        return
    make_console().print(board_table(board))
    click.echo(_written(paths, reports))


def _written(paths: Sequence[Path], reports: Path) -> str:
    """`Written to reports: leaderboard.md, leaderboard.html, pictures (5 files)`."""
    folders = Counter(path.relative_to(reports).parent.name for path in paths if path.parent != reports)
    names = [path.name for path in paths if path.parent == reports]
    counts = [f"{folder} ({count} file{'s' * (count > 1)})" for folder, count in folders.items()]
    return f"Written to {reports}: {', '.join([*names, *counts])}"


def _find_assignment(path: Path | None, folder: Path) -> Assignment:
    """The named file, else the one beside the submissions, else the default."""
    if path is not None:
        return load_assignment(path)
    beside = folder / FILE_NAME
    return load_assignment(beside) if beside.is_file() else Assignment()


def _guarded(command: Callable[[], Any]) -> int:
    """The one place where errors, signals and faults of ours become words and exit codes."""
    with stoppable():
        try:
            command()
        except HarnessError as error:
            tell(error)
            return error.exit_code
        except (click.exceptions.Abort, KeyboardInterrupt):
            return tell_stop(ExitCode.INTERRUPTED)
        except Stopped as stopped:
            return tell_stop(stopped.exit_code)
        except click.ClickException as error:
            error.show()
            return ExitCode.USAGE
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else ExitCode.PASSED
        except Exception as error:
            return tell_fault(error)
        return ExitCode.PASSED


def main() -> None:
    """Run the command line and exit with its code."""
    output = take_streams()
    code = _guarded(lambda: cli(standalone_mode=False))
    sys.exit(code_in_the_end(code, output))
