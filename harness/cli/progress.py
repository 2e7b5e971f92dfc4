"""Progress on the error stream: a bar with the time left in a terminal, occasional lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

_LINES_PER_STAGE = 10


def _clock(seconds: float) -> str:
    """`0:04:05`."""
    return str(timedelta(seconds=round(max(0.0, seconds))))


class _TimeLeft(ProgressColumn):
    """The time left that the stage forecasts, counted down; by the number of steps where it forecasts nothing."""

    def render(self, task: Task) -> Text:
        """Of one bar."""
        end = task.fields.get("end")
        left = task.time_remaining if end is None else end - time.monotonic()
        return Text("-:--:--" if left is None else _clock(left), style="progress.remaining")


class _Bars:
    """One bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, title: str, total: int) -> None:
        self._task = self._progress.add_task(title, total=total)

    def step(self, left: float | None = None) -> None:
        if self._task is not None:
            self._progress.update(self._task, advance=1, end=None if left is None else time.monotonic() + left)

    def tell(self, text: str) -> None:
        self._progress.console.print(text, highlight=False)


class _Lines:
    """A line for every tenth of a stage, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._title, self._total, self._done = "", 0, 0

    def start(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._console.print(f"{title}: {total}", highlight=False)

    def step(self, left: float | None = None) -> None:
        self._done += 1
        every = max(1, self._total // _LINES_PER_STAGE)
        if self._done % every == 0 or self._done == self._total:
            told = f", about {_clock(left)} left" if left and self._done < self._total else ""
            self._console.print(f"{self._title}: {self._done} of {self._total}{told}", highlight=False)

    def tell(self, text: str) -> None:
        self._console.print(text, highlight=False)


@contextmanager
def shown_progress() -> Iterator[_Bars | _Lines]:
    """Progress that fits the error stream."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), _TimeLeft(), console=console) as progress:
        yield _Bars(progress)
