"""Which file of a submission defines the model, in which framework, and its author's hints.

Source is searched as text: parsing what students wrote can exhaust memory or the stack, so only a locked child does it.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Sequence
from pathlib import PurePosixPath

from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.submission import SourceFile

HINT_FILE = "submission.toml"
NOTEBOOK = ".ipynb"
ENTRIES = ("model.py", "model.ipynb")
"""The file names that an assignment requires, the best first."""
MAX_HINT_FILE = 1 << 10
"""Maximum bytes of a submission.toml. No TOML of that size takes long, however it is nested."""
_LIKELY = re.compile(r"net|network|networks|cnn|models|my_?model|(?=.*lenet)[\w. -]*+", re.I)
_MAX_HINT = 200
_ONE_FILE = "a folder with model.py, or one .py file"
_HINT = re.compile(r"(?:(?P<file>[^:()]+\.(?:py|ipynb))(?::|$))?(?P<model>.*)", re.DOTALL)

_MODULES = {module: framework for framework in Framework for module in framework.facts.modules}
_COMPANIONS = {module: framework for framework in Framework for module in framework.facts.companions}
_IMPORT = re.compile(
    rb"""^(?!\n)(?:\xef\xbb\xbf)?(?:[^#\n"']*;)?[ \t]*+"""
    rb"""(?:import[ \t]++(?:(?!(?:%b)\b)[^,;#\n]*+,[ \t]*+)*+(%b)\b"""
    rb"""|from[ \t]++(%b)(?:\.[\w.]*+)?[ \t]++import\b)"""
    % ("|".join(_MODULES).encode(), "|".join(_MODULES).encode(), "|".join(_MODULES | _COMPANIONS).encode()),
    re.MULTILINE,
)
"""An import of a framework: first on its line, after a semicolon, or one of several names. Linear on any text; what
comes before a comma is never looked at again, which would take memory for each comma."""
_DEFINES = re.compile(
    rb"\bclass[ \t]+\w{1,80}[ \t]*\([^()\n]{0,200}(?:Module|Model|Sequential)[ \t]*\)"
    rb"|\b(?:Sequential|Model)[ \t]*\("
)
_SPEAKS = {framework: re.compile(framework.facts.speaks.encode()) for framework in Framework}


def find_hint(files: Sequence[SourceFile], content: bytes | None, option: str = "") -> tuple[str, str]:
    """File and model that `--entry` or `submission.toml` names; either may be empty. Raises SubmissionError."""
    text = option or (_hint_in(content) if content is not None else "")
    if len(text) > _MAX_HINT:
        raise bad_hint(f"{len(text)} characters")
    match = _HINT.fullmatch(text.strip())
    file, model = (match["file"] or "", match["model"].strip()) if match else ("", text)
    if file and file not in {source.path for source in files}:
        listed = _listed([source.path for source in files])
        raise SubmissionError("source", f"the file {file}, named in the hint", listed, "fix the name in the hint")
    return file, model


def _hint_in(content: bytes) -> str:
    try:
        entry = tomllib.loads(content.decode("utf-8-sig")).get("entry", "")
    except (ValueError, RecursionError) as error:
        raise bad_hint(str(error)[:200]) from None
    if not isinstance(entry, str):
        raise bad_hint(f"entry is a {type(entry).__name__}")
    return entry


def bad_hint(found: str) -> SubmissionError:
    """The error for an invalid `submission.toml`."""
    expected = f'one line such as entry = "model.py:Net(classes=10)" in {HINT_FILE}'
    return SubmissionError("source", expected, found, f"write that line with your own names, or delete {HINT_FILE}")


def find_entry(files: Sequence[SourceFile], patterns: Sequence[str] = ()) -> str:
    """The file that defines the model: one that the assignment's `patterns` name (the best pattern first), else
    `model.py`, each nearest to the top; else the only file, else the only one that defines a model, else the one of
    those with a likely name. Raises SubmissionError that lists what was found."""
    for wanted in (*patterns, *ENTRIES):
        named = [file for file in files if _is_named(file.path, wanted)]
        nearest = [file for file in named if file.path.count("/") == min(other.path.count("/") for other in named)]
        if nearest:
            return _one_of(nearest, wanted)
    if not files:
        raise _wrong(_ONE_FILE, "no Python file", "hand in model.py")
    defining = _defining(files)
    likely = [path for path in defining if _LIKELY.fullmatch(PurePosixPath(path).stem)]
    for found_paths in (defining, likely):
        if len(found_paths) == 1:
            return found_paths[0]
    listed = _listed(defining or [file.path for file in files])
    found = f"{len(defining)} files that define a model: {listed}" if defining else f"{len(files)} files: {listed}"
    if patterns:
        expected = f"one file named like {' or '.join(patterns)}"
        raise _wrong(expected, found, f"give the file that defines the model such a name, or name it in {HINT_FILE}")
    raise _wrong(_ONE_FILE, found, f"name the file that defines the model model.py, or name it in {HINT_FILE}")


def _is_named(path: str, pattern: str) -> bool:
    """Whether a pattern names a file by its path or by its name alone. An assignment's patterns ignore case; ours are
    exact names."""
    if pattern in ENTRIES:
        return path.rpartition("/")[2] == pattern
    path, pattern = path.lower(), pattern.lower()
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)


def _one_of(named: Sequence[SourceFile], wanted: str) -> str:
    """The only one of these files, or the only one that defines a model."""
    for paths in ([file.path for file in named], _defining(named)):
        if len(paths) == 1:
            return paths[0]
    found = f"{len(named)} files: {_listed([file.path for file in named])}"
    where = "hand in one of them, or put it at the top of the folder"
    raise _wrong(f"one {wanted}", found, where if wanted in ENTRIES else f"hand in one, or name it in {HINT_FILE}")


def _defining(files: Sequence[SourceFile]) -> list[str]:
    return [file.path for file in files if _DEFINES.search(file.content)] if len(files) > 1 else [files[0].path]


def find_framework(files: Sequence[SourceFile], entry: str) -> Framework:
    """The framework that the files import. If they import both, the one whose layers the entry file uses."""
    texts = {file.path: _searchable(file) for file in files}
    found = {match[1] or match[2] for text in texts.values() for match in _IMPORT.finditer(text)}
    frameworks = {(_MODULES | _COMPANIONS)[name.decode()] for name in found}
    if len(frameworks) > 1:
        spoken = {framework for framework in frameworks if _SPEAKS[framework].search(texts[entry])}
        frameworks = spoken if len(spoken) == 1 else frameworks
    if len(frameworks) == 1:
        return frameworks.pop()
    if not frameworks:
        expected = ", or ".join(f"import {framework.facts.short}" for framework in Framework)
        raise SubmissionError("framework", expected, "neither", "define the model in one of them")
    both = " and ".join(framework.facts.in_text for framework in Framework if framework in frameworks)
    raise SubmissionError("framework", "one framework", f"both {both} are imported", "import only one of them")


def _listed(paths: Sequence[str]) -> str:
    """The first paths for a message, each shortened to fit a line."""
    return ", ".join(path[:120] for path in paths[:8])


def _searchable(file: SourceFile) -> bytes:
    """The text of a file with one line of source per line; in a notebook, lines are in JSON strings."""
    text = file.content
    if file.path.endswith(NOTEBOOK):
        for between in (rb"\n", b'["', b'": "', b'":"', b'","', b'", "', b'"'):
            text = text.replace(between, b"\n")
    return text


def _wrong(expected: str, found: str, try_: str) -> SubmissionError:
    return SubmissionError("source", expected, found, try_)
