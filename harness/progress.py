"""Progress on the error stream: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINES_PER_STAGE = 10


class _Bars:
    """One bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, title: str, total: int) -> None:
        self._task = self._progress.add_task(title, total=total)

    def step(self) -> None:
        if self._task is not None:
            self._progress.advance(self._task)


class _Lines:
    """A line for every tenth of a stage, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._title, self._total, self._done = "", 0, 0

    def start(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._console.print(f"{title}: {total}", highlight=False)

    def step(self) -> None:
        self._done += 1
        every = max(1, self._total // _LINES_PER_STAGE)
        if self._done % every == 0 or self._done == self._total:
            self._console.print(f"{self._title}: {self._done} of {self._total}", highlight=False)


@contextmanager
def shown_progress() -> Iterator[_Bars | _Lines]:
    """Progress that fits the error stream."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console) as progress:
        yield _Bars(progress)
