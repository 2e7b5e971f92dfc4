"""Submissions on disk: found, checked and read once. Imports nothing of theirs and follows no link."""

from __future__ import annotations

import itertools
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
MAX_ENTRIES = 3_000
_ENTRY = "model.py"
_IMPORT = re.compile(
    rb"""^(?:\xef\xbb\xbf)?(?:[^#\n"']*;)?[ \t]*+(?:import[ \t]++(?:[^,;#\n]*+,[ \t]*+)*(torch|tensorflow|keras)\b"""
    rb"""|from[ \t]++(torch|tensorflow|keras)(?:\.[\w.]*+)?[ \t]++import\b)""",
    re.MULTILINE,
)
"""An import of a framework: first on its line, after a semicolon, or one of several names. Linear on any text."""
_CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Follow no link, wait for nobody, as it lies on the disk; each where the system knows it."""
_OTHER_FORMS = (".ipynb", ".zip")
"""Forms that students hand in as well; not taken yet, but never passed over in silence."""
_IGNORED = {"__pycache__", "__MACOSX"}
_ONE_FILE = "a folder with model.py, or one .py file"

Found = Submission | Rejected


def discover(folder: Path) -> list[Found]:
    """Every submission in a folder, by name: each subfolder, and each .py file. Raises UsageError if there is none."""
    if not folder.is_dir():
        raise UsageError("a folder of submissions", f"{_shown(str(folder))} is not a folder", "name the right folder")
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if _is_submission(entry))
    except OSError as error:
        raise UsageError("a readable folder of submissions", str(error), "make it readable") from None
    if not entries:
        raise UsageError(f"submissions in {_shown(str(folder))}", "none", "put each in a folder <name>/model.py")
    return [take_in(folder / entry, name) for entry, name in zip(entries, _distinct_names(entries), strict=True)]


def _distinct_names(entries: list[str]) -> list[str]:
    """A name for each submission: without .py where that is no other one's name, and numbered where two look alike."""
    names: dict[str, None] = {}
    for entry in entries:
        stem = entry.removesuffix(".py")
        base = name = _shown(entry if stem in entries else stem)
        number = 2
        while name in names:
            name, number = f"{base} ({number})", number + 1
        names[name] = None
    return list(names)


def _is_submission(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _IGNORED:
        return False
    return entry.is_dir(follow_symlinks=False) or entry.is_symlink() or entry.name.endswith((".py", *_OTHER_FORMS))


def take_in(path: Path, name: str | None = None) -> Found:
    """One submission: a folder or a single .py file, named after it. What is wrong with it becomes a failed check."""
    path = Path(os.path.abspath(path))
    name = name or _shown(path.stem if path.suffix == ".py" else path.name)
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
    if path.suffix in _OTHER_FORMS and kind == "file":
        raise _wrong(_ONE_FILE, f"a {path.suffix} file", "hand in the model definition as model.py")
    if kind == "file":
        yield _shown(path.name), path
        return
    if kind != "folder":
        raise _wrong(_ONE_FILE, f"{kind} named {_shown(path.name)}", "hand in the file itself")
    yield from _walk_folder(path)


def _walk_folder(top: Path) -> Iterator[tuple[str, Path]]:
    """Python files below a folder, in order of path. Bounded in depth and in the number of entries looked at."""
    room = MAX_ENTRIES
    folders = [(top, "")]
    while folders:
        folder, prefix = folders.pop()
        names = _names(folder, room)
        room -= len(names)
        below = []
        for name in names:
            path, relative = folder / name, f"{prefix}{_shown(name)}"
            kind = _kind(path)
            if kind == "folder":
                below.append((path, f"{relative}/"))
            elif name.endswith(".py"):
                if kind != "file":
                    raise _wrong("a regular file", f"{kind} named {relative}", "hand in the file itself")
                yield relative, path
        if below and prefix.count("/") >= MAX_DEPTH:
            raise _wrong(f"at most {MAX_DEPTH} nested folders", "more", "put the model at the top of the folder")
        folders += reversed(below)


def _names(folder: Path, room: int) -> list[str]:
    """Sorted names in a folder, but for hidden ones; more entries than there is room for are not even read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, room + 1)]
    except OSError as error:
        raise _wrong("a readable folder", str(error.strerror), "make it readable") from None
    if len(names) > room:
        raise _wrong("a few Python files", f"more than {MAX_ENTRIES:,} files and folders", "hand in the model only")
    return sorted(name for name in names if not name.startswith(".") and name not in _IGNORED)


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
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
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
    """The one `model.py` nearest to the top, else the only file."""
    named = [f.path for f in files if f.path == _ENTRY or f.path.endswith(f"/{_ENTRY}")]
    nearest = [path for path in named if path.count("/") == min(other.count("/") for other in named)]
    if len(nearest) == 1:
        return nearest[0]
    if nearest:
        found = f"{len(nearest)} files: {', '.join(nearest[:8])}"
        raise _wrong(f"one {_ENTRY}", found, "hand in one of them, or put it at the top of the folder")
    if len(files) == 1:
        return files[0].path
    if not files:
        raise _wrong(_ONE_FILE, "no Python file", "hand in model.py")
    listed = ", ".join(f.path for f in files[:8])
    raise _wrong(_ONE_FILE, f"{len(files)} files: {listed}", "name the file that defines the model model.py")


def _find_framework(files: tuple[SourceFile, ...]) -> Framework:
    """The framework that the files import; read as text, because parsing hostile source can end the process."""
    found = {match[1] or match[2] for file in files for match in _IMPORT.finditer(file.content)}
    frameworks = {Framework.TORCH if name == b"torch" else Framework.TENSORFLOW for name in found}
    if len(frameworks) == 1:
        return frameworks.pop()
    if not frameworks:
        raise SubmissionError(
            "framework", "import torch, or import keras", "neither", "define the model in one of them"
        )
    raise SubmissionError("framework", "one framework", "both torch and Keras are imported", "import only one of them")
