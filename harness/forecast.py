"""How long a list of training runs will still take, from the runs that have ended."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

OVERHEAD_MACS = 1_250_000
"""What an image costs besides its multiply-accumulates, in multiply-accumulates: pooling, activations, calls.

A LeNet-5 of 0.4 million takes no tenth of the time of a model of 6 million but a quarter, in both frameworks.
"""


class Forecast:
    """Time left of runs that several workers take in their order. Times are seconds of any one clock.

    `runs` has the framework of each run and the multiply-accumulates of an image, by its key, `examples` how many
    images each is trained on, where they differ. A framework of which no run has ended yet is taken to be as fast as
    the others.
    """

    def __init__(
        self, runs: Mapping[str, tuple[str, int]], workers: int, examples: Mapping[str, int] | None = None
    ) -> None:
        images = examples or dict.fromkeys(runs, 1)
        self._work = {key: (kind, (macs + OVERHEAD_MACS) * images[key]) for key, (kind, macs) in runs.items()}
        self._workers = workers
        self._begun: dict[str, float] = {}
        self._waiting = dict.fromkeys(runs)
        self._seen: list[tuple[str, int, float]] = []

    def begin(self, key: str, now: float) -> None:
        """A worker takes this run."""
        self._waiting.pop(key)
        self._begun[key] = now

    def end(self, key: str, now: float, *, is_typical: bool = True) -> None:
        """A run has ended; one that ended before its time, or at a limit, says nothing of the others."""
        kind, work = self._work[key]
        seconds = now - self._begun.pop(key)
        if is_typical:
            self._seen.append((kind, work, seconds))

    def left(self, now: float) -> float | None:
        """Seconds until the last run ends; None as long as nothing is known."""
        if not self._seen:
            return None
        free = [max(0.0, self._expected(key) - (now - begun)) for key, begun in list(self._begun.items())]
        free += [0.0] * (self._workers - len(free))
        heapq.heapify(free)
        for key in list(self._waiting):
            heapq.heapreplace(free, free[0] + self._expected(key))
        return max(free)

    def _expected(self, key: str) -> float:
        kind, work = self._work[key]
        seen = [one for one in self._seen if one[0] == kind] or self._seen
        return work * sum(seconds for *_, seconds in seen) / sum(known for _, known, _ in seen)
