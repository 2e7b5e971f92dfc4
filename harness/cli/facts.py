"""What this machine offers: its kernel, each wall, the frameworks, and what follows from each."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.jobs.limits import Limits
from harness.records.engine import Engine
from harness.records.errors import SandboxError
from harness.records.framework import Framework
from harness.sandbox.support import obstacle
from harness.storage.versions import is_installed, library_versions, usable_cores, versions_of

_NO_WALLS = "`grade` refuses; `check` runs your own file like any program you start"

_EXTRA = 'pip install "lenet-harness[{}]"'


class Health(StrEnum):
    """What a fact means for grading."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Fact:
    """One line of the report: what was checked, what was found, and what follows from it."""

    name: str
    found: str
    follows: str
    health: Health = Health.GOOD

    def as_dict(self) -> dict[str, Any]:
        """The form that `--json` prints."""
        return {name: str(value) for name, value in asdict(self).items()}


def examine_machine() -> Iterator[Fact]:
    """All facts, as they are found; the last ones import the frameworks and take seconds."""
    yield _kernel()
    yield _cores()
    yield _memory()
    missing = obstacle()
    if missing:
        yield Fact("walls", missing, _NO_WALLS, Health.BAD)
    else:
        yield from _walls()
    yield _engine(has_walls=not missing)
    for framework in Framework:
        yield _framework(framework, has_walls=not missing)


def walls_stand(facts: Sequence[Fact]) -> bool:
    """Whether student code can be isolated here."""
    return not any(fact.health is Health.BAD and fact.name in ("walls", "self-test") for fact in facts)


def conclusion(facts: Sequence[Fact]) -> tuple[bool, str]:
    """Whether any submission can be graded here, and a sentence saying which ones."""
    if not walls_stand(facts):
        return False, "Submissions cannot be isolated here."
    missing = {fact.name: fact for fact in facts if fact.name in list(Framework) and fact.health is Health.BAD}
    there = [framework.value for framework in Framework if framework not in missing]
    if not there:
        none = "No submission can be graded here: no framework can be imported."
        return False, f"{none} Install one: {_EXTRA.format(next(iter(Framework)))}"
    if missing:
        return True, f"Submissions in {', '.join(there)} can be graded here, those in {', '.join(missing)} cannot."
    return True, "Submissions can be graded here."


def _kernel() -> Fact:
    found = f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}"
    return Fact("system", found, "part of every run's record")


def _cores() -> Fact:
    cores = usable_cores()
    return Fact("cores", str(cores), f"{cores} processes of one thread at a time, unless --workers says otherwise")


def _memory() -> Fact:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Fact("memory", "unknown", "each process may use up to the assignment's memory_mib", Health.NOTE)
    return Fact("memory", f"{total / 2**30:.1f} GiB", "each process may use up to the assignment's memory_mib")


def _walls() -> Iterator[Fact]:
    from harness.sandbox import landlock
    from harness.sandbox.launcher import Zygote

    yield Fact("Landlock", f"version {landlock.abi()}", "a submission can open only the files it was given")
    yield Fact("seccomp", "allow-list", "no new process, no program, no socket, no tracing, no hidden memory")
    with Zygote(None) as bare:
        try:
            bare.start()
            yield _namespaces(bare.no_namespaces)
            ending = bare.try_walls(Limits())
        except SandboxError as error:
            yield Fact("self-test", error.found, f"{_NO_WALLS}; please report this", Health.BAD)
            return
    found = f"all walls hold, set up in {ending.locked_seconds * 1000:.0f} ms"
    yield Fact("self-test", found, "`grade` and `check` isolate student code, and test each wall before every job")


def _namespaces(why_not: str) -> Fact:
    if not why_not:
        follows = "own users, mounts, network; a submission cannot even look for what it was not given"
        return Fact("namespaces", "user, mount, network, IPC, UTS", follows)
    follows = (
        "Landlock and seccomp still hold; submissions can find out whether a path exists; there is no temporary folder"
    )
    return Fact("namespaces", f"not allowed ({why_not})", follows, Health.NOTE)


def _framework(framework: Framework, *, has_walls: bool) -> Fact:
    versions = {name: version for name, version in library_versions(framework).items() if name != "python"}
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    if not is_installed(framework):
        return Fact(framework, found, _cannot(framework), Health.BAD)
    if not has_walls:
        return Fact(framework, found, "its submissions can be checked")
    return _imported(framework, found)


def _engine(*, has_walls: bool) -> Fact:
    """The compiled engine: without it, frameworks train."""
    found = f"llvmlite {versions_of(Engine.COMPILED, next(iter(Framework)))['llvmlite']}"
    if not has_walls:
        return Fact("engine", found, "no model is trained here")
    from harness.sandbox.launcher import Zygote

    with Zygote(Engine.COMPILED) as zygote:
        try:
            zygote.start()
        except SandboxError as error:
            slower = "each model is trained by its own framework, which takes several times as long"
            return Fact("engine", f"{found}: {error.found}", slower, Health.NOTE)
    return Fact("engine", found, "trains the models that it covers, several times as fast as a framework")


def _cannot(framework: Framework) -> str:
    return f"its submissions cannot be graded; {_EXTRA.format(framework)}"


def _imported(framework: Framework, found: str) -> Fact:
    from harness.sandbox.launcher import Zygote

    with Zygote(framework) as zygote:
        try:
            zygote.start()
        except SandboxError as error:
            return Fact(framework, f"{found}: {error.found}", _cannot(framework), Health.BAD)
        if zygote.is_warm:
            return Fact(framework, found, "imported once; every submission is built in a fork of that process")
    return Fact(
        framework,
        found,
        "its import starts threads: each process imports it separately, which takes seconds longer",
        Health.NOTE,
    )
