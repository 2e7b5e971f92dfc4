"""What is specific to a framework is in its record and in its file of words, and nowhere else."""

import ast
import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from harness.artifact.audit import Translator
from harness.records.framework import BY_SHORT, Framework
from harness.words.base import Words, words_of

ROOT = Path(__file__).parents[1]
FRAMEWORKS = pytest.mark.parametrize("framework", Framework)
MAY_NAME_ONE = ("records/framework.py", "backends/", "words/", "slicing/program.py")


def test_every_name_of_a_framework_is_its_own():
    for name in ("title", "in_text", "short"):
        assert len({getattr(framework.facts, name) for framework in Framework}) == len(Framework)
    modules = [module for f in Framework for module in (*f.facts.modules, *f.facts.companions)]
    assert len(set(modules)) == len(modules)
    assert {short: framework.value for short, framework in BY_SHORT.items()} == {
        "torch": "torch",
        "keras": "tensorflow",
    }


@FRAMEWORKS
def test_extra_of_a_framework_installs_what_its_runs_depend_on(framework):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(framework.facts.packages) <= {requirement.split("=")[0] for requirement in extras[framework]}
    assert set(framework.facts.packages) <= set(framework.facts.modules)


@FRAMEWORKS
@pytest.mark.parametrize(
    ("protocol", "of"),
    [(Words, words_of), (Translator, lambda framework: import_module(f"harness.artifact.{framework}.translator"))],
)
def test_what_is_found_under_a_frameworks_name_offers_what_is_asked_of_it(framework, protocol, of):
    found = of(framework)
    for name in protocol.__annotations__:
        assert getattr(found, name)
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if not name.startswith("_"):
            asked, offered = (list(inspect.signature(f).parameters.values()) for f in (method, getattr(found, name)))
            assert [(p.name, p.default) for p in asked[1:]] == [(p.name, p.default) for p in offered], name


@FRAMEWORKS
def test_words_have_an_argument_for_every_setting(framework):
    settings = {"filters", "units", "kernel", "pool", "stride", "dilation", "groups", "bias"}
    assert words_of(framework).ARGUMENTS.keys() == settings


def test_no_other_file_asks_which_framework_it_is():
    asking = {}
    for path in sorted((ROOT / "harness").rglob("*.py")):
        name = str(path.relative_to(ROOT / "harness"))
        parts = [part for part in ast.walk(ast.parse(path.read_text())) if isinstance(part, ast.Attribute)]
        lines = [
            p.lineno for p in parts if getattr(p.value, "id", "") == "Framework" and p.attr in Framework.__members__
        ]
        if lines and not name.startswith(MAY_NAME_ONE):
            asking[name] = lines
    assert asking == {}
