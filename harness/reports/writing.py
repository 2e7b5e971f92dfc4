"""Writes the report files of a board."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from harness.records.board import Board
from harness.records.errors import HarnessError
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.made import RECORD, Part, digest, made_of, read_record, record_text, unchanged
from harness.reports.markdown import board_markdown
from harness.reports.page import templates
from harness.reports.spreadsheet import board_csv, runs_csv
from harness.reports.student import student_curves, student_pages, student_parts
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
    pages = {} if board.anonymous else student_pages(board) | student_curves(board)
    return _of_the_class(board) | _below_students(pages)


def _of_the_class(board: Board) -> dict[str, str]:
    files = {name: render(board) for name, render in FILES.items()}
    return files | {f"{PICTURES}/{name}": text for name, text in pictures(board).items()}


def _below_students(pages: Mapping[str, str]) -> dict[str, str]:
    return {f"{STUDENTS}/{name}": text for name, text in pages.items()}


def write_reports(board: Board, directory: Path, version: str = "") -> tuple[Path, ...]:
    """Bring every report file in `directory` up to date; readers see the old files or the new ones, never half of one.

    `version` names everything that turns a board into files. If it is given, files are made again only where what they
    are made from has changed, or they themselves; the record of that is left in the folder.

    Earlier pictures and student pages that are not among the files are removed: they belong to another board, and next
    to an anonymous one they would reveal names. Returns the path of every report file.
    """
    parts, known = _parts(board, version), read_record(directory) if version else {}
    there = unchanged(directory, {name: file for made in known.values() for name, file in made.files.items()})
    made = {name: known[name] for name, part in parts.items() if name in known and known[name].is_still(part, there)}
    texts: dict[str, str] = {}
    for name, part in parts.items():
        if name not in made:
            files = part.render()
            made[name] = made_of(part.facts, files)
            texts |= {path: text for path, text in files.items() if there.get(path) != made[name].files[path]}
    paths = [directory / path for name in parts for path in made[name].files]
    if version and made != known:
        texts[RECORD] = record_text(made)
    kept = [*paths, directory / RECORD] if version else paths
    write_files(texts, directory, _earlier, f"{_KEPT}, then run `harness report`", kept)
    return tuple(paths)


def _parts(board: Board, version: str) -> dict[str, Part]:
    """The files of the class, and those of each submission."""
    maker = digest(version, templates())
    found = {"": Part(digest(maker, board), lambda: _of_the_class(board))}
    for name, part in ({} if board.anonymous else student_parts(board)).items():
        found[name] = Part(digest(maker, part.facts), lambda part=part: _below_students(part.render()))  # type: ignore[misc]
    return found


def write_files(
    files: Mapping[str, str],
    directory: Path,
    earlier: Callable[[Path], Iterable[Path]] = lambda _: (),
    advice: str = f"{_KEPT}, then run the same command",
    kept: Collection[Path] = (),
) -> tuple[Path, ...]:
    """Write files by their paths below `directory`, all of them or none, and remove those `earlier` ones that are
    neither among them nor to be `kept`. Raises HarnessError where that cannot be done."""
    texts = {directory / name: text for name, text in files.items()}
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.draft") for path in texts}
    try:
        staying = {*texts, *kept}
        gone = [path for path in earlier(directory) if path not in staying]
        _require_own_places(directory, [*staying, *gone])
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


def _require_own_places(directory: Path, paths: Collection[Path]) -> None:
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
        *(path for path in (directory / RECORD, *pictures_there) if path.is_file()),
        *(directory / STUDENTS).glob("*.html"),
        *(directory / STUDENTS).glob("*.svg"),
    ]


def _remove(drafts: Iterable[Path]) -> None:
    for draft in drafts:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
