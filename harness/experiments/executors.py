"""Run jobs on local processes: several at once, results in the order in which they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from harness.sandbox.job import Imported, Launcher

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 2
"""Jobs per worker, running or waiting, so that it need not wait for the consumer of the results."""


class Zygotes:
    """The warm processes of one command, started when first needed and all ended on exit."""

    def __init__(self, *, walls: bool = True) -> None:
        self._walls = walls
        self._running: dict[Imported, Launcher] = {}

    def __enter__(self) -> Zygotes:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process; a job in flight is lost."""
        for zygote in self._running.values():
            zygote.close()
        self._running.clear()

    def get(self, imported: Imported) -> Launcher:
        """The launcher of the jobs of a framework, or of the compiled engine. Call it from one thread only."""
        if imported not in self._running:
            self._running[imported] = _launcher(imported, self._walls)
        return self._running[imported]


def _launcher(imported: Imported, walls: bool) -> Launcher:
    """A zygote, or without walls on a system that cannot have one, a plain process for each job."""
    if sys.platform != "linux" and not walls:
        from harness.sandbox.portable import PlainProcess

        return PlainProcess(imported)

    from harness.sandbox.launcher import Zygote

    return Zygote(imported, walls=walls)


def run_all(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, stop: Callable[[], None]
) -> Iterator[tuple[Item, Result]]:
    """Pairs of item and result as they end, `workers` at a time; each worker thread waits for a process.

    Results are not kept once they are given to the consumer. When the consumer is interrupted, `stop` is called to end
    the processes before the threads are joined.
    """
    waiting = iter(items)
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        running = {pool.submit(function, item): item for item in islice(waiting, _AHEAD * workers)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                running |= {pool.submit(function, following): following for following in islice(waiting, 1)}
                yield item, future.result()
            del future
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
