"""How long a list of training runs will still take, from the runs that have ended."""

from __future__ import annotations

import heapq
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping

OVERHEAD_MACS = 1_250_000
"""What an image costs besides its multiply-accumulates, in multiply-accumulates: pooling, activations, calls.

A LeNet-5 of 0.4 million takes not a tenth but a quarter of the time of a model of 6 million, in both frameworks.
"""


_EXACT = 64
"""Up to this many runs are scheduled on the workers one by one; with more, the work is assumed to be spread evenly."""


class Forecast:
    """Time left of runs that several workers take in their order. Times are seconds of any one clock.

    `runs` has the framework of each run and the multiply-accumulates of an image, by its key, `examples` how many
    images each is trained on, where they differ. A framework without a finished run is assumed to be as fast as the
    others. A step costs the same however many runs there are. Runs may begin in several threads at once.
    """

    def __init__(
        self, runs: Mapping[str, tuple[str, int]], workers: int, examples: Mapping[str, int] | None = None
    ) -> None:
        images = examples or dict.fromkeys(runs, 1)
        self._work = {key: (kind, (macs + OVERHEAD_MACS) * images[key]) for key, (kind, macs) in runs.items()}
        self._workers = workers
        self._begun: dict[str, float] = {}
        self._waiting = dict.fromkeys(runs)
        self._work_waiting = Counter[str]()
        for kind, work in self._work.values():
            self._work_waiting[kind] += work
        self._work_seen = Counter[str]()
        self._seconds_seen: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def begin(self, key: str, now: float) -> None:
        """A worker takes this run."""
        kind, work = self._work[key]
        with self._lock:
            del self._waiting[key]
            self._work_waiting[kind] -= work
            self._begun[key] = now

    def end(self, key: str, now: float, *, is_typical: bool = True) -> None:
        """A run has ended; one that ended early or at a limit says nothing about the others."""
        kind, work = self._work[key]
        with self._lock:
            seconds = now - self._begun.pop(key)
            if is_typical:
                self._seconds_seen[kind] += seconds
                self._work_seen[kind] += work

    def left(self, now: float) -> float | None:
        """Seconds until the last run ends; None while unknown."""
        with self._lock:
            if not self._work_seen:
                return None
            free = [max(0.0, self._expected(key) - (now - begun)) for key, begun in self._begun.items()]
            free += [0.0] * (self._workers - len(free))
            if len(self._waiting) > _EXACT:
                waiting = sum(work * self._rate(kind) for kind, work in self._work_waiting.items())
                return max(*free, (sum(free) + waiting) / len(free))
            return self._laid_out(free)

    def _laid_out(self, free: list[float]) -> float:
        """When the last run ends if each worker takes the next as soon as it is free."""
        heapq.heapify(free)
        for key in self._waiting:
            heapq.heapreplace(free, free[0] + self._expected(key))
        return max(free)

    def _expected(self, key: str) -> float:
        kind, work = self._work[key]
        return work * self._rate(kind)

    def _rate(self, kind: str) -> float:
        """Seconds for each multiply-accumulate."""
        seen = [kind] if self._work_seen[kind] else list(self._work_seen)
        return sum(self._seconds_seen[one] for one in seen) / sum(self._work_seen[one] for one in seen)
