"""The references: one `reference/NAME.py` for each, with the record NAME in capitals, loaded by its name."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import cast

import reference
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.reference import Reference


def names() -> tuple[str, ...]:
    """The names that an assignment may use for its reference."""
    return tuple(module.name for module in pkgutil.iter_modules(reference.__path__) if not module.ispkg)


def load_reference(name: str) -> Reference:
    """The reference of this name. Raises UsageError if there is none."""
    if name not in names():
        raise UsageError("a known reference", name, f"choose from {', '.join(names())}")
    return cast(Reference, getattr(import_module(f"reference.{name}"), name.upper()))


def models_of(wanted: Reference) -> dict[Framework, Path]:
    """The folder of its model in each framework that has one: `reference/lenet5_torch`."""
    root = Path(reference.__path__[0])
    folders = {framework: root / f"{wanted.name}_{framework.facts.short}" for framework in Framework}
    return {framework: folder for framework, folder in folders.items() if folder.is_dir()}
