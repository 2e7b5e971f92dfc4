"""Writes the report files of a board: all of them or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.errors import HarnessError
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.spreadsheet import board_csv, runs_csv
from harness.reports.student import student_pages
from harness.reports.svg import pictures
from harness.results import Board

FILES: dict[str, Callable[[Board], str]] = {
    "leaderboard.md": board_markdown,
    "leaderboard.csv": board_csv,
    "runs.csv": runs_csv,
    "leaderboard.json": board_json,
    "leaderboard.html": board_html,
}
"""Each report file and what renders it."""
PICTURES = "pictures"
STUDENTS = "students"


def render_all(board: Board) -> dict[str, str]:
    """Every file by its path below the folder of reports: the board's, its pictures, a private page per submission."""
    files = {name: render(board) for name, render in FILES.items()}
    files |= {f"{PICTURES}/{name}": text for name, text in pictures(board).items()}
    pages = {} if board.anonymous else student_pages(board)
    return files | {f"{STUDENTS}/{name}": text for name, text in pages.items()}


def write_reports(board: Board, directory: Path) -> tuple[Path, ...]:
    """Write every report file into `directory`; a reader meets the old files or the new ones, never half of one.

    Beside an anonymous board no page of a student stays from an earlier time: a folder like that gets published.
    """
    texts = {directory / name: text for name, text in render_all(board).items()}
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.draft") for path in texts}
    try:
        for folder in dict.fromkeys(path.parent for path in texts):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            # "x": a link that somebody laid under this name is not followed
            with drafts[path].open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        for path, draft in drafts.items():
            draft.replace(path)
        if board.anonymous:
            _remove((directory / STUDENTS).glob("*.html"))
    except OSError as error:
        raise _not_written(directory, error) from error
    finally:
        _remove(drafts.values())
    return tuple(texts)


def _remove(drafts: Iterable[Path]) -> None:
    for draft in drafts:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _not_written(directory: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"to write the reports into {directory}",
        error.strerror or str(error),
        "no result is lost, they are all in the store: mend the place or choose another, then run `harness report`",
    )
