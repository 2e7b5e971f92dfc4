"""Writes the report files of a board."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from harness.records.board import Board
from harness.records.errors import HarnessError
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.spreadsheet import board_csv, runs_csv
from harness.reports.student import student_curves, student_pages
from harness.reports.svg import NAMES as PICTURE_NAMES
from harness.reports.svg import pictures

FILES: dict[str, Callable[[Board], str]] = {
    "leaderboard.md": board_markdown,
    "leaderboard.csv": board_csv,
    "runs.csv": runs_csv,
    "leaderboard.json": board_json,
    "leaderboard.html": board_html,
}
"""Each report file and its renderer."""
PICTURES = "pictures"
STUDENTS = "students"
_KEPT = "all results are safe in the store: fix the folder or choose another"


def render_all(board: Board) -> dict[str, str]:
    """Every file by its path below the folder of reports: the board's, its pictures, a private page per submission."""
    files = {name: render(board) for name, render in FILES.items()}
    files |= {f"{PICTURES}/{name}": text for name, text in pictures(board).items()}
    pages = {} if board.anonymous else student_pages(board) | student_curves(board)
    return files | {f"{STUDENTS}/{name}": text for name, text in pages.items()}


def write_reports(board: Board, directory: Path) -> tuple[Path, ...]:
    """Write every report file into `directory`; readers see the old files or the new ones, never half of one.

    Earlier pictures and student pages that are not rewritten are removed: they belong to another board, and next to an
    anonymous one they would reveal names.
    """
    return write_files(render_all(board), directory, _earlier, f"{_KEPT}, then run `harness report`")


def write_files(
    files: Mapping[str, str],
    directory: Path,
    earlier: Callable[[Path], Iterable[Path]] = lambda _: (),
    advice: str = f"{_KEPT}, then run the same command",
) -> tuple[Path, ...]:
    """Write files by their paths below `directory`, all of them or none, and remove those `earlier` ones that are not
    among them. Raises HarnessError where that cannot be done."""
    texts = {directory / name: text for name, text in files.items()}
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.draft") for path in texts}
    try:
        gone = [path for path in earlier(directory) if path not in texts]
        _require_own_places(directory, [*texts, *gone])
        for folder in dict.fromkeys(path.parent for path in texts):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            # "x": a link under this name is not followed
            with drafts[path].open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        for path in gone:
            path.unlink()
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as error:
        raise HarnessError(f"to write into {directory}", error.strerror or str(error), advice) from error
    finally:
        _remove(drafts.values())
    return tuple(texts)


def _require_own_places(directory: Path, paths: Sequence[Path]) -> None:
    """Nothing is written or removed through a link, and no folder is in the place of a file."""
    for folder in {path.parent for path in paths}:
        if folder != directory and folder.is_symlink():
            raise OSError(errno.ELOOP, f"{folder} is a link")
    for path in paths:
        if path.is_dir():
            raise OSError(errno.EISDIR, f"{path} is a folder")


def _earlier(directory: Path) -> list[Path]:
    """Files that may be there from an earlier time."""
    pictures_there = [directory / PICTURES / name for name in PICTURE_NAMES]
    return [
        *(path for path in pictures_there if path.is_file()),
        *(directory / STUDENTS).glob("*.html"),
        *(directory / STUDENTS).glob("*.svg"),
    ]


def _remove(drafts: Iterable[Path]) -> None:
    for draft in drafts:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
