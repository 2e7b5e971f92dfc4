"""Submissions on disk: found, checked and read once. Imports nothing of theirs and follows no link."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.errors import SubmissionError, UsageError
from harness.records import Check, Framework, Outcome, Rejected, SourceFile, Submission

MAX_BYTES = 1 << 20
MAX_FILES = 60
MAX_DEPTH = 4
_ENTRY = "model.py"
_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+(torch|tensorflow|keras)\b", re.MULTILINE)
_IGNORED = {"__pycache__", "__MACOSX"}
_ONE_FILE = "a folder with model.py, or one .py file"

Found = Submission | Rejected


def discover(folder: Path) -> list[Found]:
    """Every submission in a folder, by name: each subfolder, and each .py file. Raises UsageError if there is none."""
    if not folder.is_dir():
        raise UsageError("a folder of submissions", f"{_shown(str(folder))} is not a folder", "name the right folder")
    entries = sorted(entry.name for entry in os.scandir(folder) if _is_submission(entry))
    if not entries:
        raise UsageError(f"submissions in {_shown(str(folder))}", "none", "put each in a folder <name>/model.py")
    folders = {name for name in entries if not name.endswith(".py")}
    return [take_in(folder / name, name if name.removesuffix(".py") in folders else None) for name in entries]


def _is_submission(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _IGNORED:
        return False
    return entry.is_dir(follow_symlinks=False) or entry.is_symlink() or entry.name.endswith(".py")


def take_in(path: Path, name: str | None = None) -> Found:
    """One submission: a folder or a single .py file, named after it. What is wrong with it becomes a failed check."""
    path = Path(os.path.abspath(path))
    name = _shown(name or (path.stem if path.suffix == ".py" else path.name))
    try:
        files = tuple(_read_all(path))
        entry = _find_entry(files)
        return Submission(name, files, entry, _find_framework(files))
    except SubmissionError as error:
        return Rejected(name, Check(error.check, Outcome.FAILED, error.expected, error.found, error.try_))


def _shown(name: str) -> str:
    """A file name as printable text: undecodable bytes and control characters are spelled out."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)[:120]


def _wrong(expected: str, found: str, try_: str) -> SubmissionError:
    return SubmissionError("source", expected, found, try_)


def _read_all(path: Path) -> Iterator[SourceFile]:
    """Regular Python files of a submission, in order of path, within the limits on number, depth and size."""
    total = 0
    count = 0
    for relative, file in _walk(path):
        content = _read(file)
        total, count = total + len(content), count + 1
        if total > MAX_BYTES or count > MAX_FILES:
            found = f"more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB"
            raise _wrong("a few Python files", found, "hand in the model definition only")
        yield SourceFile(relative, content)


def _walk(path: Path) -> Iterator[tuple[str, Path]]:
    kind = _kind(path)
    if kind == "file":
        yield _shown(path.name), path
        return
    if kind != "folder":
        raise _wrong(_ONE_FILE, f"{kind} named {_shown(path.name)}", "hand in the file itself")
    yield from _walk_folder(path, "", 0)


def _walk_folder(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    if depth > MAX_DEPTH:
        raise _wrong(f"at most {MAX_DEPTH} nested folders", "more", "put the model at the top of the folder")
    for name in sorted(_names(folder)):
        path, relative = folder / name, f"{prefix}{_shown(name)}"
        kind = _kind(path)
        if kind == "folder":
            yield from _walk_folder(path, f"{relative}/", depth + 1)
        elif name.endswith(".py"):
            if kind != "file":
                raise _wrong("a regular file", f"{kind} named {relative}", "hand in the file itself")
            yield relative, path


def _names(folder: Path) -> list[str]:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".") and name not in _IGNORED]
    except OSError as error:
        raise _wrong("a readable folder", str(error.strerror), "make it readable") from None
    if len(names) > 50 * MAX_FILES:
        raise _wrong("a few Python files", f"{len(names):,} entries in one folder", "hand in the model only")
    return names


def _kind(path: Path) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise _wrong(_ONE_FILE, f"{_shown(path.name)}: {error.strerror}", "check the path") from None
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO"}
    return kinds.get(stat.S_IFMT(mode), "a device or socket")


def _read(path: Path) -> bytes:
    """A regular file's bytes; opened without following a link and without blocking on what it may have become."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _wrong("a regular file", "something else", "hand in the file itself")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong("a readable file", f"{_shown(path.name)}: {error.strerror}", "make it readable") from None
    if len(content) > MAX_BYTES:
        raise _wrong(f"at most {MAX_BYTES >> 20} MiB of source", "more", "hand in the model definition only")
    return content


def _find_entry(files: tuple[SourceFile, ...]) -> str:
    """`model.py` nearest to the top, else the only file."""
    named = [f.path for f in files if f.path == _ENTRY or f.path.endswith(f"/{_ENTRY}")]
    if named:
        return min(named, key=lambda path: path.count("/"))
    if len(files) == 1:
        return files[0].path
    if not files:
        raise _wrong(_ONE_FILE, "no Python file", "hand in model.py")
    listed = ", ".join(f.path for f in files[:8])
    raise _wrong(_ONE_FILE, f"{len(files)} files: {listed}", "name the file that defines the model model.py")


def _find_framework(files: tuple[SourceFile, ...]) -> Framework:
    """The framework that the files import; read as text, because parsing hostile source can end the process."""
    found = {match.decode() for file in files for match in _IMPORT.findall(file.content)}
    frameworks = {Framework.TORCH if name == "torch" else Framework.TENSORFLOW for name in found}
    if len(frameworks) == 1:
        return frameworks.pop()
    if not frameworks:
        raise SubmissionError(
            "framework", "import torch, or import keras", "neither", "define the model in one of them"
        )
    raise SubmissionError("framework", "one framework", "both torch and Keras are imported", "import only one of them")
