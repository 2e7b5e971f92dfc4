"""Warm processes that all tests share, and the result of each job that they did.

Most boards of these tests train the same two reference models, and many build the same submissions. A job is a
function of what it is given, so it is done once: the n-th time that a command asks for it, the answer is what came of
it the n-th time that another command asked. What no two builds do alike (weights from no seed) stays as it was found.
"""

import hashlib
import json
import threading
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, replace
from io import StringIO
from subprocess import CompletedProcess

from harness.cli import cli
from harness.cli.group import _guarded
from harness.experiments.examine import examine
from harness.experiments.executors import Zygotes
from harness.jobs.build import BUILD

_LOCK = threading.Lock()
_WARM = {walls: Zygotes(walls=walls) for walls in (True, False)}
_ENDINGS = {}


class Shared(Zygotes):
    """The warm processes of one command, which are those of the whole session: they outlive the command."""

    def __init__(self, *, walls=True):
        super().__init__(walls=walls)
        self._asked = Counter()

    def close(self):
        """Does nothing: other tests continue with the same processes."""

    def get(self, framework):
        """Runs jobs of a framework, or returns their recorded results."""
        return Replay(_WARM[self._walls].get(framework), self._walls, self._asked)


class Fresh(Shared):
    """The same processes; every job is done."""

    def get(self, framework):
        return _WARM[self._walls].get(framework)


def close_all():
    """At the end of the session."""
    for zygotes in _WARM.values():
        zygotes.close()


class Replay:
    """A launcher that does no job twice for the same `asked`."""

    def __init__(self, launcher, walls, asked):
        self._launcher, self._walls, self._asked = launcher, walls, asked

    def run(self, job, shared=()):
        key = self._key(job, shared)
        with _LOCK:
            past, turn = _ENDINGS.setdefault(key, []), self._asked[key]
            self._asked[key] += 1
        if turn < len(past):
            return past[turn]
        ending = self._launcher.run(job, shared)
        if ending.limit is None and ending.frame:
            past.append(ending)
        return ending

    def close(self):
        """Nothing: see `Shared`."""

    def _key(self, job, shared):
        digest = hashlib.sha256(json.dumps([job.name, self._walls, asdict(job.limits)]).encode())
        for content in (job.request, *(item.content() for item in shared)):
            digest.update(hashlib.sha256(content).digest())
        return digest.digest()


class OneBuild:
    """A launcher for one examination, in which the builds of other seeds end like the first one."""

    def __init__(self, launcher):
        self._launcher, self._first = launcher, None

    def run(self, job, shared=()):
        if job.name != BUILD:
            return self._launcher.run(job, shared)
        self._first = self._first or self._launcher.run(job, shared)
        return self._first

    def close(self):
        """End every process."""
        self._launcher.close()


def examine_one_build(submission, launcher, seeds, assignment, reference):
    """The result for a submission, except how its weights depend on the seed: only the first is built."""
    examined = examine(submission, OneBuild(launcher), seeds, assignment, reference)
    checks = (check for check in examined.verdict.checks if check.name not in ("same_weights", "unrepeatable"))
    return replace(examined, verdict=replace(examined.verdict, checks=tuple(checks)))


def run_here(*arguments):
    """The result of the command `harness` with these arguments, run in this process."""
    line = [str(argument) for argument in arguments]
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        try:
            code = _guarded(lambda: cli(line, standalone_mode=False))
        except SystemExit as ended:
            code = ended.code or 0
    return CompletedProcess(line, code, output.getvalue(), errors.getvalue())
