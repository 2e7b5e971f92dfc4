"""What a run depends on besides its graph: versions are read without importing, code by its bytes."""

import importlib.metadata
import sys

import numpy as np
import pytest

from harness.jobs.machine import cpu_model
from harness.records.framework import Framework
from harness.storage import versions

FRAMEWORKS = pytest.mark.parametrize("framework", Framework)


@pytest.fixture
def installed(monkeypatch):
    """Packages that seem to be installed, with their versions."""
    packages: dict[str, str] = {}

    def version(package: str) -> str:
        if package not in packages:
            raise importlib.metadata.PackageNotFoundError(package)
        return packages[package]

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions._version.cache_clear()
    yield packages
    versions._version.cache_clear()


@FRAMEWORKS
def test_versions_of_python_and_numpy_are_the_running_ones(framework):
    found = versions.library_versions(framework)
    assert found["numpy"] == np.__version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("packages", "torch", "tensorflow"),
    [
        ({}, False, False),
        ({"torch": "2.13.0"}, True, False),
        ({"tensorflow": "2.21.0"}, False, False),
        ({"keras": "3.15.1"}, False, False),
        ({"tensorflow": "2.21.0", "keras": "3.15.1", "torch": "2.13.0"}, True, True),
    ],
)
def test_framework_is_installed_when_all_its_packages_are(installed, packages, torch, tensorflow):
    installed.update(packages)
    assert versions.is_installed(Framework.TORCH) is torch
    assert versions.is_installed(Framework.TENSORFLOW) is tensorflow


def test_package_that_is_missing_is_told_instead_of_a_version(installed):
    installed.update({"keras": "3.15.1", "numpy": "2.4"})
    found = versions.library_versions(Framework.TENSORFLOW)
    assert (found["tensorflow"], found["keras"], found["numpy"]) == ("not installed", "3.15.1", "2.4")


def test_processor_has_a_name():
    assert cpu_model().strip()


def test_digest_of_the_code_changes_with_every_module_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "storage" / "versions.py"))
    digests = []
    for name, content in [("a.py", "1"), ("a.py", "2"), ("sub/b.py", ""), ("sub/b.py", "3"), ("c.py", "")]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
        digests.append(versions.code_digest.__wrapped__())
    assert len(set(digests)) == len(digests)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert versions.code_digest.__wrapped__() == digests[-1]
