"""What results depend on besides the graph and the budget: library versions, our own code, the machine."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

import reference
from harness import __version__
from harness.records.engine import Engine
from harness.records.framework import Framework

TRAINING_VERSION = 5
"""Raised whenever a change of the harness changes what training computes; part of every run's key."""


def library_versions(framework: Framework) -> dict[str, str]:
    """Versions that a run of this framework depends on, read from package metadata without importing anything."""
    versions = {name: _version(name) for name in (*framework.facts.packages, "numpy")}
    return {"python": platform.python_version(), **versions}


def versions_of(engine: Engine, framework: Framework) -> dict[str, str]:
    """Versions that a run by this engine depends on. The framework built the model, whatever trains it."""
    versions = library_versions(framework)
    return {**versions, _COMPILER: _version(_COMPILER)} if engine is Engine.COMPILED else versions


_COMPILER = "llvmlite"


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def is_installed(framework: Framework) -> bool:
    """Whether every package of the framework is installed."""
    return all(_version(name) != "not installed" for name in framework.facts.packages)


@functools.cache
def installed_packages() -> str:
    """SHA-256 of every installed package and version: a submission may import any of them."""
    described = (distribution.metadata for distribution in importlib.metadata.distributions())  # each parsed once
    listed = sorted(f"{one['Name']}=={one['Version']}" for one in described)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def code_digest() -> str:
    """SHA-256 of the harness's own modules and the references: a stored verdict is valid only for the code that
    produced it."""
    state = hashlib.sha256(__version__.encode())
    root, references = Path(__file__).parents[1], Path(reference.__path__[0])
    for path in sorted(root.rglob("*.py")):
        state.update(str(path.relative_to(root)).encode() + path.read_bytes())
    for path in sorted(references.glob("*.py")):
        state.update(path.name.encode() + path.read_bytes())
    return state.hexdigest()
