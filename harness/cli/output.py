"""What commands print and write when they finish."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.records.board import Board


def command_line() -> str:
    """The command as typed, quoted for the shell."""
    return shlex.join(["harness", *sys.argv[1:]])


def show(table: RenderableType, files: dict[str, str], document: str, reports: Path, as_json: bool) -> None:
    """Write the files and print the table, or the JSON document among the files."""
    from harness.reports.terminal import make_console
    from harness.reports.writing import write_files

    paths = write_files(files, reports)
    if as_json:
        click.echo(files[document])
        return
    make_console().print(table)
    click.echo(_written(paths, reports))


def publish(board: Board, reports: Path, as_json: bool) -> None:
    """Write the reports of a board, and print its table or its JSON document."""
    from harness.reports.terminal import board_table, make_console
    from harness.reports.writing import write_reports
    from harness.storage.versions import code_digest, installed_packages

    paths = write_reports(board, reports, f"{code_digest()} {installed_packages()}")
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
